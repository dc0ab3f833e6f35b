/**
 * Reading from a hosted partition, as leader or follower: fetches, epoch look-ups, offsets by time (Kafka: the second half
 * of Partition). Nothing here changes state.
 *
 * Order of the checks of a fetch: leader epoch, leadership, assignment (by the caller), divergence, then the read. Every
 * bound is read once: a second look could see another high watermark (KAFKA-9807, KAFKA-9835).
 */
import type { Defects } from '../config/defects.ts'
import { ApiError } from '../protocol/api-error.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { FetchRequestFetchPartition } from '../protocol/generated/types.ts'
import { noteBeyondEnd } from './beyond-end.ts'
import type { ReplicaLog } from './partition-host.ts'
import type { Partition } from './partition.ts'
import { reachesRung } from './truncation-ladder.ts'
import type { EpochEndOffset } from './truncation-point.ts'

/** How far a reader may look: a replica to the log end, a consumer to the high watermark or last stable offset. */
export type Isolation = 'log-end' | 'high-watermark' | 'committed'

export interface PartitionRead {
  readonly records: Uint8Array
  readonly divergingEpoch: EpochEndOffset | undefined
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly logStartOffset: number
  readonly logEndOffset: number
}

export const NO_EPOCH = -1
export const NO_OFFSET = -1
export const NO_RECORDS: Uint8Array = new Uint8Array(0)

/** NONE, or why a request with this current leader epoch (-1: none) cannot be served here. */
export function serviceError(partition: Partition, currentLeaderEpoch: number, requireLeader: boolean): number {
  if (currentLeaderEpoch !== NO_EPOCH) {
    if (currentLeaderEpoch < partition.leaderEpoch) return ErrorCode.FENCED_LEADER_EPOCH
    if (currentLeaderEpoch > partition.leaderEpoch) return ErrorCode.UNKNOWN_LEADER_EPOCH
  }
  if (partition.isClosed || (requireLeader && !partition.isLeader)) return ErrorCode.NOT_LEADER_OR_FOLLOWER
  return ErrorCode.NONE
}

/** Throws ApiError when the partition cannot serve. */
export function requireLog(partition: Partition, currentLeaderEpoch: number, requireLeader: boolean): ReplicaLog {
  const error = serviceError(partition, currentLeaderEpoch, requireLeader)
  if (error !== ErrorCode.NONE) throw new ApiError(error)
  return partition.log
}

export function endOffsetFor(log: ReplicaLog, isolation: Isolation): number {
  switch (isolation) {
    case 'log-end': return log.logEndOffset
    case 'high-watermark': return log.highWatermark
    case 'committed': return log.lastStableOffset
  }
}

/**
 * Where the log of a fetcher leaves this log, undefined if it does not (KIP-595, KIP-279). The epoch counts as well as the
 * offset: when this log does not know the fetcher's epoch, the offset belongs to another one.
 * Throws OFFSET_OUT_OF_RANGE when the fetcher's epoch lies outside what this log remembers. When leaders did not record
 * their epochs (KAFKA-7415), a replica was then told that nothing is known: the epoch comes back without an offset.
 */
export function divergence(defects: Defects, log: ReplicaLog, lastFetchedEpoch: number, fetchOffset: number, isolation: Isolation): EpochEndOffset | undefined {
  const end = log.endOffsetForEpoch(lastFetchedEpoch)
  if (end === undefined && isolation === 'log-end' && defects.has('KAFKA-7415')) return { epoch: lastFetchedEpoch, endOffset: NO_OFFSET }
  if (end === undefined || fetchOffset < log.logStartOffset) throw new ApiError(ErrorCode.OFFSET_OUT_OF_RANGE)
  const isOfOtherEpoch = reachesRung(defects, 'epoch-once') && end.epoch < lastFetchedEpoch
  const diverges = isOfOtherEpoch || end.endOffset < fetchOffset
  return diverges ? end : undefined
}

export interface ReadLimits {
  readonly isolation: Isolation
  readonly requireLeader: boolean
  readonly maxBytes: number
  readonly minOneMessage: boolean
  /** A high watermark that was read before (KAFKA-9807); undefined: the present one. */
  readonly seenHighWatermark?: number | undefined
}

/** Reads what a fetch asks for. Throws ApiError. */
export function readPartition(
  defects: Defects,
  partition: Partition,
  fetch: FetchRequestFetchPartition,
  how: ReadLimits,
): PartitionRead {
  const log = requireLog(partition, fetch.currentLeaderEpoch, how.requireLeader)
  const { fetchOffset, lastFetchedEpoch } = fetch
  const { highWatermark, logStartOffset, logEndOffset } = log
  const lastStableOffset = log.lastStableOffsetFor(how.seenHighWatermark ?? highWatermark)
  let divergingEpoch: EpochEndOffset | undefined
  let records: Uint8Array = NO_RECORDS
  if (lastFetchedEpoch !== NO_EPOCH) divergingEpoch = divergence(defects, log, lastFetchedEpoch, fetchOffset, how.isolation)
  if (divergingEpoch === undefined) {
    if (fetchOffset > logEndOffset && how.isolation !== 'log-end') noteBeyondEnd(partition, fetchOffset, NO_EPOCH)
    if (fetchOffset < logStartOffset || fetchOffset > logEndOffset) throw new ApiError(ErrorCode.OFFSET_OUT_OF_RANGE)
    const endOffset = how.isolation === 'log-end' || defects.has('reads-beyond-high-watermark') ? logEndOffset : how.isolation === 'committed' ? lastStableOffset : highWatermark
    // Between the bound and the log end a consumer gets nothing: a follower's own high watermark trails (KIP-392).
    if (fetchOffset < endOffset && (how.maxBytes > 0 || how.minOneMessage)) {
      records = log.read(fetchOffset, how.maxBytes, endOffset, how.minOneMessage)
    }
  }
  return { records, divergingEpoch, highWatermark, lastStableOffset, logStartOffset, logEndOffset }
}

/** The end of an epoch for OffsetForLeaderEpoch; (-1, -1) when unknown. Throws ApiError. */
export function endOffsetOfEpoch(partition: Partition, currentLeaderEpoch: number, leaderEpoch: number): EpochEndOffset {
  const log = requireLog(partition, currentLeaderEpoch, true)
  const end = log.endOffsetForEpoch(leaderEpoch)
  if (end === undefined && leaderEpoch > partition.leaderEpoch) noteBeyondEnd(partition, NO_OFFSET, leaderEpoch)
  return end ?? { epoch: NO_EPOCH, endOffset: NO_OFFSET }
}

/** Special timestamps of ListOffsets. */
export const LATEST_TIMESTAMP = -1
export const EARLIEST_TIMESTAMP = -2
export const MAX_TIMESTAMP = -3
export const EARLIEST_LOCAL_TIMESTAMP = -4
export const LATEST_TIERED_TIMESTAMP = -5

export interface FoundOffset {
  readonly offset: number
  readonly timestamp: number
  readonly leaderEpoch: number
}

const NOT_FOUND: FoundOffset = { offset: NO_OFFSET, timestamp: -1, leaderEpoch: NO_EPOCH }

/**
 * The offset that a timestamp names (Partition#fetchOffsetForTimestamp). `isolation` 'log-end' is a replica's question and
 * skips the rule of KIP-207: a client is refused with OFFSET_NOT_AVAILABLE while the high watermark of a new leader is
 * below the start of its epoch, or its answer could go backwards. Throws ApiError.
 */
export function offsetForTimestamp(partition: Partition, timestamp: number, currentLeaderEpoch: number, isolation: Isolation, requireLeader: boolean): FoundOffset {
  const log = requireLog(partition, currentLeaderEpoch, requireLeader)
  const fetchable = endOffsetFor(log, isolation)
  const epochStart = partition.leaderEpochStartOffset
  const isUnsettled = isolation !== 'log-end' && epochStart !== undefined && epochStart > log.highWatermark && !partition.host.env.defects.has('Redpanda-5090')
  switch (timestamp) {
    case LATEST_TIMESTAMP:
      if (isUnsettled) throw new ApiError(ErrorCode.OFFSET_NOT_AVAILABLE)
      return { offset: fetchable, timestamp: -1, leaderEpoch: partition.leaderEpoch }
    case EARLIEST_TIMESTAMP:
    case EARLIEST_LOCAL_TIMESTAMP:
      return { offset: log.logStartOffset, timestamp: -1, leaderEpoch: log.epochAt(log.logStartOffset) ?? NO_EPOCH }
    case LATEST_TIERED_TIMESTAMP:
      return NOT_FOUND
    default: {
      const found = timestamp === MAX_TIMESTAMP ? log.offsetOfMaxTimestamp() : log.offsetForTimestamp(timestamp)
      const isFetchable = found !== undefined && found.offset < fetchable
      if (timestamp >= 0) {
        partition.host.env.observe({
          kind: 'offset-for-timestamp', ...partition.names(), timestamp, offset: isFetchable ? found.offset : NO_OFFSET, found: isFetchable ? found.timestamp : -1, logStartOffset: log.logStartOffset, fetchable,
        })
      }
      if (isFetchable) {
        return { offset: found.offset, timestamp: found.timestamp, leaderEpoch: found.leaderEpoch }
      }
      if (isUnsettled) throw new ApiError(ErrorCode.OFFSET_NOT_AVAILABLE)
      return NOT_FOUND
    }
  }
}
