/**
 * Where a follower stands in fetching one partition (Kafka: PartitionFetchState). Immutable; a response is applied only to
 * the state that asked for it.
 */
import type { Micros } from '../base/time.ts'
import type { Defects } from '../config/defects.ts'
import type { ReplicaLog } from './partition-host.ts'
import type { Partition } from './partition.ts'
import { reachesRung } from './truncation-ladder.ts'

export interface FetchState {
  readonly partition: Partition
  /** The leader epoch in which this fetcher runs. */
  readonly leaderEpoch: number
  readonly fetchOffset: number
  /** Epoch of the last batch below `fetchOffset`; undefined in an empty log, which then has nothing to diverge. */
  readonly lastFetchedEpoch: number | undefined
  /** To be cut to `fetchOffset` before the first fetch: there is no epoch by which the leader could find a divergence. */
  readonly isTruncating: boolean
  /** Backing off until then. */
  readonly delayedUntil: Micros
}

/** `state`, moved to another offset of its log. */
export function movedTo({ partition, leaderEpoch, isTruncating, delayedUntil }: FetchState, fetchOffset: number, lastFetchedEpoch: number | undefined): FetchState {
  return { partition, leaderEpoch, fetchOffset, lastFetchedEpoch, isTruncating, delayedUntil }
}

/** The epoch that a follower offers so that the leader may find where the logs diverge. */
export function epochForTruncation(defects: Defects, log: ReplicaLog): number | undefined {
  return reachesRung(defects, 'end-offset') ? log.latestEpoch : undefined
}

/** What is offered with the fetches after one that brought records: before KIP-320 only the first was checked. */
export function epochAfterAppend(defects: Defects, log: ReplicaLog): number | undefined {
  return reachesRung(defects, 'every-fetch') || !reachesRung(defects, 'epoch-once') ? epochForTruncation(defects, log) : undefined
}

/**
 * The state in which fetching starts (ReplicaManager#initialFetchOffset, AbstractFetcherThread#partitionFetchState): from
 * the end of the log, to be corrected by the leader; without epochs from the high watermark, all above it cut.
 */
export function initialFetchState(defects: Defects, partition: Partition): FetchState {
  const { log } = partition
  const lastFetchedEpoch = epochForTruncation(defects, log)
  return {
    partition,
    leaderEpoch: partition.leaderEpoch,
    fetchOffset: lastFetchedEpoch === undefined ? log.highWatermark : log.logEndOffset,
    lastFetchedEpoch,
    isTruncating: lastFetchedEpoch === undefined,
    delayedUntil: 0,
  }
}

export function isReadyForFetch(state: FetchState, now: Micros): boolean {
  return !state.isTruncating && state.delayedUntil <= now
}
