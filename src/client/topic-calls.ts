/**
 * What an admin asks about topics: to create, delete, configure and describe them, and for offsets in them
 * (KafkaAdminClient#createTopics, #deleteTopics, #describeConfigs, #incrementalAlterConfigs, #listOffsets, #describeTopics).
 */
import { partitionName } from '../base/partition-name.ts'
import { ApiKey } from '../protocol/api-keys.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type {
  CreateTopicsResponse, DeleteTopicsResponse, DescribeConfigsResponse, IncrementalAlterConfigsResponse, ListOffsetsResponse, MetadataResponse,
} from '../protocol/generated/types.ts'
import { ZERO_UUID } from '../protocol/uuid.ts'
import type { AdminCall } from './admin-call.ts'
import type { BrokerNode, ClusterMetadata, PartitionMetadata } from './cluster-metadata.ts'

export interface NewTopic {
  readonly name: string
  /** -1: the broker's default; also with `replicaAssignments`. */
  readonly numPartitions: number
  readonly replicationFactor: number
  /** Broker ids by partition. */
  readonly replicaAssignments?: readonly (readonly number[])[]
  readonly configs?: Readonly<Record<string, string>>
}

export interface CreatedTopic {
  readonly topicId: string
  readonly numPartitions: number
  readonly replicationFactor: number
}

export interface TopicConfigChange {
  readonly topic: string
  /** null deletes the entry, so that the default holds again. */
  readonly entries: readonly { readonly name: string; readonly value: string | null }[]
}

export interface OffsetSpec {
  readonly topic: string
  readonly partition: number
  /** A number is a timestamp in ms: the first offset not before it. */
  readonly which: 'latest' | 'earliest' | 'max-timestamp' | number
}

/** `offset` is -1 when no record answers the question. */
export interface ListedOffset {
  readonly offset: number
  readonly timestamp: number
  readonly leaderEpoch: number
}

export interface TopicDescription {
  readonly name: string
  readonly topicId: string
  readonly partitions: readonly PartitionMetadata[]
}

export interface ClusterDescription {
  readonly brokers: readonly BrokerNode[]
  readonly controllerId: number
  readonly topics: readonly TopicDescription[]
}

const TOPIC_RESOURCE = 2
const SET = 0
const DELETE = 1
const TIMESTAMPS = { latest: -1, earliest: -2, 'max-timestamp': -3 } as const

export function createTopicsCall(metadata: ClusterMetadata): AdminCall<NewTopic, CreatedTopic> {
  return {
    apiKey: ApiKey.CreateTopics,
    isChange: true,
    retriesErrors: false,
    nameOf: topic => topic.name,
    node: () => metadata.node(metadata.controllerId),
    request: (items, timeoutMs) => ({
      timeoutMs,
      topics: items.map(({ name, numPartitions, replicationFactor, replicaAssignments, configs }) => ({
        name,
        numPartitions: replicaAssignments === undefined ? numPartitions : -1,
        replicationFactor: replicaAssignments === undefined ? replicationFactor : -1,
        assignments: (replicaAssignments ?? []).map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds })),
        configs: Object.entries(configs ?? {}).map(([configName, value]) => ({ name: configName, value })),
      })),
    }),
    *answers(response: CreateTopicsResponse) {
      for (const { name, errorCode, topicId, numPartitions, replicationFactor } of response.topics) {
        yield { name, errorCode, value: { topicId, numPartitions, replicationFactor } }
      }
    },
  }
}

export function deleteTopicsCall(metadata: ClusterMetadata): AdminCall<string, null> {
  return {
    apiKey: ApiKey.DeleteTopics,
    isChange: true,
    retriesErrors: false,
    nameOf: name => name,
    node: () => metadata.node(metadata.controllerId),
    // names moved into `topics` in version 6
    request: (items, timeoutMs) => ({ timeoutMs, topicNames: items, topics: items.map(name => ({ name, topicId: ZERO_UUID })) }),
    *answers(response: DeleteTopicsResponse) {
      for (const { name, errorCode } of response.responses) yield { name: name ?? '', errorCode, value: null }
    },
  }
}

/** By id, so that a copy of the request that arrives late cannot hit a newer topic of that name. */
export function deleteTopicsByIdCall(metadata: ClusterMetadata): AdminCall<string, null> {
  return {
    apiKey: ApiKey.DeleteTopics,
    isChange: true,
    retriesErrors: false,
    nameOf: topicId => topicId,
    node: () => metadata.node(metadata.controllerId),
    request: (items, timeoutMs) => ({ timeoutMs, topics: items.map(topicId => ({ name: null, topicId })) }),
    *answers(response: DeleteTopicsResponse) {
      for (const { topicId, errorCode } of response.responses) yield { name: topicId, errorCode, value: null }
    },
  }
}

export function describeConfigsCall(metadata: ClusterMetadata): AdminCall<string, ReadonlyMap<string, string | null>> {
  return {
    apiKey: ApiKey.DescribeConfigs,
    isChange: false,
    retriesErrors: false,
    nameOf: topic => topic,
    node: () => metadata.leastLoadedNode(),
    request: items => ({ resources: items.map(resourceName => ({ resourceType: TOPIC_RESOURCE, resourceName, configurationKeys: null })) }),
    *answers(response: DescribeConfigsResponse) {
      for (const { resourceName, errorCode, configs } of response.results) {
        yield { name: resourceName, errorCode, value: new Map(configs.map(({ name, value }) => [name, value])) }
      }
    },
  }
}

export function incrementalAlterConfigsCall(metadata: ClusterMetadata): AdminCall<TopicConfigChange, null> {
  return {
    apiKey: ApiKey.IncrementalAlterConfigs,
    isChange: true,
    retriesErrors: false,
    nameOf: change => change.topic,
    node: () => metadata.leastLoadedNode(),
    request: items => ({
      validateOnly: false,
      resources: items.map(({ topic, entries }) => ({
        resourceType: TOPIC_RESOURCE,
        resourceName: topic,
        configs: entries.map(({ name, value }) => ({ name, value, configOperation: value === null ? DELETE : SET })),
      })),
    }),
    *answers(response: IncrementalAlterConfigsResponse) {
      for (const { resourceName, errorCode } of response.responses) yield { name: resourceName, errorCode, value: null }
    },
  }
}

export function listOffsetsCall(metadata: ClusterMetadata, isolationLevel: 'read_uncommitted' | 'read_committed'): AdminCall<OffsetSpec, ListedOffset> {
  return {
    apiKey: ApiKey.ListOffsets,
    isChange: false,
    retriesErrors: true,
    nameOf: spec => partitionName(spec.topic, spec.partition),
    node: spec => metadata.leader(spec.topic, spec.partition).node,
    request: (items, timeoutMs) => ({
      replicaId: -1,
      isolationLevel: isolationLevel === 'read_committed' ? 1 : 0,
      timeoutMs,
      topics: items.map(({ topic, partition, which }) => ({
        name: topic,
        partitions: [{
          partitionIndex: partition,
          currentLeaderEpoch: metadata.leader(topic, partition).epoch,
          timestamp: typeof which === 'number' ? which : TIMESTAMPS[which],
        }],
      })),
    }),
    *answers(response: ListOffsetsResponse) {
      for (const { name, partitions } of response.topics) {
        for (const { partitionIndex, errorCode, offset, timestamp, leaderEpoch } of partitions) {
          yield { name: partitionName(name, partitionIndex), errorCode, value: { offset, timestamp, leaderEpoch } }
        }
      }
    },
  }
}

export function describeTopicsCall(metadata: ClusterMetadata): AdminCall<string, TopicDescription> {
  return {
    apiKey: ApiKey.Metadata,
    isChange: false,
    retriesErrors: false,
    nameOf: name => name,
    node: () => metadata.leastLoadedNode(),
    request: items => ({ topics: items.map(name => ({ name, topicId: ZERO_UUID })), allowAutoTopicCreation: false }),
    *answers(response: MetadataResponse) {
      for (const topic of response.topics) yield { name: topic.name ?? '', errorCode: topic.errorCode, value: describe(topic) }
    },
  }
}

export function describeClusterCall(metadata: ClusterMetadata): AdminCall<'cluster', ClusterDescription> {
  return {
    apiKey: ApiKey.Metadata,
    isChange: false,
    retriesErrors: true,
    nameOf: name => name,
    node: () => metadata.leastLoadedNode(),
    request: () => ({ topics: null, allowAutoTopicCreation: false }),
    *answers(response: MetadataResponse) {
      yield {
        name: 'cluster',
        errorCode: response.brokers.length === 0 ? ErrorCode.BROKER_NOT_AVAILABLE : ErrorCode.NONE,
        value: {
          brokers: response.brokers.map(({ nodeId, host, port, rack }) => ({ id: nodeId, host, port, rack })),
          controllerId: response.controllerId,
          topics: response.topics.filter(topic => topic.errorCode === ErrorCode.NONE).map(describe),
        },
      }
    },
  }
}

function describe(topic: MetadataResponse['topics'][number]): TopicDescription {
  return {
    name: topic.name ?? '',
    topicId: topic.topicId,
    partitions: topic.partitions.map(partition => ({
      partition: partition.partitionIndex,
      leaderId: partition.leaderId,
      leaderEpoch: partition.leaderEpoch,
      replicas: partition.replicaNodes,
      isr: partition.isrNodes,
      offlineReplicas: partition.offlineReplicas,
    })),
  }
}
