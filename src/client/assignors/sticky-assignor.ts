/**
 * As even as can be, and everybody keeps what it has (StickyAssignor, AbstractStickyAssignor; KIP-54). Ownership is what
 * members claim: the claim of the highest generation counts, and a partition that two claim under it belongs to neither.
 *
 * Unlike Kafka, one algorithm serves equal and unequal subscriptions: what nobody owns goes to the least loaded member that
 * wants it, then partitions move while that makes two members more even. The result is balanced in Kafka's sense (no move
 * helps); which of the equally good ones it is may differ. The user data is in a form of our own.
 */
import { decodeMessage, encodeMessage } from '../../protocol/codec.ts'
import type { ConsumerProtocolSubscription } from '../../protocol/generated/types.ts'
import { byTopic, nameOf, sortedPartitions } from '../topic-partition.ts'
import type { TopicPartition } from '../topic-partition.ts'
import { compareMembers, wantedPartitions } from './assignor.ts'
import type { Assignor, GroupAssignment, GroupMember } from './assignor.ts'

interface Claim {
  readonly owned: readonly TopicPartition[]
  readonly generationId: number
}

const USER_DATA_VERSION = 2

/** Eager members own nothing any more when they join: they remember it in their user data. */
export const stickyAssignor: Assignor = {
  name: 'sticky',
  protocols: ['eager'],
  userData(owned, generationId) {
    const ownedPartitions = byTopic(owned, ({ partition }) => partition).map(([topic, partitions]) => ({ topic, partitions }))
    return encodeMessage('ConsumerProtocolSubscription', USER_DATA_VERSION, { topics: [], userData: null, ownedPartitions, generationId })
  },
  assign(partitionCounts, members) {
    return stickyAssignment(partitionCounts, members, ({ userData }) => {
      if (userData === null) return { owned: [], generationId: -1 }
      const { ownedPartitions, generationId } = decodeMessage<ConsumerProtocolSubscription>('ConsumerProtocolSubscription', USER_DATA_VERSION, userData)
      return { owned: ownedPartitions.flatMap(({ topic, partitions }) => partitions.map(partition => ({ topic, partition }))), generationId }
    })
  },
}

export function stickyAssignment(
  partitionCounts: ReadonlyMap<string, number>, members: readonly GroupMember[], claimOf: (member: GroupMember) => Claim,
): GroupAssignment {
  const sorted = members.toSorted(compareMembers)
  const wanted = new Map(wantedPartitions(partitionCounts, members).map(partition => [nameOf(partition), partition]))
  const shares = new Map(sorted.map(member => [member.memberId, new Map<string, TopicPartition>()]))
  const free = new Map(wanted)
  for (const [name, member] of owners(sorted, claimOf)) {
    const partition = wanted.get(name)
    if (partition === undefined || !member.topics.includes(partition.topic)) continue
    shares.get(member.memberId)!.set(name, partition)
    free.delete(name)
  }
  const load = (member: GroupMember): number => shares.get(member.memberId)!.size
  const least = (topic: string): GroupMember => sorted.filter(member => member.topics.includes(topic)).reduce((a, b) => (load(b) < load(a) ? b : a))
  for (const [name, partition] of free) shares.get(least(partition.topic).memberId)!.set(name, partition)
  // Each move makes the sum of squares of the loads smaller, so that there is an end.
  for (let moved = true; moved;) {
    moved = false
    for (const [name, partition] of wanted) {
      const holder = sorted.find(member => shares.get(member.memberId)!.has(name))!
      const taker = least(partition.topic)
      if (load(holder) <= load(taker) + 1) continue
      shares.get(holder.memberId)!.delete(name)
      shares.get(taker.memberId)!.set(name, partition)
      moved = true
    }
  }
  return new Map(members.map(({ memberId }) => [memberId, sortedPartitions(shares.get(memberId)!.values())]))
}

/** Who owns what, by the newest claim; nobody where two claim under one generation. */
function owners(members: readonly GroupMember[], claimOf: (member: GroupMember) => Claim): Map<string, GroupMember> {
  const best = new Map<string, { readonly member: GroupMember | undefined; readonly generationId: number }>()
  for (const member of members) {
    const { owned, generationId } = claimOf(member)
    for (const partition of owned) {
      const name = nameOf(partition)
      const other = best.get(name)
      if (other === undefined || generationId > other.generationId) best.set(name, { member, generationId })
      else if (generationId === other.generationId) best.set(name, { member: undefined, generationId })
    }
  }
  return new Map([...best].flatMap(([name, { member }]) => (member === undefined ? [] : [[name, member]])))
}
