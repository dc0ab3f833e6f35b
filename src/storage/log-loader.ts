/**
 * Loading a log directory, after a clean shutdown or any other end (Kafka's LogLoader).
 *
 * Unclean: every segment from the recovery point on is read again, batch by batch, its indexes and the producer state are
 * rebuilt, and at the first batch that is torn or corrupt the log ends: later segments go. What lies below the recovery
 * point was fsynced and is trusted.
 *
 * Unlike Kafka, recovery also ends the log in two cases that a real disk practically never brings about and ours does,
 * because each file keeps its own prefix, often cut between two appends:
 * - at a batch whose epoch is lower than the epoch cache has for its offset: a truncation was lost though a later write to
 *   the cache was not. The entry proves that the log once ended there, so the truncation is done again;
 * - where the next segment does not start where the segment ends: its last appends were lost as a whole, the creation of
 *   the next segment was not. Compaction makes such gaps too, but only below the recovery point (see LogCleaner), and what a
 *   follower gets of a compacted log makes none between segments (see LocalLog#roll).
 */
import type { TopicConfig } from '../config/topic.ts'
import type { Env } from '../env/env.ts'
import { batchSizeOf, isValidBatch, isWholeBatchAt, leaderEpochOf } from '../protocol/records/record-batch.ts'
import { readBatchHeader } from './batch-header.ts'
import { finishSwaps } from './cleaner/finish-swaps.ts'
import { DELETED_SUFFIX, LOG_SUFFIX, offsetFileName, offsetOfFile, OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX, ABORT_INDEX_SUFFIX } from './file-names.ts'
import type { LeaderEpochCache } from './leader-epoch-cache.ts'
import { ProducerState } from './producer-state.ts'
import { rebuildProducerState } from './rebuild-producer-state.ts'
import { Segment } from './segment.ts'
import { SegmentList } from './segment-list.ts'

export interface LoadRequest {
  readonly directory: string
  readonly config: () => TopicConfig
  readonly expirationMs: number
  readonly requiresVerification: boolean
  readonly trackProducers: boolean
  readonly clean: boolean
  readonly recoveryPoint: number
  readonly logStartOffset: number
}

export interface LoadedLog {
  readonly segments: SegmentList
  readonly producers: ProducerState
  readonly logStartOffset: number
  readonly logEndOffset: number
  readonly recoveryPoint: number
  readonly bytesDropped: number
}

export function loadLog(env: Env, request: LoadRequest, epochs: LeaderEpochCache): LoadedLog {
  return new LogLoader(env, request, epochs).load()
}

class LogLoader {
  private readonly env: Env
  private readonly request: LoadRequest
  private readonly epochs: LeaderEpochCache
  private readonly segments = new SegmentList()
  /** Segments that were recovered when opened, for want of a usable index, and how many bytes each lost. */
  private readonly recoveredOnOpen = new Map<Segment, number>()
  private bytesDropped = 0

  constructor(env: Env, request: LoadRequest, epochs: LeaderEpochCache) {
    this.env = env
    this.request = request
    this.epochs = epochs
  }

  load(): LoadedLog {
    const { directory, clean, config, expirationMs, requiresVerification, trackProducers } = this.request
    const { segments, epochs, env } = this
    finishSwaps(env, directory)
    this.removeLeftovers()
    this.openSegments()
    let { recoveryPoint } = this.request
    if (!clean) recoveryPoint = this.recover(Math.min(recoveryPoint, this.startOfDisagreement()))
    const producers = new ProducerState(env, directory, { expirationMs, requiresVerification })
    if (!segments.isEmpty && segments.active.nextOffset() < this.request.logStartOffset) {
      // The files that held the log's start are gone: begin anew at the start that was promised.
      this.dropSegments([...segments.all])
      epochs.clear()
      producers.truncateFullyAndStartAt(this.request.logStartOffset)
    }
    if (segments.isEmpty) segments.add(new Segment(env, directory, this.request.logStartOffset, config))
    const logEndOffset = segments.active.nextOffset()
    recoveryPoint = clean ? logEndOffset : Math.min(recoveryPoint, logEndOffset)
    epochs.truncateFromEnd(logEndOffset)
    const logStartOffset = Math.max(this.request.logStartOffset, segments.first.baseOffset)
    epochs.truncateFromStart(this.request.logStartOffset)
    if (trackProducers) {
      producers.removeStraySnapshots(segments.all.map(segment => segment.baseOffset))
      rebuildProducerState(env, producers, segments, logStartOffset, logEndOffset, clean)
    }
    return { segments, producers, logStartOffset, logEndOffset, recoveryPoint, bytesDropped: this.bytesDropped }
  }

  private removeLeftovers(): void {
    const { disk } = this.env
    const { directory } = this.request
    for (const name of disk.list(directory)) {
      const path = `${directory}/${name}`
      if (name.endsWith(DELETED_SUFFIX)) disk.remove(path)
      for (const suffix of [OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX, ABORT_INDEX_SUFFIX]) {
        const offset = offsetOfFile(name, suffix)
        if (offset !== undefined && !disk.exists(`${directory}/${offsetFileName(offset, LOG_SUFFIX)}`)) disk.remove(path)
      }
    }
  }

  private openSegments(): void {
    const { directory, config } = this.request
    for (const name of this.env.disk.list(directory)) {
      const baseOffset = offsetOfFile(name, LOG_SUFFIX)
      if (baseOffset === undefined) continue
      const segment = new Segment(this.env, directory, baseOffset, config)
      if (segment.needsRecovery) this.recoveredOnOpen.set(segment, this.recoverSegment(segment))
      this.segments.add(segment)
    }
  }

  /** Recovers the segments from `recoveryPoint` on; returns it. */
  private recover(recoveryPoint: number): number {
    const unflushed = this.segments.between(recoveryPoint, Number.MAX_SAFE_INTEGER)
    for (const [index, segment] of unflushed.entries()) {
      const isWhole = (this.recoveredOnOpen.get(segment) ?? this.recoverSegment(segment)) === 0
      const next = unflushed[index + 1]
      if (isWhole && (next === undefined || next.baseOffset <= this.request.recoveryPoint || next.baseOffset === segment.nextOffset())) continue
      this.dropSegments(unflushed.slice(index + 1))
      break
    }
    return recoveryPoint
  }

  /**
   * Where the newest epoch starts, if the log there or at its end is of another epoch: a truncation was lost, or the entry
   * of an epoch. Infinity when cache and log agree.
   */
  private startOfDisagreement(): number {
    const newest = this.epochs.latest
    if (newest === undefined) return 0
    const segment = this.segments.floor(newest.startOffset)
    if (segment === undefined) return Infinity
    const position = segment.positionOf(newest.startOffset)
    const starts = position === undefined ? newest.epoch : leaderEpochOf(segment.log.view(), position)
    const ends = this.segments.all.findLast(candidate => candidate.size > 0)?.lastEpoch() ?? newest.epoch
    return starts === newest.epoch && ends === newest.epoch ? Infinity : newest.startOffset
  }

  /** Rebuilds a segment's indexes and cuts it where it stops making sense; returns how many bytes went. */
  private recoverSegment(segment: Segment): number {
    const { directory, config, expirationMs, requiresVerification, logStartOffset, trackProducers } = this.request
    const { epochs } = this
    const producers = new ProducerState(this.env, directory, { expirationMs, requiresVerification })
    if (trackProducers) rebuildProducerState(this.env, producers, this.segments, logStartOffset, segment.baseOffset, false)
    segment.resetIndexes()
    const { indexIntervalBytes } = config()
    const bytes = segment.log.view()
    const size = bytes.length
    let nextOffset = segment.baseOffset
    let lastIndexed = 0
    let at = 0
    for (; isWholeBatchAt(bytes, at) && isValidBatch(bytes, at); at += batchSizeOf(bytes, at)) {
      const header = readBatchHeader(bytes, at)
      if (header.baseOffset < nextOffset || header.leaderEpoch < (epochs.epochAt(header.baseOffset) ?? -1)) break
      nextOffset = header.lastOffset + 1
      segment.noteTimestamp(header.maxTimestamp, header.lastOffset)
      if (at - lastIndexed > indexIntervalBytes) {
        segment.addIndexEntries(header.lastOffset, at)
        lastIndexed = at
      }
      if (header.leaderEpoch > (epochs.latest?.epoch ?? -1)) epochs.assign(header.leaderEpoch, header.baseOffset)
      if (!trackProducers) continue
      const completed = producers.replay(bytes, header)
      if (completed !== undefined) {
        if (completed.isAborted) segment.abortIndex.append(producers.abortEntry(completed))
        producers.complete(completed)
      }
      producers.mapEndOffset = nextOffset
    }
    segment.truncateToPosition(at)
    segment.finish()
    const snapshot = trackProducers ? producers.takeSnapshot() : undefined
    if (snapshot !== undefined) this.env.spawn('snapshot-flush', snapshot.fsync())
    this.bytesDropped += size - at
    return size - at
  }

  private dropSegments(dropped: readonly Segment[]): void {
    for (const segment of dropped) {
      this.bytesDropped += segment.size
      this.segments.remove(segment)
      segment.deleteLater()
    }
  }
}
