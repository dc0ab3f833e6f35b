/**
 * Checks the batches of one append against the producers' state (UnifiedLog#analyzeAndValidateProducerState) and collects
 * what to change once they are written. Throws before anything has changed.
 */
import { endMarkerOf, NO_PRODUCER_ID } from './batch-header.ts'
import type { BatchHeader } from './batch-header.ts'
import type { AppendOrigin, CompletedTransaction, ProducerAppend } from './producer-append.ts'
import type { RememberedBatch } from './producer-entry.ts'
import type { ProducerState } from './producer-state.ts'

export interface ProducerChanges {
  /** Set when the batch is in the log already; then there is nothing to change. */
  readonly duplicate: RememberedBatch | undefined
  readonly appends: readonly ProducerAppend[]
  readonly completed: readonly CompletedTransaction[]
}

const NOTHING: ProducerChanges = { duplicate: undefined, appends: [], completed: [] }

/** @throws ProducerRejection, ApiError INVALID_TXN_STATE, TRANSACTION_COORDINATOR_FENCED */
export function checkProducers(
  producers: ProducerState, bytes: Uint8Array, headers: readonly BatchHeader[], origin: AppendOrigin,
): ProducerChanges {
  let appends: Map<number, ProducerAppend> | undefined
  const completed: CompletedTransaction[] = []
  for (const header of headers) {
    const { producerId } = header
    if (producerId === NO_PRODUCER_ID) continue
    if (origin === 'client') {
      const duplicate = producers.entry(producerId)?.findDuplicate(header)
      if (duplicate !== undefined) return { duplicate, appends: [], completed: [] }
    }
    appends ??= new Map()
    let append = appends.get(producerId)
    if (append === undefined) appends.set(producerId, append = producers.prepare(producerId, origin))
    if (!header.isControl) {
      append.data(header)
      continue
    }
    const marker = endMarkerOf(bytes, header)
    const ended = marker === undefined ? undefined : append.marker(marker, header.producerEpoch, header.baseOffset)
    if (ended !== undefined) completed.push(ended)
  }
  return appends === undefined ? NOTHING : { duplicate: undefined, appends: [...appends.values()], completed }
}
