/** Records of KIP-848 groups (GroupCoordinatorRecordHelpers), and what takes whole members and groups away. */
import { coordinatorRecord } from '../../coordinator-record.ts'
import type { CoordinatorRecord } from '../../coordinator-record.ts'
import { topicPartitionsOf } from './assignment.ts'
import type { Assignment, OwnedPartitions } from './assignment.ts'
import type { ConsumerGroup, ResolvedRegex } from './consumer-group.ts'
import { stateCode } from './consumer-member.ts'
import type { ConsumerMember } from './consumer-member.ts'

export function memberRecord(groupId: string, member: ConsumerMember): CoordinatorRecord {
  return coordinatorRecord('ConsumerGroupMemberMetadata', { groupId, memberId: member.memberId }, {
    instanceId: member.instanceId, rackId: member.rackId, clientId: member.clientId, clientHost: member.clientHost,
    subscribedTopicNames: [...member.subscribedTopicNames], subscribedTopicRegex: member.subscribedTopicRegex,
    rebalanceTimeoutMs: member.rebalanceTimeoutMs, serverAssignor: member.serverAssignor, classicMemberMetadata: null,
  })
}

export function currentAssignmentRecord(groupId: string, member: ConsumerMember): CoordinatorRecord {
  return coordinatorRecord('ConsumerGroupCurrentMemberAssignment', { groupId, memberId: member.memberId }, {
    memberEpoch: member.memberEpoch, previousMemberEpoch: member.previousMemberEpoch, state: stateCode(member.state),
    assignedPartitions: ownedTopics(member.assigned), partitionsPendingRevocation: ownedTopics(member.pendingRevocation),
  })
}

export function groupEpochRecord(groupId: string, epoch: number, metadataHash: number): CoordinatorRecord {
  return coordinatorRecord('ConsumerGroupMetadata', { groupId }, { epoch, metadataHash })
}

export function targetRecord(groupId: string, memberId: string, target: Assignment): CoordinatorRecord {
  return coordinatorRecord('ConsumerGroupTargetAssignmentMember', { groupId, memberId }, { topicPartitions: topicPartitionsOf(target) })
}

export function targetEpochRecord(groupId: string, assignmentEpoch: number, assignmentTimestamp: number): CoordinatorRecord {
  return coordinatorRecord('ConsumerGroupTargetAssignmentMetadata', { groupId }, { assignmentEpoch, assignmentTimestamp })
}

export function regexRecord(groupId: string, regularExpression: string, { topics, version, timestampMs }: ResolvedRegex): CoordinatorRecord {
  return coordinatorRecord('ConsumerGroupRegularExpression', { groupId, regularExpression }, { topics: [...topics], version, timestamp: timestampMs })
}

export function regexTombstone(groupId: string, regularExpression: string): CoordinatorRecord {
  return coordinatorRecord('ConsumerGroupRegularExpression', { groupId, regularExpression }, null)
}

/** In this order: who has an assignment cannot go. */
export function memberTombstones(groupId: string, memberId: string): CoordinatorRecord[] {
  return [
    coordinatorRecord('ConsumerGroupCurrentMemberAssignment', { groupId, memberId }, null),
    coordinatorRecord('ConsumerGroupTargetAssignmentMember', { groupId, memberId }, null),
    coordinatorRecord('ConsumerGroupMemberMetadata', { groupId, memberId }, null),
  ]
}

export function groupTombstones(group: ConsumerGroup): CoordinatorRecord[] {
  const { groupId } = group
  return [
    ...[...group.members.keys()].flatMap(memberId => memberTombstones(groupId, memberId)),
    ...[...group.regexes.keys()].map(regex => regexTombstone(groupId, regex)),
    coordinatorRecord('ConsumerGroupTargetAssignmentMetadata', { groupId }, null),
    coordinatorRecord('ConsumerGroupMetadata', { groupId }, null),
  ]
}

function ownedTopics(owned: OwnedPartitions): { topicId: string; partitions: number[]; assignmentEpochs: number[] }[] {
  return [...owned].map(([topicId, partitions]) => ({ topicId, partitions: [...partitions.keys()], assignmentEpochs: [...partitions.values()] }))
}
