/**
 * What one fetch request asks for, with or without a session, and what of the results its answer needs to tell (Kafka:
 * FetchManager, FetchContext).
 *
 *   session id | epoch | context
 *   -----------|-------|------------------------------------------------------------------------------------------
 *   any        | -1    | sessionless; the session named is closed
 *   any        | 0     | full: the session named is closed, a new one opened if there is room
 *   known      | next  | incremental: all partitions of the session, with the request's changes; one that has none left
 *              |       | is closed
 *   known      | other | INVALID_FETCH_SESSION_EPOCH
 *   unknown    | > 0   | FETCH_SESSION_ID_NOT_FOUND
 *
 * A request that was repeated on another connection while the first one still waits finds the epoch moved; the first one
 * then gets INVALID_FETCH_SESSION_EPOCH instead of its data.
 */
import type { Millis } from '../base/time.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { FetchRequest, FetchRequestFetchPartition } from '../protocol/generated/types.ts'
import type { FetchResult } from './fetch-read.ts'
import { cachedPartitionKey, nextSessionEpoch } from './fetch-session-cache.ts'
import type { CachedPartition, FetchSession, FetchSessionCache } from './fetch-session-cache.ts'

const NO_SESSION = 0
const INITIAL_EPOCH = 0
const FINAL_EPOCH = -1
const TOPIC_IDS_VERSION = 13

export interface AskedPartition {
  readonly topicId: string
  readonly topic: string
  readonly fetch: FetchRequestFetchPartition
}

export interface FetchAnswer {
  readonly errorCode: number
  readonly sessionId: number
  /** Which of the asked partitions the answer tells, by their index. */
  readonly told: readonly number[]
}

export interface FetchContext {
  readonly asked: readonly AskedPartition[]
  /** Not NONE: this, and nothing else, is the answer. */
  readonly errorCode: number
  /** Called once, with a result for each asked partition; the session, if any, takes them for told. */
  answer(results: readonly FetchResult[]): FetchAnswer
  /** Called instead of `answer` for a client that gets nothing now (KIP-219): the session takes nothing for told. */
  throttled(): FetchAnswer
}

export function newFetchContext(cache: FetchSessionCache, body: FetchRequest, version: number, isFollower: boolean, clock: () => Millis): FetchContext {
  const { sessionId, sessionEpoch } = body
  const usesTopicIds = version >= TOPIC_IDS_VERSION
  if (sessionEpoch === FINAL_EPOCH || sessionEpoch === INITIAL_EPOCH) {
    if (sessionId !== NO_SESSION) cache.remove(sessionId)
    const asked = partitionsOf(body)
    if (sessionEpoch === FINAL_EPOCH) return sessionless(asked)
    return fullContext(cache, asked, isFollower, usesTopicIds, clock)
  }
  const session = cache.get(sessionId)
  if (session === undefined) return refused(ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
  if (session.epoch !== sessionEpoch) return refused(ErrorCode.INVALID_FETCH_SESSION_EPOCH)
  if (session.usesTopicIds !== usesTopicIds) return refused(ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR)
  update(session, body)
  if (session.partitions.size === 0) {
    cache.remove(session.id)
    return sessionless(partitionsOf(body))
  }
  session.lastUsedAt = clock()
  session.epoch = nextSessionEpoch(session.epoch)
  return incremental(session)
}

const nothing = (): FetchAnswer => ({ errorCode: ErrorCode.NONE, sessionId: NO_SESSION, told: [] })

function refused(errorCode: number): FetchContext {
  return { asked: [], errorCode, answer: () => ({ errorCode, sessionId: NO_SESSION, told: [] }), throttled: nothing }
}

function sessionless(asked: readonly AskedPartition[]): FetchContext {
  return { asked, errorCode: ErrorCode.NONE, answer: results => ({ errorCode: ErrorCode.NONE, sessionId: NO_SESSION, told: [...results.keys()] }), throttled: nothing }
}

function fullContext(cache: FetchSessionCache, asked: readonly AskedPartition[], isPrivileged: boolean, usesTopicIds: boolean, clock: () => Millis): FetchContext {
  const answer = (results: readonly FetchResult[]): FetchAnswer => {
    const partitions = new Map<string, CachedPartition>()
    asked.forEach(({ topicId, topic, fetch }, index) => {
      const { highWatermark, logStartOffset } = results[index]!
      partitions.set(cachedPartitionKey(topicId, topic, fetch.partition), { topicId, topic, fetch, highWatermark, logStartOffset })
    })
    const session = cache.create(clock(), { isPrivileged, usesTopicIds, partitions })
    return { errorCode: ErrorCode.NONE, sessionId: session?.id ?? NO_SESSION, told: [...results.keys()] }
  }
  return { asked, errorCode: ErrorCode.NONE, answer, throttled: nothing }
}

function incremental(session: FetchSession): FetchContext {
  const expected = session.epoch
  const cached = [...session.partitions.values()]
  // Copies: a later request of this session changes what is cached while this one may still wait.
  const asked = cached.map(({ topicId, topic, fetch }): AskedPartition => ({ topicId, topic, fetch }))
  const outOfTurn: FetchAnswer = { errorCode: ErrorCode.INVALID_FETCH_SESSION_EPOCH, sessionId: session.id, told: [] }
  const answer = (results: readonly FetchResult[]): FetchAnswer => {
    if (session.epoch !== expected) return outOfTurn
    const told: number[] = []
    for (let index = 0; index < cached.length; index++) {
      const partition = cached[index]!
      const result = results[index]!
      if (!isNews(partition, result)) continue
      told.push(index)
      partition.highWatermark = result.errorCode === ErrorCode.NONE ? result.highWatermark : -1
      partition.logStartOffset = result.logStartOffset
      if (result.records.length === 0) continue
      // To the end, so that partitions with much to tell do not starve the others of the size limit.
      const key = cachedPartitionKey(partition.topicId, partition.topic, partition.fetch.partition)
      session.partitions.delete(key)
      session.partitions.set(key, partition)
    }
    return { errorCode: ErrorCode.NONE, sessionId: session.id, told }
  }
  const throttled = (): FetchAnswer => (session.epoch === expected ? { errorCode: ErrorCode.NONE, sessionId: session.id, told: [] } : outOfTurn)
  return { asked, errorCode: ErrorCode.NONE, answer, throttled }
}

function isNews(partition: CachedPartition, result: FetchResult): boolean {
  return result.records.length > 0 || result.highWatermark !== partition.highWatermark || result.logStartOffset !== partition.logStartOffset
    || result.errorCode !== ErrorCode.NONE || result.preferredReadReplica !== undefined || result.divergingEpoch !== undefined
}

function partitionsOf(body: FetchRequest): AskedPartition[] {
  return body.topics.flatMap(({ topicId, topic, partitions }) => partitions.map(fetch => ({ topicId, topic, fetch })))
}

function update(session: FetchSession, body: FetchRequest): void {
  for (const { topicId, topic, partitions } of body.topics) {
    for (const fetch of partitions) {
      const key = cachedPartitionKey(topicId, topic, fetch.partition)
      const known = session.partitions.get(key)
      if (known === undefined) session.partitions.set(key, { topicId, topic, fetch, highWatermark: -1, logStartOffset: -1 })
      else known.fetch = fetch
    }
  }
  for (const { topicId, topic, partitions } of body.forgottenTopicsData) {
    for (const partition of partitions) session.partitions.delete(cachedPartitionKey(topicId, topic, partition))
  }
}
