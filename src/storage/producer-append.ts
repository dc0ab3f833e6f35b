/**
 * The effect of one append on one producer, computed and checked before anything is written and committed after (Kafka's
 * ProducerAppendInfo): a refused append changes nothing.
 *
 * Order of checks for a client's batch (UnifiedLog#analyzeAndValidateProducerState; duplicates come before): epoch,
 * sequence, non-transactional inside an open transaction. A coordinator's append is checked for its epoch only, a
 * follower's for nothing but the last.
 */
import { ApiError } from '../protocol/api-error.ts'
import { ErrorCode } from '../protocol/errors.ts'
import { incrementSequence } from '../protocol/records/record-batch.ts'
import { NO_EPOCH, NO_OFFSET, ProducerEntry } from './producer-entry.ts'
import type { ProducerBatch, RememberedBatch } from './producer-entry.ts'
import { followsSequence, NO_SEQUENCE } from './sequence.ts'

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
  private readonly current: ProducerEntry
  private readonly origin: AppendOrigin
  private readonly requireZeroFirst: boolean
  private readonly added: RememberedBatch[] = []

  constructor(current: ProducerEntry, origin: AppendOrigin, requireZeroFirst: boolean) {
    this.current = current
    this.origin = origin
    this.requireZeroFirst = requireZeroFirst
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
    if (updated.currentTxnFirstOffset === NO_OFFSET) {
      if (!batch.isTransactional) return
      updated.currentTxnFirstOffset = batch.baseOffset
      this.startedTransactions.push(batch.baseOffset)
    } else if (!batch.isTransactional) {
      throw new ApiError(ErrorCode.INVALID_TXN_STATE, `producer ${batch.producerId} wrote outside its open transaction`)
    }
  }

  /** Applies an end marker; returns the transaction that it completes, if one is open. */
  marker(marker: EndMarker, producerEpoch: number, offset: number): CompletedTransaction | undefined {
    this.checkEpoch(producerEpoch)
    const { updated } = this
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
    updated.lastTimestamp = marker.timestamp
    updated.currentTxnFirstOffset = NO_OFFSET
    if (firstOffset === NO_OFFSET) return undefined
    return { producerId: updated.producerId, firstOffset, lastOffset: offset, isAborted: marker.isAbort }
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

  private checkSequence(epoch: number, first: number): void {
    const known = this.updated.epoch
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
