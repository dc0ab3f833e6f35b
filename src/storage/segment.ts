/**
 * One segment of a log: a file of whole batches and its indexes (Kafka's LogSegment). Offsets in a segment increase and lie
 * at or above its base offset; positions of batches are found by the offset index and a short scan.
 */
import { invariant } from '../base/assert.ts'
import type { Task } from '../base/task.ts'
import type { TopicConfig } from '../config/topic.ts'
import type { File } from '../env/disk.ts'
import type { Env } from '../env/env.ts'
import { batchSizeOf, isWholeBatchAt, lastOffsetOf, leaderEpochOf, maxTimestampOf } from '../protocol/records/record-batch.ts'
import { AbortIndex } from './abort-index.ts'
import {
  ABORT_INDEX_SUFFIX, CLEANED_SUFFIX, DELETED_SUFFIX, LOG_SUFFIX, OFFSET_INDEX_SUFFIX, offsetFileName, TIME_INDEX_SUFFIX,
} from './file-names.ts'
import { OffsetIndex } from './offset-index.ts'
import { TimeIndex } from './time-index.ts'
import type { TimestampOffset } from './time-index.ts'

const SUFFIXES = [LOG_SUFFIX, OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX, ABORT_INDEX_SUFFIX]
const MAX_RELATIVE_OFFSET = 0x7fffffff

export class Segment {
  readonly baseOffset: number
  readonly log: File
  readonly offsetIndex: OffsetIndex
  readonly timeIndex: TimeIndex
  readonly abortIndex: AbortIndex
  /** Some index was missing or torn when the segment was opened. */
  readonly needsRecovery: boolean
  private readonly env: Env
  private readonly directory: string
  private readonly config: () => TopicConfig
  /** What its file names end in beside their own suffix: nothing, but while a cleaner makes it. */
  private ending: string
  private created: number
  private largest: TimestampOffset
  private firstTimestamp: number | undefined = undefined
  private bytesSinceIndexEntry = 0

  constructor(env: Env, directory: string, baseOffset: number, config: () => TopicConfig, ending = '') {
    this.env = env
    this.directory = directory
    this.ending = ending
    this.baseOffset = baseOffset
    this.config = config
    this.created = env.wallClock()
    const maxIndexSize = config().segmentIndexBytes
    const existed = env.disk.exists(this.path(LOG_SUFFIX))
    const wasIndexed = env.disk.exists(this.path(OFFSET_INDEX_SUFFIX)) && env.disk.exists(this.path(TIME_INDEX_SUFFIX))
    this.log = env.disk.open(this.path(LOG_SUFFIX))
    this.offsetIndex = new OffsetIndex(env, this.path(OFFSET_INDEX_SUFFIX), baseOffset, maxIndexSize)
    this.timeIndex = new TimeIndex(env, this.path(TIME_INDEX_SUFFIX), baseOffset, maxIndexSize)
    this.abortIndex = new AbortIndex(env, this.path(ABORT_INDEX_SUFFIX))
    this.needsRecovery = (existed && !wasIndexed)
      || this.offsetIndex.lastPosition > this.log.size || this.offsetIndex.isCorrupt || this.timeIndex.isCorrupt || this.abortIndex.isCorrupt
    this.largest = this.timeIndex.last
  }

  /** An empty segment for the cleaner to fill (UnifiedLog#createNewCleanedSegment). */
  static forCleaning(env: Env, directory: string, baseOffset: number, config: () => TopicConfig): Segment {
    Segment.removeFiles(env, directory, baseOffset, CLEANED_SUFFIX)
    return new Segment(env, directory, baseOffset, config, CLEANED_SUFFIX)
  }

  get size(): number {
    return this.log.size
  }

  /** Largest timestamp of the segment's batches, -1 when there is none. */
  get maxTimestamp(): number {
    return this.largest.timestamp
  }

  /** The batch with the largest timestamp, by its last offset. */
  get offsetOfMaxTimestamp(): number {
    return this.largest.offset
  }

  /** Timestamp of the first batch; undefined when there is none. */
  get firstBatchTimestamp(): number | undefined {
    if (this.firstTimestamp === undefined && this.size > 0) this.firstTimestamp = maxTimestampOf(this.log.view(), 0)
    return this.firstTimestamp
  }

  /** For retention; Kafka falls back to the file's modification time, we to the time of creation. */
  get largestTimestamp(): number {
    return this.largest.timestamp >= 0 ? this.largest.timestamp : this.created
  }

  /** Whether `size` bytes up to `lastOffset` belong into a new segment. */
  shouldRoll(size: number, lastOffset: number, maxTimestamp: number): boolean {
    const { segmentBytes, segmentMs } = this.config()
    return this.size > segmentBytes - size
      || (this.size > 0 && this.timeWaitedForRoll(maxTimestamp) > segmentMs)
      || this.offsetIndex.isFull || this.timeIndex.isFull
      || lastOffset - this.baseOffset > MAX_RELATIVE_OFFSET
  }

  /** Appends whole batches. `offsetOfMax` is the last offset of the batch that holds `maxTimestamp`. */
  append(bytes: Uint8Array, lastOffset: number, maxTimestamp: number, offsetOfMax: number): void {
    invariant(lastOffset >= this.baseOffset && lastOffset - this.baseOffset <= MAX_RELATIVE_OFFSET,
      `offset ${lastOffset} does not fit the segment at ${this.baseOffset}`)
    const position = this.size
    if (position === 0) this.firstTimestamp = maxTimestamp
    this.log.append(bytes)
    this.noteTimestamp(maxTimestamp, offsetOfMax)
    if (this.bytesSinceIndexEntry > (this.env.buggify.has('index-every-batch') ? 0 : this.config().indexIntervalBytes)) {
      this.addIndexEntries(lastOffset, position)
      this.bytesSinceIndexEntry = 0
    }
    this.bytesSinceIndexEntry += bytes.length
  }

  /** Remembers the timestamp of a batch found while rebuilding. */
  noteTimestamp(timestamp: number, offset: number): void {
    if (timestamp > this.largest.timestamp) this.largest = { timestamp, offset }
  }

  addIndexEntries(lastOffset: number, position: number): void {
    this.offsetIndex.append(lastOffset, position)
    this.timeIndex.maybeAppend(this.largest.timestamp, this.largest.offset)
  }

  /** Position of the first batch that ends at or beyond `offset`; undefined when there is none. */
  positionOf(offset: number): number | undefined {
    const bytes = this.log.view()
    let at = this.offsetIndex.positionBefore(offset)
    for (; isWholeBatchAt(bytes, at); at += batchSizeOf(bytes, at)) {
      if (lastOffsetOf(bytes, at) >= offset) return at
    }
    return undefined
  }

  /**
   * A copy of the whole batches from the one that contains `startOffset`, as many as fit into `maxBytes` and lie before
   * `endPosition`; at least one with `minOneMessage`. Undefined when the segment ends before `startOffset`.
   */
  read(startOffset: number, maxBytes: number, endPosition: number, minOneMessage: boolean): Uint8Array | undefined {
    const start = this.positionOf(startOffset)
    if (start === undefined) return undefined
    const limit = start + maxBytes
    let end = endPosition
    if (end > limit) {
      // Whole batches only: the client of a real broker gets the torn one as well, and drops it.
      const bytes = this.log.view()
      end = Math.max(start, this.offsetIndex.floorPosition(limit))
      while (isWholeBatchAt(bytes, end, endPosition)) {
        const next = end + batchSizeOf(bytes, end)
        if (next > limit && !(minOneMessage && end === start)) break
        end = next
      }
    }
    return this.log.read(start, Math.max(0, end - start))
  }

  /** The offset after the last batch; the base offset when empty. */
  nextOffset(): number {
    const bytes = this.log.view()
    let next = this.baseOffset
    let at = this.offsetIndex.floorPosition(bytes.length)
    for (; isWholeBatchAt(bytes, at); at += batchSizeOf(bytes, at)) next = lastOffsetOf(bytes, at) + 1
    return next
  }

  /** The leader epoch of the last batch; undefined when empty. */
  lastEpoch(): number | undefined {
    const bytes = this.log.view()
    let epoch: number | undefined
    let at = this.offsetIndex.floorPosition(bytes.length)
    for (; isWholeBatchAt(bytes, at); at += batchSizeOf(bytes, at)) epoch = leaderEpochOf(bytes, at)
    return epoch
  }

  /** Cuts from the batch that contains `offset` on; returns how many bytes went. */
  truncateTo(offset: number): number {
    const position = this.positionOf(offset)
    this.offsetIndex.truncateTo(offset)
    this.timeIndex.truncateTo(offset)
    this.abortIndex.truncateTo(offset)
    const removed = position === undefined ? 0 : this.size - position
    if (position !== undefined) this.log.truncate(position)
    if (this.size === 0) {
      this.created = this.env.wallClock()
      this.firstTimestamp = undefined
    }
    this.bytesSinceIndexEntry = 0
    if (this.largest.timestamp >= 0) this.largest = this.findLargestTimestamp()
    return removed
  }

  /** Cuts at a byte position: what recovery found to be the end of the intact batches. */
  truncateToPosition(position: number): void {
    if (position < this.size) this.log.truncate(position)
  }

  /** Forgets the indexes, which are about to be rebuilt. */
  resetIndexes(): void {
    this.offsetIndex.reset()
    this.timeIndex.reset()
    this.abortIndex.reset()
    this.largest = { timestamp: -1, offset: this.baseOffset }
    this.firstTimestamp = undefined
  }

  /** Completes the time index: nothing will be appended for now. */
  finish(): void {
    this.timeIndex.maybeAppend(this.largest.timestamp, this.largest.offset)
  }

  *flush(): Task<void> {
    yield* this.log.fsync()
    yield* this.offsetIndex.flush()
    yield* this.timeIndex.flush()
    yield* this.abortIndex.flush()
  }

  /** Renames the files to `.deleted` now and removes them after `file.delete.delay.ms`. */
  deleteLater(): void {
    const { disk } = this.env
    const names = SUFFIXES.map(suffix => this.path(suffix)).filter(path => disk.exists(path))
    for (const path of names) disk.rename(path, path + DELETED_SUFFIX)
    this.env.timer(this.config().fileDeleteDelayMs * 1000, () => {
      for (const path of names) disk.remove(path + DELETED_SUFFIX)
    })
  }

  /** Renames the files, one by one in the order of Kafka (LogSegment#changeFileSuffixes): `.cleaned`, `.swap`, nothing. */
  changeEnding(ending: string): void {
    const { disk } = this.env
    for (const suffix of SUFFIXES) {
      const from = this.path(suffix)
      if (disk.exists(from)) disk.rename(from, `${this.directory}/${offsetFileName(this.baseOffset, suffix)}${ending}`)
    }
    this.ending = ending
    this.abortIndex.moved(this.path(ABORT_INDEX_SUFFIX))
  }

  /** It holds what is left of another segment, and is as old. */
  takeAgeOf(other: Segment): void {
    this.created = other.created
  }

  /** Removes what files of this name an earlier life of the log may have left behind. */
  static removeFiles(env: Env, directory: string, baseOffset: number, ending = ''): void {
    for (const suffix of SUFFIXES) env.disk.remove(`${directory}/${offsetFileName(baseOffset, suffix)}${ending}`)
  }

  private path(suffix: string): string {
    return `${this.directory}/${offsetFileName(this.baseOffset, suffix)}${this.ending}`
  }

  /** By record time if the first batch has one, else by the wall clock since creation. */
  private timeWaitedForRoll(maxTimestamp: number): number {
    const first = this.firstBatchTimestamp ?? -1
    return first >= 0 ? maxTimestamp - first : this.env.wallClock() - this.created
  }

  private findLargestTimestamp(): TimestampOffset {
    let largest = this.timeIndex.last
    const bytes = this.log.view()
    let at = this.offsetIndex.positionBefore(largest.offset)
    for (; isWholeBatchAt(bytes, at); at += batchSizeOf(bytes, at)) {
      const timestamp = maxTimestampOf(bytes, at)
      if (timestamp > largest.timestamp) largest = { timestamp, offset: lastOffsetOf(bytes, at) }
    }
    return largest
  }
}
