/**
 * Notes where the leader epochs of an append begin (UnifiedLog#maybeAssignEpochStartOffset). Known behaviour
 * epoch-start-behind-gap: what compaction has removed before the first batch of an epoch may have been of it.
 */
import type { BatchHeader } from './batch-header.ts'
import type { LeaderEpochCache } from './leader-epoch-cache.ts'
import type { LogObserver } from './log-observer.ts'

export function noteEpochs(epochs: LeaderEpochCache, headers: readonly BatchHeader[], endOffset: number, isMended: boolean, observer: LogObserver | undefined): void {
  let next = endOffset
  for (const { leaderEpoch, baseOffset, lastOffset } of headers) {
    const hasGap = baseOffset > next && leaderEpoch > (epochs.latest?.epoch ?? -1)
    if (leaderEpoch >= 0) epochs.assign(leaderEpoch, hasGap && isMended ? next : baseOffset)
    if (hasGap) observer?.epochBehindGap(leaderEpoch, baseOffset, next)
    next = lastOffset + 1
  }
}
