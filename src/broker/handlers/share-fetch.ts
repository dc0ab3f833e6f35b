/**
 * ShareFetch (KafkaApis#handleShareFetchRequest): acknowledges what the member is done with, and acquires more. Which
 * partitions are read is up to the share session.
 */
import { partitionName } from '../../base/partition-name.ts'
import { Future } from '../../base/task.ts'
import type { Task } from '../../base/task.ts'
import { ApiError } from '../../protocol/api-error.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { ShareFetchRequest } from '../../protocol/generated/types.ts'
import type { RpcRequest } from '../../rpc/rpc-server.ts'
import { currentLeader, nodeEndpoints } from '../broker-context.ts'
import type { BrokerContext } from '../broker-context.ts'
import { NO_RECORDS } from '../partition-reads.ts'
import { acknowledgedIn, acknowledgeShares } from '../share/acknowledge-shares.ts'
import { releaseShares } from '../share/close-share-session.ts'
import { acquireTargets, DelayedShareFetch } from '../share/share-fetch-read.ts'
import type { ShareFetchParams, ShareFetchResult, ShareTarget } from '../share/share-fetch-read.ts'
import { watchKey } from '../share/share-partitions.ts'
import { FINAL_EPOCH, OPENING_EPOCH } from '../share/share-sessions.ts'
import type { ShareSession } from '../share/share-sessions.ts'

/** fetch.max.bytes of the broker */
const MAX_BYTES = 57_671_680
const RECORD_LIMIT_MODE = 1

export function* handleShareFetch(context: BrokerContext, request: RpcRequest): Task<void> {
  const body = request.body as ShareFetchRequest
  const { env } = context
  const { groupId, memberId } = body
  const acknowledged = acknowledgedIn(body)
  let session: ShareSession
  try {
    if (groupId === null || memberId === null || (body.shareSessionEpoch === OPENING_EPOCH && acknowledged.length > 0)) throw new ApiError(ErrorCode.INVALID_REQUEST)
    session = body.shareSessionEpoch === OPENING_EPOCH ? context.shareSessions.open(groupId, memberId, request.connectionId) : context.shareSessions.next(groupId, memberId, body.shareSessionEpoch)
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    env.observe({ kind: 'mark', name: 'share-session-error' })
    request.respond({ errorCode: error.code, responses: [] })
    return
  }
  yield* env.pause('share-fetch')
  const answers = acknowledgeShares(context, groupId!, memberId!, acknowledged)
  const isFinal = body.shareSessionEpoch === FINAL_EPOCH
  let targets: ShareTarget[] = []
  let results: readonly ShareFetchResult[] = []
  if (!isFinal) {
    updateSession(session, body)
    const maxBytes = Math.min(body.maxBytes, MAX_BYTES)
    targets = yield* openShares(context, session)
    results = yield* acquired(context, { memberId: memberId!, maxWaitMs: body.maxWaitMs, maxBytes, maxRecords: body.maxRecords, isStrict: body.shareAcquireMode === RECORD_LIMIT_MODE }, groupId!, targets)
  }
  const errors = new Map<string, number>()
  for (const [name, answer] of answers) errors.set(name, yield* answer.wait())
  if (isFinal) {
    context.shareSessions.remove(session)
    for (const released of releaseShares(context, session)) yield* released.wait()
  }
  respondWith(context, request, targets, results, errors)
}

function updateSession({ partitions }: ShareSession, { topics, forgottenTopicsData }: ShareFetchRequest): void {
  for (const { topicId, partitions: indexes } of forgottenTopicsData) for (const partition of indexes) partitions.delete(partitionName(topicId, partition))
  for (const { topicId, partitions: asked } of topics) for (const { partitionIndex } of asked) partitions.set(partitionName(topicId, partitionIndex), { topicId, partition: partitionIndex })
}

/** Share-partitions are made and read from their coordinator when they are first fetched. */
function* openShares({ image, sharePartitions }: BrokerContext, { groupId, partitions, epoch }: ShareSession): Task<ShareTarget[]> {
  const opened = [...partitions.values()].map(({ topicId, partition }) => {
    try {
      if (!image.topics.has(topicId)) throw new ApiError(ErrorCode.UNKNOWN_TOPIC_ID)
      return { topicId, partition, share: sharePartitions.open(groupId, topicId, partition) }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      return { topicId, partition, share: error.code }
    }
  })
  const targets: ShareTarget[] = []
  for (const { topicId, partition, share } of opened) {
    const errorCode = typeof share === 'number' ? share : yield* share.initialized.wait()
    targets.push({ topicId, partition, share: errorCode === ErrorCode.NONE ? share : errorCode })
  }
  // Another partition comes first each time, so that none is starved (PartitionRotateStrategy).
  const first = targets.length === 0 ? 0 : epoch % targets.length
  return [...targets.slice(first), ...targets.slice(0, first)]
}

function* acquired(context: BrokerContext, params: ShareFetchParams, groupId: string, targets: readonly ShareTarget[]): Task<readonly ShareFetchResult[]> {
  if (params.maxRecords <= 0 || targets.length === 0) return targets.map(() => ({ errorCode: ErrorCode.NONE, records: NO_RECORDS, acquired: [] }))
  yield* context.env.pause('share-fetch-read')
  const results = new Future<readonly ShareFetchResult[]>()
  const keys = targets.flatMap(({ topicId, partition }) => [partitionName(topicId, partition), watchKey(groupId, topicId, partition)])
  context.delayedFetch.completeElseWatch(new DelayedShareFetch(targets, () => results.complete(acquireTargets(params, targets))), keys, params.maxWaitMs)
  const found = yield* results.wait()
  const confirmed: ShareFetchResult[] = []
  for (const [index, result] of found.entries()) {
    const { share } = targets[index]!
    const errorCode = typeof share === 'number' || result.acquired.length === 0 ? ErrorCode.NONE : yield* share.confirmLeadership().wait()
    confirmed.push(errorCode === ErrorCode.NONE ? result : { errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER, records: NO_RECORDS, acquired: [] })
  }
  return confirmed
}

function respondWith(context: BrokerContext, request: RpcRequest, targets: readonly ShareTarget[], results: readonly ShareFetchResult[], acknowledgeErrors: ReadonlyMap<string, number>): void {
  const topics = new Map<string, object[]>()
  const leaders: number[] = []
  const left = new Map(acknowledgeErrors)
  const tell = (topicId: string, partition: number, { errorCode, records, acquired: ranges }: ShareFetchResult): void => {
    const name = partitionName(topicId, partition)
    const acknowledgeErrorCode = left.get(name) ?? ErrorCode.NONE
    const isTold = left.delete(name) || errorCode !== ErrorCode.NONE || ranges.length > 0
    if (!isTold) return
    const isElsewhere = [errorCode, acknowledgeErrorCode].some(code => code === ErrorCode.NOT_LEADER_OR_FOLLOWER || code === ErrorCode.FENCED_LEADER_EPOCH)
    const leader = isElsewhere ? currentLeader(context.image, topicId, partition) : undefined
    if (leader !== undefined) leaders.push(leader.leaderId)
    const told = { partitionIndex: partition, errorCode, acknowledgeErrorCode, currentLeader: leader, records, acquiredRecords: ranges.map(range => ({ ...range })) }
    const partitions = topics.get(topicId)
    if (partitions === undefined) topics.set(topicId, [told])
    else partitions.push(told)
  }
  targets.forEach(({ topicId, partition }, index) => tell(topicId, partition, results[index]!))
  // Acknowledged, and not in the session any more.
  for (const { topicId, partition } of acknowledgedIn(request.body as ShareFetchRequest)) if (left.has(partitionName(topicId, partition))) tell(topicId, partition, { errorCode: ErrorCode.NONE, records: NO_RECORDS, acquired: [] })
  request.respond({
    errorCode: ErrorCode.NONE, acquisitionLockTimeoutMs: context.sharePartitions.settings.groupShareRecordLockDurationMs,
    responses: [...topics].map(([topicId, partitions]) => ({ topicId, partitions })), nodeEndpoints: nodeEndpoints(context.image, leaders),
  })
}
