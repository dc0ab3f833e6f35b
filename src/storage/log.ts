/**
 * The log of one partition replica (Kafka's UnifiedLog): files, leader epochs, producer state and the offsets
 * logStartOffset <= lastStableOffset <= highWatermark <= logEndOffset.
 *
 * Every method is synchronous but those that wait for the disk, so nothing needs a lock: a method runs between two
 * pauses of its caller. Writes reach the page cache only; fsync happens when a segment is rolled (in the background), on
 * flush() and on close(). `recoveryPoint` is the end of what is known to be durable.
 *
 * The metadata log of raft is the same class with `observe: false`: told to nobody and without producers.
 */
import { invariant } from '../base/assert.ts'
import type { Task } from '../base/task.ts'
import type { TopicConfig } from '../config/topic.ts'
import type { File } from '../env/disk.ts'
import type { Env } from '../env/env.ts'
import { ApiError } from '../protocol/api-error.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { AbortedTransaction } from './abort-index.ts'
import { appended, appendedBefore, nothingAppended, UnexpectedAppendOffset, type AppendInfo } from './append-info.ts'
import { validateReplicatedRecords } from './append-validation.ts'
import { readBatchHeader, type BatchHeader } from './batch-header.ts'
import { stampForAppend } from './leader-append.ts'
import { LeaderEpochCache, type EpochAndOffset } from './leader-epoch-cache.ts'
import { LocalLog } from './local-log.ts'
import { loadLog, type LoadedLog } from './log-loader.ts'
import { describeSegments, LogObserver } from './log-observer.ts'
import type { LoadOptions, LogOptions, LogStartReason, TruncationReason } from './log-options.ts'
import { LogProducers } from './log-producers.ts'
import { noteEpochs } from './note-epochs.ts'
import { PartitionMetadata } from './partition-metadata.ts'
import type { AppendOrigin } from './producer-append.ts'
import { segmentsPastRetention, type RetentionReason } from './retention.ts'
import type { Segment } from './segment.ts'
import { findMaxTimestamp, findTimestamp, type TimestampAndOffset } from './timestamp-search.ts'
import { requiresVerification, type AppendProof } from './verification.ts'

const NO_BYTES = new Uint8Array(0)
const NO_PROOF: AppendProof = {}
const RETENTION_RULES: readonly RetentionReason[] = ['log-start', 'retention-size', 'retention-time']

export class Log {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  readonly directory: string
  readonly producers: LogProducers
  private readonly env: Env
  private readonly options: LogOptions
  private readonly observer: LogObserver | undefined
  private readonly local: LocalLog
  private readonly epochs: LeaderEpochCache
  private readonly metadata: PartitionMetadata
  private start: number
  private committed: number

  /**
   * Opens the log of a directory, or creates it. Recovers what an unclean end left behind; see LogLoader.
   * @throws ApiError INCONSISTENT_TOPIC_ID
   */
  static load(env: Env, options: LogOptions, how: LoadOptions): Log {
    const epochs = new LeaderEpochCache(env, options.directory)
    const loaded = loadLog(env, {
      directory: options.directory,
      config: options.config,
      expirationMs: options.server.producerIdExpirationMs,
      requiresVerification: requiresVerification(env, options.server),
      trackProducers: options.observe !== false,
      clean: how.clean,
      recoveryPoint: how.recoveryPoint,
      logStartOffset: how.logStartOffset,
    }, epochs)
    const log = new Log(env, options, epochs, loaded)
    log.updateHighWatermark(how.highWatermark)
    log.metadata.keep(log.topicId)
    log.observer?.loaded(log.segments, {
      cleanShutdown: how.clean, bytesDropped: loaded.bytesDropped,
      logStartOffset: log.logStartOffset, endOffset: log.logEndOffset, highWatermark: log.highWatermark,
    })
    log.producers.observeReload()
    log.producers.observe()
    return log
  }

  private constructor(env: Env, options: LogOptions, epochs: LeaderEpochCache, loaded: LoadedLog) {
    this.env = env
    this.options = options
    this.topic = options.topic
    this.topicId = options.topicId
    this.partition = options.partition
    this.directory = options.directory
    this.observer = options.observe === false ? undefined : new LogObserver(env, options)
    this.epochs = epochs
    this.metadata = new PartitionMetadata(env, options.directory)
    this.start = loaded.logStartOffset
    this.committed = loaded.logStartOffset
    const recoveryPoint = Math.max(loaded.recoveryPoint, loaded.logStartOffset)
    this.local = new LocalLog(env, options.directory, options.config, loaded.segments, loaded.logEndOffset, recoveryPoint)
    this.producers = new LogProducers(env, options.config, this.local, loaded.producers, this.observer)
  }

  // ---- offsets ----

  get logStartOffset(): number {
    return this.start
  }

  /** The offset that the next record will get. */
  get logEndOffset(): number {
    return this.local.endOffset
  }

  get highWatermark(): number {
    return this.committed
  }

  /** Consumers of committed transactions read below this. */
  get lastStableOffset(): number {
    return this.lastStableOffsetFor(this.committed)
  }

  /** What counts as stable is judged by the high watermark that was `seen`, which must be the present one (KAFKA-9807). */
  lastStableOffsetFor(seen: number): number {
    const unstable = this.producers.firstUnstableOffset
    return unstable !== undefined && unstable < seen ? Math.max(unstable, this.start) : this.committed
  }

  get recoveryPoint(): number {
    return this.local.recoveryPoint
  }

  get latestEpoch(): number | undefined {
    return this.epochs.latest?.epoch
  }

  get sizeInBytes(): number {
    return this.local.segments.sizeInBytes
  }

  get config(): TopicConfig {
    return this.options.config()
  }

  /** For reading only. */
  get segments(): readonly Segment[] {
    return this.local.segments.all
  }

  /** Moves the high watermark, also down, within the log; returns where it came to lie. */
  updateHighWatermark(offset: number): number {
    this.committed = Math.min(Math.max(offset, this.start), this.logEndOffset)
    this.producers.onHighWatermark(this.committed)
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
  appendAsLeader(records: Uint8Array, leaderEpoch: number, origin: AppendOrigin, proof: AppendProof = NO_PROOF): AppendInfo {
    const stamped = stampForAppend(records, origin, { endOffset: this.logEndOffset, leaderEpoch, config: this.options.config(), now: this.env.wallClock() })
    if (stamped === undefined) return nothingAppended(this.logEndOffset)
    return this.append(stamped.bytes, stamped.headers, origin, stamped.logAppendTime, proof)
  }

  /**
   * Appends batches as the leader wrote them, up to the first of an epoch above `maxEpoch`.
   * @throws UnexpectedAppendOffset, ApiError CORRUPT_MESSAGE, INVALID_RECORD
   */
  appendAsFollower(records: Uint8Array, maxEpoch: number): AppendInfo {
    const headers = validateReplicatedRecords(records, maxEpoch).map(at => readBatchHeader(records, at))
    const first = headers[0]
    const last = headers.at(-1)
    if (first === undefined || last === undefined) return nothingAppended(this.logEndOffset)
    if (first.baseOffset < this.logEndOffset) throw new UnexpectedAppendOffset(first.baseOffset, last.lastOffset, this.logEndOffset)
    const size = last.position + last.sizeInBytes
    if (size <= this.options.config().segmentBytes) {
      return this.append(size === records.length ? records : records.subarray(0, size), headers, 'replication', -1, NO_PROOF)
    }
    // Unlike Kafka, whose follower fails when a fetch brings more than a segment holds: batch by batch.
    for (const header of headers) {
      const bytes = records.subarray(header.position, header.position + header.sizeInBytes)
      this.append(bytes, [readBatchHeader(bytes, 0)], 'replication', -1, NO_PROOF)
    }
    return appended(headers, size, -1)
  }

  // ---- read ----

  /**
   * A copy of whole batches from the one that contains `startOffset` (or the next one, if that was compacted away), from
   * one segment, below `endOffset`. With `minOneMessage` the first batch comes even when larger than `maxBytes`.
   * @throws ApiError OFFSET_OUT_OF_RANGE
   */
  read(startOffset: number, maxBytes: number, endOffset: number, minOneMessage: boolean): Uint8Array {
    if (startOffset < this.start || startOffset > this.logEndOffset) throw new ApiError(ErrorCode.OFFSET_OUT_OF_RANGE, `${startOffset} is not in [${this.start}, ${this.logEndOffset}]`)
    return startOffset >= endOffset ? NO_BYTES : this.local.read(startOffset, maxBytes, endOffset, minOneMessage)
  }

  /** Aborted transactions that overlap [from, to), for a read_committed fetch. */
  abortedTransactions(from: number, to: number): AbortedTransaction[] {
    return this.local.abortedTransactions(from, to)
  }

  /** The first record with at least this timestamp. */
  offsetForTimestamp(timestamp: number): TimestampAndOffset | undefined {
    const found = findTimestamp(this.local.segments, timestamp, this.start)
    // Whole segments may lie below the log start: after DeleteRecords they stay until the next round of retention.
    const later = found ?? findTimestamp(this.local.segments, timestamp, this.start, true)
    if (found !== undefined || later === undefined || this.env.mends.has('timestamp-below-log-start')) return later
    this.observer?.timestampHidden(timestamp)
    return undefined
  }

  offsetOfMaxTimestamp(): TimestampAndOffset | undefined {
    return findMaxTimestamp(this.local.segments)
  }

  // ---- leader epochs ----

  /** Where `epoch` ends in this log, see LeaderEpochCache; undefined when it is unknown. */
  endOffsetForEpoch(epoch: number): EpochAndOffset | undefined {
    return this.epochs.endOffsetFor(epoch, this.logEndOffset)
  }

  epochAt(offset: number): number | undefined {
    return this.epochs.epochAt(offset)
  }

  /** A leader notes where its epoch starts, whether or not it ever writes (KIP-101). */
  assignEpochStart(epoch: number, offset: number): void {
    this.epochs.assign(epoch, offset)
  }

  // ---- truncation, log start and cleaning ----

  /** Removes everything from `offset` on. False when the log ends there or below; the epoch cache is trimmed even then. */
  truncateTo(offset: number, reason: TruncationReason): boolean {
    invariant(offset >= 0, `truncation to ${offset}`)
    const previousEnd = this.logEndOffset
    if (offset >= previousEnd) {
      if (!this.env.defects.has('KAFKA-10706')) this.epochs.truncateFromEnd(previousEnd)
      return false
    }
    if (offset < this.local.segments.first.baseOffset) {
      this.truncateFullyAndStartAt(offset)
      return true
    }
    const { highWatermark } = this
    const removed = this.local.truncateTo(offset)
    this.producers.deleteSnapshots(removed)
    this.epochs.truncateFromEnd(offset)
    this.start = Math.min(offset, this.start)
    this.producers.onTruncated(this.start)
    this.updateHighWatermark(highWatermark)
    this.options.onTruncated?.(removed.length > 0)
    this.observer?.truncated({ endOffset: offset, previousEnd, highWatermark, reason })
    return true
  }

  /** Throws the whole log away; it continues, empty, at `offset`. */
  truncateFullyAndStartAt(offset: number): void {
    const { highWatermark, logEndOffset: previousEnd, logStartOffset: previous, sizeInBytes: sizeBefore } = this
    const removed = describeSegments(this.segments, this.segments.length, previousEnd)
    this.producers.deleteSnapshots(this.local.truncateFullyAndStartAt(offset))
    this.epochs.clear()
    this.start = offset
    this.producers.onEmptied(offset)
    this.updateHighWatermark(offset)
    this.options.onTruncated?.(true)
    this.observer?.truncated({ endOffset: offset, previousEnd, highWatermark, reason: 'full' })
    this.observer?.startMoved(this, previous, 'full', removed, sizeBefore)
  }

  /**
   * Moves the log start up (DeleteRecords, or the leader's start); the segments below go with the next retention round.
   * @throws ApiError OFFSET_OUT_OF_RANGE when above the high watermark
   */
  maybeIncrementLogStartOffset(offset: number, reason: LogStartReason): boolean {
    if (offset > this.committed) throw new ApiError(ErrorCode.OFFSET_OUT_OF_RANGE, `log start ${offset} above the high watermark ${this.committed}`)
    const previous = this.start
    if (!this.incrementLogStart(offset)) return false
    this.observer?.startMoved(this, previous, reason, [], this.sizeInBytes)
    return true
  }

  /** One round of retention; returns how many segments were removed. */
  deleteOldSegments(): number {
    let count = 0
    for (const reason of RETENTION_RULES) {
      const past = segmentsPastRetention({
        segments: this.local.segments, logStartOffset: this.start, logEndOffset: this.logEndOffset,
        deletableEnd: this.env.defects.has('KAFKA-5634') ? this.logEndOffset : this.committed, now: this.env.wallClock(), config: this.options.config(),
      }, reason)
      if (past.length > 0) this.deleteSegments(past, reason)
      count += past.length
    }
    return count
  }

  /** Segments that may hold offsets of [from, to), for reading only. */
  segmentsBetween(from: number, to: number): readonly Segment[] {
    return this.local.segments.between(from, to)
  }

  /** Puts a cleaned segment in the place of those that it was made of (UnifiedLog#replaceSegments). */
  replaceSegments(cleaned: Segment, old: readonly Segment[]): void {
    this.producers.deleteSnapshots(this.local.replace(cleaned, old))
  }

  // ---- durability ----

  /** Makes the log durable below `upTo` (default: all of it) and moves the recovery point there. */
  flush(upTo?: number): Task<void> {
    return this.local.flush(upTo, () => this.flushCheckpoints())
  }

  /** Flushes everything for a clean shutdown. */
  *close(): Task<void> {
    this.local.segments.active.finish()
    const snapshot = this.producers.takeSnapshot()
    if (snapshot !== undefined) yield* snapshot.fsync()
    yield* this.flush()
    yield* this.flushCheckpoints()
    yield* this.env.disk.syncDirectory(this.directory)
  }

  /** The log is about to be deleted: lets go of its files. LogManager removes the directory. */
  delete(): void {
    this.epochs.abandon()
    this.metadata.abandon()
    this.local.abandon()
    this.observer?.deleted()
  }

  // ---- inside ----

  private append(bytes: Uint8Array, headers: readonly BatchHeader[], origin: AppendOrigin, logAppendTime: number, proof: AppendProof): AppendInfo {
    const first = headers[0]!
    // In Kafka's order: epochs and a roll stay even if a producer's batch is then refused.
    noteEpochs(this.epochs, headers, this.logEndOffset, this.env.mends.has('epoch-start-behind-gap'), this.observer)
    if (this.local.shouldRoll(bytes.length, headers)) this.roll()
    const changes = this.producers.check(bytes, headers, origin, proof)
    if (changes?.duplicate !== undefined) {
      this.observer?.duplicate(first, changes.duplicate)
      return appendedBefore(changes.duplicate, first.leaderEpoch)
    }
    this.local.append(bytes, headers)
    if (changes !== undefined) {
      this.producers.apply(changes)
      this.observer?.appended(headers, origin !== 'replication', changes)
      this.producers.observeSkipped()
    }
    return appended(headers, bytes.length, logAppendTime)
  }

  /** Starts a new segment; what came before is flushed in the background. */
  private roll(): void {
    if (!this.local.roll()) return
    const { baseOffset } = this.local.segments.active
    this.env.spawn('log-flush', this.flushRolled(baseOffset, this.producers.onRoll(baseOffset)))
  }

  private *flushRolled(offset: number, snapshot: File | undefined): Task<void> {
    yield* this.env.pause('log.flush')
    if (snapshot !== undefined) yield* snapshot.fsync()
    yield* this.flush(offset)
  }

  private *flushCheckpoints(): Task<void> {
    yield* this.epochs.flush()
    yield* this.metadata.flush()
  }

  private deleteSegments(past: readonly Segment[], reason: RetentionReason): void {
    const { logStartOffset: previous, sizeInBytes: sizeBefore } = this
    if (past.length === this.segments.length) this.roll()
    const removed = describeSegments(this.segments, past.length, this.logEndOffset)
    this.incrementLogStart(this.segments[past.length]!.baseOffset)
    this.local.remove(past)
    this.producers.deleteSnapshots(past)
    if (reason !== 'log-start') this.observer?.startMoved(this, previous, reason, removed, sizeBefore)
  }

  private incrementLogStart(offset: number): boolean {
    if (offset <= this.start) return false
    invariant(offset <= this.committed || this.env.defects.has('KAFKA-5634'), `log start ${offset} above the high watermark ${this.committed}`)
    this.start = offset
    this.local.moveStart(offset)
    this.epochs.truncateFromStart(offset)
    this.producers.onLogStart(offset)
    return true
  }
}
