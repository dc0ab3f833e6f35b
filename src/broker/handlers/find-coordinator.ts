/**
 * FindCoordinator (KafkaApis#getCoordinator): the leader of the partition that holds the state of a group, transactional
 * id or share-partition, as this broker's metadata has it. The first question creates the topic.
 */
import { partitionForId } from '../../base/java-hash.ts'
import type { ServerConfig } from '../../config/cluster.ts'
import { shareSettings } from '../../config/share.ts'
import { GROUP_TOPIC, SHARE_GROUP_TOPIC, TRANSACTION_TOPIC } from '../../coordinator/internal-topics.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { FindCoordinatorRequest } from '../../protocol/generated/types.ts'
import type { RpcRequest } from '../../rpc/rpc-server.ts'
import type { BrokerContext } from '../broker-context.ts'

const BATCHED_VERSION = 4
/** FindCoordinatorRequest.CoordinatorType. */
const TOPIC_OF_KEY_TYPE: readonly string[] = [GROUP_TOPIC, TRANSACTION_TOPIC, SHARE_GROUP_TOPIC]

interface Found {
  readonly errorCode: number
  readonly nodeId: number
  readonly host: string
  readonly port: number
}

export function handleFindCoordinator(context: BrokerContext, request: RpcRequest): void {
  const { key, keyType, coordinatorKeys } = request.body as FindCoordinatorRequest
  const topic = TOPIC_OF_KEY_TYPE[keyType]
  const find = (id: string): Found => (topic === undefined ? nowhere(ErrorCode.INVALID_REQUEST) : findLeader(context, topic, id))
  request.respond(request.apiVersion >= BATCHED_VERSION ? { coordinators: coordinatorKeys.map(id => ({ key: id, ...find(id) })) } : find(key))
}

function nowhere(errorCode: number): Found {
  return { errorCode, nodeId: -1, host: '', port: -1 }
}

function findLeader(context: BrokerContext, topicName: string, id: string): Found {
  const { image, cluster: { server } } = context
  const topic = image.topicByName(topicName)
  if (topic === undefined) {
    context.internalTopics.create(topicName)
    return nowhere(ErrorCode.COORDINATOR_NOT_AVAILABLE)
  }
  const leader = topic.partitions.get(partitionForId(id, partitionCount(topicName, server)))?.leader ?? -1
  const broker = image.brokers.get(leader)
  if (broker === undefined || broker.fenced) return nowhere(ErrorCode.COORDINATOR_NOT_AVAILABLE)
  return { errorCode: ErrorCode.NONE, nodeId: leader, host: broker.host, port: broker.port }
}

function partitionCount(topic: string, server: ServerConfig): number {
  if (topic === GROUP_TOPIC) return server.offsetsTopicNumPartitions
  return topic === TRANSACTION_TOPIC ? server.transactionStateLogNumPartitions : shareSettings(server).shareCoordinatorStateTopicNumPartitions
}
