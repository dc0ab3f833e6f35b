/**
 * What the cleaner must leave of each producer, or a replay of the log would forget how far it got (UnifiedLog#
 * lastRecordsOfActiveProducers): the batch with its last data offset; a producer that has only its marker since its epoch was
 * raised keeps the markers of that epoch, which fence its older self.
 */
import type { ProducerState } from '../producer-state.ts'

export interface LastRecord {
  /** undefined: none in this epoch. */
  readonly lastDataOffset: number | undefined
  readonly lastSequence: number
  readonly producerEpoch: number
}

export function lastRecordsOf({ producers }: ProducerState): ReadonlyMap<number, LastRecord> {
  const last = new Map<number, LastRecord>()
  for (const { producerId, epoch, lastSequence, batches } of producers.values()) {
    last.set(producerId, { lastDataOffset: batches.at(-1)?.lastOffset, lastSequence, producerEpoch: epoch })
  }
  return last
}
