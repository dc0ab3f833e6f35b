/** The clients over simulated connections against real brokers: a leader crashes while an idempotent producer sends. */
import { expect, it } from 'vitest'
import { US_PER_SECOND, msToUs } from '../../src/base/time.ts'
import type { Future, Task } from '../../src/base/task.ts'
import { startServer } from '../../src/broker/start-server.ts'
import { Admin } from '../../src/client/admin.ts'
import { Consumer } from '../../src/client/consumer.ts'
import { Producer } from '../../src/client/producer.ts'
import type { SendResult } from '../../src/client/send-result.ts'
import { DEFAULT_ADMIN_CONFIG, DEFAULT_CONSUMER_CONFIG, DEFAULT_PRODUCER_CONFIG } from '../../src/config/client.ts'
import { DEFAULT_SERVER_CONFIG } from '../../src/config/cluster.ts'
import type { ClusterConfig, ServerSpec } from '../../src/config/cluster.ts'
import type { Env } from '../../src/env/env.ts'
import { bytesFrameCodec } from '../../src/protocol/frame-codec.ts'
import { Simulation } from '../../src/sim/simulation.ts'

const servers: ServerSpec[] = [1, 2, 3].map(nodeId => ({ nodeId, host: `broker-${nodeId}`, roles: ['broker', 'controller'], rack: null }))
const CLUSTER: ClusterConfig = {
  clusterId: 'AAAAAAAAAAAAAAAAAAAAAw',
  servers,
  server: {
    ...DEFAULT_SERVER_CONFIG, brokerHeartbeatIntervalMs: 200, brokerSessionTimeoutMs: 1_000, replicaLagTimeMaxMs: 1_000,
    replicaFetchWaitMaxMs: 100, replicaFetchBackoffMs: 50, quorumElectionTimeoutMs: 300, quorumFetchTimeoutMs: 600, quorumRequestTimeoutMs: 500,
  },
}
const COMMON = {
  clientId: 'c', bootstrapServers: servers.map(server => server.host), requestTimeoutMs: 1_000, socketConnectionSetupTimeoutMs: 500,
  retryBackoffMs: 20, retryBackoffMaxMs: 200, reconnectBackoffMs: 20, reconnectBackoffMaxMs: 200,
}
const RECORDS = 60

function simulate(rootKey: number, breakChance: number): { results: SendResult[]; read: string[][] } {
  const simulation = new Simulation({
    rootKey, codec: bytesFrameCodec, network: { kind: 'drawn', minUs: 200, maxUs: 2_000 }, disk: { fsyncMinUs: 100, fsyncMaxUs: 500 },
    interleaving: { kind: 'random', probability: 0.05, depth: 3 },
    choices: { mode: 'drawn', delay: 0.01, delayMaxUs: 300_000, break: breakChance, tornWrite: 0 },
    defects: new Set(), mends: new Set(['KAFKA-14034', 'KAFKA-14359', 'KAFKA-5494-snapshot']), observers: [], epochMs: 1_700_000_000_000,
  })
  const start = (host: string): void => simulation.machine(host).start(env => {
    startServer(env, CLUSTER, servers.find(server => server.host === host)!)
  })
  for (const { host } of servers) {
    simulation.addMachine(host)
    start(host)
  }
  let client = 0
  const run = <T>(script: (env: Env) => Task<T>): T => {
    const machine = simulation.addMachine(`client-${++client}`)
    let result: { value: T } | undefined
    machine.start(env => env.spawn('script', (function* (): Task<void> {
      result = { value: yield* script(env) }
    })()))
    simulation.run(simulation.now + 120 * US_PER_SECOND, () => result !== undefined)
    const [crash] = simulation.crashes
    if (crash !== undefined) throw crash.error
    if (result === undefined) throw new Error(`the script did not end by ${simulation.now} us`)
    machine.crashProcess()
    return result.value
  }
  let leader = 0
  run(function* (env) {
    const admin = new Admin(env, { ...DEFAULT_ADMIN_CONFIG, ...COMMON })
    for (;;) {
      yield* admin.createTopics([{ name: 'orders', numPartitions: 2, replicationFactor: 3, configs: { 'min.insync.replicas': '2' } }])
      const [topic] = yield* admin.describeTopics(['orders'])
      if (topic?.ok === true && topic.value.partitions.every(partition => partition.leaderId >= 0)) {
        leader = topic.value.partitions[0]!.leaderId
        return
      }
      yield* env.sleep(msToUs(50)).wait()
    }
  })
  simulation.schedule(msToUs(300), () => simulation.machine(`broker-${leader}`).crashProcess())
  simulation.schedule(msToUs(2_500), () => start(`broker-${leader}`))
  const results = run(function* (env) {
    const producer = new Producer(env, { ...DEFAULT_PRODUCER_CONFIG, ...COMMON, batchSize: 100, deliveryTimeoutMs: 60_000 })
    const sent: Future<SendResult>[] = []
    for (let i = 0; i < RECORDS; i++) {
      sent.push(producer.send({ topic: 'orders', partition: i % 2, key: null, value: new TextEncoder().encode(`${i}`) }))
      yield* env.sleep(msToUs(10)).wait()
    }
    yield* producer.flush()
    yield* producer.close(0)
    return sent.map(future => future.result())
  })
  simulation.calm()
  const read = run(function* (env) {
    const consumer = new Consumer(env, { ...DEFAULT_CONSUMER_CONFIG, ...COMMON, autoOffsetReset: 'earliest', fetchMaxWaitMs: 100 })
    consumer.assign([{ topic: 'orders', partition: 0 }, { topic: 'orders', partition: 1 }])
    const values: string[][] = [[], []]
    for (let quiet = 0; quiet < 20;) {
      const { records } = yield* consumer.poll(100)
      quiet = records.length === 0 ? quiet + 1 : 0
      for (const { partition, value } of records) values[partition]!.push(new TextDecoder().decode(value!))
    }
    return values
  })
  return { results, read }
}

const numbers = (parity: number): string[] => Array.from({ length: RECORDS / 2 }, (_, i) => `${2 * i + parity}`)

it.each([1, 2])('survives the crash of a leader without loss, duplicate or reorder (root key %i)', rootKey => {
  const { results, read } = simulate(rootKey, 0.01)
  expect(results.filter(result => !result.ok)).toEqual([])
  expect(read).toEqual([numbers(0), numbers(1)])
})
