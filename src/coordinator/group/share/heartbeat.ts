/**
 * ShareGroupHeartbeat (KIP-932; GroupMetadataManager#shareGroupHeartbeat): the one request of share-group members, which joins,
 * keeps alive, subscribes and leaves.
 *
 *   1. the member as the request makes it; another subscription, or other metadata of its topics: next group epoch
 *   2. partitions of subscribed topics whose state nobody keeps yet: recorded as initializing, and asked for
 *   3. group epoch beyond the assignment epoch: compute a target of what is initialized
 *   4. the member has its target at once
 */
import { ApiError } from '../../../protocol/api-error.ts'
import { ErrorCode } from '../../../protocol/errors.ts'
import type { ShareGroupHeartbeatRequest, ShareGroupHeartbeatResponse } from '../../../protocol/generated/types.ts'
import type { CoordinatorRecord } from '../../coordinator-record.ts'
import type { Decision } from '../../runtime/coordinator-runtime.ts'
import type { Sender } from '../classic/messages.ts'
import { assignmentOf, sameAssignment, topicPartitionsOf } from '../consumer/assignment.ts'
import type { Assignment } from '../consumer/assignment.ts'
import { LEAVE_EPOCH, sameNames, sortedNames } from '../consumer/consumer-member.ts'
import { subscribedTopicImages } from '../consumer/subscription-metadata.ts'
import type { GroupScope } from '../group-shard.ts'
import { ShareGroup, newShareMember } from './share-group.ts'
import type { ShareMember } from './share-group.ts'
import { currentAssignmentRecord, groupEpochRecord, memberRecord, memberTombstones, partitionsRecord, targetEpochRecord, targetRecord } from './share-records.ts'
import { assignShares } from './simple-assignor.ts'

export type ShareHeartbeatAnswer = Partial<ShareGroupHeartbeatResponse>

export interface ShareHeartbeat extends Decision<ShareHeartbeatAnswer> {
  /** The state of these partitions is to be initialized. */
  readonly toInitialize: Assignment
}

const METADATA_REFRESH_INTERVAL_MS = 300_000
const NOTHING: Assignment = new Map()

/** @throws ApiError GROUP_ID_NOT_FOUND, UNKNOWN_MEMBER_ID, FENCED_MEMBER_EPOCH, GROUP_MAX_SIZE_REACHED, INVALID_REQUEST */
export function shareGroupHeartbeat(scope: GroupScope, sender: Sender, request: ShareGroupHeartbeatRequest): ShareHeartbeat {
  validate(request)
  const { groupId, memberId, memberEpoch } = request
  if (memberEpoch === LEAVE_EPOCH) return leave(scope, groupId, memberId, memberEpoch)
  const isJoining = memberEpoch === 0
  const group = groupFor(scope, groupId, isJoining)
  if (group.members.size >= scope.share.groupShareMaxSize && !group.members.has(memberId)) throw new ApiError(ErrorCode.GROUP_MAX_SIZE_REACHED)
  const member = memberFor(scope, group, memberId, memberEpoch)
  const wanted = withRequest(member, sender, request)
  const records: CoordinatorRecord[] = []
  if (!sameMetadata(wanted, member) || !group.members.has(memberId)) records.push(memberRecord(groupId, wanted))
  const members = [...group.members.values()].map(one => (one.memberId === memberId ? wanted : one))
  if (!members.includes(wanted)) members.push(wanted)

  const { toInitialize, initializing } = uninitialized(scope, group, members)
  if (!sameAssignment(initializing, group.initializing)) records.push(partitionsRecord(scope.image, groupId, initializing, group.initialized))
  const groupEpoch = nextGroupEpoch(scope, group, { member, wanted, members }, records)
  const target = nextTarget(scope, group, { wanted, members, groupEpoch }, records)
  const told = target.epoch === wanted.memberEpoch ? wanted : { ...wanted, memberEpoch: target.epoch, previousMemberEpoch: wanted.memberEpoch, assigned: target.assignment }
  if (told !== wanted) records.push(currentAssignmentRecord(groupId, told))
  scheduleShareSession(scope, groupId, memberId)
  const answer: ShareHeartbeatAnswer = { errorCode: ErrorCode.NONE, memberId, memberEpoch: told.memberEpoch, heartbeatIntervalMs: scope.share.groupShareHeartbeatIntervalMs, assignment: null }
  if (isJoining || request.subscribedTopicNames !== null || !sameAssignment(told.assigned, member.assigned)) answer.assignment = { topicPartitions: topicPartitionsOf(told.assigned) }
  return { records, response: answer, toInitialize, onAppended: () => observe(scope, groupId) }
}

function validate({ groupId, memberId, memberEpoch, rackId, subscribedTopicNames }: ShareGroupHeartbeatRequest): void {
  const refuse = (message: string): never => {
    throw new ApiError(ErrorCode.INVALID_REQUEST, message)
  }
  if (groupId === '') refuse("GroupId can't be empty.")
  if (memberId === '') refuse("MemberId can't be empty.")
  if (rackId === '') refuse("RackId can't be empty.")
  if (memberEpoch < LEAVE_EPOCH) refuse('MemberEpoch is invalid.')
  if (memberEpoch === 0 && (subscribedTopicNames === null || subscribedTopicNames.length === 0)) refuse('SubscribedTopicNames must be set in first request.')
}

function groupFor(scope: GroupScope, groupId: string, isJoining: boolean): ShareGroup {
  const known = scope.state.groups.get(groupId)
  if (known?.kind === 'share') return known
  // A group of offsets alone, or of another type, keeps its id.
  if (!isJoining || known !== undefined) throw new ApiError(ErrorCode.GROUP_ID_NOT_FOUND, `Share group ${groupId} not found.`)
  return new ShareGroup(groupId)
}

function memberFor(scope: GroupScope, group: ShareGroup, memberId: string, memberEpoch: number): ShareMember {
  const member = group.members.get(memberId)
  if (member === undefined) {
    if (memberEpoch !== 0) throw new ApiError(ErrorCode.UNKNOWN_MEMBER_ID, `Member ${memberId} is not a member of group ${group.groupId}.`)
    return newShareMember(memberId)
  }
  // The answer with the newer epoch may have been lost; 0 begins anew.
  if (memberEpoch !== 0 && memberEpoch !== member.memberEpoch && memberEpoch !== member.previousMemberEpoch) {
    scope.mark('share-group-member-fenced')
    throw new ApiError(ErrorCode.FENCED_MEMBER_EPOCH, `The share group member has epoch ${member.memberEpoch}, not ${memberEpoch}. The member must abandon all its partitions and rejoin.`)
  }
  return member
}

/** What the request does not say stays as it is. */
function withRequest(member: ShareMember, { clientId, clientHost }: Sender, { rackId, subscribedTopicNames }: ShareGroupHeartbeatRequest): ShareMember {
  return { ...member, clientId, clientHost, rackId: rackId ?? member.rackId, subscribedTopicNames: subscribedTopicNames === null ? member.subscribedTopicNames : sortedNames(subscribedTopicNames) }
}

function sameMetadata(a: ShareMember, b: ShareMember): boolean {
  return a.rackId === b.rackId && a.clientId === b.clientId && a.clientHost === b.clientHost && sameNames(a.subscribedTopicNames, b.subscribedTopicNames)
}

/** Partitions of subscribed topics that are not initialized: all of them, and those that nobody is being asked for now. */
function uninitialized(scope: GroupScope, group: ShareGroup, members: readonly ShareMember[]): { readonly initializing: Assignment; readonly toInitialize: Assignment } {
  const open: [topicId: string, partition: number][] = []
  for (const { id, partitions } of subscribedTopicImages(scope.image, new Set(members.flatMap(({ subscribedTopicNames }) => subscribedTopicNames)))) {
    const known = group.initialized.get(id) ?? []
    for (const partition of partitions.keys()) if (!known.includes(partition)) open.push([id, partition])
  }
  const of = (some: typeof open): Assignment => assignmentOf(some.map(([topicId, partition]) => ({ topicId, partitions: [partition] })))
  return { initializing: of(open), toInitialize: of(open.filter(([topicId, partition]) => !scope.isInitializing(group.groupId, topicId, partition))) }
}

interface Changing {
  readonly member: ShareMember
  readonly wanted: ShareMember
  /** All of the group, as they will be. */
  readonly members: readonly ShareMember[]
}

function nextGroupEpoch(scope: GroupScope, group: ShareGroup, { member, wanted, members }: Changing, records: CoordinatorRecord[]): number {
  const nowMs = scope.nowMs()
  const hasChanged = !sameNames(wanted.subscribedTopicNames, member.subscribedTopicNames)
  if (!hasChanged && !scope.refreshes.isDue(group.groupId, group.groupEpoch, nowMs)) return group.groupEpoch
  const hash = scope.topicHashes.of(new Set(members.flatMap(({ subscribedTopicNames }) => subscribedTopicNames)))
  const isBump = hasChanged || hash !== group.metadataHash
  const groupEpoch = group.groupEpoch + (isBump ? 1 : 0)
  if (isBump) records.push(groupEpochRecord(group.groupId, groupEpoch, hash))
  scope.refreshes.done(group.groupId, groupEpoch, nowMs + METADATA_REFRESH_INTERVAL_MS)
  return groupEpoch
}

function nextTarget(
  scope: GroupScope, group: ShareGroup, { wanted, members, groupEpoch }: { readonly wanted: ShareMember; readonly members: readonly ShareMember[]; readonly groupEpoch: number }, records: CoordinatorRecord[],
): { readonly epoch: number; readonly assignment: Assignment } {
  if (groupEpoch <= group.assignmentEpoch) return { epoch: group.assignmentEpoch, assignment: group.target(wanted.memberId) }
  const targets = assignShares(members.map(({ memberId, subscribedTopicNames }) => ({
    memberId, topicIds: subscribedTopicImages(scope.image, subscribedTopicNames).map(({ id }) => id).filter(id => group.initialized.has(id)),
  })), group.initialized)
  for (const [memberId, target] of targets) if (!group.targets.has(memberId) || !sameAssignment(group.target(memberId), target)) records.push(targetRecord(group.groupId, memberId, target))
  records.push(targetEpochRecord(group.groupId, groupEpoch, scope.nowMs()))
  return { epoch: groupEpoch, assignment: targets.get(wanted.memberId)! }
}

function leave(scope: GroupScope, groupId: string, memberId: string, memberEpoch: number): ShareHeartbeat {
  const group = scope.state.shareGroup(groupId)
  if (group === undefined) throw new ApiError(ErrorCode.GROUP_ID_NOT_FOUND, `Share group ${groupId} not found.`)
  if (!group.members.has(memberId)) throw new ApiError(ErrorCode.UNKNOWN_MEMBER_ID)
  scope.mark('share-group-member-left')
  return { records: removeShareMember(scope, group, memberId), response: { errorCode: ErrorCode.NONE, memberId, memberEpoch }, toInitialize: NOTHING, onAppended: () => observe(scope, groupId) }
}

/** The records that take the member away; the others get what it had with the next target. */
export function removeShareMember(scope: GroupScope, group: ShareGroup, memberId: string): CoordinatorRecord[] {
  const { groupId } = group
  const topics = new Set([...group.members.values()].filter(one => one.memberId !== memberId).flatMap(({ subscribedTopicNames }) => subscribedTopicNames))
  scope.shard.cancel(sessionTimer(groupId, memberId))
  return [...memberTombstones(groupId, memberId), groupEpochRecord(groupId, group.groupEpoch + 1, scope.topicHashes.of(topics))]
}

const sessionTimer = (groupId: string, memberId: string): string => `share-session-${groupId}-${memberId}`

export function scheduleShareSession(scope: GroupScope, groupId: string, memberId: string): void {
  scope.shard.schedule(sessionTimer(groupId, memberId), scope.share.groupShareSessionTimeoutMs, () => {
    const group = scope.state.shareGroup(groupId)
    if (group?.members.has(memberId) !== true) return []
    scope.mark('share-group-session-expired')
    return removeShareMember(scope, group, memberId)
  })
}

/** These are initialized: the next heartbeat hands them out. */
export function sharesInitialized(scope: GroupScope, groupId: string, done: Assignment): CoordinatorRecord[] {
  const group = scope.state.shareGroup(groupId)
  if (group === undefined) return []
  const initialized = assignmentOf([...topicPartitionsOf(group.initialized), ...topicPartitionsOf(done)].filter(({ topicId }) => scope.image.topics.has(topicId)))
  const initializing = assignmentOf(topicPartitionsOf(group.initializing).map(({ topicId, partitions }) => ({ topicId, partitions: partitions.filter(partition => !(initialized.get(topicId)?.includes(partition) ?? false)) })))
  if (sameAssignment(initialized, group.initialized)) return []
  return [partitionsRecord(scope.image, groupId, initializing, initialized), groupEpochRecord(groupId, group.groupEpoch + 1, group.metadataHash)]
}

function observe({ shard: { env, partition, coordinatorEpoch }, state }: GroupScope, groupId: string): void {
  const group = state.shareGroup(groupId)
  if (group !== undefined) env.observe({ kind: 'group-state', groupId, from: '', to: group.state, epoch: group.groupEpoch, members: [...group.members.keys()], partition, coordinatorEpoch })
}
