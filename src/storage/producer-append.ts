/**
 * The effect of one append on one producer, computed and checked before anything is written and committed after (Kafka's
 * ProducerAppendInfo): a refused append changes nothing.
 *
 * Order of checks for a client's batch (UnifiedLog#analyzeAndValidateProducerState; duplicates and the proof of an open
 * transaction come before, see producer-check): epoch, sequence, non-transactional inside an open transaction. A
 * coordinator's append is checked for its epoch only, a follower's for nothing but the last.
 *
 * Markers: the coordinator's epoch must not be older than the last one. The producer's must not be older either; under
 * transaction version 2, where each transaction has its own epoch and ends with the next, it must be newer while a
 * transaction is open, or the marker of the transaction before, sent twice, would end this one.
 */
import { ApiError } from '../protocol/api-error.ts'
import { ErrorCode } from '../protocol/errors.ts'
import { incrementSequence } from '../protocol/records/record-batch.ts'
import { NO_EPOCH, NO_OFFSET, ProducerEntry } from './producer-entry.ts'
import type { ProducerBatch, RememberedBatch } from './producer-entry.ts'
import { followsSequence, NO_SEQUENCE } from './sequence.ts'
import type { VerificationEntry } from './verification.ts'

/** The last epoch: no newer one exists for a marker to carry. */
const LAST_EPOCH = 32_767
const EPOCH_BUMP_VERSION = 2

export type AppendOrigin = 'client' | 'coordinator' | 'replication' | 'raft'

/** The control record that ends a transaction. */
export interface EndMarker {
  readonly isAbort: boolean
  readonly coordinatorEpoch: number
  readonly timestamp: number
}

export interface CompletedTransaction {
  readonly producerId: number
  readonly firstOffset: number
  /** Offset of the marker. */
  readonly lastOffset: number
  readonly isAborted: boolean
}

/** A batch was refused for its epoch or sequence. */
export class ProducerRejection extends ApiError {
  /** The sequence that would have been accepted; -1 when the epoch was the reason. */
  readonly expectedSequence: number

  constructor(code: number, message: string, expectedSequence: number) {
    super(code, message)
    this.expectedSequence = expectedSequence
  }
}

export class ProducerAppend {
  readonly updated: ProducerEntry
  /** First offsets of the transactions that this append starts. */
  readonly startedTransactions: number[] = []
  /** Set when a first batch with a sequence other than 0 was let in for want of any state (KAFKA-14359). */
  acceptedFirstSequence = NO_SEQUENCE
  /** Whether the producer's guard has served, or come to nothing. */
  endsVerification = false
  private readonly current: ProducerEntry
  private readonly origin: AppendOrigin
  private readonly requireZeroFirst: boolean
  private readonly verification: VerificationEntry | undefined
  private readonly added: RememberedBatch[] = []

  constructor(current: ProducerEntry, origin: AppendOrigin, o: { readonly requireZeroFirst: boolean; readonly verification: VerificationEntry | undefined }) {
    this.current = current
    this.origin = origin
    this.requireZeroFirst = o.requireZeroFirst
    this.verification = o.verification
    this.updated = new ProducerEntry(current.producerId)
    this.updated.epoch = current.epoch
    this.updated.coordinatorEpoch = current.coordinatorEpoch
    this.updated.lastTimestamp = current.lastTimestamp
    this.updated.currentTxnFirstOffset = current.currentTxnFirstOffset
  }

  data(batch: ProducerBatch): void {
    this.checkEpoch(batch.producerEpoch)
    if (this.origin === 'client') this.checkSequence(batch.producerEpoch, batch.baseSequence)
    const { updated } = this
    if (updated.epoch !== batch.producerEpoch) {
      updated.epoch = batch.producerEpoch
      this.added.length = 0
    }
    this.added.push({
      lastSequence: batch.lastSequence,
      lastOffset: batch.lastOffset,
      offsetDelta: batch.lastOffset - batch.baseOffset,
      timestamp: batch.maxTimestamp,
    })
    updated.lastTimestamp = batch.maxTimestamp
    if (batch.isTransactional) this.endsVerification = true
    if (updated.currentTxnFirstOffset === NO_OFFSET) {
      if (!batch.isTransactional) return
      updated.currentTxnFirstOffset = batch.baseOffset
      this.startedTransactions.push(batch.baseOffset)
    } else if (!batch.isTransactional) {
      throw new ApiError(ErrorCode.INVALID_TXN_STATE, `producer ${batch.producerId} wrote outside its open transaction`)
    }
  }

  /** Applies an end marker; returns the transaction that it completes, if one is open. */
  marker(marker: EndMarker, producerEpoch: number, offset: number, rules: { readonly transactionVersion: number; readonly keepsTimestamp?: boolean }): CompletedTransaction | undefined {
    this.checkEpoch(producerEpoch)
    const { updated, verification } = this
    if (rules.transactionVersion >= EPOCH_BUMP_VERSION) this.checkNewEpoch(producerEpoch)
    if (marker.coordinatorEpoch < updated.coordinatorEpoch && this.origin !== 'replication') {
      throw new ApiError(ErrorCode.TRANSACTION_COORDINATOR_FENCED,
        `coordinator epoch ${marker.coordinatorEpoch} is older than ${updated.coordinatorEpoch}`)
    }
    const firstOffset = updated.currentTxnFirstOffset
    if (updated.epoch !== producerEpoch) {
      updated.epoch = producerEpoch
      this.added.length = 0
    }
    updated.coordinatorEpoch = marker.coordinatorEpoch
    if (rules.keepsTimestamp !== true) updated.lastTimestamp = marker.timestamp
    updated.currentTxnFirstOffset = NO_OFFSET
    // Under version 2 a marker that carries the guard's epoch ends the transaction before the one that waits for its answer.
    const isOfPrevious = verification !== undefined && verification.supportsEpochBump && verification.epoch === producerEpoch
    if (!isOfPrevious) this.endsVerification = true
    if (firstOffset === NO_OFFSET) return undefined
    return { producerId: updated.producerId, firstOffset, lastOffset: offset, isAborted: marker.isAbort }
  }

  /** Mended empty-marker-forgets-epoch: a marker whose record is cleaned away still tells how far its producer's epoch had come. */
  emptyMarker(producerEpoch: number, timestamp: number): void {
    const { updated } = this
    if (producerEpoch <= updated.epoch) return
    updated.epoch = producerEpoch
    updated.lastTimestamp = timestamp
    this.added.length = 0
  }

  /** A coordinator has vouched for the transaction that this append starts. */
  get isGuarded(): boolean {
    return this.verification !== undefined
  }

  /** Brings `entry`, the live state of this producer, up to date. */
  commit(entry: ProducerEntry, ringSize: number): void {
    const { updated } = this
    entry.moveToEpoch(updated.epoch)
    for (const batch of this.added) entry.remember(batch, ringSize)
    entry.coordinatorEpoch = updated.coordinatorEpoch
    entry.currentTxnFirstOffset = updated.currentTxnFirstOffset
    entry.lastTimestamp = updated.lastTimestamp
  }

  private checkEpoch(epoch: number): void {
    const known = this.updated.epoch
    if (epoch >= known || this.origin === 'replication') return
    throw new ProducerRejection(ErrorCode.INVALID_PRODUCER_EPOCH,
      `epoch ${epoch} of producer ${this.updated.producerId} is smaller than the last seen epoch ${known}`, NO_SEQUENCE)
  }

  private checkNewEpoch(epoch: number): void {
    const { epoch: known, currentTxnFirstOffset, producerId } = this.updated
    if (this.origin === 'replication' || epoch !== known || currentTxnFirstOffset === NO_OFFSET || epoch === LAST_EPOCH) return
    throw new ProducerRejection(ErrorCode.INVALID_PRODUCER_EPOCH,
      `a marker of epoch ${epoch} for the open transaction of producer ${producerId} in that epoch`, NO_SEQUENCE)
  }

  private checkSequence(epoch: number, first: number): void {
    const known = this.updated.epoch
    if (this.verification !== undefined) {
      if (this.verification.supportsEpochBump && first !== 0 && this.current.batches.length === 0) this.refuseSequence(first, 0)
      if (first > this.verification.lowestSequence) this.refuseSequence(first, this.verification.lowestSequence)
    }
    if (epoch !== known) {
      if (first === 0) return
      // Known behaviour: without any state every sequence is welcome (KAFKA-14359).
      if (known === NO_EPOCH && !this.requireZeroFirst) {
        this.acceptedFirstSequence = first
        return
      }
      this.refuseSequence(first, 0)
    }
    const last = this.added.at(-1)?.lastSequence ?? (epoch === this.current.epoch ? this.current.lastSequence : NO_SEQUENCE)
    if (this.current.epoch === NO_EPOCH || followsSequence(last, first)) return
    this.refuseSequence(first, last === NO_SEQUENCE ? 0 : incrementSequence(last, 1))
  }

  private refuseSequence(first: number, expected: number): never {
    throw new ProducerRejection(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
      `sequence ${first} of producer ${this.updated.producerId}, expected ${expected}`, expected)
  }
}
