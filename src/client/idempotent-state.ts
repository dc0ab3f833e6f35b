/**
 * Producer id, epoch and sequences of an idempotent producer (the non-transactional part of TransactionManager).
 *
 * Sequences are taken when a batch is drained; a retry keeps id, epoch and sequence. OUT_OF_ORDER_SEQUENCE_NUMBER is
 * retried; only a gap that is proven (the batch that comes next was refused) or a batch given up after it was sent bumps
 * the epoch (KIP-360), locally, and renumbers the batches in flight of the partitions that asked for it. Other partitions
 * go on under their old epoch until nothing of theirs is in flight (KAFKA-12152 is what happens otherwise).
 *
 * Known hole, copied from Java (KAFKA-14034): a renumbered batch may already lie in the log under its old numbers, and the
 * broker then takes it for new. With the mend such a batch is given up as indeterminate instead.
 */
import { invariant } from '../base/assert.ts'
import type { Env } from '../env/env.ts'
import { ErrorCode, errorName, isRetriable } from '../protocol/errors.ts'
import { partitionName } from '../base/partition-name.ts'
import { PartitionSequences } from './partition-sequences.ts'
import type { ProducerBatch } from './producer-batch.ts'

const MAX_EPOCH = 32_767
const FEW_EPOCHS = 6

export class IdempotentState {
  producerId = -1
  producerEpoch = -1

  private readonly env: Env
  private readonly abandon: (batch: ProducerBatch) => void
  private readonly partitions = new Map<string, PartitionSequences>()
  /** Partition to the sequence after the last batch that expired although it had been sent. */
  private readonly unresolved = new Map<string, number>()
  private readonly toRenumber = new Set<string>()
  private bumpReason: string | undefined = undefined

  /** `abandon` is told of a batch that must be given up instead of renumbered (mend KAFKA-14034). */
  constructor(env: Env, abandon: (batch: ProducerBatch) => void) {
    this.env = env
    this.abandon = abandon
  }

  get hasProducerId(): boolean {
    return this.producerId !== -1
  }

  /** A new id from InitProducerId; partitions that waited for it begin again. */
  adopt(producerId: number, producerEpoch: number): void {
    this.producerId = producerId
    this.producerEpoch = producerEpoch
    this.renumberPartitions()
  }

  /** Numbers a batch that has none yet and tracks it as in flight. */
  assign(batch: ProducerBatch): void {
    invariant(this.hasProducerId && !batch.hasSequence, 'numbers are assigned once, and only under a producer id')
    const state = this.of(batch)
    if (this.isStale(state) && state.inFlight.length === 0) {
      state.startAtBeginning(this.producerId, this.producerEpoch, () => true)
    }
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

  /** `sequenceLost`: the batch is given up although retries were left, so its numbers will never be used. */
  failed(batch: ProducerBatch, errorCode: number, sequenceLost: boolean): void {
    this.untrack(batch)
    if (errorCode === ErrorCode.UNKNOWN_PRODUCER_ID) {
      this.partitions.delete(this.key(batch))
      this.unresolved.delete(this.key(batch))
    } else if (sequenceLost || errorCode === ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER) {
      this.requestBump(batch, errorName(errorCode))
    }
  }

  /** TransactionManager#canRetry for an idempotent producer; may ask for an epoch bump. */
  canRetry(batch: ProducerBatch, errorCode: number, logStartOffset: number): boolean {
    const state = this.of(batch)
    const unresolved = this.unresolved.get(this.key(batch))
    if (errorCode === ErrorCode.UNKNOWN_PRODUCER_ID) {
      // Without a log start offset the partition has moved: ask again. After a reset the answer is about old numbers.
      if (logStartOffset !== -1 && !batch.sequenceHasBeenReset) this.requestBump(batch, 'UNKNOWN_PRODUCER_ID')
      return true
    }
    if (errorCode === ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER) {
      if (unresolved === undefined) {
        const isNext = !batch.sequenceHasBeenReset && state.isNext(batch.baseSequence)
        if (isNext) this.requestBump(batch, 'OUT_OF_ORDER_SEQUENCE_NUMBER')
      } else if (batch.baseSequence === unresolved) {
        this.requestBump(batch, 'gap after an expired batch')
      }
      return true
    }
    return isRetriable(errorCode)
  }

  /** A batch that had been sent before has expired: nothing new goes to the partition until the rest is resolved. */
  markUnresolved(batch: ProducerBatch): void {
    const key = this.key(batch)
    this.unresolved.set(key, Math.max(this.unresolved.get(key) ?? 0, batch.lastSequence + 1))
  }

  /** Once nothing of an unresolved partition is in flight, its fate is known: no gap, or an epoch bump. */
  resolveSequences(): void {
    for (const key of this.unresolved.keys()) {
      const state = this.stateOf(key)
      if (state.inFlight.length > 0) continue
      if (!state.isNext(state.nextSequence)) {
        this.bumpReason ??= 'expired batches'
        this.toRenumber.add(key)
      }
      this.unresolved.delete(key)
    }
  }

  /** Bumps the epoch if somebody asked; when epochs are exhausted the id is dropped and a new one is needed. */
  bumpIfNeeded(): void {
    const reason = this.bumpReason
    if (reason === undefined || !this.hasProducerId) return
    this.bumpReason = undefined
    if (this.producerEpoch >= (this.env.buggify.has('few-epochs') ? FEW_EPOCHS : MAX_EPOCH)) {
      this.producerId = -1
      this.producerEpoch = -1
      return
    }
    this.producerEpoch++
    this.env.observe({ kind: 'client-epoch-bump', producerId: this.producerId, producerEpoch: this.producerEpoch, reason })
    this.renumberPartitions()
  }

  private renumberPartitions(): void {
    for (const key of this.toRenumber) {
      this.stateOf(key).startAtBeginning(this.producerId, this.producerEpoch, (batch, sequence) => this.mayRenumber(batch, sequence))
      this.unresolved.delete(key)
    }
    this.toRenumber.clear()
  }

  private mayRenumber(batch: ProducerBatch, sequence: number): boolean {
    if (!batch.mayBeWritten && !batch.onTheWire) return true
    if (this.env.mends.has('KAFKA-14034')) {
      this.abandon(batch)
      return false
    }
    this.env.observe({
      kind: 'client-renumbered',
      topic: batch.topic,
      partition: batch.partition,
      producerId: this.producerId,
      fromEpoch: batch.producerEpoch,
      toEpoch: this.producerEpoch,
      fromSequence: batch.baseSequence,
      toSequence: sequence,
    })
    return true
  }

  private requestBump(batch: ProducerBatch, reason: string): void {
    this.bumpReason ??= reason
    this.toRenumber.add(this.key(batch))
  }

  private isStale(state: PartitionSequences): boolean {
    return state.producerId !== this.producerId || state.producerEpoch !== this.producerEpoch
  }

  private key(batch: ProducerBatch): string {
    return partitionName(batch.topic, batch.partition)
  }

  private of(batch: ProducerBatch): PartitionSequences {
    return this.stateOf(this.key(batch))
  }

  private stateOf(key: string): PartitionSequences {
    let state = this.partitions.get(key)
    if (state === undefined) this.partitions.set(key, (state = new PartitionSequences()))
    return state
  }
}
