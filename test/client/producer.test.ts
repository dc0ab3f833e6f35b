import { describe, expect, it } from 'vitest'
import type { Future } from '../../src/base/task.ts'
import { Producer } from '../../src/client/producer.ts'
import type { SendResult } from '../../src/client/send-result.ts'
import { DEFAULT_PRODUCER_CONFIG } from '../../src/config/client.ts'
import type { ProducerConfig } from '../../src/config/client.ts'
import type { DefectId, Defects, Mends } from '../../src/config/defects.ts'
import { ApiKey } from '../../src/protocol/api-keys.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import { baseSequenceOf, producerEpochOf, producerIdOf, readRecords, recordCountOf } from '../../src/protocol/records/record-batch.ts'
import { FakeCluster, TOPIC_ID } from './fake-cluster.ts'
import type { FakeRequest } from './fake-cluster.ts'
import { FakeEnv } from './fake-env.ts'

const text = (value: string): Uint8Array => new TextEncoder().encode(value)

interface Written {
  readonly partition: number
  readonly values: string[]
  readonly epoch: number
  readonly sequence: number
  readonly records: Uint8Array
}

function batchesOf(request: FakeRequest): Written[] {
  return request.body.topicData.flatMap((topic: { partitionData: { index: number; records: Uint8Array }[] }) => (
    topic.partitionData.map(({ index, records }) => ({
      partition: index,
      values: readRecords(records, 0).map(record => new TextDecoder().decode(record.value!).trim()),
      epoch: producerEpochOf(records, 0),
      sequence: baseSequenceOf(records, 0),
      records,
    }))
  ))
}

/** Answers every partition of a produce request alike. */
function answer(request: FakeRequest, errorCode: number, baseOffset = -1): void {
  request.respond({
    responses: [{
      name: 'orders',
      topicId: TOPIC_ID,
      partitionResponses: batchesOf(request).map(({ partition }) => ({ index: partition, errorCode, baseOffset, logAppendTimeMs: -1, logStartOffset: 0 })),
    }],
  })
}

class Bench {
  readonly env: FakeEnv
  readonly cluster: FakeCluster
  readonly producer: Producer

  constructor(config: Partial<ProducerConfig> = {}, { partitions = 1, mends, defects }: { partitions?: number; mends?: Mends; defects?: Defects } = {}) {
    this.env = new FakeEnv(mends, undefined, defects)
    this.cluster = new FakeCluster(this.env, partitions)
    const all = { ...DEFAULT_PRODUCER_CONFIG, clientId: 'p', bootstrapServers: ['broker-1'], ...config }
    this.cluster.maxInFlight = all.maxInFlightRequestsPerConnection
    this.producer = new Producer(this.env, all, this.cluster)
    this.send('warm-up', { partition: 0 })
    this.env.run(5)
    this.env.spawn('flush', this.producer.flush())
    this.env.run(20)
    for (const request of this.produces) if (all.acks !== 0) answer(request, ErrorCode.NONE, 0)
    this.env.run(50)
    this.cluster.requests.length = 0
  }

  send(value: string, extra: { partition?: number; key?: string } = { partition: 0 }): Future<SendResult> {
    const { key, ...rest } = extra
    return this.producer.send({ topic: 'orders', key: key === undefined ? null : text(key), value: text(value), ...rest })
  }

  /** Sends in a batch of its own: its own turn of the sender. */
  sendAlone(value: string, partition = 0): Future<SendResult> {
    const future = this.send(value, { partition })
    this.env.run(10)
    return future
  }

  get produces(): FakeRequest[] {
    return this.cluster.of(ApiKey.Produce)
  }

  get written(): string[] {
    return this.produces.flatMap(request => batchesOf(request).map(({ values, epoch, sequence }) => `${values.join('+')}@${epoch}:${sequence}`))
  }
}

const PLAIN: Partial<ProducerConfig> = { enableIdempotence: false }

describe('batching', () => {
  it('gathers what comes within linger.ms and sends it as one batch', () => {
    const bench = new Bench({ lingerMs: 20 })
    const sentAt = bench.env.now()
    bench.send('a')
    bench.env.run(15)
    bench.send('b')
    expect(bench.written).toEqual([])
    bench.env.run(10)
    expect(bench.written).toEqual(['a+b@0:1'])
    expect(bench.produces[0]!.at - sentAt).toBeGreaterThanOrEqual(20_000)
  })

  it('sends a full batch at once', () => {
    const bench = new Bench({ lingerMs: 10_000, batchSize: 200 })
    for (const value of ['a', 'b', 'c']) bench.send(value.padEnd(50))
    bench.env.run(5)
    expect(bench.written).toEqual(['a+b@0:1'])
  })

  it('sends what lingers when flushed, and flush waits for the results', () => {
    const bench = new Bench({ lingerMs: 10_000 })
    const result = bench.send('a')
    bench.cluster.handler = request => request.apiKey === ApiKey.Produce && (answer(request, ErrorCode.NONE, 5), true)
    bench.env.await(bench.producer.flush(), 100)
    expect(result.result()).toMatchObject({ ok: true, offset: 5, partition: 0 })
  })

  it('keeps to max.request.size by making several requests', () => {
    const bench = new Bench({ batchSize: 400, maxRequestSize: 600 }, { partitions: 2 })
    bench.send('a'.padEnd(290), { partition: 0 })
    bench.send('b'.padEnd(290), { partition: 1 })
    bench.env.run(20)
    expect(bench.produces.map(request => batchesOf(request).length)).toEqual([1, 1])
  })

  it('waits for memory at most max.block.ms and says that nothing was written', () => {
    const bench = new Bench({ batchSize: 500, bufferMemory: 1_000, maxRequestSize: 1_000, maxBlockMs: 100 })
    bench.cluster.handler = () => true
    const futures = [0, 1, 2].map(i => bench.send(`${i}`.padEnd(450)))
    bench.env.run(90)
    expect(futures[2]!.isSettled).toBe(false)
    bench.env.run(20)
    expect(futures[2]!.result()).toMatchObject({ ok: false, error: 'TIMEOUT', definite: true })
    expect(futures[0]!.isSettled).toBe(false)
  })
})

describe('partitioners', () => {
  it('hashes keys with murmur2', () => {
    const bench = new Bench({}, { partitions: 10 })
    bench.send('x', { key: '21' })
    bench.env.run(20)
    // murmur2('21') is -973932308 (Kafka's UtilsTest); cleared of its sign: 1173551340
    expect(batchesOf(bench.produces[0]!)[0]!.partition).toBe(1_173_551_340 % 10)
  })

  it('stays on one partition without keys until batch.size bytes, then moves', () => {
    const bench = new Bench({ batchSize: 300, lingerMs: 0 }, { partitions: 8 })
    const partitions: number[] = []
    bench.cluster.handler = request => {
      if (request.apiKey !== ApiKey.Produce) return false
      for (const batch of batchesOf(request)) partitions.push(...batch.values.map(() => batch.partition))
      answer(request, ErrorCode.NONE, 0)
      return true
    }
    for (let i = 0; i < 24; i++) {
      bench.send('x'.padEnd(50), {})
      bench.env.run(5)
    }
    const runs = partitions.filter((partition, i) => partition !== partitions[i - 1]).length
    expect(partitions).toHaveLength(24)
    expect(runs).toBeGreaterThan(2)
    expect(runs).toBeLessThan(14)
  })

  it('goes round the partitions, keys or not, when told to', () => {
    const bench = new Bench({ partitioner: 'round-robin' }, { partitions: 3 })
    const partitions = ['a', 'b', 'c', 'd'].map(key => {
      bench.send(key, { key })
      bench.env.run(20)
      return batchesOf(bench.produces.at(-1)!)[0]!.partition
    })
    expect(partitions).toEqual([0, 1, 2, 0])
  })
})

describe('retries', () => {
  it('keep sequence and order with five in flight; OUT_OF_ORDER behind a failed batch is simply retried', () => {
    const bench = new Bench()
    const results = ['a', 'b', 'c'].map(value => bench.sendAlone(value))
    expect(bench.written).toEqual(['a@0:1', 'b@0:2', 'c@0:3'])
    const [a, b, c] = bench.produces
    const log: string[] = []
    bench.cluster.handler = request => {
      if (request.apiKey !== ApiKey.Produce) return false
      log.push(...batchesOf(request).map(({ values, epoch, sequence }) => `${values.join('+')}@${epoch}:${sequence}`))
      answer(request, ErrorCode.NONE, log.length)
      return true
    }
    // the later ones are answered first
    answer(c!, ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
    answer(b!, ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
    answer(a!, ErrorCode.NOT_ENOUGH_REPLICAS)
    bench.env.run(2_000)
    expect(log).toEqual(['a@0:1', 'b@0:2', 'c@0:3'])
    expect(results.map(result => result.result().ok)).toEqual([true, true, true])
    expect(bench.env.observed('client-epoch-bump')).toEqual([])
    expect(bench.env.observed('client-retry').map(({ baseSequence, attempt }) => [baseSequence, attempt])).toEqual([[3, 1], [2, 1], [1, 1]])
  })

  it('wait for older batches of the partition, in whatever order the answers come', () => {
    const bench = new Bench()
    for (const value of ['a', 'b', 'c']) bench.sendAlone(value)
    const [a, b, c] = bench.produces
    answer(b!, ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
    bench.env.run(500)
    expect(bench.written).toHaveLength(3)
    answer(a!, ErrorCode.NOT_ENOUGH_REPLICAS)
    answer(c!, ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
    bench.env.run(500)
    expect(bench.written.slice(3)).toEqual(['a@0:1'])
    answer(bench.produces[3]!, ErrorCode.NONE, 1)
    bench.env.run(500)
    expect(bench.written.slice(3)).toEqual(['a@0:1', 'b@0:2'])
  })

  it('back off exponentially, and go to a new leader at once', () => {
    const bench = new Bench()
    bench.cluster.handler = request => request.apiKey === ApiKey.Produce && (answer(request, ErrorCode.NOT_ENOUGH_REPLICAS), true)
    bench.send('a')
    bench.env.run(1_000)
    const gaps = bench.produces.slice(1).map((request, i) => (request.at - bench.produces[i]!.at) / 1000)
    expect(gaps[0]).toBeGreaterThanOrEqual(80)
    expect(gaps[1]).toBeGreaterThan(gaps[0]! * 1.3)
    const before = bench.env.now()
    bench.cluster.handler = request => {
      if (request.apiKey !== ApiKey.Produce) return false
      if (request.node === 2) answer(request, ErrorCode.NONE, 9)
      else {
        bench.cluster.leaders[0] = { leader: 2, epoch: 1 }
        answer(request, ErrorCode.NOT_LEADER_OR_FOLLOWER)
      }
      return true
    }
    bench.env.run(3_000)
    const [old, moved] = bench.produces.filter(request => request.at > before)
    expect([old!.node, moved!.node]).toEqual([1, 2])
    expect(moved!.at - old!.at).toBeLessThan(150_000)
  })

  it('follow the leader named in the error without waiting for metadata (KIP-951)', () => {
    const bench = new Bench()
    bench.cluster.handler = request => {
      if (request.apiKey === ApiKey.Metadata) return true
      if (request.apiKey !== ApiKey.Produce || request.node === 3) return false
      request.respond({
        responses: [{
          name: 'orders', topicId: TOPIC_ID,
          partitionResponses: [{ index: 0, errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER, baseOffset: -1, currentLeader: { leaderId: 3, leaderEpoch: 4 } }],
        }],
        nodeEndpoints: [{ nodeId: 3, host: 'broker-3', port: 9092 }],
      })
      return true
    }
    bench.send('a')
    bench.env.run(50)
    expect(bench.produces.map(request => request.node)).toEqual([1, 3])
  })

  it('without idempotence and with one in flight, mute the partition so that order stays', () => {
    const bench = new Bench({ ...PLAIN, maxInFlightRequestsPerConnection: 1, deliveryTimeoutMs: 1_000_000 })
    const log: string[] = []
    let failures = 1
    bench.cluster.handler = request => {
      if (request.apiKey !== ApiKey.Produce) return false
      if (failures-- > 0) answer(request, ErrorCode.NOT_ENOUGH_REPLICAS)
      else {
        log.push(...batchesOf(request).flatMap(({ values }) => values))
        answer(request, ErrorCode.NONE, log.length)
      }
      return true
    }
    bench.send('a')
    bench.env.run(7)
    bench.send('b')
    bench.env.run(1_000)
    expect(log).toEqual(['a', 'b'])
    // nor does a batch overtake one that is on its way to an earlier leader
    bench.cluster.handler = request => request.apiKey === ApiKey.Produce
    bench.sendAlone('c')
    bench.cluster.leaders[0] = { leader: 2, epoch: 1 }
    bench.env.run(300_000)
    const before = bench.written.length
    bench.sendAlone('d')
    expect(bench.written).toHaveLength(before)
  })

  it('without idempotence and with several in flight may reorder', () => {
    const bench = new Bench(PLAIN)
    bench.sendAlone('a')
    bench.sendAlone('b')
    const [a, b] = bench.produces
    answer(b!, ErrorCode.NONE, 1)
    answer(a!, ErrorCode.NOT_ENOUGH_REPLICAS)
    bench.env.run(500)
    expect(bench.written).toEqual(['a@-1:-1', 'b@-1:-1', 'a@-1:-1'])
  })

  it('split a batch that is too large, and fail a single record that is', () => {
    const bench = new Bench()
    const results = ['a', 'b', 'c', 'd'].map(value => bench.send(value.padEnd(100)))
    bench.cluster.handler = request => {
      if (request.apiKey !== ApiKey.Produce) return false
      const [batch] = batchesOf(request)
      if (recordCountOf(batch!.records, 0) > 1 || batch!.values[0] === 'd') answer(request, ErrorCode.MESSAGE_TOO_LARGE)
      else answer(request, ErrorCode.NONE, batch!.sequence)
      return true
    }
    bench.env.run(2_000)
    expect(results.slice(0, 3).map(each => each.result())).toMatchObject([1, 2, 3].map(offset => ({ ok: true, offset })))
    expect(results[3]!.result()).toMatchObject({ ok: false, error: 'MESSAGE_TOO_LARGE', definite: true })
  })
})

describe('epoch bumps', () => {
  it('follow a proven gap: the batch that is next was refused', () => {
    const bench = new Bench()
    const result = bench.sendAlone('a')
    answer(bench.produces[0]!, ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
    bench.env.run(500)
    expect(bench.written).toEqual(['a@0:1', 'a@1:0'])
    expect(bench.env.observed('client-epoch-bump')).toMatchObject([{ producerId: 7, producerEpoch: 1 }])
    expect(bench.env.observed('client-renumbered')).toEqual([])
    answer(bench.produces[1]!, ErrorCode.NONE, 3)
    bench.env.run(10)
    expect(result.result()).toMatchObject({ ok: true, offset: 3 })
  })

  it.each<[string, readonly DefectId[], readonly string[]]>([
    ['do not follow a refusal that proves nothing: what comes before has no answer yet', [], []],
    ['follow any refusal with KAFKA-14034, and a batch that was written elsewhere gets new numbers', ['KAFKA-14034'], ['a@1:0', 'b@1:1', 'elsewhere@1:0']],
  ])('%s', (_, defects, renumbered) => {
    const bench = new Bench({}, { partitions: 2, defects: new Set(defects) })
    bench.sendAlone('elsewhere', 1)
    bench.sendAlone('a')
    bench.sendAlone('b')
    const [elsewhere, a, b] = bench.produces
    answer(b!, ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
    bench.env.run(20)
    elsewhere!.fail('disconnected')
    answer(a!, ErrorCode.NOT_ENOUGH_REPLICAS)
    bench.env.run(500)
    for (const again of bench.produces.slice(3)) answer(again, ErrorCode.NONE, 3)
    bench.env.run(500)
    expect(bench.written.slice(3).filter(each => each.includes('@1:'))).toEqual(renumbered)
    expect(bench.env.observed('client-renumbered')).toEqual([])
  })

  it('follow the expiry of a retried batch once nothing else is in flight, and other partitions follow when they are drained', () => {
    const bench = new Bench({ deliveryTimeoutMs: 500, requestTimeoutMs: 300 }, { partitions: 2 })
    const lost = bench.sendAlone('a')
    bench.produces[0]!.fail('disconnected')
    bench.cluster.handler = request => request.apiKey === ApiKey.Produce
    bench.env.run(200)
    const other = bench.sendAlone('x', 1)
    const second = bench.sendAlone('b')
    expect(bench.written).toEqual(['a@0:1', 'a@0:1', 'x@0:0', 'b@0:2'])
    bench.env.run(300)
    expect(lost.result()).toMatchObject({ ok: false, error: 'TIMEOUT', definite: false })
    // while the fate of `b` is open nothing new may follow it
    const third = bench.sendAlone('c')
    expect(bench.written).toHaveLength(4)
    answer(bench.produces[3]!, ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
    bench.env.run(150)
    expect(bench.env.observed('client-epoch-bump')).toHaveLength(1)
    expect(bench.written.slice(4)).toEqual(['b@1:0', 'c@1:1'])
    answer(bench.produces[4]!, ErrorCode.NONE, 8)
    answer(bench.produces[5]!, ErrorCode.NONE, 9)
    // the other partition stays under the old epoch until nothing of it is in flight
    bench.sendAlone('y', 1)
    expect(bench.written).toHaveLength(6)
    answer(bench.produces[2]!, ErrorCode.NONE, 1)
    bench.env.run(10)
    expect([second, third, other].map(each => each.result().ok)).toEqual([true, true, true])
    expect(bench.written.at(-1)).toBe('y@1:0')
  })

  it('follow an expiry after which nothing is in flight', () => {
    const bench = new Bench({ deliveryTimeoutMs: 300, requestTimeoutMs: 200 })
    bench.sendAlone('a')
    bench.produces[0]!.fail('disconnected')
    bench.env.run(400)
    bench.sendAlone('b')
    expect(bench.written.at(-1)).toBe('b@1:0')
  })

  it('renumber a batch that may be in the log, as Java does (KAFKA-14034), unless that is mended', () => {
    const story = (mends: Mends): { bench: Bench; b: Future<SendResult> } => {
      const bench = new Bench({}, { mends })
      bench.sendAlone('a')
      const b = bench.sendAlone('b')
      const [first, second] = bench.produces
      // `b` was written but its answer is lost; then `a` turns out to be refused as a gap
      second!.fail('disconnected')
      answer(first!, ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
      bench.cluster.handler = request => request.apiKey === ApiKey.Produce && (answer(request, ErrorCode.NONE, 0), true)
      bench.env.run(1_000)
      return { bench, b }
    }
    const faithful = story(new Set())
    expect(faithful.bench.written).toEqual(['a@0:1', 'b@0:2', 'a@1:0', 'b@1:1'])
    expect(faithful.bench.env.observed('client-renumbered')).toMatchObject([{ fromEpoch: 0, fromSequence: 2, toEpoch: 1, toSequence: 1 }])
    expect(faithful.b.result()).toMatchObject({ ok: true })

    const mended = story(new Set(['KAFKA-14034']))
    expect(mended.bench.written).toEqual(['a@0:1', 'b@0:2', 'a@1:0'])
    expect(mended.bench.env.observed('client-renumbered')).toEqual([])
    expect(mended.b.result()).toMatchObject({ ok: false, definite: false })
    mended.bench.sendAlone('c')
    expect(mended.bench.written.at(-1)).toBe('c@1:1')
  })

  it('DUPLICATE_SEQUENCE_NUMBER counts as success without an offset', () => {
    const bench = new Bench()
    const result = bench.sendAlone('a')
    answer(bench.produces[0]!, ErrorCode.DUPLICATE_SEQUENCE_NUMBER)
    bench.env.run(10)
    expect(result.result()).toMatchObject({ ok: true, offset: -1 })
  })

  it('asks again for a producer id while the answer is retriable, and stamps batches with it', () => {
    const env = new FakeEnv()
    const cluster = new FakeCluster(env)
    let refusals = 2
    cluster.handler = request => {
      if (request.apiKey !== ApiKey.InitProducerId || refusals-- <= 0) return false
      request.respond({ errorCode: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, producerId: -1, producerEpoch: -1 })
      return true
    }
    const producer = new Producer(env, { ...DEFAULT_PRODUCER_CONFIG, bootstrapServers: ['broker-1'] }, cluster)
    producer.send({ topic: 'orders', key: null, value: text('a') })
    env.run(1_000)
    expect(cluster.of(ApiKey.InitProducerId)).toHaveLength(3)
    expect(producerIdOf(batchesOf(cluster.of(ApiKey.Produce)[0]!)[0]!.records, 0)).toBe(7)
  })
})

describe('outcomes', () => {
  it('acks=0 is done when sent, without an offset', () => {
    const bench = new Bench({ ...PLAIN, acks: 0 })
    const result = bench.sendAlone('a')
    bench.env.run(5)
    expect(result.result()).toMatchObject({ ok: true, offset: -1 })
  })

  const once = { ...PLAIN, retries: 0 }
  const table: readonly [string, number | 'timeout' | 'disconnected', boolean][] = [
    ['MESSAGE_TOO_LARGE', ErrorCode.MESSAGE_TOO_LARGE, true],
    ['NOT_ENOUGH_REPLICAS', ErrorCode.NOT_ENOUGH_REPLICAS, true],
    ['INVALID_TIMESTAMP', ErrorCode.INVALID_TIMESTAMP, true],
    ['INVALID_PRODUCER_EPOCH', ErrorCode.INVALID_PRODUCER_EPOCH, true],
    ['NOT_ENOUGH_REPLICAS_AFTER_APPEND', ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND, false],
    ['REQUEST_TIMED_OUT', ErrorCode.REQUEST_TIMED_OUT, false],
    ['NOT_LEADER_OR_FOLLOWER', ErrorCode.NOT_LEADER_OR_FOLLOWER, false],
    ['UNKNOWN_SERVER_ERROR', ErrorCode.UNKNOWN_SERVER_ERROR, false],
    ['DISCONNECTED', 'disconnected', false],
    ['REQUEST_TIMED_OUT', 'timeout', false],
  ]
  it.each(table)('%s on a first attempt (%s): definite is %s', (error, code, definite) => {
    const bench = new Bench(once)
    const result = bench.sendAlone('a')
    if (typeof code === 'string') bench.produces[0]!.fail(code)
    else answer(bench.produces[0]!, code)
    bench.env.run(10)
    expect(result.result()).toEqual({ ok: false, topic: 'orders', partition: 0, error, definite })
  })

  it('no error is definite after an attempt whose fate is unknown', () => {
    const bench = new Bench({ ...PLAIN, retries: 1 })
    const result = bench.sendAlone('a')
    bench.produces[0]!.fail('timeout')
    bench.env.run(500)
    answer(bench.produces[1]!, ErrorCode.NOT_ENOUGH_REPLICAS)
    bench.env.run(10)
    expect(result.result()).toMatchObject({ ok: false, error: 'NOT_ENOUGH_REPLICAS', definite: false })
  })

  it('a batch that expires unsent was certainly not written; one that expires on the wire may have been', () => {
    const bench = new Bench({ deliveryTimeoutMs: 300, requestTimeoutMs: 200, maxInFlightRequestsPerConnection: 1 })
    const onTheWire = bench.sendAlone('a')
    const unsent = bench.sendAlone('b')
    bench.env.run(500)
    expect(onTheWire.result()).toMatchObject({ ok: false, error: 'TIMEOUT', definite: false })
    expect(unsent.result()).toMatchObject({ ok: false, error: 'TIMEOUT', definite: true })
  })

  it('a request that never left is no attempt: the batch follows the leader and stays definite', () => {
    const bench = new Bench({ deliveryTimeoutMs: 400, requestTimeoutMs: 100 })
    const result = bench.sendAlone('a')
    bench.cluster.handler = request => request.apiKey === ApiKey.Produce && (request.fail('disconnected', false), true)
    bench.produces[0]!.fail('disconnected', false)
    bench.env.run(600)
    expect(result.result()).toMatchObject({ ok: false, error: 'TIMEOUT', definite: true })
  })

  it('close gives what is left its results', () => {
    const bench = new Bench()
    const result = bench.sendAlone('a')
    bench.env.await(bench.producer.close(100), 200)
    expect(result.result()).toMatchObject({ ok: false, error: 'PRODUCER_CLOSED', definite: false })
    expect(bench.send('b').result()).toMatchObject({ ok: false, error: 'PRODUCER_CLOSED', definite: true })
  })

  it('refuses idempotence that cannot hold', () => {
    expect(() => new Bench({ acks: 1 })).toThrow(/acks=all/)
    expect(() => new Bench({ maxInFlightRequestsPerConnection: 6 })).toThrow(/at most 5/)
  })
})
