/**
 * Sticky, but nobody gives up what it may keep (CooperativeStickyAssignor, KIP-429): a partition that shall move is given to
 * nobody in this round; its owner revokes it, rejoins, and the next round hands it over.
 */
import { nameOf } from '../topic-partition.ts'
import type { Assignor } from './assignor.ts'
import { stickyAssignment } from './sticky-assignor.ts'

export const cooperativeStickyAssignor: Assignor = {
  name: 'cooperative-sticky',
  protocols: ['cooperative', 'eager'],
  assign(partitionCounts, members) {
    const target = stickyAssignment(partitionCounts, members, ({ ownedPartitions, generationId }) => ({ owned: ownedPartitions, generationId }))
    for (const [memberId, partitions] of target) {
      const owned = new Set(members.find(member => member.memberId === memberId)!.ownedPartitions.map(nameOf))
      const ownedByOthers = new Set(members.filter(member => member.memberId !== memberId).flatMap(member => member.ownedPartitions.map(nameOf)))
      target.set(memberId, partitions.filter(partition => owned.has(nameOf(partition)) || !ownedByOthers.has(nameOf(partition))))
    }
    return target
  },
}
