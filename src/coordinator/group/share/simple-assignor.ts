/**
 * The assignor of share groups (Kafka: SimpleAssignor): every partition has a reader, every member something to read, and as
 * few share a partition as that allows. Where subscriptions differ, each topic is handed out by itself.
 *
 * Unlike Kafka's it does not keep what members have: nothing has to move when a partition gets another reader.
 */
import { assignmentOf } from '../consumer/assignment.ts'
import type { Assignment, TopicPartitions } from '../consumer/assignment.ts'

export interface ShareSubscriber {
  readonly memberId: string
  /** Ids of topics with something to assign, sorted. */
  readonly topicIds: readonly string[]
}

/** Members in order of joining. */
export function assignShares(members: readonly ShareSubscriber[], partitions: Assignment): Map<string, Assignment> {
  const given = new Map<string, TopicPartitions[]>(members.map(({ memberId }) => [memberId, []]))
  const hand = (readers: readonly ShareSubscriber[], all: readonly (readonly [topicId: string, partition: number])[]): void => {
    if (readers.length === 0 || all.length === 0) return
    for (let turn = 0; turn < Math.max(readers.length, all.length); turn++) {
      const [topicId, partition] = all[turn % all.length]!
      given.get(readers[turn % readers.length]!.memberId)!.push({ topicId, partitions: [partition] })
    }
  }
  const first = members[0]
  const isHomogeneous = first !== undefined && members.every(({ topicIds }) => topicIds.join() === first.topicIds.join())
  if (isHomogeneous) hand(members, first.topicIds.flatMap(topicId => partitionsOf(partitions, topicId)))
  else for (const topicId of partitions.keys()) hand(members.filter(({ topicIds }) => topicIds.includes(topicId)), partitionsOf(partitions, topicId))
  return new Map([...given].map(([memberId, topics]) => [memberId, assignmentOf(topics)]))
}

function partitionsOf(partitions: Assignment, topicId: string): (readonly [string, number])[] {
  return (partitions.get(topicId) ?? []).map(partition => [topicId, partition] as const)
}
