/**
 * Partitions by topic id, as members own them and assignors hand them out. Topics lie in order of their ids and partitions
 * ascend, so that equal assignments look equal and nothing depends on who came first.
 */
export type Assignment = ReadonlyMap<string, readonly number[]>

export interface TopicPartitions {
  readonly topicId: string
  readonly partitions: readonly number[]
}

export const NO_PARTITIONS: Assignment = new Map()

export function assignmentOf(topics: Iterable<TopicPartitions>): Assignment {
  const byTopic = new Map<string, number[]>()
  for (const { topicId, partitions } of topics) {
    if (partitions.length === 0) continue
    const known = byTopic.get(topicId)
    if (known === undefined) byTopic.set(topicId, [...partitions])
    else known.push(...partitions)
  }
  const sorted = new Map<string, readonly number[]>()
  for (const topicId of [...byTopic.keys()].sort()) sorted.set(topicId, [...new Set(byTopic.get(topicId)!)].sort((a, b) => a - b))
  return sorted
}

export function topicPartitionsOf(assignment: Assignment): { topicId: string; partitions: number[] }[] {
  return [...assignment].map(([topicId, partitions]) => ({ topicId, partitions: [...partitions] }))
}

export function sameAssignment(a: Assignment, b: Assignment): boolean {
  if (a.size !== b.size) return false
  for (const [topicId, partitions] of a) {
    const others = b.get(topicId)
    if (others === undefined || others.length !== partitions.length || partitions.some((partition, i) => partition !== others[i])) return false
  }
  return true
}

/** Partitions with the member epoch in which each was assigned (KIP-1251). */
export type OwnedPartitions = ReadonlyMap<string, ReadonlyMap<number, number>>

export const NOTHING_OWNED: OwnedPartitions = new Map()

export function assignmentOfOwned(owned: OwnedPartitions): Assignment {
  return assignmentOf([...owned].map(([topicId, partitions]) => ({ topicId, partitions: [...partitions.keys()] })))
}

export function sameOwned(a: OwnedPartitions, b: OwnedPartitions): boolean {
  if (a.size !== b.size) return false
  for (const [topicId, partitions] of a) {
    const others = b.get(topicId)
    if (others === undefined || others.size !== partitions.size) return false
    for (const [partition, epoch] of partitions) if (others.get(partition) !== epoch) return false
  }
  return true
}

/** Sorted by topic id and partition; empty topics left out. */
export function ownedOf(entries: readonly (readonly [topicId: string, partition: number, epoch: number])[]): OwnedPartitions {
  const owned = new Map<string, Map<number, number>>()
  for (const [topicId, partition, epoch] of [...entries].sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : a[1] - b[1]))) {
    let partitions = owned.get(topicId)
    if (partitions === undefined) owned.set(topicId, (partitions = new Map()))
    partitions.set(partition, epoch)
  }
  return owned
}
