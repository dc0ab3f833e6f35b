/**
 * Each topic by itself: a range of its partitions for each member that wants it, the first ones one more where it does not
 * come out even (RangeAssignor). Topics with as many partitions are shared out alike.
 */
import { compare, compareMembers, emptyAssignment } from './assignor.ts'
import type { Assignor } from './assignor.ts'

export const rangeAssignor: Assignor = {
  name: 'range',
  protocols: ['eager'],
  assign(partitionCounts, members) {
    const assignment = emptyAssignment(members)
    const sorted = members.toSorted(compareMembers)
    const topics = [...new Set(members.flatMap(member => member.topics))].sort(compare)
    for (const topic of topics) {
      const count = partitionCounts.get(topic) ?? 0
      const takers = sorted.filter(member => member.topics.includes(topic))
      const each = Math.floor(count / takers.length)
      const more = count % takers.length
      let next = 0
      for (const [index, { memberId }] of takers.entries()) {
        const end = next + each + (index < more ? 1 : 0)
        for (; next < end; next++) assignment.get(memberId)!.push({ topic, partition: next })
      }
    }
    return assignment
  },
}
