/**
 * The log of one partition replica (Kafka's UnifiedLog and LocalLog): segments, leader epochs, producer state and the
 * offsets logStartOffset <= lastStableOffset <= highWatermark <= logEndOffset.
 *
 * Every method is synchronous but those that wait for the disk, so nothing needs a lock: a method runs between two
 * pauses of its caller. Writes reach the page cache only; fsync happens when a segment is rolled (in the background), on
 * flush() and on close(). `recoveryPoint` is the end of what is known to be durable.
 *
 * The metadata log of raft is the same class with `observe: false`: told to nobody and without producers.
 */
import { invariant } from '../base/assert.ts'
import type { Task } from '../base/task.ts'
import type { ServerConfig } from '../config/cluster.ts'
import type { TopicConfig } from '../config/topic.ts'
import type { File } from '../env/disk.ts'
import type { Env } from '../env/env.ts'
import type { BatchSummary, ObservationOf } from '../env/observation.ts'
import { ApiError } from '../protocol/api-error.ts'
import { ErrorCode } from '../protocol/errors.ts'
import {
  batchSizeOf, isWholeBatchAt, lastOffsetDeltaOf, lastOffsetOf, stampLogAppendTime, stampOffsets,
} from '../protocol/records/record-batch.ts'
import type { AbortedTransaction } from './abort-index.ts'
import { validateClientRecords, validateOwnRecords, validateReplicatedRecords } from './append-validation.ts'
import { readBatchHeader, summaryOf } from './batch-header.ts'
import type { BatchHeader } from './batch-header.ts'
import { CheckpointFile } from './checkpoint-file.ts'
import { PARTITION_METADATA } from './file-names.ts'
import { LeaderEpochCache } from './leader-epoch-cache.ts'
import type { EpochAndOffset } from './leader-epoch-cache.ts'
import { loadLog } from './log-loader.ts'
import type { LoadedLog } from './log-loader.ts'
import type { AppendOrigin } from './producer-append.ts'
import { checkProducers } from './producer-check.ts'
import type { ProducerChanges } from './producer-check.ts'
import { describeProducers, observeAccepted, observeRejected } from './producer-observations.ts'
import type { ProducerDescription } from './producer-observations.ts'
import type { ProducerState } from './producer-state.ts'
import { rebuildProducerState } from './rebuild-producer-state.ts'
import { segmentsPastRetention } from './retention.ts'
import type { RetentionReason } from './retention.ts'
import { Segment } from './segment.ts'
import type { SegmentList } from './segment-list.ts'
import { findMaxTimestamp, findTimestamp } from './timestamp-search.ts'
import type { TimestampAndOffset } from './timestamp-search.ts'

export interface LogOptions {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  /** Path of the log's own directory, `data/orders-0`. */
  readonly directory: string
  /** Asked at every use, so that changes of the topic's configuration take effect. */
  readonly config: () => TopicConfig
  readonly server: ServerConfig
  /** false: no observations and no producer state (the metadata log). */
  readonly observe?: boolean
  /** Called after a truncation: recovery points must be checkpointed, or recovery would start beyond the log's end. */
  readonly onTruncated?: () => void
}

export interface LoadOptions {
  readonly clean: boolean
  /** From the checkpoints; 0 when unknown. */
  readonly recoveryPoint: number
  readonly logStartOffset: number
  /** Only a hint; clamped to the log. */
  readonly highWatermark: number
}

export interface AppendInfo {
  /** For a duplicate: the offsets of the first time. firstOffset > lastOffset when nothing was appended. */
  readonly firstOffset: number
  readonly lastOffset: number
  readonly leaderEpoch: number
  /** -1 unless the topic has LogAppendTime (or, as in Kafka, for duplicates). */
  readonly logAppendTime: number
  readonly numBytes: number
  readonly recordCount: number
  readonly duplicate: boolean
}

export type TruncationReason = ObservationOf<'log-truncate'>['reason']
export type LogStartReason = ObservationOf<'log-start'>['reason']

/** A follower was given batches below its log end. */
export class UnexpectedAppendOffset extends ApiError {
  readonly firstOffset: number
  readonly lastOffset: number

  constructor(firstOffset: number, lastOffset: number, logEndOffset: number) {
    super(ErrorCode.UNKNOWN_SERVER_ERROR, `append of ${firstOffset} to ${lastOffset} to a log that ends at ${logEndOffset}`)
    this.firstOffset = firstOffset
    this.lastOffset = lastOffset
  }
}

const NO_BYTES = new Uint8Array(0)
const RETENTION_RULES: readonly RetentionReason[] = ['log-start', 'retention-size', 'retention-time']

export class Log {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  readonly directory: string
  private readonly env: Env
  private readonly options: LogOptions
  private readonly isObserved: boolean
  private readonly segmentList: SegmentList
  private readonly epochs: LeaderEpochCache
  private readonly producers: ProducerState
  private readonly metadata: CheckpointFile
  private start: number
  private end: number
  private committed: number
  private flushed: number
  private firstUnstable: number | undefined = undefined
  /** Counts truncations, so that a flush that was under way across one does not claim what it did not write. */
  private truncations = 0

  /** Opens the log of a directory, or creates it. Recovers what an unclean end left behind; see LogLoader. */
  static load(env: Env, options: LogOptions, how: LoadOptions): Log {
    const epochs = new LeaderEpochCache(env, options.directory)
    const loaded = loadLog(env, {
      directory: options.directory,
      config: options.config,
      expirationMs: options.server.producerIdExpirationMs,
      trackProducers: options.observe !== false,
      clean: how.clean,
      recoveryPoint: how.recoveryPoint,
      logStartOffset: how.logStartOffset,
    }, epochs)
    const log = new Log(env, options, epochs, loaded)
    log.updateHighWatermark(how.highWatermark)
    log.keepTopicId()
    if (log.isObserved) {
      log.observeLoaded(how.clean, loaded.bytesDropped)
      log.observeProducerState()
    }
    return log
  }

  private constructor(env: Env, options: LogOptions, epochs: LeaderEpochCache, loaded: LoadedLog) {
    this.env = env
    this.options = options
    this.topic = options.topic
    this.topicId = options.topicId
    this.partition = options.partition
    this.directory = options.directory
    this.isObserved = options.observe !== false
    this.epochs = epochs
    this.metadata = new CheckpointFile(env, options.directory, PARTITION_METADATA)
    this.segmentList = loaded.segments
    this.producers = loaded.producers
    this.start = loaded.logStartOffset
    this.end = loaded.logEndOffset
    this.committed = loaded.logStartOffset
    this.flushed = Math.max(loaded.recoveryPoint, loaded.logStartOffset)
    this.updateFirstUnstable()
  }

  // ---- offsets ----

  get logStartOffset(): number {
    return this.start
  }

  /** The offset that the next record will get. */
  get logEndOffset(): number {
    return this.end
  }

  get highWatermark(): number {
    return this.committed
  }

  /** Consumers of committed transactions read below this. */
  get lastStableOffset(): number {
    return this.firstUnstable !== undefined && this.firstUnstable < this.committed ? this.firstUnstable : this.committed
  }

  get recoveryPoint(): number {
    return this.flushed
  }

  get latestEpoch(): number | undefined {
    return this.epochs.latest?.epoch
  }

  get sizeInBytes(): number {
    return this.segmentList.sizeInBytes
  }

  /** For reading only. */
  get segments(): readonly Segment[] {
    return this.segmentList.all
  }

  /** Moves the high watermark, also down, within the log; returns where it came to lie. */
  updateHighWatermark(offset: number): number {
    this.committed = Math.min(Math.max(offset, this.start), this.end)
    this.producers.onHighWatermark(this.committed)
    this.updateFirstUnstable()
    return this.committed
  }

  // ---- append ----

  /**
   * Appends what a producer, a coordinator or the raft leader wrote: assigns offsets, stamps the epoch (and the time, by
   * topic configuration) on a copy. The caller's bytes are left as they were.
   * @throws ApiError MESSAGE_TOO_LARGE, CORRUPT_MESSAGE, INVALID_RECORD, INVALID_TIMESTAMP, RECORD_LIST_TOO_LARGE,
   *   INVALID_PRODUCER_EPOCH, OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_TXN_STATE, TRANSACTION_COORDINATOR_FENCED; nothing was
   *   written and no producer's state has changed
   */
  appendAsLeader(records: Uint8Array, leaderEpoch: number, origin: AppendOrigin): AppendInfo {
    const config = this.options.config()
    const now = this.env.wallClock()
    const positions = origin === 'client' ? validateClientRecords(records, config, now) : validateOwnRecords(records, config)
    const last = positions.at(-1)
    if (last === undefined) return this.nothingAppended()
    const bytes = records.slice(0, last + batchSizeOf(records, last))
    const logAppendTime = config.messageTimestampType === 'LogAppendTime' && origin !== 'raft' ? now : -1
    let nextOffset = this.end
    for (const at of positions) {
      stampOffsets(bytes, at, nextOffset, leaderEpoch)
      if (logAppendTime >= 0) stampLogAppendTime(bytes, at, logAppendTime)
      nextOffset += lastOffsetDeltaOf(bytes, at) + 1
    }
    if (bytes.length > config.segmentBytes) {
      throw new ApiError(ErrorCode.RECORD_LIST_TOO_LARGE, `${bytes.length} bytes, segments of ${config.segmentBytes}`)
    }
    return this.append(bytes, positions.map(at => readBatchHeader(bytes, at)), origin, logAppendTime)
  }

  /**
   * Appends batches as the leader wrote them, up to the first of an epoch above `maxEpoch`.
   * @throws UnexpectedAppendOffset, ApiError CORRUPT_MESSAGE, INVALID_RECORD
   */
  appendAsFollower(records: Uint8Array, maxEpoch: number): AppendInfo {
    const headers = validateReplicatedRecords(records, maxEpoch).map(at => readBatchHeader(records, at))
    const first = headers[0]
    const last = headers.at(-1)
    if (first === undefined || last === undefined) return this.nothingAppended()
    if (first.baseOffset < this.end) throw new UnexpectedAppendOffset(first.baseOffset, last.lastOffset, this.end)
    const size = last.position + last.sizeInBytes
    if (size <= this.options.config().segmentBytes) {
      return this.append(size === records.length ? records : records.subarray(0, size), headers, 'replication', -1)
    }
    // Unlike Kafka, whose follower fails when a fetch brings more than a segment holds: batch by batch.
    for (const header of headers) {
      const bytes = records.subarray(header.position, header.position + header.sizeInBytes)
      this.append(bytes, [readBatchHeader(bytes, 0)], 'replication', -1)
    }
    return appendInfo(headers, size, -1)
  }

  // ---- read ----

  /**
   * A copy of whole batches from the one that contains `startOffset` (or the next one, if that was compacted away), from
   * one segment, below `endOffset`. With `minOneMessage` the first batch comes even when larger than `maxBytes`.
   * @throws ApiError OFFSET_OUT_OF_RANGE
   */
  read(startOffset: number, maxBytes: number, endOffset: number, minOneMessage: boolean): Uint8Array {
    if (startOffset < this.start || startOffset > this.end) {
      throw new ApiError(ErrorCode.OFFSET_OUT_OF_RANGE, `${startOffset} is not in [${this.start}, ${this.end}]`)
    }
    if (startOffset >= endOffset) return NO_BYTES
    let segment = this.segmentList.floor(startOffset)
    while (segment !== undefined && segment.baseOffset < endOffset) {
      const next = this.segmentList.after(segment)
      const isWhole = endOffset >= (next === undefined ? this.end : next.baseOffset)
      const endPosition = isWhole ? segment.size : segment.positionOf(endOffset) ?? segment.size
      const bytes = segment.read(startOffset, maxBytes, endPosition, minOneMessage)
      if (bytes !== undefined) return bytes
      segment = next
    }
    return NO_BYTES
  }

  /** Aborted transactions that overlap [from, to), for a read_committed fetch. */
  abortedTransactions(from: number, to: number): AbortedTransaction[] {
    const found: AbortedTransaction[] = []
    for (const segment of this.segmentList.between(from, Number.MAX_SAFE_INTEGER)) {
      if (segment.abortIndex.collect(from, to, found)) break
    }
    return found
  }

  /** The first record with at least this timestamp. */
  offsetForTimestamp(timestamp: number): TimestampAndOffset | undefined {
    return findTimestamp(this.segmentList, timestamp, this.start)
  }

  offsetOfMaxTimestamp(): TimestampAndOffset | undefined {
    return findMaxTimestamp(this.segmentList)
  }

  // ---- leader epochs ----

  /** Where `epoch` ends in this log, see LeaderEpochCache; undefined when it is unknown. */
  endOffsetForEpoch(epoch: number): EpochAndOffset | undefined {
    return this.epochs.endOffsetFor(epoch, this.end)
  }

  epochAt(offset: number): number | undefined {
    return this.epochs.epochAt(offset)
  }

  /** A leader notes where its epoch starts, whether or not it ever writes (KIP-101). */
  assignEpochStart(epoch: number, offset: number): void {
    this.epochs.assign(epoch, offset)
  }

  // ---- truncation and log start ----

  /** Removes everything from `offset` on. False when the log ends there or below; the epoch cache is trimmed even then. */
  truncateTo(offset: number, reason: TruncationReason): boolean {
    invariant(offset >= 0, `truncation to ${offset}`)
    if (offset >= this.end) {
      this.epochs.truncateFromEnd(this.end)
      return false
    }
    if (offset < this.segmentList.first.baseOffset) {
      this.truncateFullyAndStartAt(offset)
      return true
    }
    const previousEnd = this.end
    const previousHighWatermark = this.committed
    this.removeSegments(this.segmentList.all.filter(segment => segment.baseOffset > offset))
    this.segmentList.active.truncateTo(offset)
    this.setEnd(offset)
    this.epochs.truncateFromEnd(offset)
    this.start = Math.min(offset, this.start)
    this.rebuildProducers()
    this.updateHighWatermark(this.committed)
    this.afterTruncation(previousEnd, previousHighWatermark, reason)
    return true
  }

  /** Throws the whole log away; it continues, empty, at `offset`. */
  truncateFullyAndStartAt(offset: number): void {
    const previousEnd = this.end
    const previousStart = this.start
    const previousHighWatermark = this.committed
    const sizeBefore = this.sizeInBytes
    const removed = this.segmentList.all.map((segment, index) => this.describeSegment(segment, index))
    this.removeSegments([...this.segmentList.all])
    this.openSegment(offset)
    this.setEnd(offset)
    this.epochs.clear()
    this.start = offset
    if (this.isObserved) this.producers.truncateFullyAndStartAt(offset)
    this.rebuildProducers()
    this.updateHighWatermark(offset)
    this.afterTruncation(previousEnd, previousHighWatermark, 'full')
    this.observeLogStart(previousStart, 'full', removed, sizeBefore)
  }

  /**
   * Moves the log start up (DeleteRecords, or the leader's start); the segments below go with the next retention round.
   * @throws ApiError OFFSET_OUT_OF_RANGE when above the high watermark
   */
  maybeIncrementLogStartOffset(offset: number, reason: LogStartReason): boolean {
    if (offset > this.committed) {
      throw new ApiError(ErrorCode.OFFSET_OUT_OF_RANGE, `log start ${offset} above the high watermark ${this.committed}`)
    }
    const previous = this.start
    if (!this.incrementLogStart(offset)) return false
    this.observeLogStart(previous, reason, [], this.sizeInBytes)
    return true
  }

  /** One round of retention; returns how many segments were removed. */
  deleteOldSegments(): number {
    let count = 0
    for (const reason of RETENTION_RULES) {
      const past = segmentsPastRetention({
        segments: this.segmentList, logStartOffset: this.start, logEndOffset: this.end, highWatermark: this.committed,
        now: this.env.wallClock(), config: this.options.config(),
      }, reason)
      if (past.length > 0) this.deleteSegments(past, reason)
      count += past.length
    }
    return count
  }

  // ---- producers ----

  activeProducers(): ProducerDescription[] {
    return describeProducers(this.producers)
  }

  removeExpiredProducers(): void {
    this.producers.removeExpired()
  }

  /** Tells the observer the state of every producer; the broker asks for it when the replica becomes leader. */
  observeProducerState(): void {
    if (!this.isObserved) return
    this.env.observe({
      kind: 'producer-state', ...this.identity(), endOffset: this.end, fromSnapshot: this.producers.isFromSnapshot,
      producers: describeProducers(this.producers),
    })
  }

  // ---- durability ----

  /** Makes the log durable below `upTo` (default: all of it) and moves the recovery point there. */
  *flush(upTo?: number): Task<void> {
    const end = Math.min(upTo ?? this.end, this.end)
    // Without a bound an empty active segment is made durable as well.
    const bound = upTo === undefined ? end + 1 : end
    if (bound <= this.flushed) return
    const { truncations } = this
    const from = this.flushed
    const segments = this.segmentList.between(from, bound)
    for (const segment of segments) yield* segment.flush()
    if (segments.some(segment => segment.baseOffset >= from)) yield* this.env.disk.syncDirectory(this.directory)
    yield* this.epochs.flush()
    yield* this.metadata.flush()
    // Unlike Kafka, where a truncation during the flush can leave the recovery point beyond what was written.
    if (truncations === this.truncations && end > this.flushed) this.flushed = end
  }

  /** Flushes everything for a clean shutdown. */
  *close(): Task<void> {
    this.segmentList.active.finish()
    const snapshot = this.isObserved ? this.producers.takeSnapshot() : undefined
    if (snapshot !== undefined) yield* snapshot.fsync()
    yield* this.flush()
    yield* this.epochs.flush()
    yield* this.metadata.flush()
    yield* this.env.disk.syncDirectory(this.directory)
  }

  /** The log is about to be deleted: lets go of its files. LogManager removes the directory. */
  delete(): void {
    this.epochs.abandon()
    this.metadata.abandon()
    this.truncations++
    if (this.isObserved) this.env.observe({ kind: 'log-deleted', ...this.identity() })
  }

  // ---- inside ----

  private append(bytes: Uint8Array, headers: readonly BatchHeader[], origin: AppendOrigin, logAppendTime: number): AppendInfo {
    const first = headers[0]!
    const last = headers.at(-1)!
    for (const header of headers) if (header.leaderEpoch >= 0) this.epochs.assign(header.leaderEpoch, header.baseOffset)
    let maxTimestamp = -1
    let offsetOfMax = -1
    for (const header of headers) {
      if (header.maxTimestamp <= maxTimestamp) continue
      maxTimestamp = header.maxTimestamp
      offsetOfMax = header.lastOffset
    }
    if (this.segmentList.active.shouldRoll(bytes.length, last.lastOffset, maxTimestamp)) this.roll(first.baseOffset)
    const changes = this.isObserved ? this.checkProducers(bytes, headers, origin) : undefined
    if (changes?.duplicate !== undefined) {
      const { lastOffset, offsetDelta, timestamp } = changes.duplicate
      return {
        firstOffset: lastOffset - offsetDelta, lastOffset, leaderEpoch: first.leaderEpoch, logAppendTime: timestamp,
        numBytes: 0, recordCount: offsetDelta + 1, duplicate: true,
      }
    }
    this.segmentList.active.append(bytes, last.lastOffset, maxTimestamp, offsetOfMax)
    this.end = last.lastOffset + 1
    if (changes !== undefined) {
      this.applyProducerChanges(changes)
      const asLeader = origin !== 'replication'
      const identity = this.identity()
      for (const header of headers) this.env.observe({ kind: 'log-append', ...identity, asLeader, batch: summaryOf(header) })
      observeAccepted(this.env, identity, changes)
    }
    return appendInfo(headers, bytes.length, logAppendTime)
  }

  private checkProducers(bytes: Uint8Array, headers: readonly BatchHeader[], origin: AppendOrigin): ProducerChanges {
    try {
      const changes = checkProducers(this.producers, bytes, headers, origin)
      if (changes.duplicate !== undefined) {
        const { producerId, producerEpoch, baseSequence } = headers[0]!
        const baseOffset = changes.duplicate.lastOffset - changes.duplicate.offsetDelta
        this.env.observe({ kind: 'duplicate-batch', ...this.identity(), producerId, producerEpoch, firstSequence: baseSequence, baseOffset })
      }
      return changes
    } catch (error) {
      observeRejected(this.env, this.identity(), headers, this.producers, error)
      throw error
    }
  }

  private applyProducerChanges(changes: ProducerChanges): void {
    const { producers } = this
    for (const append of changes.appends) producers.commit(append)
    for (const completed of changes.completed) {
      if (completed.isAborted) this.segmentList.active.abortIndex.append(producers.abortEntry(completed))
      producers.complete(completed)
    }
    producers.mapEndOffset = this.end
    this.updateFirstUnstable()
  }

  private updateFirstUnstable(): void {
    const first = this.producers.firstUnstableOffset
    this.firstUnstable = first === undefined ? undefined : Math.max(first, this.start)
  }

  /** Finishes the active segment and starts the next; the old one is flushed in the background. */
  private roll(atLeast: number): void {
    const offset = Math.max(atLeast, this.end)
    const { active } = this.segmentList
    if (active.baseOffset === offset) {
      invariant(active.size === 0, `a segment at ${offset} exists and is not empty`)
      return
    }
    active.finish()
    this.openSegment(offset)
    this.producers.mapEndOffset = offset
    const snapshot = this.isObserved ? this.producers.takeSnapshot() : undefined
    this.env.spawn('log-flush', this.flushRolled(offset, snapshot))
  }

  private *flushRolled(offset: number, snapshot: File | undefined): Task<void> {
    yield* this.env.pause('log.flush')
    if (snapshot !== undefined) yield* snapshot.fsync()
    yield* this.flush(offset)
  }

  private openSegment(baseOffset: number): void {
    Segment.removeFiles(this.env, this.directory, baseOffset)
    this.segmentList.add(new Segment(this.env, this.directory, baseOffset, this.options.config))
  }

  private setEnd(offset: number): void {
    this.end = offset
    this.flushed = Math.min(this.flushed, offset)
  }

  private removeSegments(removed: readonly Segment[]): void {
    const { fileDeleteDelayMs } = this.options.config()
    for (const segment of removed) {
      this.segmentList.remove(segment)
      segment.deleteLater()
      this.producers.deleteSnapshotLater(segment.baseOffset, fileDeleteDelayMs)
    }
  }

  private deleteSegments(past: readonly Segment[], reason: RetentionReason): void {
    const previous = this.start
    const sizeBefore = this.sizeInBytes
    if (past.length === this.segmentList.all.length) this.roll(this.end)
    const removed = past.map((segment, index) => this.describeSegment(segment, index))
    this.incrementLogStart(this.segmentList.after(past.at(-1)!)!.baseOffset)
    this.removeSegments(past)
    if (reason !== 'log-start') this.observeLogStart(previous, reason, removed, sizeBefore)
  }

  private incrementLogStart(offset: number): boolean {
    if (offset <= this.start) return false
    this.start = offset
    this.flushed = Math.max(this.flushed, offset)
    if (this.committed < offset) this.updateHighWatermark(offset)
    this.epochs.truncateFromStart(offset)
    this.producers.onLogStart(offset)
    this.updateFirstUnstable()
    return true
  }

  private rebuildProducers(): void {
    if (this.isObserved) rebuildProducerState(this.env, this.producers, this.segmentList, this.start, this.end, false)
  }

  private afterTruncation(previousEnd: number, highWatermark: number, reason: TruncationReason): void {
    this.truncations++
    this.env.spawn('truncate-flush', this.flushTruncation(this.segmentList.active))
    this.options.onTruncated?.()
    if (!this.isObserved) return
    this.env.observe({ kind: 'log-truncate', ...this.identity(), endOffset: this.end, previousEnd, highWatermark, reason })
  }

  /** A journaling file system commits a file's new size within seconds; the disk of Env never does unless asked. */
  private *flushTruncation(truncated: Segment): Task<void> {
    yield* truncated.log.fsync()
    yield* this.env.disk.syncDirectory(this.directory)
  }

  private keepTopicId(): void {
    const known = this.metadata.read()?.[0]
    if (known === undefined) this.metadata.write([this.topicId])
    else if (known !== this.topicId) {
      throw new ApiError(ErrorCode.INCONSISTENT_TOPIC_ID, `${this.directory} belongs to topic id ${known}, not ${this.topicId}`)
    }
  }

  private identity(): { topic: string; topicId: string; partition: number } {
    return { topic: this.topic, topicId: this.topicId, partition: this.partition }
  }

  private nothingAppended(): AppendInfo {
    return {
      firstOffset: this.end, lastOffset: this.end - 1, leaderEpoch: -1, logAppendTime: -1, numBytes: 0, recordCount: 0,
      duplicate: false,
    }
  }

  private describeSegment(segment: Segment, index: number): ObservationOf<'log-start'>['removed'][number] {
    const nextOffset = this.segmentList.all[index + 1]?.baseOffset ?? this.end
    return { baseOffset: segment.baseOffset, nextOffset, largestTimestamp: segment.largestTimestamp, sizeInBytes: segment.size }
  }

  private observeLogStart(
    previous: number, reason: LogStartReason, removed: ObservationOf<'log-start'>['removed'], sizeBefore: number,
  ): void {
    if (!this.isObserved) return
    const { retentionMs, retentionBytes } = this.options.config()
    this.env.observe({
      kind: 'log-start', ...this.identity(), offset: this.start, previous, highWatermark: this.committed, reason, removed,
      wallClock: this.env.wallClock(), retentionMs, retentionBytes, sizeBefore,
    })
  }

  private observeLoaded(cleanShutdown: boolean, bytesDropped: number): void {
    const batches: BatchSummary[] = []
    for (const segment of this.segmentList.all) {
      const bytes = segment.log.view()
      for (let at = 0; isWholeBatchAt(bytes, at); at += batchSizeOf(bytes, at)) {
        if (lastOffsetOf(bytes, at) >= this.start) batches.push(summaryOf(readBatchHeader(bytes, at)))
      }
    }
    this.env.observe({
      kind: 'log-loaded', ...this.identity(), cleanShutdown, logStartOffset: this.start, endOffset: this.end,
      highWatermark: this.committed, bytesDropped, batches,
    })
  }
}

function appendInfo(headers: readonly BatchHeader[], numBytes: number, logAppendTime: number): AppendInfo {
  const last = headers.at(-1)!
  let recordCount = 0
  for (const header of headers) recordCount += header.recordCount
  return {
    firstOffset: headers[0]!.baseOffset, lastOffset: last.lastOffset, leaderEpoch: last.leaderEpoch, logAppendTime, numBytes,
    recordCount, duplicate: false,
  }
}
