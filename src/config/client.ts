/**
 * Configuration of the reference clients. Names are Kafka's, camel-cased; defaults are the Java client's in 4.3.1.
 */
import type { Millis } from '../base/time.ts'
import type { CompressionType } from '../base/compression-type.ts'

/** What every client needs. */
export interface CommonClientConfig {
  readonly clientId: string
  /** Hosts (broker port) to bootstrap from. */
  readonly bootstrapServers: readonly string[]
  readonly clientRack: string | null
  readonly metadataMaxAgeMs: Millis
  readonly requestTimeoutMs: Millis
  readonly retryBackoffMs: Millis
  readonly retryBackoffMaxMs: Millis
  readonly reconnectBackoffMs: Millis
  readonly reconnectBackoffMaxMs: Millis
  readonly socketConnectionSetupTimeoutMs: Millis
}

const COMMON = {
  clientId: '',
  bootstrapServers: [] as readonly string[],
  clientRack: null,
  metadataMaxAgeMs: 300_000,
  requestTimeoutMs: 30_000,
  retryBackoffMs: 100,
  retryBackoffMaxMs: 1_000,
  reconnectBackoffMs: 50,
  reconnectBackoffMaxMs: 1_000,
  socketConnectionSetupTimeoutMs: 10_000,
} as const

export interface ProducerConfig extends CommonClientConfig {
  readonly acks: 0 | 1 | -1
  readonly retries: number
  readonly enableIdempotence: boolean
  readonly maxInFlightRequestsPerConnection: number
  readonly deliveryTimeoutMs: Millis
  readonly lingerMs: Millis
  readonly batchSize: number
  readonly bufferMemory: number
  readonly maxBlockMs: Millis
  readonly maxRequestSize: number
  readonly compressionType: CompressionType
  /** `default`: murmur2 of the key, sticky without key (KIP-794). `round-robin`: RoundRobinPartitioner, keys ignored. */
  readonly partitioner: 'default' | 'round-robin'
  /** With one, the producer is transactional; needs idempotence. */
  readonly transactionalId: string | null
  /** After this the coordinator aborts a transaction by itself and fences the producer. */
  readonly transactionTimeoutMs: Millis
}

export const DEFAULT_PRODUCER_CONFIG: ProducerConfig = Object.freeze({
  ...COMMON,
  acks: -1,
  retries: 2_147_483_647,
  enableIdempotence: true,
  maxInFlightRequestsPerConnection: 5,
  deliveryTimeoutMs: 120_000,
  lingerMs: 5,
  batchSize: 16_384,
  bufferMemory: 33_554_432,
  maxBlockMs: 60_000,
  maxRequestSize: 1_048_576,
  compressionType: 'none',
  partitioner: 'default',
  transactionalId: null,
  transactionTimeoutMs: 60_000,
})

export type PartitionAssignmentStrategy = 'range' | 'roundrobin' | 'sticky' | 'cooperative-sticky'

export interface ConsumerConfig extends CommonClientConfig {
  /** null: no group, positions begin where auto.offset.reset says. */
  readonly groupId: string | null
  /** A static member (KIP-345), which does not leave when it closes. */
  readonly groupInstanceId: string | null
  readonly groupProtocol: 'classic' | 'consumer'
  readonly sessionTimeoutMs: Millis
  readonly heartbeatIntervalMs: Millis
  readonly maxPollIntervalMs: Millis
  readonly enableAutoCommit: boolean
  readonly autoCommitIntervalMs: Millis
  /** Classic protocol: in order of preference. */
  readonly partitionAssignmentStrategy: readonly PartitionAssignmentStrategy[]
  /** KIP-848: the assignor on the broker; null: the broker's first. */
  readonly groupRemoteAssignor: string | null
  readonly isolationLevel: 'read_uncommitted' | 'read_committed'
  readonly autoOffsetReset: 'earliest' | 'latest' | 'none'
  readonly fetchMinBytes: number
  readonly fetchMaxBytes: number
  readonly fetchMaxWaitMs: Millis
  readonly maxPartitionFetchBytes: number
  readonly maxPollRecords: number
  readonly checkCrcs: boolean
  readonly defaultApiTimeoutMs: Millis
  /**
   * Unlike Kafka: read from this broker, whoever leads, as kafka-replica-verification does; null: from the leader, or the
   * follower that it names (KIP-392).
   */
  readonly readReplica: number | null
}

export const DEFAULT_CONSUMER_CONFIG: ConsumerConfig = Object.freeze({
  ...COMMON,
  groupId: null,
  groupInstanceId: null,
  groupProtocol: 'classic',
  sessionTimeoutMs: 45_000,
  heartbeatIntervalMs: 3_000,
  maxPollIntervalMs: 300_000,
  enableAutoCommit: true,
  autoCommitIntervalMs: 5_000,
  partitionAssignmentStrategy: Object.freeze(['range', 'cooperative-sticky'] as const),
  groupRemoteAssignor: null,
  isolationLevel: 'read_uncommitted',
  autoOffsetReset: 'latest',
  fetchMinBytes: 1,
  fetchMaxBytes: 52_428_800,
  fetchMaxWaitMs: 500,
  maxPartitionFetchBytes: 1_048_576,
  maxPollRecords: 500,
  checkCrcs: true,
  defaultApiTimeoutMs: 60_000,
  readReplica: null,
})

/** KIP-932. How sessions and locks last is the brokers' to say. */
export interface ShareConsumerConfig extends CommonClientConfig {
  readonly groupId: string
  /** `implicit`: what a poll returned is accepted by the next one. `explicit`: the application says what becomes of each record. */
  readonly shareAcknowledgementMode: 'implicit' | 'explicit'
  /** KIP-1206: whole batches, or never more than max.poll.records. */
  readonly shareAcquireMode: 'batch_optimized' | 'record_limit'
  readonly fetchMinBytes: number
  readonly fetchMaxBytes: number
  readonly fetchMaxWaitMs: Millis
  readonly maxPollRecords: number
  readonly checkCrcs: boolean
  readonly defaultApiTimeoutMs: Millis
}

export const DEFAULT_SHARE_CONSUMER_CONFIG: Omit<ShareConsumerConfig, 'groupId'> = Object.freeze({
  ...COMMON,
  shareAcknowledgementMode: 'implicit',
  shareAcquireMode: 'batch_optimized',
  fetchMinBytes: 1,
  fetchMaxBytes: 52_428_800,
  fetchMaxWaitMs: 500,
  maxPollRecords: 500,
  checkCrcs: true,
  defaultApiTimeoutMs: 60_000,
})

export interface AdminConfig extends CommonClientConfig {
  readonly defaultApiTimeoutMs: Millis
  readonly retries: number
}

export const DEFAULT_ADMIN_CONFIG: AdminConfig = Object.freeze({
  ...COMMON,
  defaultApiTimeoutMs: 60_000,
  retries: 2_147_483_647,
})
