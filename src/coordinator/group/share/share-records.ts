/** Records of share groups (GroupCoordinatorRecordHelpers), what takes members and groups away, and what records do to a group. */
import { invariant } from '../../../base/assert.ts'
import type { MetadataImage } from '../../../controller/metadata-image.ts'
import { coordinatorRecord } from '../../coordinator-record.ts'
import type { CoordinatorRecord } from '../../coordinator-record.ts'
import { assignmentOf, NO_PARTITIONS, topicPartitionsOf } from '../consumer/assignment.ts'
import type { Assignment } from '../consumer/assignment.ts'
import { LEAVE_EPOCH, sortedNames } from '../consumer/consumer-member.ts'
import { newShareMember } from './share-group.ts'
import type { ShareGroup, ShareMember } from './share-group.ts'

export function memberRecord(groupId: string, { memberId, rackId, clientId, clientHost, subscribedTopicNames }: ShareMember): CoordinatorRecord {
  return coordinatorRecord('ShareGroupMemberMetadata', { groupId, memberId }, { rackId, clientId, clientHost, subscribedTopicNames: [...subscribedTopicNames] })
}

export function currentAssignmentRecord(groupId: string, { memberId, memberEpoch, previousMemberEpoch, assigned }: ShareMember): CoordinatorRecord {
  return coordinatorRecord('ShareGroupCurrentMemberAssignment', { groupId, memberId }, { memberEpoch, previousMemberEpoch, state: 0, assignedPartitions: topicPartitionsOf(assigned) })
}

export function groupEpochRecord(groupId: string, epoch: number, metadataHash: number): CoordinatorRecord {
  return coordinatorRecord('ShareGroupMetadata', { groupId }, { epoch, metadataHash })
}

export function targetRecord(groupId: string, memberId: string, target: Assignment): CoordinatorRecord {
  return coordinatorRecord('ShareGroupTargetAssignmentMember', { groupId, memberId }, { topicPartitions: topicPartitionsOf(target) })
}

export function targetEpochRecord(groupId: string, assignmentEpoch: number, assignmentTimestamp: number): CoordinatorRecord {
  return coordinatorRecord('ShareGroupTargetAssignmentMetadata', { groupId }, { assignmentEpoch, assignmentTimestamp })
}

export function partitionsRecord(image: MetadataImage, groupId: string, initializing: Assignment, initialized: Assignment): CoordinatorRecord {
  const named = (assignment: Assignment): { topicId: string; topicName: string; partitions: number[] }[] =>
    topicPartitionsOf(assignment).map(({ topicId, partitions }) => ({ topicId, topicName: image.topics.get(topicId)?.name ?? '', partitions }))
  return coordinatorRecord('ShareGroupStatePartitionMetadata', { groupId }, { initializingTopics: named(initializing), initializedTopics: named(initialized), deletingTopics: [] })
}

/** In this order: who has an assignment cannot go. */
export function memberTombstones(groupId: string, memberId: string): CoordinatorRecord[] {
  return [
    coordinatorRecord('ShareGroupCurrentMemberAssignment', { groupId, memberId }, null),
    coordinatorRecord('ShareGroupTargetAssignmentMember', { groupId, memberId }, null),
    coordinatorRecord('ShareGroupMemberMetadata', { groupId, memberId }, null),
  ]
}

export function groupTombstones({ groupId, members }: ShareGroup): CoordinatorRecord[] {
  return [
    ...[...members.keys()].flatMap(memberId => memberTombstones(groupId, memberId)),
    coordinatorRecord('ShareGroupTargetAssignmentMetadata', { groupId }, null),
    coordinatorRecord('ShareGroupStatePartitionMetadata', { groupId }, null),
    coordinatorRecord('ShareGroupMetadata', { groupId }, null),
  ]
}

export type ShareGroupRecord = Extract<CoordinatorRecord, { readonly type: `ShareGroup${string}` }>

/** `ShareGroupMetadata` without a value takes the whole group, and is not for here. */
export function applyToShareGroup(group: ShareGroup, record: ShareGroupRecord): void {
  switch (record.type) {
    case 'ShareGroupMetadata':
      invariant(record.value !== null, 'a group that goes is not changed')
      group.groupEpoch = record.value.epoch
      group.metadataHash = record.value.metadataHash
      return
    case 'ShareGroupMemberMetadata': {
      const { key: { memberId }, value } = record
      const member = group.members.get(memberId)
      if (value === null) {
        invariant(member === undefined || member.memberEpoch === LEAVE_EPOCH, `the assignment of ${memberId} goes before it does`)
        group.members.delete(memberId)
        return
      }
      const { rackId, clientId, clientHost, subscribedTopicNames } = value
      group.members.set(memberId, { ...(member ?? newShareMember(memberId)), rackId, clientId, clientHost, subscribedTopicNames: sortedNames(subscribedTopicNames) })
      return
    }
    case 'ShareGroupCurrentMemberAssignment': {
      const { key: { memberId }, value } = record
      const member = group.members.get(memberId)
      if (value !== null) group.members.set(memberId, { ...(member ?? newShareMember(memberId)), memberEpoch: value.memberEpoch, previousMemberEpoch: value.previousMemberEpoch, assigned: assignmentOf(value.assignedPartitions) })
      else if (member !== undefined) group.members.set(memberId, { ...member, memberEpoch: LEAVE_EPOCH, previousMemberEpoch: LEAVE_EPOCH, assigned: NO_PARTITIONS })
      return
    }
    case 'ShareGroupTargetAssignmentMember':
      if (record.value === null) group.targets.delete(record.key.memberId)
      else group.targets.set(record.key.memberId, assignmentOf(record.value.topicPartitions))
      return
    case 'ShareGroupTargetAssignmentMetadata':
      group.assignmentEpoch = record.value?.assignmentEpoch ?? -1
      return
    case 'ShareGroupStatePartitionMetadata':
      group.setPartitions(record.value)
  }
}
