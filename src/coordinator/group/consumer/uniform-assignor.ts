/**
 * The uniform assignor (KIP-848: UniformAssignor): every member gets as many partitions as the others, give or take one, and
 * keeps as many of its present ones as that allows.
 *
 * When all want the same topics: cut everybody down to its quota, then fill up (UniformHomogeneousAssignmentBuilder). When they
 * do not: give each free partition to its least loaded subscriber, topics with the fewest choices first, then move single
 * partitions to less loaded subscribers until that does not help any more (UniformHeterogeneousAssignmentBuilder).
 *
 * Unlike Kafka's, the second part moves one partition at a time, which gives as balanced an assignment with other owners.
 */
import { invariant } from '../../../base/assert.ts'
import { assignmentOf } from './assignment.ts'
import type { Assignment } from './assignment.ts'
import { isHomogeneous } from './assignor.ts'
import type { AssignedMember, Assignor } from './assignor.ts'

type TopicPartition = readonly [topicId: string, partition: number]

export const uniformAssignor: Assignor = {
  name: 'uniform',
  assign(members, partitionCounts) {
    const shares = isHomogeneous(members) ? homogeneous(members, partitionCounts) : heterogeneous(members, partitionCounts)
    const assignments = new Map<string, Assignment>()
    for (const { memberId } of members) assignments.set(memberId, assignmentOf(shares.get(memberId)!.map(([topicId, partition]) => ({ topicId, partitions: [partition] }))))
    return assignments
  },
}

/** What members have and may keep; the rest is free. A partition that two claim stays with the first. */
function divide(members: readonly AssignedMember[], partitionCounts: ReadonlyMap<string, number>): { kept: Map<string, TopicPartition[]>; free: TopicPartition[] } {
  const claimed = new Set<string>()
  const kept = new Map<string, TopicPartition[]>()
  for (const { memberId, current, topicIds } of members) {
    const own: TopicPartition[] = []
    for (const [topicId, partitions] of current) {
      if (!topicIds.includes(topicId)) continue
      for (const partition of partitions) {
        const key = `${topicId}-${partition}`
        if (partition >= (partitionCounts.get(topicId) ?? 0) || claimed.has(key)) continue
        claimed.add(key)
        own.push([topicId, partition])
      }
    }
    kept.set(memberId, own)
  }
  const free: TopicPartition[] = []
  for (const [topicId, count] of partitionCounts) for (let partition = 0; partition < count; partition++) if (!claimed.has(`${topicId}-${partition}`)) free.push([topicId, partition])
  return { kept, free }
}

function homogeneous(members: readonly AssignedMember[], partitionCounts: ReadonlyMap<string, number>): Map<string, TopicPartition[]> {
  const { kept, free } = divide(members, partitionCounts)
  let total = 0
  for (const count of partitionCounts.values()) total += count
  const quota = Math.floor(total / members.length)
  let extras = total % members.length
  const unfilled: [own: TopicPartition[], missing: number][] = []
  for (const { memberId } of members) {
    const own = kept.get(memberId)!
    let most = quota
    if (extras > 0) {
      most++
      extras--
    }
    free.push(...own.splice(most))
    if (own.length < most) unfilled.push([own, most - own.length])
  }
  let next = 0
  for (const [own, missing] of unfilled) for (let i = 0; i < missing && next < free.length; i++) own.push(free[next++]!)
  invariant(next === free.length, 'every partition has found a member')
  return kept
}

function heterogeneous(members: readonly AssignedMember[], partitionCounts: ReadonlyMap<string, number>): Map<string, TopicPartition[]> {
  const { kept, free } = divide(members, partitionCounts)
  const subscribers = new Map<string, readonly TopicPartition[][]>()
  for (const topicId of partitionCounts.keys()) subscribers.set(topicId, members.filter(({ topicIds }) => topicIds.includes(topicId)).map(({ memberId }) => kept.get(memberId)!))
  const perSubscriber = (topicId: string): number => partitionCounts.get(topicId)! / subscribers.get(topicId)!.length
  const topics = [...partitionCounts.keys()].sort((a, b) => perSubscriber(b) - perSubscriber(a) || subscribers.get(a)!.length - subscribers.get(b)!.length || (a < b ? -1 : 1))
  const freeOf = new Map<string, TopicPartition[]>(topics.map(topicId => [topicId, []]))
  for (const partition of free) freeOf.get(partition[0])!.push(partition)
  for (const topicId of topics) for (const partition of freeOf.get(topicId)!) least(subscribers.get(topicId)!).push(partition)
  // Each move takes one from a share and gives it to one that was smaller by two or more: the squares fall, so it ends.
  for (let moved = true; moved;) {
    moved = false
    for (const own of kept.values()) {
      for (let i = own.length - 1; i >= 0; i--) {
        const to = least(subscribers.get(own[i]![0])!)
        if (to === own || own.length - to.length < 2) continue
        to.push(...own.splice(i, 1))
        moved = true
      }
    }
  }
  return kept
}

function least(shares: readonly TopicPartition[][]): TopicPartition[] {
  let smallest = shares[0]!
  for (const share of shares) if (share.length < smallest.length) smallest = share
  return smallest
}
