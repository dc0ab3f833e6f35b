/**
 * What request handlers may use of their broker.
 */
import type { ClusterConfig } from '../config/cluster.ts'
import type { TopicConfig } from '../config/topic.ts'
import type { MetadataImage, TopicImage } from '../controller/metadata-image.ts'
import type { GroupCoordinator } from '../coordinator/group/group-coordinator.ts'
import type { ShareCoordinator } from '../coordinator/share/share-coordinator.ts'
import type { TransactionCoordinator } from '../coordinator/transaction/transaction-coordinator.ts'
import type { Env } from '../env/env.ts'
import { ZERO_UUID } from '../protocol/uuid.ts'
import type { AddPartitionsSender } from './add-partitions-sender.ts'
import type { ClientQuotas } from './client-quotas.ts'
import type { ControllerChannel } from './controller-channel.ts'
import type { InternalTopicCreation } from './internal-topic-creation.ts'
import type { FetchSessionCache } from './fetch-session-cache.ts'
import type { ProducerIds } from './producer-ids.ts'
import type { Purgatory } from './purgatory.ts'
import type { Replicas } from './replicas.ts'
import type { SharePartitions } from './share/share-partitions.ts'
import type { ShareSessions } from './share/share-sessions.ts'

export interface BrokerContext {
  readonly env: Env
  readonly brokerId: number
  readonly cluster: ClusterConfig
  /** Changes in place as metadata is published: read it, do not keep parts of it across waits. */
  readonly image: MetadataImage
  readonly replicas: Replicas
  readonly delayedProduce: Purgatory
  readonly delayedFetch: Purgatory
  readonly delayedDeleteRecords: Purgatory
  readonly fetchSessions: FetchSessionCache
  readonly producerIds: ProducerIds
  readonly produceQuotas: ClientQuotas
  readonly fetchQuotas: ClientQuotas
  readonly addPartitions: Pick<AddPartitionsSender, 'ask'>
  readonly transactions: TransactionCoordinator
  readonly forwarding: Pick<ControllerChannel, 'send'>
  readonly groups: GroupCoordinator
  readonly shareCoordinator: ShareCoordinator
  readonly sharePartitions: SharePartitions
  readonly shareSessions: ShareSessions
  readonly internalTopics: Pick<InternalTopicCreation, 'create'>
  topicConfig(topic: string): TopicConfig
}

/** The topic that a request names by id (newer versions) or by name. */
export function namedTopic(image: MetadataImage, topicId: string, name: string): TopicImage | undefined {
  return topicId === ZERO_UUID ? image.topicByName(name) : image.topics.get(topicId)
}

/** Where clients should go instead; leader -1 when unknown (KIP-951). */
export function currentLeader(image: MetadataImage, topicId: string, partition: number): { leaderId: number; leaderEpoch: number } {
  const registration = image.partition(topicId, partition)
  return { leaderId: registration?.leader ?? -1, leaderEpoch: registration?.leaderEpoch ?? -1 }
}

export interface NodeEndpoint {
  readonly nodeId: number
  readonly host: string
  readonly port: number
  readonly rack: string | null
}

/** Addresses of the leaders that a response refers to (KIP-951). */
export function nodeEndpoints(image: MetadataImage, leaderIds: Iterable<number>): NodeEndpoint[] {
  const endpoints = new Map<number, NodeEndpoint>()
  for (const nodeId of leaderIds) {
    const broker = image.brokers.get(nodeId)
    if (broker !== undefined) endpoints.set(nodeId, { nodeId, host: broker.host, port: broker.port, rack: broker.rack })
  }
  return [...endpoints.values()]
}
