/**
 * What a plan owes its clients: the configuration of the guarantees, read off the plan. Several producers may differ;
 * the weakest decides.
 */
import type { GuaranteeConfig } from '../../checkers/guarantees.ts'
import { DEFAULT_PRODUCER_CONFIG } from '../config/client.ts'
import { partitionName } from '../base/partition-name.ts'
import { controllersOf } from '../config/cluster.ts'
import { losesData } from '../nemesis/fault.ts'
import type { Plan } from '../plan/plan.ts'

export function guaranteeConfigOf(plan: Plan): GuaranteeConfig {
  const producers = plan.clients.flatMap(client => (client.kind === 'producer' ? [{ ...DEFAULT_PRODUCER_CONFIG, ...client.config }] : client.kind === 'app' ? [{ ...DEFAULT_PRODUCER_CONFIG, ...client.producer }] : []))
  const consumers = plan.clients.flatMap(client => (client.kind === 'consumer' ? [client.config] : client.kind === 'app' ? [client.consumer] : []))
  const acks = producers.map(producer => (producer.acks === -1 ? 2 : producer.acks))
  const weakest = ([0, 1, -1] as const)[Math.min(2, ...acks)] ?? -1
  const minIsr = plan.topics.map(topic => smallestMinIsr(plan, topic))
  const lossy = plan.faults.filter(({ action }) => losesData(action)).length
  const minInsyncReplicas = Math.min(...minIsr, ...plan.topics.map(topic => topic.replicationFactor))
  return {
    acks: weakest,
    replicationFactor: Math.min(...plan.topics.map(topic => topic.replicationFactor)),
    minInsyncReplicas,
    uncleanLeaderElection: plan.topics.some(topic => (topic.configs['unclean.leader.election.enable'] ?? String(plan.cluster.server.uncleanLeaderElectionEnable)) === 'true'),
    idempotence: producers.every(producer => producer.enableIdempotence),
    retries: producers.some(producer => producer.retries > 0),
    maxInFlight: Math.max(1, ...producers.map(producer => producer.maxInFlightRequestsPerConnection)),
    isolation: consumers.some(consumer => consumer.isolationLevel === 'read_committed') ? 'read_committed' : 'read_uncommitted',
    followerReads: plan.cluster.server.rackAwareReplicaSelector && consumers.some(consumer => consumer.clientRack !== null && consumer.clientRack !== undefined),
    lossyCrashes: plan.beyondBudget ? lossy : Math.min(lossy, lossyBudget(plan)),
    eligibleLeaderReplicas: plan.cluster.server.eligibleLeaderReplicasEnable,
    voters: controllersOf(plan.cluster).length,
    lossyVoterCrashes: plan.beyondBudget ? lossy : 0,
    clocksDisagree: plan.faults.some(({ action: { kind } }) => kind.startsWith('clock-')),
    cleanup: plan.topics.some(topic => topic.configs['cleanup.policy']?.includes('compact') === true) ? 'compact' : 'delete',
  }
}

/**
 * How many brokers may have lost unsynced data at a time before an acknowledged record may go: one fewer than
 * min.insync.replicas, and only with ELR, without which the last ISR member is kept for good.
 */
export function lossyBudget(plan: Plan): number {
  const minIsr = plan.topics.map(topic => Math.min(topic.replicationFactor, smallestMinIsr(plan, topic)))
  return plan.cluster.server.eligibleLeaderReplicasEnable ? Math.max(0, Math.min(...minIsr) - 1) : 0
}

/** In force at any time of the trial. */
function smallestMinIsr(plan: Plan, { name, configs }: Plan['topics'][number]): number {
  const values = [Number(configs['min.insync.replicas'] ?? plan.cluster.server.minInsyncReplicas)]
  for (const { action } of plan.faults) if (action.kind === 'alter-config' && action.topic === name && action.name === 'min.insync.replicas') values.push(Number(action.value))
  return Math.min(...values)
}

/** Far beyond any trial, its clock steps included. */
const NEVER_MS = 24 * 3_600_000

/**
 * Log starts of the drain as far as the configuration and the operations permit them: of a topic that keeps everything
 * nothing may be gone but what somebody asked to delete, so other records below its log start are excused no more than any.
 */
export function permittedLogStart(plan: Plan, logStart: { readonly [key: string]: number }): { readonly [key: string]: number } {
  const expires = ({ name, configs }: Plan['topics'][number]): boolean =>
    Number(configs['retention.ms'] ?? plan.cluster.server.logRetentionMs) < NEVER_MS
    || Number(configs['retention.bytes'] ?? plan.cluster.server.logRetentionBytes) >= 0
    || plan.operations.some(operation => operation.f === 'alter-config' && operation.topic === name && operation.name.startsWith('retention.'))
    || plan.faults.some(({ action }) => action.kind === 'alter-config' && action.topic === name && action.name.startsWith('retention.'))
  const keepsAll = new Set(plan.topics.filter(topic => !expires(topic)).map(({ name }) => name))
  const deletable = new Map<string, number>()
  for (const operation of plan.operations) {
    if (operation.f !== 'delete-records') continue
    const key = partitionName(operation.topic, operation.partition)
    deletable.set(key, Math.max(deletable.get(key) ?? 0, operation.before < 0 ? Infinity : operation.before))
  }
  return Object.fromEntries(Object.entries(logStart).map(([key, start]) =>
    [key, keepsAll.has(key.slice(0, key.lastIndexOf('-'))) ? Math.min(start, deletable.get(key) ?? 0) : start]))
}
