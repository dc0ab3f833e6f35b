/**
 * What the coordinator understands of the consumer protocol, which is otherwise opaque to it: the topics in a member's
 * subscription, and for observers alone the partitions in its assignment. It reads version 0 only, which every version begins with (Kafka: ClassicGroup#computeSubscribedTopics).
 */
import { partitionName } from '../../../base/partition-name.ts'
import { compiledMessage } from '../../../protocol/codec.ts'
import type { ConsumerProtocolAssignment, ConsumerProtocolSubscription } from '../../../protocol/generated/types.ts'
import { DecodeError, Reader } from '../../../protocol/wire.ts'

/** undefined when one of them cannot be read. */
export function subscribedTopicsOf(subscriptions: readonly Uint8Array[]): ReadonlySet<string> | undefined {
  const topics = new Set<string>()
  try {
    for (const bytes of subscriptions) {
      const reader = new Reader(bytes)
      reader.int16()
      const subscription = compiledMessage('ConsumerProtocolSubscription', 0).decode(reader) as ConsumerProtocolSubscription
      for (const topic of subscription.topics) topics.add(topic)
    }
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    return undefined
  }
  return topics
}

/** Partitions as `topic-index`; none when the assignment cannot be read. */
export function assignedPartitionsOf(assignment: Uint8Array): string[] {
  if (assignment.length === 0) return []
  try {
    const reader = new Reader(assignment)
    reader.int16()
    const { assignedPartitions } = compiledMessage('ConsumerProtocolAssignment', 0).decode(reader) as ConsumerProtocolAssignment
    return assignedPartitions.flatMap(({ topic, partitions }) => partitions.map(index => partitionName(topic, index)))
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    return []
  }
}
