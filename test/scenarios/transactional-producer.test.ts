/**
 * The transactional producer of the reference clients against a cluster: what read_committed sees after commits, aborts,
 * fencing and the death of coordinators, under both transaction protocols.
 */
import { describe, expect, it } from 'vitest'
import type { Task } from '../../src/base/task.ts'
import type { Producer } from '../../src/client/producer.ts'
import type { TransactionOutcome } from '../../src/client/transaction/transaction-outcome.ts'
import { type Clients, SmallCluster } from './small-cluster.ts'

const ALL = [[1, 2, 3], [2, 3, 1]]
const id = { transactionalId: 'tx', transactionTimeoutMs: 5_000, maxBlockMs: 20_000 }

function ok(outcome: TransactionOutcome): void {
  if (!outcome.ok) throw new Error(`failed: ${outcome.error}`)
}

function* transaction(producer: Producer, values: readonly string[], end: 'commit' | 'abort'): Task<TransactionOutcome> {
  ok(producer.beginTransaction())
  for (const [index, value] of values.entries()) producer.send({ topic: 'orders', partition: index % 2, key: null, value: new TextEncoder().encode(value) })
  yield* producer.flush()
  return yield* end === 'commit' ? producer.commitTransaction() : producer.abortTransaction()
}

function* read(clients: Clients, isolationLevel: 'read_committed' | 'read_uncommitted' = 'read_committed'): Task<string[][]> {
  const all: string[][] = []
  for (const partition of [0, 1]) all.push((yield* clients.readAll('orders', partition, Infinity, { isolationLevel })).map(([, value]) => value))
  return all
}

describe.each([1, 2] as const)('transaction.version %i', transactionVersion => {
  it('shows committed transactions whole, aborted ones not at all', () => {
    const cluster = new SmallCluster({ server: { transactionVersion } })
    const [committed, all] = cluster.client(function* (clients) {
      yield* clients.createTopic('orders', ALL)
      const producer = clients.producer(id)
      ok(yield* producer.initTransactions())
      for (let i = 0; i < 4; i++) ok(yield* transaction(producer, [`a${i}`, `b${i}`], i % 2 === 0 ? 'commit' : 'abort'))
      yield* producer.close(1_000)
      return [yield* read(clients), yield* read(clients, 'read_uncommitted')]
    })
    expect(committed).toEqual([['a0', 'a2'], ['b0', 'b2']])
    expect(all).toEqual([['a0', 'a1', 'a2', 'a3'], ['b0', 'b1', 'b2', 'b3']])
    const epochs = cluster.of('client-transaction').filter(({ phase }) => phase === 'begin').map(({ producerEpoch }) => producerEpoch)
    expect(epochs).toEqual(transactionVersion === 2 ? [0, 1, 2, 3] : [0, 0, 0, 0])
  })

  it('fences the older instance, and what it had open is aborted', () => {
    const cluster = new SmallCluster({ server: { transactionVersion } })
    const [outcome, committed] = cluster.client(function* (clients) {
      yield* clients.createTopic('orders', ALL)
      const zombie = clients.producer(id)
      ok(yield* zombie.initTransactions())
      ok(zombie.beginTransaction())
      yield* clients.send(zombie, 'orders', ['zombie'])
      const heir = clients.producer(id)
      ok(yield* heir.initTransactions())
      ok(yield* transaction(heir, ['heir', 'heir'], 'commit'))
      return [yield* zombie.commitTransaction(), yield* read(clients)] as const
    })
    expect(outcome).toMatchObject({ ok: false, error: 'PRODUCER_FENCED', remedy: 'close', definite: true })
    expect(committed).toEqual([['heir'], ['heir']])
  })

  it('goes on when its coordinator and its leaders die one after another', () => {
    const cluster = new SmallCluster({ server: { transactionVersion } })
    let done = 0
    let victim = 1
    const restarts: string[] = []
    const strike = (): void => {
      const host = `broker-${victim}`
      cluster.simulation.machine(host).crashProcess()
      restarts.push(host)
      cluster.simulation.schedule(2_500_000, () => cluster.start(host))
      victim = victim % 3 + 1
      if (victim !== 1) cluster.simulation.schedule(6_000_000, strike)
    }
    const committed = cluster.client(function* (clients) {
      yield* clients.createTopic('orders', ALL)
      const producer = clients.producer(id)
      ok(yield* producer.initTransactions())
      for (; done < 40; done++) {
        ok(yield* transaction(producer, [`a${done}`, `b${done}`], 'commit'))
        yield* clients.sleep(400)
      }
      return yield* read(clients)
    }, { when: () => done === 2, strike })
    expect(restarts).toHaveLength(3)
    const numbers = Array.from({ length: 40 }, (_, i) => i)
    expect(committed).toEqual([numbers.map(i => `a${i}`), numbers.map(i => `b${i}`)])
  }, 60_000)
})
