/**
 * AddPartitionsToTxn (KafkaApis#handleAddPartitionsToTxnRequest): up to version 3 from a client, about one transaction;
 * from 4 on from partition leaders, about several, to be verified or added (KIP-890). One unknown partition refuses its
 * whole transaction. AddOffsetsToTxn is the same for the partition that holds a group's offsets.
 */
import { partitionForId } from '../../base/java-hash.ts'
import { partitionName } from '../../base/partition-name.ts'
import { Future, all } from '../../base/task.ts'
import type { Task } from '../../base/task.ts'
import { GROUP_TOPIC } from '../../coordinator/internal-topics.ts'
import type { TopicPartition } from '../../coordinator/transaction/transaction-metadata.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { AddOffsetsToTxnRequest, AddPartitionsToTxnRequest, AddPartitionsToTxnRequestAddPartitionsToTxnTransaction } from '../../protocol/generated/types.ts'
import type { RpcRequest } from '../../rpc/rpc-server.ts'
import type { BrokerContext } from '../broker-context.ts'

const BATCHED_VERSION = 4
const PRODUCER_FENCED_VERSION = 2
/** transaction.version of a transaction to which leaders add the partitions. */
const ADDED_BY_LEADER = 2
const ADDED_BY_CLIENT = 0

type Transaction = AddPartitionsToTxnRequestAddPartitionsToTxnTransaction

interface Result {
  readonly transactionalId: string
  readonly topicResults: readonly { readonly name: string; readonly resultsByPartition: readonly { readonly partitionIndex: number; readonly partitionErrorCode: number }[] }[]
}

export function* handleAddPartitionsToTxn(context: BrokerContext, request: RpcRequest): Task<void> {
  const body = request.body as AddPartitionsToTxnRequest
  const { apiVersion } = request
  yield* context.env.pause('add-partitions')
  if (apiVersion < BATCHED_VERSION) {
    const { topicResults } = yield* addOne(context, {
      transactionalId: body.v3AndBelowTransactionalId, producerId: body.v3AndBelowProducerId, producerEpoch: body.v3AndBelowProducerEpoch, verifyOnly: false, topics: body.v3AndBelowTopics,
    }, apiVersion)
    request.respond({ resultsByTopicV3AndBelow: topicResults })
    return
  }
  const results = body.transactions.map(transaction => {
    const result = new Future<Result>()
    context.env.spawn('add-partitions', (function* (): Task<void> {
      result.complete(yield* addOne(context, transaction, apiVersion))
    })())
    return result
  })
  request.respond({ errorCode: ErrorCode.NONE, resultsByTransaction: yield* all(results) })
}

function* addOne(context: BrokerContext, transaction: Transaction, apiVersion: number): Task<Result> {
  const { transactionalId, producerId, producerEpoch, verifyOnly } = transaction
  const partitions = new Map<string, TopicPartition>()
  const unknown = new Set<string>()
  for (const { name: topic, partitions: indexes } of transaction.topics) {
    for (const partition of indexes) {
      const name = partitionName(topic, partition)
      partitions.set(name, { topic, partition })
      if (context.image.topicByName(topic)?.partitions.has(partition) !== true) unknown.add(name)
    }
  }
  if (unknown.size > 0) return resultOf(transaction, name => (unknown.has(name) ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.OPERATION_NOT_ATTEMPTED))
  const { transactions } = context
  if (verifyOnly) {
    const errors = transactions.verifyPartitions(transactionalId, { producerId, producerEpoch }, partitions)
    return resultOf(transaction, name => errors.get(name) ?? ErrorCode.NONE)
  }
  const clientVersion = apiVersion < BATCHED_VERSION ? ADDED_BY_CLIENT : ADDED_BY_LEADER
  const errorCode = yield* transactions.addPartitions(transactionalId, { producerId, producerEpoch }, partitions, clientVersion)
  return resultOf(transaction, () => forVersion(errorCode, apiVersion))
}

export function* handleAddOffsetsToTxn(context: BrokerContext, request: RpcRequest): Task<void> {
  const { transactionalId, producerId, producerEpoch, groupId } = request.body as AddOffsetsToTxnRequest
  yield* context.env.pause('add-offsets')
  const partition = partitionForId(groupId, context.cluster.server.offsetsTopicNumPartitions)
  const partitions = new Map([[partitionName(GROUP_TOPIC, partition), { topic: GROUP_TOPIC, partition }]])
  const errorCode = yield* context.transactions.addPartitions(transactionalId, { producerId, producerEpoch }, partitions, ADDED_BY_CLIENT)
  request.respond({ errorCode: forVersion(errorCode, request.apiVersion) })
}

function resultOf({ transactionalId, topics }: Transaction, errorOf: (name: string) => number): Result {
  return {
    transactionalId,
    topicResults: topics.map(({ name, partitions }) => ({
      name, resultsByPartition: partitions.map(partitionIndex => ({ partitionIndex, partitionErrorCode: errorOf(partitionName(name, partitionIndex)) })),
    })),
  }
}

/** Older clients do not know PRODUCER_FENCED. */
export function forVersion(errorCode: number, apiVersion: number, fencedVersion = PRODUCER_FENCED_VERSION): number {
  return errorCode === ErrorCode.PRODUCER_FENCED && apiVersion < fencedVersion ? ErrorCode.INVALID_PRODUCER_EPOCH : errorCode
}
