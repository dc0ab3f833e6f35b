/**
 * Sequences of a transactional producer: what goes wrong fails the transaction, and the next epoch begins anew
 * (the transactional branches of TransactionManager). Nothing is renumbered under a new epoch, so that KAFKA-14034 does
 * not concern it.
 *
 * Unlike Kafka, UNKNOWN_PRODUCER_ID, which no 4.x broker answers, always fails the transaction, also when retention
 * explains it.
 */
import type { Env } from '../../env/env.ts'
import { ErrorCode, isRetriable } from '../../protocol/errors.ts'
import type { ProducerBatch } from '../producer-batch.ts'
import { ProducerSequences } from '../producer-sequences.ts'
import type { TransactionState } from './transaction-state.ts'

export class TransactionalSequences extends ProducerSequences {
  readonly isTransactional = true
  private readonly state: TransactionState

  constructor(env: Env, state: TransactionState) {
    super(env)
    this.state = state
  }

  override get sendsAll(): boolean {
    return this.state.isCompleting
  }

  /** A new id or epoch: everything begins at 0. */
  adopt(producerId: number, producerEpoch: number): void {
    this.producerId = producerId
    this.producerEpoch = producerEpoch
    this.partitions.clear()
    this.unresolved.clear()
  }

  /** Only to partitions of the transaction (TransactionManager#isSendToPartitionAllowed). */
  override mayDrain(first: ProducerBatch): boolean {
    return this.state.phase !== 'fatal-error' && this.state.added.has(this.key(first)) && super.mayDrain(first)
  }

  canRetry(batch: ProducerBatch, errorCode: number, logStartOffset: number): boolean {
    if (errorCode === ErrorCode.UNKNOWN_PRODUCER_ID) return logStartOffset === -1 || batch.sequenceHasBeenReset
    if (errorCode === ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER) {
      // A batch before it is still on its way; otherwise the gap is real.
      return !this.unresolved.has(this.key(batch)) && (batch.sequenceHasBeenReset || !this.of(batch).isNext(batch.baseSequence))
    }
    return isRetriable(errorCode)
  }

  failed(batch: ProducerBatch, errorCode: number, error: string, sequenceLost: boolean): void {
    const wasTracked = this.isTracked(batch)
    this.state.sendFailed(errorCode, error)
    this.untrack(batch)
    if (this.state.phase === 'fatal-error') return
    if (errorCode === ErrorCode.UNKNOWN_PRODUCER_ID) this.forgetPartition(batch)
    else if (sequenceLost && wasTracked) this.of(batch).closeGap(batch.baseSequence, batch.recordCount)
  }

  protected gapFound(): void {
    this.state.failTransactionAndBump('TIMEOUT')
  }
}
