/** Tells what has become of a member, and through it of its group, when the records are in the state. */
import type { GroupScope } from '../group-shard.ts'
import { assignmentOfOwned, sameOwned, topicPartitionsOf } from './assignment.ts'
import type { ConsumerMember } from './consumer-member.ts'

export function observeMember(scope: GroupScope, groupId: string, memberId: string, before: ConsumerMember): void {
  const { env, partition, coordinatorEpoch } = scope.shard
  const group = scope.state.consumerGroup(groupId)
  const member = group?.members.get(memberId)
  if (group === undefined || (member !== undefined && member.memberEpoch === before.memberEpoch && member.state === before.state && sameOwned(member.assigned, before.assigned))) return
  const owned = member === undefined ? [] : topicPartitionsOf(assignmentOfOwned(member.assigned))
  env.observe({ kind: 'member-assigned', groupId, memberId, epoch: member?.memberEpoch ?? -1, protocol: 'consumer', partitions: owned.flatMap(({ topicId, partitions }) => partitions.map(index => `${topicId}-${index}`)) })
  env.observe({ kind: 'group-state', groupId, from: '', to: group.state, epoch: group.groupEpoch, members: [...group.members.keys()], partition, coordinatorEpoch })
}
