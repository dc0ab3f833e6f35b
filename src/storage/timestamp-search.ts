/** Offsets by timestamp, as ListOffsets asks for them (LogSegment#findOffsetByTimestamp, UnifiedLog#fetchOffsetByTimestamp). */
import { ApiError } from '../protocol/api-error.ts'
import { ErrorCode } from '../protocol/errors.ts'
import {
  batchSizeOf, isWholeBatchAt, lastOffsetOf, leaderEpochOf, maxTimestampOf, readRecords,
} from '../protocol/records/record-batch.ts'
import { DecodeError } from '../protocol/wire.ts'
import type { Segment } from './segment.ts'
import type { SegmentList } from './segment-list.ts'

export interface TimestampAndOffset {
  readonly offset: number
  readonly timestamp: number
  readonly leaderEpoch: number
}

/**
 * The first record at or beyond `startOffset` with a timestamp of at least `timestamp`, of the first segment that has one.
 * Known behaviour: that one may lie below `startOffset`, and then later segments are not looked into
 * (UnifiedLog#searchOffsetInLocalLog). `inEverySegment`: they are.
 */
export function findTimestamp(segments: SegmentList, timestamp: number, startOffset: number, inEverySegment = false): TimestampAndOffset | undefined {
  for (const segment of segments.all) {
    if (segment.largestTimestamp < timestamp) continue
    const from = Math.max(segment.timeIndex.lookup(timestamp).offset, startOffset)
    const found = firstRecord(segment, segment.offsetIndex.positionBefore(from), timestamp, startOffset)
    if (found !== undefined || !inEverySegment) return found
  }
  return undefined
}

/** The first record of those with the largest timestamp of the log; undefined when no record has one. */
export function findMaxTimestamp(segments: SegmentList): TimestampAndOffset | undefined {
  let found = segments.first
  for (const segment of segments.all) if (segment.maxTimestamp > found.maxTimestamp) found = segment
  if (found.maxTimestamp < 0) return undefined
  return firstRecord(found, found.offsetIndex.positionBefore(found.offsetOfMaxTimestamp), found.maxTimestamp, 0)
}

/** Reads do not check CRCs, so a spoiled disk shows here as records that are none; whoever asked is told (InvalidRecordException). */
function recordsOf(bytes: Uint8Array, at: number): ReturnType<typeof readRecords> {
  try {
    return readRecords(bytes, at)
  } catch (error) {
    throw error instanceof DecodeError ? new ApiError(ErrorCode.INVALID_RECORD, error.message) : error
  }
}

function firstRecord(segment: Segment, position: number, timestamp: number, startOffset: number): TimestampAndOffset | undefined {
  const bytes = segment.log.view()
  for (let at = position; isWholeBatchAt(bytes, at); at += batchSizeOf(bytes, at)) {
    if (maxTimestampOf(bytes, at) < timestamp || lastOffsetOf(bytes, at) < startOffset) continue
    for (const record of recordsOf(bytes, at)) {
      if (record.timestamp >= timestamp && record.offset >= startOffset) {
        return { offset: record.offset, timestamp: record.timestamp, leaderEpoch: leaderEpochOf(bytes, at) }
      }
    }
  }
  return undefined
}
