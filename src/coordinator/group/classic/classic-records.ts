/** The one record of a classic group (GroupCoordinatorRecordHelpers#newGroupMetadataRecord). */
import { coordinatorRecord } from '../../coordinator-record.ts'
import type { CoordinatorRecord } from '../../coordinator-record.ts'
import type { ClassicGroup } from './classic-group.ts'
import { EMPTY_ASSIGNMENT } from './classic-member.ts'

/** Version 4 has tagged fields, which need a downgrade's attention; Kafka writes 3. */
const VALUE_VERSION = 3

/** The group as it is now, with these assignments. */
export function groupMetadataRecord(group: ClassicGroup, assignments: ReadonlyMap<string, Uint8Array>): CoordinatorRecord {
  return coordinatorRecord('GroupMetadata', { group: group.groupId }, {
    protocolType: group.protocolType ?? '',
    generation: group.generationId,
    protocol: group.protocolName,
    leader: group.leaderId,
    currentStateTimestamp: group.stateTimestampMs,
    members: [...group.members.values()].map(member => ({
      memberId: member.memberId, groupInstanceId: member.groupInstanceId, clientId: member.clientId, clientHost: member.clientHost,
      rebalanceTimeout: member.rebalanceTimeoutMs, sessionTimeout: member.sessionTimeoutMs,
      subscription: member.metadata(group.protocolName), assignment: assignments.get(member.memberId) ?? EMPTY_ASSIGNMENT,
    })),
  }, VALUE_VERSION)
}

/** A group without members: what makes it exist. */
export function emptyGroupRecord(group: ClassicGroup): CoordinatorRecord {
  return coordinatorRecord('GroupMetadata', { group: group.groupId }, {
    protocolType: '', generation: 0, protocol: null, leader: null, currentStateTimestamp: group.stateTimestampMs, members: [],
  }, VALUE_VERSION)
}

export function groupTombstone(groupId: string): CoordinatorRecord {
  return coordinatorRecord('GroupMetadata', { group: groupId }, null)
}
