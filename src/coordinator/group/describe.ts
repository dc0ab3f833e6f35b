/**
 * DescribeGroups, ConsumerGroupDescribe and ListGroups. What is committed says which groups there are; of a classic group the
 * rest is live (GroupMetadataManager#describeGroups, #consumerGroupDescribe, #listGroups).
 */
import type { MetadataImage } from '../../controller/metadata-image.ts'
import type { Draft } from '../../protocol/codec.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { ConsumerGroupDescribeResponseDescribedGroup, DescribeGroupsResponseDescribedGroup, ListGroupsResponseListedGroup, ShareGroupDescribeResponseDescribedGroup } from '../../protocol/generated/types.ts'
import type { ClassicGroup } from './classic/classic-group.ts'
import { EMPTY_ASSIGNMENT } from './classic/classic-member.ts'
import { assignmentOfOwned } from './consumer/assignment.ts'
import type { Assignment } from './consumer/assignment.ts'
import { ASSIGNORS } from './consumer/target-assignment.ts'
import type { GroupScope } from './group-shard.ts'

const GROUP_NOT_FOUND_VERSION = 6

export function describeClassicGroup(scope: GroupScope, groupId: string, apiVersion: number): Draft<DescribeGroupsResponseDescribedGroup> {
  const group = scope.shard.committed().groups.get(groupId)?.kind === 'classic' ? scope.classic.find(groupId) : undefined
  if (group === undefined) {
    const isTold = apiVersion >= GROUP_NOT_FOUND_VERSION
    return { groupId, groupState: 'Dead', errorCode: isTold ? ErrorCode.GROUP_ID_NOT_FOUND : ErrorCode.NONE, errorMessage: isTold ? `Group ${groupId} not found.` : null }
  }
  const isStable = group.state === 'Stable'
  return {
    groupId, errorCode: ErrorCode.NONE, groupState: group.state, protocolType: group.protocolType ?? '', protocolData: isStable ? group.protocolName ?? '' : '',
    members: [...group.members.values()].map(member => ({
      memberId: member.memberId, groupInstanceId: member.groupInstanceId, clientId: member.clientId, clientHost: member.clientHost,
      memberMetadata: isStable ? member.metadata(group.protocolName) : EMPTY_ASSIGNMENT, memberAssignment: member.assignment,
    })),
  }
}

export function describeConsumerGroup(scope: GroupScope, groupId: string): Draft<ConsumerGroupDescribeResponseDescribedGroup> {
  const group = scope.shard.committed().consumerGroup(groupId)
  if (group === undefined) return { groupId, errorCode: ErrorCode.GROUP_ID_NOT_FOUND, errorMessage: `Group ${groupId} not found.` }
  const votes = ASSIGNORS.map(({ name }) => [...group.members.values()].filter(({ serverAssignor }) => serverAssignor === name).length)
  return {
    groupId, errorCode: ErrorCode.NONE, groupState: group.state, groupEpoch: group.groupEpoch, assignmentEpoch: group.assignmentEpoch,
    assignorName: ASSIGNORS[votes.indexOf(Math.max(...votes))]!.name,
    members: [...group.members.values()].map(member => ({
      memberId: member.memberId, instanceId: member.instanceId, rackId: member.rackId, memberEpoch: member.memberEpoch, clientId: member.clientId,
      clientHost: member.clientHost, subscribedTopicNames: [...member.subscribedTopicNames], subscribedTopicRegex: member.subscribedTopicRegex,
      assignment: named(scope.image, assignmentOfOwned(member.assigned)), targetAssignment: named(scope.image, group.target(member.memberId)), memberType: 1,
    })),
  }
}

function named(image: MetadataImage, assignment: Assignment): { topicPartitions: { topicId: string; topicName: string; partitions: number[] }[] } {
  return {
    topicPartitions: [...assignment].flatMap(([topicId, partitions]) => {
      const topic = image.topics.get(topicId)
      return topic === undefined ? [] : [{ topicId, topicName: topic.name, partitions: [...partitions] }]
    }),
  }
}

export function describeShareGroup(scope: GroupScope, groupId: string): Draft<ShareGroupDescribeResponseDescribedGroup> {
  const group = scope.shard.committed().shareGroup(groupId)
  if (group === undefined) return { groupId, errorCode: ErrorCode.GROUP_ID_NOT_FOUND, errorMessage: `Group ${groupId} not found.` }
  return {
    groupId, errorCode: ErrorCode.NONE, groupState: group.state, groupEpoch: group.groupEpoch, assignmentEpoch: group.assignmentEpoch, assignorName: 'simple',
    members: [...group.members.values()].map(({ memberId, rackId, memberEpoch, clientId, clientHost, subscribedTopicNames, assigned }) => ({
      memberId, rackId, memberEpoch, clientId, clientHost, subscribedTopicNames: [...subscribedTopicNames], assignment: named(scope.image, assigned),
    })),
  }
}

export interface ListFilter {
  /** In any case; empty: all. */
  readonly states: readonly string[]
  readonly types: readonly string[]
}

export function listGroups(scope: GroupScope, filter: ListFilter): ListGroupsResponseListedGroup[] {
  const states = new Set(filter.states.map(state => state.toLowerCase()))
  const types = new Set(filter.types.map(type => type.toLowerCase()))
  const listed: ListGroupsResponseListedGroup[] = []
  for (const [groupId, record] of scope.shard.committed().groups) {
    const live: ClassicGroup | undefined = record.kind === 'classic' ? scope.classic.find(groupId) : undefined
    const one = record.kind === 'share' ? { groupId, protocolType: 'share', groupState: record.state as string, groupType: 'Share' }
      : record.kind === 'consumer' ? { groupId, protocolType: 'consumer', groupState: record.state as string, groupType: 'Consumer' }
      : { groupId, protocolType: live?.protocolType ?? '', groupState: live?.state ?? 'Dead', groupType: 'Classic' }
    if (states.size > 0 && !states.has(one.groupState.toLowerCase())) continue
    if (types.size > 0 && !types.has(one.groupType.toLowerCase())) continue
    listed.push(one)
  }
  return listed
}
