/** Three real brokers and clients over simulated connections, for tests of share groups. */
import { US_PER_SECOND, msToUs } from '../../../src/base/time.ts'
import type { Task } from '../../../src/base/task.ts'
import { startServer } from '../../../src/broker/start-server.ts'
import { Admin } from '../../../src/client/admin.ts'
import { Producer } from '../../../src/client/producer.ts'
import { ShareConsumer } from '../../../src/client/share/share-consumer.ts'
import type { AcknowledgeOutcome } from '../../../src/client/share/share-record.ts'
import { DEFAULT_ADMIN_CONFIG, DEFAULT_PRODUCER_CONFIG, DEFAULT_SHARE_CONSUMER_CONFIG } from '../../../src/config/client.ts'
import type { ProducerConfig, ShareConsumerConfig } from '../../../src/config/client.ts'
import { DEFAULT_SERVER_CONFIG } from '../../../src/config/cluster.ts'
import type { ClusterConfig, ServerSpec } from '../../../src/config/cluster.ts'
import type { DefectId } from '../../../src/config/defects.ts'
import type { ShareSettings } from '../../../src/config/share.ts'
import type { Env } from '../../../src/env/env.ts'
import type { Observation, ObservationOf } from '../../../src/env/observation.ts'
import { bytesFrameCodec } from '../../../src/protocol/frame-codec.ts'
import { Simulation } from '../../../src/sim/simulation.ts'

const servers: ServerSpec[] = [1, 2, 3].map(nodeId => ({ nodeId, host: `broker-${nodeId}`, roles: ['broker', 'controller'], rack: null }))
const COMMON = {
  clientId: 'c', bootstrapServers: servers.map(server => server.host), requestTimeoutMs: 1_000, socketConnectionSetupTimeoutMs: 500,
  retryBackoffMs: 20, retryBackoffMaxMs: 200, reconnectBackoffMs: 20, reconnectBackoffMaxMs: 200,
}
export const TOPIC = 'jobs'

export class ShareCluster {
  readonly simulation: Simulation
  readonly observed: Observation[] = []
  private readonly cluster: ClusterConfig
  private clients = 0

  constructor(o: { readonly share?: Partial<ShareSettings>; readonly defects?: readonly DefectId[]; readonly partitions?: number; readonly rootKey?: number } = {}) {
    this.cluster = {
      clusterId: 'AAAAAAAAAAAAAAAAAAAAAw', servers,
      server: {
        ...DEFAULT_SERVER_CONFIG, brokerHeartbeatIntervalMs: 200, brokerSessionTimeoutMs: 1_000, replicaLagTimeMaxMs: 1_000, replicaFetchWaitMaxMs: 100, replicaFetchBackoffMs: 50,
        quorumElectionTimeoutMs: 300, quorumFetchTimeoutMs: 600, quorumRequestTimeoutMs: 500, offsetsTopicNumPartitions: 1, offsetsTopicReplicationFactor: 3, minInsyncReplicas: 2,
        share: { shareCoordinatorStateTopicNumPartitions: 1, shareAutoOffsetReset: 'earliest', groupShareRecordLockDurationMs: 1_500, groupShareHeartbeatIntervalMs: 200, groupShareSessionTimeoutMs: 1_500, ...o.share },
      },
    }
    this.simulation = new Simulation({
      rootKey: o.rootKey ?? 1, codec: bytesFrameCodec, network: { kind: 'drawn', minUs: 200, maxUs: 2_000 }, disk: { fsyncMinUs: 100, fsyncMaxUs: 500 },
      interleaving: { kind: 'random', probability: 0.05, depth: 3 }, choices: { mode: 'drawn', delay: 0, delayMaxUs: 300_000, break: 0, tornWrite: 0 },
      defects: new Set(o.defects), mends: new Set(), epochMs: 1_700_000_000_000,
      observers: [{ observe: event => void this.observed.push(event) }],
    })
    for (const { host } of servers) {
      this.simulation.addMachine(host)
      this.start(host)
    }
    this.run(function* (env) {
      const admin = new Admin(env, { ...DEFAULT_ADMIN_CONFIG, ...COMMON })
      for (;;) {
        yield* admin.createTopics([{ name: TOPIC, numPartitions: o.partitions ?? 1, replicationFactor: 3, configs: { 'min.insync.replicas': '2' } }])
        const [topic] = yield* admin.describeTopics([TOPIC])
        if (topic?.ok === true && topic.value.partitions.every(partition => partition.leaderId >= 0)) return
        yield* env.sleep(msToUs(50)).wait()
      }
    })
  }

  start(host: string): void {
    this.simulation.machine(host).start(env => {
      startServer(env, this.cluster, servers.find(server => server.host === host)!)
    })
  }

  /** Host of the leader of a partition of the topic. */
  leader(topic = TOPIC, partition = 0): string {
    const led = this.observed.findLast((event): event is ObservationOf<'became-leader'> => event.kind === 'became-leader' && event.topic === topic && event.partition === partition)!
    const registered = this.observed.findLast((event): event is ObservationOf<'partition-registered'> => event.kind === 'partition-registered' && event.topicId === led.topicId && event.partition === partition)!
    return `broker-${registered.leader}`
  }

  marks(name: string): number {
    return this.observed.filter(event => event.kind === 'mark' && event.name === name).length
  }

  sleep(ms: number): void {
    this.simulation.run(this.simulation.now + msToUs(ms), () => false)
  }

  /** Runs a client to its end. */
  run<T>(script: (env: Env) => Task<T>): T {
    return this.join(this.begin(script))
  }

  /** Starts a client. */
  begin<T>(script: (env: Env) => Task<T>): { result: { value: T } | undefined; readonly host: string } {
    const host = `client-${++this.clients}`
    const machine = this.simulation.addMachine(host)
    const running: { result: { value: T } | undefined; readonly host: string } = { result: undefined, host }
    machine.start(env => env.spawn('script', (function* (): Task<void> {
      running.result = { value: yield* script(env) }
    })()))
    return running
  }

  join<T>(running: { result: { value: T } | undefined; readonly host: string }): T {
    this.simulation.run(this.simulation.now + 60 * US_PER_SECOND, () => running.result !== undefined || this.simulation.crashes.length > 0)
    const [crash] = this.simulation.crashes
    if (crash !== undefined) throw crash.error
    if (running.result === undefined) throw new Error(`the script did not end by ${this.simulation.now} us`)
    const { value } = running.result
    this.simulation.machine(running.host).crashProcess()
    return value
  }

  /** Sends numbered records, all of one partition in one batch. */
  produce(count: number, config: Partial<ProducerConfig> = {}, partition = 0): void {
    this.run(function* (env) {
      const producer = new Producer(env, { ...DEFAULT_PRODUCER_CONFIG, ...COMMON, lingerMs: 50, ...config })
      for (let n = 0; n < count; n++) producer.send({ topic: TOPIC, partition, key: null, value: new TextEncoder().encode(`${n}`) })
      yield* producer.flush()
      yield* producer.close(0)
      return undefined
    })
  }

  consumer(env: Env, config: Partial<ShareConsumerConfig> = {}, onAcknowledged?: (outcome: AcknowledgeOutcome) => void): ShareConsumer {
    const consumer = new ShareConsumer(env, { ...DEFAULT_SHARE_CONSUMER_CONFIG, ...COMMON, groupId: 'workers', fetchMaxWaitMs: 100, ...config }, onAcknowledged)
    consumer.subscribe([TOPIC])
    return consumer
  }
}

/** Polls until `count` records have come, or for 10 seconds. */
export function* pollFor(env: Env, consumer: ShareConsumer, count: number) {
  const until = env.now() + 10 * US_PER_SECOND
  const records = []
  while (records.length < count && env.now() < until) records.push(...(yield* consumer.poll(100)).records)
  return records
}
