/**
 * Sequence numbers of one partition at an idempotent producer (TxnPartitionEntry in Kafka's clients).
 *
 * Invariant: `inFlight` is ordered by (producer id, epoch, base sequence) and holds every batch that was given a sequence
 * and is neither acknowledged nor failed, whether on the wire or waiting for its retry.
 */
import { invariant } from '../base/assert.ts'
import { incrementSequence } from '../protocol/records/record-batch.ts'
import type { ProducerBatch } from './producer-batch.ts'

export const NO_SEQUENCE = -1

function precedes(a: ProducerBatch, b: ProducerBatch): boolean {
  if (a.producerId !== b.producerId) return a.producerId < b.producerId
  if (a.producerEpoch !== b.producerEpoch) return a.producerEpoch < b.producerEpoch
  return a.baseSequence < b.baseSequence
}

export class PartitionSequences {
  producerId = -1
  producerEpoch = -1
  nextSequence = 0
  /** Last sequence of the last acknowledged batch; NO_SEQUENCE before the first. */
  lastAckedSequence = NO_SEQUENCE
  private batches: ProducerBatch[] = []

  get inFlight(): readonly ProducerBatch[] {
    return this.batches
  }

  /** Takes the next numbers for `count` records. */
  take(count: number): number {
    const first = this.nextSequence
    this.nextSequence = incrementSequence(first, count)
    return first
  }

  add(batch: ProducerBatch): void {
    let index = this.batches.length
    while (index > 0 && precedes(batch, this.batches[index - 1]!)) index--
    this.batches.splice(index, 0, batch)
  }

  remove(batch: ProducerBatch): void {
    const index = this.batches.indexOf(batch)
    if (index >= 0) this.batches.splice(index, 1)
  }

  /**
   * Begins again at sequence 0 under another id or epoch. Each batch in flight is offered to `keep` with its new base
   * sequence; those that it declines leave the flight and take no numbers.
   */
  startAtBeginning(producerId: number, producerEpoch: number, keep: (batch: ProducerBatch, sequence: number) => boolean): void {
    this.producerId = producerId
    this.producerEpoch = producerEpoch
    this.nextSequence = 0
    this.lastAckedSequence = NO_SEQUENCE
    const before = this.batches
    this.batches = []
    for (const batch of before) {
      if (!keep(batch, this.nextSequence)) continue
      batch.resetProducerState(producerId, producerEpoch, this.take(batch.recordCount))
      this.batches.push(batch)
    }
  }

  /**
   * A batch of `count` records was refused for good: those behind it take its numbers, so that they do not wait for it for
   * ever (TxnPartitionEntry#adjustSequencesDueToFailedBatch).
   */
  closeGap(baseSequence: number, count: number): void {
    this.nextSequence -= count
    invariant(this.nextSequence >= 0, 'a gap is closed among numbers that were given out')
    for (const batch of this.batches) {
      if (batch.baseSequence >= baseSequence) batch.resetProducerState(batch.producerId, batch.producerEpoch, batch.baseSequence - count)
    }
  }

  isNext(sequence: number): boolean {
    return sequence - this.lastAckedSequence === 1
  }
}
