/**
 * The shape and configuration of a simulated cluster. Names are Kafka's own, camel-cased; defaults are Kafka 4.3.1's.
 * A plan scales the timeouts down so that a trial of seconds sees what takes a real cluster minutes.
 */
import type { Millis } from '../base/time.ts'
import type { ShareSettings } from './share.ts'

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
  /** Who votes is configured (0), or recorded in the metadata log with directory ids and may change (1, KIP-853). */
  readonly quorumKraftVersion: 0 | 1
  /** Most that one FetchSnapshot brings. */
  readonly quorumFetchSnapshotMaxBytes: number
  // metadata log
  /** A snapshot after so many bytes of records (metadata.log.max.record.bytes.between.snapshots). */
  readonly metadataLogMaxRecordBytesBetweenSnapshots: number
  /** Or after so long (metadata.log.max.snapshot.interval.ms); 0: never by time. */
  readonly metadataLogMaxSnapshotIntervalMs: Millis
  readonly metadataLogSegmentBytes: number
  readonly metadataLogSegmentMs: Millis
  /** What log and snapshots may take together before the older ones go (metadata.max.retention.bytes); -1: no bound. */
  readonly metadataMaxRetentionBytes: number
  readonly metadataMaxRetentionMs: Millis
  /** How often retention of the metadata log is looked at (60 s in Kafka, fixed). */
  readonly metadataLogCleanIntervalMs: Millis
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
  /** How long a server waits for a connection to another one. */
  readonly socketConnectionSetupTimeoutMs: Millis
  readonly replicaHighWatermarkCheckpointIntervalMs: Millis
  /** KIP-392: `org.apache.kafka.common.replica.RackAwareReplicaSelector`, or off. */
  readonly rackAwareReplicaSelector: boolean
  readonly leaderImbalanceCheckIntervalMs: Millis
  /** How often a controller tries unclean elections for partitions without leader (unclean.leader.election.interval.ms). */
  readonly uncleanLeaderElectionIntervalMs: Millis
  /** How often an active controller writes a NoOpRecord (metadata.max.idle.interval.ms); 0: never. */
  readonly metadataMaxIdleIntervalMs: Millis
  readonly autoLeaderRebalanceEnable: boolean
  /** quota.window.num and quota.window.size.seconds; absent: Kafka's defaults, 11 and 1. */
  readonly quotaWindowNum?: number
  readonly quotaWindowSizeSeconds?: number
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
  /** How long recovering one log takes after an unclean end; what a disk does, and not a setting of Kafka. */
  readonly logRecoveryMs: Millis
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
  // log cleaner
  readonly logCleanerBackoffMs: Millis
  /** Least share of dirty bytes that makes a log worth cleaning, in percent (log.cleaner.min.cleanable.ratio is 0.5). */
  readonly logCleanerMinCleanablePercent: number
  readonly logCleanerDeleteRetentionMs: Millis
  readonly logCleanerMinCompactionLagMs: Millis
  readonly logCleanerMaxCompactionLagMs: Millis
  /** Keys that one pass can hold (Kafka derives it from log.cleaner.dedupe.buffer.size: 24 bytes a key). */
  readonly logCleanerOffsetMapKeys: number
  /** How long reading one segment takes the cleaner; what a disk does, and not a setting of Kafka. */
  readonly logCleanerReadMs: Millis
  // groups
  readonly offsetsTopicNumPartitions: number
  readonly offsetsTopicReplicationFactor: number
  readonly offsetsTopicSegmentBytes: number
  readonly offsetsRetentionMs: Millis
  readonly offsetsRetentionCheckIntervalMs: Millis
  readonly offsetCommitTimeoutMs: Millis
  readonly groupInitialRebalanceDelayMs: Millis
  readonly groupMinSessionTimeoutMs: Millis
  readonly groupMaxSessionTimeoutMs: Millis
  readonly groupMaxSize: number
  readonly groupConsumerSessionTimeoutMs: Millis
  readonly groupConsumerHeartbeatIntervalMs: Millis
  /** Absent in older plans: unbounded. */
  readonly groupConsumerMaxSize?: number
  /** Shortest time between two target assignments of a group (KIP-1263); absent in older plans: 1000. */
  readonly groupConsumerAssignmentIntervalMs?: Millis
  /** Absent in older plans: 4096. */
  readonly offsetMetadataMaxBytes?: number
  /** Share groups: what differs from Kafka's defaults. */
  readonly share?: Partial<ShareSettings>
  // transactions
  readonly transactionStateLogNumPartitions: number
  readonly transactionStateLogReplicationFactor: number
  readonly transactionStateLogMinIsr: number
  readonly transactionStateLogSegmentBytes: number
  readonly transactionMaxTimeoutMs: Millis
  readonly transactionAbortTimedOutTransactionCleanupIntervalMs: Millis
  readonly transactionalIdExpirationMs: Millis
  readonly transactionRemoveExpiredTransactionCleanupIntervalMs: Millis
  readonly transactionPartitionVerificationEnable: boolean
  /** How long reading one batch of a state partition takes a coordinator that loads; what a disk does, and not a setting of Kafka. */
  readonly coordinatorLoadMs: Millis
  // features
  /** transaction.version that a new cluster is born with: 0 or 1 (TV1), 2 (TV2, KIP-890). */
  readonly transactionVersion: 0 | 1 | 2
  /** metadata.version that a new cluster is born with. */
  readonly metadataVersion: number
  /** The newest that this server's release supports. */
  readonly metadataVersionSupported: number
  readonly eligibleLeaderReplicasEnable: boolean
}

export const DEFAULT_SERVER_CONFIG: ServerConfig = Object.freeze({
  quorumElectionTimeoutMs: 1_000,
  quorumFetchTimeoutMs: 2_000,
  quorumElectionBackoffMaxMs: 1_000,
  quorumRequestTimeoutMs: 2_000,
  quorumRetryBackoffMs: 20,
  quorumFetchMaxWaitMs: 500,
  quorumKraftVersion: 0,
  quorumFetchSnapshotMaxBytes: 8_388_608,
  metadataLogMaxRecordBytesBetweenSnapshots: 20_971_520,
  metadataLogMaxSnapshotIntervalMs: 3_600_000,
  metadataLogSegmentBytes: 1_073_741_824,
  metadataLogSegmentMs: 604_800_000,
  metadataMaxRetentionBytes: 104_857_600,
  metadataMaxRetentionMs: 604_800_000,
  metadataLogCleanIntervalMs: 60_000,
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
  socketConnectionSetupTimeoutMs: 10_000,
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
  logRecoveryMs: 0,
  messageMaxBytes: 1_048_588,
  minInsyncReplicas: 1,
  uncleanLeaderElectionEnable: false,
  defaultReplicationFactor: 1,
  numPartitions: 1,
  producerIdExpirationMs: 86_400_000,
  producerIdExpirationCheckIntervalMs: 600_000,
  producerIdBlockSize: 1_000,
  logCleanerBackoffMs: 15_000,
  logCleanerMinCleanablePercent: 50,
  logCleanerDeleteRetentionMs: 86_400_000,
  logCleanerMinCompactionLagMs: 0,
  logCleanerMaxCompactionLagMs: Number.MAX_SAFE_INTEGER,
  logCleanerOffsetMapKeys: 5_033_164,
  logCleanerReadMs: 0,
  offsetsTopicNumPartitions: 50,
  offsetsTopicReplicationFactor: 3,
  offsetsTopicSegmentBytes: 104_857_600,
  offsetsRetentionMs: 604_800_000,
  offsetsRetentionCheckIntervalMs: 600_000,
  offsetCommitTimeoutMs: 5_000,
  groupInitialRebalanceDelayMs: 3_000,
  groupMinSessionTimeoutMs: 6_000,
  groupMaxSessionTimeoutMs: 1_800_000,
  groupMaxSize: 2_147_483_647,
  groupConsumerSessionTimeoutMs: 45_000,
  groupConsumerHeartbeatIntervalMs: 5_000,
  transactionStateLogNumPartitions: 50,
  transactionStateLogReplicationFactor: 3,
  transactionStateLogMinIsr: 2,
  transactionStateLogSegmentBytes: 104_857_600,
  transactionMaxTimeoutMs: 900_000,
  transactionAbortTimedOutTransactionCleanupIntervalMs: 10_000,
  transactionalIdExpirationMs: 604_800_000,
  transactionRemoveExpiredTransactionCleanupIntervalMs: 3_600_000,
  transactionPartitionVerificationEnable: true,
  coordinatorLoadMs: 0,
  transactionVersion: 2,
  metadataVersion: 30,
  metadataVersionSupported: 30,
  eligibleLeaderReplicasEnable: true,
})

/** A voter that a dynamic quorum begins with. */
export interface InitialVoter {
  readonly id: number
  readonly directoryId: string
  readonly host: string
}

export interface ClusterConfig {
  readonly clusterId: string
  readonly servers: readonly ServerSpec[]
  readonly server: ServerConfig
  /** Of a dynamic quorum; known once there are disks. */
  readonly initialVoters?: readonly InitialVoter[]
}

export function controllersOf(cluster: ClusterConfig): readonly ServerSpec[] {
  return cluster.servers.filter(server => server.roles.includes('controller'))
}

export function brokersOf(cluster: ClusterConfig): readonly ServerSpec[] {
  return cluster.servers.filter(server => server.roles.includes('broker'))
}
