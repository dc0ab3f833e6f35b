/**
 * The topics that a classic member wants, and what it knows of them: what it joined with, and the partition counts that its
 * assignment as leader was made from (ConsumerCoordinator#rejoinNeededOrPending and its MetadataSnapshot).
 */
import type { ClusterMetadata } from '../cluster-metadata.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { TopicPartition } from '../topic-partition.ts'
import type { Subscription } from './subscription.ts'

const listed = (topics: Iterable<string>): string => [...topics].sort((a, b) => (a < b ? -1 : 1)).join()

export class SubscribedTopics {
  /** What the last generation assigned, for assignors that remember. */
  lastAssignment: { readonly partitions: readonly TopicPartition[]; readonly generationId: number } = { partitions: [], generationId: -1 }

  private readonly metadata: ClusterMetadata
  private subscription: Subscription | undefined = undefined
  private seenVersion = -1
  private subscribedAt = -1
  private joined: string | undefined = undefined
  /** Topics of all members, as leader. */
  private groupTopics: readonly string[] = []
  private assignedFrom: string | undefined = undefined
  private taken: { readonly version: number; readonly topics: readonly string[] | undefined; readonly groupTopics: readonly string[]; readonly text: string } | undefined = undefined

  constructor(metadata: ClusterMetadata) {
    this.metadata = metadata
  }

  subscribe(subscription: Subscription): void {
    this.subscription = subscription
    this.seenVersion = -1
    this.subscribedAt = this.metadata.updateVersion
    if (subscription.pattern !== undefined) this.metadata.addAll()
    for (const topic of subscription.topics) this.metadata.add(topic)
  }

  /** Under a pattern a member joins only when it has seen which topics there are. */
  get canJoin(): boolean {
    return this.subscription?.pattern === undefined || this.metadata.updateVersion > this.subscribedAt
  }

  /** Finds new topics that match a pattern. */
  update(): void {
    const { subscription, metadata } = this
    if (subscription?.pattern === undefined || this.seenVersion === metadata.updateVersion) return
    this.seenVersion = metadata.updateVersion
    const matching = [...metadata.knownTopics].filter(topic => subscription.pattern!.test(topic)).sort((a, b) => (a < b ? -1 : 1))
    subscription.topics = matching
    for (const topic of matching) metadata.add(topic)
  }

  /** Called when a JoinGroup is put together. */
  joining(): readonly string[] {
    const topics = this.subscription?.topics ?? []
    this.joined = listed(topics)
    return topics
  }

  get hasChangedSinceJoin(): boolean {
    return this.joined !== undefined && this.joined !== listed(this.subscription?.topics ?? [])
  }

  /** As leader: other partitions exist than those that were shared out. */
  get hasChangedSinceAssignment(): boolean {
    return this.assignedFrom !== undefined && this.assignedFrom !== this.snapshot()
  }

  forgetGroup(): void {
    this.groupTopics = []
    this.assignedFrom = undefined
  }

  /** As leader: watches the topics of all members. */
  watch(topics: readonly string[]): void {
    this.groupTopics = topics
    for (const topic of topics) this.metadata.add(topic)
  }

  /** Has the cluster been asked about every topic of the group? */
  get isKnown(): boolean {
    return this.metadata.isFresh || this.groupTopics.every(topic => this.metadata.topic(topic) !== undefined || this.metadata.topicError(topic) !== ErrorCode.NONE)
  }

  /** Partition counts of the group's topics, remembered as what the assignment is made from. */
  countsForAssignment(): Map<string, number> {
    this.assignedFrom = this.snapshot()
    const counts = new Map<string, number>()
    for (const topic of this.groupTopics) {
      const count = this.metadata.topic(topic)?.partitions.length
      if (count !== undefined) counts.set(topic, count)
    }
    return counts
  }

  /** Does an assignment fit to what is wanted now? */
  matches(partitions: readonly TopicPartition[]): boolean {
    const { subscription } = this
    if (subscription === undefined) return false
    return partitions.every(({ topic }) => (subscription.pattern === undefined ? subscription.topics.includes(topic) : subscription.pattern.test(topic)))
  }

  /** A leader that knew of more topics may have assigned some that match the pattern. */
  joinedWith(partitions: readonly TopicPartition[]): void {
    const { subscription } = this
    if (subscription?.pattern === undefined) return
    const more = partitions.map(({ topic }) => topic).filter(topic => !subscription.topics.includes(topic))
    if (more.length === 0) return
    subscription.topics = [...new Set([...subscription.topics, ...more])]
    this.joined = listed(subscription.topics)
  }

  rememberAssignment(partitions: readonly TopicPartition[], generationId: number): void {
    this.lastAssignment = { partitions, generationId }
  }

  /** Partition counts as text; looked at in every poll, so it is made anew only when something has changed. */
  private snapshot(): string {
    const { groupTopics, metadata: { updateVersion: version }, subscription, taken } = this
    const topics = subscription?.topics
    if (taken !== undefined && taken.version === version && taken.topics === topics && taken.groupTopics === groupTopics) return taken.text
    const names = [...new Set([...groupTopics, ...(topics ?? [])])].sort((a, b) => (a < b ? -1 : 1))
    const text = names.map(topic => `${topic}:${this.metadata.topic(topic)?.partitions.length ?? '-'}`).join()
    this.taken = { version, topics, groupTopics, text }
    return text
  }
}
