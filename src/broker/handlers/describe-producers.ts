/** DescribeProducers (KIP-664): whom a leader remembers, and who has a transaction open since when. */
import { ApiError } from '../../protocol/api-error.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { DescribeProducersRequest } from '../../protocol/generated/types.ts'
import type { RpcRequest } from '../../rpc/rpc-server.ts'
import type { BrokerContext } from '../broker-context.ts'

export function handleDescribeProducers(context: BrokerContext, request: RpcRequest): void {
  const { topics } = request.body as DescribeProducersRequest
  request.respond({
    topics: topics.map(({ name, partitionIndexes }) => ({ name, partitions: partitionIndexes.map(index => describePartition(context, name, index)) })),
  })
}

function describePartition(context: BrokerContext, topic: string, partitionIndex: number): object {
  try {
    const partition = context.replicas.requireNamed(topic, partitionIndex)
    if (!partition.isLeader) throw new ApiError(ErrorCode.NOT_LEADER_OR_FOLLOWER)
    return {
      partitionIndex,
      errorCode: ErrorCode.NONE,
      errorMessage: null,
      activeProducers: partition.log.producers.describe().map(producer => ({
        producerId: producer.producerId,
        producerEpoch: producer.producerEpoch,
        lastSequence: producer.lastSequence,
        lastTimestamp: producer.lastTimestamp,
        coordinatorEpoch: producer.coordinatorEpoch,
        currentTxnStartOffset: producer.currentTxnFirstOffset,
      })),
    }
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return { partitionIndex, errorCode: error.code, errorMessage: error.message, activeProducers: [] }
  }
}
