/**
 * What a coordinator knows of one transactional id (Kafka: TransactionMetadata, TxnTransitMetadata): the state as the log
 * has it, and the state that a record on its way would lead to. `prepare...` decides a transition and marks it as pending;
 * nobody else may begin one until it has been written and `complete`d, or `clearPending` gives it up.
 *
 * Epochs end at `epochLimit`; the one before is the last that a producer gets, so that there is always one left to fence it
 * with. Under transaction version 2 each transaction ends with the next epoch (KIP-890), and one that uses them up moves to
 * `nextProducerId` once its markers are written.
 */
import { invariant } from '../../base/assert.ts'
import type { Millis } from '../../base/time.ts'
import { ApiError } from '../../protocol/api-error.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { isFinished, isPrepared, mayFollow } from './transaction-state.ts'
import type { TransactionState } from './transaction-state.ts'

export const NO_PRODUCER_ID = -1
export const NO_EPOCH = -1
export const NO_TIME = -1
/** The greatest epoch, Short.MAX_VALUE. */
export const LAST_EPOCH = 32_767
/** transaction.version from which leaders add partitions and every transaction ends with an epoch bump. */
const EPOCH_BUMP_VERSION = 2

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** By partition name, in order of arrival. */
export type PartitionSet = ReadonlyMap<string, TopicPartition>

export const NO_PARTITIONS: PartitionSet = new Map()

/** One state of a transactional id, as it is written to the log. */
export interface TransactionFields {
  readonly producerId: number
  /** The one before, if the last transition has changed it. */
  readonly previousProducerId: number
  /** What the producer will be once the markers of the transaction that used its epochs up are written. */
  readonly nextProducerId: number
  readonly producerEpoch: number
  /** Not in the log: a retry that spans a change of the coordinator does not find it. */
  readonly lastProducerEpoch: number
  readonly timeoutMs: Millis
  readonly state: TransactionState
  readonly partitions: PartitionSet
  /** Wall clock, NO_TIME before the first transaction. */
  readonly startedMs: Millis
  readonly updatedMs: Millis
  /** transaction.version that the client spoke when this state was reached. */
  readonly clientVersion: number
}

export function supportsEpochBump(transactionVersion: number): boolean {
  return transactionVersion >= EPOCH_BUMP_VERSION
}

export class TransactionMetadata {
  readonly transactionalId: string
  private readonly epochLimit: number
  private current: TransactionFields
  private pending: TransactionState | undefined = undefined
  /** A fence raised the epoch, or was about to, but its record was not written: do not raise it again. */
  hasFailedFence = false

  constructor(transactionalId: string, fields: TransactionFields, epochLimit = LAST_EPOCH) {
    this.transactionalId = transactionalId
    this.current = fields
    this.epochLimit = epochLimit
  }

  get fields(): TransactionFields {
    return this.current
  }

  get pendingState(): TransactionState | undefined {
    return this.pending
  }

  get isEpochExhausted(): boolean {
    return this.isExhausted(this.current.producerEpoch)
  }

  isExhausted(epoch: number): boolean {
    return epoch >= this.epochLimit - 1
  }

  clearPending(): void {
    this.pending = undefined
  }

  /** A marker is written there, or nobody can write one any more. */
  removePartition(name: string): void {
    invariant(isPrepared(this.current.state), `a marker of a transaction in state ${this.current.state}`)
    const partitions = new Map(this.current.partitions)
    partitions.delete(name)
    this.current = { ...this.current, partitions }
  }

  // ---- transitions ----

  /** Whoever holds the current epoch is to be shut out; followed at once by the abort of its transaction. Returns the epoch. */
  prepareFence(o: { readonly raisesEpoch: boolean }): number {
    const { producerEpoch } = this.current
    invariant(producerEpoch < this.epochLimit, `no epoch is left to fence producer ${this.current.producerId}`)
    // What a failed fence has raised was never given to anybody.
    const epoch = this.hasFailedFence || !o.raisesEpoch ? producerEpoch : producerEpoch + 1
    this.prepare({ state: 'PrepareEpochFence', producerEpoch: epoch })
    return epoch
  }

  /** The fence goes over into an abort; before version 2 its epoch counts from now on, whatever becomes of the record. */
  beginFencedAbort(epoch: number | undefined): void {
    invariant(this.pending === 'PrepareEpochFence', `a fenced abort while ${String(this.pending)} is pending`)
    this.pending = undefined
    if (epoch !== undefined) this.current = { ...this.current, producerEpoch: epoch, lastProducerEpoch: NO_EPOCH }
  }

  /**
   * A producer begins, or goes on after an error with the epoch that it had (`expectedEpoch`).
   * @throws ApiError PRODUCER_FENCED, UNKNOWN_SERVER_ERROR when no epoch is left
   */
  prepareIncrementEpoch(timeoutMs: Millis, expectedEpoch: number | undefined, now: Millis): TransactionFields {
    const { producerEpoch, lastProducerEpoch } = this.current
    if (this.isEpochExhausted) throw new ApiError(ErrorCode.UNKNOWN_SERVER_ERROR, `no epoch is left for producer ${this.current.producerId}`)
    let next = { producerEpoch: producerEpoch + 1, lastProducerEpoch: NO_EPOCH }
    if (expectedEpoch !== undefined) {
      if (producerEpoch === NO_EPOCH || expectedEpoch === producerEpoch) next = { producerEpoch: producerEpoch + 1, lastProducerEpoch: producerEpoch }
      // A retry of a request that was answered: nobody else has been here since, or the last epoch would be forgotten.
      else if (expectedEpoch === lastProducerEpoch) next = { producerEpoch, lastProducerEpoch }
      else throw new ApiError(ErrorCode.PRODUCER_FENCED)
    }
    return this.prepare({ state: 'Empty', ...next, timeoutMs, partitions: NO_PARTITIONS, startedMs: NO_TIME, updatedMs: now })
  }

  /** The producer has used its epochs up: it gets another id. */
  prepareRotation(producerId: number, timeoutMs: Millis, now: Millis, keepsLastEpoch: boolean): TransactionFields {
    const lastProducerEpoch = keepsLastEpoch ? this.current.producerEpoch : NO_EPOCH
    return this.prepare({ state: 'Empty', producerId, producerEpoch: 0, lastProducerEpoch, timeoutMs, partitions: NO_PARTITIONS, startedMs: NO_TIME, updatedMs: now })
  }

  prepareAddPartitions(added: PartitionSet, now: Millis, clientVersion: number): TransactionFields {
    const startedMs = isFinished(this.current.state) ? now : this.current.startedMs
    return this.prepare({ state: 'Ongoing', partitions: new Map([...this.current.partitions, ...added]), startedMs, updatedMs: now, clientVersion })
  }

  /** `raisesEpoch`: of version 2. `wroteNothing`: an abort of version 2 outside a transaction. */
  prepareEnd(state: 'PrepareCommit' | 'PrepareAbort', o: { readonly clientVersion: number; readonly nextProducerId: number; readonly now: Millis; readonly wroteNothing: boolean; readonly raisesEpoch: boolean }): TransactionFields {
    const { producerEpoch, startedMs } = this.current
    const epochs = o.raisesEpoch ? { producerEpoch: producerEpoch + 1, lastProducerEpoch: producerEpoch } : {}
    return this.prepare({ state, ...epochs, nextProducerId: o.nextProducerId, startedMs: o.wroteNothing ? o.now : startedMs, updatedMs: o.now, clientVersion: o.clientVersion })
  }

  /** The epoch that ran out stays the last one, which is what the client has seen. */
  prepareComplete(now: Millis): TransactionFields {
    this.hasFailedFence = false
    const { state, nextProducerId, clientVersion } = this.current
    const rotated = supportsEpochBump(clientVersion) && nextProducerId !== NO_PRODUCER_ID ? { producerId: nextProducerId, producerEpoch: 0 } : {}
    return this.prepare({
      state: state === 'PrepareCommit' ? 'CompleteCommit' : 'CompleteAbort', ...rotated, nextProducerId: NO_PRODUCER_ID, partitions: NO_PARTITIONS, updatedMs: now,
    })
  }

  prepareDead(): TransactionFields {
    return this.prepare({ state: 'Dead', partitions: NO_PARTITIONS })
  }

  /** The record of this transition is acknowledged. */
  complete(next: TransactionFields): void {
    const { current, transactionalId } = this
    const told = `${transactionalId}: ${current.state} to ${next.state}`
    invariant(this.pending === next.state, `${told} while ${String(this.pending)} is pending`)
    invariant(next.state !== 'Dead' && next.state !== 'PrepareEpochFence', `${told} is never applied`)
    invariant(this.isEpochOf(next), `${told} with epoch ${next.producerEpoch} of ${next.producerId} after ${current.producerEpoch} of ${current.producerId}`)
    if (next.state !== 'Empty') invariant(next.timeoutMs === current.timeoutMs, `${told} with another time-out`)
    if (next.state === 'Ongoing') for (const name of current.partitions.keys()) invariant(next.partitions.has(name), `${told} without ${name}`)
    this.current = next
    this.pending = undefined
  }

  private isEpochOf(next: TransactionFields): boolean {
    const { producerId, producerEpoch, lastProducerEpoch } = this.current
    if (next.state === 'Empty') {
      return next.producerEpoch === producerEpoch || next.producerEpoch === producerEpoch + 1 || (next.producerEpoch === 0 && next.producerId !== producerId)
    }
    if (next.producerId !== producerId) return next.producerEpoch === 0 && next.previousProducerId === producerId && next.lastProducerEpoch === lastProducerEpoch
    return next.producerEpoch === producerEpoch || (isPrepared(next.state) && next.lastProducerEpoch === producerEpoch)
  }

  private prepare(change: Partial<TransactionFields> & { readonly state: TransactionState }): TransactionFields {
    invariant(this.pending === undefined, `${this.transactionalId}: ${change.state} while ${String(this.pending)} is pending`)
    invariant(mayFollow(change.state, this.current.state), `${this.transactionalId}: ${change.state} after ${this.current.state}`)
    this.pending = change.state
    return { ...this.current, ...change, previousProducerId: this.current.producerId }
  }
}

/** A transactional id that has just been heard of. */
export function newTransaction(producerId: number, timeoutMs: Millis, now: Millis): TransactionFields {
  return {
    producerId, previousProducerId: NO_PRODUCER_ID, nextProducerId: NO_PRODUCER_ID, producerEpoch: NO_EPOCH, lastProducerEpoch: NO_EPOCH, timeoutMs,
    state: 'Empty', partitions: NO_PARTITIONS, startedMs: NO_TIME, updatedMs: now, clientVersion: 0,
  }
}
