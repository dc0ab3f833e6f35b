import { describe, expect, it } from 'vitest'
import { ApiKey } from '../../src/protocol/api-keys.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import { TransactionBench } from './transaction-bench.ts'

describe('initTransactions', () => {
  it('finds the coordinator, gets an id, and may be called once', () => {
    const bench = new TransactionBench()
    bench.ok(bench.env.await(bench.producer.initTransactions()))
    expect(bench.seen).toEqual(['FindCoordinator@1 transaction tx', 'InitProducerId@2 -1/-1'].map(each => expect.stringMatching(each.replace('@1', '@.'))))
    expect(() => bench.env.await(bench.producer.initTransactions())).toThrow('initTransactions is not possible for tx while it is ready')
  })

  it('asks again while an older transaction is being ended, and finds the coordinator again when it has moved', () => {
    const bench = new TransactionBench()
    bench.fail(ApiKey.InitProducerId, ErrorCode.CONCURRENT_TRANSACTIONS, ErrorCode.NOT_COORDINATOR, null)
    bench.ok(bench.env.await(bench.producer.initTransactions()))
    expect(bench.seen.map(each => each.split('@')[0])).toEqual([
      'FindCoordinator', 'InitProducerId', 'InitProducerId', 'FindCoordinator', 'InitProducerId', 'FindCoordinator', 'InitProducerId',
    ])
  })

  it('is told after max.block.ms that it takes longer, and may be repeated', () => {
    const bench = new TransactionBench({ config: { maxBlockMs: 100 } })
    bench.held.add(ApiKey.InitProducerId)
    expect(bench.env.await(bench.producer.initTransactions())).toMatchObject({ ok: false, error: 'TIMEOUT', remedy: 'retry', definite: false })
    expect(() => bench.producer.beginTransaction()).toThrow('initTransactions has timed out')
    bench.release()
    bench.ok(bench.env.await(bench.producer.initTransactions()))
    expect(bench.seen.filter(each => each.startsWith('InitProducerId'))).toHaveLength(1)
  })

  it('is needed before a transaction, and a transaction before a send', () => {
    const bench = new TransactionBench()
    expect(() => bench.producer.beginTransaction()).toThrow('while it is uninitialized')
    expect(() => bench.send('a')).toThrow('send needs a transaction')
    bench.init()
    expect(() => bench.send('a')).toThrow('send needs a transaction')
  })
})

describe('TV1', () => {
  it('adds partitions and offsets at the coordinator before anything is sent there, and keeps its epoch', () => {
    const bench = new TransactionBench({ version: 1 })
    bench.begin()
    const results = [bench.send('a', 0), bench.send('b', 1)]
    bench.ok(bench.offsets())
    bench.ok(bench.commit())
    expect(bench.seen).toEqual([
      'AddPartitionsToTxn@2 v3 0,1 0', 'AddOffsetsToTxn@2 g 0', expect.stringMatching(/FindCoordinator@. group g/), 'TxnOffsetCommit@3 v4 m-1:4 12 0',
      'Produce@1 v11 0:a@0:0 1:b@0:0', 'EndTxn@2 v4 commit 0',
    ])
    expect(results.map(result => result.result().ok)).toEqual([true, true])
    bench.seen.length = 0
    bench.producer.beginTransaction()
    bench.send('c', 0)
    bench.ok(bench.commit())
    expect(bench.seen).toEqual(['AddPartitionsToTxn@2 v3 0 0', 'Produce@1 v11 0:c@0:1', 'EndTxn@2 v4 commit 0'])
  })

  it('waits only 20 ms for the transaction before to end', () => {
    const bench = new TransactionBench({ version: 1 })
    bench.begin()
    bench.fail(ApiKey.AddPartitionsToTxn, ErrorCode.CONCURRENT_TRANSACTIONS)
    bench.send('a')
    bench.ok(bench.commit())
    const [first, second] = bench.cluster.of(ApiKey.AddPartitionsToTxn)
    expect(second!.at - first!.at).toBeGreaterThanOrEqual(20_000)
    expect(second!.at - first!.at).toBeLessThan(30_000)
  })

  it('bumps its epoch by InitProducerId after an aborted error', () => {
    const bench = new TransactionBench({ version: 1 })
    bench.begin()
    bench.fail(ApiKey.Produce, ErrorCode.INVALID_PRODUCER_EPOCH)
    const result = bench.send('a')
    bench.env.run(20)
    expect(bench.commit()).toMatchObject({ ok: false, error: 'INVALID_PRODUCER_EPOCH', remedy: 'abort', definite: true })
    expect(result.result()).toMatchObject({ ok: false, error: 'INVALID_PRODUCER_EPOCH', definite: true })
    bench.seen.length = 0
    bench.ok(bench.abort())
    expect(bench.seen).toEqual(['EndTxn@2 v4 abort 0', 'InitProducerId@2 7/0'])
    bench.producer.beginTransaction()
    bench.send('b')
    bench.ok(bench.commit())
    expect(bench.seen.slice(2)).toEqual(['AddPartitionsToTxn@2 v3 0 1', 'Produce@1 v11 0:b@1:0', 'EndTxn@2 v4 commit 1'])
  })

  it('goes over to TV2 between two transactions, under a new epoch', () => {
    const bench = new TransactionBench({ version: 1 })
    bench.begin()
    bench.finalize(2, 2)
    bench.send('a')
    bench.env.run(20)
    bench.send('last')
    bench.ok(bench.commit())
    bench.producer.beginTransaction()
    bench.send('b')
    bench.env.run(20)
    // As in Kafka, what is sent after the choice goes by TV2, although this transaction is TV1.
    expect(bench.seen).toEqual([
      'AddPartitionsToTxn@2 v3 0 0', 'Produce@1 v11 0:a@0:0', 'Produce@1 v13 0:last@0:1', 'EndTxn@2 v4 commit 0', 'InitProducerId@2 7/0', 'Produce@1 v13 0:b@1:0',
    ])
  })
})

describe('TV2 (KIP-890)', () => {
  it('lets the leader add partitions and gets the next epoch from the end of the transaction', () => {
    const bench = new TransactionBench()
    bench.begin()
    bench.send('a', 0)
    bench.ok(bench.offsets())
    bench.ok(bench.commit())
    bench.producer.beginTransaction()
    bench.send('b', 0)
    bench.ok(bench.abort())
    expect(bench.seen).toEqual([
      expect.stringMatching(/FindCoordinator@. group g/), 'TxnOffsetCommit@3 v5 m-1:4 12 0', 'Produce@1 v13 0:a@0:0', 'EndTxn@2 v5 commit 0',
      // 'b' was never sent
      'EndTxn@2 v5 abort 1',
    ])
    bench.producer.beginTransaction()
    bench.send('c', 0)
    bench.ok(bench.commit())
    expect(bench.seen.slice(-2)).toEqual(['Produce@1 v13 0:c@2:0', 'EndTxn@2 v5 commit 2'])
    expect(bench.env.observed('client-transaction').map(({ phase, producerEpoch }) => `${phase} ${producerEpoch}`)).toEqual([
      'initialized 0', 'begin 0', 'commit 0', 'begin 1', 'abort 1', 'begin 2', 'commit 2',
    ])
  })

  it('tells the coordinator nothing of a transaction in which nothing was sent', () => {
    const bench = new TransactionBench()
    bench.begin()
    bench.ok(bench.commit())
    expect(bench.seen).toEqual([])
  })

  it('recovers from an error by the abort alone', () => {
    const bench = new TransactionBench()
    bench.begin()
    bench.fail(ApiKey.Produce, ErrorCode.TRANSACTION_ABORTABLE)
    bench.send('a')
    expect(bench.commit()).toMatchObject({ ok: false, error: 'TRANSACTION_ABORTABLE', remedy: 'abort', definite: true })
    bench.ok(bench.abort())
    expect(bench.seen.slice(1)).toEqual(['EndTxn@2 v5 abort 0'])
  })
})

describe('a transaction', () => {
  it('is committed only when every record was acknowledged', () => {
    const bench = new TransactionBench()
    bench.begin()
    bench.held.add(ApiKey.Produce)
    bench.send('a')
    bench.env.spawn('commit', (function* () { bench.ok(yield* bench.producer.commitTransaction()) })())
    bench.env.run(1_000)
    expect(bench.seen).toEqual(['Produce@1 v13 0:a@0:0'])
    bench.release()
    bench.env.run(100)
    expect(bench.seen.slice(1)).toEqual(['EndTxn@2 v5 commit 0'])
  })

  it('waits at commit for records that wait for metadata', () => {
    const bench = new TransactionBench()
    const { leaders } = bench.cluster
    bench.cluster.leaders = []
    bench.begin()
    const result = bench.send('a')
    bench.env.timer(300_000, () => { bench.cluster.leaders = leaders })
    bench.ok(bench.commit())
    expect(result.result().ok).toBe(true)
  })

  it('fails when a record cannot be taken, and nothing of it is committed', () => {
    const bench = new TransactionBench({ config: { maxRequestSize: 200 } })
    bench.begin()
    const fine = bench.send('a')
    expect(bench.send('x'.repeat(300)).result()).toMatchObject({ ok: false, error: 'MESSAGE_TOO_LARGE', definite: true })
    expect(bench.send('b').result()).toMatchObject({ ok: false, error: 'MESSAGE_TOO_LARGE', definite: true })
    expect(bench.commit()).toMatchObject({ ok: false, error: 'MESSAGE_TOO_LARGE', remedy: 'abort', definite: true })
    bench.ok(bench.abort())
    expect(fine.result()).toMatchObject({ ok: false, error: 'MESSAGE_TOO_LARGE', definite: true })
    expect(bench.seen).toEqual(['EndTxn@2 v5 abort 0'])
  })

  it('is not certainly uncommitted when the commit got no answer', () => {
    const bench = new TransactionBench()
    bench.begin()
    bench.send('a')
    bench.fail(ApiKey.EndTxn, null, ErrorCode.PRODUCER_FENCED)
    expect(bench.commit()).toMatchObject({ ok: false, error: 'PRODUCER_FENCED', remedy: 'close', definite: false })
  })

  it.each([
    ['after a coordinator that lost its place, which may have written it', ErrorCode.NOT_COORDINATOR, false],
    ['after a coordinator that was still loading', ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, true],
  ])('is known to be uncommitted or not %s', (_, first, definite) => {
    const bench = new TransactionBench()
    bench.begin()
    bench.send('a')
    bench.fail(ApiKey.EndTxn, first, ErrorCode.INVALID_TXN_STATE)
    expect(bench.commit()).toMatchObject({ ok: false, error: 'INVALID_TXN_STATE', definite })
  })

  it('is certainly uncommitted when its first commit was refused, and the producer is lost', () => {
    const bench = new TransactionBench()
    bench.begin()
    bench.send('a')
    bench.fail(ApiKey.EndTxn, ErrorCode.PRODUCER_FENCED)
    expect(bench.commit()).toMatchObject({ ok: false, error: 'PRODUCER_FENCED', remedy: 'close', definite: true })
    expect(bench.producer.beginTransaction()).toMatchObject({ ok: false, error: 'PRODUCER_FENCED', remedy: 'close' })
    expect(bench.abort()).toMatchObject({ ok: false, error: 'PRODUCER_FENCED' })
    expect(bench.send('b').result()).toMatchObject({ ok: false, error: 'PRODUCER_FENCED', definite: true })
    expect(bench.env.observed('client-transaction').at(-1)).toMatchObject({ phase: 'fenced' })
  })

  it('a commit that timed out must be repeated, not aborted', () => {
    const bench = new TransactionBench({ config: { maxBlockMs: 200 } })
    bench.begin()
    bench.send('a')
    bench.held.add(ApiKey.EndTxn)
    expect(bench.commit()).toMatchObject({ ok: false, error: 'TIMEOUT', remedy: 'retry', definite: false })
    expect(() => bench.abort()).toThrow('commitTransaction has timed out')
    bench.release()
    bench.ok(bench.commit())
    expect(bench.seen.filter(each => each.startsWith('EndTxn'))).toHaveLength(1)
    expect(bench.producer.beginTransaction()).toEqual({ ok: true })
  })

  it('follows a coordinator that moves', () => {
    const bench = new TransactionBench()
    bench.begin()
    bench.send('a')
    bench.env.run(20)
    bench.coordinator = 3
    bench.fail(ApiKey.EndTxn, ErrorCode.NOT_COORDINATOR, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
    bench.ok(bench.commit())
    expect(bench.seen.slice(1)).toEqual([
      'EndTxn@2 v5 commit 0', expect.stringMatching(/FindCoordinator@. transaction tx/), 'EndTxn@3 v5 commit 0', 'EndTxn@3 v5 commit 0',
    ])
  })

  it('can only be aborted when the group has moved on (KIP-447)', () => {
    const bench = new TransactionBench()
    bench.begin()
    bench.fail(ApiKey.TxnOffsetCommit, ErrorCode.ILLEGAL_GENERATION)
    expect(bench.offsets()).toMatchObject({ ok: false, error: 'ILLEGAL_GENERATION', remedy: 'abort', definite: true })
    bench.ok(bench.abort())
    bench.producer.beginTransaction()
    bench.fail(ApiKey.TxnOffsetCommit, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, ErrorCode.NOT_COORDINATOR)
    bench.ok(bench.offsets())
  })

  it('whose record expired on the wire fails, and the next one begins at sequence 0', () => {
    const bench = new TransactionBench({ config: { deliveryTimeoutMs: 500, requestTimeoutMs: 200 } })
    bench.begin()
    bench.fail(ApiKey.Produce, ErrorCode.NOT_LEADER_OR_FOLLOWER, ...Array.from({ length: 50 }, () => ErrorCode.NOT_LEADER_OR_FOLLOWER))
    const result = bench.send('a')
    bench.env.run(1_000)
    expect(result.result()).toMatchObject({ ok: false, error: 'TIMEOUT', definite: false })
    expect(bench.commit()).toMatchObject({ ok: false, error: 'TIMEOUT', remedy: 'abort', definite: true })
    bench.ok(bench.abort())
    bench.errors.clear()
    bench.producer.beginTransaction()
    bench.send('b')
    bench.ok(bench.commit())
    expect(bench.seen.slice(-2)).toEqual(['Produce@1 v13 0:b@1:0', 'EndTxn@2 v5 commit 1'])
  })
})

describe('close', () => {
  it('aborts a transaction that was left open', () => {
    const bench = new TransactionBench()
    bench.begin()
    bench.send('a')
    bench.env.run(20)
    bench.env.await(bench.producer.close(1_000))
    expect(bench.seen).toEqual(['Produce@1 v13 0:a@0:0', 'EndTxn@2 v5 abort 0'])
  })

  it('without time leaves it to the coordinator', () => {
    const bench = new TransactionBench()
    bench.begin()
    bench.held.add(ApiKey.EndTxn)
    bench.send('a')
    bench.env.run(20)
    bench.env.await(bench.producer.close(100))
    expect(bench.env.now()).toBeLessThan(1_000_000)
  })
})
