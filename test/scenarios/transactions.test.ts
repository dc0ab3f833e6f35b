/** Transactions in a whole cluster, request by request: atomic over partitions, fenced, timed out, finished by another coordinator. */
import { afterEach, describe, expect, test } from 'vitest'
import type { Task } from '../../src/base/task.ts'
import type { ServerConfig } from '../../src/config/cluster.ts'
import { SmallCluster } from './small-cluster.ts'
import type { Clients } from './small-cluster.ts'
import { TransactionClient } from './transaction-client.ts'
import type { Producer } from './transaction-client.ts'

const SERVER: Partial<ServerConfig> = {
  transactionStateLogNumPartitions: 2, offsetsTopicNumPartitions: 2, transactionAbortTimedOutTransactionCleanupIntervalMs: 200, producerIdBlockSize: 10,
}

let cluster: SmallCluster

function clusterWith(version: 1 | 2, o: ConstructorParameters<typeof SmallCluster>[0] = {}): SmallCluster {
  cluster = new SmallCluster({ ...o, server: { ...SERVER, transactionVersion: version, ...o.server } })
  cluster.client(clients => clients.createTopic('orders', [[1, 2, 3], [2, 3, 1]]))
  return cluster
}

/** Values of both partitions, as a reader of committed records sees them. */
function* committed(clients: Clients): Task<string[]> {
  const found: string[] = []
  for (const partition of [0, 1]) found.push(...(yield* clients.readAll('orders', partition, Infinity, { isolationLevel: 'read_committed' })).map(([, value]) => value))
  return found
}

/** Writes a value to each partition in one transaction; the producer as it was. */
function* writeBoth(raw: TransactionClient, producer: Producer, value: string): Task<void> {
  for (const partition of [0, 1]) expect(yield* raw.write(producer, 'orders', partition, `${value}${partition}`)).toBe('NONE')
}

/** Whatever happened, the white-box invariants hold, and nothing is left open. */
afterEach(() => {
  cluster.run(6_000)
  expect(cluster.violations(true)).toEqual([])
})

describe.each([1, 2] as const)('transactions of version %i', version => {
  test('commit or abort in all their partitions', () => {
    clusterWith(version)
    const [ended, values, states] = cluster.client(function* (clients) {
      const raw = new TransactionClient(clients.env, 'copier', version)
      let producer = yield* raw.init()
      const ended: unknown[] = []
      for (const [value, commit] of [['a', true], ['b', false], ['c', true]] as const) {
        yield* writeBoth(raw, producer, value)
        const next = yield* raw.end(producer, commit)
        ended.push(next)
        if (typeof next === 'object') producer = next
        yield* raw.untilState(commit ? 'CompleteCommit' : 'CompleteAbort')
      }
      return [ended, yield* committed(clients), yield* raw.state()] as const
    })
    expect(values).toEqual(['a0', 'c0', 'a1', 'c1'])
    expect(states).toBe('CompleteCommit')
    const epochs = ended.map(one => (one as Producer).producerEpoch)
    expect(epochs).toEqual(version === 2 ? [1, 2, 3] : [0, 0, 0])
    expect(cluster.of('marker-written').map(({ commit, partition }) => `${partition} ${commit}`).sort()).toEqual(['0 false', '0 true', '0 true', '1 false', '1 true', '1 true'])
  })

  test('a new instance fences the old one, whose transaction is aborted', () => {
    clusterWith(version)
    const outcome = cluster.client(function* (clients) {
      const old = new TransactionClient(clients.env, 'copier', version)
      const first = yield* old.init()
      yield* writeBoth(old, first, 'old')
      const second = yield* new TransactionClient(clients.env, 'copier', version).init()
      return { first, second, write: yield* old.write(first, 'orders', 0, 'late'), end: yield* old.end(first, true), values: yield* committed(clients) }
    })
    expect(outcome.second.producerId).toBe(outcome.first.producerId)
    expect(outcome.second.producerEpoch).toBeGreaterThan(outcome.first.producerEpoch + 1)
    expect(outcome.write).toMatch(/INVALID_PRODUCER_EPOCH|PRODUCER_FENCED/)
    expect(outcome.end).toBe('PRODUCER_FENCED')
    expect(outcome.values).toEqual([])
    expect(cluster.marks('ongoing-transaction-fenced-by-new-instance')).toBeGreaterThan(0)
  })

  test('one that takes too long is aborted, and its producer fenced', () => {
    clusterWith(version)
    const outcome = cluster.client(function* (clients) {
      const raw = new TransactionClient(clients.env, 'copier', version)
      const producer = yield* raw.init({ timeoutMs: 500 })
      yield* writeBoth(raw, producer, 'slow')
      yield* raw.untilState('CompleteAbort')
      return { end: yield* raw.end(producer, true), write: yield* raw.write(producer, 'orders', 1, 'late'), values: yield* committed(clients), again: yield* raw.init() }
    })
    // Under version 2 the epoch looks like a retry's, and the transaction was decided otherwise.
    expect(outcome.end).toBe(version === 2 ? 'INVALID_TXN_STATE' : 'PRODUCER_FENCED')
    expect(outcome.write).toMatch(/INVALID_PRODUCER_EPOCH|PRODUCER_FENCED/)
    expect(outcome.values).toEqual([])
    expect(outcome.again.producerEpoch).toBe(2)
    expect(cluster.marks('transaction-timed-out')).toBe(1)
  })

  test.each([true, false])('another coordinator finishes what was decided (commit: %s)', commit => {
    clusterWith(version)
    const decided = (): boolean => cluster.of('transaction-state').some(({ state }) => state.startsWith('Prepare'))
    // The coordinator dies when its decision is committed; nobody has seen a marker, and the client no answer.
    const values = cluster.client(function* (clients) {
      const raw = new TransactionClient(clients.env, 'copier', version)
      const producer = yield* raw.init()
      yield* writeBoth(raw, producer, 'a')
      yield* raw.endOnce(producer, commit)
      yield* raw.untilState(commit ? 'CompleteCommit' : 'CompleteAbort')
      return yield* committed(clients)
    }, { when: decided, strike: () => cluster.simulation.machine(cluster.of('transaction-state').at(-1)!.node).crashProcess() })
    expect(values).toEqual(commit ? ['a0', 'a1'] : [])
    expect(cluster.marks(commit ? 'commit-resumed-after-failover' : 'abort-resumed-after-failover')).toBe(1)
  })

  test('markers go to the next leader when one dies', () => {
    clusterWith(version)
    const decided = (): boolean => cluster.of('transaction-state').some(({ state }) => state.startsWith('Prepare'))
    const values = cluster.client(function* (clients) {
      const raw = new TransactionClient(clients.env, 'copier', version)
      const producer = yield* raw.init()
      yield* writeBoth(raw, producer, 'a')
      yield* raw.end(producer, true)
      yield* raw.untilState('CompleteCommit')
      return yield* committed(clients)
    }, {
      when: decided,
      strike: () => {
        const coordinator = cluster.of('transaction-state').at(-1)!.node
        const leader = cluster.of('became-leader').filter(({ topic, node }) => topic === 'orders' && node !== coordinator).at(-1)!.node
        cluster.simulation.machine(leader).crashProcess()
      },
    })
    expect(values).toEqual(['a0', 'a1'])
    expect(cluster.marks('marker-retried')).toBeGreaterThan(0)
  })

  test('a partition of a deleted topic needs no marker', () => {
    clusterWith(version)
    const state = cluster.client(function* (clients) {
      yield* clients.createTopic('gone', [[1, 2, 3]])
      const raw = new TransactionClient(clients.env, 'copier', version)
      const producer = yield* raw.init()
      yield* writeBoth(raw, producer, 'a')
      yield* raw.write(producer, 'gone', 0, 'b')
      yield* clients.admin.deleteTopics(['gone'])
      yield* clients.sleep(500)
      yield* raw.end(producer, true)
      yield* raw.untilState('CompleteCommit')
      return yield* raw.state()
    })
    expect(state).toBe('CompleteCommit')
    expect(cluster.marks('marker-skipped-for-deleted-topic')).toBe(1)
  })
})
