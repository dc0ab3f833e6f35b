/** Transactions as operators see them: lists, hanging ones and their end by hand (KIP-664), ids that expire, epochs that run out. */
import { expect, test } from 'vitest'
import { SmallCluster } from './small-cluster.ts'
import { TransactionClient } from './transaction-client.ts'
import type { Producer } from './transaction-client.ts'

const SERVER = { transactionStateLogNumPartitions: 1, offsetsTopicNumPartitions: 1, producerIdBlockSize: 10 }

function clusterWith(o: ConstructorParameters<typeof SmallCluster>[0] = {}): SmallCluster {
  const cluster = new SmallCluster({ ...o, server: { ...SERVER, ...o.server } })
  cluster.client(clients => clients.createTopic('orders', [[1, 2, 3]]))
  return cluster
}

test('coordinators list what they know, leaders whose transactions are open', () => {
  const cluster = clusterWith()
  const seen = cluster.client(function* (clients) {
    const [a, b] = [new TransactionClient(clients.env, 'a', 2), new TransactionClient(clients.env, 'b', 2)]
    const producer = yield* a.init()
    yield* b.init()
    yield* a.write(producer, 'orders', 0, 'x')
    return { all: yield* a.listed(), ongoing: yield* a.listed(['Ongoing']), states: [yield* a.state(), yield* b.state()], open: yield* a.openSince(producer.producerId, 'orders', 0) }
  })
  expect(seen).toEqual({ all: ['a Ongoing', 'b Empty'], ongoing: ['a Ongoing'], states: ['Ongoing', 'Empty'], open: 0 })
})

test('a hanging transaction, which no coordinator knows, pins the last stable offset until an admin ends it', () => {
  const cluster = clusterWith({ server: { transactionVersion: 1, transactionPartitionVerificationEnable: false } })
  const seen = cluster.client(function* (clients) {
    const raw = new TransactionClient(clients.env, 'a', 1)
    const producer = yield* raw.init()
    yield* raw.write(producer, 'orders', 0, 'x')
    yield* raw.end(producer, true)
    yield* raw.untilState('CompleteCommit')
    // A repeat that was held up arrives behind the marker.
    const late = yield* raw.produce(producer, 'orders', 0, 'late', raw.nextSequence(producer, 'orders', 0))
    const open = yield* raw.openSince(producer.producerId, 'orders', 0)
    const ended = yield* raw.writeMarker(producer, 'orders', 0, { commit: false, coordinatorEpoch: 9 })
    return { late, open, ended, after: yield* raw.openSince(producer.producerId, 'orders', 0), fenced: yield* raw.writeMarker(producer, 'orders', 0, { commit: true, coordinatorEpoch: 8 }) }
  })
  expect(cluster.violations()).toEqual(['unknown-transaction', 'undecided-marker'])
  expect(seen).toEqual({ late: 'NONE', open: 2, ended: 'NONE', after: -1, fenced: 'TRANSACTION_COORDINATOR_FENCED' })
})

test('an id that nobody has used for long is forgotten, and begins anew', () => {
  const cluster = clusterWith({ server: { transactionalIdExpirationMs: 1_000, transactionRemoveExpiredTransactionCleanupIntervalMs: 200 } })
  const seen = cluster.client(function* (clients) {
    const raw = new TransactionClient(clients.env, 'a', 2)
    const first = yield* raw.init()
    yield* raw.untilState('TRANSACTIONAL_ID_NOT_FOUND')
    return { first, end: yield* raw.end(first, true), again: yield* raw.init() }
  })
  expect(seen.end).toBe('INVALID_PRODUCER_ID_MAPPING')
  expect(seen.again.producerId).not.toBe(seen.first.producerId)
  expect(cluster.marks('transactional-id-expired')).toBe(1)
})

test.each([1, 2] as const)('a producer whose epochs run out gets another id (version %i)', version => {
  const cluster = clusterWith({ buggify: ['few-epochs'], server: { transactionVersion: version } })
  const producers = cluster.client(function* (clients) {
    const raw = new TransactionClient(clients.env, 'a', version)
    const seen: Producer[] = []
    let producer = yield* raw.init()
    for (let i = 0; i < 8; i++) {
      seen.push(producer)
      expect(yield* raw.write(producer, 'orders', 0, `v${i}`)).toBe('NONE')
      const next = yield* raw.end(producer, true)
      if (typeof next === 'string') throw new Error(next)
      yield* raw.untilState('CompleteCommit')
      producer = version === 2 ? next : yield* raw.init()
    }
    return seen
  })
  expect(new Set(producers.map(({ producerId, producerEpoch }) => `${producerId} ${producerEpoch}`)).size).toBe(8)
  expect(new Set(producers.map(({ producerId }) => producerId)).size).toBe(2)
  expect(Math.max(...producers.map(({ producerEpoch }) => producerEpoch))).toBe(5)
  const values = cluster.client(clients => clients.readAll('orders', 0, Infinity, { isolationLevel: 'read_committed' })).map(([, value]) => value)
  expect(values).toEqual(['v0', 'v1', 'v2', 'v3', 'v4', 'v5', 'v6', 'v7'])
})

test('the partition of a group\'s offsets can be part of a transaction', () => {
  const cluster = clusterWith()
  const state = cluster.client(function* (clients) {
    const raw = new TransactionClient(clients.env, 'a', 1)
    const producer = yield* raw.init()
    const added = yield* raw.addOffsets(producer, 'readers')
    yield* raw.end(producer, true)
    yield* raw.untilState('CompleteCommit')
    return added
  })
  expect(state).toBe('NONE')
})
