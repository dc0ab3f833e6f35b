import { describe, expect, it } from 'vitest'
import { Consumer } from '../../src/client/consumer.ts'
import type { PollResult } from '../../src/client/consumer.ts'
import { FetchSessionHandler } from '../../src/rpc/fetch-session-handler.ts'
import type { FetchTarget } from '../../src/rpc/fetch-session-handler.ts'
import { DEFAULT_CONSUMER_CONFIG } from '../../src/config/client.ts'
import type { DefectId } from '../../src/config/defects.ts'
import type { ConsumerConfig } from '../../src/config/client.ts'
import { COMPRESSION_TYPES, type CompressionType } from '../../src/base/compression-type.ts'
import { ApiKey } from '../../src/protocol/api-keys.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import type { FetchResponse } from '../../src/protocol/generated/types.ts'
import { buildEndTxnMarker } from '../../src/protocol/records/control-records.ts'
import { buildBatch, lastOffsetOf, stampOffsets } from '../../src/protocol/records/record-batch.ts'
import { FakeCluster, TOPIC_ID } from './fake-cluster.ts'
import type { FakeRequest } from './fake-cluster.ts'
import { FakeEnv } from './fake-env.ts'

const text = (value: string): Uint8Array => new TextEncoder().encode(value)

function batch(baseOffset: number, values: string[], o: { epoch?: number; producerId?: number; isTransactional?: boolean } = {}): Uint8Array {
  return buildBatch({
    baseOffset, partitionLeaderEpoch: o.epoch ?? 0, producerId: o.producerId ?? -1, producerEpoch: o.producerId === undefined ? -1 : 0,
    baseSequence: o.producerId === undefined ? -1 : 0, isTransactional: o.isTransactional ?? false,
    records: values.map(value => ({ timestamp: 5, key: null, value: text(value) })),
  })
}

interface FakeLog {
  start: number
  highWatermark: number
  batches: Uint8Array[]
  aborted?: { producerId: number; firstOffset: number }[]
}

class Bench {
  readonly env: FakeEnv
  readonly cluster: FakeCluster
  readonly consumer: Consumer
  log: FakeLog = { start: 0, highWatermark: 6, batches: [batch(0, ['a', 'b', 'c']), batch(3, ['d', 'e', 'f'])] }
  /** End offset of an epoch at the leader. */
  endOfEpoch: (epoch: number) => { leaderEpoch: number; endOffset: number } = () => ({ leaderEpoch: 0, endOffset: 1_000 })
  /** Overrides the answer to a fetch. */
  onFetch: (partition: { fetchOffset: number; currentLeaderEpoch: number }, node: number) => object | undefined = () => undefined

  constructor(config: Partial<ConsumerConfig> = {}, defects: readonly DefectId[] = []) {
    this.env = new FakeEnv(undefined, undefined, new Set(defects))
    this.cluster = new FakeCluster(this.env)
    this.cluster.handler = request => this.serve(request)
    const all = { ...DEFAULT_CONSUMER_CONFIG, clientId: 'c', bootstrapServers: ['broker-1'], autoOffsetReset: 'earliest' as const, ...config }
    this.consumer = new Consumer(this.env, all, this.cluster)
    this.consumer.assign([{ topic: 'orders', partition: 0 }])
  }

  poll(timeoutMs = 100): PollResult {
    return this.env.await(this.consumer.poll(timeoutMs))
  }

  /** Values of several polls, and what else they told. */
  drain(polls = 4): { values: string[]; resets: PollResult['resets'][number][]; errors: string[] } {
    const all = { values: [] as string[], resets: [] as PollResult['resets'][number][], errors: [] as string[] }
    for (let i = 0; i < polls; i++) {
      const { records, resets, error } = this.poll()
      for (const record of records) all.values.push(`${record.offset}=${new TextDecoder().decode(record.value!)}`)
      all.resets.push(...resets)
      if (error !== undefined) all.errors.push(error)
    }
    return all
  }

  private serve(request: FakeRequest): boolean {
    if (request.apiKey === ApiKey.ListOffsets) {
      const { timestamp } = request.body.topics[0].partitions[0]
      const offset = timestamp === -2 ? this.log.start : this.log.highWatermark
      request.respond({ topics: [{ name: 'orders', partitions: [{ partitionIndex: 0, errorCode: 0, offset, leaderEpoch: 0 }] }] })
      return true
    }
    if (request.apiKey === ApiKey.OffsetForLeaderEpoch) {
      const answer = this.endOfEpoch(request.body.topics[0].partitions[0].leaderEpoch)
      request.respond({ topics: [{ topic: 'orders', partitions: [{ partition: 0, errorCode: 0, ...answer }] }] })
      return true
    }
    if (request.apiKey === ApiKey.Fetch) {
      this.fetch(request)
      return true
    }
    return false
  }

  private fetch(request: FakeRequest): void {
    const asked = request.body.topics[0]?.partitions[0]
    if (asked === undefined) return request.respond({})
    const { log } = this
    const offset: number = asked.fetchOffset
    const isOut = offset < log.start || offset > log.highWatermark
    const from = log.batches.findIndex(each => lastOffsetOf(each, 0) >= offset)
    const data = isOut || from < 0 ? [] : log.batches.slice(from)
    const partition = {
      partitionIndex: 0, errorCode: isOut ? ErrorCode.OFFSET_OUT_OF_RANGE : 0, highWatermark: log.highWatermark,
      records: concat(data), abortedTransactions: log.aborted ?? null, ...this.onFetch(asked, request.node),
    }
    const respond = (): void => request.respond({ responses: [{ topicId: TOPIC_ID, partitions: [partition] }] })
    if (partition.records.length === 0 && partition.errorCode === 0) this.env.timer(50_000, respond)
    else respond()
  }
}

function stamped(bytes: Uint8Array, baseOffset: number): Uint8Array {
  stampOffsets(bytes, 0, baseOffset, 0)
  return bytes
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

describe('positions', () => {
  it('begin where auto.offset.reset says and tell so', () => {
    expect(new Bench().drain()).toEqual({
      values: ['0=a', '1=b', '2=c', '3=d', '4=e', '5=f'], errors: [],
      resets: [{ topic: 'orders', partition: 0, from: -1, to: 0, reason: 'initial' }],
    })
    expect(new Bench({ autoOffsetReset: 'latest' }).drain()).toMatchObject({ values: [], resets: [{ to: 6, reason: 'initial' }] })
    expect(new Bench({ autoOffsetReset: 'none' }).poll().error).toBe('NO_OFFSET_FOR_PARTITION')
  })

  it('hand out at most max.poll.records and advance by what was handed out', () => {
    const bench = new Bench({ maxPollRecords: 4 })
    bench.consumer.seek('orders', 0, 1)
    expect(bench.drain(1).values).toEqual(['1=b', '2=c', '3=d', '4=e'])
    expect(bench.env.await(bench.consumer.position('orders', 0))).toBe(5)
    expect(bench.drain(1).values).toEqual(['5=f'])
  })

  it('skip gaps: thinned batches and what they ended with', () => {
    const bench = new Bench()
    bench.log = { start: 0, highWatermark: 20, batches: [batch(2, ['a']), batch(9, ['b'])] }
    // the last batch once reached up to offset 14
    new DataView(bench.log.batches[1]!.buffer).setInt32(23, 5)
    const withoutCrc = new Bench({ checkCrcs: false })
    withoutCrc.log = bench.log
    expect(withoutCrc.drain(2).values).toEqual(['2=a', '9=b'])
    expect(withoutCrc.env.await(withoutCrc.consumer.position('orders', 0))).toBe(15)
    // with the check on the same batch is corrupt: what precedes it is handed out, then the position stays
    const checked = bench.drain(4)
    expect(checked.values).toEqual(['2=a'])
    expect(checked.errors).toContain('CORRUPT_MESSAGE')
  })

  it('are read whatever compressed them; what cannot be expanded is an error even without the check of CRCs, and no record', () => {
    const bench = new Bench({ checkCrcs: false })
    const compressed = (compression: CompressionType, offset: number): Uint8Array => buildBatch({ baseOffset: offset, partitionLeaderEpoch: 0, compression, records: [1, 2].map(n => ({ timestamp: 5, key: null, value: text(`${compression}-${n}`) })) })
    bench.log = { start: 0, highWatermark: 12, batches: [...COMPRESSION_TYPES.map((type, index) => compressed(type, 2 * index)), compressed('zstd', 10)] }
    bench.log.batches[5]![64] = 0
    const { values, errors } = bench.drain(3)
    expect(values).toEqual(COMPRESSION_TYPES.flatMap((type, index) => [`${2 * index}=${type}-1`, `${2 * index + 1}=${type}-2`]))
    expect(errors).toContain('CORRUPT_MESSAGE')
    expect(bench.env.await(bench.consumer.position('orders', 0))).toBe(10)
  })

  it('out of range on the leader: reset by policy, or an error', () => {
    const bench = new Bench()
    bench.drain()
    bench.log = { start: 10, highWatermark: 12, batches: [batch(10, ['x', 'y'])] }
    expect(bench.drain()).toEqual({
      values: ['10=x', '11=y'], errors: [], resets: [{ topic: 'orders', partition: 0, from: 6, to: 10, reason: 'out-of-range' }],
    })
    const strict = new Bench({ autoOffsetReset: 'none' })
    strict.consumer.seek('orders', 0, 99)
    expect(strict.drain(2).errors).toContain('OFFSET_OUT_OF_RANGE')
  })

  it('a seek throws away what was fetched for another position', () => {
    const bench = new Bench({ maxPollRecords: 1 })
    expect(bench.drain(2).values).toEqual(['0=a'])
    bench.consumer.seek('orders', 0, 4)
    expect(bench.drain(2).values).toEqual(['4=e', '5=f'])
    bench.consumer.seekToBeginning('orders', 0)
    expect(bench.drain(2)).toMatchObject({ values: ['0=a', '1=b'], resets: [] })
  })

  it('nothing of a paused partition is handed out, and nothing is lost by it', () => {
    const bench = new Bench({ maxPollRecords: 2 })
    expect(bench.drain(2).values).toEqual(['0=a', '1=b'])
    bench.consumer.pause('orders', 0)
    expect(bench.drain(2).values).toEqual([])
    bench.consumer.resume('orders', 0)
    expect(bench.drain(1).values).toEqual(['2=c', '3=d'])
  })
})

describe('truncation (KIP-320)', () => {
  const changeLeader = (bench: Bench): void => {
    bench.cluster.leaders[0] = { leader: 2, epoch: 3 }
    let refused = false
    bench.onFetch = (_asked, node) => {
      if (node !== 1 || refused) return undefined
      refused = true
      return { errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER, records: new Uint8Array(0) }
    }
  }

  it('goes to the end of the diverging epoch and says so', () => {
    const bench = new Bench()
    bench.drain()
    changeLeader(bench)
    bench.endOfEpoch = () => ({ leaderEpoch: 0, endOffset: 4 })
    bench.log = { start: 0, highWatermark: 6, batches: [batch(0, ['a', 'b', 'c']), batch(3, ['d']), batch(4, ['E', 'F'], { epoch: 3 })] }
    expect(bench.drain(8)).toEqual({
      values: ['4=E', '5=F'], errors: [], resets: [{ topic: 'orders', partition: 0, from: 6, to: 4, reason: 'truncation' }],
    })
    expect(bench.env.observed('client-truncation-detected')).toMatchObject([{ position: 6, divergence: 4 }])
  })

  it('goes unseen under KAFKA-7747: the consumer goes on in other data', () => {
    const bench = new Bench({}, ['KAFKA-7747'])
    bench.drain()
    changeLeader(bench)
    bench.endOfEpoch = () => ({ leaderEpoch: 0, endOffset: 4 })
    bench.log = { start: 0, highWatermark: 7, batches: [batch(0, ['a', 'b', 'c']), batch(3, ['d']), batch(4, ['E', 'F', 'G'], { epoch: 3 })] }
    expect(bench.drain(8)).toEqual({ values: ['6=G'], errors: [], resets: [] })
  })

  it('goes on where it was if the new leader has everything', () => {
    const bench = new Bench()
    bench.drain()
    changeLeader(bench)
    bench.log = { ...bench.log, highWatermark: 7, batches: [...bench.log.batches, batch(6, ['g'], { epoch: 3 })] }
    expect(bench.drain(8)).toEqual({ values: ['6=g'], errors: [], resets: [] })
    expect(bench.cluster.of(ApiKey.OffsetForLeaderEpoch)).toHaveLength(1)
  })

  it('is an error without a reset policy', () => {
    const bench = new Bench({ autoOffsetReset: 'none' })
    bench.consumer.seek('orders', 0, 0)
    expect(bench.drain().values).toHaveLength(6)
    changeLeader(bench)
    bench.endOfEpoch = () => ({ leaderEpoch: 0, endOffset: 4 })
    expect(bench.drain(6).errors).toContain('LOG_TRUNCATION')
  })

  it('resets by policy when the leader does not know the epoch any more', () => {
    const bench = new Bench()
    bench.drain()
    changeLeader(bench)
    bench.endOfEpoch = () => ({ leaderEpoch: -1, endOffset: -1 })
    expect(bench.drain(4).resets).toEqual([{ topic: 'orders', partition: 0, from: 6, to: 0, reason: 'truncation' }])
  })

  it.each([-1, 0])('drops the answer about a position that has moved (to one of epoch %i)', epoch => {
    const bench = new Bench()
    bench.drain()
    changeLeader(bench)
    let hasMoved = false
    bench.endOfEpoch = () => {
      if (!hasMoved) bench.consumer.seek('orders', 0, 3, epoch)
      const answer = { leaderEpoch: 0, endOffset: hasMoved ? 6 : 2 }
      hasMoved = true
      return answer
    }
    const { values, resets } = bench.drain(20)
    expect(resets).toEqual([])
    expect(values[0]).toBe('3=d')
  })
})

describe('isolation', () => {
  const aborted = (): FakeLog => ({
    start: 0,
    highWatermark: 9,
    aborted: [{ producerId: 5, firstOffset: 1 }],
    batches: [
      batch(0, ['before'], { producerId: 5, isTransactional: true }),
      batch(1, ['gone'], { producerId: 5, isTransactional: true }),
      batch(2, ['other'], { producerId: 6, isTransactional: true }),
      batch(3, ['plain']),
      marker(4, 5, 'ABORT'),
      batch(5, ['after'], { producerId: 5, isTransactional: true }),
      marker(6, 5, 'COMMIT'),
      marker(7, 6, 'COMMIT'),
    ],
  })
  const marker = (baseOffset: number, producerId: number, type: 'ABORT' | 'COMMIT'): Uint8Array => (
    stamped(buildEndTxnMarker({ producerId, producerEpoch: 0, commit: type === 'COMMIT', coordinatorEpoch: 0, timestamp: 5 }), baseOffset)
  )

  it('read_committed leaves out aborted transactions only; nobody sees markers', () => {
    const committed = new Bench({ isolationLevel: 'read_committed' })
    committed.log = aborted()
    expect(committed.drain().values).toEqual(['0=before', '2=other', '3=plain', '5=after'])
    expect(committed.env.await(committed.consumer.position('orders', 0))).toBe(8)
    expect(committed.cluster.of(ApiKey.Fetch)[0]!.body.isolationLevel).toBe(1)
    const all = new Bench()
    all.log = aborted()
    expect(all.drain().values).toEqual(['0=before', '1=gone', '2=other', '3=plain', '5=after'])
  })
})

describe('follower reads (KIP-392)', () => {
  it('go where the leader says until metadata.max.age, and back to the leader before believing out of range', () => {
    const bench = new Bench({ clientRack: 'r2', metadataMaxAgeMs: 2_000 })
    let isBehind = true
    bench.onFetch = (_asked, node) => {
      if (node === 1) return { preferredReadReplica: 2, records: new Uint8Array(0) }
      return isBehind ? { errorCode: ErrorCode.OFFSET_OUT_OF_RANGE, records: new Uint8Array(0) } : undefined
    }
    const first = bench.drain(8)
    expect(first).toMatchObject({ values: [], errors: [], resets: [{ reason: 'initial' }] })
    expect(new Set(bench.cluster.of(ApiKey.Fetch).map(request => request.node))).toEqual(new Set([1, 2]))
    expect(bench.cluster.of(ApiKey.Fetch)[0]!.body.rackId).toBe('r2')
    isBehind = false
    expect(bench.drain(4).values).toHaveLength(6)
    bench.env.run(2_100)
    const before = bench.cluster.of(ApiKey.Fetch).length
    bench.drain(2)
    expect(bench.cluster.of(ApiKey.Fetch).slice(before).map(request => request.node)).toContain(1)
  })
})

describe('fetch sessions (KIP-227)', () => {
  const target = (partition: number, fetchOffset: number): FetchTarget => (
    { key: `orders-${partition}`, topic: 'orders', topicId: TOPIC_ID, partition, fetchOffset, currentLeaderEpoch: 0, lastFetchedEpoch: -1, logStartOffset: -1 }
  )
  const keys = (...partitions: number[]): string[] => partitions.map(partition => `orders-${partition}`)
  const response = (sessionId: number, errorCode: number = ErrorCode.NONE): FetchResponse => (
    { throttleTimeMs: 0, errorCode, sessionId, responses: [], nodeEndpoints: [] }
  )
  const partitionsOf = (topics: unknown): unknown[] => (topics as { partitions: unknown[] }[]).flatMap(topic => topic.partitions)

  it('send everything first, then what changed and what is not wanted any more', () => {
    const session = new FetchSessionHandler()
    const first = session.request([target(0, 0), target(1, 0)], 100)
    expect(first).toMatchObject({ sessionId: 0, sessionEpoch: 0 })
    expect(partitionsOf(first.topics)).toHaveLength(2)
    expect(session.accept(response(9), keys(0, 1))).toBe(true)
    const second = session.request([target(0, 5)], 100)
    expect(second).toMatchObject({ sessionId: 9, sessionEpoch: 1 })
    expect(partitionsOf(second.topics)).toMatchObject([{ partition: 0, fetchOffset: 5 }])
    expect(partitionsOf(second.forgottenTopicsData)).toEqual([1])
    expect(session.accept(response(9), keys())).toBe(true)
    const third = session.request([target(0, 5)], 100)
    expect(third.sessionEpoch).toBe(2)
    expect(partitionsOf(third.topics)).toEqual([])
  })

  it('begin anew when the broker has lost or mistrusts the session, or keeps none', () => {
    const session = new FetchSessionHandler()
    session.request([target(0, 0)], 100)
    session.accept(response(9), keys(0))
    session.request([target(0, 1)], 100)
    expect(session.accept(response(0, ErrorCode.INVALID_FETCH_SESSION_EPOCH), keys())).toBe(false)
    expect(session.request([target(0, 1)], 100)).toMatchObject({ sessionId: 9, sessionEpoch: 0 })
    expect(session.accept(response(10), keys(0))).toBe(true)
    session.request([target(0, 2)], 100)
    expect(session.accept(response(0, ErrorCode.FETCH_SESSION_ID_NOT_FOUND), keys())).toBe(false)
    expect(partitionsOf(session.request([target(0, 2)], 100).topics)).toHaveLength(1)
    expect(session.accept(response(0), keys(0))).toBe(true)
    expect(session.request([target(0, 2)], 100)).toMatchObject({ sessionId: 0, sessionEpoch: 0 })
  })

  it('ignore an answer about partitions that were not asked', () => {
    const session = new FetchSessionHandler()
    session.request([target(0, 0)], 100)
    expect(session.accept(response(9), keys(0, 1))).toBe(false)
    session.request([target(0, 0), target(1, 0)], 100)
    expect(session.accept(response(9), keys(0))).toBe(false)
  })
})
