/**
 * One round of cleaning of one log (Cleaner#doClean): a map of the last offset of each key of the dirty part, as much of it
 * as fits; then every segment from the log's first up to there is written anew with what the map leaves of it, group by
 * group, and each group is swapped in when it is durable.
 *
 * Between two batches the log goes on: it is appended to, rolled, read. `isStopped` is asked after every wait; once it says
 * so, nothing of the log is touched any more (LogCleanerManager#checkCleaningAborted).
 */
import { msToUs } from '../../base/time.ts'
import type { Millis } from '../../base/time.ts'
import type { Task } from '../../base/task.ts'
import type { ServerConfig } from '../../config/cluster.ts'
import type { Env } from '../../env/env.ts'
import { batchSizeOf, isControlOf, isValidBatch, isWholeBatchAt, lastOffsetOf, maxTimestampOf, readRecords } from '../../protocol/records/record-batch.ts'
import { CLEANED_SUFFIX } from '../file-names.ts'
import { Segment } from '../segment.ts'
import { cleanBatch } from './clean-batch.ts'
import type { CleaningRules } from './clean-batch.ts'
import { CleanedTransactions } from './cleaned-transactions.ts'
import { groupSegments } from './group-segments.ts'
import type { LogToClean } from './log-to-clean.ts'
import { OffsetMap } from './offset-map.ts'
import { CleaningObserver } from './observe-cleaning.ts'

/** The log was cut, or is gone: the round ends where it is. */
export class CleaningAborted extends Error {
  override readonly name = 'CleaningAborted'
}

/** What is stored cannot be read, so the log is not cleaned any more. */
export class UncleanableLog extends Error {
  override readonly name = 'UncleanableLog'
}

export class Cleaner {
  private readonly env: Env
  private readonly server: ServerConfig
  private readonly cleanable: LogToClean
  private readonly isStopped: () => boolean
  private readonly map: OffsetMap
  private readonly now: Millis
  private readonly observer: CleaningObserver

  constructor(env: Env, server: ServerConfig, cleanable: LogToClean, isStopped: () => boolean) {
    this.env = env
    this.server = server
    this.cleanable = cleanable
    this.isStopped = isStopped
    this.map = new OffsetMap(server.logCleanerOffsetMapKeys)
    this.now = env.wallClock()
    this.observer = new CleaningObserver(env, cleanable, this.now)
  }

  /** Returns the first offset that is still dirty. @throws CleaningAborted, UncleanableLog, DecodeError */
  *clean(): Task<number> {
    const { log, firstUncleanableOffset } = this.cleanable
    yield* this.buildMap()
    // Unlike Kafka, an offset that was spoiled on the disk cannot carry it into the active segment.
    const end = Math.min(this.map.latestOffset + 1, firstUncleanableOffset)
    const transactions = new CleanedTransactions()
    for (const group of groupSegments(log.segmentsBetween(0, end), log.config, firstUncleanableOffset)) {
      yield* this.cleanGroup(group, transactions)
    }
    return end
  }

  private *buildMap(): Task<void> {
    const { log, firstDirtyOffset: start, firstUncleanableOffset: end } = this.cleanable
    const transactions = new CleanedTransactions()
    transactions.addAborted(log.abortedTransactions(start, end))
    const dirty = log.segmentsBetween(start, end)
    for (const [index, segment] of dirty.entries()) {
      yield* this.rest('cleaner.map', this.server.logCleanerReadMs)
      if (this.mapSegment(segment, start, transactions)) {
        this.mark('cleaner-map-full')
        return
      }
      // Offsets may be missing at its end.
      this.map.updateLatestOffset((dirty[index + 1]?.baseOffset ?? end) - 1)
    }
  }

  /** Whether the map is full. */
  private mapSegment(segment: Segment, start: number, transactions: CleanedTransactions): boolean {
    const { map } = this
    const bytes = segment.log.view()
    for (let at = segment.offsetIndex.positionBefore(start); isWholeBatchAt(bytes, at); at += batchSizeOf(bytes, at)) {
      if (isControlOf(bytes, at)) transactions.onControlBatch(bytes, at)
      else if (!transactions.onDataBatch(bytes, at)) {
        this.trust(bytes, at)
        for (const { key, offset } of readRecords(bytes, at)) {
          if (key === null || offset < start) continue
          if (map.isFull) return true
          map.put(key, offset)
        }
      }
      if (lastOffsetOf(bytes, at) >= start) map.updateLatestOffset(lastOffsetOf(bytes, at))
    }
    return false
  }

  private *cleanGroup(segments: readonly Segment[], transactions: CleanedTransactions): Task<void> {
    const { env } = this
    const { log } = this.cleanable
    this.check()
    const cleaned = Segment.forCleaning(env, log.directory, segments[0]!.baseOffset, () => log.config)
    const lastRecords = log.producers.lastRecords()
    transactions.index = cleaned.abortIndex
    try {
      yield* this.fill(cleaned, segments, transactions, lastRecords)
      cleaned.finish()
      yield* cleaned.flush()
      this.check()
    } catch (error) {
      Segment.removeFiles(env, log.directory, cleaned.baseOffset, CLEANED_SUFFIX)
      throw error
    }
    cleaned.takeAgeOf(segments.at(-1)!)
    this.observer.swap(cleaned, segments, lastRecords, () => log.replaceSegments(cleaned, segments))
    yield* env.disk.syncDirectory(log.directory)
  }

  private *fill(cleaned: Segment, segments: readonly Segment[], transactions: CleanedTransactions, lastRecords: CleaningRules['lastRecords']): Task<void> {
    const { log, firstUncleanableOffset: upperBound } = this.cleanable
    const rules: CleaningRules = {
      map: this.map, transactions, upperBound, now: this.now, lastRecords, deleteRetentionMs: log.config.deleteRetentionMs,
      bySequence: this.env.defects.has('KAFKA-8335'), markersByKey: this.env.defects.has('KAFKA-14055'),
    }
    for (const [index, segment] of segments.entries()) {
      yield* this.rest('cleaner.segment', this.server.logCleanerReadMs)
      // Up to the end of the segment, though the map may end within it: what lies behind must know of its transactions too.
      const end = this.env.defects.has('KAFKA-13727') ? this.map.latestOffset + 1 : segment.nextOffset()
      transactions.addAborted(log.abortedTransactions(segment.baseOffset, segments[index + 1]?.baseOffset ?? end))
      for (let at = 0; isWholeBatchAt(segment.log.view(), at);) {
        yield* this.rest('cleaner.batch', 0)
        const bytes = segment.log.view()
        const kept = cleanBatch(bytes, at, rules, () => this.trust(bytes, at))
        const lastOffset = lastOffsetOf(bytes, at)
        at += batchSizeOf(bytes, at)
        if (kept !== undefined) cleaned.append(kept, lastOffset, maxTimestampOf(kept, 0), lastOffset)
      }
    }
  }

  /** Known behaviour: nobody checks a CRC before the records under it are believed and get a new one (cleaner-trusts-crc). */
  private trust(bytes: Uint8Array, at: number): void {
    if (isValidBatch(bytes, at)) return
    if (this.env.mends.has('cleaner-trusts-crc')) throw new UncleanableLog(`a batch at ${at} fails its CRC`)
    this.observer.trusted(bytes, at)
  }

  private *rest(label: string, ms: Millis): Task<void> {
    yield* this.env.pause(label)
    if (ms > 0) yield* this.env.sleep(msToUs(ms)).wait()
    this.check()
  }

  private check(): void {
    if (this.isStopped()) throw new CleaningAborted()
  }

  private mark(name: string): void {
    this.env.observe({ kind: 'mark', name })
  }
}
