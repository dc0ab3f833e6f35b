/** All partitions of all topics go round the members, over those that do not want the topic (RoundRobinAssignor). */
import { compareMembers, emptyAssignment, wantedPartitions } from './assignor.ts'
import type { Assignor } from './assignor.ts'

export const roundRobinAssignor: Assignor = {
  name: 'roundrobin',
  protocols: ['eager'],
  assign(partitionCounts, members) {
    const assignment = emptyAssignment(members)
    const sorted = members.toSorted(compareMembers)
    let turn = 0
    for (const partition of wantedPartitions(partitionCounts, members)) {
      while (!sorted[turn % sorted.length]!.topics.includes(partition.topic)) turn++
      assignment.get(sorted[turn % sorted.length]!.memberId)!.push(partition)
      turn++
    }
    return assignment
  },
}
