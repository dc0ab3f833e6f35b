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
import { byTopic, nameOf } from '../topic-partition.ts'
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
  const wanted = wantedPartitions(partitionCounts, members)
  const takers = new Map<string, number[]>()
  for (const [index, { topics }] of sorted.entries()) {
    for (const topic of new Set(topics)) {
      const list = takers.get(topic)
      if (list === undefined) takers.set(topic, [index])
      else list.push(index)
    }
  }
  const loads: number[] = sorted.map(() => 0)
  /** The first of those with the least load. */
  const least = (topic: string): number => {
    const list = takers.get(topic)!
    let best = list[0]!
    for (const index of list) if (loads[index]! < loads[best]!) best = index
    return best
  }
  // Who holds each wanted partition; -1: nobody yet.
  const ownership = owners(sorted, claimOf)
  const holders = wanted.map(partition => {
    const owner = ownership.get(nameOf(partition))
    if (owner === undefined || !sorted[owner]!.topics.includes(partition.topic)) return -1
    loads[owner]!++
    return owner
  })
  const give = (at: number, to: number): void => {
    if (holders[at]! >= 0) loads[holders[at]!]!--
    holders[at] = to
    loads[to]!++
  }
  for (const [at, { topic }] of wanted.entries()) if (holders[at] === -1) give(at, least(topic))
  // Each move makes the sum of squares of the loads smaller, so that there is an end.
  for (let moved = true; moved;) {
    moved = false
    for (const [at, { topic }] of wanted.entries()) {
      const taker = least(topic)
      if (loads[holders[at]!]! <= loads[taker]! + 1) continue
      give(at, taker)
      moved = true
    }
  }
  const assignment: GroupAssignment = new Map(members.map(({ memberId }) => [memberId, []]))
  for (const [at, partition] of wanted.entries()) assignment.get(sorted[holders[at]!]!.memberId)!.push(partition)
  return assignment
}

/** Which member (by its place) owns what, by the newest claim; nobody where two claim under one generation. */
function owners(members: readonly GroupMember[], claimOf: (member: GroupMember) => Claim): Map<string, number> {
  const best = new Map<string, { readonly index: number; readonly generationId: number }>()
  for (const [index, member] of members.entries()) {
    const { owned, generationId } = claimOf(member)
    for (const partition of owned) {
      const name = nameOf(partition)
      const other = best.get(name)
      if (other === undefined || generationId > other.generationId) best.set(name, { index, generationId })
      else if (generationId === other.generationId) best.set(name, { index: -1, generationId })
    }
  }
  return new Map([...best].flatMap(([name, { index }]) => (index < 0 ? [] : [[name, index]])))
}
