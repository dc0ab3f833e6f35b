/** DeleteRecords (KafkaApis#handleDeleteRecordsRequest, ReplicaManager#deleteRecords). */
import type { Task } from '../../base/task.ts'
import { ApiError } from '../../protocol/api-error.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { DeleteRecordsRequest } from '../../protocol/generated/types.ts'
import type { RpcRequest } from '../../rpc/rpc-server.ts'
import type { BrokerContext } from '../broker-context.ts'
import { DelayedDeleteRecords, deleteRecordsOnLeader, NO_LOW_WATERMARK } from '../delayed-delete-records.ts'
import type { Deletion } from '../delayed-delete-records.ts'

interface Outcome {
  readonly topic: string
  readonly index: number
  readonly errorCode: number
  readonly deletion: Deletion | undefined
}

export function* handleDeleteRecords(context: BrokerContext, request: RpcRequest): Task<void> {
  const body = request.body as DeleteRecordsRequest
  yield* context.env.pause('delete-records')
  const outcomes: Outcome[] = []
  const keys: string[] = []
  for (const { name, partitions } of body.topics) {
    for (const { partitionIndex, offset } of partitions) {
      const outcome = deleteOne(context, name, partitionIndex, offset)
      outcomes.push(outcome)
      const hosted = outcome.deletion?.partition()
      if (hosted !== undefined) keys.push(hosted.key)
    }
  }
  yield* context.env.pause('delete-records-park')
  const deletions = outcomes.flatMap(({ deletion }) => deletion ?? [])
  context.delayedDeleteRecords.completeElseWatch(new DelayedDeleteRecords(context.image, deletions, () => respond(request, outcomes)), keys, body.timeoutMs)
}

function deleteOne(context: BrokerContext, topic: string, index: number, offset: number): Outcome {
  try {
    if (context.image.topicByName(topic)?.partitions.has(index) !== true) throw new ApiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    const partition = context.replicas.requireNamed(topic, index)
    const { topicId } = partition
    const requiredOffset = deleteRecordsOnLeader(partition, offset, context.topicConfig(topic).cleanupPolicy)
    context.env.observe({ kind: 'mark', name: 'records-deleted' })
    return {
      topic, index, errorCode: ErrorCode.NONE,
      deletion: { partition: () => context.replicas.find(topicId, index), requiredOffset, errorCode: ErrorCode.REQUEST_TIMED_OUT, lowWatermark: NO_LOW_WATERMARK, isPending: true },
    }
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return { topic, index, errorCode: error.code, deletion: undefined }
  }
}

function respond(request: RpcRequest, outcomes: readonly Outcome[]): void {
  const topics = new Map<string, { partitionIndex: number; errorCode: number; lowWatermark: number }[]>()
  for (const { topic, index, errorCode, deletion } of outcomes) {
    let partitions = topics.get(topic)
    if (partitions === undefined) topics.set(topic, partitions = [])
    partitions.push({ partitionIndex: index, errorCode: deletion?.errorCode ?? errorCode, lowWatermark: deletion?.lowWatermark ?? NO_LOW_WATERMARK })
  }
  request.respond({ topics: [...topics].map(([name, partitions]) => ({ name, partitions })) })
}
