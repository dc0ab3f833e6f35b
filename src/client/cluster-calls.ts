/**
 * What an admin asks about the cluster itself: its metadata quorum, eligible leaders, log directories, configurable things,
 * brokers that shall be forgotten (KafkaAdminClient#describeMetadataQuorum, #describeTopics, #describeLogDirs,
 * #listConfigResources, #unregisterBroker).
 */
import { ApiKey } from '../protocol/api-keys.ts'
import type {
  AlterConfigsResponse, DescribeLogDirsResponse, DescribeQuorumResponse, DescribeTopicPartitionsResponse, ListConfigResourcesResponse, UnregisterBrokerResponse,
} from '../protocol/generated/types.ts'
import type { AdminCall } from './admin-call.ts'
import type { ClusterMetadata } from './cluster-metadata.ts'

const TOPIC_RESOURCE = 2
const MOST_PARTITIONS = 2_000

export interface QuorumDescription {
  readonly leaderId: number
  readonly leaderEpoch: number
  readonly highWatermark: number
  readonly voters: readonly { readonly replicaId: number; readonly logEndOffset: number }[]
  readonly observers: readonly { readonly replicaId: number; readonly logEndOffset: number }[]
}

export interface EligibleLeaders {
  readonly partition: number
  readonly leaderId: number
  readonly isr: readonly number[]
  readonly elr: readonly number[]
  readonly lastKnownElr: readonly number[]
}

export interface StoredPartition {
  readonly topic: string
  readonly partition: number
  readonly sizeInBytes: number
}

export interface ConfigResource {
  readonly type: number
  readonly name: string
}

export interface TopicConfigs {
  readonly topic: string
  /** All entries that the topic shall have; others go back to their defaults. */
  readonly configs: Readonly<Record<string, string>>
}

export function describeQuorumCall(metadata: ClusterMetadata): AdminCall<'quorum', QuorumDescription> {
  return {
    apiKey: ApiKey.DescribeQuorum,
    isChange: false,
    retriesErrors: true,
    nameOf: name => name,
    node: () => metadata.leastLoadedNode(),
    request: () => ({ topics: [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }] }),
    overallError: ({ errorCode }: DescribeQuorumResponse) => errorCode,
    *answers({ topics }: DescribeQuorumResponse) {
      const partition = topics[0]?.partitions[0]
      if (partition === undefined) return
      const { errorCode, leaderId, leaderEpoch, highWatermark, currentVoters, observers } = partition
      const brief = ({ replicaId, logEndOffset }: { replicaId: number; logEndOffset: number }): { replicaId: number; logEndOffset: number } => ({ replicaId, logEndOffset })
      yield { name: 'quorum', errorCode, value: { leaderId, leaderEpoch, highWatermark, voters: currentVoters.map(brief), observers: observers.map(brief) } }
    },
  }
}

export function describeTopicPartitionsCall(metadata: ClusterMetadata): AdminCall<string, readonly EligibleLeaders[]> {
  return {
    apiKey: ApiKey.DescribeTopicPartitions,
    isChange: false,
    retriesErrors: false,
    nameOf: topic => topic,
    node: () => metadata.leastLoadedNode(),
    request: items => ({ topics: items.map(name => ({ name })), responsePartitionLimit: MOST_PARTITIONS, cursor: null }),
    *answers(response: DescribeTopicPartitionsResponse) {
      for (const { name, errorCode, partitions } of response.topics) {
        yield {
          name: name ?? '', errorCode,
          value: partitions.map(({ partitionIndex, leaderId, isrNodes, eligibleLeaderReplicas, lastKnownElr }) => (
            { partition: partitionIndex, leaderId, isr: isrNodes, elr: eligibleLeaderReplicas ?? [], lastKnownElr: lastKnownElr ?? [] }
          )),
        }
      }
    },
  }
}

/** One item a broker id. */
export function describeLogDirsCall(metadata: ClusterMetadata): AdminCall<number, readonly StoredPartition[]> {
  return {
    apiKey: ApiKey.DescribeLogDirs,
    isChange: false,
    retriesErrors: true,
    // Each broker is asked by itself, so there is one item a request.
    nameOf: brokerId => String(brokerId),
    node: brokerId => metadata.node(brokerId),
    request: () => ({ topics: null }),
    overallError: ({ errorCode }: DescribeLogDirsResponse) => errorCode,
    *answers({ results }: DescribeLogDirsResponse, [brokerId]: readonly number[]) {
      const value = results.flatMap(({ topics }) => topics.flatMap(({ name, partitions }) => partitions.map(({ partitionIndex, partitionSize }) => (
        { topic: name, partition: partitionIndex, sizeInBytes: partitionSize }
      ))))
      yield { name: String(brokerId), errorCode: results.find(({ errorCode }) => errorCode !== 0)?.errorCode ?? 0, value }
    },
  }
}

export function listConfigResourcesCall(metadata: ClusterMetadata): AdminCall<'resources', readonly ConfigResource[]> {
  return {
    apiKey: ApiKey.ListConfigResources,
    isChange: false,
    retriesErrors: true,
    nameOf: name => name,
    node: () => metadata.leastLoadedNode(),
    request: () => ({ resourceTypes: [] }),
    *answers({ errorCode, configResources }: ListConfigResourcesResponse) {
      yield { name: 'resources', errorCode, value: configResources.map(({ resourceType, resourceName }) => ({ type: resourceType, name: resourceName })) }
    },
  }
}

export function unregisterBrokerCall(metadata: ClusterMetadata): AdminCall<number, null> {
  return {
    apiKey: ApiKey.UnregisterBroker,
    isChange: true,
    retriesErrors: false,
    nameOf: brokerId => String(brokerId),
    node: () => metadata.leastLoadedNode(),
    request: ([brokerId]) => ({ brokerId }),
    *answers({ errorCode }: UnregisterBrokerResponse, [brokerId]: readonly number[]) {
      yield { name: String(brokerId), errorCode, value: null }
    },
  }
}

export function alterConfigsCall(metadata: ClusterMetadata): AdminCall<TopicConfigs, null> {
  return {
    apiKey: ApiKey.AlterConfigs,
    isChange: true,
    retriesErrors: false,
    nameOf: ({ topic }) => topic,
    node: () => metadata.leastLoadedNode(),
    request: items => ({
      validateOnly: false,
      resources: items.map(({ topic, configs }) => ({
        resourceType: TOPIC_RESOURCE, resourceName: topic, configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
      })),
    }),
    *answers({ responses }: AlterConfigsResponse) {
      for (const { resourceName, errorCode } of responses) yield { name: resourceName, errorCode, value: null }
    },
  }
}
