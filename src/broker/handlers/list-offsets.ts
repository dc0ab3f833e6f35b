/** ListOffsets (ReplicaManager#fetchOffset). */
import { ApiError } from '../../protocol/api-error.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { ListOffsetsRequest, ListOffsetsRequestListOffsetsPartition } from '../../protocol/generated/types.ts'
import type { RpcRequest } from '../../rpc/rpc-server.ts'
import type { BrokerContext } from '../broker-context.ts'
import {
  EARLIEST_LOCAL_TIMESTAMP, EARLIEST_TIMESTAMP, LATEST_TIERED_TIMESTAMP, LATEST_TIMESTAMP, MAX_TIMESTAMP, offsetForTimestamp,
} from '../partition-reads.ts'
import type { Isolation } from '../partition-reads.ts'

const CONSUMER = -1
/** Asks any replica, leader or not. */
const DEBUGGING_REPLICA = -2
const OFFSET_NOT_AVAILABLE_VERSION = 5
/** From which version on a special timestamp is understood. */
const MIN_VERSION = new Map([[LATEST_TIMESTAMP, 1], [EARLIEST_TIMESTAMP, 1], [MAX_TIMESTAMP, 7], [EARLIEST_LOCAL_TIMESTAMP, 8], [LATEST_TIERED_TIMESTAMP, 9]])

export function handleListOffsets(context: BrokerContext, request: RpcRequest): void {
  const body = request.body as ListOffsetsRequest
  const isolation: Isolation = body.replicaId !== CONSUMER ? 'log-end' : body.isolationLevel === 1 ? 'committed' : 'high-watermark'
  const requireLeader = body.replicaId !== DEBUGGING_REPLICA
  request.respond({
    topics: body.topics.map(({ name, partitions }) => {
      const seen = new Set<number>()
      const duplicated = new Set(partitions.filter(({ partitionIndex }) => seen.size === seen.add(partitionIndex).size).map(partition => partition.partitionIndex))
      return {
        name,
        partitions: partitions.map(asked => {
          try {
            if (duplicated.has(asked.partitionIndex)) throw new ApiError(ErrorCode.INVALID_REQUEST)
            return { partitionIndex: asked.partitionIndex, errorCode: ErrorCode.NONE, ...find(context, name, asked, { isolation, requireLeader, version: request.apiVersion }) }
          } catch (error) {
            if (!(error instanceof ApiError)) throw error
            if (error.code === ErrorCode.OFFSET_NOT_AVAILABLE) context.env.observe({ kind: 'mark', name: 'offset-not-available' })
            const isTooNew = error.code === ErrorCode.OFFSET_NOT_AVAILABLE && request.apiVersion < OFFSET_NOT_AVAILABLE_VERSION
            return { partitionIndex: asked.partitionIndex, errorCode: isTooNew ? ErrorCode.LEADER_NOT_AVAILABLE : error.code }
          }
        }),
      }
    }),
  })
}

function find(
  context: BrokerContext,
  name: string,
  asked: ListOffsetsRequestListOffsetsPartition,
  how: { isolation: Isolation; requireLeader: boolean; version: number },
): { offset: number; timestamp: number; leaderEpoch: number } {
  const { timestamp, currentLeaderEpoch, partitionIndex } = asked
  if (timestamp < 0 && how.version < (MIN_VERSION.get(timestamp) ?? Infinity)) throw new ApiError(ErrorCode.UNSUPPORTED_VERSION)
  const partition = context.replicas.requireNamed(name, partitionIndex)
  return offsetForTimestamp(partition, timestamp, currentLeaderEpoch, how.isolation, how.requireLeader)
}
