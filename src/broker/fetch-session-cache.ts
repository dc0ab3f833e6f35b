/**
 * Fetch sessions that this broker keeps (KIP-227; Kafka: FetchSessionCache, FetchSession). A session remembers what a client
 * or follower asks for, so that requests carry only changes, and answers only what is news.
 *
 * A cache that is full makes room for a new session by throwing out the one that was not used for longest, if that is longer
 * than `min.incremental.fetch.session.eviction.ms`; otherwise the least valuable one, if it is worth less than the new one.
 * Followers are worth more than consumers, then more partitions more than fewer; a session younger than the eviction time
 * is only thrown out by a follower, and only if it is a consumer's.
 *
 * Unlike Kafka, which splits the cache into shards for the sake of locks, there is one.
 */
import type { Millis } from '../base/time.ts'
import { partitionName } from '../base/partition-name.ts'
import type { FetchRequestFetchPartition } from '../protocol/generated/types.ts'
import { ZERO_UUID } from '../protocol/uuid.ts'

/** One partition of a session: the last request about it, and what the last answer said. */
export interface CachedPartition {
  readonly topicId: string
  readonly topic: string
  fetch: FetchRequestFetchPartition
  highWatermark: number
  logStartOffset: number
}

export interface FetchSession {
  readonly id: number
  /** A follower's. */
  readonly isPrivileged: boolean
  /** Version 13 and later name topics by id; a session cannot change over. */
  readonly usesTopicIds: boolean
  readonly createdAt: Millis
  lastUsedAt: Millis
  /** Epoch that the next request must carry. */
  epoch: number
  /** By `cachedPartitionKey`; least recently answered with records first. */
  readonly partitions: Map<string, CachedPartition>
}

const LAST_EPOCH = 0x7fffffff

/** 0 begins a session, so it is skipped when epochs wrap around. */
export function nextSessionEpoch(epoch: number): number {
  return epoch === LAST_EPOCH ? 1 : epoch + 1
}

export function cachedPartitionKey(topicId: string, topic: string, partition: number): string {
  return partitionName(topicId === ZERO_UUID ? topic : topicId, partition)
}

export class FetchSessionCache {
  private readonly maxSessions: number
  private readonly evictionMs: Millis
  private readonly drawId: (attempt: number) => number
  private readonly sessions = new Map<number, FetchSession>()

  /** `drawId` gives a uniform 32-bit number. */
  constructor(o: { maxSessions: number; evictionMs: Millis; drawId: (attempt: number) => number }) {
    this.maxSessions = o.maxSessions
    this.evictionMs = o.evictionMs
    this.drawId = o.drawId
  }

  get size(): number {
    return this.sessions.size
  }

  get(id: number): FetchSession | undefined {
    return this.sessions.get(id)
  }

  remove(id: number): boolean {
    return this.sessions.delete(id)
  }

  /** The new session, or undefined when there is no room for it. */
  create(now: Millis, o: { isPrivileged: boolean; usesTopicIds: boolean; partitions: Map<string, CachedPartition> }): FetchSession | undefined {
    if (this.sessions.size >= this.maxSessions && !this.evictFor(now, o.isPrivileged, o.partitions.size)) return undefined
    const session: FetchSession = { ...o, id: this.newId(), createdAt: now, lastUsedAt: now, epoch: 1 }
    this.sessions.set(session.id, session)
    return session
  }

  private evictFor(now: Millis, isPrivileged: boolean, size: number): boolean {
    let stalest: FetchSession | undefined
    let cheapest: FetchSession | undefined
    for (const session of this.sessions.values()) {
      if (stalest === undefined || session.lastUsedAt < stalest.lastUsedAt) stalest = session
      const isYoung = now - session.createdAt <= this.evictionMs
      const isEvictable = !isYoung || (isPrivileged && !session.isPrivileged)
      if (isEvictable && (cheapest === undefined || isCheaper(session, cheapest))) cheapest = session
    }
    if (stalest !== undefined && now - stalest.lastUsedAt > this.evictionMs) return this.sessions.delete(stalest.id)
    if (cheapest === undefined || worth(isPrivileged, size) < worth(cheapest.isPrivileged, cheapest.partitions.size)) return false
    return this.sessions.delete(cheapest.id)
  }

  private newId(): number {
    for (let attempt = 0; ; attempt++) {
      const id = this.drawId(attempt) & LAST_EPOCH
      if (id !== 0 && !this.sessions.has(id)) return id
    }
  }
}

function isCheaper(a: FetchSession, b: FetchSession): boolean {
  const difference = worth(a.isPrivileged, a.partitions.size) - worth(b.isPrivileged, b.partitions.size)
  return difference < 0 || (difference === 0 && a.id < b.id)
}

function worth(isPrivileged: boolean, size: number): number {
  return (isPrivileged ? 0x100000000 : 0) + size
}
