/** Historical defects of transactions in a whole cluster: what clients get with them and without, and which invariant sees them. */
import { expect, test } from 'vitest'
import type { DefectId } from '../../src/config/defects.ts'
import { SmallCluster } from './small-cluster.ts'
import { TransactionClient } from './transaction-client.ts'

function clusterWith(version: 1 | 2, defects: readonly DefectId[]): SmallCluster {
  const cluster = new SmallCluster({ defects, server: { transactionStateLogNumPartitions: 1, transactionAbortTimedOutTransactionCleanupIntervalMs: 200, transactionVersion: version } })
  cluster.client(clients => clients.createTopic('orders', [[1, 2, 3]]))
  return cluster
}

const COMMITTED = { isolationLevel: 'read_committed' } as const

test.each<[string, readonly DefectId[], string, readonly string[]]>([
  ['is refused', [], 'TRANSACTION_ABORTABLE', []],
  ['with KAFKA-14402 hangs for ever', ['KAFKA-14402'], 'NONE', ['unknown-transaction', 'hanging-transaction']],
])('a record that arrives behind the abort of its transaction %s', (_, defects, answer, violations) => {
  const cluster = clusterWith(1, defects)
  const late = cluster.client(function* (clients) {
    const raw = new TransactionClient(clients.env, 'copier', 1)
    const producer = yield* raw.init()
    yield* raw.write(producer, 'orders', 0, 'a')
    yield* raw.end(producer, false)
    yield* raw.untilState('CompleteAbort')
    return yield* raw.produce(producer, 'orders', 0, 'late', raw.nextSequence(producer, 'orders', 0))
  })
  cluster.run(6_000)
  expect([late, cluster.violations(true)]).toEqual([answer, violations])
})

test.each<[string, readonly DefectId[], unknown]>([
  ['is fenced', [], { second: 'PRODUCER_FENCED', committed: 'PRODUCER_FENCED', values: [] }],
  ['with KAFKA-6119 commits the half of a transaction', ['KAFKA-6119'], { second: 'NONE', committed: 'NONE', values: ['b'] }],
])('a producer that knows nothing of the time-out %s', (_, defects, expected) => {
  const cluster = clusterWith(1, defects)
  const seen = cluster.client(function* (clients) {
    const raw = new TransactionClient(clients.env, 'copier', 1)
    const producer = yield* raw.init({ timeoutMs: 500 })
    yield* raw.write(producer, 'orders', 0, 'a')
    yield* raw.untilState('CompleteAbort')
    const second = yield* raw.write(producer, 'orders', 0, 'b')
    const ended = yield* raw.end(producer, true)
    yield* clients.sleep(200)
    return { second, committed: typeof ended === 'string' ? ended : 'NONE', values: (yield* clients.readAll('orders', 0, Infinity, COMMITTED)).map(([, value]) => value) }
  })
  expect(seen).toEqual(expected)
})

test.each<[string, readonly DefectId[], boolean]>([
  ['goes on', [], true],
  ['with KAFKA-18660 is unknown to the next coordinator', ['KAFKA-18660'], false],
])('a producer that was given another id while its markers were under way %s', (_, defects, isKnown) => {
  const cluster = new SmallCluster({ defects, buggify: ['few-epochs'], server: { transactionStateLogNumPartitions: 1, producerIdBlockSize: 10 } })
  cluster.client(clients => clients.createTopic('orders', [[1, 2, 3]]))
  const rotates = (): boolean => cluster.of('transaction-state').some(({ state, nextProducerId }) => state === 'PrepareCommit' && nextProducerId >= 0)
  const answer = cluster.client(function* (clients) {
    const raw = new TransactionClient(clients.env, 'copier', 2)
    let producer = yield* raw.init()
    while (producer.producerEpoch < 5) producer = yield* raw.init()
    yield* raw.write(producer, 'orders', 0, 'a')
    // The coordinator dies with its decision committed; the retry is answered by the next one.
    const next = yield* raw.end(producer, true)
    yield* raw.untilState('CompleteCommit')
    return typeof next === 'string' ? next : yield* raw.write(next, 'orders', 0, 'b')
  }, { when: rotates, strike: () => cluster.simulation.machine(cluster.of('transaction-state').at(-1)!.node).crashProcess() })
  expect(answer === 'NONE').toBe(isKnown)
  expect(cluster.violations().includes('coordinator-state-mismatch')).toBe(!isKnown)
})
