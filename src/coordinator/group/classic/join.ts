/**
 * JoinGroup (GroupMetadataManager#classicGroupJoin; KIP-62, KIP-345 static members, KIP-394 member ids, KIP-814).
 *
 * | member    | state               | decision |
 * |-----------|---------------------|----------|
 * | new       | any                 | a dynamic one gets an id and is asked to join with it; a static one is added or replaces its former self |
 * | with id   | PreparingRebalance  | waits for the others |
 * | with id   | CompletingRebalance | unchanged: told of the generation again; changed: rebalance |
 * | with id   | Stable              | the leader, or changed: rebalance; else told of the generation again |
 */
import type { Future } from '../../../base/task.ts'
import { invariant } from '../../../base/assert.ts'
import { ApiError } from '../../../protocol/api-error.ts'
import { ErrorCode } from '../../../protocol/errors.ts'
import type { JoinGroupRequest } from '../../../protocol/generated/types.ts'
import { groupTombstones } from '../consumer/consumer-records.ts'
import type { GroupScope } from '../group-shard.ts'
import { answerJoin } from './classic-group.ts'
import type { ClassicGroup } from './classic-group.ts'
import { DECIDED } from './classic-decision.ts'
import type { ClassicDecision } from './classic-decision.ts'
import { ClassicMember } from './classic-member.ts'
import { emptyGroupRecord, groupMetadataRecord } from './classic-records.ts'
import { UNKNOWN_MEMBER } from './messages.ts'
import type { JoinAnswer, Sender } from './messages.ts'
import { maybeCompleteJoin, prepareRebalance, rebalanceOrCompleteJoin, scheduleHeartbeat, schedulePendingMember } from './rebalance.ts'

/** How long a JoinGroup of a new member may be parked: it has no session yet. */
const NEW_MEMBER_JOIN_TIMEOUT_MS = 300_000
const MEMBER_ID_REQUIRED_VERSION = 4
const SKIP_ASSIGNMENT_VERSION = 9

interface Joining {
  readonly scope: GroupScope
  readonly sender: Sender
  readonly request: JoinGroupRequest
  readonly answer: Future<JoinAnswer>
}

export function joinGroup(scope: GroupScope, sender: Sender, request: JoinGroupRequest, answer: Future<JoinAnswer>): ClassicDecision {
  const { groupId, memberId } = request
  const joining: Joining = { scope, sender, request, answer }
  const refuse = (errorCode: number, as = memberId): ClassicDecision => {
    answer.complete({ errorCode, memberId: as })
    return DECIDED
  }
  const existing = scope.state.consumerGroup(groupId)
  if (scope.state.shareGroup(groupId) !== undefined) return refuse(ErrorCode.INCONSISTENT_GROUP_PROTOCOL, UNKNOWN_MEMBER)
  if (existing !== undefined && !existing.isEmpty) return refuse(ErrorCode.INCONSISTENT_GROUP_PROTOCOL, UNKNOWN_MEMBER)
  const tombstones = existing === undefined ? [] : groupTombstones(existing)
  const known = scope.classic.find(groupId)
  if (known === undefined && memberId !== UNKNOWN_MEMBER) return refuse(ErrorCode.UNKNOWN_MEMBER_ID)
  const group = known ?? scope.classic.create(groupId, scope.nowMs())
  let decision: ClassicDecision
  if (!isAccepted(scope, group, memberId)) {
    group.remove(memberId)
    decision = refuse(ErrorCode.GROUP_MAX_SIZE_REACHED, UNKNOWN_MEMBER)
  } else decision = memberId === UNKNOWN_MEMBER ? joinNew(joining, group) : joinKnown(joining, group)
  if (known !== undefined || decision !== DECIDED) return { ...decision, records: [...tombstones, ...decision.records] }
  // What has no record does not exist for the next operation.
  return {
    records: [...tombstones, emptyGroupRecord(group)],
    onSettled: errorCode => {
      if (errorCode !== ErrorCode.NONE) answer.complete({ errorCode, memberId: UNKNOWN_MEMBER })
    },
  }
}

/** group.max.size: those that are already waiting count while it prepares, all members later. */
function isAccepted(scope: GroupScope, group: ClassicGroup, memberId: string): boolean {
  const most = scope.settings.groupMaxSize
  switch (group.state) {
    case 'Empty': case 'Dead': return true
    case 'PreparingRebalance': return group.members.get(memberId)?.awaitingJoin !== undefined || group.awaitingJoinCount < most
    default: return group.members.has(memberId) || group.members.size < most
  }
}

function joinNew(joining: Joining, group: ClassicGroup): ClassicDecision {
  const { scope, sender, request, answer } = joining
  if (group.state === 'Dead') return refused(answer, ErrorCode.COORDINATOR_NOT_AVAILABLE)
  if (!group.supportsProtocols(request.protocolType, request.protocols)) return refused(answer, ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
  const instanceId = request.groupInstanceId
  const memberId = `${instanceId ?? sender.clientId}-${scope.drawMemberId()}`
  if (instanceId !== null) {
    const former = group.staticMembers.get(instanceId)
    return former === undefined ? addMember(joining, group, memberId) : replaceStaticMember(joining, group, instanceId, former, memberId)
  }
  if (sender.apiVersion < MEMBER_ID_REQUIRED_VERSION) return addMember(joining, group, memberId)
  group.pendingJoin.add(memberId)
  schedulePendingMember(scope, group.groupId, memberId, request.sessionTimeoutMs)
  answer.complete({ errorCode: ErrorCode.MEMBER_ID_REQUIRED, memberId })
  return DECIDED
}

function joinKnown(joining: Joining, group: ClassicGroup): ClassicDecision {
  const { request, answer } = joining
  const { memberId } = request
  if (group.state === 'Dead') return refused(answer, ErrorCode.COORDINATOR_NOT_AVAILABLE, memberId)
  if (!group.supportsProtocols(request.protocolType, request.protocols)) return refused(answer, ErrorCode.INCONSISTENT_GROUP_PROTOCOL, memberId)
  if (group.pendingJoin.has(memberId)) {
    if (request.groupInstanceId !== null) return refused(answer, ErrorCode.UNKNOWN_SERVER_ERROR, memberId)
    return addMember(joining, group, memberId)
  }
  try {
    group.validateMember(memberId, request.groupInstanceId)
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    if (error.code === ErrorCode.FENCED_INSTANCE_ID) joining.scope.mark('group-member-fenced')
    return refused(answer, error.code, memberId)
  }
  const member = group.member(memberId)
  const isUnchanged = member.matches(request.protocols)
  switch (group.state) {
    case 'PreparingRebalance': return rejoin(joining, group, member)
    case 'CompletingRebalance': return isUnchanged ? repeatGeneration(joining, group) : rejoin(joining, group, member)
    // The leader rejoins for reasons that its metadata does not show, such as a topic that has grown.
    case 'Stable': return isUnchanged && !group.isLeader(memberId) ? repeatGeneration(joining, group) : rejoin(joining, group, member)
    default: return refused(answer, ErrorCode.UNKNOWN_MEMBER_ID, memberId)
  }
}

function refused(answer: Future<JoinAnswer>, errorCode: number, memberId = UNKNOWN_MEMBER): ClassicDecision {
  answer.complete({ errorCode, memberId })
  return DECIDED
}

/** Somebody may not have received the answer of this generation. */
function repeatGeneration({ request, answer }: Joining, group: ClassicGroup): ClassicDecision {
  const { memberId } = request
  answer.complete(generationAnswer(group, memberId, { members: group.state === 'CompletingRebalance' && group.isLeader(memberId) ? group.joinedMembers() : [] }))
  return DECIDED
}

function generationAnswer(group: ClassicGroup, memberId: string, more: Partial<JoinAnswer>): JoinAnswer {
  return {
    errorCode: ErrorCode.NONE, memberId, generationId: group.generationId, protocolType: group.protocolType, protocolName: group.protocolName,
    leader: group.leaderId ?? '', skipAssignment: false, members: [], ...more,
  }
}

function rejoin({ scope, request, answer }: Joining, group: ClassicGroup, member: ClassicMember): ClassicDecision {
  group.update(member, request, answer)
  return decided(rebalanceOrCompleteJoin(scope, group))
}

function addMember({ scope, sender, request, answer }: Joining, group: ClassicGroup, memberId: string): ClassicDecision {
  const member = new ClassicMember({
    memberId, groupInstanceId: request.groupInstanceId, clientId: sender.clientId, clientHost: sender.clientHost, rebalanceTimeoutMs: request.rebalanceTimeoutMs,
    sessionTimeoutMs: request.sessionTimeoutMs, protocolType: request.protocolType, protocols: request.protocols,
  })
  member.isNew = true
  if (group.state === 'PreparingRebalance' && group.previousState === 'Empty') group.newMemberAdded = true
  group.add(member, answer)
  scheduleHeartbeat(scope, group, member, NEW_MEMBER_JOIN_TIMEOUT_MS)
  return decided(rebalanceOrCompleteJoin(scope, group))
}

/**
 * A static member is back without its member id: it takes its former self's place under a new id. In a stable group whose
 * protocol stays the same that changes nothing for the others, but the new id must be in the log before it is told
 * (KAFKA-9801): a new coordinator would know the former self alone and fence the living.
 */
function replaceStaticMember({ scope, sender, request, answer }: Joining, group: ClassicGroup, instanceId: string, former: string, memberId: string): ClassicDecision {
  const { leaderId } = group
  const member = group.replaceStatic(instanceId, former, memberId)
  const before = { protocols: member.protocols, rebalanceTimeoutMs: member.rebalanceTimeoutMs, sessionTimeoutMs: member.sessionTimeoutMs }
  scheduleHeartbeat(scope, group, member)
  group.update(member, request, answer)
  scope.mark('group-static-rejoin')
  if (group.state === 'PreparingRebalance') return decided(maybeCompleteJoin(scope, group))
  // The leader may have been told of the former self already, whose assignment nobody would fetch (KAFKA-10284).
  if (group.state === 'CompletingRebalance') return decided(prepareRebalance(scope, group))
  invariant(group.state === 'Stable', 'a group with a member is not empty')
  if (group.selectProtocol() !== group.protocolName) return decided(rebalanceOrCompleteJoin(scope, group))
  const onSettled = (errorCode: number): void => {
    if (group.members.get(memberId) !== member) return
    if (errorCode !== ErrorCode.NONE) {
      group.update(member, before)
      scheduleHeartbeat(scope, group, group.replaceStatic(instanceId, memberId, former))
      answer.complete(generationAnswer(group, UNKNOWN_MEMBER, { errorCode, leader: leaderId ?? '' }))
    } else if (sender.apiVersion >= SKIP_ASSIGNMENT_VERSION) {
      const isLeader = group.isLeader(memberId)
      answerJoin(member, generationAnswer(group, memberId, { members: isLeader ? group.joinedMembers() : [], skipAssignment: isLeader }))
    } else {
      // Told of the former leader, even if that was itself, an old client does not assign anew.
      answerJoin(member, generationAnswer(group, memberId, { leader: leaderId ?? '' }))
    }
  }
  if (scope.shard.env.defects.has('KAFKA-10284')) {
    onSettled(ErrorCode.NONE)
    return { records: [] }
  }
  return { records: [groupMetadataRecord(group, new Map([...group.members].map(([id, { assignment }]) => [id, assignment])))], onSettled }
}

function decided(records: ClassicDecision['records']): ClassicDecision {
  return records.length === 0 ? DECIDED : { records }
}
