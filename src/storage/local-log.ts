/**
 * The files of a log as one sequence of batches (Kafka's LocalLog): segments, where the sequence ends, and up to where it is
 * durable. Knows nothing of epochs, producers or high watermarks; `Log` adds them.
 */
import { invariant } from '../base/assert.ts'
import type { Task } from '../base/task.ts'
import type { TopicConfig } from '../config/topic.ts'
import type { Env } from '../env/env.ts'
import type { AbortedTransaction } from './abort-index.ts'
import type { BatchHeader } from './batch-header.ts'
import { SWAP_SUFFIX } from './file-names.ts'
import { Segment } from './segment.ts'
import type { SegmentList } from './segment-list.ts'

const NO_BYTES = new Uint8Array(0)

export class LocalLog {
  readonly segments: SegmentList
  /** The offset that the next record will get. */
  private end: number
  /** Everything below is durable. */
  private durableEnd: number
  private readonly env: Env
  private readonly directory: string
  private readonly config: () => TopicConfig
  /** Counts truncations, so that a flush that was under way across one does not claim what it did not write. */
  private truncations = 0

  constructor(
    env: Env, directory: string, config: () => TopicConfig, segments: SegmentList, endOffset: number, recoveryPoint: number,
  ) {
    this.env = env
    this.directory = directory
    this.config = config
    this.segments = segments
    this.end = endOffset
    this.durableEnd = recoveryPoint
  }

  get endOffset(): number {
    return this.end
  }

  /** Aborted transactions that overlap [from, to). */
  abortedTransactions(from: number, to: number): AbortedTransaction[] {
    const found: AbortedTransaction[] = []
    for (const segment of this.segments.between(from, Number.MAX_SAFE_INTEGER)) {
      if (segment.abortIndex.collect(from, to, found)) break
    }
    return found
  }

  get recoveryPoint(): number {
    return this.durableEnd
  }

  /** See Log#read; the caller has checked the range. */
  read(startOffset: number, maxBytes: number, endOffset: number, minOneMessage: boolean): Uint8Array {
    let segment = this.segments.floor(startOffset)
    while (segment !== undefined && segment.baseOffset < endOffset) {
      const next = this.segments.after(segment)
      const isWhole = endOffset >= (next === undefined ? this.end : next.baseOffset)
      const endPosition = isWhole ? segment.size : segment.positionOf(endOffset) ?? segment.size
      const bytes = segment.read(startOffset, maxBytes, endPosition, minOneMessage)
      if (bytes !== undefined) return bytes
      segment = next
    }
    return NO_BYTES
  }

  /** Whether these batches need a new segment before they can be appended. */
  shouldRoll(size: number, headers: readonly BatchHeader[]): boolean {
    return this.segments.active.shouldRoll(size, headers.at(-1)!.lastOffset, youngest(headers).maxTimestamp)
  }

  append(bytes: Uint8Array, headers: readonly BatchHeader[]): void {
    const { lastOffset } = headers.at(-1)!
    const { maxTimestamp, lastOffset: offsetOfMax } = youngest(headers)
    this.segments.active.append(bytes, lastOffset, maxTimestamp, offsetOfMax)
    this.end = lastOffset + 1
  }

  /**
   * Finishes the active segment and starts one at the log's end. False when the active one is just that.
   * Unlike Kafka, a follower never names a segment after the first batch behind a gap that compaction has left: recovery
   * takes a gap between segments for a loss (see LogLoader).
   */
  roll(): boolean {
    const offset = this.end
    const { active } = this.segments
    if (active.baseOffset === offset) {
      invariant(active.size === 0, `a segment at ${offset} exists and is not empty`)
      return false
    }
    active.finish()
    this.openSegment(offset)
    return true
  }

  /** Removes everything from `offset` on, which must lie in the log. Returns the segments that went altogether. */
  truncateTo(offset: number): readonly Segment[] {
    const removed = this.segments.all.filter(segment => segment.baseOffset > offset)
    this.remove(removed)
    this.segments.active.truncateTo(offset)
    this.moveEnd(offset)
    return removed
  }

  /** Removes everything; the log continues at `offset`. Returns the segments that went. */
  truncateFullyAndStartAt(offset: number): readonly Segment[] {
    const removed = [...this.segments.all]
    this.remove(removed)
    this.openSegment(offset)
    this.moveEnd(offset)
    return removed
  }

  remove(segments: readonly Segment[]): void {
    for (const segment of segments) {
      this.segments.remove(segment)
      segment.deleteLater()
    }
  }

  /**
   * Puts a cleaned segment, whose content is durable, in the place of those that it was made of, crash-safe by the order of
   * the renames (LocalLog#replaceSegments; finish-swaps.ts takes it up again after a crash). Returns those that went without
   * a successor of the same name.
   */
  replace(cleaned: Segment, old: readonly Segment[]): readonly Segment[] {
    const present = old.filter(segment => this.segments.all.includes(segment))
    cleaned.changeEnding(SWAP_SUFFIX)
    this.remove(present)
    this.segments.add(cleaned)
    cleaned.changeEnding('')
    return present.filter(({ baseOffset }) => baseOffset !== cleaned.baseOffset)
  }

  /** What lies below the log start need not be durable. */
  moveStart(offset: number): void {
    this.durableEnd = Math.max(this.durableEnd, offset)
  }

  /** Lets flushes under way come to nothing. */
  abandon(): void {
    this.truncations++
  }

  /** Makes the log durable below `upTo` (default: all of it, names of empty files included) and moves the recovery point. */
  *flush(upTo: number | undefined, before: () => Task<void>): Task<void> {
    const end = Math.min(upTo ?? this.end, this.end)
    const bound = upTo === undefined ? end + 1 : end
    if (bound <= this.durableEnd) return
    const { truncations } = this
    const from = this.durableEnd
    const segments = this.segments.between(from, bound)
    for (const segment of segments) yield* segment.flush()
    if (segments.some(segment => segment.baseOffset >= from)) yield* this.env.disk.syncDirectory(this.directory)
    yield* before()
    // Unlike Kafka, where a truncation during the flush can leave the recovery point beyond what was written.
    if (truncations === this.truncations && end > this.durableEnd) this.durableEnd = end
  }

  private openSegment(baseOffset: number): void {
    Segment.removeFiles(this.env, this.directory, baseOffset)
    this.segments.add(new Segment(this.env, this.directory, baseOffset, this.config))
  }

  private moveEnd(offset: number): void {
    this.end = offset
    this.durableEnd = Math.min(this.durableEnd, offset)
    this.truncations++
    this.env.spawn('truncate-flush', this.flushTruncation(this.segments.active))
  }

  /** A journaling file system commits a file's new size within seconds; the disk of Env never does unless asked. */
  private *flushTruncation(truncated: Segment): Task<void> {
    yield* truncated.log.fsync()
    yield* this.env.disk.syncDirectory(this.directory)
  }
}

function youngest(headers: readonly BatchHeader[]): BatchHeader {
  let found = headers[0]!
  for (const header of headers) if (header.maxTimestamp > found.maxTimestamp) found = header
  return found
}
