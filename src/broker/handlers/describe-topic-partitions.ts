/**
 * DescribeTopicPartitions (KIP-966; Kafka: DescribeTopicPartitionsRequestHandler): topics in order of their names, with what
 * Metadata does not tell, the eligible leaders; at most as many partitions as were asked for, and where to go on.
 */
import { ErrorCode } from '../../protocol/errors.ts'
import type { DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse } from '../../protocol/generated/types.ts'
import { ZERO_UUID } from '../../protocol/uuid.ts'
import type { RpcRequest } from '../../rpc/rpc-server.ts'
import type { BrokerContext } from '../broker-context.ts'

/** max.request.partition.size.limit */
const MOST_PARTITIONS = 2_000
const NO_AUTHORIZED_OPERATIONS = -2147483648

export function handleDescribeTopicPartitions(context: BrokerContext, request: RpcRequest): void {
  const { image } = context
  const { topics: asked, responsePartitionLimit, cursor } = request.body as DescribeTopicPartitionsRequest
  const names = (asked.length === 0 ? [...image.topicIds.keys()] : [...new Set(asked.map(({ name }) => name))])
    .filter(name => cursor === null || name >= cursor.topicName).sort()
  let left = Math.min(MOST_PARTITIONS, responsePartitionLimit)
  const topics: DescribeTopicPartitionsResponse['topics'] = []
  let nextCursor: DescribeTopicPartitionsResponse['nextCursor'] = null
  for (const name of names) {
    const topic = image.topicByName(name)
    if (topic === undefined) {
      topics.push({ errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, name, topicId: ZERO_UUID, isInternal: false, partitions: [], topicAuthorizedOperations: NO_AUTHORIZED_OPERATIONS })
      continue
    }
    const first = cursor?.topicName === name ? cursor.partitionIndex : 0
    const indexes = [...topic.partitions.keys()].filter(index => index >= first).sort((a, b) => a - b)
    if (left <= 0) {
      nextCursor = { topicName: name, partitionIndex: first }
      break
    }
    const told = indexes.slice(0, left)
    left -= told.length
    topics.push({
      errorCode: ErrorCode.NONE, name, topicId: topic.id, isInternal: false, topicAuthorizedOperations: NO_AUTHORIZED_OPERATIONS,
      partitions: told.map(partitionIndex => {
        const partition = topic.partitions.get(partitionIndex)!
        const hasLeader = image.brokers.has(partition.leader)
        return {
          errorCode: hasLeader ? ErrorCode.NONE : ErrorCode.LEADER_NOT_AVAILABLE,
          partitionIndex,
          leaderId: hasLeader ? partition.leader : -1,
          leaderEpoch: partition.leaderEpoch,
          replicaNodes: [...partition.replicas],
          isrNodes: [...partition.isr],
          eligibleLeaderReplicas: [...partition.elr],
          lastKnownElr: [...partition.lastKnownElr],
          offlineReplicas: partition.replicas.filter(id => image.brokers.get(id)?.fenced !== false),
        }
      }),
    })
    if (told.length < indexes.length) {
      nextCursor = { topicName: name, partitionIndex: indexes[told.length]! }
      break
    }
  }
  request.respond({ topics, nextCursor })
}
