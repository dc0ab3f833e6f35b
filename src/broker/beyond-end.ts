/**
 * What a leader says to a reader whose position lies beyond its log (OFFSET_OUT_OF_RANGE), or whose position has an epoch
 * that it has never heard of (no offset for it). Known behaviour deposed-leader-resets-readers: one that has been deposed and
 * does not know it yet says the same of what its successor has acknowledged, and the reader resets its position by policy.
 */
import { ApiError } from '../protocol/api-error.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { Partition } from './partition.ts'

/** @throws ApiError OFFSET_NOT_AVAILABLE when mended: then the reader looks for a newer leader and asks again */
export function noteBeyondEnd(partition: Partition, offset: number, leaderEpoch: number): void {
  if (!partition.isLeader) return
  const { env } = partition.host
  if (env.mends.has('deposed-leader-resets-readers')) throw new ApiError(ErrorCode.OFFSET_NOT_AVAILABLE)
  const { topic, topicId, partition: index } = partition
  env.observe({ kind: 'read-beyond-end', topic, topicId, partition: index, leaderEpoch: partition.leaderEpoch, offset, epoch: leaderEpoch })
}
