/** ShareAcknowledge (KafkaApis#handleShareAcknowledgeRequest): acknowledges without fetching; with the final epoch it closes the session. */
import { partitionName } from '../../base/partition-name.ts'
import type { Task } from '../../base/task.ts'
import { ApiError } from '../../protocol/api-error.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { ShareAcknowledgeRequest } from '../../protocol/generated/types.ts'
import type { RpcRequest } from '../../rpc/rpc-server.ts'
import { currentLeader, nodeEndpoints } from '../broker-context.ts'
import type { BrokerContext } from '../broker-context.ts'
import { acknowledgedIn, acknowledgeShares } from '../share/acknowledge-shares.ts'
import { releaseShares } from '../share/close-share-session.ts'
import { FINAL_EPOCH, OPENING_EPOCH } from '../share/share-sessions.ts'
import type { ShareSession } from '../share/share-sessions.ts'

export function* handleShareAcknowledge(context: BrokerContext, request: RpcRequest): Task<void> {
  const body = request.body as ShareAcknowledgeRequest
  const { groupId, memberId, shareSessionEpoch } = body
  let session: ShareSession
  try {
    if (groupId === null || memberId === null) throw new ApiError(ErrorCode.INVALID_REQUEST)
    // Who has acquired something has a session.
    if (shareSessionEpoch === OPENING_EPOCH) throw new ApiError(ErrorCode.INVALID_SHARE_SESSION_EPOCH)
    session = context.shareSessions.next(groupId, memberId, shareSessionEpoch)
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    context.env.observe({ kind: 'mark', name: 'share-session-error' })
    request.respond({ errorCode: error.code, responses: [] })
    return
  }
  yield* context.env.pause('share-acknowledge')
  const asked = acknowledgedIn(body)
  const answers = acknowledgeShares(context, groupId, memberId, asked)
  const leaders: number[] = []
  const topics = new Map<string, object[]>()
  for (const { topicId, partition } of asked) {
    const errorCode = yield* answers.get(partitionName(topicId, partition))!.wait()
    const leader = errorCode === ErrorCode.NOT_LEADER_OR_FOLLOWER ? currentLeader(context.image, topicId, partition) : undefined
    if (leader !== undefined) leaders.push(leader.leaderId)
    const told = { partitionIndex: partition, errorCode, currentLeader: leader }
    const partitions = topics.get(topicId)
    if (partitions === undefined) topics.set(topicId, [told])
    else partitions.push(told)
  }
  if (shareSessionEpoch === FINAL_EPOCH) {
    context.shareSessions.remove(session)
    for (const released of releaseShares(context, session)) yield* released.wait()
  }
  request.respond({
    errorCode: ErrorCode.NONE, acquisitionLockTimeoutMs: context.sharePartitions.settings.groupShareRecordLockDurationMs,
    responses: [...topics].map(([topicId, partitions]) => ({ topicId, partitions })), nodeEndpoints: nodeEndpoints(context.image, leaders),
  })
}
