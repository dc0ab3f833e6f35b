/**
 * The reconciliation of one member with its target (KIP-848; Kafka: CurrentAssignmentBuilder).
 *
 * | state                | the member                     | next |
 * |----------------------|--------------------------------|------|
 * | stable               | has what its epoch gives it    | another target: give back what it no longer has, or go on |
 * | unrevoked-partitions | must give partitions back and stays in its epoch | its list of owned partitions lacks them: next epoch, go on |
 * | unreleased-partitions| waits for partitions that others have not given back | takes those that have become free |
 *
 * A member takes the epoch of the target only when it has nothing to give back, and gets a partition only when nobody has it,
 * not even somebody who is to give it back. `null` as owned partitions says that nothing has changed, not that nothing is owned.
 */
import { ApiError } from '../../../protocol/api-error.ts'
import { ErrorCode } from '../../../protocol/errors.ts'
import { NOTHING_OWNED, ownedOf } from './assignment.ts'
import type { Assignment, OwnedPartitions, TopicPartitions } from './assignment.ts'
import type { ConsumerMember, MemberState } from './consumer-member.ts'

export interface Target {
  readonly epoch: number
  readonly assignment: Assignment
}

/**
 * Returns the member itself when nothing changes.
 * `isFree`: nobody has the partition. @throws ApiError FENCED_MEMBER_EPOCH
 */
export function reconcile(
  member: ConsumerMember, target: Target, owned: readonly TopicPartitions[] | null, isFree: (topicId: string, partition: number) => boolean,
): ConsumerMember {
  switch (member.state) {
    case 'stable': return member.memberEpoch === target.epoch ? member : next(member, member.memberEpoch, target, owned, isFree)
    case 'unrevoked-partitions':
      if (ownsAny(owned, member.pendingRevocation)) return member
      return next(member, member.memberEpoch + 1, target, owned, isFree)
    case 'unreleased-partitions': return next(member, member.memberEpoch, target, owned, isFree)
    case 'unknown':
      // Written by a newer coordinator: the member must begin anew, without partitions.
      if (owned === null || owned.length > 0) throw new ApiError(ErrorCode.FENCED_MEMBER_EPOCH)
      return next(member, target.epoch, target, owned, isFree)
  }
}

type Entry = readonly [topicId: string, partition: number, epoch: number]

function next(
  member: ConsumerMember, memberEpoch: number, target: Target, owned: readonly TopicPartitions[] | null, isFree: (topicId: string, partition: number) => boolean,
): ConsumerMember {
  const kept: Entry[] = []
  const lost: Entry[] = []
  for (const [topicId, partitions] of member.assigned) {
    const wanted = new Set(target.assignment.get(topicId))
    for (const [partition, epoch] of partitions) (wanted.has(partition) ? kept : lost).push([topicId, partition, epoch])
  }
  const gained: Entry[] = []
  let isWaiting = false
  for (const [topicId, partitions] of target.assignment) {
    const has = member.assigned.get(topicId)
    for (const partition of partitions) {
      if (has?.has(partition) === true) continue
      if (isFree(topicId, partition)) gained.push([topicId, partition, target.epoch])
      else isWaiting = true
    }
  }
  const pendingRevocation = ownedOf(lost)
  if (lost.length > 0 && ownsAny(owned, pendingRevocation)) return move(member, memberEpoch, 'unrevoked-partitions', ownedOf(kept), pendingRevocation)
  return move(member, target.epoch, isWaiting ? 'unreleased-partitions' : 'stable', ownedOf([...kept, ...gained]), NOTHING_OWNED)
}

function move(member: ConsumerMember, memberEpoch: number, state: MemberState, assigned: OwnedPartitions, pendingRevocation: OwnedPartitions): ConsumerMember {
  return { ...member, state, memberEpoch, previousMemberEpoch: member.memberEpoch, assigned, pendingRevocation }
}

/** Not to have said what is owned is to own all. */
function ownsAny(owned: readonly TopicPartitions[] | null, partitions: OwnedPartitions): boolean {
  return owned === null || owned.some(({ topicId, partitions: listed }) => {
    const wanted = partitions.get(topicId)
    return wanted !== undefined && listed.some(partition => wanted.has(partition))
  })
}
