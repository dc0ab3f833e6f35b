/**
 * Which segments are cleaned into one (Cleaner#groupSegmentsBySize): neighbours whose bytes fit into a segment together, so
 * that segments do not get ever smaller. Offsets of a group must fit the indexes.
 */
import type { TopicConfig } from '../../config/topic.ts'
import type { Segment } from '../segment.ts'

const OFFSET_INDEX_ENTRY = 8
const TIME_INDEX_ENTRY = 12
const MAX_RELATIVE_OFFSET = 0x7fffffff

export function groupSegments(segments: readonly Segment[], config: TopicConfig, firstUncleanableOffset: number): readonly (readonly Segment[])[] {
  const groups: Segment[][] = []
  let bytes = 0
  let offsetIndexBytes = 0
  let timeIndexBytes = 0
  for (const [index, segment] of segments.entries()) {
    const offsetBytes = segment.offsetIndex.entries * OFFSET_INDEX_ENTRY
    const timeBytes = segment.timeIndex.entries * TIME_INDEX_ENTRY
    const group = groups.at(-1)
    const lastOffset = (segments[index + 1]?.baseOffset ?? firstUncleanableOffset) - 1
    const fits = group !== undefined
      && bytes + segment.size <= config.segmentBytes
      && offsetIndexBytes + offsetBytes <= config.segmentIndexBytes
      && timeIndexBytes + timeBytes <= config.segmentIndexBytes
      && (segment.size === 0 || lastOffset - group[0]!.baseOffset <= MAX_RELATIVE_OFFSET)
    if (fits) {
      group.push(segment)
      bytes += segment.size
      offsetIndexBytes += offsetBytes
      timeIndexBytes += timeBytes
    } else {
      groups.push([segment])
      bytes = segment.size
      offsetIndexBytes = offsetBytes
      timeIndexBytes = timeBytes
    }
  }
  return groups
}
