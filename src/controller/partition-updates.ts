/**
 * Partition changes in the context of a cluster: which brokers may lead, min ISR, whether unclean election is on
 * (Kafka: ReplicationControlManager#generateLeaderAndIsrUpdates and friends).
 */
import { effectiveTopicConfig } from './effective-config.ts'
import type { ControllerContext, DecisionDraft } from './decision.ts'
import type { ControllerState, LocatedPartition } from './controller-state.ts'
import { buildPartitionChange } from './partition-change-builder.ts'
import type { PartitionChange, PartitionTarget } from './partition-change-builder.ts'
import { NO_LEADER } from './partition-image.ts'

/** A broker's change of fortune. At most one field is set; the state still shows the time before. */
export interface BrokerChange {
  /** Leaves leaderships and ISRs (fenced, shutting down, unregistered). */
  readonly leaving?: number
  /** May lead from now on (being unfenced). */
  readonly joining?: number
  /** Came back after an unclean shutdown: leaves leaderships, ISRs and ELRs. */
  readonly uncleanShutdown?: number
}

/** The change of one partition towards `target`, with the election rules of its topic unless `target.election` says. */
export function changePartition(
  state: ControllerState,
  context: ControllerContext,
  { topic, index, partition }: LocatedPartition,
  target: PartitionTarget,
  isAcceptableLeader: (brokerId: number) => boolean = brokerId => state.image.isActive(brokerId),
): PartitionChange | undefined {
  const rules = {
    isAcceptableLeader, minIsr: state.minIsr(context.server, topic), elrEnabled: state.elrEnabled,
    mayElectInactiveLastKnown: context.defects.has('KAFKA-19522'), elrOfReplicasOnly: context.mends.has('elr-outlives-replica'),
  }
  const election = target.election ?? (isUncleanEnabled(state, context, topic.name) ? 'unclean' : 'online')
  return buildPartitionChange(topic.id, index, partition, rules, { ...target, election })
}

export function isUncleanEnabled(state: ControllerState, context: ControllerContext, topicName: string): boolean {
  return effectiveTopicConfig(state.image, context.server, topicName).uncleanLeaderElectionEnable
}

/** Drafts what the change of a broker means for each of `partitions`. */
export function updateLeadersAndIsrs(
  state: ControllerState,
  context: ControllerContext,
  draft: DecisionDraft,
  change: BrokerChange,
  partitions: Iterable<LocatedPartition>,
): void {
  const { leaving, joining, uncleanShutdown } = change
  const isAcceptableLeader = (brokerId: number): boolean =>
    brokerId !== leaving && brokerId !== uncleanShutdown && (brokerId === joining || state.image.isActive(brokerId))
  const uncleanShutdownReplicas = uncleanShutdown === undefined ? [] : [uncleanShutdown]
  for (const located of partitions) {
    const { partition } = located
    const isr = partition.isr.filter(replica => replica !== leaving && replica !== uncleanShutdown)
    const result = changePartition(state, context, located, { isr, uncleanShutdownReplicas }, isAcceptableLeader)
    if (result !== undefined) draft.addPartitionChange(located.topic, located.index, partition, result)
  }
}

/** Partitions with the broker in their ISR (or leading, which without ELR an ISR implies). */
export function* partitionsWithInIsr(state: ControllerState, brokerId: number): Generator<LocatedPartition> {
  for (const located of state.partitions()) {
    const { isr, leader } = located.partition
    if (leader === brokerId || isr.includes(brokerId)) yield located
  }
}

export function* partitionsWithInElr(state: ControllerState, brokerId: number): Generator<LocatedPartition> {
  for (const located of state.partitions()) if (located.partition.elr.includes(brokerId)) yield located
}

export function* partitionsWithoutLeader(state: ControllerState): Generator<LocatedPartition> {
  for (const located of state.partitions()) if (located.partition.leader === NO_LEADER) yield located
}
