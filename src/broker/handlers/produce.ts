/**
 * Produce (KafkaApis#handleProduceRequest, ReplicaManager#handleProduceAppend): append every partition's batch to its
 * leader log, then answer at once, or for acks=all when the records are committed. Records of a transaction first need the
 * word of its coordinator.
 *
 * Between an append and the parking of its request the high watermark may pass it, so parking looks once more; between the
 * append and the waking of parked fetches other requests may run.
 */
import type { Task } from '../../base/task.ts'
import { COMPRESSION_TYPES } from '../../base/compression-type.ts'
import { partitionName } from '../../base/partition-name.ts'
import type { Millis } from '../../base/time.ts'
import { ApiError } from '../../protocol/api-error.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { frameSize } from '../../protocol/frame-codec.ts'
import type { ProduceRequest } from '../../protocol/generated/types.ts'
import { baseSequenceOf, compressionOf, HEADER_SIZE, isTransactionalOf, producerEpochOf, producerIdOf } from '../../protocol/records/record-batch.ts'
import type { RpcRequest } from '../../rpc/rpc-server.ts'
import type { VerificationGuard } from '../../storage/verification.ts'
import type { PartitionOperation } from '../add-partitions-sender.ts'
import { currentLeader, namedTopic, nodeEndpoints } from '../broker-context.ts'
import type { BrokerContext } from '../broker-context.ts'
import { DelayedProduce, pendingAppend } from '../delayed-produce.ts'
import type { PendingAppend } from '../delayed-produce.ts'
import type { Partition } from '../partition.ts'
import { NOTHING_TO_VERIFY, produceError, verifyForProduce } from '../verify-transaction.ts'
import type { TransactionalBatches, Verdicts } from '../verify-transaction.ts'

/** Of a frame's length, which the size of a request does not include. */
const LENGTH_SIZE = 4
const TOPIC_IDS_VERSION = 13
const LEADER_DISCOVERY_VERSION = 10
const ZSTD_VERSION = 7
const ABORTABLE_VERSION = 11
/** From here on (transaction version 2) the leader adds the partition to the transaction. */
const ADD_PARTITION_VERSION = 12

interface Outcome {
  readonly topicId: string
  readonly name: string
  readonly index: number
  readonly partition: Partition | undefined
  readonly highWatermarkAdvanced: boolean
  readonly baseOffset: number
  readonly logAppendTimeMs: number
  readonly logStartOffset: number
  readonly errorCode: number
  readonly errorMessage: string | null
  pending: PendingAppend | undefined
}

export function* handleProduce(context: BrokerContext, request: RpcRequest): Task<void> {
  const body = request.body as ProduceRequest
  const { env } = context
  yield* env.pause('produce')
  const transaction = transactionOf(context, body, request.apiVersion)
  const verdicts = typeof transaction === 'object' ? yield* verifyForProduce(context, transaction) : NOTHING_TO_VERIFY
  const outcomes = appendAll(context, body, request.apiVersion, typeof transaction === 'number' ? transaction : ErrorCode.NONE, verdicts)
  yield* env.pause('produce-appended')
  const appends: PendingAppend[] = []
  const keys: string[] = []
  for (const { pending, partition } of outcomes) {
    if (pending === undefined) continue
    appends.push(pending)
    keys.push(partition!.key)
  }
  if (appends.length > 0) context.delayedProduce.completeElseWatch(new DelayedProduce(appends, () => respond(context, request, outcomes)), keys, body.timeoutMs)
  else respond(context, request, outcomes)
  yield* env.pause('produce-wake-others')
  for (const { partition, highWatermarkAdvanced } of outcomes) {
    if (partition === undefined) continue
    if (highWatermarkAdvanced) context.delayedProduce.checkAndComplete(partition.key)
    // A longer log is news for followers even if the high watermark stayed.
    context.delayedFetch.checkAndComplete(partition.key)
  }
}

/** The transaction that the records belong to; undefined: none; a number: the error that refuses them all. */
function transactionOf(context: BrokerContext, body: ProduceRequest, apiVersion: number): TransactionalBatches | number | undefined {
  const batches: { topic: string; partition: number; sequence: number }[] = []
  let producerId = -1
  let producerEpoch = -1
  let isTransactional = false
  for (const topic of body.topicData) {
    const known = namedTopic(context.image, topic.topicId, topic.name)
    for (const { index, records } of topic.partitionData) {
      if (records === null || records.length < HEADER_SIZE || !isTransactionalOf(records, 0)) continue
      if (isTransactional && (producerId !== producerIdOf(records, 0) || producerEpoch !== producerEpochOf(records, 0))) return ErrorCode.INVALID_PRODUCER_ID_MAPPING
      isTransactional = true
      producerId = producerIdOf(records, 0)
      producerEpoch = producerEpochOf(records, 0)
      if (known !== undefined) batches.push({ topic: known.name, partition: index, sequence: baseSequenceOf(records, 0) })
    }
  }
  if (!isTransactional) return undefined
  if (body.transactionalId === null) return ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
  return { transactionalId: body.transactionalId, producerId, producerEpoch, operation: operationOf(apiVersion), batches }
}

function operationOf(apiVersion: number): PartitionOperation {
  if (apiVersion >= ADD_PARTITION_VERSION) return 'add'
  return apiVersion >= ABORTABLE_VERSION ? 'verify-abortable' : 'verify'
}

function appendAll(context: BrokerContext, body: ProduceRequest, apiVersion: number, refusal: number, verdicts: Verdicts): Outcome[] {
  const outcomes: Outcome[] = []
  for (const topic of body.topicData) {
    const known = namedTopic(context.image, topic.topicId, topic.name)
    for (const { index, records } of topic.partitionData) {
      const topicId = known?.id ?? topic.topicId
      const name = known?.name ?? topic.name
      const verdict = verdicts.get(partitionName(name, index))
      try {
        if (refusal !== ErrorCode.NONE) throw new ApiError(refusal)
        if (body.acks !== 0 && body.acks !== 1 && body.acks !== -1) throw new ApiError(ErrorCode.INVALID_REQUIRED_ACKS)
        if (known === undefined) throw new ApiError(apiVersion >= TOPIC_IDS_VERSION ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        if (records === null || records.length === 0) throw new ApiError(ErrorCode.INVALID_RECORD)
        if (apiVersion < ZSTD_VERSION && records.length >= HEADER_SIZE && compressionOf(records, 0) === COMPRESSION_TYPES.indexOf('zstd')) {
          throw new ApiError(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE)
        }
        if (verdict !== undefined && verdict.errorCode !== ErrorCode.NONE) throw new ApiError(produceError(verdict.errorCode, operationOf(apiVersion)))
        outcomes.push(appendOne(context, name, context.replicas.require(known.id, index, ErrorCode.UNKNOWN_TOPIC_ID), records, body.acks, verdict?.guard))
      } catch (error) {
        if (!(error instanceof ApiError)) throw error
        outcomes.push({
          topicId, name, index, partition: undefined, highWatermarkAdvanced: false, baseOffset: -1, logAppendTimeMs: -1, logStartOffset: -1,
          errorCode: error.code, errorMessage: error.message, pending: undefined,
        })
      }
    }
  }
  return outcomes
}

function appendOne(context: BrokerContext, name: string, partition: Partition, records: Uint8Array, acks: number, guard: VerificationGuard | undefined): Outcome {
  const { info, highWatermarkAdvanced } = partition.appendAsLeader(records, acks, 'client', { guard })
  const requiredOffset = info.lastOffset + 1
  const { topicId, partition: index } = partition
  // The partition may leave this broker, or come back as another object, while the request waits.
  const check = (): number | undefined => {
    const current = context.replicas.find(topicId, index)
    if (current !== undefined) return current.acknowledgement(requiredOffset)
    return context.image.partition(topicId, index) === undefined ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.NOT_LEADER_OR_FOLLOWER
  }
  return {
    topicId, name, index, partition, highWatermarkAdvanced, baseOffset: info.firstOffset, logAppendTimeMs: info.logAppendTime,
    logStartOffset: partition.log.logStartOffset, errorCode: ErrorCode.NONE, errorMessage: null,
    pending: acks === -1 ? pendingAppend(requiredOffset, check) : undefined,
  }
}

/** What was sent counts when it is answered, refused or not (KafkaApis#handleProduceRequest). */
function throttleTimeOf({ produceQuotas }: BrokerContext, { apiKey, apiVersion, clientId, body }: RpcRequest): Millis {
  return produceQuotas.isEnabled ? produceQuotas.throttleTimeMs(clientId, frameSize({ apiKey, apiVersion, isResponse: false, clientId, body: body as object }) - LENGTH_SIZE) : 0
}

function respond(context: BrokerContext, request: RpcRequest, outcomes: readonly Outcome[]): void {
  const { acks } = request.body as ProduceRequest
  const throttleTimeMs = throttleTimeOf(context, request)
  if (throttleTimeMs > 0) context.env.observe({ kind: 'mark', name: 'produce-throttled' })
  if (acks === 0) {
    // Without responses, closing the connection is the only way to tell the client to refresh its metadata.
    if (outcomes.some(outcome => outcome.errorCode !== ErrorCode.NONE)) request.close()
    else request.noResponse(throttleTimeMs)
    return
  }
  const leaders: number[] = []
  const topics: { name: string; topicId: string; partitionResponses: object[] }[] = []
  for (const outcome of outcomes) {
    const { topicId, name, index } = outcome
    const errorCode = outcome.pending?.errorCode ?? outcome.errorCode
    let topic = topics.findLast(one => one.topicId === topicId && one.name === name)
    if (topic === undefined) topics.push(topic = { name, topicId, partitionResponses: [] })
    const isElsewhere = errorCode === ErrorCode.NOT_LEADER_OR_FOLLOWER && request.apiVersion >= LEADER_DISCOVERY_VERSION
    const leader = isElsewhere ? currentLeader(context.image, topicId, index) : undefined
    if (leader !== undefined) leaders.push(leader.leaderId)
    topic.partitionResponses.push({
      index,
      errorCode,
      baseOffset: outcome.baseOffset,
      logAppendTimeMs: outcome.logAppendTimeMs,
      logStartOffset: outcome.logStartOffset,
      errorMessage: errorCode === ErrorCode.NONE ? null : outcome.errorMessage,
      currentLeader: leader,
    })
  }
  request.respond({ responses: topics, nodeEndpoints: nodeEndpoints(context.image, leaders), throttleTimeMs }, throttleTimeMs)
}
