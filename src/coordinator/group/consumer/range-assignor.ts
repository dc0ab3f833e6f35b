/**
 * The range assignor (KIP-848: RangeAssignor): each topic is cut into ranges among its subscribers, in the same order for every
 * topic, so that topics with equally many partitions are co-partitioned. Static members first, by instance id: they keep their
 * ranges over restarts.
 */
import { assignmentOf } from './assignment.ts'
import type { Assignment } from './assignment.ts'
import type { AssignedMember, Assignor } from './assignor.ts'

export const rangeAssignor: Assignor = {
  name: 'range',
  assign(members, partitionCounts) {
    const given = new Map<string, { topicId: string; partitions: number[] }[]>()
    const sorted = [...members].sort(inOrder)
    for (const { memberId } of sorted) given.set(memberId, [])
    for (const [topicId, count] of partitionCounts) {
      const subscribers = sorted.filter(({ topicIds }) => topicIds.includes(topicId))
      const quota = Math.floor(count / subscribers.length)
      const extra = count % subscribers.length
      let start = 0
      subscribers.forEach(({ memberId }, i) => {
        const end = start + quota + (i < extra ? 1 : 0)
        given.get(memberId)!.push({ topicId, partitions: Array.from({ length: end - start }, (_, k) => start + k) })
        start = end
      })
    }
    const assignments = new Map<string, Assignment>()
    for (const { memberId } of members) assignments.set(memberId, assignmentOf(given.get(memberId)!))
    return assignments
  },
}

function inOrder(a: AssignedMember, b: AssignedMember): number {
  if (a.instanceId !== null && b.instanceId !== null) return a.instanceId < b.instanceId ? -1 : 1
  if (a.instanceId !== null) return -1
  if (b.instanceId !== null) return 1
  return a.memberId < b.memberId ? -1 : 1
}
