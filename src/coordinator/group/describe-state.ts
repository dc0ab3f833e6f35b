/**
 * The record state of groups as text and as a digest, by which two coordinators are compared (invariant 9): what has been
 * replayed up to an offset is the same whoever replayed it, and from however much of the log compaction has left.
 *
 * A record changes few lines, so the digest, a sum over lines, is kept up with each of them.
 */
import { mixString } from '../../base/random.ts'
import type { CoordinatorRecord } from '../coordinator-record.ts'
import { assignmentOfOwned, topicPartitionsOf } from './consumer/assignment.ts'
import type { Assignment, OwnedPartitions } from './consumer/assignment.ts'
import type { GroupState } from './group-state.ts'
import type { ShareGroup } from './share/share-group.ts'

export function describeState(state: GroupState): string[] {
  const lines: string[] = []
  for (const [groupId, group] of state.groups) {
    lines.push(...groupLines(state, groupId))
    if (group.kind === 'classic') continue
    if (group.kind === 'share') {
      lines.push(...shareLines(group))
      continue
    }
    for (const memberId of group.members.keys()) lines.push(...memberLines(state, groupId, memberId))
    for (const memberId of group.targets.keys()) lines.push(...targetLines(state, groupId, memberId))
    for (const regex of group.regexes.keys()) lines.push(...regexLines(state, groupId, regex))
  }
  for (const groupId of state.offsets.groupsWithOffsets()) for (const [topic, partition] of state.offsets.partitionsOf(groupId)) lines.push(...state.offsets.describe(groupId, topic, partition))
  return lines.sort()
}

/** Over the lines that this record may change. */
export function digestAround(state: GroupState, record: CoordinatorRecord): number {
  return digestOf(linesAround(state, record))
}

export function digestOfOffsets(state: GroupState, partitions: readonly (readonly [groupId: string, topic: string, partition: number])[]): number {
  return digestOf(partitions.flatMap(([groupId, topic, partition]) => state.offsets.describe(groupId, topic, partition)))
}

function linesAround(state: GroupState, record: CoordinatorRecord): string[] {
  switch (record.type) {
    case 'OffsetCommit': return [...groupLines(state, record.key.group), ...state.offsets.describe(record.key.group, record.key.topic, record.key.partition)]
    case 'GroupMetadata': return groupLines(state, record.key.group)
    case 'ConsumerGroupMetadata': case 'ConsumerGroupTargetAssignmentMetadata': return groupLines(state, record.key.groupId)
    case 'ConsumerGroupMemberMetadata': case 'ConsumerGroupCurrentMemberAssignment': return [...groupLines(state, record.key.groupId), ...memberLines(state, record.key.groupId, record.key.memberId)]
    case 'ConsumerGroupTargetAssignmentMember': return [...groupLines(state, record.key.groupId), ...targetLines(state, record.key.groupId, record.key.memberId)]
    case 'ConsumerGroupRegularExpression': return [...groupLines(state, record.key.groupId), ...regexLines(state, record.key.groupId, record.key.regularExpression)]
    default: {
      const group = 'groupId' in record.key ? state.shareGroup(record.key.groupId) : undefined
      return group === undefined ? [] : [...groupLines(state, group.groupId), ...shareLines(group)]
    }
  }
}

function groupLines(state: GroupState, groupId: string): string[] {
  const group = state.groups.get(groupId)
  if (group === undefined) return []
  if (group.kind === 'share') return [`share ${groupId} epochs ${group.groupEpoch} ${group.assignmentEpoch} hash ${group.metadataHash} initializing ${assigned(group.initializing)} initialized ${assigned(group.initialized)}`]
  if (group.kind === 'consumer') return [`consumer ${groupId} epochs ${group.groupEpoch} ${group.assignmentEpoch} hash ${group.metadataHash}`]
  const { generation, protocolType, protocol, leader, members } = group.value
  const texts = members.map(member => `${member.memberId}/${member.groupInstanceId}:${member.assignment.join('.')}`).sort()
  return [`classic ${groupId} generation ${generation} ${protocolType} ${protocol} leader ${leader} ${texts.join(' ')}`]
}

function memberLines(state: GroupState, groupId: string, memberId: string): string[] {
  const member = state.consumerGroup(groupId)?.members.get(memberId)
  if (member === undefined) return []
  const { instanceId, memberEpoch, previousMemberEpoch, state: phase, subscribedTopicNames, subscribedTopicRegex, assigned, pendingRevocation } = member
  return [`member ${groupId} ${memberId}/${instanceId} ${memberEpoch} ${previousMemberEpoch} ${phase} ${subscribedTopicNames.join(',')} ${subscribedTopicRegex} owns ${owned(assigned)} returns ${owned(pendingRevocation)}`]
}

function targetLines(state: GroupState, groupId: string, memberId: string): string[] {
  const target = state.consumerGroup(groupId)?.targets.get(memberId)
  return target === undefined ? [] : [`target ${groupId} ${memberId} ${topicPartitionsOf(target).map(({ topicId, partitions }) => `${topicId}:${partitions.join('.')}`).join(' ')}`]
}

function regexLines(state: GroupState, groupId: string, regex: string): string[] {
  const resolved = state.consumerGroup(groupId)?.regexes.get(regex)
  return resolved === undefined ? [] : [`regex ${groupId} ${regex} ${resolved.topics.join(',')}`]
}

function owned(partitions: OwnedPartitions): string {
  return topicPartitionsOf(assignmentOfOwned(partitions)).map(({ topicId, partitions: indexes }) => `${topicId}:${indexes.map(index => `${index}@${partitions.get(topicId)!.get(index)}`).join('.')}`).join(' ')
}

/** Share groups are small: all of their members at once. */
function shareLines({ groupId, members, targets }: ShareGroup): string[] {
  return [
    ...[...members.values()].map(member => `share member ${groupId} ${member.memberId} ${member.memberEpoch} ${member.previousMemberEpoch} ${member.subscribedTopicNames.join(',')} has ${assigned(member.assigned)}`),
    ...[...targets].map(([memberId, target]) => `share target ${groupId} ${memberId} ${assigned(target)}`),
  ]
}

function assigned(assignment: Assignment): string {
  return topicPartitionsOf(assignment).map(({ topicId, partitions }) => `${topicId}:${partitions.join('.')}`).join(' ')
}

/** A sum: lines count in any order. */
function digestOf(lines: readonly string[]): number {
  let sum = 0
  for (const line of lines) sum = (sum + mixString(0, line)) | 0
  return sum
}
