/**
 * Brings producer state to an offset of the log: from the newest usable snapshot at or below it, then by reading the log
 * (UnifiedLog.rebuildProducerState). Used when a log is loaded and after every truncation.
 */
import type { Env } from '../env/env.ts'
import { batchSizeOf, isWholeBatchAt } from '../protocol/records/record-batch.ts'
import { readBatchHeader } from './batch-header.ts'
import type { ProducerState } from './producer-state.ts'
import type { Segment } from './segment.ts'
import type { SegmentList } from './segment-list.ts'

export function rebuildProducerState(
  env: Env, producers: ProducerState, segments: SegmentList,
  logStartOffset: number, endOffset: number, cleanShutdown: boolean,
): void {
  const snapshotAt = [...segments.all.slice(-2).map(segment => segment.baseOffset), endOffset]
  const snapshot = (): void => {
    const file = producers.takeSnapshot()
    if (file !== undefined) env.spawn('snapshot-flush', file.fsync())
  }
  if (cleanShutdown && producers.latestSnapshot === undefined) {
    // A clean shutdown leaves a snapshot unless no producer ever wrote, so there is nothing to read for.
    for (const offset of snapshotAt) {
      producers.mapEndOffset = offset
      snapshot()
    }
    return
  }
  const knownEmpty = producers.isEmpty && producers.mapEndOffset >= endOffset
  producers.truncateAndReload(logStartOffset, endOffset)
  if (!knownEmpty && endOffset > producers.mapEndOffset) {
    for (const segment of segments.between(producers.mapEndOffset, endOffset)) {
      const from = Math.max(segment.baseOffset, producers.mapEndOffset, logStartOffset)
      producers.mapEndOffset = from
      if (snapshotAt.includes(segment.baseOffset)) snapshot()
      replaySegment(producers, segment, from, endOffset)
    }
  }
  producers.mapEndOffset = endOffset
  snapshot()
}

function replaySegment(producers: ProducerState, segment: Segment, from: number, endOffset: number): void {
  const bytes = segment.log.view()
  const end = segment.positionOf(endOffset) ?? bytes.length
  for (let at = segment.positionOf(from) ?? end; at < end && isWholeBatchAt(bytes, at); at += batchSizeOf(bytes, at)) {
    const completed = producers.replay(bytes, readBatchHeader(bytes, at))
    if (completed !== undefined) producers.complete(completed)
  }
}
