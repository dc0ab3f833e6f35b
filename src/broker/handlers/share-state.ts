/**
 * What brokers ask a share coordinator (KafkaApis#handleInitializeShareGroupStateRequest and the others). Each share-partition
 * that a request names is an operation of its own, with an error of its own.
 */
import type { Future, Task } from '../../base/task.ts'
import type { SharePartitionId } from '../../coordinator/share/share-partition-key.ts'
import { ApiError } from '../../protocol/api-error.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type {
  DeleteShareGroupStateRequest, InitializeShareGroupStateRequest, ReadShareGroupStateRequest, ReadShareGroupStateSummaryRequest, WriteShareGroupStateRequest,
} from '../../protocol/generated/types.ts'
import type { RpcRequest } from '../../rpc/rpc-server.ts'
import type { BrokerContext } from '../broker-context.ts'

interface Topics<P> {
  readonly groupId: string
  readonly topics: readonly { readonly topicId: string; readonly partitions: readonly P[] }[]
}

export function* handleInitializeShareGroupState({ shareCoordinator }: BrokerContext, request: RpcRequest): Task<void> {
  yield* answerEach(request, request.body as InitializeShareGroupStateRequest, (id, { stateEpoch, startOffset }) => shareCoordinator.initialize(id, stateEpoch, startOffset))
}

export function* handleReadShareGroupState({ shareCoordinator }: BrokerContext, request: RpcRequest): Task<void> {
  yield* answerEach(request, request.body as ReadShareGroupStateRequest, (id, { leaderEpoch }) => shareCoordinator.readAndFence(id, leaderEpoch), ({ stateEpoch, startOffset, batches }) => ({ stateEpoch, startOffset, stateBatches: [...batches] }))
}

export function* handleWriteShareGroupState({ shareCoordinator }: BrokerContext, request: RpcRequest): Task<void> {
  yield* answerEach(request, request.body as WriteShareGroupStateRequest, (id, { stateBatches, ...state }) => shareCoordinator.writeState(id, { ...state, batches: stateBatches }))
}

export function* handleDeleteShareGroupState({ shareCoordinator }: BrokerContext, request: RpcRequest): Task<void> {
  yield* answerEach(request, request.body as DeleteShareGroupStateRequest, id => shareCoordinator.deleteState(id))
}

export function handleReadShareGroupStateSummary({ shareCoordinator }: BrokerContext, request: RpcRequest): void {
  const { groupId, topics } = request.body as ReadShareGroupStateSummaryRequest
  request.respond({
    results: topics.map(({ topicId, partitions }) => ({
      topicId,
      partitions: partitions.map(({ partition }) => {
        try {
          const { stateEpoch, leaderEpoch, startOffset, deliveryCompleteCount } = shareCoordinator.summary({ groupId, topicId, partition })
          return { partition, errorCode: ErrorCode.NONE, stateEpoch, leaderEpoch, startOffset, deliveryCompleteCount }
        } catch (error) {
          if (!(error instanceof ApiError)) throw error
          return { partition, errorCode: error.code, errorMessage: error.message }
        }
      }),
    })),
  })
}

function* answerEach<P extends { readonly partition: number }, T>(request: RpcRequest, { groupId, topics }: Topics<P>, ask: (id: SharePartitionId, asked: P) => Future<T>, told: (value: T) => object = () => ({})): Task<void> {
  const asked = topics.map(({ topicId, partitions }) => ({ topicId, answers: partitions.map(one => ({ partition: one.partition, answer: ask({ groupId, topicId, partition: one.partition }, one) })) }))
  const results: { topicId: string; partitions: object[] }[] = []
  for (const { topicId, answers } of asked) {
    const partitions: object[] = []
    for (const { partition, answer } of answers) {
      try {
        partitions.push({ partition, errorCode: ErrorCode.NONE, ...told(yield* answer.wait()) })
      } catch (error) {
        if (!(error instanceof ApiError)) throw error
        partitions.push({ partition, errorCode: error.code, errorMessage: error.message })
      }
    }
    results.push({ topicId, partitions })
  }
  request.respond({ results })
}
