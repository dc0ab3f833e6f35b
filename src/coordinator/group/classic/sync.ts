/**
 * SyncGroup (GroupMetadataManager#classicGroupSync): members wait until the leader has brought the assignment and the log has
 * committed it. Who asks in a stable group gets what is his at once.
 */
import type { Future } from '../../../base/task.ts'
import { ApiError } from '../../../protocol/api-error.ts'
import { ErrorCode } from '../../../protocol/errors.ts'
import type { SyncGroupRequest } from '../../../protocol/generated/types.ts'
import type { GroupScope } from '../group-shard.ts'
import { DECIDED } from './classic-decision.ts'
import type { ClassicDecision } from './classic-decision.ts'
import type { ClassicGroup } from './classic-group.ts'
import { EMPTY_ASSIGNMENT } from './classic-member.ts'
import { groupMetadataRecord } from './classic-records.ts'
import type { SyncAnswer } from './messages.ts'
import { propagate, rebalanceOrCompleteJoin, receivedSync, transition } from './rebalance.ts'

export function syncGroup(scope: GroupScope, request: SyncGroupRequest, answer: Future<SyncAnswer>): ClassicDecision {
  const refuse = (errorCode: number): ClassicDecision => {
    answer.complete({ errorCode })
    return DECIDED
  }
  const group = scope.classic.find(request.groupId)
  if (group === undefined || group.isEmpty) return refuse(ErrorCode.UNKNOWN_MEMBER_ID)
  const problem = problemOf(group, request)
  if (problem !== ErrorCode.NONE) {
    if (problem === ErrorCode.FENCED_INSTANCE_ID || problem === ErrorCode.ILLEGAL_GENERATION) scope.mark('group-member-fenced')
    return refuse(problem)
  }
  if (group.state === 'PreparingRebalance') return refuse(ErrorCode.REBALANCE_IN_PROGRESS)
  const { memberId } = request
  const member = group.member(memberId)
  receivedSync(scope, group, memberId)
  if (group.state === 'Stable') {
    answer.complete({ errorCode: ErrorCode.NONE, protocolType: group.protocolType, protocolName: group.protocolName, assignment: member.assignment })
    return DECIDED
  }
  member.awaitingSync = answer
  return group.isLeader(memberId) ? storeAssignments(scope, group, request) : DECIDED
}

function problemOf(group: ClassicGroup, request: SyncGroupRequest): number {
  if (group.state === 'Dead') return ErrorCode.COORDINATOR_NOT_AVAILABLE
  try {
    group.validateMember(request.memberId, request.groupInstanceId)
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return error.code
  }
  if (request.generationId !== group.generationId) return ErrorCode.ILLEGAL_GENERATION
  const differs = (asked: string | null, own: string | null): boolean => asked !== null && own !== null && asked !== own
  return differs(request.protocolType, group.protocolType) || differs(request.protocolName, group.protocolName) ? ErrorCode.INCONSISTENT_GROUP_PROTOCOL : ErrorCode.NONE
}

function storeAssignments(scope: GroupScope, group: ClassicGroup, request: SyncGroupRequest): ClassicDecision {
  const given = new Map(request.assignments.map(({ memberId, assignment }) => [memberId, assignment]))
  const assignments = new Map([...group.members.keys()].map(memberId => [memberId, given.get(memberId) ?? EMPTY_ASSIGNMENT]))
  return {
    records: [groupMetadataRecord(group, assignments)],
    onSettled: errorCode => {
      // Somebody may have joined or left while the record was on its way: then its generation is over.
      if (group.state !== 'CompletingRebalance' || group.generationId !== request.generationId) return
      propagate(scope, group, errorCode, errorCode === ErrorCode.NONE ? assignments : undefined)
      if (errorCode === ErrorCode.NONE) transition(scope, group, 'Stable')
      else rebalanceOrCompleteJoin(scope, group)
    },
  }
}
