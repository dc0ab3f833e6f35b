/** What an assignor on the broker is given and gives (Kafka: ConsumerGroupPartitionAssignor, GroupSpec). */
import type { Assignment } from './assignment.ts'

export interface AssignedMember {
  readonly memberId: string
  readonly instanceId: string | null
  /** Ids of existing topics that it is subscribed to, sorted. */
  readonly topicIds: readonly string[]
  /** Its target until now. */
  readonly current: Assignment
}

export interface Assignor {
  readonly name: string
  /** Every partition of every topic with a subscriber goes to one of its subscribers. Members in order of joining. */
  assign(members: readonly AssignedMember[], partitionCounts: ReadonlyMap<string, number>): Map<string, Assignment>
}

/** Everybody wants the same. */
export function isHomogeneous(members: readonly AssignedMember[]): boolean {
  const first = members[0]
  return first === undefined || members.every(({ topicIds }) => topicIds.length === first.topicIds.length && topicIds.every((id, i) => id === first.topicIds[i]))
}
