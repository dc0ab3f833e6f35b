/**
 * WriteTxnMarkers (KafkaApis#handleWriteTxnMarkersRequest): a transaction coordinator, or an admin who aborts a hanging
 * transaction, ends transactions in partitions that this broker leads. Answered when all markers are committed.
 *
 * Markers for `__consumer_offsets` are the group coordinator's to write, see OffsetTransactions.
 */
import { Future } from '../../base/task.ts'
import type { Task } from '../../base/task.ts'
import { GROUP_TOPIC } from '../../coordinator/internal-topics.ts'
import { ApiError } from '../../protocol/api-error.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { WriteTxnMarkersRequest, WriteTxnMarkersRequestWritableTxnMarker } from '../../protocol/generated/types.ts'
import { buildEndTxnMarker } from '../../protocol/records/control-records.ts'
import type { RpcRequest } from '../../rpc/rpc-server.ts'
import type { BrokerContext } from '../broker-context.ts'
import { DelayedProduce, pendingAppend } from '../delayed-produce.ts'
import type { PendingAppend } from '../delayed-produce.ts'
import type { Partition } from '../partition.ts'

type Marker = WriteTxnMarkersRequestWritableTxnMarker

interface Outcome {
  readonly producerId: number
  readonly topic: string
  readonly index: number
  errorCode: number
  readonly pending?: PendingAppend
  readonly partition?: Partition
  readonly highWatermarkAdvanced?: boolean
  readonly completion?: Future<number>
}

export function* handleWriteTxnMarkers(context: BrokerContext, request: RpcRequest): Task<void> {
  const { markers } = request.body as WriteTxnMarkersRequest
  const { env } = context
  const outcomes: Outcome[] = []
  for (const marker of markers) {
    yield* env.pause('write-marker')
    for (const { name, partitionIndexes } of marker.topics) {
      for (const index of partitionIndexes) outcomes.push(writeOne(context, marker, name, index))
    }
  }
  yield* env.pause('markers-written')
  const written = outcomes.filter(outcome => outcome.pending !== undefined)
  const committed = new Future<void>()
  const operation = new DelayedProduce(written.map(({ pending }) => pending!), () => committed.complete())
  context.delayedProduce.completeElseWatch(operation, written.map(({ partition }) => partition!.key), context.cluster.server.replicaSocketTimeoutMs)
  for (const { partition, highWatermarkAdvanced } of written) {
    if (highWatermarkAdvanced === true) context.delayedProduce.checkAndComplete(partition!.key)
    context.delayedFetch.checkAndComplete(partition!.key)
  }
  yield* committed.wait()
  for (const outcome of outcomes) {
    if (outcome.pending !== undefined) outcome.errorCode = outcome.pending.errorCode
    if (outcome.completion !== undefined) outcome.errorCode = fromGroupCoordinator(yield* outcome.completion.wait())
  }
  request.respond({ markers: byProducer(outcomes) })
}

function writeOne(context: BrokerContext, marker: Marker, topic: string, index: number): Outcome {
  const { producerId, producerEpoch, coordinatorEpoch, transactionResult: commit, transactionVersion } = marker
  const named = { producerId, topic, index }
  try {
    if (topic === GROUP_TOPIC) {
      const completion = context.groups.completeTransaction(index, producerId, producerEpoch, coordinatorEpoch, commit, transactionVersion)
      return { ...named, errorCode: ErrorCode.NONE, completion }
    }
    const partition = hostedHere(context, topic, index)
    const bytes = buildEndTxnMarker({ commit, timestamp: context.env.wallClock(), producerId, producerEpoch, coordinatorEpoch })
    const { info, highWatermarkAdvanced } = partition.appendAsLeader(bytes, -1, 'coordinator', { transactionVersion })
    const { topicId } = partition
    const required = info.lastOffset + 1
    const pending = pendingAppend(required, () => {
      const current = context.replicas.find(topicId, index)
      return current === undefined ? ErrorCode.NOT_LEADER_OR_FOLLOWER : current.acknowledgement(required)
    })
    return { ...named, errorCode: ErrorCode.NONE, pending, partition, highWatermarkAdvanced }
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    if (error.code === ErrorCode.INVALID_PRODUCER_EPOCH || error.code === ErrorCode.TRANSACTION_COORDINATOR_FENCED) context.env.observe({ kind: 'mark', name: 'marker-refused' })
    return { ...named, errorCode: error.code }
  }
}

/** Without a replica here the partition is unknown, whatever the metadata says. */
function hostedHere(context: BrokerContext, topic: string, index: number): Partition {
  try {
    return context.replicas.requireNamed(topic, index)
  } catch {
    throw new ApiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  }
}

/** Transaction coordinators expect of partitions what leaders say, not what other coordinators do. */
function fromGroupCoordinator(errorCode: number): number {
  switch (errorCode) {
    case ErrorCode.COORDINATOR_NOT_AVAILABLE:
    case ErrorCode.COORDINATOR_LOAD_IN_PROGRESS:
    case ErrorCode.NOT_COORDINATOR:
      return ErrorCode.NOT_LEADER_OR_FOLLOWER
    default:
      return errorCode
  }
}

function byProducer(outcomes: readonly Outcome[]): object[] {
  const producers = new Map<number, Map<string, { partitionIndex: number; errorCode: number }[]>>()
  for (const { producerId, topic, index, errorCode } of outcomes) {
    let topics = producers.get(producerId)
    if (topics === undefined) producers.set(producerId, topics = new Map())
    const partitions = topics.get(topic)
    if (partitions === undefined) topics.set(topic, [{ partitionIndex: index, errorCode }])
    else partitions.push({ partitionIndex: index, errorCode })
  }
  return [...producers].map(([producerId, topics]) => ({ producerId, topics: [...topics].map(([name, partitions]) => ({ name, partitions })) }))
}
