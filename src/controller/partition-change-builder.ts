/**
 * Computes the one record that moves a partition from its registration to what is wanted, with the election, the ELR
 * bookkeeping and the epoch bumps that follow from it (Kafka: PartitionChangeBuilder, KIP-966 part 1).
 *
 *   candidate            | when                                                      | the ISR becomes
 *   ---------------------|-----------------------------------------------------------|----------------
 *   preferred replica    | election 'preferred', valid                                | unchanged
 *   current leader       | valid: stays                                               | unchanged
 *   first valid replica  | valid = acceptable and in the ISR                          | unchanged
 *                        |         or, when the ISR is empty, acceptable and in ELR   | {it}
 *   last known leader    | acceptable, ISR and ELR empty, exactly one recorded        | {it}, RECOVERING
 *   first acceptable     | election 'unclean'                                         | {it}, RECOVERING
 *   nobody (-1)          | otherwise; the old leader is recorded as last known        | unchanged
 *
 * The leader epoch rises whenever the record names a leader: on a change of leader, or when a replica leaves the
 * assignment. The partition epoch rises with every record.
 *
 * Unlike Kafka: metadata versions below 3.6 (epoch bump on ISR shrink) and log directories are left out; every replica
 * stays in directory "unassigned", which is always online.
 */
import { metadataRecord } from '../protocol/metadata-records.ts'
import type { MetadataRecord } from '../protocol/metadata-records.ts'
import { ZERO_UUID } from '../protocol/uuid.ts'
import { NO_LEADER, NO_LEADER_CHANGE, NO_RECOVERY_CHANGE, recoveryStateValue } from './partition-image.ts'
import type { LeaderRecoveryState, PartitionImage } from './partition-image.ts'
import { completeReassignment } from './partition-reassignment.ts'

export type ElectionKind = 'online' | 'preferred' | 'unclean'
/** By which rule the leader of a record was chosen. */
export type ElectionReason = 'isr' | 'elr' | 'last-known-leader' | 'unclean' | 'preferred' | 'none' | 'kept'

export interface PartitionTarget {
  readonly election?: ElectionKind
  readonly isr?: readonly number[]
  readonly replicas?: readonly number[]
  readonly removing?: readonly number[]
  readonly adding?: readonly number[]
  readonly leaderRecoveryState?: LeaderRecoveryState
  /** Brokers that may have lost data: they go into no ELR. */
  readonly uncleanShutdownReplicas?: readonly number[]
}

export interface PartitionRules {
  readonly isAcceptableLeader: (brokerId: number) => boolean
  /** min(min.insync.replicas, replication factor) */
  readonly minIsr: number
  /** eligible.leader.replicas.version > 0 */
  readonly elrEnabled: boolean
  /** The defect KAFKA-19522. */
  readonly mayElectInactiveLastKnown?: boolean
  /** The mend of elr-outlives-replica. */
  readonly elrOfReplicasOnly?: boolean
}

export interface PartitionChange {
  readonly record: MetadataRecord
  /** The leader that the record names; NO_LEADER_CHANGE when it names none. */
  readonly leader: number
  /** undefined when the record names no leader */
  readonly reason: ElectionReason | undefined
  /** Brokers that the new ELR names although they are no replicas any more. */
  readonly removedInElr: readonly number[]
}

interface Election {
  readonly leader: number
  readonly reason: ElectionReason
}

const NONE: readonly number[] = []

/** The change that leads to `target`, or undefined when nothing changes. Absent targets keep what is. */
export function buildPartitionChange(
  topicId: string,
  partitionId: number,
  partition: PartitionImage,
  rules: PartitionRules,
  target: PartitionTarget,
): PartitionChange | undefined {
  let isr = target.isr ?? partition.isr
  let replicas = target.replicas ?? partition.replicas
  let removing = target.removing ?? partition.removingReplicas
  let adding = target.adding ?? partition.addingReplicas

  const completed = completeReassignment({ replicas, isr, removing, adding })
  if (completed !== undefined) {
    replicas = completed.replicas
    isr = completed.isr
    removing = NONE
    adding = NONE
  }

  let elr = nextElr(partition, isr, rules, target.uncleanShutdownReplicas ?? NONE)
  if (rules.elrOfReplicasOnly === true) elr = elr.filter(replica => replicas.includes(replica))

  const election = elect(partition, replicas, isr, elr, rules, target.election ?? 'online')
  let leader = NO_LEADER_CHANGE
  let reason: ElectionReason | undefined
  let recoveryState = NO_RECOVERY_CHANGE
  let unclean = false
  if (election.leader !== partition.leader) {
    leader = election.leader
    reason = election.reason
    unclean = reason === 'last-known-leader' || reason === 'unclean'
    if (unclean) {
      isr = [leader]
      if (partition.leaderRecoveryState !== 'RECOVERING') recoveryState = recoveryStateValue('RECOVERING')
    } else if (elr.includes(leader)) {
      isr = [leader]
      elr = elr.filter(replica => replica !== leader)
    }
  }
  // A replica that leaves the assignment must be fenced off from the leader's fetch sessions: same leader, new epoch.
  if (leader === NO_LEADER_CHANGE && partition.replicas.some(replica => !replicas.includes(replica))) {
    leader = partition.leader
    reason = 'kept'
  }
  if (unclean || !rules.elrEnabled) elr = NONE

  // Without ELR the last member of the ISR is never removed: it marks who may be elected cleanly later.
  const isrChanges = unclean || ((isr.length > 0 || rules.elrEnabled) && !equal(isr, partition.isr))
  const wantedRecovery = target.leaderRecoveryState ?? partition.leaderRecoveryState
  if (wantedRecovery !== partition.leaderRecoveryState) recoveryState = recoveryStateValue(wantedRecovery)
  const replicasChange = replicas.length > 0 && !equal(replicas, partition.replicas)

  const change = {
    topicId,
    partitionId,
    isr: isrChanges ? isr : null,
    leader,
    eligibleLeaderReplicas: equal(elr, partition.elr) ? null : elr,
    lastKnownElr: nextLastKnownLeader(partition, leader, rules),
    replicas: replicasChange ? replicas : null,
    directories: replicasChange && replicas.length !== partition.directories.length ? replicas.map(() => ZERO_UUID) : null,
    removingReplicas: equal(removing, partition.removingReplicas) ? null : removing,
    addingReplicas: equal(adding, partition.addingReplicas) ? null : adding,
    leaderRecoveryState: recoveryState,
  }
  const nothing = leader === NO_LEADER_CHANGE && recoveryState === NO_RECOVERY_CHANGE && change.isr === null &&
    change.eligibleLeaderReplicas === null && change.lastKnownElr === null && change.replicas === null &&
    change.removingReplicas === null && change.addingReplicas === null
  return nothing ? undefined : { record: metadataRecord('PartitionChangeRecord', change), leader, reason, removedInElr: (change.eligibleLeaderReplicas ?? NONE).filter(replica => !replicas.includes(replica)) }
}

/**
 * Members that leave an ISR which is then below min ISR stay eligible, for the high watermark cannot pass them any more;
 * with min ISR reached nobody outside is (PartitionChangeBuilder#maybePopulateTargetElr). As in Kafka, whether a member is
 * still a replica is not asked: a known behaviour, with a mend.
 */
function nextElr(partition: PartitionImage, isr: readonly number[], rules: PartitionRules, uncleanShutdown: readonly number[]): readonly number[] {
  if (!rules.elrEnabled) return partition.elr
  if (isr.length >= rules.minIsr) return NONE
  const candidates = [...partition.elr, ...partition.isr.filter(replica => !partition.elr.includes(replica))].sort((a, b) => a - b)
  return candidates.filter(replica => !isr.includes(replica) && !uncleanShutdown.includes(replica))
}

function elect(
  partition: PartitionImage,
  replicas: readonly number[],
  isr: readonly number[],
  elr: readonly number[],
  rules: PartitionRules,
  kind: ElectionKind,
): Election {
  const isInSync = (replica: number): boolean => isr.includes(replica) || (isr.length === 0 && elr.includes(replica))
  const isValid = (replica: number): boolean => isInSync(replica) && rules.isAcceptableLeader(replica)

  const preferred = replicas[0]
  if (kind === 'preferred' && preferred !== undefined && isValid(preferred)) return { leader: preferred, reason: 'preferred' }
  if (isValid(partition.leader)) return { leader: partition.leader, reason: 'kept' }
  const clean = replicas.find(isValid)
  if (clean !== undefined) return { leader: clean, reason: isr.includes(clean) ? 'isr' : 'elr' }
  const lastKnown = electableLastKnownLeader(partition, isr, elr, rules)
  if (lastKnown !== undefined) return { leader: lastKnown, reason: 'last-known-leader' }
  if (kind === 'unclean') {
    const any = replicas.find(rules.isAcceptableLeader)
    if (any !== undefined) return { leader: any, reason: 'unclean' }
  }
  return { leader: NO_LEADER, reason: 'none' }
}

function electableLastKnownLeader(
  partition: PartitionImage,
  isr: readonly number[],
  elr: readonly number[],
  rules: PartitionRules,
): number | undefined {
  if (!rules.elrEnabled || isr.length > 0 || elr.length > 0) return undefined
  const [lastKnown] = partition.lastKnownElr
  if (lastKnown === undefined || partition.lastKnownElr.length !== 1) return undefined
  return rules.mayElectInactiveLastKnown === true || rules.isAcceptableLeader(lastKnown) ? lastKnown : undefined
}

/** Recorded when a partition first loses its leader, forgotten at the next election; null: unchanged. */
function nextLastKnownLeader(partition: PartitionImage, leader: number, rules: PartitionRules): readonly number[] | null {
  if (!rules.elrEnabled) return null
  if (leader === NO_LEADER && partition.lastKnownElr.length === 0) return [partition.leader]
  if (leader >= 0 && partition.lastKnownElr.length > 0) return NONE
  return null
}

function equal(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index])
}
