/**
 * Producer id, epoch and sequences of a producer that has them: what TransactionManager does alike for idempotent and for
 * transactional producers. What differs (when a batch may be retried, what a lost number leads to) is in IdempotentState
 * and TransactionalSequences.
 *
 * Sequences are taken when a batch is drained; a retry keeps id, epoch and sequence. After an epoch bump a partition goes
 * on under its old epoch until nothing of its own is in flight (KAFKA-12152 is what happens otherwise).
 */
import { invariant } from '../base/assert.ts'
import { partitionName } from '../base/partition-name.ts'
import type { Env } from '../env/env.ts'
import { PartitionSequences } from './partition-sequences.ts'
import type { ProducerBatch } from './producer-batch.ts'

export abstract class ProducerSequences {
  producerId = -1
  producerEpoch = -1

  abstract readonly isTransactional: boolean
  protected readonly env: Env
  protected readonly partitions = new Map<string, PartitionSequences>()
  /** Partition to the sequence after the last batch that expired although it had been sent. */
  protected readonly unresolved = new Map<string, number>()

  constructor(env: Env) {
    this.env = env
  }

  /** Does the answer to `batch` allow another attempt? May ask for an epoch bump. (TransactionManager#canRetry) */
  abstract canRetry(batch: ProducerBatch, errorCode: number, logStartOffset: number): boolean

  /** `sequenceLost`: the batch is given up although retries were left, so its numbers will never be used. */
  abstract failed(batch: ProducerBatch, errorCode: number, error: string, sequenceLost: boolean): void

  /** Nothing of the partition is in flight, and numbers were given out that nobody acknowledged. */
  protected abstract gapFound(key: string): void

  /** Everything that waits goes out now, whether it has lingered or not. */
  get sendsAll(): boolean {
    return false
  }

  get hasProducerId(): boolean {
    return this.producerId !== -1
  }

  /** Numbers a batch that has none yet and tracks it as in flight. */
  assign(batch: ProducerBatch): void {
    invariant(this.hasProducerId && !batch.hasSequence, 'numbers are assigned once, and only under a producer id')
    const state = this.of(batch)
    if (this.isStale(state) && state.inFlight.length === 0) {
      state.startAtBeginning(this.producerId, this.producerEpoch, () => true)
    }
    batch.isTransactional = this.isTransactional
    batch.setProducerState(this.producerId, this.producerEpoch, state.take(batch.recordCount))
    state.add(batch)
  }

  /** May the first batch of a partition's queue be drained now? (RecordAccumulator#shouldStopDrainBatchesForPartition) */
  mayDrain(first: ProducerBatch): boolean {
    if (!this.hasProducerId) return false
    const state = this.of(first)
    const next = state.inFlight[0]
    if (!first.hasSequence) {
      if (next !== undefined && this.isStale(state)) return false
      return !this.unresolved.has(this.key(first))
    }
    // A retry goes only when it is the oldest in flight, so that batches keep their order.
    return next === undefined || next.baseSequence === first.baseSequence
  }

  track(batch: ProducerBatch): void {
    this.of(batch).add(batch)
  }

  untrack(batch: ProducerBatch): void {
    this.of(batch).remove(batch)
  }

  isTracked(batch: ProducerBatch): boolean {
    return this.of(batch).inFlight.includes(batch)
  }

  completed(batch: ProducerBatch): void {
    const state = this.of(batch)
    state.lastAckedSequence = Math.max(state.lastAckedSequence, batch.lastSequence)
    state.remove(batch)
  }

  /** A batch that had been sent before has expired: nothing new goes to the partition until the rest is resolved. */
  markUnresolved(batch: ProducerBatch): void {
    const key = this.key(batch)
    this.unresolved.set(key, Math.max(this.unresolved.get(key) ?? 0, batch.lastSequence + 1))
  }

  /** Once nothing of an unresolved partition is in flight, its fate is known: no gap, or one. */
  resolveSequences(): void {
    for (const key of this.unresolved.keys()) {
      const state = this.stateOf(key)
      if (state.inFlight.length > 0) continue
      if (!state.isNext(state.nextSequence)) this.gapFound(key)
      this.unresolved.delete(key)
    }
  }

  /** The broker has forgotten the producer there: the partition begins again. */
  protected forgetPartition(batch: ProducerBatch): void {
    this.partitions.delete(this.key(batch))
    this.unresolved.delete(this.key(batch))
  }

  protected isStale(state: PartitionSequences): boolean {
    return state.producerId !== this.producerId || state.producerEpoch !== this.producerEpoch
  }

  protected key(batch: ProducerBatch): string {
    return partitionName(batch.topic, batch.partition)
  }

  protected of(batch: ProducerBatch): PartitionSequences {
    return this.stateOf(this.key(batch))
  }

  protected stateOf(key: string): PartitionSequences {
    let state = this.partitions.get(key)
    if (state === undefined) this.partitions.set(key, (state = new PartitionSequences()))
    return state
  }
}
