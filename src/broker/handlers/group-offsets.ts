/**
 * OffsetCommit, TxnOffsetCommit, OffsetFetch and OffsetDelete (KafkaApis). Topics that this broker does not know are answered
 * here; the rest is the coordinator's. Since KIP-848's second half topics go by id.
 */
import { partitionName } from '../../base/partition-name.ts'
import type { Future, Task } from '../../base/task.ts'
import type { CoordinatorRecord } from '../../coordinator/coordinator-record.ts'
import { coordinatorError } from '../../coordinator/coordinator-errors.ts'
import { commitOffsets, commitTransactionalOffsets } from '../../coordinator/group/offsets/commit.ts'
import { fetchOffsets } from '../../coordinator/group/offsets/fetch.ts'
import { deleteOffsets } from '../../coordinator/group/offsets/remove.ts'
import { GROUP_TOPIC } from '../../coordinator/internal-topics.ts'
import { ApiError } from '../../protocol/api-error.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type {
  OffsetCommitRequest, OffsetDeleteRequest, OffsetFetchRequest, OffsetFetchRequestOffsetFetchRequestGroup, OffsetFetchResponseOffsetFetchResponseGroup, TxnOffsetCommitRequest,
} from '../../protocol/generated/types.ts'
import { ZERO_UUID } from '../../protocol/uuid.ts'
import type { RpcRequest } from '../../rpc/rpc-server.ts'
import { namedTopic } from '../broker-context.ts'
import type { BrokerContext } from '../broker-context.ts'
import type { PartitionOperation } from '../add-partitions-sender.ts'
import { verifyTransaction } from '../verify-transaction.ts'
import { senderOf } from './group-membership.ts'

const TOPIC_IDS_VERSION = 10
/** Of TxnOffsetCommit: from which on clients know TRANSACTION_ABORTABLE, and leave adding the partition to the broker (KIP-890). */
const ABORTABLE_VERSION = 4
const ADD_PARTITION_VERSION = 5
const NO_SEQUENCE = -1
const BATCHED_FETCH_VERSION = 8
/** From which version on a fetch may fail as a whole. */
const FETCH_ERROR_VERSION = 2

interface AskedTopic<P> {
  readonly name: string
  readonly topicId?: string
  readonly partitions: readonly P[]
}

interface Divided<T> {
  /** Those that exist, with both id and name; partitions that do not are left out. */
  readonly known: T[]
  readonly refused: { name: string; topicId: string; partitions: { partitionIndex: number; errorCode: number }[] }[]
}

export function* handleOffsetCommit(context: BrokerContext, request: RpcRequest): Task<void> {
  const body = request.body as OffsetCommitRequest
  const { known, refused } = divide(context, body.topics, request.apiVersion)
  if (known.length === 0 && body.topics.length > 0) return request.respond({ topics: refused })
  const written = context.groups.write(body.groupId, 'commit-offset', scope => commitOffsets(scope, senderOf(request), { ...body, topics: known }))
  const { groupId, memberId } = body
  yield* answerCommit(context, request, written, { known, refused, groupId, memberId, producerId: -1 })
}

export function* handleTxnOffsetCommit(context: BrokerContext, request: RpcRequest): Task<void> {
  const body = request.body as TxnOffsetCommitRequest
  const { known, refused } = divide(context, body.topics, request.apiVersion)
  if (body.groupId === '') return request.respond({ topics: body.topics.map(topic => failed(topic, ErrorCode.INVALID_GROUP_ID)) })
  if (known.length === 0) return request.respond({ topics: refused })
  const { groupId, memberId, producerId, producerEpoch, transactionalId } = body
  const partition = context.groups.runtime.partitionFor(groupId)
  const operation = operationOf(request.apiVersion)
  const verdicts = yield* verifyTransaction(context, { transactionalId, producerId, producerEpoch, operation, batches: [{ topic: GROUP_TOPIC, partition, sequence: NO_SEQUENCE }] })
  const verdict = verdicts.get(partitionName(GROUP_TOPIC, partition))
  if (verdict !== undefined && verdict.errorCode !== ErrorCode.NONE) {
    return request.respond({ topics: merged([...known.map(topic => failed(topic, verificationError(verdict.errorCode))), ...refused]) })
  }
  const written = context.groups.write(
    groupId, 'txn-commit-offset', scope => commitTransactionalOffsets(scope, senderOf(request), { ...body, topics: known }), { producer: { producerId, producerEpoch }, guard: verdict?.guard },
  )
  yield* answerCommit(context, request, written, { known, refused, groupId, memberId, producerId })
}

/** AddPartitionsToTxnManager#txnOffsetCommitRequestVersionToTransactionSupportedOperation */
function operationOf(apiVersion: number): PartitionOperation {
  return apiVersion >= ADD_PARTITION_VERSION ? 'add' : apiVersion >= ABORTABLE_VERSION ? 'verify-abortable' : 'verify'
}

/** Older clients retry what a coordinator says, and would not this. */
function verificationError(errorCode: number): number {
  return errorCode === ErrorCode.NETWORK_EXCEPTION ? ErrorCode.COORDINATOR_LOAD_IN_PROGRESS : coordinatorError(errorCode)
}

interface Committing extends Divided<AskedTopic<{ readonly partitionIndex: number; readonly committedOffset: number }>> {
  readonly groupId: string
  readonly memberId: string
  readonly producerId: number
}

function* answerCommit(context: BrokerContext, request: RpcRequest, written: Future<{ readonly topics?: readonly object[] }>, commit: Committing): Task<void> {
  const { known, refused, groupId, memberId, producerId } = commit
  let topics: readonly object[]
  try {
    topics = (yield* written.wait()).topics ?? []
    const offsets = known.flatMap(({ name, partitions }) => partitions.map(({ partitionIndex, committedOffset }) => ({ topic: name, partition: partitionIndex, offset: committedOffset })))
    context.env.observe({ kind: 'offset-committed', groupId, memberId, producerId, offsets })
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    topics = known.map(topic => failed(topic, error.code))
  }
  request.respond({ topics: merged([...topics, ...refused] as Divided<never>['refused']) })
}

/** Partitions of one topic may have been refused here and committed there. */
function merged(topics: Divided<never>['refused']): Divided<never>['refused'] {
  const byTopic = new Map<string, Divided<never>['refused'][number]>()
  for (const topic of topics) {
    const key = `${topic.topicId} ${topic.name}`
    const known = byTopic.get(key)
    byTopic.set(key, known === undefined ? topic : { ...known, partitions: [...known.partitions, ...topic.partitions] })
  }
  return [...byTopic.values()]
}

function divide<P extends { readonly partitionIndex: number }, T extends AskedTopic<P>>(context: BrokerContext, topics: readonly T[], apiVersion: number): Divided<T> {
  const known: T[] = []
  const refused: Divided<T>['refused'] = []
  for (const topic of topics) {
    const image = namedTopic(context.image, topic.topicId ?? ZERO_UUID, topic.name)
    if (image === undefined) {
      const isById = topic.topicId !== undefined && topic.topicId !== ZERO_UUID && apiVersion >= TOPIC_IDS_VERSION
      refused.push(failed(topic, isById ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION))
      continue
    }
    const missing = topic.partitions.filter(({ partitionIndex }) => !image.partitions.has(partitionIndex))
    if (missing.length > 0) refused.push(failed({ ...topic, partitions: missing }, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION))
    const partitions = topic.partitions.filter(({ partitionIndex }) => image.partitions.has(partitionIndex))
    if (partitions.length > 0) known.push({ ...topic, name: image.name, partitions })
  }
  return { known, refused }
}

function failed({ name, topicId = ZERO_UUID, partitions }: AskedTopic<{ readonly partitionIndex: number }>, errorCode: number): Divided<never>['refused'][number] {
  return { name, topicId, partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })) }
}

// ---- fetch ----

export function* handleOffsetFetch(context: BrokerContext, request: RpcRequest): Task<void> {
  const body = request.body as OffsetFetchRequest
  if (request.apiVersion >= BATCHED_FETCH_VERSION) {
    const asked = body.groups.map(group => fetchGroup(context, group, body.requireStable, request.apiVersion))
    const groups = []
    for (const answer of asked) groups.push(yield* answer())
    return request.respond({ groups })
  }
  const topics = body.topics?.map(({ name, partitionIndexes }) => ({ name, topicId: ZERO_UUID, partitionIndexes })) ?? null
  const answer = yield* fetchGroup(context, { groupId: body.groupId, memberId: null, memberEpoch: -1, topics }, body.requireStable, request.apiVersion)()
  if (answer.errorCode !== ErrorCode.NONE && request.apiVersion < FETCH_ERROR_VERSION) {
    const partitions = (indexes: readonly number[]): object[] => indexes.map(partitionIndex => ({ partitionIndex, committedOffset: -1, metadata: '', errorCode: answer.errorCode }))
    return request.respond({ topics: (topics ?? []).map(({ name, partitionIndexes }) => ({ name, partitions: partitions(partitionIndexes) })) })
  }
  request.respond({ topics: answer.topics, errorCode: answer.errorCode })
}

/** Asks at once; the task waits. */
function fetchGroup(context: BrokerContext, group: OffsetFetchRequestOffsetFetchRequestGroup, requireStable: boolean, apiVersion: number): () => Task<OffsetFetchResponseOffsetFetchResponseGroup> {
  const { groupId } = group
  const isById = apiVersion >= TOPIC_IDS_VERSION
  const unknown = isById ? (group.topics ?? []).filter(({ topicId }) => !context.image.topics.has(topicId)) : []
  const topics = group.topics?.filter(topic => !unknown.includes(topic)).map(topic => (isById ? { ...topic, name: context.image.topics.get(topic.topicId)!.name } : topic)) ?? null
  const refused = unknown.map(({ name, topicId, partitionIndexes }) => ({
    name, topicId, partitions: partitionIndexes.map(partitionIndex => ({ partitionIndex, committedOffset: -1, committedLeaderEpoch: -1, metadata: '', errorCode: ErrorCode.UNKNOWN_TOPIC_ID })),
  }))
  // Only the latest state knows of open transactions, and what it knows must be committed before it is told.
  const isConfirmed = context.env.mends.has('deposed-coordinator-answers')
  const stable = requireStable || isConfirmed
    ? context.groups.write(groupId, 'fetch-offsets', scope => ({ records: isConfirmed ? [forgotNothing(groupId)] : [], response: fetchOffsets(scope.state, { ...group, topics }, requireStable) }))
    : undefined
  return function* () {
    try {
      const answer = stable === undefined ? context.groups.readScope(groupId, scope => fetchOffsets(scope.shard.committed(), { ...group, topics }, false)) : yield* stable.wait()
      const named = isById ? answer.topics.map(topic => ({ ...topic, topicId: topic.topicId === ZERO_UUID ? context.image.topicIds.get(topic.name) ?? ZERO_UUID : topic.topicId })) : answer.topics
      return { ...answer, topics: [...named, ...refused] }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      // Consumers before 3.9 ask again after NOT_COORDINATOR only.
      return { groupId, topics: [], errorCode: requireStable && error.code === ErrorCode.COORDINATOR_NOT_AVAILABLE ? ErrorCode.NOT_COORDINATOR : error.code }
    }
  }
}

/** Mended deposed-coordinator-answers: that this is committed confirms that no other coordinator had answered before. */
function forgotNothing(group: string): CoordinatorRecord {
  return { type: 'OffsetCommit', version: 0, key: { group, topic: '', partition: -1 }, value: null }
}

export function* handleOffsetDelete(context: BrokerContext, request: RpcRequest): Task<void> {
  const body = request.body as OffsetDeleteRequest
  const { known, refused } = divide(context, body.topics, request.apiVersion)
  if (body.groupId === '') return request.respond({ errorCode: ErrorCode.INVALID_GROUP_ID })
  try {
    const answer = yield* context.groups.write(body.groupId, 'delete-offsets', scope => deleteOffsets(scope, { ...body, topics: known })).wait()
    request.respond({ errorCode: ErrorCode.NONE, topics: merged([...(answer.topics ?? []), ...refused] as Divided<never>['refused']) })
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    request.respond({ errorCode: error.code })
  }
}
