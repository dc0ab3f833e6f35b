/**
 * The reference admin client (KafkaAdminClient): topics, their configuration, offsets. Every call is a task that ends with
 * one result an item, in the order asked.
 */
import type { Task } from '../base/task.ts'
import type { AdminConfig } from '../config/client.ts'
import type { Env } from '../env/env.ts'
import { ApiKey } from '../protocol/api-keys.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type {
  CreateTopicsResponse, DeleteTopicsResponse, DescribeConfigsResponse, IncrementalAlterConfigsResponse, ListOffsetsResponse, MetadataResponse,
} from '../protocol/generated/types.ts'
import { ZERO_UUID } from '../protocol/uuid.ts'
import { AdminCaller } from './admin-call.ts'
import type { AdminCall, AdminResult } from './admin-call.ts'
import type { BrokerRpc } from './broker-rpc.ts'
import { ClusterMetadata } from './cluster-metadata.ts'
import type { BrokerNode, PartitionMetadata } from './cluster-metadata.ts'
import {
  alterConfigsCall, describeLogDirsCall, describeQuorumCall, describeTopicPartitionsCall, listConfigResourcesCall, unregisterBrokerCall,
} from './cluster-calls.ts'
import type { ConfigResource, EligibleLeaders, QuorumDescription, StoredPartition, TopicConfigs } from './cluster-calls.ts'
import { connectBrokers } from './connect.ts'
import { createPartitionsCall, deleteRecordsCall, electLeadersCall, listReassignmentsCall, reassignmentCall } from './partition-calls.ts'
import type { ElectionType, NewPartitions, PartitionReference, Reassignment, ReassignmentInProgress, RecordsToDelete } from './partition-calls.ts'
import { partitionName } from '../base/partition-name.ts'

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
const MAX_IN_FLIGHT = 100

export class Admin {
  private readonly rpc: BrokerRpc
  private readonly metadata: ClusterMetadata
  private readonly caller: AdminCaller

  constructor(env: Env, config: AdminConfig, rpc: BrokerRpc = connectBrokers(env, config, MAX_IN_FLIGHT)) {
    this.rpc = rpc
    this.metadata = new ClusterMetadata(env, this.rpc, config)
    this.caller = new AdminCaller(env, config, this.rpc, this.metadata)
    this.metadata.start()
  }

  *createTopics(topics: readonly NewTopic[]): Task<AdminResult<CreatedTopic>[]> {
    const call: AdminCall<NewTopic, CreatedTopic> = {
      apiKey: ApiKey.CreateTopics,
      isChange: true,
      retriesErrors: false,
      nameOf: topic => topic.name,
      node: () => this.metadata.node(this.metadata.controllerId),
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
    return yield* this.caller.run(call, topics)
  }

  *deleteTopics(names: readonly string[]): Task<AdminResult[]> {
    const call: AdminCall<string, null> = {
      apiKey: ApiKey.DeleteTopics,
      isChange: true,
      retriesErrors: false,
      nameOf: name => name,
      node: () => this.metadata.node(this.metadata.controllerId),
      // names moved into `topics` in version 6
      request: (items, timeoutMs) => ({ timeoutMs, topicNames: items, topics: items.map(name => ({ name, topicId: ZERO_UUID })) }),
      *answers(response: DeleteTopicsResponse) {
        for (const { name, errorCode } of response.responses) yield { name: name ?? '', errorCode, value: null }
      },
    }
    return yield* this.caller.run(call, names)
  }

  /** More partitions for topics: the records of a key may go elsewhere from then on. */
  *createPartitions(topics: readonly NewPartitions[]): Task<AdminResult[]> {
    return yield* this.caller.run(createPartitionsCall(this.metadata), topics)
  }

  /** Answers the low watermark of each partition, once every live replica has moved its log start. */
  *deleteRecords(records: readonly RecordsToDelete[]): Task<AdminResult<number>[]> {
    for (const { topic } of records) this.metadata.add(topic)
    return yield* this.caller.run(deleteRecordsCall(this.metadata), records)
  }

  *electLeaders(type: ElectionType, partitions: readonly PartitionReference[]): Task<AdminResult[]> {
    return yield* this.caller.run(electLeadersCall(this.metadata, type), partitions)
  }

  /** Starts or, with null replicas, cancels reassignments; they complete by themselves. */
  *alterPartitionReassignments(reassignments: readonly Reassignment[]): Task<AdminResult[]> {
    return yield* this.caller.run(reassignmentCall(this.metadata), reassignments)
  }

  *listPartitionReassignments(): Task<AdminResult<readonly ReassignmentInProgress[]>> {
    return (yield* this.caller.run(listReassignmentsCall(this.metadata), ['reassignments']))[0]!
  }

  /** Deletes topics by id, so that a copy of the request that arrives late cannot hit a newer topic of that name. */
  *deleteTopicsById(topicIds: readonly string[]): Task<AdminResult[]> {
    const call: AdminCall<string, null> = {
      apiKey: ApiKey.DeleteTopics,
      isChange: true,
      retriesErrors: false,
      nameOf: topicId => topicId,
      node: () => this.metadata.node(this.metadata.controllerId),
      request: (items, timeoutMs) => ({ timeoutMs, topics: items.map(topicId => ({ name: null, topicId })) }),
      *answers(response: DeleteTopicsResponse) {
        for (const { topicId, errorCode } of response.responses) yield { name: topicId, errorCode, value: null }
      },
    }
    return yield* this.caller.run(call, topicIds)
  }

  /** Effective configuration of each topic; a null value is one that the broker does not tell. */
  *describeConfigs(topics: readonly string[]): Task<AdminResult<ReadonlyMap<string, string | null>>[]> {
    const call: AdminCall<string, ReadonlyMap<string, string | null>> = {
      apiKey: ApiKey.DescribeConfigs,
      isChange: false,
      retriesErrors: false,
      nameOf: topic => topic,
      node: () => this.metadata.leastLoadedNode(),
      request: items => ({ resources: items.map(resourceName => ({ resourceType: TOPIC_RESOURCE, resourceName, configurationKeys: null })) }),
      *answers(response: DescribeConfigsResponse) {
        for (const { resourceName, errorCode, configs } of response.results) {
          yield { name: resourceName, errorCode, value: new Map(configs.map(({ name, value }) => [name, value])) }
        }
      },
    }
    return yield* this.caller.run(call, topics)
  }

  *incrementalAlterConfigs(changes: readonly TopicConfigChange[]): Task<AdminResult[]> {
    const call: AdminCall<TopicConfigChange, null> = {
      apiKey: ApiKey.IncrementalAlterConfigs,
      isChange: true,
      retriesErrors: false,
      nameOf: change => change.topic,
      node: () => this.metadata.leastLoadedNode(),
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
    return yield* this.caller.run(call, changes)
  }

  /** Under read_committed `latest` is the last stable offset. */
  *listOffsets(
    specs: readonly OffsetSpec[], isolationLevel: 'read_uncommitted' | 'read_committed' = 'read_uncommitted',
  ): Task<AdminResult<ListedOffset>[]> {
    for (const { topic } of specs) this.metadata.add(topic)
    const call: AdminCall<OffsetSpec, ListedOffset> = {
      apiKey: ApiKey.ListOffsets,
      isChange: false,
      retriesErrors: true,
      nameOf: spec => partitionName(spec.topic, spec.partition),
      node: spec => this.metadata.leader(spec.topic, spec.partition).node,
      request: (items, timeoutMs) => ({
        replicaId: -1,
        isolationLevel: isolationLevel === 'read_committed' ? 1 : 0,
        timeoutMs,
        topics: items.map(({ topic, partition, which }) => ({
          name: topic,
          partitions: [{
            partitionIndex: partition,
            currentLeaderEpoch: this.metadata.leader(topic, partition).epoch,
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
    // one question about a partition a request: the answer does not say which question it answers
    const results: AdminResult<ListedOffset>[] = []
    let rest = specs.map((spec, index) => ({ spec, index }))
    while (rest.length > 0) {
      const seen = new Set<string>()
      const now = rest.filter(({ spec }) => !seen.has(call.nameOf(spec)) && seen.add(call.nameOf(spec)))
      rest = rest.filter(entry => !now.includes(entry))
      const answers = yield* this.caller.run(call, now.map(({ spec }) => spec))
      for (const [i, { index }] of now.entries()) results[index] = answers[i]!
    }
    return results
  }

  *describeTopics(names: readonly string[]): Task<AdminResult<TopicDescription>[]> {
    const call: AdminCall<string, TopicDescription> = {
      apiKey: ApiKey.Metadata,
      isChange: false,
      retriesErrors: false,
      nameOf: name => name,
      node: () => this.metadata.leastLoadedNode(),
      request: items => ({ topics: items.map(name => ({ name, topicId: ZERO_UUID })), allowAutoTopicCreation: false }),
      *answers(response: MetadataResponse) {
        for (const topic of response.topics) yield { name: topic.name ?? '', errorCode: topic.errorCode, value: describe(topic) }
      },
    }
    return yield* this.caller.run(call, names)
  }

  /** Brokers, controller and all topics, as one broker sees them now. */
  *describeCluster(): Task<AdminResult<ClusterDescription>> {
    const call: AdminCall<'cluster', ClusterDescription> = {
      apiKey: ApiKey.Metadata,
      isChange: false,
      retriesErrors: true,
      nameOf: name => name,
      node: () => this.metadata.leastLoadedNode(),
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
    return (yield* this.caller.run(call, ['cluster']))[0]!
  }

  *describeQuorum(): Task<AdminResult<QuorumDescription>> {
    return (yield* this.caller.run(describeQuorumCall(this.metadata), ['quorum']))[0]!
  }

  /** With the leaders that are eligible when the ISR is empty (KIP-966). */
  *describeTopicPartitions(topics: readonly string[]): Task<AdminResult<readonly EligibleLeaders[]>[]> {
    return yield* this.caller.run(describeTopicPartitionsCall(this.metadata), topics)
  }

  *describeLogDirs(brokerIds: readonly number[]): Task<AdminResult<readonly StoredPartition[]>[]> {
    return yield* this.caller.run(describeLogDirsCall(this.metadata), brokerIds)
  }

  *listConfigResources(): Task<AdminResult<readonly ConfigResource[]>> {
    return (yield* this.caller.run(listConfigResourcesCall(this.metadata), ['resources']))[0]!
  }

  /** Makes the cluster forget a broker that does not run any more. */
  *unregisterBroker(brokerId: number): Task<AdminResult> {
    return (yield* this.caller.run(unregisterBrokerCall(this.metadata), [brokerId]))[0]!
  }

  /** Replaces all entries of topics. Prefer `incrementalAlterConfigs`. */
  *alterConfigs(topics: readonly TopicConfigs[]): Task<AdminResult[]> {
    return yield* this.caller.run(alterConfigsCall(this.metadata), topics)
  }

  close(): void {
    this.metadata.close()
    this.rpc.close()
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
