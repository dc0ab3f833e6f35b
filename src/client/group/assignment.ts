/**
 * What a consumer is assigned, and how: by the application or by its group (the assignment half of SubscriptionState).
 * Partitions that stay keep their position and what was fetched of them.
 */
import type { OffsetToCommit } from './group-metadata.ts'
import { FetchState } from '../fetch-state.ts'
import { nameOf } from '../topic-partition.ts'
import type { TopicPartition } from '../topic-partition.ts'

export class Assignment {
  readonly states = new Map<string, FetchState>()
  private readonly onChange: () => void
  private readonly awaitsCommitted: boolean

  /** `awaitsCommitted`: new partitions begin at the group's committed offset. `onChange`: it was replaced. */
  constructor(awaitsCommitted: boolean, onChange: () => void) {
    this.awaitsCommitted = awaitsCommitted
    this.onChange = onChange
  }

  get partitions(): readonly TopicPartition[] {
    return [...this.states.values()].map(({ topic, partition }) => ({ topic, partition }))
  }

  replace(partitions: readonly TopicPartition[]): void {
    const before = new Map(this.states)
    this.states.clear()
    for (const partition of partitions) {
      const key = nameOf(partition)
      this.states.set(key, before.get(key) ?? new FetchState(partition.topic, partition.partition, this.awaitsCommitted))
    }
    this.onChange()
  }

  markPendingRevocation(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) {
      const state = this.states.get(nameOf(partition))
      if (state !== undefined) state.isPendingRevocation = true
    }
  }

  /** Position of every partition that has one: what a commit without arguments commits. */
  allConsumed(): OffsetToCommit[] {
    const offsets: OffsetToCommit[] = []
    for (const { topic, partition, hasValidPosition, position } of this.states.values()) {
      if (hasValidPosition) offsets.push({ topic, partition, offset: position!.offset, leaderEpoch: position!.offsetEpoch })
    }
    return offsets
  }
}
