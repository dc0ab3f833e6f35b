/**
 * Committed offsets of all groups of a state partition, and those of open transactions, which count when the marker says so
 * (Kafka: OffsetMetadataManager#Offsets, KIP-98, KIP-447).
 *
 * Plain and transactional commits of one partition are ordered by the offset of their records, not by when a transaction ends:
 * a marker does not bring back an offset that a later record has replaced. What was pending when an offset was deleted is gone.
 */
import type { OffsetCommitValue } from '../../../protocol/generated/types.ts'

export interface CommittedOffset {
  readonly offset: number
  readonly leaderEpoch: number
  readonly metadata: string
  readonly commitTimestampMs: number
  /** -1: it expires by the retention of the coordinator. */
  readonly expireTimestampMs: number
  readonly topicId: string
  /** Where its record lies; -1 in none. */
  readonly recordOffset: number
}

export type TopicOffsets = Map<string, Map<number, CommittedOffset>>

export class OffsetStore {
  /** By group, topic, partition. */
  private readonly committed = new Map<string, TopicOffsets>()
  /** By producer id, then as `committed`. */
  private readonly pending = new Map<number, Map<string, TopicOffsets>>()

  ofGroup(groupId: string): ReadonlyMap<string, ReadonlyMap<number, CommittedOffset>> | undefined {
    return this.committed.get(groupId)
  }

  find(groupId: string, topic: string, partition: number): CommittedOffset | undefined {
    return this.committed.get(groupId)?.get(topic)?.get(partition)
  }

  hasPending(groupId: string, topic: string, partition: number): boolean {
    for (const groups of this.pending.values()) if (groups.get(groupId)?.get(topic)?.has(partition) === true) return true
    return false
  }

  hasOpenTransactions(groupId: string): boolean {
    for (const groups of this.pending.values()) if (groups.has(groupId)) return true
    return false
  }

  /** Every partition of the group with an offset, committed or pending; each once. */
  partitionsOf(groupId: string): [topic: string, partition: number][] {
    const seen = new Map<string, [string, number]>()
    const add = (topics: TopicOffsets | undefined): void => {
      if (topics === undefined) return
      for (const [topic, partitions] of topics) for (const partition of partitions.keys()) seen.set(`${topic}-${partition}`, [topic, partition])
    }
    add(this.committed.get(groupId))
    for (const groups of this.pending.values()) add(groups.get(groupId))
    return [...seen.values()]
  }

  /** All groups with an offset, committed or pending, for one of these topics; with the partitions concerned. */
  holdersOf(topics: ReadonlySet<string>): [groupId: string, topic: string, partition: number][] {
    return [...this.groupsWithOffsets()].flatMap(groupId => this.partitionsOf(groupId).filter(([topic]) => topics.has(topic)).map(([topic, partition]): [string, string, number] => [groupId, topic, partition]))
  }

  // ---- what records do ----

  put(groupId: string, topic: string, partition: number, value: OffsetCommitValue, at: { readonly offset: number; readonly producerId: number }): void {
    const stored: CommittedOffset = {
      offset: value.offset, leaderEpoch: value.leaderEpoch, metadata: value.metadata, commitTimestampMs: value.commitTimestamp,
      expireTimestampMs: value.expireTimestamp, topicId: value.topicId, recordOffset: at.offset,
    }
    if (at.producerId === -1) {
      put(this.committed, groupId, topic, partition, stored)
      return
    }
    let groups = this.pending.get(at.producerId)
    if (groups === undefined) this.pending.set(at.producerId, (groups = new Map()))
    put(groups, groupId, topic, partition, stored)
  }

  remove(groupId: string, topic: string, partition: number): void {
    remove(this.committed, groupId, topic, partition)
    // The group stays listed as having an open transaction, as in Kafka, until the marker comes.
    for (const groups of this.pending.values()) groups.get(groupId)?.get(topic)?.delete(partition)
  }

  endTransaction(producerId: number, commit: boolean): void {
    const groups = this.pending.get(producerId)
    if (groups === undefined) return
    this.pending.delete(producerId)
    if (!commit) return
    for (const [groupId, topics] of groups) {
      for (const [topic, partitions] of topics) {
        for (const [partition, offset] of partitions) {
          const present = this.find(groupId, topic, partition)
          if (present === undefined || offset.recordOffset > present.recordOffset) put(this.committed, groupId, topic, partition, offset)
        }
      }
    }
  }

  /** Of open transactions of this producer. */
  pendingOf(producerId: number): [groupId: string, topic: string, partition: number][] {
    const found: [string, string, number][] = []
    for (const [groupId, topics] of this.pending.get(producerId) ?? []) for (const [topic, partitions] of topics) for (const partition of partitions.keys()) found.push([groupId, topic, partition])
    return found
  }

  groupsWithOffsets(): Set<string> {
    const groups = new Set(this.committed.keys())
    for (const pending of this.pending.values()) for (const groupId of pending.keys()) groups.add(groupId)
    return groups
  }

  /** What is known of one partition, as text: for comparing two states. */
  describe(groupId: string, topic: string, partition: number): string[] {
    const lines: string[] = []
    const add = (kind: string, o: CommittedOffset | undefined): void => {
      if (o !== undefined) lines.push(`${kind} ${groupId} ${topic}-${partition} ${o.offset} ${o.leaderEpoch} ${o.commitTimestampMs} ${o.expireTimestampMs} @${o.recordOffset} ${o.metadata}`)
    }
    add('offset', this.find(groupId, topic, partition))
    for (const [producerId, groups] of this.pending) add(`pending ${producerId}`, groups.get(groupId)?.get(topic)?.get(partition))
    return lines
  }
}

function put(groups: Map<string, TopicOffsets>, groupId: string, topic: string, partition: number, offset: CommittedOffset): void {
  let topics = groups.get(groupId)
  if (topics === undefined) groups.set(groupId, (topics = new Map()))
  let partitions = topics.get(topic)
  if (partitions === undefined) topics.set(topic, (partitions = new Map()))
  partitions.set(partition, offset)
}

function remove(groups: Map<string, TopicOffsets>, groupId: string, topic: string, partition: number): void {
  const topics = groups.get(groupId)
  const partitions = topics?.get(topic)
  if (topics === undefined || partitions === undefined) return
  partitions.delete(partition)
  if (partitions.size === 0) topics.delete(topic)
  if (topics.size === 0) groups.delete(groupId)
}
