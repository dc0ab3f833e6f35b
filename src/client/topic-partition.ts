/** A partition by the name of its topic, and lists of them. */
import { partitionName } from '../base/partition-name.ts'

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

export const nameOf = ({ topic, partition }: TopicPartition): string => partitionName(topic, partition)

/** By topic, then by number. */
export function comparePartitions(a: TopicPartition, b: TopicPartition): number {
  if (a.topic !== b.topic) return a.topic < b.topic ? -1 : 1
  return a.partition - b.partition
}

export function sortedPartitions<T extends TopicPartition>(partitions: Iterable<T>): T[] {
  return [...partitions].sort(comparePartitions)
}

/** Items by topic, in the order in which the topics first appear. */
export function byTopic<Item extends { readonly topic: string }, T>(items: readonly Item[], each: (item: Item) => T): [string, T[]][] {
  const topics = new Map<string, T[]>()
  for (const item of items) {
    const group = topics.get(item.topic)
    if (group === undefined) topics.set(item.topic, [each(item)])
    else group.push(each(item))
  }
  return [...topics]
}

/** Those of `partitions` that are not among `others`. */
export function without<T extends TopicPartition>(partitions: readonly T[], others: readonly TopicPartition[]): T[] {
  const names = new Set(others.map(nameOf))
  return partitions.filter(partition => !names.has(nameOf(partition)))
}
