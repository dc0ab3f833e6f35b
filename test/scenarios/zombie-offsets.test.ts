/**
 * KIP-447: an instance that copies records in transactions stands still with one open, past its session; another one takes its
 * partition, copies the same record and commits; the first one wakes and goes on. Its offsets name a membership that is over,
 * so its transaction must not commit: each input has one output.
 */
import { expect, test } from 'vitest'
import type { Task } from '../../src/base/task.ts'
import type { DefectId } from '../../src/config/defects.ts'
import { Clients, SmallCluster } from './small-cluster.ts'

const SERVER = { offsetsTopicNumPartitions: 1, transactionStateLogNumPartitions: 1, groupInitialRebalanceDelayMs: 100, groupMinSessionTimeoutMs: 500, groupConsumerSessionTimeoutMs: 1_500, groupConsumerHeartbeatIntervalMs: 300, groupConsumerAssignmentIntervalMs: 0 }

interface Progress {
  /** It has read and written, and not committed. */
  isBetween: boolean
  outcome: string
}

/** Copies the first record of `input` to `output` and says when it is in between. */
function copyOne(cluster: SmallCluster, host: string, groupProtocol: 'classic' | 'consumer', pauseMs: number): Progress {
  const progress: Progress = { isBetween: false, outcome: 'running' }
  cluster.simulation.addMachine(host)
  cluster.simulation.machine(host).start(env => env.spawn('copy', (function* (): Task<void> {
    const clients = new Clients(env)
    const consumer = clients.consumer({ groupId: 'g', groupProtocol, enableAutoCommit: false, isolationLevel: 'read_committed', sessionTimeoutMs: 1_500, heartbeatIntervalMs: 300 })
    const producer = clients.producer({ transactionalId: host, transactionTimeoutMs: 60_000 })
    yield* producer.initTransactions()
    consumer.subscribe(['input'])
    for (;;) {
      const { records: [record] } = yield* consumer.poll(200)
      if (record === undefined) continue
      producer.beginTransaction()
      yield* producer.send({ topic: 'output', partition: 0, key: null, value: record.value, headers: [] }).wait()
      const group = consumer.groupMetadata()
      progress.isBetween = true
      yield* clients.sleep(pauseMs)
      const sent = yield* producer.sendOffsetsToTransaction([{ topic: 'input', partition: 0, offset: record.offset + 1 }], group)
      const committed = sent.ok ? yield* producer.commitTransaction() : sent
      progress.outcome = committed.ok ? 'committed' : 'refused'
      if (!committed.ok) yield* producer.abortTransaction()
      yield* clients.sleep(60_000)
    }
  })()))
  return progress
}

function run(groupProtocol: 'classic' | 'consumer', defects: readonly DefectId[]): { outcomes: string[]; output: string[] } {
  const cluster = new SmallCluster({ server: SERVER, defects })
  cluster.client(function* (clients) {
    yield* clients.createTopic('input', [[1, 2, 3]])
    yield* clients.createTopic('output', [[2, 3, 1]])
    yield* clients.send(clients.producer(), 'input', ['a'])
  })
  const zombie = copyOne(cluster, 'client-2', groupProtocol, 10)
  while (!zombie.isBetween) cluster.run(1)
  cluster.simulation.machine('client-2').pause()
  const heir = copyOne(cluster, 'client-3', groupProtocol, 0)
  while (heir.outcome === 'running') cluster.run(50)
  cluster.simulation.machine('client-2').resume()
  while (zombie.outcome === 'running') cluster.run(50)
  cluster.run(1_000)
  const read = cluster.client(clients => clients.readAll('output', 0, Infinity, { isolationLevel: 'read_committed' }))
  return { outcomes: [heir.outcome, zombie.outcome], output: read.map(([, value]) => value) }
}

test.each(['classic', 'consumer'] as const)('the zombie is refused (%s)', groupProtocol => {
  expect(run(groupProtocol, [])).toEqual({ outcomes: ['committed', 'refused'], output: ['a'] })
})

test.each(['classic', 'consumer'] as const)('with the defect it commits, and the record is there twice (%s)', groupProtocol => {
  expect(run(groupProtocol, ['KIP-447'])).toEqual({ outcomes: ['committed', 'committed'], output: ['a', 'a'] })
})
