/** What a producer sends again, in which order, and when an idempotent one takes a new epoch. */
import { describe, expect, it } from 'vitest'
import type { Future } from '../../src/base/task.ts'
import { Producer } from '../../src/client/producer.ts'
import type { SendResult } from '../../src/client/send-result.ts'
import { DEFAULT_PRODUCER_CONFIG } from '../../src/config/client.ts'
import type { DefectId, Mends } from '../../src/config/defects.ts'
import { ApiKey } from '../../src/protocol/api-keys.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import { producerIdOf, recordCountOf } from '../../src/protocol/records/record-batch.ts'
import { FakeCluster, TOPIC_ID } from './fake-cluster.ts'
import { FakeEnv } from './fake-env.ts'
import { answer, batchesOf, PLAIN, ProducerBench, text } from './producer-bench.ts'

describe('retries', () => {
  it('keep sequence and order with five in flight; OUT_OF_ORDER behind a failed batch is simply retried', () => {
    const bench = new ProducerBench()
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
    const bench = new ProducerBench()
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
    const bench = new ProducerBench()
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
    const bench = new ProducerBench()
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
    const bench = new ProducerBench({ ...PLAIN, maxInFlightRequestsPerConnection: 1, deliveryTimeoutMs: 1_000_000 })
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
    const bench = new ProducerBench(PLAIN)
    bench.sendAlone('a')
    bench.sendAlone('b')
    const [a, b] = bench.produces
    answer(b!, ErrorCode.NONE, 1)
    answer(a!, ErrorCode.NOT_ENOUGH_REPLICAS)
    bench.env.run(500)
    expect(bench.written).toEqual(['a@-1:-1', 'b@-1:-1', 'a@-1:-1'])
  })

  it('split a batch that is too large, and fail a single record that is', () => {
    const bench = new ProducerBench()
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
    const bench = new ProducerBench()
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
    const bench = new ProducerBench({}, { partitions: 2, defects: new Set(defects) })
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
    const bench = new ProducerBench({ deliveryTimeoutMs: 500, requestTimeoutMs: 300 }, { partitions: 2 })
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
    const bench = new ProducerBench({ deliveryTimeoutMs: 300, requestTimeoutMs: 200 })
    bench.sendAlone('a')
    bench.produces[0]!.fail('disconnected')
    bench.env.run(400)
    bench.sendAlone('b')
    expect(bench.written.at(-1)).toBe('b@1:0')
  })

  it('renumber a batch that may be in the log, as Java does (KAFKA-14034), unless that is mended', () => {
    const story = (mends: Mends): { bench: ProducerBench; b: Future<SendResult> } => {
      const bench = new ProducerBench({}, { mends })
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
    const bench = new ProducerBench()
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
