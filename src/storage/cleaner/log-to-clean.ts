/**
 * What of a log can be cleaned, and how urgent that is (LogCleanerManager#cleanableOffsets, LogToClean).
 *
 * Clean is what lies below the checkpoint of the last cleaning. Above it whole segments are cleaned, up to the first that is
 * active, reaches beyond the last stable offset (and so the high watermark), or holds something younger than
 * `min.compaction.lag.ms`.
 */
import type { Millis } from '../../base/time.ts'
import type { Log } from '../log.ts'
import type { Segment } from '../segment.ts'

export interface LogToClean {
  readonly log: Log
  readonly firstDirtyOffset: number
  /** Base offset of the first segment that must be left alone. */
  readonly firstUncleanableOffset: number
  /** The checkpoint was beyond the log or below its start. */
  readonly isCheckpointInvalid: boolean
  readonly cleanableBytes: number
  readonly totalBytes: number
  /** Of all bytes up to the first that cannot be cleaned. */
  readonly cleanableRatio: number
  /** Something has waited for longer than `max.compaction.lag.ms`. */
  readonly isOverdue: boolean
}

export function logToClean(log: Log, checkpoint: number | undefined, now: Millis): LogToClean {
  const { logStartOffset } = log
  const from = checkpoint ?? logStartOffset
  const isCheckpointInvalid = from < logStartOffset || from > log.logEndOffset
  const firstDirtyOffset = isCheckpointInvalid ? logStartOffset : from
  const firstUncleanableOffset = segmentStart(log, Math.max(firstDirtyOffset, firstUncleanable(log, firstDirtyOffset, now)))
  const cleanBytes = bytesOf(log.segmentsBetween(-1, firstDirtyOffset))
  const cleanableBytes = bytesOf(log.segmentsBetween(Math.min(firstDirtyOffset, firstUncleanableOffset), firstUncleanableOffset))
  const totalBytes = cleanBytes + cleanableBytes
  return {
    log, firstDirtyOffset, firstUncleanableOffset, isCheckpointInvalid, cleanableBytes, totalBytes,
    cleanableRatio: totalBytes === 0 ? 0 : cleanableBytes / totalBytes,
    isOverdue: isOverdue(log, firstDirtyOffset, now),
  }
}

/** Worth a round: dirty enough, or overdue. */
export function isWorthCleaning({ log, isOverdue, cleanableBytes, cleanableRatio, totalBytes }: LogToClean): boolean {
  return totalBytes > 0 && ((isOverdue && cleanableBytes > 0) || cleanableRatio > log.config.minCleanableDirtyRatio)
}

function firstUncleanable(log: Log, firstDirtyOffset: number, now: Millis): number {
  const { minCompactionLagMs } = log.config
  const bound = Math.min(log.lastStableOffset, log.segments.at(-1)!.baseOffset)
  if (minCompactionLagMs <= 0) return bound
  const young = inactiveFrom(log, firstDirtyOffset).find(segment => segment.largestTimestamp > now - minCompactionLagMs)
  return young === undefined ? bound : Math.min(bound, young.baseOffset)
}

function isOverdue(log: Log, firstDirtyOffset: number, now: Millis): boolean {
  const cleanUntil = now - log.config.maxCompactionLagMs
  return inactiveFrom(log, firstDirtyOffset).some(({ firstBatchTimestamp: first }) => first !== undefined && first > 0 && first < cleanUntil)
}

/** The base offset of the segment that holds `offset`. */
function segmentStart(log: Log, offset: number): number {
  return inactiveFrom(log, offset)[0]?.baseOffset ?? log.segments.at(-1)!.baseOffset
}

/** Segments before the active one, from that which holds `offset` on. */
function inactiveFrom(log: Log, offset: number): readonly Segment[] {
  const active = log.segments.at(-1)!.baseOffset
  return offset > active ? [] : log.segmentsBetween(offset, active)
}

function bytesOf(segments: readonly Segment[]): number {
  let bytes = 0
  for (const { size } of segments) bytes += size
  return bytes
}
