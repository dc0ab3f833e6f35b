/**
 * Which segments retention may remove (UnifiedLog#deleteOldSegments): whole ones, oldest first, never one that reaches
 * above the high watermark, never an empty last one. Age is the age of the segment's youngest record by the wall clock of
 * this broker; a record from the future keeps its segment.
 */
import type { TopicConfig } from '../config/topic.ts'
import type { Segment } from './segment.ts'
import type { SegmentList } from './segment-list.ts'

export type RetentionReason = 'retention-time' | 'retention-size' | 'log-start'

export interface RetentionView {
  readonly segments: SegmentList
  readonly logStartOffset: number
  readonly logEndOffset: number
  /** Nothing above may go: the high watermark. */
  readonly deletableEnd: number
  readonly now: number
  readonly config: TopicConfig
}

/** The oldest segments that break one rule; the caller removes them and then asks for the next rule. */
export function segmentsPastRetention(log: RetentionView, reason: RetentionReason): Segment[] {
  const { config } = log
  switch (reason) {
    case 'log-start':
      return oldest(log, (_, next) => next !== undefined && next.baseOffset <= log.logStartOffset)
    case 'retention-size': {
      if (config.cleanupPolicy === 'compact' || config.retentionBytes < 0) return []
      let excess = log.segments.sizeInBytes - config.retentionBytes
      return oldest(log, segment => (excess -= segment.size) >= 0)
    }
    case 'retention-time':
      if (config.cleanupPolicy === 'compact' || config.retentionMs < 0) return []
      return oldest(log, segment => log.now - segment.largestTimestamp > config.retentionMs)
  }
}

function oldest(log: RetentionView, isPast: (segment: Segment, next: Segment | undefined) => boolean): Segment[] {
  const { all } = log.segments
  const past: Segment[] = []
  for (const [index, segment] of all.entries()) {
    const next = all[index + 1]
    const end = next === undefined ? log.logEndOffset : next.baseOffset
    if (log.deletableEnd < end || (next === undefined && segment.size === 0) || !isPast(segment, next)) break
    past.push(segment)
  }
  return past
}
