/**
 * Sequences of a producer that is idempotent but not transactional: it bumps its epoch by itself.
 *
 * OUT_OF_ORDER_SEQUENCE_NUMBER is retried; only a gap that is proven (the batch that comes next was refused) or a batch
 * given up after it was sent bumps the epoch (KIP-360), locally, and renumbers the batches in flight of the partitions that
 * asked for it.
 *
 * Known hole, copied from Java (KAFKA-14034): a renumbered batch may already lie in the log under its old numbers, and the
 * broker then takes it for new. With the mend such a batch is given up as indeterminate instead. The defect of that name opens
 * it wide: any refusal counts as proof, for all partitions at once (as in the producers of librdkafka and Redpanda once).
 */
import type { Env } from '../env/env.ts'
import { ErrorCode, errorName, isRetriable } from '../protocol/errors.ts'
import type { ProducerBatch } from './producer-batch.ts'
import { ProducerSequences } from './producer-sequences.ts'

const MAX_EPOCH = 32_767
const FEW_EPOCHS = 6

export class IdempotentState extends ProducerSequences {
  readonly isTransactional = false

  private readonly abandon: (batch: ProducerBatch) => void
  private readonly toRenumber = new Set<string>()
  private bumpReason: string | undefined = undefined

  /** `abandon` is told of a batch that must be given up instead of renumbered (mend KAFKA-14034). */
  constructor(env: Env, abandon: (batch: ProducerBatch) => void) {
    super(env)
    this.abandon = abandon
  }

  /** A new id from InitProducerId; partitions that waited for it begin again. */
  adopt(producerId: number, producerEpoch: number): void {
    this.producerId = producerId
    this.producerEpoch = producerEpoch
    this.renumberPartitions()
  }

  failed(batch: ProducerBatch, errorCode: number, _error: string, sequenceLost: boolean): void {
    this.untrack(batch)
    if (errorCode === ErrorCode.UNKNOWN_PRODUCER_ID) this.forgetPartition(batch)
    else if (sequenceLost || errorCode === ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER) this.requestBump(batch, errorName(errorCode))
  }

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
        const isProven = this.env.defects.has('KAFKA-14034') ? true : state.isNext(batch.baseSequence)
        if (isProven && !batch.sequenceHasBeenReset) this.requestBump(batch, 'OUT_OF_ORDER_SEQUENCE_NUMBER')
      } else if (batch.baseSequence === unresolved) {
        this.requestBump(batch, 'gap after an expired batch')
      }
      return true
    }
    return isRetriable(errorCode)
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

  protected gapFound(key: string): void {
    this.bumpReason ??= 'expired batches'
    this.toRenumber.add(key)
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
    if (this.env.defects.has('KAFKA-14034')) return true
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
    const all = this.env.defects.has('KAFKA-14034') ? [...this.partitions.keys()] : []
    for (const key of [this.key(batch), ...all]) this.toRenumber.add(key)
  }
}
