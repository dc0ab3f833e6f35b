/**
 * The standard trial of the benchmark, with Kafka's own default timeouts: 3 controllers, 3 brokers, one topic of 3
 * partitions with 3 replicas, 4 producers, 2 consumers, all families of faults. Longer ones have more faults at the same
 * rate, so that `duration` grows everything and `rate` only what clients do.
 */
import fc from 'fast-check'
import { draw32 } from '../src/base/random.ts'
import { US_PER_SECOND } from '../src/base/time.ts'
import { DEFAULT_SERVER_CONFIG, type ServerSpec } from '../src/config/cluster.ts'
import type { ClientSpec, PlanOperation } from '../src/config/workload.ts'
import { NO_COORDINATORS } from '../src/nemesis/draw-action.ts'
import { faultSchedule } from '../src/nemesis/draw-faults.ts'
import type { Fault } from '../src/nemesis/fault.ts'
import { FAULT_FAMILIES } from '../src/nemesis/fault.ts'
import { settleBoundMs } from '../src/plan/generate-plan.ts'
import { PLAN_FORMAT, type Plan } from '../src/plan/plan.ts'
import { rootOf } from '../src/plan/seed-random.ts'

export interface StandardTrial {
  /** Virtual seconds in which operations and faults happen. */
  readonly seconds: number
  readonly records: number
}

export const STANDARD: StandardTrial = { seconds: 60, records: 2_000 }
const TOPIC = 'bench'
const PARTITIONS = 3
const FAULTS_A_MINUTE = 9
const PRODUCERS = 4
const CONSUMERS = 2
const TIMEOUTS = { requestTimeoutMs: 5_000, deliveryTimeoutMs: 30_000 }

export function standardTrial({ seconds, records }: StandardTrial, seed = 'bench'): Plan {
  const { rootKey } = rootOf(seed)
  const chaosUs = seconds * US_PER_SECOND
  const servers: ServerSpec[] = [
    ...[1, 2, 3].map((nodeId): ServerSpec => ({ nodeId, host: `broker-${nodeId}`, roles: ['broker'], rack: null })),
    ...[101, 102, 103].map((nodeId): ServerSpec => ({ nodeId, host: `controller-${nodeId}`, roles: ['controller'], rack: null })),
  ]
  const server = { ...DEFAULT_SERVER_CONFIG, minInsyncReplicas: 2, defaultReplicationFactor: 3 }
  const bootstrapServers = ['broker-1', 'broker-2', 'broker-3']
  const { deliveryTimeoutMs: _, ...timeouts } = TIMEOUTS
  const clients: ClientSpec[] = [
    ...range(PRODUCERS).map((n): ClientSpec => ({ host: `client-${n + 1}`, kind: 'producer', config: { ...TIMEOUTS, bootstrapServers, acks: -1, enableIdempotence: true } })),
    ...range(CONSUMERS).map((n): ClientSpec => ({ host: `client-${PRODUCERS + n + 1}`, kind: 'consumer', config: { ...timeouts, bootstrapServers, autoOffsetReset: 'earliest' } })),
  ]
  return {
    format: PLAN_FORMAT, workload: 'produce-consume', seed, rootKey,
    cluster: { clusterId: 'kafkaTrialClusterBENCH', servers, server },
    topics: [{ name: TOPIC, partitions: PARTITIONS, replicationFactor: 3, configs: { 'min.insync.replicas': '2' } }],
    clients, operations: operationsOf(records, chaosUs), faults: faultsOf(chaosUs),
    latency: { kind: 'drawn', minUs: 200, maxUs: 2_500 }, fsync: { kind: 'drawn', minUs: 500, maxUs: 20_000 },
    interleaving: { kind: 'off', probability: 0, depth: 0 },
    choices: { mode: 'drawn', delay: 0.0005, delayMaxUs: 2_000_000, break: 0.0001, tornWrite: 0.5 },
    timing: { startUs: 0, chaosUs, settleUs: settleBoundMs(server, TIMEOUTS.deliveryTimeoutMs, TIMEOUTS.requestTimeoutMs) * 1_000 },
    defects: [], mends: [], wire: 'objects', beyondBudget: false, swarm: ['standard trial'],
  }
}

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index)

function operationsOf(records: number, chaosUs: number): PlanOperation[] {
  const reads = range(CONSUMERS).map((n): PlanOperation => ({ id: n, at: 0, client: `client-${PRODUCERS + n + 1}`, f: 'consume', topic: TOPIC, partitions: range(PARTITIONS), from: 'earliest' }))
  const sends = range(records).map((n): PlanOperation => ({
    id: CONSUMERS + n, at: Math.floor((n * chaosUs) / records), client: `client-${1 + (n % PRODUCERS)}`, f: 'send', topic: TOPIC,
    partition: null, key: `k${(n * 7_919) % 101}`, size: 50,
  }))
  return [...reads, ...sends]
}

/** One schedule a minute of virtual time. */
function faultsOf(chaosUs: number): Fault[] {
  const kinds = Object.values(FAULT_FAMILIES).flat()
  const minute = 60 * US_PER_SECOND
  return range(Math.max(1, Math.round(chaosUs / minute))).flatMap(n => {
    const drawn = fc.sample(faultSchedule({
      kinds, chaosUs: Math.min(minute, chaosUs), topics: [{ name: TOPIC, partitions: PARTITIONS }], minFaults: FAULTS_A_MINUTE, maxFaults: FAULTS_A_MINUTE,
      maxOutageUs: 2 * DEFAULT_SERVER_CONFIG.brokerSessionTimeoutMs * 1_000, machineCrashes: true, expendable: [], underTest: [], coordinators: NO_COORDINATORS, voters: 3, runs: { shortest: 2, longest: 4, share: 4, mostGroups: Number.MAX_SAFE_INTEGER },
    }), { seed: draw32(1, 'bench', n) | 0, numRuns: 1 })[0] ?? []
    return drawn.map((fault, index): Fault => ({ ...fault, id: n * 100 + index, when: 'at' in fault.when ? { at: fault.when.at + n * minute } : fault.when }))
  })
}
