/**
 * Draws a plan from a seed: swarm style, each plan leaves out a random subset of features and faults, so that rare
 * combinations get plans of their own. All timeouts are Kafka's, scaled down so that seconds show what minutes would.
 */
import fc, { type Arbitrary } from 'fast-check'
import { US_PER_MS } from '../base/time.ts'
import { TrialError } from '../base/trial-error.ts'
import { BUGGIFY_SITES, type BuggifySite } from '../config/buggify.ts'
import { type ClusterConfig, DEFAULT_SERVER_CONFIG, type ServerConfig, type ServerSpec } from '../config/cluster.ts'
import type { WorkloadDraft, WorkloadShape } from '../config/workload.ts'
import { clockSkews, faultSchedule } from '../nemesis/draw-faults.ts'
import type { Fault, FaultKind } from '../nemesis/fault.ts'
import { coordinatorsOf } from './coordinators-of.ts'
import { compression } from './draw-compression.ts'
import { drawConfig } from './draw-config.ts'
import { drawCleaner } from './draw-cleaner.ts'
import { drawQuorum } from './draw-quorum.ts'
import { drawRecovery } from './draw-recovery.ts'
import { drawRolling } from './draw-rolling.ts'
import { drawShares } from './draw-shares.ts'
import { drawTransactions } from './draw-transactions.ts'
import { type GenerateOptions, type PinnedConfig, PROFILES } from './generate-options.ts'
import { PLAN_FORMAT, type Plan, type PlanTiming } from './plan.ts'
import { drawOne, rootOf } from './seed-random.ts'
import { type Swarm, swarm, swarmWords } from './swarm.ts'

export interface WorkloadGenerator {
  readonly name: string
  draw(shape: WorkloadShape): Arbitrary<WorkloadDraft>
}

function clusterOf(drawn: Swarm, shape: { factor: number; minIsr: number; unclean: boolean; followerReads: boolean }): ClusterConfig {
  const servers: ServerSpec[] = []
  const racks = ['a', 'b', 'c']
  for (let id = 1; id <= drawn.brokers; id++) {
    const combined = drawn.combined && id <= drawn.controllers
    servers.push({ nodeId: id, host: `broker-${id}`, roles: combined ? ['broker', 'controller'] : ['broker'], rack: drawn.racks ? racks[(id - 1) % 3]! : null })
  }
  if (!drawn.combined) for (let id = 101; id < 101 + drawn.controllers; id++) servers.push({ nodeId: id, host: `controller-${id}`, roles: ['controller'], rack: null })
  const scaled = (ms: number): number => Math.round((ms * drawn.scale) / 100)
  const server: ServerConfig = {
    ...DEFAULT_SERVER_CONFIG,
    quorumElectionTimeoutMs: scaled(200),
    quorumFetchTimeoutMs: scaled(400),
    quorumElectionBackoffMaxMs: scaled(200),
    quorumRequestTimeoutMs: scaled(400),
    quorumFetchMaxWaitMs: scaled(150),
    brokerHeartbeatIntervalMs: scaled(250),
    brokerSessionTimeoutMs: scaled(1_100),
    replicaLagTimeMaxMs: scaled(900),
    replicaFetchWaitMaxMs: scaled(200),
    replicaFetchBackoffMs: scaled(80),
    replicaSocketTimeoutMs: scaled(1_200),
    socketConnectionSetupTimeoutMs: scaled(1_000),
    replicaHighWatermarkCheckpointIntervalMs: scaled(500),
    rackAwareReplicaSelector: shape.followerReads,
    leaderImbalanceCheckIntervalMs: scaled(drawn.imbalanceCheckMs),
    logFlushOffsetCheckpointIntervalMs: scaled(1_500),
    logFlushStartOffsetCheckpointIntervalMs: scaled(1_500),
    logRetentionCheckIntervalMs: scaled(500),
    ...(drawn.shortRetention ? { logRetentionMs: scaled(2_500), logRollMs: scaled(800) } : {}),
    logSegmentDeleteDelayMs: scaled(1_000),
    logSegmentBytes: drawn.tinySegments ? 600 : 65_536,
    producerIdBlockSize: 3,
    ...coordinatorSettings(scaled, drawn.brokers),
    minInsyncReplicas: shape.minIsr,
    uncleanLeaderElectionEnable: shape.unclean,
    defaultReplicationFactor: shape.factor,
    eligibleLeaderReplicasEnable: drawn.elr,
  }
  return { clusterId: 'kafkaTrialClusterAAAAA', servers, server }
}

/** Few partitions, so that groups and transactions meet on them; time-outs as far apart as Kafka's. */
function coordinatorSettings(scaled: (ms: number) => number, brokers: number): Partial<ServerConfig> {
  return {
    offsetsTopicNumPartitions: 2,
    offsetsTopicReplicationFactor: Math.min(3, brokers),
    offsetsTopicSegmentBytes: 6_000,
    offsetCommitTimeoutMs: scaled(700),
    groupInitialRebalanceDelayMs: scaled(150),
    groupMinSessionTimeoutMs: 1,
    groupConsumerSessionTimeoutMs: scaled(1_100),
    groupConsumerHeartbeatIntervalMs: scaled(150),
    transactionStateLogNumPartitions: 2,
    transactionStateLogReplicationFactor: Math.min(3, brokers),
    transactionStateLogMinIsr: Math.min(2, brokers),
    transactionStateLogSegmentBytes: 2_000,
    transactionAbortTimedOutTransactionCleanupIntervalMs: scaled(300),
    coordinatorLoadMs: scaled(10),
  }
}

const WIDE_RUNS = { shortest: 2, longest: 4, share: 4, mostGroups: Number.MAX_SAFE_INTEGER }
const CLOSE_UP_RUNS = { shortest: 3, longest: 6, share: 8, mostGroups: 2 }

/** Longest time from healing to a settled, drained cluster, as the sum of the timeouts that may have to expire in turn. */
export function settleBoundMs(server: ServerConfig, deliveryTimeoutMs: number, requestTimeoutMs: number): number {
  const election = 4 * (server.quorumElectionTimeoutMs + server.quorumFetchTimeoutMs + server.quorumElectionBackoffMaxMs)
  const registration = 2 * server.brokerSessionTimeoutMs + 4 * server.brokerHeartbeatIntervalMs
  const replication = 4 * server.replicaLagTimeMaxMs + 2 * server.replicaSocketTimeoutMs
  return 5_000 + election + registration + replication + deliveryTimeoutMs + 4 * requestTimeoutMs
}

/**
 * Draws the plan of a seed.
 * @throws TrialError('config') when the options contradict each other.
 */
export function generatePlan(seed: string, options: GenerateOptions, workload: WorkloadGenerator): Plan {
  const { rootKey, random } = rootOf(seed)
  const pinned: PinnedConfig = PROFILES[options.profile]
  const drawn = drawOne(swarm(options, pinned), random)
  const factor = Math.min(drawn.brokers, pinned.replicationFactor ?? drawn.factor)
  const minIsr = Math.min(factor, pinned.minInsyncReplicas ?? drawn.minIsr)
  const unclean = pinned.uncleanLeaderElection ?? drawn.unclean
  const followerReads = pinned.followerReads ?? drawn.racks
  if (options.brokers > 0 && options.brokers < (pinned.replicationFactor ?? 1)) {
    throw new TrialError('config', `${options.brokers} brokers cannot hold ${pinned.replicationFactor} replicas`, 'ask for more brokers')
  }
  const made = clusterOf(drawn, { factor, minIsr, unclean, followerReads })
  const share = drawShares(rootOf(`${seed}/shares`).random, { brokers: drawn.brokers, scaled: ms => Math.round((ms * drawn.scale) / 100) })
  const cluster: ClusterConfig = { ...made, server: { ...made.server, share } }
  const chaosUs = drawn.chaosMs * US_PER_MS
  const requestTimeoutMs = Math.round((700 * drawn.scale) / 100)
  const deliveryTimeoutMs = drawOne(fc.constantFrom(4 * requestTimeoutMs, 6 * requestTimeoutMs, 12 * requestTimeoutMs), random)
  const brokers = cluster.servers.filter(server => server.roles.includes('broker'))
  const shape: WorkloadShape = {
    brokers,
    replicationFactor: factor,
    minInsyncReplicas: minIsr,
    uncleanLeaderElection: unclean,
    chaosUs,
    operations: options.operations,
    closeUp: drawn.closeUp,
    pinned,
    server: cluster.server,
    clientTimeouts: {
      requestTimeoutMs,
      deliveryTimeoutMs,
      metadataMaxAgeMs: 1_500,
      retryBackoffMs: 20,
      retryBackoffMaxMs: 200,
      reconnectBackoffMs: 20,
      reconnectBackoffMaxMs: 200,
      socketConnectionSetupTimeoutMs: requestTimeoutMs,
      bootstrapServers: brokers.map(server => server.host),
    },
  }
  const draft = drawOne(workload.draw(shape), random)
  const kinds = pinned.clockSkewMinutes === true ? [...new Set<FaultKind>([...drawn.kinds, 'clock-step', 'clock-drift'])] : drawn.kinds
  const most = { low: 3, normal: 9, high: 18 }[options.faultRate]
  const spare = factor - minIsr
  const isSkewed = pinned.clockSkewMinutes === true || (drawn.skewed && kinds.includes('clock-step'))
  const skews = isSkewed ? drawOne(clockSkews([...cluster.servers, ...draft.clients].map(({ host }) => host), chaosUs), random).slice(0, most - 1) : []
  const faults = drawOne(faultSchedule({
    kinds,
    chaosUs,
    topics: draft.topics.map(topic => ({ name: topic.name, partitions: topic.partitions })),
    minFaults: kinds.length === 0 ? 0 : 1,
    maxFaults: kinds.length === 0 ? 0 : most - skews.length,
    coordinators: coordinatorsOf(draft, cluster.server),
    voters: drawn.controllers,
    runs: drawn.closeUp ? CLOSE_UP_RUNS : WIDE_RUNS,
    maxOutageUs: cluster.server.brokerSessionTimeoutMs * 2 * US_PER_MS,
    machineCrashes: drawn.machineCrashes,
    underTest: draft.operations.flatMap(({ f, client }) => (f === 'run' ? [client] : [])),
    expendable: drawn.permanent && !drawn.combined && spare > 0 ? brokers.map(server => server.host) : [],
  }), random)
  const clocksFail = skews.length > 0 || faults.some(({ action }) => action.kind.startsWith('clock-'))
  const quorum = drawQuorum({
    servers: cluster.servers, families: pinned.families ?? options.families, chaosUs, maxOutageUs: cluster.server.brokerSessionTimeoutMs * 2 * US_PER_MS, firstId: faults.length + skews.length,
  }, rootOf(`${seed}/quorum`).random)
  const rolling = drawRolling({ families: pinned.families ?? options.families, chaosUs, server: cluster.server, firstId: faults.length + skews.length + quorum.faults.length }, rootOf(`${seed}/rolling`).random)
  const recovery = drawRecovery(rootOf(`${seed}/recovery`).random)
  const cleaner = drawCleaner({
    topics: draft.topics, families: pinned.families ?? options.families, machineCrashes: drawn.machineCrashes, firstId: faults.length + skews.length + quorum.faults.length + rolling.faults.length,
    room: most - faults.length - skews.length,
  }, rootOf(`${seed}/cleaner`).random)
  const configs = drawConfig({
    topics: draft.topics, operations: draft.operations, families: pinned.families ?? options.families, chaosUs,
    firstId: faults.length + skews.length + quorum.faults.length + rolling.faults.length + cleaner.faults.length,
    room: most - faults.length - skews.length - cleaner.faults.length,
  }, rootOf(`${seed}/configs`).random)
  const transactions = drawTransactions(rootOf(`${seed}/transactions`).random, pinned.transactionVersion)
  const buggify = drawOne(fc.oneof({ weight: 2, arbitrary: fc.constant<BuggifySite[]>([]) }, { weight: 1, arbitrary: fc.subarray(BUGGIFY_SITES.map(({ id }) => id as BuggifySite), { minLength: 1 }) }), random)
  const network = drawOne(fc.constantFrom('drawn' as const, 'drawn' as const, 'per-path' as const), random)
  const compressed = drawOne(compression(draft.clients, draft.topics), random)
  const timing: PlanTiming = {
    startUs: 0,
    chaosUs,
    settleUs: (settleBoundMs(cluster.server, deliveryTimeoutMs, requestTimeoutMs) + (draft.settleMs ?? 0)) * US_PER_MS,
  }
  return {
    format: PLAN_FORMAT,
    workload: workload.name,
    seed,
    rootKey,
    cluster: { ...cluster, server: { ...cluster.server, ...(clocksFail ? {} : draft.whereClocksAgree), ...quorum.server, ...rolling.server, ...recovery.server, ...transactions.server, ...cleaner.server, ...configs.server } },
    topics: compressed.topics,
    clients: compressed.clients,
    operations: draft.operations,
    faults: [...faults, ...skews.map((skew, index): Fault => ({ ...skew, id: faults.length + index })), ...quorum.faults, ...rolling.faults, ...cleaner.faults, ...configs.faults],
    latency: drawn.jitter ? { kind: network, minUs: 200, maxUs: 2_500 } : { kind: 'constant', minUs: 500, maxUs: 500 },
    fsync: drawn.slowFsync ? { kind: 'drawn', minUs: 500, maxUs: 20_000 } : { kind: 'constant', minUs: 500, maxUs: 500 },
    interleaving: { kind: drawn.interleaving, probability: 0.05, depth: 3 },
    choices: {
      mode: 'drawn',
      delay: drawn.delays ? 0.002 : 0,
      delayMaxUs: Math.round(requestTimeoutMs * 1.5) * US_PER_MS,
      break: drawn.breaks ? 0.001 : 0,
      tornWrite: 0.5,
    },
    timing,
    defects: options.defects,
    mends: options.mends,
    buggify,
    wire: options.wire,
    beyondBudget: options.beyondBudget,
    swarm: [
      ...swarmWords(drawn), ...(drawn.jitter && network === 'per-path' ? ['latencies per path'] : []), ...(compressed.isOn ? ['compression'] : []),
      ...buggify.map(site => `forced ${site}`), ...quorum.words, ...rolling.words, ...recovery.words, ...transactions.words, ...cleaner.words, ...configs.words,
    ],
  }
}
