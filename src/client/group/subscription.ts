/** What a consumer wants of its group, and whom it tells of changes. */
import type { Task } from '../../base/task.ts'
import type { TopicPartition } from '../topic-partition.ts'

/**
 * Called inside poll, unsubscribe and close. Each may be a task, for instance one that commits what was processed. Lost
 * partitions were given to somebody else before this member knew; without `onPartitionsLost` they count as revoked
 * (ConsumerRebalanceListener).
 */
export interface RebalanceListener {
  onPartitionsAssigned?(partitions: readonly TopicPartition[]): Task<void> | undefined | void
  onPartitionsRevoked?(partitions: readonly TopicPartition[]): Task<void> | undefined | void
  onPartitionsLost?(partitions: readonly TopicPartition[]): Task<void> | undefined | void
}

export interface Subscription {
  /** Under a pattern: those that match as far as is known. */
  topics: readonly string[]
  /** A regular expression that must match the whole name. */
  readonly pattern: RegExp | undefined
  readonly listener: RebalanceListener
}

export function* tell(callback: Task<void> | undefined | void): Task<void> {
  if (callback !== undefined) yield* callback
}
