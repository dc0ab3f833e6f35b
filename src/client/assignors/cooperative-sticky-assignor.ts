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
    const claims = new Map<string, number>()
    for (const { ownedPartitions } of members) for (const name of new Set(ownedPartitions.map(nameOf))) claims.set(name, (claims.get(name) ?? 0) + 1)
    for (const { memberId, ownedPartitions } of members) {
      const owned = new Set(ownedPartitions.map(nameOf))
      target.set(memberId, target.get(memberId)!.filter(partition => owned.has(nameOf(partition)) || !claims.has(nameOf(partition))))
    }
    return target
  },
}
