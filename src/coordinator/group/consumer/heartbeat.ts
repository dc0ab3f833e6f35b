/**
 * ConsumerGroupHeartbeat (KIP-848; GroupMetadataManager#consumerGroupHeartbeat): the one request of members, which joins, keeps
 * alive, subscribes, acknowledges revocations and leaves.
 *
 *   1. the member as the request makes it; another subscription, or other metadata of its topics: next group epoch
 *   2. group epoch beyond the assignment epoch: compute a target
 *   3. bring the member nearer to its target (see reconcile)
 *
 * Everything is decided on the state that records have made and written as one batch.
 */
import { ApiError } from '../../../protocol/api-error.ts'
import { ErrorCode } from '../../../protocol/errors.ts'
import type { ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse } from '../../../protocol/generated/types.ts'
import type { CoordinatorRecord } from '../../coordinator-record.ts'
import type { Decision } from '../../runtime/coordinator-runtime.ts'
import { groupTombstone } from '../classic/classic-records.ts'
import type { Sender } from '../classic/messages.ts'
import type { GroupScope } from '../group-shard.ts'
import { assignmentOfOwned, sameAssignment, topicPartitionsOf } from './assignment.ts'
import { ConsumerGroup } from './consumer-group.ts'
import type { ResolvedRegex } from './consumer-group.ts'
import { isReconciledTo, newMember, sameCurrentAssignment, sameMetadata, sameNames, sortedNames, STATIC_LEAVE_EPOCH } from './consumer-member.ts'
import type { ConsumerMember } from './consumer-member.ts'
import { currentAssignmentRecord, groupEpochRecord, memberRecord, memberTombstones, targetRecord } from './consumer-records.ts'
import { reconcile } from './current-assignment.ts'
import type { Target } from './current-assignment.ts'
import { observeAssignment, observeMember } from './observe-member.ts'
import { hasStaleRegex, resolveRegexes } from './regular-expressions.ts'
import { cancelRevocation, removeMember, scheduleRevocation, scheduleSession } from './sessions.ts'
import { computeTarget } from './target-assignment.ts'
import { isLeaving, validateHeartbeat, validateMemberEpoch } from './validate-heartbeat.ts'

export type HeartbeatAnswer = Partial<ConsumerGroupHeartbeatResponse>

/** How often a group looks at the metadata without being told to. */
const METADATA_REFRESH_INTERVAL_MS = 300_000

/** @throws ApiError GROUP_ID_NOT_FOUND, UNKNOWN_MEMBER_ID, FENCED_MEMBER_EPOCH, FENCED_INSTANCE_ID, UNRELEASED_INSTANCE_ID, GROUP_MAX_SIZE_REACHED, INVALID_REQUEST, ... */
export function consumerGroupHeartbeat(scope: GroupScope, sender: Sender, request: ConsumerGroupHeartbeatRequest): Decision<HeartbeatAnswer> {
  validateHeartbeat(request, sender.apiVersion)
  if (isLeaving(request.memberEpoch)) return leave(scope, request)
  const records: CoordinatorRecord[] = []
  const isJoining = request.memberEpoch === 0
  const group = groupFor(scope, request.groupId, isJoining, records)
  const { groupId } = group
  if (group.members.size >= scope.settings.groupConsumerMaxSize && !group.members.has(request.memberId)) throw new ApiError(ErrorCode.GROUP_MAX_SIZE_REACHED)
  const memberId = request.memberId === '' ? scope.drawMemberId() : request.memberId
  const { member, former } = memberFor(scope, group, { ...request, memberId }, records)
  const wanted = withRequest(member, sender, request)
  if (!sameMetadata(wanted, member) || (former === undefined && !group.members.has(memberId))) records.push(memberRecord(groupId, wanted))

  // In order of joining, whoever asks: assignors give the first ones more.
  const members = [...group.members.values()].map(one => (one.memberId === memberId || one.memberId === former ? wanted : one))
  if (!members.includes(wanted)) members.push(wanted)
  const { groupEpoch, regexes } = nextGroupEpoch(scope, group, { member, wanted, members }, records)
  const target = nextTarget(scope, group, { wanted, former, members, groupEpoch, regexes }, records)

  const isFree = (topicId: string, partition: number): boolean => group.partitionEpoch(topicId, partition) === -1
  const reconciled = isReconciledTo(wanted, target.epoch) ? wanted : reconcile(wanted, target, request.topicPartitions, isFree)
  if (!sameCurrentAssignment(reconciled, wanted) || (isJoining && !group.members.has(memberId) && former === undefined)) {
    records.push(currentAssignmentRecord(groupId, reconciled))
    if (reconciled.state === 'unrevoked-partitions') scheduleRevocation(scope, groupId, reconciled)
    else cancelRevocation(scope, groupId, memberId)
  }
  scheduleSession(scope, groupId, memberId)
  const answer: HeartbeatAnswer = {
    errorCode: ErrorCode.NONE, memberId, memberEpoch: reconciled.memberEpoch, heartbeatIntervalMs: scope.settings.groupConsumerHeartbeatIntervalMs, assignment: null,
  }
  const isFull = isJoining || (request.rebalanceTimeoutMs !== -1 && (request.subscribedTopicNames !== null || request.subscribedTopicRegex !== null) && request.topicPartitions !== null)
  if (isFull || !sameAssignment(assignmentOfOwned(reconciled.assigned), assignmentOfOwned(member.assigned))) {
    answer.assignment = { topicPartitions: topicPartitionsOf(assignmentOfOwned(reconciled.assigned)) }
  }
  const onAppended = (): void => {
    if (former !== undefined) observeAssignment(scope, groupId, former, undefined)
    observeMember(scope, groupId, memberId, member)
  }
  return { records, response: answer, onAppended }
}

function groupFor(scope: GroupScope, groupId: string, isJoining: boolean, records: CoordinatorRecord[]): ConsumerGroup {
  const known = scope.state.groups.get(groupId)
  if (known?.kind === 'consumer') return known
  if (!isJoining) throw new ApiError(ErrorCode.GROUP_ID_NOT_FOUND, `Group ${groupId} not found.`)
  if (known === undefined) return new ConsumerGroup(groupId)
  // Unlike Kafka, members of both protocols cannot share a group (group.consumer.migration.policy=disabled); an empty one changes over.
  if (known.kind === 'share' || scope.classic.find(groupId)?.isEmpty !== true) throw new ApiError(ErrorCode.GROUP_ID_NOT_FOUND, `Group ${groupId} is not a consumer group.`)
  records.push(groupTombstone(groupId))
  return new ConsumerGroup(groupId)
}

type Asking = ConsumerGroupHeartbeatRequest

function memberFor(scope: GroupScope, group: ConsumerGroup, request: Asking, records: CoordinatorRecord[]): { member: ConsumerMember; former?: string } {
  const { memberId, memberEpoch, instanceId, topicPartitions } = request
  const isJoining = memberEpoch === 0
  if (instanceId === null) {
    const member = group.members.get(memberId)
    if (member === undefined && !isJoining) throw new ApiError(ErrorCode.UNKNOWN_MEMBER_ID, `Member ${memberId} is not a member of group ${group.groupId}.`)
    if (member === undefined) return { member: newMember(memberId) }
    fencing(scope, () => validateMemberEpoch(member, memberEpoch, topicPartitions))
    return { member }
  }
  const holder = group.staticMember(instanceId)
  if (!isJoining) {
    if (holder === undefined) throw new ApiError(ErrorCode.UNKNOWN_MEMBER_ID, `Instance id ${instanceId} is unknown.`)
    fencing(scope, () => {
      if (holder.memberId !== memberId) throw new ApiError(ErrorCode.FENCED_INSTANCE_ID, `Static member ${memberId} with instance id ${instanceId} was fenced by member ${holder.memberId}.`)
      validateMemberEpoch(holder, memberEpoch, topicPartitions)
    })
    return { member: holder }
  }
  if (holder === undefined || holder.memberId === memberId) return { member: holder ?? group.members.get(memberId) ?? newMember(memberId) }
  // Only one that has said that it goes is replaced.
  if (holder.memberEpoch !== STATIC_LEAVE_EPOCH) throw new ApiError(ErrorCode.UNRELEASED_INSTANCE_ID, `The instance id ${instanceId} is owned by member ${holder.memberId}.`)
  const member = { ...holder, memberId, memberEpoch: 0, previousMemberEpoch: 0 }
  records.push(
    ...memberTombstones(group.groupId, holder.memberId), memberRecord(group.groupId, member),
    targetRecord(group.groupId, memberId, group.target(holder.memberId)), currentAssignmentRecord(group.groupId, member),
  )
  scope.mark('consumer-group-static-rejoin')
  return { member, former: holder.memberId }
}

function fencing(scope: GroupScope, validate: () => void): void {
  try {
    validate()
  } catch (error) {
    scope.mark('consumer-group-member-fenced')
    throw error
  }
}

/** What the request does not say stays as it is. */
function withRequest(member: ConsumerMember, sender: Sender, request: Asking): ConsumerMember {
  return {
    ...member,
    instanceId: request.instanceId ?? member.instanceId,
    rackId: request.rackId ?? member.rackId,
    rebalanceTimeoutMs: request.rebalanceTimeoutMs === -1 ? member.rebalanceTimeoutMs : request.rebalanceTimeoutMs,
    serverAssignor: request.serverAssignor ?? member.serverAssignor,
    subscribedTopicNames: request.subscribedTopicNames === null ? member.subscribedTopicNames : sortedNames(request.subscribedTopicNames),
    subscribedTopicRegex: request.subscribedTopicRegex ?? member.subscribedTopicRegex,
    clientId: sender.clientId,
    clientHost: sender.clientHost,
  }
}

interface Changing {
  readonly member: ConsumerMember
  readonly wanted: ConsumerMember
  /** All of the group, as they will be. */
  readonly members: readonly ConsumerMember[]
}

function nextGroupEpoch(scope: GroupScope, group: ConsumerGroup, { member, wanted, members }: Changing, records: CoordinatorRecord[]): { groupEpoch: number; regexes: ReadonlyMap<string, ResolvedRegex> } {
  const nowMs = scope.nowMs()
  const hasChanged = !sameNames(wanted.subscribedTopicNames, member.subscribedTopicNames) || wanted.subscribedTopicRegex !== member.subscribedTopicRegex
  const isRefreshing = scope.refreshes.isDue(group.groupId, group.groupEpoch, nowMs) || hasStaleRegex(scope, group)
  if (!hasChanged && !isRefreshing) return { groupEpoch: group.groupEpoch, regexes: group.regexes }
  const resolved = resolveRegexes(scope, group, new Set(members.map(one => one.subscribedTopicRegex).filter(regex => regex !== '')))
  records.push(...resolved.records)
  const hash = scope.topicHashes.of(new Set(members.flatMap(one => topicsOf(one, resolved.regexes))))
  const isBump = hasChanged || resolved.changed || hash !== group.metadataHash
  const groupEpoch = group.groupEpoch + (isBump ? 1 : 0)
  if (isBump) {
    records.push(groupEpochRecord(group.groupId, groupEpoch, hash))
    scope.mark(hasChanged ? 'consumer-group-rebalance' : 'consumer-group-metadata-changed')
  }
  scope.refreshes.done(group.groupId, groupEpoch, nowMs + METADATA_REFRESH_INTERVAL_MS)
  return { groupEpoch, regexes: resolved.regexes }
}

function topicsOf(member: ConsumerMember, regexes: ReadonlyMap<string, ResolvedRegex>): readonly string[] {
  const resolved = regexes.get(member.subscribedTopicRegex)
  return resolved === undefined ? member.subscribedTopicNames : sortedNames([...member.subscribedTopicNames, ...resolved.topics])
}

interface Targeting {
  readonly wanted: ConsumerMember
  readonly former: string | undefined
  readonly members: readonly ConsumerMember[]
  readonly groupEpoch: number
  readonly regexes: ReadonlyMap<string, ResolvedRegex>
}

function nextTarget(scope: GroupScope, group: ConsumerGroup, { wanted, former, members, groupEpoch, regexes }: Targeting, records: CoordinatorRecord[]): Target {
  const nowMs = scope.nowMs()
  const present = group.target(former ?? wanted.memberId)
  const sinceMs = nowMs - group.assignmentTimestampMs
  // A wall clock that was set back must not keep a group from being assigned.
  const isDue = sinceMs < 0 || sinceMs >= scope.settings.groupConsumerAssignmentIntervalMs
  if (groupEpoch <= group.assignmentEpoch || !isDue) return { epoch: group.assignmentEpoch, assignment: present }
  const computed = computeTarget(scope.image, group, members.map(one => ({
    memberId: one.memberId, instanceId: one.instanceId, topics: topicsOf(one, regexes), serverAssignor: one.serverAssignor,
    current: one === wanted ? present : group.target(one.memberId),
  })), groupEpoch, nowMs)
  records.push(...computed.records)
  return { epoch: groupEpoch, assignment: computed.targets.get(wanted.memberId)! }
}

function leave(scope: GroupScope, { groupId, memberId, memberEpoch, instanceId }: Asking): Decision<HeartbeatAnswer> {
  const group = scope.state.consumerGroup(groupId)
  if (group === undefined) throw new ApiError(ErrorCode.GROUP_ID_NOT_FOUND, `Group ${groupId} not found.`)
  const member = instanceId === null ? group.members.get(memberId) : group.staticMember(instanceId)
  if (member === undefined) throw new ApiError(ErrorCode.UNKNOWN_MEMBER_ID)
  if (member.memberId !== memberId) throw new ApiError(ErrorCode.FENCED_INSTANCE_ID)
  scope.mark('consumer-group-member-left')
  const response = { errorCode: ErrorCode.NONE, memberId, memberEpoch }
  // It keeps its partitions and may come back as another member of the same name, until its session ends.
  // What it was to give back is free at once (GroupMetadataManager#consumerGroupStaticMemberGroupLeave).
  if (memberEpoch === STATIC_LEAVE_EPOCH) {
    return {
      records: [currentAssignmentRecord(groupId, { ...member, memberEpoch, pendingRevocation: new Map() })], response,
      onAppended: () => observeMember(scope, groupId, memberId, member),
    }
  }
  return {
    records: removeMember(scope, group, member), response,
    onAppended: () => observeMember(scope, groupId, memberId, member),
  }
}
