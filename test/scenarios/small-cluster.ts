/**
 * Three brokers and three controllers in a simulation, and client scripts with the reference clients, for scenarios that
 * ask one thing of a cluster and look at what all its parts did.
 */
import type { Task } from '../../src/base/task.ts'
import { US_PER_MS, US_PER_SECOND } from '../../src/base/time.ts'
import { startServer } from '../../src/broker/start-server.ts'
import type { ServerHandle } from '../../src/broker/start-server.ts'
import { Admin } from '../../src/client/admin.ts'
import { Consumer } from '../../src/client/consumer.ts'
import { Producer } from '../../src/client/producer.ts'
import { DEFAULT_ADMIN_CONFIG, DEFAULT_CONSUMER_CONFIG, DEFAULT_PRODUCER_CONFIG } from '../../src/config/client.ts'
import type { ConsumerConfig, ProducerConfig } from '../../src/config/client.ts'
import type { BuggifySite } from '../../src/config/buggify.ts'
import { DEFAULT_SERVER_CONFIG } from '../../src/config/cluster.ts'
import type { ClusterConfig, ServerConfig, ServerSpec } from '../../src/config/cluster.ts'
import type { DefectId, MendId } from '../../src/config/defects.ts'
import type { Env } from '../../src/env/env.ts'
import type { Observation, ObservationOf } from '../../src/env/observation.ts'
import { objectFrameCodec } from '../../src/protocol/frame-codec.ts'
import { diskId } from '../../src/sim/disk-id.ts'
import { Simulation } from '../../src/sim/simulation.ts'
import { guaranteesFor } from '../../checkers/guarantees.ts'
import { Invariants } from '../../checkers/invariants/invariants.ts'
import { STRICT } from '../checkers/history-fixture.ts'

const SERVER: Partial<ServerConfig> = {
  brokerHeartbeatIntervalMs: 200, brokerSessionTimeoutMs: 1_500, replicaLagTimeMaxMs: 1_000, replicaFetchWaitMaxMs: 100,
  replicaFetchBackoffMs: 100, replicaSocketTimeoutMs: 1_000, quorumElectionTimeoutMs: 300, quorumFetchTimeoutMs: 600,
  quorumRequestTimeoutMs: 500, logRetentionCheckIntervalMs: 300, logSegmentDeleteDelayMs: 500, minInsyncReplicas: 2,
}
const CLIENT = {
  bootstrapServers: ['broker-1', 'broker-2', 'broker-3'], requestTimeoutMs: 1_000, retryBackoffMs: 20, retryBackoffMaxMs: 100,
  reconnectBackoffMs: 20, reconnectBackoffMaxMs: 100, metadataMaxAgeMs: 1_000, socketConnectionSetupTimeoutMs: 500,
}

export class Clients {
  readonly env: Env
  readonly admin: Admin

  constructor(env: Env) {
    this.env = env
    this.admin = new Admin(env, { ...DEFAULT_ADMIN_CONFIG, ...CLIENT, clientId: 'admin', defaultApiTimeoutMs: 8_000 })
  }

  producer(config: Partial<ProducerConfig> = {}): Producer {
    return new Producer(this.env, { ...DEFAULT_PRODUCER_CONFIG, ...CLIENT, clientId: 'producer', lingerMs: 0, deliveryTimeoutMs: 8_000, ...config })
  }

  consumer(config: Partial<ConsumerConfig> = {}): Consumer {
    return new Consumer(this.env, { ...DEFAULT_CONSUMER_CONFIG, ...CLIENT, clientId: 'consumer', autoOffsetReset: 'earliest', fetchMaxWaitMs: 100, ...config })
  }

  *sleep(ms: number): Task<void> {
    yield* this.env.sleep(ms * US_PER_MS).wait()
  }

  /** One record after the other; their offsets, or what became of them. */
  *send(producer: Producer, topic: string, values: readonly string[], partition = 0): Task<(number | string)[]> {
    const results: (number | string)[] = []
    for (const value of values) {
      const result = yield* producer.send({ topic, partition, key: null, value: new TextEncoder().encode(value), headers: [] }).wait()
      results.push(result.ok ? result.offset : result.error)
    }
    return results
  }

  /** Everything in a partition from its first offset, as [offset, value]. */
  *readAll(topic: string, partition = 0, count = Infinity, config: Partial<ConsumerConfig> = {}): Task<[number, string][]> {
    const consumer = this.consumer(config)
    consumer.assign([{ topic, partition }])
    consumer.seekToBeginning(topic, partition)
    const found: [number, string][] = []
    for (let quiet = 0; quiet < 4 && found.length < count;) {
      const { records } = yield* consumer.poll(200)
      quiet = records.length === 0 ? quiet + 1 : 0
      for (const { offset, value } of records) found.push([offset, new TextDecoder().decode(value!)])
    }
    consumer.close()
    return found
  }

  /** Asks until the answer satisfies. */
  *until<T>(ask: () => Task<T>, isWanted: (answer: T) => boolean): Task<T> {
    for (;;) {
      const answer = yield* ask()
      if (isWanted(answer)) return answer
      yield* this.sleep(50)
    }
  }

  /** Waits until the partition is led by somebody whom `isWanted` accepts. */
  *partition(topic: string, partition: number, isWanted: (state: { leaderId: number; isr: readonly number[]; replicas: readonly number[] }) => boolean): Task<{ leaderId: number; isr: readonly number[]; replicas: readonly number[] }> {
    for (;;) {
      const [described] = yield* this.admin.describeTopics([topic])
      const state = described?.ok === true ? described.value.partitions[partition] : undefined
      if (state !== undefined && isWanted(state)) return state
      yield* this.sleep(50)
    }
  }

  *createTopic(name: string, assignments: readonly (readonly number[])[], configs: Readonly<Record<string, string>> = {}): Task<string> {
    for (;;) {
      const [result] = yield* this.admin.createTopics([{ name, numPartitions: -1, replicationFactor: -1, replicaAssignments: assignments, configs }])
      if (result?.ok === true) {
        for (let partition = 0; partition < assignments.length; partition++) yield* this.partition(name, partition, ({ isr }) => isr.length === assignments[partition]!.length)
        return result.value.topicId
      }
      yield* this.sleep(100)
    }
  }
}

export class SmallCluster {
  readonly simulation: Simulation
  readonly config: ClusterConfig
  readonly events: { readonly event: Observation; readonly node: string; readonly time: number }[] = []
  readonly handles = new Map<string, ServerHandle>()
  private readonly invariants: Invariants

  constructor(o: { server?: Partial<ServerConfig>; rootKey?: number; defects?: readonly DefectId[]; mends?: readonly MendId[]; buggify?: readonly BuggifySite[]; recordsVoters?: boolean } = {}) {
    const servers: ServerSpec[] = []
    for (const id of [1, 2, 3]) servers.push({ nodeId: id, host: `broker-${id}`, roles: ['broker'], rack: null }, { nodeId: 100 + id, host: `controller-${100 + id}`, roles: ['controller'], rack: null })
    const voters = servers.filter(({ roles }) => roles.includes('controller')).map(({ nodeId, host }) => ({ id: nodeId, directoryId: diskId(o.rootKey ?? 1, host, 0), host }))
    this.config = {
      clusterId: 'AAAAAAAAAAAAAAAAAAAAAw', servers, server: { ...DEFAULT_SERVER_CONFIG, ...SERVER, ...o.server }, ...(o.recordsVoters === true ? { initialVoters: voters } : {}),
    }
    this.invariants = new Invariants({ guarantees: guaranteesFor(STRICT), uncleanElections: () => false, servers, producersExpire: true })
    this.simulation = new Simulation({
      rootKey: o.rootKey ?? 1, codec: objectFrameCodec, network: { kind: 'drawn', minUs: 200, maxUs: 1_500 }, disk: { fsyncMinUs: 100, fsyncMaxUs: 1_000 },
      interleaving: { kind: 'random', probability: 0.05, depth: 3 }, choices: { mode: 'explicit', fired: [] }, defects: new Set(o.defects), mends: new Set(o.mends), ...(o.buggify === undefined ? {} : { buggify: new Set(o.buggify) }),
      observers: [{ observe: (event, node, _incarnation, time) => void this.events.push({ event, node, time }) }, this.invariants], epochMs: 1_700_000_000_000,
    })
    for (const spec of servers) {
      this.simulation.addMachine(spec.host)
      this.start(spec.host)
    }
    this.simulation.addMachine('client-1')
  }

  start(host: string): void {
    const spec = this.config.servers.find(server => server.host === host)!
    this.simulation.machine(host).start(env => this.handles.set(host, startServer(env, this.config, spec)))
  }

  run(ms: number): void {
    this.simulation.run(this.simulation.now + ms * US_PER_MS)
  }

  /** Runs a client script to its end; a process of its own each time. `interrupt`: once, between two events, as soon as it is wanted. */
  client<T>(script: (clients: Clients) => Task<T>, interrupt?: { readonly when: () => boolean; readonly strike: () => void }): T {
    let result: { value: T } | undefined
    const machine = this.simulation.machine('client-1')
    machine.start(env => env.spawn('script', (function* (): Task<void> {
      result = { value: yield* script(new Clients(env)) }
    })()))
    const isOver = (): boolean => result !== undefined || this.simulation.crashes.length > 0
    if (interrupt !== undefined) {
      this.simulation.run(this.simulation.now + 60 * US_PER_SECOND, () => interrupt.when() || isOver())
      if (!isOver()) interrupt.strike()
    }
    this.simulation.run(this.simulation.now + 60 * US_PER_SECOND, isOver)
    machine.crashProcess()
    const [crash] = this.simulation.crashes
    if (crash !== undefined) throw crash.error
    if (result === undefined) throw new Error(`the script did not end by ${this.simulation.now} us`)
    return result.value
  }

  of<K extends Observation['kind']>(kind: K): (ObservationOf<K> & { readonly node: string })[] {
    return this.events.flatMap(({ event, node }) => (event.kind === kind ? [{ ...(event as ObservationOf<K>), node }] : []))
  }

  /** Anomalies that white-box monitors have found so far; `settled`: also what may not be left when all is over. */
  violations(settled = false): string[] {
    if (settled) this.invariants.settled(host => this.simulation.machine(host).isRunning, this.simulation.now)
    return this.invariants.results().flatMap(({ findings }) => findings.map(({ anomaly }) => anomaly))
  }

  marks(name: string): number {
    return this.of('mark').filter(mark => mark.name === name).length
  }
}
