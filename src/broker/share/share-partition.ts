/**
 * A share group's view of one partition, on the partition's leader and for one leader epoch (Kafka: SharePartition).
 *
 *   initializing -> active -> fenced       fenced: another broker leads, or the state is another one by now
 *
 * What is decided about records is written to the share coordinator before it counts, and before it is answered. An expired
 * lock is the exception: the record is available at once, and what is written of it may be lost.
 *
 * Who holds a record is not persisted, nor a delivery that nothing was decided on yet: a new leader knows nothing of either, so
 * the record goes to somebody else, and what its former holder says of it is refused.
 *
 * Unlike Kafka a new leader epoch of the same leader begins anew, too.
 */
import { Future } from '../../base/task.ts'
import { msToUs } from '../../base/time.ts'
import type { ShareSettings } from '../../config/share.ts'
import { DeliveryState } from '../../coordinator/share/state-batches.ts'
import type { StateBatch } from '../../coordinator/share/state-batches.ts'
import type { SharePartitionId } from '../../coordinator/share/share-partition-key.ts'
import type { SharePersister } from '../../coordinator/share/share-persister.ts'
import type { Env } from '../../env/env.ts'
import { ApiError } from '../../protocol/api-error.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { batchPositions, baseOffsetOf, lastOffsetOf } from '../../protocol/records/record-batch.ts'
import type { ReplicaLog } from '../partition-host.ts'
import { EARLIEST_TIMESTAMP, LATEST_TIMESTAMP, NO_RECORDS, offsetForTimestamp } from '../partition-reads.ts'
import type { Partition } from '../partition.ts'
import { abortedRanges } from './aborted-ranges.ts'
import { AcknowledgeType, decisionsOf } from './acknowledgements.ts'
import type { AcknowledgementBatch, Decision } from './acknowledgements.ts'
import { ShareWindow } from './share-window.ts'
import type { AcquiredRange, AcquisitionLock } from './share-window.ts'

export interface SharePartitionHost {
  readonly env: Env
  readonly settings: ShareSettings
  readonly persister: SharePersister
  /** Something may be acquired that could not before. */
  onAvailable(share: SharePartition): void
}

export interface AcquireRequest {
  readonly memberId: string
  readonly maxBytes: number
  readonly maxRecords: number
  readonly isStrict: boolean
}

export interface Acquired {
  readonly records: Uint8Array
  readonly ranges: readonly AcquiredRange[]
}

const NOTHING: Acquired = { records: NO_RECORDS, ranges: [] }

export class SharePartition {
  readonly id: SharePartitionId
  readonly partition: Partition
  readonly leaderEpoch: number
  /** Holds NONE when it is active, or why it is not. */
  readonly initialized = new Future<number>()
  private readonly host: SharePartitionHost
  private window = new ShareWindow(0, [])
  private stateEpoch = 0
  private isFenced = false

  constructor(host: SharePartitionHost, groupId: string, partition: Partition) {
    this.host = host
    this.partition = partition
    this.leaderEpoch = partition.leaderEpoch
    this.id = { groupId, topicId: partition.topicId, partition: partition.partition }
  }

  /** This broker leads in the epoch that it was made for. */
  get isCurrent(): boolean {
    const { partition, leaderEpoch } = this
    return !this.isFenced && partition.isLeader && !partition.isClosed && partition.leaderEpoch === leaderEpoch
  }

  get isActive(): boolean {
    return this.isCurrent && this.initialized.isSettled && this.initialized.result() === ErrorCode.NONE
  }

  initialize(): void {
    const { persister } = this.host
    const read = persister.read(this.id, this.leaderEpoch)
    read.onSettled(() => {
      const { errorCode, stateEpoch, startOffset, batches } = read.result()
      if (errorCode !== ErrorCode.NONE || !this.isCurrent) {
        this.isFenced = true
        this.initialized.complete(errorCode === ErrorCode.NONE ? ErrorCode.NOT_LEADER_OR_FOLLOWER : errorForClient(errorCode))
        return
      }
      this.stateEpoch = stateEpoch
      try {
        this.window = new ShareWindow(startOffset === -1 ? this.firstOffset() : startOffset, batches)
      } catch (error) {
        if (!(error instanceof ApiError)) throw error
        this.isFenced = true
        this.initialized.complete(error.code)
        return
      }
      this.observe('initialized', '', { firstOffset: this.window.startOffset, lastOffset: this.window.nextOffset - 1 }, 0)
      this.initialized.complete(ErrorCode.NONE)
    })
  }

  /** Where a new group begins. It is not written before something is decided: until then each leader finds it anew. @throws ApiError OFFSET_NOT_AVAILABLE */
  private firstOffset(): number {
    const timestamp = this.host.settings.shareAutoOffsetReset === 'earliest' ? EARLIEST_TIMESTAMP : LATEST_TIMESTAMP
    return offsetForTimestamp(this.partition, timestamp, -1, 'high-watermark', true).offset
  }

  /** Nothing counts any more that is decided here. */
  fence(): void {
    this.isFenced = true
  }

  // ---- acquiring ----

  /** Is there something to acquire? Only of what is active. */
  hasAvailable(): boolean {
    this.followLogStart()
    const { nextFetchOffset, nextOffset, inFlight } = this.window
    const isRoom = nextFetchOffset < nextOffset || inFlight < this.host.settings.groupSharePartitionMaxRecordLocks
    return isRoom && nextFetchOffset < this.readEnd()
  }

  /** Reads and acquires. @throws ApiError when the log cannot be read */
  acquire({ memberId, maxBytes, maxRecords, isStrict }: AcquireRequest): Acquired {
    const { env, settings } = this.host
    this.followLogStart()
    const fetchOffset = this.window.nextFetchOffset
    const end = this.readEnd()
    if (fetchOffset >= end || maxRecords <= 0) return NOTHING
    const records = this.log.read(fetchOffset, maxBytes, end, true)
    const batches = batchPositions(records).map(at => ({ firstOffset: baseOffsetOf(records, at), lastOffset: lastOffsetOf(records, at) }))
    const lock: AcquisitionLock = { memberId, isExpired: false }
    const startBefore = this.window.startOffset
    const all = this.window.acquire({
      batches, fetchOffset, maxRecords, isStrict, maxInFlight: settings.groupSharePartitionMaxRecordLocks, lock,
      takesWholeFirstBatch: env.defects.has('KAFKA-19954'),
    })
    if (this.window.startOffset < startBefore) this.observe('start', '', { firstOffset: this.window.startOffset, lastOffset: startBefore }, 0)
    const ranges = settings.shareIsolationLevel === 'read_committed' ? this.withoutAborted(records, all, end) : all
    this.window.advance()
    if (ranges.length === 0) return NOTHING
    for (const range of ranges) this.observe('acquired', memberId, range, range.deliveryCount)
    this.startLock(lock)
    return { records, ranges }
  }

  private withoutAborted(records: Uint8Array, acquired: readonly AcquiredRange[], end: number): readonly AcquiredRange[] {
    let left = acquired
    for (const aborted of abortedRanges(records, this.log.abortedTransactions(acquired[0]?.firstOffset ?? end, end))) {
      this.window.archive(aborted)
      left = left.flatMap(range => cut(range, aborted.firstOffset, aborted.lastOffset))
    }
    return left
  }

  private startLock(lock: AcquisitionLock): void {
    const { env, settings } = this.host
    env.timer(msToUs(settings.groupShareRecordLockDurationMs), () => {
      lock.isExpired = true
      if (!this.isActive) return
      const offsets = this.window.acquired({ lock })
      if (offsets.length > 0) env.observe({ kind: 'mark', name: 'share-lock-expired' })
      this.releaseNow(offsets, lock.memberId)
    })
  }

  /** Without a way back: what is persisted of it may be lost. */
  private releaseNow(offsets: readonly number[], memberId: string): void {
    if (offsets.length === 0) return
    const batches = offsets.map(offset => this.window.decide(offset, DeliveryState.AVAILABLE, this.limitOfLost, true))
    this.observeAll('released', memberId, batches)
    this.noteGivenUp(batches)
    this.window.advance()
    const written = this.write(batches)
    this.host.onAvailable(this)
    written.onSettled(() => this.fenceIfRefused(written.result()))
  }

  // ---- deciding ----

  /** All of it or nothing. The future holds an error code. */
  acknowledge(memberId: string, batches: readonly AcknowledgementBatch[]): Future<number> {
    const decisions = decisionsOf(batches, this.window.startOffset)
    if (decisions === undefined) return Future.completed(ErrorCode.INVALID_REQUEST)
    for (const { offset } of decisions) {
      if (offset >= this.window.nextOffset) return Future.completed(ErrorCode.INVALID_REQUEST)
      if (this.window.lockOf(offset)?.memberId !== memberId) {
        this.host.env.observe({ kind: 'mark', name: 'share-acknowledgement-refused' })
        return Future.completed(ErrorCode.INVALID_RECORD_STATE)
      }
    }
    this.renew(memberId, decisions.filter(({ type }) => type === AcknowledgeType.RENEW))
    return this.decide(memberId, decisions.filter(({ type }) => type !== AcknowledgeType.RENEW))
  }

  /** The member has gone, or its session: others may have what it holds. */
  release(memberId: string): Future<number> {
    if (!this.isActive) return Future.completed(ErrorCode.NONE)
    return this.decide(memberId, this.window.acquired({ memberId }).map(offset => ({ offset, type: AcknowledgeType.RELEASE })), true)
  }

  /**
   * A delivery counts when it is made, whether or not the client hears of it: a record whose deliveries are all lost on the way
   * is archived, and nobody has seen it. Known behaviour, with a mend.
   */
  private get limitOfLost(): number {
    return this.host.env.mends.has('lost-deliveries-count') ? Number.MAX_SAFE_INTEGER : this.host.settings.groupShareDeliveryCountLimit
  }

  private noteGivenUp(batches: readonly StateBatch[]): void {
    const { groupId } = this.id
    for (const { firstOffset, deliveryState } of batches) if (deliveryState === DeliveryState.ARCHIVED) this.host.env.observe({ kind: 'share-record-given-up', groupId, ...this.partition.names(), offset: firstOffset })
  }

  /**
   * Who leads hands out records without asking anybody whether it still does: one that does not know of its successor may hand
   * out what was acknowledged there. Known behaviour; mended, the share coordinator confirms it.
   */
  confirmLeadership(): Future<number> {
    if (!this.host.env.mends.has('deposed-leader-delivers')) return Future.completed(ErrorCode.NONE)
    const { stateEpoch, leaderEpoch } = this
    return this.host.persister.write(this.id, { stateEpoch, leaderEpoch, startOffset: -1, deliveryCompleteCount: -1, batches: [] })
  }

  private renew(memberId: string, renewed: readonly Decision[]): void {
    if (renewed.length === 0) return
    const lock: AcquisitionLock = { memberId, isExpired: false }
    for (const { offset } of renewed) this.window.renew(offset, lock)
    this.startLock(lock)
  }

  private decide(memberId: string, decisions: readonly Decision[], isLost = false): Future<number> {
    const errorCode = new Future<number>()
    if (decisions.length === 0) return Future.completed(ErrorCode.NONE)
    const limit = isLost ? this.limitOfLost : this.host.settings.groupShareDeliveryCountLimit
    const batches = decisions.map(({ offset, type }) => this.window.decide(offset, stateOf(type), limit))
    if (isLost) this.noteGivenUp(batches)
    const written = this.write(batches)
    written.onSettled(() => {
      const code = written.result()
      if (code === ErrorCode.NONE) this.commit(memberId, batches)
      else this.rollBack(memberId, batches)
      this.fenceIfRefused(code)
      errorCode.complete(code === ErrorCode.NONE ? code : errorForClient(code))
    })
    return errorCode
  }

  private commit(memberId: string, batches: readonly StateBatch[]): void {
    for (const { firstOffset } of batches) this.window.commit(firstOffset)
    for (const [state, change] of CHANGES) this.observeAll(change, memberId, batches.filter(({ deliveryState }) => deliveryState === state))
    this.window.advance()
    if (batches.some(({ deliveryState }) => deliveryState === DeliveryState.ARCHIVED)) this.host.env.observe({ kind: 'mark', name: 'share-record-archived' })
    this.host.onAvailable(this)
  }

  private rollBack(memberId: string, batches: readonly StateBatch[]): void {
    this.host.env.observe({ kind: 'mark', name: 'share-state-write-failed' })
    const expired = batches.map(({ firstOffset }) => firstOffset).filter(offset => this.window.rollBack(offset)?.isExpired === true)
    if (this.isActive) this.releaseNow(expired, memberId)
  }

  // ---- inside ----

  private get log(): ReplicaLog {
    return this.partition.log
  }

  private readEnd(): number {
    return this.host.settings.shareIsolationLevel === 'read_committed' ? this.log.lastStableOffset : this.log.highWatermark
  }

  private followLogStart(): void {
    this.window.moveStartTo(this.log.logStartOffset)
  }

  private write(batches: readonly StateBatch[]): Future<number> {
    const { startOffset, deliveryCompleteCount } = this.window
    return this.host.persister.write(this.id, { stateEpoch: this.stateEpoch, leaderEpoch: this.leaderEpoch, startOffset, deliveryCompleteCount, batches: merged(batches) })
  }

  private fenceIfRefused(errorCode: number): void {
    if (errorCode !== ErrorCode.FENCED_LEADER_EPOCH && errorCode !== ErrorCode.FENCED_STATE_EPOCH) return
    this.host.env.observe({ kind: 'mark', name: 'share-partition-fenced' })
    this.isFenced = true
  }

  private observeAll(change: ShareChange, memberId: string, batches: readonly StateBatch[]): void {
    for (const batch of merged(batches)) this.observe(change, memberId, batch, batch.deliveryCount)
  }

  private observe(change: ShareChange, memberId: string, { firstOffset, lastOffset }: { readonly firstOffset: number; readonly lastOffset: number }, deliveryCount: number): void {
    const { partition, leaderEpoch, id: { groupId } } = this
    this.host.env.observe({ kind: 'share-records', groupId, ...partition.names(), leaderEpoch, change, memberId, firstOffset, lastOffset, deliveryCount, startOffset: this.window.startOffset })
  }
}

type ShareChange = 'initialized' | 'start' | 'acquired' | 'released' | 'acknowledged' | 'archived'

const CHANGES: readonly (readonly [number, ShareChange])[] = [[DeliveryState.ACKNOWLEDGED, 'acknowledged'], [DeliveryState.ARCHIVED, 'archived'], [DeliveryState.AVAILABLE, 'released']]

function stateOf(type: number): DeliveryState {
  if (type === AcknowledgeType.ACCEPT) return DeliveryState.ACKNOWLEDGED
  return type === AcknowledgeType.RELEASE ? DeliveryState.AVAILABLE : DeliveryState.ARCHIVED
}

/** SharePartition#fetchPersisterError. */
function errorForClient(errorCode: number): number {
  switch (errorCode) {
    case ErrorCode.NOT_COORDINATOR:
    case ErrorCode.COORDINATOR_NOT_AVAILABLE:
    case ErrorCode.COORDINATOR_LOAD_IN_PROGRESS:
    case ErrorCode.NETWORK_EXCEPTION:
      return ErrorCode.COORDINATOR_NOT_AVAILABLE
    case ErrorCode.GROUP_ID_NOT_FOUND:
    case ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
    case ErrorCode.INVALID_REQUEST:
      return ErrorCode.INVALID_REQUEST
    case ErrorCode.FENCED_LEADER_EPOCH:
    case ErrorCode.FENCED_STATE_EPOCH:
      return ErrorCode.NOT_LEADER_OR_FOLLOWER
    default:
      return ErrorCode.UNKNOWN_SERVER_ERROR
  }
}

/** Neighbours that say the same as one; single offsets in any order come in. */
function merged(batches: readonly StateBatch[]): StateBatch[] {
  const sorted = [...batches].sort((a, b) => a.firstOffset - b.firstOffset)
  const result: StateBatch[] = []
  for (const batch of sorted) {
    const last = result.at(-1)
    if (last !== undefined && last.lastOffset + 1 === batch.firstOffset && last.deliveryState === batch.deliveryState && last.deliveryCount === batch.deliveryCount) result[result.length - 1] = { ...last, lastOffset: batch.lastOffset }
    else result.push(batch)
  }
  return result
}

function cut(range: AcquiredRange, first: number, last: number): AcquiredRange[] {
  if (last < range.firstOffset || first > range.lastOffset) return [range]
  return [{ ...range, lastOffset: first - 1 }, { ...range, firstOffset: last + 1 }].filter(({ firstOffset, lastOffset }) => firstOffset <= lastOffset)
}
