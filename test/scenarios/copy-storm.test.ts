/**
 * Applications that copy exactly once (transactions, offsets committed with the group's membership) in a storm: instances and
 * brokers crash, come back and hang, also for longer than every time-out. When it is over each input is in the output once.
 */
import { describe, expect, test } from 'vitest'
import { below, draw32 } from '../../src/base/random.ts'
import type { Task } from '../../src/base/task.ts'
import type { ConsumerConfig } from '../../src/config/client.ts'
import type { DefectId } from '../../src/config/defects.ts'
import { Clients, SmallCluster } from './small-cluster.ts'

const PARTITIONS = 4
const INSTANCES = ['client-2', 'client-3', 'client-4']

class CopyStorm {
  readonly cluster: SmallCluster
  /** Outcomes of transactions that were not `ok`, by error. */
  readonly failures = new Map<string, number>()
  private readonly config: Partial<ConsumerConfig>
  private readonly seed: number
  private draws = 0
  private sent = 0

  constructor(seed: number, config: Partial<ConsumerConfig>, transactionVersion: 1 | 2, defects: readonly DefectId[] = []) {
    this.seed = seed
    this.config = config
    this.cluster = new SmallCluster({
      rootKey: seed, defects,
      server: {
        transactionVersion, offsetsTopicNumPartitions: 2, transactionStateLogNumPartitions: 2, transactionAbortTimedOutTransactionCleanupIntervalMs: 500,
        groupInitialRebalanceDelayMs: 200, groupMinSessionTimeoutMs: 500, groupConsumerSessionTimeoutMs: 2_000, groupConsumerHeartbeatIntervalMs: 300,
        groupConsumerAssignmentIntervalMs: 100,
      },
    })
    for (const host of INSTANCES) this.cluster.simulation.addMachine(host)
    const replicas = (first: number, count: number): number[][] => Array.from({ length: count }, (_, i) => [0, 1, 2].map(n => 1 + ((first + i + n) % 3)))
    this.cluster.client(function* (clients) {
      yield* clients.createTopic('in', replicas(0, PARTITIONS))
      yield* clients.createTopic('out', replicas(1, 2))
    })
  }

  draw(bound: number): number {
    return below(draw32(this.seed, 'copy-storm', this.draws++), bound)
  }

  instance(host: string): void {
    const { config, failures } = this
    this.cluster.simulation.machine(host).start(env => env.spawn('copier', (function* (): Task<void> {
      const clients = new Clients(env)
      for (;;) {
        const consumer = clients.consumer({
          groupId: 'g', enableAutoCommit: false, isolationLevel: 'read_committed', maxPollRecords: 3, sessionTimeoutMs: 1_500, heartbeatIntervalMs: 300, maxPollIntervalMs: 4_000, ...config,
        })
        const producer = clients.producer({ transactionalId: host, transactionTimeoutMs: 3_000, maxBlockMs: 10_000 })
        consumer.subscribe(['in'])
        let error: string | undefined
        const first = yield* producer.initTransactions()
        if (!first.ok) error = first.error
        while (error === undefined) {
          const { records } = yield* consumer.poll(200)
          if (records.length === 0) continue
          producer.beginTransaction()
          for (const { partition, value } of records) producer.send({ topic: 'out', partition: partition % 2, key: null, value })
          const next = new Map(records.map(({ topic, partition, offset }) => [partition, { topic, partition, offset: offset + 1 }]))
          const sent = yield* producer.sendOffsetsToTransaction([...next.values()], consumer.groupMetadata())
          yield* env.pause('copied')
          const outcome = sent.ok ? yield* producer.commitTransaction() : sent
          if (!outcome.ok) error = outcome.error
        }
        // Whatever went wrong: another instance takes over, as an orchestrator would have it.
        failures.set(error, (failures.get(error) ?? 0) + 1)
        yield* producer.close(0)
        consumer.close()
      }
    })()))
  }

  produce(values: number): void {
    const from = this.sent
    this.sent += values
    this.cluster.client(function* (clients) {
      const producer = clients.producer()
      for (let partition = 0; partition < PARTITIONS; partition++) yield* clients.send(producer, 'in', Array.from({ length: values }, (_, i) => `${partition}:${from + i}`), partition)
    })
  }

  strike(): void {
    const { simulation } = this.cluster
    const victim = this.draw(2) === 0 ? INSTANCES[this.draw(INSTANCES.length)]! : `broker-${1 + this.draw(3)}`
    const machine = simulation.machine(victim)
    if (!machine.isRunning) return
    if (this.draw(2) === 0) {
      machine.pause()
      this.cluster.run(200 + this.draw(6_000))
      machine.resume()
      return
    }
    machine.crashProcess()
    this.cluster.run(this.draw(3_000))
    if (INSTANCES.includes(victim)) this.instance(victim)
    else this.cluster.start(victim)
  }

  run(): { readonly found: readonly string[]; readonly wanted: readonly string[] } {
    for (const host of INSTANCES) this.instance(host)
    for (let round = 0; round < 8; round++) {
      this.produce(4)
      this.strike()
    }
    return this.finish()
  }

  /** What read_committed sees in the output, sorted, and what there should be. */
  finish(): { readonly found: readonly string[]; readonly wanted: readonly string[] } {
    this.cluster.run(25_000)
    const found = this.cluster.client(function* (clients) {
      const values: string[] = []
      for (const partition of [0, 1]) for (const [, value] of yield* clients.readAll('out', partition, Infinity, { isolationLevel: 'read_committed' })) values.push(value)
      return values
    })
    const wanted = Array.from({ length: PARTITIONS }, (_, partition) => Array.from({ length: this.sent }, (_each, i) => `${partition}:${i}`)).flat()
    return { found: found.toSorted(), wanted: wanted.toSorted() }
  }
}

const SEEDS = (process.env['STORM_SEEDS'] ?? '3').split(',').map(Number)

describe.each([
  { name: 'classic', config: {}, version: 2 },
  { name: 'classic, cooperative, TV1', config: { partitionAssignmentStrategy: ['cooperative-sticky'] }, version: 1 },
  { name: 'KIP-848', config: { groupProtocol: 'consumer' }, version: 2 },
] as const)('$name', ({ config, version }) => {
  test.each(SEEDS)('seed %d', seed => {
    const storm = new CopyStorm(seed, config, version)
    const { found, wanted } = storm.run()
    expect(found).toEqual(wanted)
    expect(storm.cluster.violations(true)).toEqual([])
  }, 60_000)
})

test('without the fence of KIP-447 an instance that hangs copies what others have copied meanwhile', () => {
  const { found, wanted } = new CopyStorm(2, { partitionAssignmentStrategy: ['cooperative-sticky'] }, 1, ['KIP-447']).run()
  expect(new Set(found)).toEqual(new Set(wanted))
  expect(found.length).toBeGreaterThan(wanted.length)
}, 60_000)
