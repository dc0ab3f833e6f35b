/**
 * The record state of one KIP-848 group (Kafka: ConsumerGroup, ModernGroup).
 *
 *   group epoch       bumped when a subscription or the metadata of a subscribed topic changes
 *   assignment epoch  group epoch that the target assignment was computed for
 *   member epoch      assignment epoch that a member has reached; it moves on only when it has given back what it must
 *
 * Single owner: a partition has at most one member that has it assigned or has not yet given it back; `partitionEpoch` says in
 * which of its epochs. Decisions keep to that. Records may not, while a compacted log is read: what said that the former owner
 * has gone may be compacted away before what it once owned, so the later record wins (KAFKA-19862).
 */
import { isReconciledTo } from './consumer-member.ts'
import type { ConsumerMember } from './consumer-member.ts'
import type { Assignment } from './assignment.ts'
import { NO_PARTITIONS } from './assignment.ts'

export interface ResolvedRegex {
  readonly topics: readonly string[]
  /** Offset of the metadata that it was resolved with. */
  readonly version: number
  readonly timestampMs: number
}

export type ConsumerGroupState = 'Empty' | 'Assigning' | 'Reconciling' | 'Stable'

export class ConsumerGroup {
  readonly kind = 'consumer'
  readonly groupId: string
  groupEpoch = 0
  metadataHash = 0
  assignmentEpoch = 0
  assignmentTimestampMs = 0
  /** In order of joining. */
  readonly members = new Map<string, ConsumerMember>()
  /** Member id by instance id. */
  readonly staticMembers = new Map<string, string>()
  readonly targets = new Map<string, Assignment>()
  readonly regexes = new Map<string, ResolvedRegex>()
  /** Member that owns it and the member's epoch, by `topicId-partition`. */
  private readonly owners = new Map<string, { readonly memberId: string; readonly epoch: number }>()

  constructor(groupId: string) {
    this.groupId = groupId
  }

  get state(): ConsumerGroupState {
    if (this.members.size === 0) return 'Empty'
    if (this.groupEpoch > this.assignmentEpoch) return 'Assigning'
    for (const member of this.members.values()) if (!isReconciledTo(member, this.assignmentEpoch)) return 'Reconciling'
    return 'Stable'
  }

  get isEmpty(): boolean {
    return this.members.size === 0
  }

  staticMember(instanceId: string): ConsumerMember | undefined {
    const memberId = this.staticMembers.get(instanceId)
    return memberId === undefined ? undefined : this.members.get(memberId)
  }

  target(memberId: string): Assignment {
    return this.targets.get(memberId) ?? NO_PARTITIONS
  }

  /** Epoch of the member that has the partition or has not yet given it back; -1: it is free. */
  partitionEpoch(topicId: string, partition: number): number {
    return this.owners.get(`${topicId}-${partition}`)?.epoch ?? -1
  }

  /** Names that the members subscribe to, with those that their patterns were resolved to. */
  subscribedTopics(): Set<string> {
    const names = new Set<string>()
    for (const member of this.members.values()) for (const name of this.topicsOf(member)) names.add(name)
    return names
  }

  topicsOf(member: ConsumerMember): readonly string[] {
    const resolved = member.subscribedTopicRegex === '' ? undefined : this.regexes.get(member.subscribedTopicRegex)
    return resolved === undefined ? member.subscribedTopicNames : [...new Set([...member.subscribedTopicNames, ...resolved.topics])].sort()
  }

  // ---- what records do ----

  put(member: ConsumerMember): void {
    const old = this.members.get(member.memberId)
    if (old !== undefined) this.release(old)
    this.members.set(member.memberId, member)
    this.hold(member)
    if (member.instanceId !== null) this.staticMembers.set(member.instanceId, member.memberId)
  }

  remove(memberId: string): void {
    const member = this.members.get(memberId)
    if (member === undefined) return
    this.members.delete(memberId)
    this.release(member)
    // A static member that was replaced has another id by now.
    if (member.instanceId !== null && this.staticMembers.get(member.instanceId) === memberId) this.staticMembers.delete(member.instanceId)
  }

  private hold(member: ConsumerMember): void {
    for (const owned of [member.assigned, member.pendingRevocation]) {
      for (const [topicId, partitions] of owned) {
        for (const partition of partitions.keys()) {
          const key = `${topicId}-${partition}`
          this.owners.set(key, { memberId: member.memberId, epoch: member.memberEpoch })
        }
      }
    }
  }

  private release(member: ConsumerMember): void {
    for (const owned of [member.assigned, member.pendingRevocation]) {
      for (const [topicId, partitions] of owned) {
        for (const partition of partitions.keys()) {
          const key = `${topicId}-${partition}`
          if (this.owners.get(key)?.memberId === member.memberId) this.owners.delete(key)
        }
      }
    }
  }
}
