/** What a producer gathers, where it sends it, and what it says became of it. */
import { describe, expect, it } from 'vitest'
import { ApiKey } from '../../src/protocol/api-keys.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import { answer, batchesOf, PLAIN, ProducerBench } from './producer-bench.ts'

describe('batching', () => {
  it('gathers what comes within linger.ms and sends it as one batch', () => {
    const bench = new ProducerBench({ lingerMs: 20 })
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
    const bench = new ProducerBench({ lingerMs: 10_000, batchSize: 200 })
    for (const value of ['a', 'b', 'c']) bench.send(value.padEnd(50))
    bench.env.run(5)
    expect(bench.written).toEqual(['a+b@0:1'])
  })

  it('sends what lingers when flushed, and flush waits for the results', () => {
    const bench = new ProducerBench({ lingerMs: 10_000 })
    const result = bench.send('a')
    bench.cluster.handler = request => request.apiKey === ApiKey.Produce && (answer(request, ErrorCode.NONE, 5), true)
    bench.env.await(bench.producer.flush(), 100)
    expect(result.result()).toMatchObject({ ok: true, offset: 5, partition: 0 })
  })

  it('keeps to max.request.size by making several requests', () => {
    const bench = new ProducerBench({ batchSize: 400, maxRequestSize: 600 }, { partitions: 2 })
    bench.send('a'.padEnd(290), { partition: 0 })
    bench.send('b'.padEnd(290), { partition: 1 })
    bench.env.run(20)
    expect(bench.produces.map(request => batchesOf(request).length)).toEqual([1, 1])
  })

  it('waits for memory at most max.block.ms and says that nothing was written', () => {
    const bench = new ProducerBench({ batchSize: 500, bufferMemory: 1_000, maxRequestSize: 1_000, maxBlockMs: 100 })
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
    const bench = new ProducerBench({}, { partitions: 10 })
    bench.send('x', { key: '21' })
    bench.env.run(20)
    // murmur2('21') is -973932308 (Kafka's UtilsTest); cleared of its sign: 1173551340
    expect(batchesOf(bench.produces[0]!)[0]!.partition).toBe(1_173_551_340 % 10)
  })

  it('stays on one partition without keys until batch.size bytes, then moves', () => {
    const bench = new ProducerBench({ batchSize: 300, lingerMs: 0 }, { partitions: 8 })
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
    const bench = new ProducerBench({ partitioner: 'round-robin' }, { partitions: 3 })
    const partitions = ['a', 'b', 'c', 'd'].map(key => {
      bench.send(key, { key })
      bench.env.run(20)
      return batchesOf(bench.produces.at(-1)!)[0]!.partition
    })
    expect(partitions).toEqual([0, 1, 2, 0])
  })
})

describe('outcomes', () => {
  it('acks=0 is done when sent, without an offset', () => {
    const bench = new ProducerBench({ ...PLAIN, acks: 0 })
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
    const bench = new ProducerBench(once)
    const result = bench.sendAlone('a')
    if (typeof code === 'string') bench.produces[0]!.fail(code)
    else answer(bench.produces[0]!, code)
    bench.env.run(10)
    expect(result.result()).toEqual({ ok: false, topic: 'orders', partition: 0, error, definite })
  })

  it('no error is definite after an attempt whose fate is unknown', () => {
    const bench = new ProducerBench({ ...PLAIN, retries: 1 })
    const result = bench.sendAlone('a')
    bench.produces[0]!.fail('timeout')
    bench.env.run(500)
    answer(bench.produces[1]!, ErrorCode.NOT_ENOUGH_REPLICAS)
    bench.env.run(10)
    expect(result.result()).toMatchObject({ ok: false, error: 'NOT_ENOUGH_REPLICAS', definite: false })
  })

  it('a batch that expires unsent was certainly not written; one that expires on the wire may have been', () => {
    const bench = new ProducerBench({ deliveryTimeoutMs: 300, requestTimeoutMs: 200, maxInFlightRequestsPerConnection: 1 })
    const onTheWire = bench.sendAlone('a')
    const unsent = bench.sendAlone('b')
    bench.env.run(500)
    expect(onTheWire.result()).toMatchObject({ ok: false, error: 'TIMEOUT', definite: false })
    expect(unsent.result()).toMatchObject({ ok: false, error: 'TIMEOUT', definite: true })
  })

  it('a request that never left is no attempt: the batch follows the leader and stays definite', () => {
    const bench = new ProducerBench({ deliveryTimeoutMs: 400, requestTimeoutMs: 100 })
    const result = bench.sendAlone('a')
    bench.cluster.handler = request => request.apiKey === ApiKey.Produce && (request.fail('disconnected', false), true)
    bench.produces[0]!.fail('disconnected', false)
    bench.env.run(600)
    expect(result.result()).toMatchObject({ ok: false, error: 'TIMEOUT', definite: true })
  })

  it('close gives what is left its results', () => {
    const bench = new ProducerBench()
    const result = bench.sendAlone('a')
    bench.env.await(bench.producer.close(100), 200)
    expect(result.result()).toMatchObject({ ok: false, error: 'PRODUCER_CLOSED', definite: false })
    expect(bench.send('b').result()).toMatchObject({ ok: false, error: 'PRODUCER_CLOSED', definite: true })
  })

  it('refuses idempotence that cannot hold', () => {
    expect(() => new ProducerBench({ acks: 1 })).toThrow(/acks=all/)
    expect(() => new ProducerBench({ maxInFlightRequestsPerConnection: 6 })).toThrow(/at most 5/)
  })
})
