/**
 * The shape and configuration of a simulated cluster. Names are Kafka's own, camel-cased; defaults are Kafka 4.3.1's.
 * A plan scales the timeouts down so that a trial of seconds sees what takes a real cluster minutes.
 */
import type { Millis } from '../base/time.ts'

/** Where one server process runs and what it is. Node ids are unique over brokers and controllers (`node.id`). */
export interface ServerSpec {
  readonly nodeId: number
  /** Host name: `broker-1`, `controller-101`. A combined server is named after its broker role. */
  readonly host: string
  readonly roles: readonly ('broker' | 'controller')[]
  readonly rack: string | null
}

export const BROKER_PORT = 9092
export const CONTROLLER_PORT = 9093

/** Settings of every server (server.properties); a plan may override per server. */
export interface ServerConfig {
  // raft
  readonly quorumElectionTimeoutMs: Millis
  readonly quorumFetchTimeoutMs: Millis
  readonly quorumElectionBackoffMaxMs: Millis
  readonly quorumRequestTimeoutMs: Millis
  readonly quorumRetryBackoffMs: Millis
  /** Longest wait of a raft fetch at the leader (500 ms in Kafka, fixed). */
  readonly quorumFetchMaxWaitMs: Millis
  // broker lifecycle
  readonly brokerHeartbeatIntervalMs: Millis
  readonly brokerSessionTimeoutMs: Millis
  readonly initialBrokerRegistrationTimeoutMs: Millis
  readonly controlledShutdownEnable: boolean
  // replication
  readonly replicaLagTimeMaxMs: Millis
  readonly replicaFetchWaitMaxMs: Millis
  readonly replicaFetchMinBytes: number
  readonly replicaFetchMaxBytes: number
  readonly replicaFetchBackoffMs: Millis
  readonly replicaSocketTimeoutMs: Millis
  readonly replicaHighWatermarkCheckpointIntervalMs: Millis
  /** KIP-392: `org.apache.kafka.common.replica.RackAwareReplicaSelector`, or off. */
  readonly rackAwareReplicaSelector: boolean
  readonly leaderImbalanceCheckIntervalMs: Millis
  /** How often a controller tries unclean elections for partitions without leader (unclean.leader.election.interval.ms). */
  readonly uncleanLeaderElectionIntervalMs: Millis
  /** How often an active controller writes a NoOpRecord (metadata.max.idle.interval.ms); 0: never. */
  readonly metadataMaxIdleIntervalMs: Millis
  readonly autoLeaderRebalanceEnable: boolean
  /** KIP-227; absent in older plans: Kafka's defaults, 1000 and two minutes. */
  readonly maxIncrementalFetchSessionCacheSlots?: number
  readonly minIncrementalFetchSessionEvictionMs?: Millis
  // log
  readonly logSegmentBytes: number
  readonly logRollMs: Millis
  readonly logIndexIntervalBytes: number
  readonly logIndexSizeMaxBytes: number
  readonly logRetentionMs: Millis
  readonly logRetentionBytes: number
  readonly logRetentionCheckIntervalMs: Millis
  readonly logFlushOffsetCheckpointIntervalMs: Millis
  readonly logFlushStartOffsetCheckpointIntervalMs: Millis
  readonly logSegmentDeleteDelayMs: Millis
  readonly messageMaxBytes: number
  // replication defaults for topics
  readonly minInsyncReplicas: number
  readonly uncleanLeaderElectionEnable: boolean
  readonly defaultReplicationFactor: number
  readonly numPartitions: number
  // producer state
  readonly producerIdExpirationMs: Millis
  readonly producerIdExpirationCheckIntervalMs: Millis
  readonly producerIdBlockSize: number
  // features
  readonly eligibleLeaderReplicasEnable: boolean
}

export const DEFAULT_SERVER_CONFIG: ServerConfig = Object.freeze({
  quorumElectionTimeoutMs: 1_000,
  quorumFetchTimeoutMs: 2_000,
  quorumElectionBackoffMaxMs: 1_000,
  quorumRequestTimeoutMs: 2_000,
  quorumRetryBackoffMs: 20,
  quorumFetchMaxWaitMs: 500,
  brokerHeartbeatIntervalMs: 2_000,
  brokerSessionTimeoutMs: 9_000,
  initialBrokerRegistrationTimeoutMs: 60_000,
  controlledShutdownEnable: true,
  replicaLagTimeMaxMs: 30_000,
  replicaFetchWaitMaxMs: 500,
  replicaFetchMinBytes: 1,
  replicaFetchMaxBytes: 1_048_576,
  replicaFetchBackoffMs: 1_000,
  replicaSocketTimeoutMs: 30_000,
  replicaHighWatermarkCheckpointIntervalMs: 5_000,
  rackAwareReplicaSelector: false,
  leaderImbalanceCheckIntervalMs: 300_000,
  uncleanLeaderElectionIntervalMs: 300_000,
  metadataMaxIdleIntervalMs: 500,
  autoLeaderRebalanceEnable: true,
  logSegmentBytes: 1_073_741_824,
  logRollMs: 604_800_000,
  logIndexIntervalBytes: 4_096,
  logIndexSizeMaxBytes: 10_485_760,
  logRetentionMs: 604_800_000,
  logRetentionBytes: -1,
  logRetentionCheckIntervalMs: 300_000,
  logFlushOffsetCheckpointIntervalMs: 60_000,
  logFlushStartOffsetCheckpointIntervalMs: 60_000,
  logSegmentDeleteDelayMs: 60_000,
  messageMaxBytes: 1_048_588,
  minInsyncReplicas: 1,
  uncleanLeaderElectionEnable: false,
  defaultReplicationFactor: 1,
  numPartitions: 1,
  producerIdExpirationMs: 86_400_000,
  producerIdExpirationCheckIntervalMs: 600_000,
  producerIdBlockSize: 1_000,
  eligibleLeaderReplicasEnable: true,
})

export interface ClusterConfig {
  readonly clusterId: string
  readonly servers: readonly ServerSpec[]
  readonly server: ServerConfig
}

export function controllersOf(cluster: ClusterConfig): readonly ServerSpec[] {
  return cluster.servers.filter(server => server.roles.includes('controller'))
}

export function brokersOf(cluster: ClusterConfig): readonly ServerSpec[] {
  return cluster.servers.filter(server => server.roles.includes('broker'))
}
