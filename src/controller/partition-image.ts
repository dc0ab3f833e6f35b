/**
 * One partition as the metadata log describes it (Kafka: PartitionRegistration). Objects are immutable: a record makes a
 * new one, so an old reference stays a valid picture of the past.
 *
 * Invariants: the leader is -1 or a replica; ISR and ELR are disjoint sets of replicas; `leaderEpoch` rises with every
 * record that names a leader (even the same one), `partitionEpoch` with every record.
 */
import { invariant } from '../base/assert.ts'
import type { PartitionChangeRecord, PartitionRecord } from '../protocol/generated/types.ts'

export type LeaderRecoveryState = 'RECOVERED' | 'RECOVERING'

export const NO_LEADER = -1
/** In a PartitionChangeRecord: the leader stays and so does its epoch. */
export const NO_LEADER_CHANGE = -2
/** In a PartitionChangeRecord: the recovery state stays. */
export const NO_RECOVERY_CHANGE = -1

export interface PartitionImage {
  /** Assigned brokers in preferred order. */
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
  /** Eligible leader replicas (KIP-966). */
  readonly elr: readonly number[]
  /** At most one broker: the last leader of a partition without leader (KIP-966). */
  readonly lastKnownElr: readonly number[]
  readonly removingReplicas: readonly number[]
  readonly addingReplicas: readonly number[]
  readonly leader: number
  readonly leaderEpoch: number
  readonly partitionEpoch: number
  readonly leaderRecoveryState: LeaderRecoveryState
  /** Log directory of each replica, in the order of `replicas` (KIP-858). */
  readonly directories: readonly string[]
}

const NONE: readonly number[] = Object.freeze([])

export function recoveryStateOf(value: number): LeaderRecoveryState {
  return value === 1 ? 'RECOVERING' : 'RECOVERED'
}

export function recoveryStateValue(state: LeaderRecoveryState): number {
  return state === 'RECOVERING' ? 1 : 0
}

export function partitionFromRecord(record: PartitionRecord): PartitionImage {
  return {
    replicas: record.replicas,
    isr: record.isr,
    elr: record.eligibleLeaderReplicas ?? NONE,
    lastKnownElr: record.lastKnownElr ?? NONE,
    removingReplicas: record.removingReplicas,
    addingReplicas: record.addingReplicas,
    leader: record.leader,
    leaderEpoch: record.leaderEpoch,
    partitionEpoch: record.partitionEpoch,
    leaderRecoveryState: recoveryStateOf(record.leaderRecoveryState),
    directories: record.directories,
  }
}

/** The partition after a change (PartitionRegistration#merge). */
export function mergePartition(old: PartitionImage, change: PartitionChangeRecord): PartitionImage {
  const leaderChanges = change.leader !== NO_LEADER_CHANGE
  const merged: PartitionImage = {
    replicas: change.replicas ?? old.replicas,
    isr: change.isr ?? old.isr,
    elr: change.eligibleLeaderReplicas ?? old.elr,
    lastKnownElr: change.lastKnownElr ?? old.lastKnownElr,
    removingReplicas: change.removingReplicas ?? old.removingReplicas,
    addingReplicas: change.addingReplicas ?? old.addingReplicas,
    leader: leaderChanges ? change.leader : old.leader,
    leaderEpoch: leaderChanges ? old.leaderEpoch + 1 : old.leaderEpoch,
    partitionEpoch: old.partitionEpoch + 1,
    leaderRecoveryState:
      change.leaderRecoveryState === NO_RECOVERY_CHANGE ? old.leaderRecoveryState : recoveryStateOf(change.leaderRecoveryState),
    directories: change.directories ?? old.directories,
  }
  invariant(merged.leader === NO_LEADER || merged.replicas.includes(merged.leader), 'the leader must be a replica')
  return merged
}

/** ELR and last known leader forgotten, as a ClearElrRecord does; the same object if there was nothing to forget. */
export function withoutElr(old: PartitionImage): PartitionImage {
  if (old.elr.length === 0 && old.lastKnownElr.length === 0) return old
  return { ...old, elr: NONE, lastKnownElr: NONE, partitionEpoch: old.partitionEpoch + 1 }
}

export function hasPreferredLeader(partition: PartitionImage): boolean {
  return partition.leader === partition.replicas[0]
}
