/**
 * A coordinator that takes over reads its log to the end, beyond the high watermark, and acts at once on what it finds
 * decided there (Kafka: TransactionStateManager loads with FetchIsolation.LOG_END and sends the markers). When it dies before
 * that decision is replicated, the next coordinator has not heard of it and may decide otherwise: known behaviour
 * markers-before-replication.
 */
import { expect, test } from 'vitest'
import { MechanismRecorder } from '../../checkers/known-behaviour.ts'
import type { MendId } from '../../src/config/defects.ts'
import { SmallCluster } from './small-cluster.ts'
import { TransactionClient } from './transaction-client.ts'

/** What readers see of a transaction over two partitions, after two coordinators died while a third follower was cut off. */
function twoFailovers(...mends: readonly MendId[]): { values: string[][]; cluster: SmallCluster } {
  const cluster = new SmallCluster({ mends, server: { transactionStateLogNumPartitions: 1, transactionVersion: 2, replicaLagTimeMaxMs: 60_000 } })
  const { network } = cluster.simulation
  const { replicas, producer } = cluster.client(function* (clients) {
    const raw = new TransactionClient(clients.env, 'payer', 2)
    yield* raw.init({ timeoutMs: 60_000 })
    const { replicas } = yield* clients.partition('__transaction_state', 0, ({ isr }) => isr.length === 3)
    // One partition beside the second coordinator, one beside the third.
    yield* clients.createTopic('orders', [[replicas[1]!], [replicas[2]!]], { 'min.insync.replicas': '1' })
    const producer = yield* raw.init({ timeoutMs: 60_000 })
    for (const partition of [0, 1]) expect(yield* raw.write(producer, 'orders', partition, `paid-${partition}`)).toBe('NONE')
    return { replicas, producer }
  })
  const [first, second, third] = replicas.map(id => `broker-${id}`) as [string, string, string]
  const cutOff = (change: 'block' | 'unblock'): void => {
    for (const other of [first, second]) for (const [from, to] of [[third, other], [other, third]] as const) network[change](from, to)
  }

  cutOff('block')
  expect(cluster.client(clients => new TransactionClient(clients.env, 'payer', 2).endOnce(producer, true))).toBe('DISCONNECTED')
  cluster.simulation.machine(first).crashProcess()
  for (let i = 0; i < 100 && cluster.marks('unreplicated-decision-resumed') === 0; i++) cluster.run(100)
  cluster.run(1_000)
  cluster.simulation.machine(second).crashProcess()
  cutOff('unblock')
  cluster.run(3_000)
  for (const host of [first, second]) cluster.start(host)

  const values = cluster.client(function* (clients) {
    const raw = new TransactionClient(clients.env, 'payer', 2)
    yield* raw.init()
    const values: string[][] = []
    for (const partition of [0, 1]) values.push((yield* clients.readAll('orders', partition, Infinity, { isolationLevel: 'read_committed' })).map(([, value]) => value))
    return values
  })
  return { values, cluster }
}

test('half of a transaction is seen, and the trace shows why', () => {
  const { values, cluster } = twoFailovers()
  expect(values).toEqual([['paid-0'], []])
  expect(cluster.violations(true)).toEqual(['two-outcomes'])
  const recorder = new MechanismRecorder()
  for (const { event, node, time } of cluster.events) recorder.observe(event, node, 0, time)
  expect(recorder.seen.list.map(({ mend, key }) => `${mend} ${key}`)).toEqual(['orders-0', 'orders-1', ''].map(key => `markers-before-replication ${key}`))
})

test('not when the coordinator waits until the decision is replicated', () => {
  const { values, cluster } = twoFailovers('markers-before-replication')
  expect(values).toEqual([[], []])
  expect(cluster.violations(true)).toEqual([])
})
