/**
 * The requests of group members (KafkaApis): JoinGroup, SyncGroup, Heartbeat and LeaveGroup of the classic protocol,
 * ConsumerGroupHeartbeat of KIP-848, ShareGroupHeartbeat of KIP-932.
 */
import type { Task } from '../../base/task.ts'
import { ApiError } from '../../protocol/api-error.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { ConsumerGroupHeartbeatRequest, HeartbeatRequest, JoinGroupRequest, LeaveGroupRequest, ShareGroupHeartbeatRequest, SyncGroupRequest } from '../../protocol/generated/types.ts'
import type { RpcRequest } from '../../rpc/rpc-server.ts'
import type { BrokerContext } from '../broker-context.ts'
import type { Sender } from '../../coordinator/group/classic/messages.ts'

const LEAVE_BATCH_VERSION = 3
const NULLABLE_PROTOCOL_VERSION = 7
const MANDATORY_PROTOCOL_VERSION = 5

export function senderOf(request: RpcRequest): Sender {
  return { clientId: request.clientId ?? '', clientHost: request.peer, apiVersion: request.apiVersion }
}

export function* handleJoinGroup({ groups }: BrokerContext, request: RpcRequest): Task<void> {
  const body = request.body as JoinGroupRequest
  const answer = yield* groups.joinGroup(senderOf(request), body.rebalanceTimeoutMs < 0 ? { ...body, rebalanceTimeoutMs: body.sessionTimeoutMs } : body).wait()
  const hasNull = answer.protocolName === null || answer.protocolName === undefined
  request.respond(hasNull && request.apiVersion < NULLABLE_PROTOCOL_VERSION ? { ...answer, protocolName: '' } : answer)
}

export function* handleSyncGroup({ groups }: BrokerContext, request: RpcRequest): Task<void> {
  const body = request.body as SyncGroupRequest
  if (request.apiVersion >= MANDATORY_PROTOCOL_VERSION && (body.protocolType === null || body.protocolName === null)) {
    request.respond({ errorCode: ErrorCode.INCONSISTENT_GROUP_PROTOCOL })
    return
  }
  request.respond(yield* groups.syncGroup(body).wait())
}

export function* handleHeartbeat({ groups }: BrokerContext, request: RpcRequest): Task<void> {
  try {
    request.respond({ errorCode: yield* groups.heartbeat(request.body as HeartbeatRequest).wait() })
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    // Nobody loses its session because its coordinator is still reading.
    request.respond({ errorCode: error.code === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS ? ErrorCode.NONE : error.code })
  }
}

export function* handleLeaveGroup({ groups }: BrokerContext, request: RpcRequest): Task<void> {
  const body = request.body as LeaveGroupRequest
  const isBatch = request.apiVersion >= LEAVE_BATCH_VERSION
  const leaving = isBatch ? body : { ...body, members: [{ memberId: body.memberId, groupInstanceId: null, reason: null }] }
  if (body.groupId === '') {
    request.respond({ errorCode: ErrorCode.INVALID_GROUP_ID })
    return
  }
  let members: readonly { readonly errorCode: number }[]
  try {
    members = (yield* groups.leaveGroup(leaving).wait()).members
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    if (error.code !== ErrorCode.UNKNOWN_MEMBER_ID) {
      request.respond({ errorCode: error.code })
      return
    }
    // There is no such group.
    members = leaving.members.map(({ memberId, groupInstanceId }) => ({ memberId, groupInstanceId, errorCode: error.code }))
  }
  request.respond(isBatch ? { errorCode: ErrorCode.NONE, members } : { errorCode: members[0]?.errorCode ?? ErrorCode.NONE })
}

export function* handleConsumerGroupHeartbeat({ groups }: BrokerContext, request: RpcRequest): Task<void> {
  try {
    request.respond(yield* groups.consumerGroupHeartbeat(senderOf(request), request.body as ConsumerGroupHeartbeatRequest).wait())
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    request.respond({ errorCode: error.code, errorMessage: error.message })
  }
}

export function* handleShareGroupHeartbeat({ groups }: BrokerContext, request: RpcRequest): Task<void> {
  try {
    request.respond(yield* groups.shareGroupHeartbeat(senderOf(request), request.body as ShareGroupHeartbeatRequest).wait())
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    request.respond({ errorCode: error.code, errorMessage: error.message })
  }
}
