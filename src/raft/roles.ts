/**
 * The roles of a raft participant (QuorumState and its states). Observers are only ever unattached or followers.
 *
 *   from                 on                                        to
 *   unattached           election time-out (voter)                 prospective, same epoch
 *   follower             fetch time-out (voter)                    prospective, same epoch
 *   prospective          majority of pre-votes                     candidate, epoch + 1, vote for self
 *   prospective          majority refuses, or time-out             follower if the leader is known, else unattached
 *   candidate            majority of votes                         leader
 *   candidate            election time-out                         prospective, same epoch
 *   leader               majority of voters stopped fetching       resigned
 *   resigned             election time-out                         unattached, epoch + 1
 *   any                  a higher epoch is seen                    unattached or follower there
 *
 * Times are the node's monotonic microseconds.
 */
import type { Micros } from '../base/time.ts'
import type { LeaderProgress } from './leader-progress.ts'
import type { SnapshotWriter } from './snapshot-store.ts'
import type { ReplicaKey } from './voter-set.ts'

export interface Unattached {
  readonly kind: 'unattached'
  readonly votedFor: ReplicaKey | undefined
  /** Known from the stored state although its endpoint may be unreachable; -1: unknown. */
  readonly leaderId: number
  deadline: Micros
}

export interface Follower {
  readonly kind: 'follower'
  readonly leaderId: number
  readonly votedFor: ReplicaKey | undefined
  /** Has a fetch from this leader succeeded in this epoch? Such a follower refuses pre-votes. */
  hasFetched: boolean
  /** The snapshot that is being fetched, as far as it has come. */
  fetchingSnapshot?: SnapshotWriter | undefined
  deadline: Micros
}

export interface Ballot {
  readonly granted: Set<number>
  readonly refused: Set<number>
}

export interface Prospective extends Ballot {
  readonly kind: 'prospective'
  readonly votedFor: ReplicaKey | undefined
  readonly leaderId: number
  readonly deadline: Micros
}

export interface Candidate extends Ballot {
  readonly kind: 'candidate'
  readonly deadline: Micros
}

export interface Leader {
  readonly kind: 'leader'
  readonly progress: LeaderProgress
  readonly granting: readonly number[]
}

export interface Resigned {
  readonly kind: 'resigned'
  readonly deadline: Micros
  readonly successors: readonly number[]
}

export type Role = Unattached | Follower | Prospective | Candidate | Leader | Resigned

/** More than half of the voters. */
export function isMajority(count: number, voters: number): boolean {
  return count >= Math.floor(voters / 2) + 1
}
