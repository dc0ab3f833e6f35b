/**
 * Heartbeat and LeaveGroup of the classic protocol (GroupMetadataManager#classicGroupHeartbeat, #classicGroupLeave; KIP-345:
 * a batch of members, static ones by their instance id).
 */
import { ApiError } from '../../../protocol/api-error.ts'
import { ErrorCode } from '../../../protocol/errors.ts'
import type { HeartbeatRequest, LeaveGroupRequest, LeaveGroupRequestMemberIdentity } from '../../../protocol/generated/types.ts'
import type { CoordinatorRecord } from '../../coordinator-record.ts'
import type { GroupScope } from '../group-shard.ts'
import { answerJoin } from './classic-group.ts'
import type { ClassicGroup } from './classic-group.ts'
import { UNKNOWN_MEMBER } from './messages.ts'
import { cancelHeartbeat, maybeCompleteJoin, rebalanceOrCompleteJoin, scheduleHeartbeat } from './rebalance.ts'

/** The error code of the answer. @throws ApiError UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, ILLEGAL_GENERATION, COORDINATOR_NOT_AVAILABLE */
export function heartbeat(scope: GroupScope, request: HeartbeatRequest): number {
  const group = scope.classic.find(request.groupId)
  if (group === undefined) throw new ApiError(ErrorCode.UNKNOWN_MEMBER_ID)
  if (group.state === 'Dead') throw new ApiError(ErrorCode.COORDINATOR_NOT_AVAILABLE)
  group.validateMember(request.memberId, request.groupInstanceId)
  if (request.generationId !== group.generationId) throw new ApiError(ErrorCode.ILLEGAL_GENERATION)
  if (group.isEmpty) return ErrorCode.UNKNOWN_MEMBER_ID
  // While it completes, too: members may heartbeat before they have their assignment.
  scheduleHeartbeat(scope, group, group.member(request.memberId))
  return group.state === 'PreparingRebalance' ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE
}

export interface Left {
  readonly records: readonly CoordinatorRecord[]
  readonly members: { memberId: string; groupInstanceId: string | null; errorCode: number }[]
}

/** @throws ApiError UNKNOWN_MEMBER_ID when there is no such group, COORDINATOR_NOT_AVAILABLE */
export function leaveGroup(scope: GroupScope, request: LeaveGroupRequest): Left {
  const group = scope.classic.find(request.groupId)
  if (group === undefined) throw new ApiError(ErrorCode.UNKNOWN_MEMBER_ID)
  if (group.state === 'Dead') throw new ApiError(ErrorCode.COORDINATOR_NOT_AVAILABLE)
  const members = request.members.map(identity => ({
    memberId: identity.memberId, groupInstanceId: identity.groupInstanceId, errorCode: leaveOne(scope, group, identity),
  }))
  if (!members.some(({ errorCode }) => errorCode === ErrorCode.NONE)) return { records: [], members }
  scope.mark('group-member-left')
  if (group.state === 'Stable' || group.state === 'CompletingRebalance') return { records: rebalanceOrCompleteJoin(scope, group), members }
  return { records: maybeCompleteJoin(scope, group), members }
}

function leaveOne(scope: GroupScope, group: ClassicGroup, { memberId, groupInstanceId }: LeaveGroupRequestMemberIdentity): number {
  if (memberId === UNKNOWN_MEMBER) {
    // An administrator removes a static member without knowing its member id.
    const holder = groupInstanceId === null ? undefined : group.staticMembers.get(groupInstanceId)
    if (holder === undefined) return ErrorCode.UNKNOWN_MEMBER_ID
    remove(scope, group, holder)
    return ErrorCode.NONE
  }
  if (group.pendingJoin.has(memberId)) {
    group.remove(memberId)
    cancelHeartbeat(scope, group.groupId, memberId)
    return ErrorCode.NONE
  }
  try {
    group.validateMember(memberId, groupInstanceId)
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return error.code
  }
  remove(scope, group, memberId)
  return ErrorCode.NONE
}

function remove(scope: GroupScope, group: ClassicGroup, memberId: string): void {
  cancelHeartbeat(scope, group.groupId, memberId)
  answerJoin(group.member(memberId), { errorCode: ErrorCode.UNKNOWN_MEMBER_ID, memberId: UNKNOWN_MEMBER })
  group.remove(memberId)
}
