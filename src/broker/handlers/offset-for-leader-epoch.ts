/** OffsetForLeaderEpoch: where an epoch ends, for consumers that look for truncation (KIP-320). */
import { ApiError } from '../../protocol/api-error.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { OffsetForLeaderEpochRequest } from '../../protocol/generated/types.ts'
import type { RpcRequest } from '../../rpc/rpc-server.ts'
import type { BrokerContext } from '../broker-context.ts'
import { endOffsetOfEpoch } from '../partition-reads.ts'

export function handleOffsetForLeaderEpoch(context: BrokerContext, request: RpcRequest): void {
  const body = request.body as OffsetForLeaderEpochRequest
  request.respond({
    topics: body.topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map(({ partition, currentLeaderEpoch, leaderEpoch }) => {
        try {
          const end = endOffsetOfEpoch(context.replicas.requireNamed(topic, partition), currentLeaderEpoch, leaderEpoch)
          return { partition, errorCode: ErrorCode.NONE, leaderEpoch: end.epoch, endOffset: end.endOffset }
        } catch (error) {
          if (!(error instanceof ApiError)) throw error
          return { partition, errorCode: error.code, leaderEpoch: -1, endOffset: -1 }
        }
      }),
    })),
  })
}
