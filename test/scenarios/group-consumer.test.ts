/**
 * The group consumer of the reference clients against a cluster, under both protocols: partitions are shared out, taken over
 * from the dead, and an application that copies exactly once stays so when one of its instances is killed or hangs.
 */
import { describe, expect, it } from 'vitest'
import type { Task } from '../../src/base/task.ts'
import type { TopicPartition } from '../../src/client/topic-partition.ts'
import { nameOf } from '../../src/client/topic-partition.ts'
import type { ConsumerConfig } from '../../src/config/client.ts'
import type { ServerConfig } from '../../src/config/cluster.ts'
import { Clients, SmallCluster } from './small-cluster.ts'

const SERVER: Partial<ServerConfig> = {
  groupInitialRebalanceDelayMs: 200, groupMinSessionTimeoutMs: 500, groupConsumerSessionTimeoutMs: 2_000, groupConsumerHeartbeatIntervalMs: 300,
  offsetsTopicNumPartitions: 3, transactionStateLogNumPartitions: 3, transactionAbortTimedOutTransactionCleanupIntervalMs: 500,
}
const MEMBER: Partial<ConsumerConfig> = {
  groupId: 'analytics', sessionTimeoutMs: 2_000, heartbeatIntervalMs: 300, maxPollIntervalMs: 4_000, defaultApiTimeoutMs: 8_000,
}

/** Starts a client process of its own, which runs until it is killed. */
function spawn(cluster: SmallCluster, host: string, script: (clients: Clients) => Task<void>): () => void {
  const machine = cluster.simulation.addMachine(host)
  machine.start(env => env.spawn('script', script(new Clients(env))))
  return () => machine.crashProcess()
}

function until(cluster: SmallCluster, what: string, isTrue: () => boolean, seconds = 60): void {
  cluster.simulation.run(cluster.simulation.now + seconds * 1_000_000, () => isTrue() || cluster.simulation.crashes.length > 0)
  const [crash] = cluster.simulation.crashes
  if (crash !== undefined) throw crash.error
  if (!isTrue()) throw new Error(`not within ${seconds} s: ${what}`)
}

describe.each<[string, Partial<ConsumerConfig>]>([
  ['classic, eager', { groupProtocol: 'classic' }],
  ['classic, cooperative', { groupProtocol: 'classic', partitionAssignmentStrategy: ['cooperative-sticky'] }],
  ['KIP-848', { groupProtocol: 'consumer' }],
])('a group (%s)', (_, protocol) => {
  it('of two shares three partitions 2 to 1; when one dies the other takes all and goes on where it was', () => {
    const cluster = new SmallCluster({ server: SERVER })
    cluster.client(clients => clients.createTopic('user_actions', [[1, 2, 3], [2, 3, 1], [3, 1, 2]]))
    const owned = new Map<string, readonly TopicPartition[]>()
    const read: string[] = []
    const kills = ['member-1', 'member-2'].map(host => spawn(cluster, host, function* (clients) {
      const consumer = clients.consumer({ ...MEMBER, ...protocol, autoCommitIntervalMs: 200 })
      consumer.subscribe(['user_actions'])
      for (;;) {
        const { records } = yield* consumer.poll(100)
        owned.set(host, consumer.assignment)
        for (const { value } of records) read.push(new TextDecoder().decode(value!))
      }
    }))
    const sizes = (): number[] => [...owned.values()].map(({ length }) => length).sort()
    until(cluster, 'shared out', () => sizes().join() === '1,2')
    expect(new Set([...owned.values()].flat().map(nameOf)).size).toBe(3)
    const send = (from: number): unknown => cluster.client(function* (clients) {
      const producer = clients.producer()
      for (let i = from; i < from + 30; i++) yield* clients.send(producer, 'user_actions', [`${i}`], i % 3)
    })
    send(0)
    until(cluster, 'read', () => read.length === 30)
    cluster.run(1_000)
    kills[0]!()
    owned.delete('member-1')
    until(cluster, 'taken over', () => owned.get('member-2')?.length === 3)
    send(30)
    until(cluster, 'read on', () => new Set(read).size === 60)
    expect(read.toSorted((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: 60 }, (_each, i) => `${i}`))
  }, 30_000)

  it('copies exactly once, also when an instance is killed in a transaction and when one hangs past every time-out', () => {
    const cluster = new SmallCluster({ server: SERVER })
    const total = 90
    cluster.client(function* (clients) {
      yield* clients.createTopic('in', [[1, 2, 3], [2, 3, 1], [3, 1, 2]])
      yield* clients.createTopic('out', [[2, 1, 3]])
      const producer = clients.producer()
      for (let i = 0; i < total; i++) yield* clients.send(producer, 'in', [`${i}`], i % 3)
    })
    let copied = 0
    const fenced: string[] = []
    const instance = (host: string, hangAfter: number): (() => void) => spawn(cluster, host, function* (clients) {
      for (;;) {
        const consumer = clients.consumer({ ...MEMBER, ...protocol, enableAutoCommit: false, isolationLevel: 'read_committed', maxPollRecords: 5 })
        const producer = clients.producer({ transactionalId: `copier-${host}`, transactionTimeoutMs: 3_000, maxBlockMs: 15_000 })
        consumer.subscribe(['in'])
        let isAlive = (yield* producer.initTransactions()).ok
        while (isAlive) {
          const { records } = yield* consumer.poll(100)
          if (records.length === 0) continue
          producer.beginTransaction()
          const next = new Map<string, { topic: string; partition: number; offset: number }>()
          for (const { topic, partition, offset, value } of records) {
            producer.send({ topic: 'out', partition: 0, key: null, value })
            next.set(`${partition}`, { topic, partition, offset: offset + 1 })
          }
          const group = consumer.groupMetadata()
          if (--hangAfter === 0) {
            yield* clients.sleep(12_000)
          }
          const sent = yield* producer.sendOffsetsToTransaction([...next.values()], group)
          const outcome = sent.ok ? yield* producer.commitTransaction() : sent
          if (outcome.ok) copied += records.length
          else {
            fenced.push(outcome.error)
            isAlive = false
          }
          yield* clients.sleep(150)
        }
        yield* producer.close(0)
        yield* consumer.shutDown(1_000)
      }
    })
    const kill = instance('instance-1', Infinity)
    instance('instance-2', 3)
    until(cluster, 'some are copied', () => copied > 10)
    kill()
    instance('instance-3', Infinity)
    until(cluster, 'all are copied', () => copied >= total && fenced.length > 0, 120)
    const out = cluster.client(clients => clients.readAll('out', 0, Infinity, { isolationLevel: 'read_committed' }))
    expect(out.map(([, value]) => Number(value)).sort((a, b) => a - b)).toEqual(Array.from({ length: total }, (_each, i) => i))
    expect(fenced.length).toBeGreaterThan(0)
  }, 60_000)
})
