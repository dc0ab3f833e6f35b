/**
 * Checks the batches of one append against the producers' state (UnifiedLog#analyzeAndValidateProducerState) and collects
 * what to change once they are written. Throws before anything has changed.
 *
 * In this order: a duplicate succeeds; a transactional batch outside an open transaction needs a current epoch and the
 * guard of a verification that nothing has overtaken (KIP-890); then what ProducerAppend checks.
 */
import { ApiError } from '../protocol/api-error.ts'
import { ErrorCode } from '../protocol/errors.ts'

import { endMarkerOf, NO_PRODUCER_ID } from './batch-header.ts'
import type { BatchHeader } from './batch-header.ts'
import { ProducerRejection } from './producer-append.ts'
import type { AppendOrigin, CompletedTransaction, EndMarker, ProducerAppend } from './producer-append.ts'
import { NO_OFFSET } from './producer-entry.ts'
import type { RememberedBatch } from './producer-entry.ts'
import type { ProducerState } from './producer-state.ts'
import { NO_SEQUENCE } from './sequence.ts'
import type { AppendProof } from './verification.ts'

export interface ProducerChanges {
  /** Set when the batch is in the log already; then there is nothing to change. */
  readonly duplicate: RememberedBatch | undefined
  readonly appends: readonly ProducerAppend[]
  readonly completed: readonly CompletedTransaction[]
  readonly markers: readonly WrittenMarker[]
}

export interface WrittenMarker {
  readonly header: BatchHeader
  readonly marker: EndMarker
  /** Of the transaction that it ends; NO_OFFSET when none is open. */
  readonly firstOffset: number
  readonly transactionVersion: number
}

const NOTHING: ProducerChanges = { duplicate: undefined, appends: [], completed: [], markers: [] }

/** @throws ProducerRejection, ApiError INVALID_TXN_STATE, TRANSACTION_COORDINATOR_FENCED */
export function checkProducers(
  producers: ProducerState, bytes: Uint8Array, headers: readonly BatchHeader[], origin: AppendOrigin, proof: AppendProof,
): ProducerChanges {
  let appends: Map<number, ProducerAppend> | undefined
  const completed: CompletedTransaction[] = []
  const markers: WrittenMarker[] = []
  for (const header of headers) {
    const { producerId } = header
    if (producerId === NO_PRODUCER_ID) continue
    if (origin === 'client') {
      const duplicate = producers.entry(producerId)?.findDuplicate(header)
      if (duplicate !== undefined) return { ...NOTHING, duplicate }
    }
    if (header.isTransactional && origin !== 'replication') checkProof(producers, header, proof)
    appends ??= new Map()
    let append = appends.get(producerId)
    if (append === undefined) appends.set(producerId, append = producers.prepare(producerId, origin))
    if (!header.isControl) {
      append.data(header)
      continue
    }
    const marker = endMarkerOf(bytes, header)
    if (marker === undefined) {
      producers.skipEmptyMarker(append, header)
      continue
    }
    const transactionVersion = proof.transactionVersion ?? 0
    const ended = append.marker(marker, header.producerEpoch, header.baseOffset, { transactionVersion, keepsTimestamp: producers.markersKeepTimestamp })
    markers.push({ header, marker, firstOffset: ended?.firstOffset ?? NO_OFFSET, transactionVersion })
    if (ended !== undefined) completed.push(ended)
  }
  return appends === undefined ? NOTHING : { duplicate: undefined, appends: [...appends.values()], completed, markers }
}

function checkProof(producers: ProducerState, header: BatchHeader, proof: AppendProof): void {
  const { producerId, producerEpoch } = header
  if (producers.hasOpenTransaction(producerId, producerEpoch)) return
  const known = producers.entry(producerId)?.epoch
  if (known !== undefined && producerEpoch < known) {
    throw new ProducerRejection(ErrorCode.INVALID_PRODUCER_EPOCH,
      `epoch ${producerEpoch} of producer ${producerId} is smaller than the last seen epoch ${known}`, NO_SEQUENCE)
  }
  if (header.isControl || !producers.requiresVerification) return
  const guard = producers.verifications.entry(producerId)?.guard
  if (guard === undefined || guard !== proof.guard) {
    throw new ApiError(ErrorCode.INVALID_TXN_STATE, `producer ${producerId} has no verified transaction in epoch ${producerEpoch}`)
  }
}
