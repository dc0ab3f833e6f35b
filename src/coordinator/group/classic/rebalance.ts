/**
 * How a classic group gets from one generation to the next (GroupMetadataManager#prepareRebalance and what follows it).
 *
 * All that these decide happens to the live group at once; the only record is that of a group that has become empty.
 * What is due later is scheduled under a name, and a timer that fires looks the group up anew.
 */
import { ErrorCode } from '../../../protocol/errors.ts'
import type { CoordinatorRecord } from '../../coordinator-record.ts'
import type { GroupScope } from '../group-shard.ts'
import { answerJoin, answerSync } from './classic-group.ts'
import type { ClassicGroup } from './classic-group.ts'
import { EMPTY_ASSIGNMENT } from './classic-member.ts'
import type { ClassicMember } from './classic-member.ts'
import { groupMetadataRecord } from './classic-records.ts'
import { assignedPartitionsOf } from './consumer-protocol.ts'

type Records = readonly CoordinatorRecord[]
const NOTHING: Records = []

const joinTimer = (groupId: string): string => `join-${groupId}`
const syncTimer = (groupId: string): string => `sync-${groupId}`
const heartbeatTimer = (groupId: string, memberId: string): string => `heartbeat-${groupId}-${memberId}`

/** A member has come, gone or changed: begin anew, or see whether that was the last one to wait for. */
export function rebalanceOrCompleteJoin(scope: GroupScope, group: ClassicGroup): Records {
  return group.canRebalance ? prepareRebalance(scope, group) : maybeCompleteJoin(scope, group)
}

export function prepareRebalance(scope: GroupScope, group: ClassicGroup): Records {
  if (group.state === 'CompletingRebalance') propagate(scope, group, ErrorCode.REBALANCE_IN_PROGRESS, undefined)
  group.pendingSync.clear()
  scope.shard.cancel(syncTimer(group.groupId))
  const isInitial = group.state === 'Empty'
  if (isInitial) {
    // Whoever starts a group seldom starts alone: wait a moment for the others.
    const delayMs = scope.settings.groupInitialRebalanceDelayMs
    scheduleInitial(scope, group.groupId, delayMs, Math.max(group.rebalanceTimeoutMs - delayMs, 0))
  }
  transition(scope, group, 'PreparingRebalance')
  scope.mark(isInitial ? 'group-initial-rebalance' : 'group-rebalance')
  if (isInitial) return NOTHING
  if (group.hasAllMembersJoined) return completeJoin(scope, group)
  scheduleCompletion(scope, group)
  return NOTHING
}

export function maybeCompleteJoin(scope: GroupScope, group: ClassicGroup): Records {
  const isDue = group.state === 'PreparingRebalance' && group.previousState !== 'Empty' && group.hasAllMembersJoined
  return isDue ? completeJoin(scope, group) : NOTHING
}

/** All have joined, or those that have not are given up: the next generation begins. */
export function completeJoin(scope: GroupScope, group: ClassicGroup): Records {
  scope.shard.cancel(joinTimer(group.groupId))
  // A static member may be restarting: it keeps its place until its session ends.
  for (const member of group.members.values()) {
    if (member.awaitingJoin !== undefined || member.isStatic) continue
    group.remove(member.memberId)
    cancelHeartbeat(scope, group.groupId, member.memberId)
    scope.mark('group-member-missed-rebalance')
  }
  if (group.state === 'Dead') return NOTHING
  if (!group.electJoinedLeader() && group.members.size > 0) {
    // Only static members are left and none of them has come: wait on, until their sessions end.
    scheduleCompletion(scope, group)
    return NOTHING
  }
  const from = group.state
  group.initNextGeneration(scope.nowMs())
  observeState(scope, group, from)
  if (group.isEmpty) return [groupMetadataRecord(group, new Map())]
  for (const member of group.members.values()) {
    answerJoin(member, {
      errorCode: ErrorCode.NONE, memberId: member.memberId, generationId: group.generationId, protocolType: group.protocolType, protocolName: group.protocolName,
      leader: group.leaderId ?? '', skipAssignment: false, members: group.isLeader(member.memberId) ? group.joinedMembers() : [],
    })
    scheduleHeartbeat(scope, group, member)
    member.isNew = false
    group.pendingSync.add(member.memberId)
  }
  const { groupId, generationId } = group
  scope.shard.schedule(syncTimer(groupId), group.rebalanceTimeoutMs, () => expireSync(scope, groupId, generationId))
  return NOTHING
}

// ---- assignments ----

/** Gives every member that waits for it its assignment, or the error; `undefined`: nobody has one. */
export function propagate(scope: GroupScope, group: ClassicGroup, errorCode: number, assignments: ReadonlyMap<string, Uint8Array> | undefined): void {
  const isGood = errorCode === ErrorCode.NONE
  for (const member of group.members.values()) {
    member.assignment = assignments?.get(member.memberId) ?? EMPTY_ASSIGNMENT
    const answered = answerSync(member, {
      errorCode, assignment: member.assignment, protocolType: isGood ? group.protocolType : null, protocolName: isGood ? group.protocolName : null,
    })
    // Its session may have ended unnoticed while its request was parked.
    if (answered) scheduleHeartbeat(scope, group, member)
    if (isGood) observeAssignment(scope, group, member)
  }
}

export function receivedSync(scope: GroupScope, group: ClassicGroup, memberId: string): void {
  group.pendingSync.delete(memberId)
  const isAwaiting = group.state === 'CompletingRebalance' || group.state === 'Stable'
  if (!isAwaiting || group.pendingSync.size === 0) scope.shard.cancel(syncTimer(group.groupId))
}

// ---- sessions ----

export function scheduleHeartbeat(scope: GroupScope, group: ClassicGroup, member: ClassicMember, timeoutMs: number = member.sessionTimeoutMs): void {
  const { groupId } = group
  const { memberId } = member
  scope.shard.schedule(heartbeatTimer(groupId, memberId), timeoutMs, () => expireHeartbeat(scope, groupId, memberId))
}

/** Somebody was given a member id and must come back with it. */
export function schedulePendingMember(scope: GroupScope, groupId: string, memberId: string, timeoutMs: number): void {
  scope.shard.schedule(heartbeatTimer(groupId, memberId), timeoutMs, () => expireHeartbeat(scope, groupId, memberId))
}

export function cancelHeartbeat(scope: GroupScope, groupId: string, memberId: string): void {
  scope.shard.cancel(heartbeatTimer(groupId, memberId))
}

function expireHeartbeat(scope: GroupScope, groupId: string, memberId: string): Records {
  const group = scope.classic.find(groupId)
  if (group === undefined || group.state === 'Dead') return NOTHING
  if (group.pendingJoin.has(memberId)) {
    group.remove(memberId)
    return group.state === 'PreparingRebalance' && group.hasAllMembersJoined ? completeJoin(scope, group) : NOTHING
  }
  const member = group.members.get(memberId)
  if (member === undefined || member.hasSatisfiedHeartbeat) return NOTHING
  scope.mark('group-session-expired')
  answerJoin(member, { errorCode: ErrorCode.UNKNOWN_MEMBER_ID, memberId: '' })
  group.remove(memberId)
  if (group.state === 'Stable' || group.state === 'CompletingRebalance') return rebalanceOrCompleteJoin(scope, group)
  return group.state === 'PreparingRebalance' && group.hasAllMembersJoined ? completeJoin(scope, group) : NOTHING
}

// ---- inside ----

export function transition(scope: GroupScope, group: ClassicGroup, to: ClassicGroup['state']): void {
  const from = group.state
  group.transitionTo(to, scope.nowMs())
  observeState(scope, group, from)
}

function observeState(scope: GroupScope, group: ClassicGroup, from: ClassicGroup['state']): void {
  const { env, partition, coordinatorEpoch } = scope.shard
  env.observe({ kind: 'group-state', groupId: group.groupId, from, to: group.state, epoch: group.generationId, members: [...group.members.keys()], partition, coordinatorEpoch })
}

function observeAssignment({ shard: { env, coordinatorEpoch } }: GroupScope, group: ClassicGroup, { memberId, assignment }: ClassicMember): void {
  const partitions = group.usesConsumerProtocol ? assignedPartitionsOf(assignment) : []
  env.observe({ kind: 'member-assigned', groupId: group.groupId, memberId, epoch: group.generationId, protocol: 'classic', coordinatorEpoch, partitions, releasing: [] })
}

function scheduleCompletion(scope: GroupScope, group: ClassicGroup): void {
  const { groupId } = group
  scope.shard.schedule(joinTimer(groupId), group.rebalanceTimeoutMs, () => {
    const current = scope.classic.find(groupId)
    return current === undefined ? NOTHING : completeJoin(scope, current)
  })
}

/** The delay is prolonged while members keep coming, up to the rebalance timeout (InitialDelayedJoin, KIP-134). */
function scheduleInitial(scope: GroupScope, groupId: string, delayMs: number, remainingMs: number): void {
  scope.shard.schedule(joinTimer(groupId), delayMs, () => {
    const group = scope.classic.find(groupId)
    if (group === undefined) return NOTHING
    if (!group.newMemberAdded || remainingMs === 0) return completeJoin(scope, group)
    group.newMemberAdded = false
    scheduleInitial(scope, groupId, Math.min(scope.settings.groupInitialRebalanceDelayMs, remainingMs), Math.max(remainingMs - delayMs, 0))
    return NOTHING
  })
}

/** Members that were told of the generation and never asked for their assignment are given up. */
function expireSync(scope: GroupScope, groupId: string, generationId: number): Records {
  const group = scope.classic.find(groupId)
  if (group === undefined || group.generationId !== generationId || group.pendingSync.size === 0) return NOTHING
  if (group.state !== 'CompletingRebalance' && group.state !== 'Stable') return NOTHING
  for (const memberId of group.pendingSync) {
    group.remove(memberId)
    cancelHeartbeat(scope, groupId, memberId)
  }
  scope.mark('group-sync-expired')
  return prepareRebalance(scope, group)
}
