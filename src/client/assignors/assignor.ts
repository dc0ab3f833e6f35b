/**
 * How the leader of a classic group shares out partitions (ConsumerPartitionAssignor). Pure: the same members and topics
 * give the same assignment.
 *
 * Unlike Kafka, racks are not looked at.
 */
import type { TopicPartition } from '../topic-partition.ts'

export type RebalanceProtocol = 'eager' | 'cooperative'

export interface GroupMember {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly topics: readonly string[]
  readonly userData: Uint8Array | null
  readonly ownedPartitions: readonly TopicPartition[]
  readonly generationId: number
}

/** Partitions of each member, one entry a member. */
export type GroupAssignment = Map<string, TopicPartition[]>

export interface Assignor {
  readonly name: string
  readonly protocols: readonly RebalanceProtocol[]
  /** What a member tells about itself beside its topics. */
  userData?(owned: readonly TopicPartition[], generationId: number): Uint8Array
  /** `partitionCounts`: topics without an entry do not exist. */
  assign(partitionCounts: ReadonlyMap<string, number>, members: readonly GroupMember[]): GroupAssignment
}

/** Static members come first, by instance id, so that a restart does not move their place (MemberInfo#compareTo). */
export function compareMembers(a: GroupMember, b: GroupMember): number {
  if (a.groupInstanceId !== null && b.groupInstanceId !== null) return compare(a.groupInstanceId, b.groupInstanceId)
  if (a.groupInstanceId !== null) return -1
  if (b.groupInstanceId !== null) return 1
  return compare(a.memberId, b.memberId)
}

export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

export function emptyAssignment(members: readonly GroupMember[]): GroupAssignment {
  return new Map(members.map(({ memberId }) => [memberId, []]))
}

/** Every existing partition of the topics that somebody wants, by topic and number. */
export function wantedPartitions(partitionCounts: ReadonlyMap<string, number>, members: readonly GroupMember[]): TopicPartition[] {
  const topics = [...new Set(members.flatMap(member => member.topics))].sort(compare)
  return topics.flatMap(topic => Array.from({ length: partitionCounts.get(topic) ?? 0 }, (_, partition) => ({ topic, partition })))
}
