/** Groups and transactions as an admin sees and changes them, in a whole cluster. */
import { expect, it } from 'vitest'
import type { AdminResult } from '../../src/client/admin-call.ts'
import { SmallCluster } from './small-cluster.ts'

const SERVER = { groupInitialRebalanceDelayMs: 100, groupMinSessionTimeoutMs: 500, groupConsumerHeartbeatIntervalMs: 200, offsetsTopicNumPartitions: 3, transactionStateLogNumPartitions: 3 }
const value = <T>(result: AdminResult<T> | undefined): T => {
  if (result?.ok !== true) throw new Error(`failed: ${result?.error}`)
  return result.value
}

it.each(['classic', 'consumer'] as const)('lists, describes, changes and deletes a group (%s)', groupProtocol => {
  const cluster = new SmallCluster({ server: SERVER })
  const seen = cluster.client(function* (clients) {
    yield* clients.createTopic('orders', [[1, 2, 3], [2, 3, 1]])
    const { groups } = clients.admin
    const consumer = clients.consumer({ groupId: 'g', groupProtocol, heartbeatIntervalMs: 200, sessionTimeoutMs: 2_000, defaultApiTimeoutMs: 5_000 })
    consumer.subscribe(['orders'])
    while (consumer.assignment.length < 2) yield* consumer.poll(100)
    yield* consumer.commitSync([{ topic: 'orders', partition: 0, offset: 0, metadata: 'here' }])
    yield* consumer.poll(500)
    const described = value((yield* groups.describe(['g']))[0])
    const whileUsed = (yield* groups.delete(['g']))[0]!
    yield* consumer.shutDown(2_000)
    const listed = (yield* groups.list([1, 2, 3])).flatMap(value)
    const offsets = value(yield* groups.listOffsets('g'))
    const altered = yield* groups.alterOffsets('g', [{ topic: 'orders', partition: 1, offset: 7 }, { topic: 'orders', partition: 0, offset: 5 }])
    const deleted = yield* groups.deleteOffsets('g', [{ topic: 'orders', partition: 0 }])
    const after = value(yield* groups.listOffsets('g', true))
    const gone = [yield* groups.delete(['g']), yield* groups.delete(['g'])].map(([result]) => (result!.ok ? 'ok' : result!.error))
    return { described, whileUsed, listed, offsets, altered, deleted, after, gone }
  })
  expect(seen.described).toMatchObject({ groupId: 'g', type: groupProtocol, state: 'Stable', assignor: groupProtocol === 'classic' ? 'range' : 'uniform' })
  expect(seen.described.members).toMatchObject([{ clientId: 'consumer', assignment: [{ topic: 'orders', partition: 0 }, { topic: 'orders', partition: 1 }] }])
  expect(seen.whileUsed).toMatchObject({ ok: false, error: 'NON_EMPTY_GROUP', definite: true })
  expect(seen.listed).toMatchObject([{ groupId: 'g', state: 'Empty', type: groupProtocol === 'classic' ? 'Classic' : 'Consumer' }])
  expect(seen.offsets.get('orders-0')).toMatchObject({ offset: 0 })
  expect(seen.altered).toEqual([{ ok: true, value: null }, { ok: true, value: null }])
  expect(seen.deleted).toEqual([{ ok: true, value: null }])
  expect([...seen.after]).toEqual([['orders-1', { offset: 7, leaderEpoch: -1, metadata: '' }]])
  expect(seen.gone).toEqual(['ok', 'GROUP_ID_NOT_FOUND'])
})

it('sees an open transaction at its coordinator and at its leader, and fences its producer', () => {
  const cluster = new SmallCluster({ server: SERVER })
  const seen = cluster.client(function* (clients) {
    yield* clients.createTopic('orders', [[1, 2, 3]])
    const { transactions } = clients.admin
    const producer = clients.producer({ transactionalId: 'tx', maxBlockMs: 8_000 })
    yield* producer.initTransactions()
    producer.beginTransaction()
    yield* clients.send(producer, 'orders', ['a'])
    const listed = (yield* transactions.list([1, 2, 3])).flatMap(value)
    const described = value((yield* transactions.describe(['tx']))[0])
    const [open] = value((yield* transactions.describeProducers([{ topic: 'orders', partition: 0 }]))[0])
    const fenced = value((yield* transactions.fenceProducers(['tx']))[0])
    const commit = yield* producer.commitTransaction()
    const closed = yield* clients.until(function* () {
      return value((yield* transactions.describeProducers([{ topic: 'orders', partition: 0 }]))[0])
    }, ([first]) => first?.currentTransactionStartOffset === -1)
    return { listed, described, open, fenced, commit, closed }
  })
  expect(seen.listed).toMatchObject([{ transactionalId: 'tx', state: 'Ongoing' }])
  expect(seen.described).toMatchObject({ transactionalId: 'tx', state: 'Ongoing', producerEpoch: 0, partitions: [{ topic: 'orders', partition: 0 }] })
  expect(seen.open).toMatchObject({ producerId: seen.described.producerId, currentTransactionStartOffset: 0 })
  expect(seen.fenced.producerEpoch).toBeGreaterThan(0)
  expect(seen.commit).toMatchObject({ ok: false, error: 'PRODUCER_FENCED', remedy: 'close' })
})

it('ends a hanging transaction by hand', () => {
  const cluster = new SmallCluster({ server: SERVER })
  const seen = cluster.client(function* (clients) {
    yield* clients.createTopic('orders', [[1, 2, 3]])
    const producer = clients.producer({ transactionalId: 'tx', maxBlockMs: 8_000 })
    yield* producer.initTransactions()
    producer.beginTransaction()
    yield* clients.send(producer, 'orders', ['a'])
    const partition = { topic: 'orders', partition: 0 }
    const { transactions } = clients.admin
    const [open] = value((yield* transactions.describeProducers([partition]))[0])
    const { producerId, producerEpoch, coordinatorEpoch } = open!
    const ended = yield* transactions.abort([{ ...partition, producerId, producerEpoch, coordinatorEpoch: Math.max(0, coordinatorEpoch) }])
    return { ended, after: value((yield* transactions.describeProducers([partition]))[0])[0]!.currentTransactionStartOffset }
  })
  expect(seen).toEqual({ ended: [{ ok: true, value: null }], after: -1 })
})
