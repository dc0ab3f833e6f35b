/**
 * Appends what a leader sent to a follower's log (ReplicaFetcherThread#processPartitionData): batches of no later epoch
 * than the fetch ran in, then the high watermark, which may move down here, then the log start.
 */
import type { Env } from '../env/env.ts'
import type { FetchResponsePartitionData } from '../protocol/generated/types.ts'
import { baseOffsetOf, isWholeBatchAt, lastOffsetOf } from '../protocol/records/record-batch.ts'
import type { FetchState } from './fetch-state.ts'
import type { ReplicaLog } from './partition-host.ts'

export interface FetchedAppend {
  /** Where to fetch next. */
  readonly nextOffset: number
  readonly highWatermarkChanged: boolean
}

/** Throws ApiError when the log refuses the records. */
export function appendFetched(env: Env, state: FetchState, data: FetchResponsePartitionData): FetchedAppend {
  const { partition } = state
  const { log } = partition
  const { records } = data
  if (records !== null && records.length > 0) {
    makeRoomForCutBatch(log, records)
    log.appendAsFollower(records, state.leaderEpoch)
  }
  const previous = log.highWatermark
  const offset = log.updateHighWatermark(data.highWatermark)
  const highWatermarkChanged = offset !== previous
  if (highWatermarkChanged) {
    const { topicId, topic, partition: index } = partition
    env.observe({ kind: 'high-watermark', topicId, topic, partition: index, leaderEpoch: state.leaderEpoch, offset, previous, asLeader: false, maximalIsr: [] })
  }
  if (data.logStartOffset > log.logStartOffset) log.maybeIncrementLogStartOffset(data.logStartOffset, 'leader')
  return { nextOffset: log.logEndOffset, highWatermarkChanged }
}

/**
 * The leader's log may start in the middle of a batch (DeleteRecords). A follower whose log is empty at that offset takes
 * the whole batch, so its log must start at the batch's first offset (Partition#appendRecordsToFollowerOrFutureReplica).
 */
function makeRoomForCutBatch(log: ReplicaLog, records: Uint8Array): void {
  if (!isWholeBatchAt(records, 0)) return
  const end = log.logEndOffset
  if (end === log.logStartOffset && baseOffsetOf(records, 0) < end && lastOffsetOf(records, 0) >= end) {
    log.truncateFullyAndStartAt(baseOffsetOf(records, 0))
  }
}
