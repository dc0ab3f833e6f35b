/**
 * What a leader knows about one follower, learnt only from its fetches (Kafka: Replica, ReplicaState).
 *
 * States are immutable snapshots: eligibility for the ISR must be judged on one snapshot, or "caught up" may come from a
 * dead incarnation of the follower and "broker epoch matches" from the living one (KAFKA-15221).
 * Times are wall clock milliseconds, as in Kafka; 0 means long ago.
 */
import type { Millis } from '../base/time.ts'

export const UNKNOWN_OFFSET = -1

export interface RemoteReplicaState {
  readonly logStartOffset: number
  /** Fetch offset of the last accepted fetch, UNKNOWN_OFFSET before the first. */
  readonly logEndOffset: number
  /** The leader's end offset when that fetch arrived. */
  readonly lastFetchLeaderLogEndOffset: number
  readonly lastFetchTimeMs: Millis
  /** The latest time at which this follower was known to hold everything that the leader then held. */
  readonly lastCaughtUpTimeMs: Millis
  /** Broker epoch carried by the last accepted fetch (KIP-903); undefined before the first. */
  readonly brokerEpoch: number | undefined
}

const EMPTY: RemoteReplicaState = {
  logStartOffset: UNKNOWN_OFFSET,
  logEndOffset: UNKNOWN_OFFSET,
  lastFetchLeaderLogEndOffset: 0,
  lastFetchTimeMs: 0,
  lastCaughtUpTimeMs: 0,
  brokerEpoch: undefined,
}

export interface FollowerFetch {
  readonly fetchOffset: number
  readonly logStartOffset: number
  readonly timeMs: Millis
  readonly leaderEndOffset: number
  readonly brokerEpoch: number
}

export class RemoteReplica {
  readonly brokerId: number
  state: RemoteReplicaState = EMPTY

  constructor(brokerId: number) {
    this.brokerId = brokerId
  }

  /** Records a fetch whose offset the leader has validated (Replica#updateFetchStateOrThrow). */
  recordFetch(fetch: FollowerFetch): void {
    const { state } = this
    let lastCaughtUpTimeMs = state.lastCaughtUpTimeMs
    if (fetch.fetchOffset >= fetch.leaderEndOffset) lastCaughtUpTimeMs = Math.max(lastCaughtUpTimeMs, fetch.timeMs)
    else if (fetch.fetchOffset >= state.lastFetchLeaderLogEndOffset) lastCaughtUpTimeMs = Math.max(lastCaughtUpTimeMs, state.lastFetchTimeMs)
    this.state = {
      logStartOffset: fetch.logStartOffset,
      logEndOffset: fetch.fetchOffset,
      lastFetchLeaderLogEndOffset: Math.max(fetch.leaderEndOffset, state.lastFetchLeaderLogEndOffset),
      lastFetchTimeMs: fetch.timeMs,
      lastCaughtUpTimeMs,
      brokerEpoch: fetch.brokerEpoch,
    }
  }

  /**
   * A new leader epoch of this broker begins (Replica#resetReplicaState). A broker that led before keeps what it knows of
   * its followers' logs, but those outside the ISR must fetch again before they count as caught up.
   */
  reset(o: { now: Millis; leaderEndOffset: number; isNewLeader: boolean; isInSync: boolean }): void {
    const lastCaughtUpTimeMs = o.isInSync ? o.now : 0
    if (o.isNewLeader) {
      this.state = { ...EMPTY, lastFetchLeaderLogEndOffset: UNKNOWN_OFFSET, lastCaughtUpTimeMs }
    } else {
      this.state = {
        ...this.state,
        lastFetchLeaderLogEndOffset: o.leaderEndOffset,
        lastFetchTimeMs: o.isInSync ? o.now : 0,
        lastCaughtUpTimeMs,
      }
    }
  }
}

/** In sync by position, or recently enough by time (ReplicaState#isCaughtUp): a dead follower at the end stays in sync. */
export function isCaughtUp(state: RemoteReplicaState, leaderEndOffset: number, now: Millis, maxLagMs: Millis): boolean {
  return state.logEndOffset === leaderEndOffset || now - state.lastCaughtUpTimeMs <= maxLagMs
}
