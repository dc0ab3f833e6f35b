/** Fetch sessions of a broker: what is asked for, what is told, who is thrown out. */
import { describe, expect, it } from 'vitest'
import { newFetchContext } from '../../src/broker/fetch-context.ts'
import { FetchSessionCache } from '../../src/broker/fetch-session-cache.ts'
import type { FetchResult } from '../../src/broker/fetch-read.ts'
import { projectMessage } from '../../src/protocol/codec.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import type { FetchRequest } from '../../src/protocol/generated/types.ts'

const VERSION = 17
const TOPIC = 'b3JkZXJzLW9yZGVycy1vcg'
const OTHER = 'cGF5bWVudHMtcGF5bWVudA'
const EVICTION_MS = 1_000

const request = (sessionId: number, sessionEpoch: number, partitions: readonly (readonly [number, number])[], forget: readonly number[] = [], topicId = TOPIC): FetchRequest =>
  projectMessage<FetchRequest>('FetchRequest', VERSION, {
    sessionId, sessionEpoch,
    topics: partitions.length === 0 ? [] : [{ topicId, partitions: partitions.map(([partition, fetchOffset]) => ({ partition, fetchOffset })) }],
    forgottenTopicsData: forget.length === 0 ? [] : [{ topicId, partitions: forget }],
  } as never)

const result = (highWatermark: number, o: Partial<FetchResult> = {}): FetchResult =>
  ({ errorCode: ErrorCode.NONE, records: new Uint8Array(0), highWatermark, lastStableOffset: highWatermark, logStartOffset: 0, divergingEpoch: undefined, preferredReadReplica: undefined, ...o })

function cacheOf(maxSessions = 10): { cache: FetchSessionCache; at: (ms: number) => void; ask: (body: FetchRequest, isFollower?: boolean) => ReturnType<typeof newFetchContext> } {
  let ids = 0
  let now = 0
  const cache = new FetchSessionCache({ maxSessions, evictionMs: EVICTION_MS, drawId: () => ++ids })
  return { cache, at: ms => { now = ms }, ask: (body, isFollower = false) => newFetchContext(cache, body, VERSION, isFollower, () => now) }
}

describe('a session', () => {
  it('remembers what was asked, takes changes, and tells only news', () => {
    const { ask } = cacheOf()
    const full = ask(request(0, 0, [[0, 5], [1, 7]]))
    expect(full.answer([result(9), result(9)])).toEqual({ errorCode: 0, sessionId: 1, told: [0, 1] })
    const second = ask(request(1, 1, [[1, 8]]))
    expect(second.asked.map(({ fetch }) => [fetch.partition, fetch.fetchOffset])).toEqual([[0, 5], [1, 8]])
    expect(second.answer([result(9), result(9)])).toEqual({ errorCode: 0, sessionId: 1, told: [] })
    expect(ask(request(1, 2, [])).answer([result(10), result(9)]).told).toEqual([0])
    expect(ask(request(1, 3, [])).answer([result(10), result(9, { logStartOffset: 3 })]).told).toEqual([1])
    expect(ask(request(1, 4, [])).answer([result(10, { divergingEpoch: { epoch: 1, endOffset: 2 } }), result(9, { logStartOffset: 3, preferredReadReplica: 3 })]).told).toEqual([0, 1])
  })

  it('tells an error each time, and the partition again once it is gone', () => {
    const { ask } = cacheOf()
    ask(request(0, 0, [[0, 5]])).answer([result(9)])
    const failed = result(-1, { errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER, logStartOffset: -1 })
    for (const epoch of [1, 2]) expect(ask(request(1, epoch, [])).answer([failed]).told).toEqual([0])
    expect(ask(request(1, 3, [])).answer([result(9)]).told).toEqual([0])
    expect(ask(request(1, 4, [])).answer([result(9)]).told).toEqual([])
  })

  it('puts partitions with records last', () => {
    const { ask } = cacheOf()
    ask(request(0, 0, [[0, 5], [1, 5]])).answer([result(9), result(9)])
    ask(request(1, 1, [])).answer([result(9, { records: new Uint8Array(1) }), result(9)])
    expect(ask(request(1, 2, [])).asked.map(({ fetch }) => fetch.partition)).toEqual([1, 0])
  })

  it('forgets partitions, and closes with the last of them', () => {
    const { cache, ask } = cacheOf()
    ask(request(0, 0, [[0, 5], [1, 5]])).answer([result(9), result(9)])
    expect(ask(request(1, 1, [], [0])).asked.map(({ fetch }) => fetch.partition)).toEqual([1])
    // the same number of another topic id is another partition
    expect(ask(request(1, 2, [], [1], OTHER)).asked).toHaveLength(1)
    expect(ask(request(1, 3, [], [1])).answer([])).toEqual({ errorCode: 0, sessionId: 0, told: [] })
    expect(cache.size).toBe(0)
  })

  it('refuses another epoch, an unknown id, and a version that names topics otherwise', () => {
    const { cache, ask } = cacheOf()
    ask(request(0, 0, [[0, 5]])).answer([result(9)])
    expect(ask(request(1, 2, [])).errorCode).toBe(ErrorCode.INVALID_FETCH_SESSION_EPOCH)
    expect(ask(request(7, 1, [])).errorCode).toBe(ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
    expect(newFetchContext(cache, request(1, 1, []), 12, false, () => 0).errorCode).toBe(ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR)
  })

  it('answers a request that waits with an error when a later one has moved the epoch', () => {
    const { ask } = cacheOf()
    ask(request(0, 0, [[0, 5]])).answer([result(9)])
    const waiting = ask(request(1, 1, []))
    ask(request(1, 2, [])).answer([result(10)])
    expect(waiting.answer([result(11)])).toEqual({ errorCode: ErrorCode.INVALID_FETCH_SESSION_EPOCH, sessionId: 1, told: [] })
  })

  it('ends with a full fetch that names it; epoch -1 opens no other', () => {
    const { cache, ask } = cacheOf()
    ask(request(0, 0, [[0, 5]])).answer([result(9)])
    expect(ask(request(1, 0, [[0, 5]])).answer([result(9)]).sessionId).toBe(2)
    expect(cache.get(1)).toBeUndefined()
    expect(ask(request(2, -1, [[0, 5]])).answer([result(9)]).sessionId).toBe(0)
    expect(cache.size).toBe(0)
  })
})

describe('a full cache', () => {
  const open = (ask: ReturnType<typeof cacheOf>['ask'], partitions: number, isFollower = false): number =>
    ask(request(0, 0, Array.from({ length: partitions }, (_, index) => [index, 0] as const)), isFollower).answer(Array.from({ length: partitions }, () => result(0))).sessionId

  it('keeps young sessions from consumers, not from followers', () => {
    const { cache, ask, at } = cacheOf(2)
    expect([open(ask, 1), open(ask, 3)]).toEqual([1, 2])
    at(500)
    expect(open(ask, 9)).toBe(0)
    expect(open(ask, 1, true)).toBe(3)
    expect(cache.get(1)).toBeUndefined()
    expect(open(ask, 1, true)).toBe(4)
    // only followers are left, and they are young
    expect(open(ask, 9, true)).toBe(0)
  })

  it('throws out what was not used for longest, then what is worth less', () => {
    const { cache, ask, at } = cacheOf(2)
    open(ask, 5)
    open(ask, 3)
    at(900)
    ask(request(1, 1, [])).answer(Array.from({ length: 5 }, () => result(0)))
    at(1_500)
    expect(open(ask, 1)).toBe(3)
    expect(cache.get(2)).toBeUndefined()
    at(1_800)
    // session 1 is old enough and has 5 partitions; 3 is young
    expect(open(ask, 4)).toBe(0)
    expect(open(ask, 6)).toBe(4)
    expect(cache.get(1)).toBeUndefined()
  })
})
