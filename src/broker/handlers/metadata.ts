/**
 * Metadata and DescribeCluster, answered from this broker's image, which may lag behind (KafkaApis, KRaftMetadataCache).
 *
 * Unlike Kafka topics are never created by asking for them, as with auto.create.topics.enable=false.
 */
import { below } from '../../base/random.ts'
import type { PartitionImage, TopicImage } from '../../controller/metadata-image.ts'
import { isInternalTopic } from '../../coordinator/internal-topics.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { DescribeClusterRequest, MetadataRequest, MetadataRequestMetadataRequestTopic } from '../../protocol/generated/types.ts'
import { ZERO_UUID } from '../../protocol/uuid.ts'
import type { RpcRequest } from '../../rpc/rpc-server.ts'
import type { BrokerContext } from '../broker-context.ts'

const CONTROLLER_ENDPOINTS = 2
const NO_AUTHORIZED_OPERATIONS = -2147483648

export function handleMetadata(context: BrokerContext, request: RpcRequest): void {
  const body = request.body as MetadataRequest
  const { image } = context
  // No list means all topics; in version 0 an empty list does, too.
  const wantsAll = body.topics === null || (request.apiVersion === 0 && body.topics.length === 0)
  const topics = wantsAll ? [...image.topics.values()].map(topic => describeTopic(context, topic)) : body.topics!.map(asked => describeAsked(context, asked))
  request.respond({
    brokers: aliveBrokers(context).map(({ brokerId, host, port, rack }) => ({ nodeId: brokerId, host, port, rack })),
    clusterId: context.cluster.clusterId,
    controllerId: anyBroker(context, request),
    topics,
  })
}

export function handleDescribeCluster(context: BrokerContext, request: RpcRequest): void {
  const body = request.body as DescribeClusterRequest
  if (body.endpointType === CONTROLLER_ENDPOINTS) {
    request.respond({ errorCode: ErrorCode.MISMATCHED_ENDPOINT_TYPE, endpointType: body.endpointType, clusterId: context.cluster.clusterId })
    return
  }
  const brokers = body.includeFencedBrokers ? [...context.image.brokers.values()] : aliveBrokers(context)
  request.respond({
    endpointType: body.endpointType,
    clusterId: context.cluster.clusterId,
    controllerId: anyBroker(context, request),
    brokers: brokers.map(({ brokerId, host, port, rack, fenced }) => ({ brokerId, host, port, rack, isFenced: fenced })),
  })
}

function aliveBrokers(context: BrokerContext): { brokerId: number; host: string; port: number; rack: string | null; fenced: boolean }[] {
  return [...context.image.brokers.values()].filter(broker => !broker.fenced)
}

/** Clients send controller requests to any broker, which forwards them (KIP-590); -1 when none is known to be alive. */
function anyBroker(context: BrokerContext, request: RpcRequest): number {
  const alive = aliveBrokers(context)
  if (alive.length === 0) return -1
  return alive[below(context.env.draw('metadata-controller', request.peer, context.env.now()), alive.length)]!.brokerId
}

function describeAsked(context: BrokerContext, { topicId, name }: MetadataRequestMetadataRequestTopic): object {
  const isById = topicId !== ZERO_UUID
  const topic = isById ? context.image.topics.get(topicId) : context.image.topicByName(name ?? '')
  if (topic !== undefined) return describeTopic(context, topic)
  return { errorCode: isById ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, name, topicId, partitions: [] }
}

function describeTopic(context: BrokerContext, topic: TopicImage): object {
  return {
    errorCode: ErrorCode.NONE,
    name: topic.name,
    topicId: topic.id,
    isInternal: isInternalTopic(topic.name),
    topicAuthorizedOperations: NO_AUTHORIZED_OPERATIONS,
    partitions: [...topic.partitions].map(([partitionIndex, partition]) => describePartition(context, partitionIndex, partition)),
  }
}

function describePartition(context: BrokerContext, partitionIndex: number, partition: PartitionImage): object {
  const { brokers } = context.image
  const hasLeader = brokers.has(partition.leader)
  return {
    errorCode: hasLeader ? ErrorCode.NONE : ErrorCode.LEADER_NOT_AVAILABLE,
    partitionIndex,
    leaderId: hasLeader ? partition.leader : -1,
    leaderEpoch: partition.leaderEpoch,
    replicaNodes: partition.replicas,
    isrNodes: partition.isr,
    offlineReplicas: partition.replicas.filter(id => brokers.get(id)?.fenced !== false),
  }
}
