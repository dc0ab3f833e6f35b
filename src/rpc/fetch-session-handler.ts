/**
 * A consumer's or follower's fetch session with one broker (KIP-227, FetchSessionHandler): the broker remembers what was
 * asked, later requests carry only what changed, and answers only partitions with news. A broker that keeps no session
 * (id 0) gets a full request each time.
 */
import type { Draft } from '../protocol/codec.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { FetchRequest, FetchResponse } from '../protocol/generated/types.ts'

export interface FetchTarget {
  readonly key: string
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  readonly fetchOffset: number
  readonly currentLeaderEpoch: number
  /** -1: none, as consumers do. */
  readonly lastFetchedEpoch: number
  /** Of the follower's own log; -1 for consumers. */
  readonly logStartOffset: number
}

function sameTarget(a: FetchTarget, b: FetchTarget): boolean {
  return a.fetchOffset === b.fetchOffset && a.currentLeaderEpoch === b.currentLeaderEpoch && a.lastFetchedEpoch === b.lastFetchedEpoch
    && a.logStartOffset === b.logStartOffset && a.topicId === b.topicId
}

type FetchTopics = NonNullable<Draft<FetchRequest>['topics']>

export class FetchSessionHandler {
  private sessionId = 0
  /** 0: the next request is full. */
  private epoch = 0
  private readonly partitions = new Map<string, FetchTarget>()

  /** What this session has asked for last. */
  target(key: string): FetchTarget | undefined {
    return this.partitions.get(key)
  }

  targets(): Iterable<FetchTarget> {
    return this.partitions.values()
  }

  /** Adds the session's fields for fetching exactly `wanted`. */
  request(wanted: readonly FetchTarget[], partitionMaxBytes: number): Required<Pick<Draft<FetchRequest>, 'sessionId' | 'sessionEpoch' | 'topics' | 'forgottenTopicsData'>> {
    const isFull = this.epoch === 0
    const send: FetchTarget[] = []
    const forget: FetchTarget[] = []
    for (const target of wanted) {
      const before = this.partitions.get(target.key)
      if (isFull || before === undefined || !sameTarget(before, target)) send.push(target)
      // a topic that was created anew is another one to the session
      if (before !== undefined && before.topicId !== target.topicId) forget.push(before)
      this.partitions.set(target.key, target)
    }
    // Nearly always the same partitions as before.
    if (this.partitions.size > wanted.length) this.dropOthers(wanted, forget)
    return {
      sessionId: this.sessionId,
      sessionEpoch: this.epoch,
      topics: groupByTopic(send, target => ({
        partition: target.partition,
        currentLeaderEpoch: target.currentLeaderEpoch,
        fetchOffset: target.fetchOffset,
        lastFetchedEpoch: target.lastFetchedEpoch,
        logStartOffset: target.logStartOffset,
        partitionMaxBytes,
      })) as FetchTopics,
      forgottenTopicsData: isFull ? [] : groupByTopic(forget, target => target.partition),
    }
  }

  private dropOthers(wanted: readonly FetchTarget[], forget: FetchTarget[]): void {
    const keys = new Set<string>()
    for (const { key } of wanted) keys.add(key)
    for (const [key, target] of this.partitions) {
      if (keys.has(key)) continue
      forget.push(target)
      this.partitions.delete(key)
    }
  }

  /** `keysAnswered`: each partition that the answer tells. False when the answer must be ignored; the next request then begins a new session. */
  accept(response: FetchResponse, keysAnswered: readonly string[]): boolean {
    if (response.errorCode === ErrorCode.FETCH_SESSION_ID_NOT_FOUND) {
      this.forget()
      return false
    }
    if (response.errorCode !== ErrorCode.NONE) {
      this.epoch = 0
      return false
    }
    const isFull = this.epoch === 0
    let matches = true
    for (const key of keysAnswered) matches &&= this.partitions.has(key)
    if (isFull) matches &&= keysAnswered.length === this.partitions.size
    if (!matches) {
      if (isFull) this.forget()
      else this.epoch = 0
      return false
    }
    if (response.sessionId === 0) this.forget()
    else {
      this.sessionId = response.sessionId
      this.epoch = this.epoch === 0x7fffffff ? 1 : this.epoch + 1
    }
    return true
  }

  /** No answer came: closes the session, if there is one, with the next request and begins another. */
  fail(): void {
    this.epoch = 0
  }

  private forget(): void {
    this.sessionId = 0
    this.epoch = 0
  }
}

function groupByTopic<T>(targets: readonly FetchTarget[], each: (target: FetchTarget) => T): { topic: string; topicId: string; partitions: T[] }[] {
  if (targets.length === 0) return []
  const groups = new Map<string, { topic: string; topicId: string; partitions: T[] }>()
  for (const target of targets) {
    let group = groups.get(target.topicId)
    if (group === undefined) groups.set(target.topicId, (group = { topic: target.topic, topicId: target.topicId, partitions: [] }))
    group.partitions.push(each(target))
  }
  return [...groups.values()]
}
