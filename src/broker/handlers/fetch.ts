/**
 * Fetch by consumers and followers (KafkaApis#handleFetchRequest).
 *
 * Unlike Kafka there are no incremental sessions (KIP-227) yet: every fetch is a full one and answers session id 0, as a
 * broker does whose session cache is full.
 */
import type { Task } from '../../base/task.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { FetchRequest } from '../../protocol/generated/types.ts'
import type { RpcRequest } from '../../rpc/rpc-server.ts'
import { currentLeader, namedTopic, nodeEndpoints } from '../broker-context.ts'
import type { BrokerContext } from '../broker-context.ts'
import { DelayedFetch, failedFetch, isAnswerable, readAndRecord } from '../fetch-read.ts'
import type { FetchParams, FetchResult, FetchTarget } from '../fetch-read.ts'
import { forcedFetch } from '../forced-fetch.ts'
import { partitionName } from '../../base/partition-name.ts'

const FOLLOWER_READ_VERSION = 11
const TOPIC_IDS_VERSION = 13
const REPLICA_STATE_VERSION = 15
const LEADER_DISCOVERY_VERSION = 16
/** fetch.max.bytes of the broker */
const MAX_BYTES = 57_671_680
const NO_SESSION = 0
const FULL_FETCH_EPOCHS = [0, -1]

export function* handleFetch(context: BrokerContext, request: RpcRequest): Task<void> {
  const body = request.body as FetchRequest
  if (body.sessionId !== NO_SESSION && !FULL_FETCH_EPOCHS.includes(body.sessionEpoch)) {
    request.respond({ errorCode: ErrorCode.FETCH_SESSION_ID_NOT_FOUND, sessionId: NO_SESSION, responses: [] })
    return
  }
  const params = forcedFetch(context.env, paramsOf(body, request.apiVersion), body)
  yield* context.env.pause('fetch')
  const { targets, unknown } = resolve(context, body, request.apiVersion)
  const results = yield* readAndRecord(context, params, targets)
  const respond = (final: readonly FetchResult[]): void => respondWith(context, request, targets, final, unknown)
  if (isAnswerable(params, results)) {
    respond(results)
    return
  }
  yield* context.env.pause('fetch-park')
  const keys = targets.map(target => partitionName(target.topicId, target.fetch.partition))
  context.delayedFetch.completeElseWatch(new DelayedFetch(context, params, targets, respond), keys, params.maxWaitMs)
}

function paramsOf(body: FetchRequest, version: number): FetchParams {
  const replicaId = version >= REPLICA_STATE_VERSION ? body.replicaState.replicaId : body.replicaId
  const isFollower = replicaId >= 0
  const clientRack = !isFollower && version >= FOLLOWER_READ_VERSION ? body.rackId : undefined
  return {
    replicaId,
    replicaEpoch: version >= REPLICA_STATE_VERSION ? body.replicaState.replicaEpoch : -1,
    maxWaitMs: body.maxWaitMs,
    minBytes: Math.min(body.minBytes, MAX_BYTES),
    maxBytes: Math.min(body.maxBytes, MAX_BYTES),
    isolation: isFollower ? 'log-end' : body.isolationLevel === 1 ? 'committed' : 'high-watermark',
    requireLeader: isFollower || clientRack === undefined,
    clientRack,
  }
}

interface UnknownTarget extends FetchTarget {
  readonly errorCode: number
}

function resolve(context: BrokerContext, body: FetchRequest, version: number): { targets: FetchTarget[]; unknown: UnknownTarget[] } {
  const targets: FetchTarget[] = []
  const unknown: UnknownTarget[] = []
  for (const topic of body.topics) {
    const known = namedTopic(context.image, topic.topicId, topic.topic)
    for (const fetch of topic.partitions) {
      if (known === undefined) {
        const errorCode = version >= TOPIC_IDS_VERSION ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        unknown.push({ topicId: topic.topicId, topic: topic.topic, fetch, errorCode })
      } else {
        targets.push({ topicId: known.id, topic: known.name, fetch })
      }
    }
  }
  return { targets, unknown }
}

function respondWith(context: BrokerContext, request: RpcRequest, targets: readonly FetchTarget[], results: readonly FetchResult[], unknown: readonly UnknownTarget[]): void {
  const topics: { topicId: string; topic: string; partitions: object[] }[] = []
  const leaders: number[] = []
  const isCommitted = (request.body as FetchRequest).isolationLevel === 1
  const add = (target: FetchTarget, result: FetchResult): void => {
    const { topicId } = target
    // Nearly always the last one: a request names each topic once.
    let topic = topics.findLast(one => one.topicId === topicId && one.topic === target.topic)
    if (topic === undefined) topics.push(topic = { topicId, topic: target.topic, partitions: [] })
    const { errorCode } = result
    const isElsewhere = errorCode === ErrorCode.NOT_LEADER_OR_FOLLOWER || errorCode === ErrorCode.FENCED_LEADER_EPOCH
    const leader = isElsewhere && request.apiVersion >= LEADER_DISCOVERY_VERSION ? currentLeader(context.image, target.topicId, target.fetch.partition) : undefined
    if (leader !== undefined) leaders.push(leader.leaderId)
    topic.partitions.push({
      partitionIndex: target.fetch.partition,
      errorCode,
      highWatermark: result.highWatermark,
      lastStableOffset: result.lastStableOffset,
      logStartOffset: result.logStartOffset,
      records: result.records,
      abortedTransactions: isCommitted ? abortedTransactions(context, target, result) : null,
      preferredReadReplica: result.preferredReadReplica ?? -1,
      divergingEpoch: result.divergingEpoch,
      currentLeader: leader,
    })
  }
  targets.forEach((target, i) => add(target, results[i]!))
  for (const target of unknown) add(target, failedFetch(target.errorCode))
  request.respond({ errorCode: ErrorCode.NONE, sessionId: NO_SESSION, responses: topics, nodeEndpoints: nodeEndpoints(context.image, leaders) })
}

/** Aborted transactions that overlap what is returned; the client drops their batches. */
function abortedTransactions(context: BrokerContext, target: FetchTarget, result: FetchResult): object[] {
  const partition = context.replicas.find(target.topicId, target.fetch.partition)
  if (partition === undefined || result.records.length === 0) return []
  return [...partition.log.abortedTransactions(target.fetch.fetchOffset, result.lastStableOffset)]
}
