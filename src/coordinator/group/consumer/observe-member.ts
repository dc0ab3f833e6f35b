/** Tells what has become of a member, and through it of its group, when the records are in the state. */
import type { GroupScope } from '../group-shard.ts'
import { sameOwned } from './assignment.ts'
import type { OwnedPartitions } from './assignment.ts'
import type { ConsumerMember } from './consumer-member.ts'

export function observeMember(scope: GroupScope, groupId: string, memberId: string, before: ConsumerMember): void {
  const { env, partition, coordinatorEpoch } = scope.shard
  const group = scope.state.consumerGroup(groupId)
  const member = group?.members.get(memberId)
  if (group === undefined || (member !== undefined && member.memberEpoch === before.memberEpoch && member.state === before.state && sameOwned(member.assigned, before.assigned))) return
  observeAssignment(scope, groupId, memberId, member)
  env.observe({ kind: 'group-state', groupId, from: '', to: group.state, epoch: group.groupEpoch, members: [...group.members.keys()], partition, coordinatorEpoch })
}

export function observeAssignment({ shard: { env, coordinatorEpoch } }: GroupScope, groupId: string, memberId: string, member: ConsumerMember | undefined): void {
  env.observe({
    kind: 'member-assigned', groupId, memberId, epoch: member?.memberEpoch ?? -1, protocol: 'consumer', coordinatorEpoch,
    partitions: member === undefined ? [] : names(member.assigned), releasing: member === undefined ? [] : names(member.pendingRevocation),
  })
}

function names(owned: OwnedPartitions): string[] {
  return [...owned].flatMap(([topicId, partitions]) => [...partitions.keys()].map(index => `${topicId}-${index}`))
}
