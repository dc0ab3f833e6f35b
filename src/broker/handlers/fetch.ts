/**
 * Fetch by consumers and followers (KafkaApis#handleFetchRequest). Which partitions are read, and which of them the answer
 * tells, is up to the fetch session (see fetch-context.ts).
 */
import type { Task } from '../../base/task.ts'
import type { Millis } from '../../base/time.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { frameSize } from '../../protocol/frame-codec.ts'
import type { FetchRequest, FetchRequestFetchPartition } from '../../protocol/generated/types.ts'
import type { RpcRequest } from '../../rpc/rpc-server.ts'
import { currentLeader, namedTopic, nodeEndpoints } from '../broker-context.ts'
import type { BrokerContext } from '../broker-context.ts'
import { newFetchContext } from '../fetch-context.ts'
import type { AskedPartition, FetchAnswer, FetchContext } from '../fetch-context.ts'
import { DelayedFetch, failedFetch, isAnswerable, readAndRecord } from '../fetch-read.ts'
import type { FetchParams, FetchResult, FetchTarget } from '../fetch-read.ts'
import { forcedFetch } from '../forced-fetch.ts'
import { partitionName } from '../../base/partition-name.ts'

const FOLLOWER_READ_VERSION = 11
const TOPIC_IDS_VERSION = 13
const REPLICA_STATE_VERSION = 15
const ZSTD_VERSION = 10
const LEADER_DISCOVERY_VERSION = 16
/** fetch.max.bytes of the broker */
const MAX_BYTES = 57_671_680

export function* handleFetch(context: BrokerContext, request: RpcRequest): Task<void> {
  const body = request.body as FetchRequest
  const { env } = context
  const asked = paramsOf(context, request)
  const session = newFetchContext(context.fetchSessions, body, request.apiVersion, asked.replicaId >= 0, () => env.wallClock())
  if (session.errorCode !== ErrorCode.NONE) {
    env.observe({ kind: 'mark', name: 'fetch-session-error' })
    request.respond({ errorCode: session.errorCode, sessionId: 0, responses: [] })
    return
  }
  const params = forcedFetch(env, asked, session.asked)
  yield* env.pause('fetch')
  const { targets, unknown } = resolve(context, session.asked, request.apiVersion)
  const results = yield* readAndRecord(context, params, targets)
  // Older clients cannot read what such a topic holds (KIP-110).
  const isUnreadable = (target: FetchTarget): boolean => context.topicConfig(target.topic).compressionType === 'zstd'
  const respond = (final: readonly FetchResult[]): void => {
    const readable = request.apiVersion >= ZSTD_VERSION ? final : final.map((result, index) => (isUnreadable(targets[index]!) ? failedFetch(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE) : result))
    respondWith(context, request, session, unknown, readable)
  }
  if (isAnswerable(params, results)) {
    respond(results)
    return
  }
  yield* context.env.pause('fetch-park')
  const keys = targets.map(target => partitionName(target.topicId, target.fetch.partition))
  context.delayedFetch.completeElseWatch(new DelayedFetch(context, params, targets, respond), keys, params.maxWaitMs)
}

function paramsOf(context: BrokerContext, request: RpcRequest): FetchParams {
  const body = request.body as FetchRequest
  const version = request.apiVersion
  const replicaId = version >= REPLICA_STATE_VERSION ? body.replicaState.replicaId : body.replicaId
  const isFollower = replicaId >= 0
  const clientRack = !isFollower && version >= FOLLOWER_READ_VERSION ? body.rackId : undefined
  // More than its quota allows in all windows together would be throttled for certain, again and again.
  const maxBytes = Math.min(body.maxBytes, MAX_BYTES, isFollower ? MAX_BYTES : context.fetchQuotas.mostBytes(request.clientId))
  return {
    replicaId,
    replicaEpoch: version >= REPLICA_STATE_VERSION ? body.replicaState.replicaEpoch : -1,
    maxWaitMs: body.maxWaitMs,
    minBytes: Math.min(body.minBytes, maxBytes),
    maxBytes,
    isolation: isFollower ? 'log-end' : body.isolationLevel === 1 ? 'committed' : 'high-watermark',
    requireLeader: isFollower || clientRack === undefined,
    clientRack,
  }
}

/** What is known of the asked partitions, and errors for the others by their place among the asked. */
function resolve(context: BrokerContext, asked: readonly AskedPartition[], version: number): { targets: FetchTarget[]; unknown: Map<number, number> } {
  const targets: FetchTarget[] = []
  const unknown = new Map<number, number>()
  asked.forEach(({ topicId, topic, fetch }, index) => {
    const known = namedTopic(context.image, topicId, topic)
    if (known === undefined) unknown.set(index, version >= TOPIC_IDS_VERSION ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    else targets.push({ topicId: known.id, topic: known.name, fetch })
  })
  return { targets, unknown }
}

function respondWith(
  context: BrokerContext, request: RpcRequest, session: FetchContext, unknown: ReadonlyMap<number, number>, found: readonly FetchResult[],
): void {
  let next = 0
  const results = unknown.size === 0 ? found : session.asked.map((_, index) => (unknown.has(index) ? failedFetch(unknown.get(index)!) : found[next++]!))
  const throttleTimeMs = throttleTimeOf(context, request, session, results)
  const answer = throttleTimeMs > 0 ? session.throttled() : session.answer(results)
  if (throttleTimeMs > 0) context.env.observe({ kind: 'mark', name: 'fetch-throttled' })
  if (answer.errorCode !== ErrorCode.NONE) context.env.observe({ kind: 'mark', name: 'fetch-session-error' })
  request.respond({ ...bodyOf(context, request, session, results, answer), throttleTimeMs }, throttleTimeMs)
}

/**
 * Consumers only. One above its quota gets an empty answer, and what it would have got is not counted (KIP-219). Unlike Kafka,
 * partitions with neither records nor an error add nothing to the size.
 */
function throttleTimeOf(context: BrokerContext, request: RpcRequest, session: FetchContext, results: readonly FetchResult[]): Millis {
  const { apiKey, apiVersion, clientId } = request
  const quotas = context.fetchQuotas
  if (!quotas.isEnabled || paramsOf(context, request).replicaId >= 0) return 0
  const told = [...results.keys()].filter(index => results[index]!.records.length > 0 || results[index]!.errorCode !== ErrorCode.NONE)
  const size = frameSize({ apiKey, apiVersion, isResponse: true, clientId: null, body: bodyOf(context, request, session, results, { errorCode: ErrorCode.NONE, sessionId: 0, told }) })
  const throttleTimeMs = quotas.throttleTimeMs(clientId, size)
  if (throttleTimeMs > 0) quotas.unrecord(clientId, size)
  return throttleTimeMs
}

function bodyOf(context: BrokerContext, request: RpcRequest, session: FetchContext, results: readonly FetchResult[], answer: FetchAnswer): object {
  const topics: { topicId: string; topic: string; partitions: object[] }[] = []
  const leaders: number[] = []
  const isCommitted = (request.body as FetchRequest).isolationLevel === 1
  for (const index of answer.told) {
    const { topicId, topic: name, fetch } = session.asked[index]!
    const result = results[index]!
    // Nearly always the last one: a request names each topic once.
    let topic = topics.findLast(one => one.topicId === topicId && one.topic === name)
    if (topic === undefined) topics.push(topic = { topicId, topic: name, partitions: [] })
    const { errorCode } = result
    const isElsewhere = errorCode === ErrorCode.NOT_LEADER_OR_FOLLOWER || errorCode === ErrorCode.FENCED_LEADER_EPOCH
    const leader = isElsewhere && request.apiVersion >= LEADER_DISCOVERY_VERSION ? currentLeader(context.image, namedTopic(context.image, topicId, name)?.id ?? topicId, fetch.partition) : undefined
    if (leader !== undefined) leaders.push(leader.leaderId)
    topic.partitions.push({
      partitionIndex: fetch.partition,
      errorCode,
      highWatermark: result.highWatermark,
      lastStableOffset: result.lastStableOffset,
      logStartOffset: result.logStartOffset,
      records: result.records,
      abortedTransactions: isCommitted ? abortedTransactions(context, topicId, name, fetch, result) : null,
      preferredReadReplica: result.preferredReadReplica ?? -1,
      divergingEpoch: result.divergingEpoch,
      currentLeader: leader,
    })
  }
  return { errorCode: answer.errorCode, sessionId: answer.sessionId, responses: topics, nodeEndpoints: nodeEndpoints(context.image, leaders) }
}

/** Aborted transactions that overlap what is returned; the client drops their batches. */
function abortedTransactions(context: BrokerContext, topicId: string, topic: string, fetch: FetchRequestFetchPartition, result: FetchResult): object[] {
  const id = namedTopic(context.image, topicId, topic)?.id
  const partition = id === undefined ? undefined : context.replicas.find(id, fetch.partition)
  if (partition === undefined || result.records.length === 0) return []
  return [...partition.log.abortedTransactions(fetch.fetchOffset, result.lastStableOffset)]
}
