/**
 * The finalized level of transaction.version changes while a transactional producer goes on: it learns of it from a broker
 * that it connects to anew, between two transactions, and nothing of what it commits is lost, doubled or torn.
 */
import { expect, it } from 'vitest'
import type { Task } from '../../src/base/task.ts'
import { CONTROLLER_PORT } from '../../src/config/cluster.ts'
import { ApiKey } from '../../src/protocol/api-keys.ts'
import { RpcClient } from '../../src/rpc/rpc-client.ts'
import { type Clients, SmallCluster } from './small-cluster.ts'

const TRANSACTIONS = 45
const OPTIONS = { clientId: 'operator', requestTimeoutMs: 1_000, connectionSetupTimeoutMs: 500, maxInFlight: 1, reconnectBackoffMs: 50, reconnectBackoffMaxMs: 50 }

function* setLevel(clients: Clients, level: number): Task<void> {
  const rpc = new RpcClient(clients.env, OPTIONS)
  const body = { timeoutMs: 1_000, validateOnly: false, featureUpdates: [{ feature: 'transaction.version', maxVersionLevel: level, upgradeType: level === 2 ? 1 : 2 }] }
  yield* clients.until(function* () {
    for (const host of ['controller-101', 'controller-102', 'controller-103']) {
      const result = yield* rpc.send(host, CONTROLLER_PORT, ApiKey.UpdateFeatures, body).wait()
      if (result.ok && result.body.errorCode === 0) return true
    }
    return false
  }, Boolean)
}

it.each([[1, 2], [2, 1]] as const)('from %i to %i', (before, after) => {
  const cluster = new SmallCluster({ server: { transactionVersion: before, transactionStateLogNumPartitions: 2, transactionAbortTimedOutTransactionCleanupIntervalMs: 500 } })
  let begun = 0
  /** Brokers restart one after the other, so that the producer connects anew. */
  const roll = (broker: number): void => {
    const host = `broker-${broker}`
    cluster.simulation.machine(host).crashProcess()
    cluster.simulation.schedule(1_500_000, () => cluster.start(host))
    if (broker < 3) cluster.simulation.schedule(4_500_000, () => roll(broker + 1))
  }
  const seen = cluster.client(function* (clients) {
    yield* clients.createTopic('orders', [[1, 2, 3], [2, 3, 1]])
    let producer = clients.producer({ transactionalId: 'tx', maxBlockMs: 20_000 })
    yield* producer.initTransactions()
    const committed: number[] = []
    const others: string[] = []
    for (; begun < TRANSACTIONS; begun++) {
      if (begun === 8) yield* setLevel(clients, after)
      const start = producer.beginTransaction()
      if (!start.ok) throw new Error(start.error)
      for (const partition of [0, 1]) producer.send({ topic: 'orders', partition, key: null, value: new TextEncoder().encode(`${begun}`) })
      const outcome = yield* begun % 5 === 4 ? producer.abortTransaction() : producer.commitTransaction()
      if (!outcome.ok) {
        others.push(`${outcome.error} ${outcome.definite}`)
        const aborted = yield* producer.abortTransaction()
        if (!aborted.ok) {
          others.push(`abort: ${aborted.error} ${aborted.definite}`)
          yield* producer.close(0)
          producer = clients.producer({ transactionalId: 'tx', maxBlockMs: 20_000 })
          yield* producer.initTransactions()
        }
      } else if (begun % 5 !== 4) committed.push(begun)
      yield* clients.sleep(300)
    }
    const found: number[][] = []
    for (const partition of [0, 1]) found.push((yield* clients.readAll('orders', partition, Infinity, { isolationLevel: 'read_committed' })).map(([, value]) => Number(value)))
    return { committed, others, found }
  }, { when: () => begun === 10, strike: () => roll(1) })
  // Known behaviour of Kafka's client: see the comment of Transactions. Nothing is committed, and a new instance goes on.
  expect(seen.others).toEqual(after === 2 ? [] : ['TRANSACTION_ABORTABLE true', 'abort: INVALID_TXN_STATE false'])
  expect(seen.found).toEqual([seen.committed, seen.committed])
  expect(seen.committed.length).toBeGreaterThan(TRANSACTIONS / 2)
  const epochs = cluster.of('client-transaction').filter(({ phase }) => phase === 'begin').map(({ producerEpoch }) => producerEpoch)
  const rises = epochs.slice(1).map((epoch, index) => epoch > epochs[index]!)
  // TV2 gives each transaction an epoch of its own.
  expect(rises.slice(0, 6)).toEqual(Array.from({ length: 6 }, () => before === 2))
  expect(rises.slice(-6)).toEqual(Array.from({ length: 6 }, () => after === 2))
  expect(cluster.violations(true)).toEqual([])
}, 60_000)
