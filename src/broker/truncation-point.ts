/**
 * Where a follower cuts its log when the leader says that it diverges (AbstractFetcherThread#getOffsetTruncationState).
 * Pure. The answer may need another round: the follower then fetches from the cut and is told again if it still diverges.
 */

export interface EpochEndOffset {
  readonly epoch: number
  readonly endOffset: number
}

export interface TruncationPoint {
  readonly offset: number
  /** False when the leader's epoch is unknown here and the next fetch may find more to cut. */
  readonly isFinal: boolean
}

/**
 * @param leader the leader's largest epoch at or below the follower's last one, and where it ends there
 * @param own the follower's largest epoch at or below the leader's, and where it ends here; undefined if it has none
 */
export function truncationPoint(leader: EpochEndOffset, own: EpochEndOffset | undefined, logEndOffset: number): TruncationPoint {
  if (own === undefined) return { offset: Math.min(leader.endOffset, logEndOffset), isFinal: true }
  // Own records between the end of that older epoch and the leader's offset belong to epochs the leader never had, so the
  // leader's offset says nothing about them.
  if (own.epoch !== leader.epoch) return { offset: Math.min(own.endOffset, logEndOffset), isFinal: false }
  return { offset: Math.min(own.endOffset, leader.endOffset, logEndOffset), isFinal: true }
}
