/**
 * What takes members out of KIP-848 groups: they leave, their session ends, or they do not give partitions back in time
 * (GroupMetadataManager#consumerGroupFenceMember). Each removal is a new group epoch; the others get the partitions with the
 * next target.
 */
import type { CoordinatorRecord } from '../../coordinator-record.ts'
import type { GroupScope } from '../group-shard.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import type { ConsumerMember } from './consumer-member.ts'
import { observeAssignment } from './observe-member.ts'
import { groupEpochRecord, memberTombstones, regexTombstone } from './consumer-records.ts'

const sessionTimer = (groupId: string, memberId: string): string => `session-${groupId}-${memberId}`
const rebalanceTimer = (groupId: string, memberId: string): string => `rebalance-${groupId}-${memberId}`

export function scheduleSession(scope: GroupScope, groupId: string, memberId: string): void {
  scope.shard.schedule(sessionTimer(groupId, memberId), scope.settings.groupConsumerSessionTimeoutMs, () => {
    const group = scope.state.consumerGroup(groupId)
    const member = group?.members.get(memberId)
    if (group === undefined || member === undefined) return []
    scope.mark('consumer-group-session-expired')
    return removeMember(scope, group, member)
  })
}

/** A member in UNREVOKED_PARTITIONS has its rebalance timeout to give them back. */
export function scheduleRevocation(scope: GroupScope, groupId: string, member: ConsumerMember): void {
  const { memberId, memberEpoch } = member
  scope.shard.schedule(rebalanceTimer(groupId, memberId), member.rebalanceTimeoutMs, () => {
    const group = scope.state.consumerGroup(groupId)
    const current = group?.members.get(memberId)
    if (group === undefined || current === undefined || current.memberEpoch !== memberEpoch || current.state !== 'unrevoked-partitions') return []
    scope.mark('consumer-group-revocation-expired')
    return removeMember(scope, group, current)
  })
}

export function cancelRevocation(scope: GroupScope, groupId: string, memberId: string): void {
  scope.shard.cancel(rebalanceTimer(groupId, memberId))
}

/** The records that take the member away. */
export function removeMember(scope: GroupScope, group: ConsumerGroup, member: ConsumerMember): CoordinatorRecord[] {
  const { groupId } = group
  const topics = new Set<string>()
  const regexes = new Set<string>()
  for (const other of group.members.values()) {
    if (other.memberId === member.memberId) continue
    for (const topic of group.topicsOf(other)) topics.add(topic)
    regexes.add(other.subscribedTopicRegex)
  }
  observeAssignment(scope, groupId, member.memberId, undefined)
  scope.shard.cancel(sessionTimer(groupId, member.memberId))
  cancelRevocation(scope, groupId, member.memberId)
  return [
    ...memberTombstones(groupId, member.memberId),
    ...[...group.regexes.keys()].filter(regex => !regexes.has(regex)).map(regex => regexTombstone(groupId, regex)),
    groupEpochRecord(groupId, group.groupEpoch + 1, scope.topicHashes.of(topics)),
  ]
}

/** A new coordinator begins with full sessions. */
export function scheduleLoaded(scope: GroupScope): void {
  for (const group of scope.state.groups.values()) {
    if (group.kind !== 'consumer') continue
    for (const member of group.members.values()) {
      observeAssignment(scope, group.groupId, member.memberId, member)
      scheduleSession(scope, group.groupId, member.memberId)
      if (member.state === 'unrevoked-partitions') scheduleRevocation(scope, group.groupId, member)
    }
  }
}
