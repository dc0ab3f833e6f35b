/** A whole cluster in a simulation, and a client that speaks the protocol by hand. */
import { startServer } from '../../src/broker/start-server.ts'
import type { ServerHandle } from '../../src/broker/start-server.ts'
import type { Task } from '../../src/base/task.ts'
import { US_PER_SECOND, msToUs } from '../../src/base/time.ts'
import { BROKER_PORT, DEFAULT_SERVER_CONFIG, brokersOf } from '../../src/config/cluster.ts'
import type { ClusterConfig, ServerConfig, ServerSpec } from '../../src/config/cluster.ts'
import type { DefectId } from '../../src/config/defects.ts'
import type { Env } from '../../src/env/env.ts'
import type { Observation } from '../../src/env/observation.ts'
import { ApiKey } from '../../src/protocol/api-keys.ts'
import { ErrorCode, errorName } from '../../src/protocol/errors.ts'
import { objectFrameCodec } from '../../src/protocol/frame-codec.ts'
import type { CreateTopicsResponse, FetchResponse, InitProducerIdResponse, ListOffsetsResponse, MetadataResponse, ProduceResponse } from '../../src/protocol/generated/types.ts'
import { batchPositions, buildBatch, readRecords } from '../../src/protocol/records/record-batch.ts'
import { RpcClient } from '../../src/rpc/rpc-client.ts'
import { Simulation } from '../../src/sim/simulation.ts'

const SERVER: ServerConfig = {
  ...DEFAULT_SERVER_CONFIG,
  brokerHeartbeatIntervalMs: 200,
  brokerSessionTimeoutMs: 1_500,
  replicaLagTimeMaxMs: 1_000,
  replicaFetchWaitMaxMs: 100,
  replicaFetchBackoffMs: 100,
  replicaSocketTimeoutMs: 1_000,
  quorumElectionTimeoutMs: 300,
  quorumFetchTimeoutMs: 600,
  quorumRequestTimeoutMs: 500,
}

function clusterOf(combined: boolean, server: Partial<ServerConfig> = {}): ClusterConfig {
  const servers: ServerSpec[] = []
  for (const id of [1, 2, 3]) {
    if (combined) servers.push({ nodeId: id, host: `broker-${id}`, roles: ['broker', 'controller'], rack: `rack-${id}` })
    else {
      servers.push({ nodeId: id, host: `broker-${id}`, roles: ['broker'], rack: `rack-${id}` })
      servers.push({ nodeId: 100 + id, host: `controller-${100 + id}`, roles: ['controller'], rack: null })
    }
  }
  return { clusterId: 'AAAAAAAAAAAAAAAAAAAAAw', servers, server: { ...SERVER, ...server } }
}

export class World {
  readonly simulation: Simulation
  readonly cluster: ClusterConfig
  readonly events: { readonly event: Observation; readonly node: string; readonly time: number }[] = []
  readonly handles = new Map<string, ServerHandle>()

  constructor(o: { combined?: boolean; rootKey?: number; defects?: readonly DefectId[]; interleaving?: 'off' | 'random'; server?: Partial<ServerConfig> } = {}) {
    this.cluster = clusterOf(o.combined ?? false, o.server)
    this.simulation = new Simulation({
      rootKey: o.rootKey ?? 1,
      codec: objectFrameCodec,
      network: { kind: 'drawn', minUs: 200, maxUs: 1_500 },
      disk: { fsyncMinUs: 100, fsyncMaxUs: 2_000 },
      interleaving: { kind: o.interleaving ?? 'off', probability: 0.1, depth: 3 },
      choices: { mode: 'explicit', fired: [] },
      defects: new Set(o.defects),
      mends: new Set(),
      observers: [{ observe: (event, node, _incarnation, time) => void this.events.push({ event, node, time }) }],
      epochMs: 1_700_000_000_000,
    })
    for (const spec of this.cluster.servers) {
      this.simulation.addMachine(spec.host)
      this.start(spec.host)
    }
    this.simulation.addMachine('client-1')
  }

  start(host: string): void {
    const spec = this.cluster.servers.find(server => server.host === host)!
    this.simulation.machine(host).start(env => this.handles.set(host, startServer(env, this.cluster, spec)))
  }

  /** Runs a client script to its end; a process of its own each time. */
  client<T>(script: (client: TestClient) => Task<T>): T {
    let result: { value: T } | undefined
    const machine = this.simulation.machine('client-1')
    machine.start(env => env.spawn('script', (function* (cluster: ClusterConfig): Task<void> {
      result = { value: yield* script(new TestClient(env, cluster)) }
    })(this.cluster)))
    this.simulation.run(this.simulation.now + 60 * US_PER_SECOND, () => result !== undefined)
    machine.crashProcess()
    const [crash] = this.simulation.crashes
    if (crash !== undefined) throw crash.error
    if (result === undefined) throw new Error(`the script did not end by ${this.simulation.now} us`)
    return result.value
  }

  marks(name: string): number {
    return this.events.filter(({ event }) => event.kind === 'mark' && event.name === name).length
  }
}

/** Speaks the protocol by hand and tries again until it works. */
export class TestClient {
  readonly env: Env
  private readonly rpc: RpcClient
  private readonly hosts: readonly string[]

  constructor(env: Env, cluster: ClusterConfig) {
    this.env = env
    this.hosts = brokersOf(cluster).map(broker => broker.host)
    this.rpc = new RpcClient(env, { clientId: 'test', requestTimeoutMs: 2_000, connectionSetupTimeoutMs: 1_000, maxInFlight: 5, reconnectBackoffMs: 20, reconnectBackoffMaxMs: 100 })
  }

  *ask<T>(host: string, apiKey: number, body: object, version?: number): Task<T | undefined> {
    const result = yield* this.rpc.send(host, BROKER_PORT, apiKey, body, version === undefined ? {} : { version }).wait()
    return result.ok ? (result.body as T) : undefined
  }

  /** Asks one broker after the other until `accept` finds what it wants. */
  *until<T, R>(apiKey: number, body: object, accept: (response: T) => R | undefined): Task<R> {
    for (let i = 0; ; i++) {
      const response = yield* this.ask<T>(this.hosts[i % this.hosts.length]!, apiKey, body)
      const found = response === undefined ? undefined : accept(response)
      if (found !== undefined) return found
      yield* this.env.sleep(msToUs(50)).wait()
    }
  }

  *brokersUp(count: number): Task<void> {
    yield* this.until<MetadataResponse, true>(ApiKey.Metadata, { topics: [] }, response => (response.brokers.length === count ? true : undefined))
  }

  *createTopic(name: string, configs: Readonly<Record<string, string>>): Task<void> {
    const topics = [{ name, numPartitions: 1, replicationFactor: 3, configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })) }]
    yield* this.until<CreateTopicsResponse, true>(ApiKey.CreateTopics, { topics, timeoutMs: 5_000 }, ({ topics: [created] }) => {
      if (created?.errorCode !== ErrorCode.NONE && created?.errorCode !== ErrorCode.TOPIC_ALREADY_EXISTS) return undefined
      return true
    })
  }

  *leaderOf(name: string, isWanted: (leaderId: number, isr: readonly number[]) => boolean = () => true): Task<{ id: number; host: string; topicId: string; isr: readonly number[] }> {
    return yield* this.until<MetadataResponse, { id: number; host: string; topicId: string; isr: readonly number[] }>(ApiKey.Metadata, { topics: [{ name }] }, response => {
      const topic = response.topics[0]
      const partition = topic?.partitions[0]
      const leader = response.brokers.find(broker => broker.nodeId === partition?.leaderId)
      if (topic === undefined || partition === undefined || leader === undefined || !isWanted(leader.nodeId, partition.isrNodes)) return undefined
      return { id: leader.nodeId, host: leader.host, topicId: topic.topicId, isr: partition.isrNodes }
    })
  }

  *producerId(): Task<number> {
    return yield* this.until<InitProducerIdResponse, number>(ApiKey.InitProducerId, { transactionalId: null, transactionTimeoutMs: 0 }, response => (response.errorCode === 0 ? response.producerId : undefined))
  }

  /** The base offset, or the name of the error. */
  *produce(topic: string, values: readonly string[], o: { producerId?: number; baseSequence?: number; isWanted?: (leaderId: number) => boolean } = {}): Task<number | string> {
    const leader = yield* this.leaderOf(topic, o.isWanted)
    const records = buildBatch({
      producerId: o.producerId ?? -1, producerEpoch: o.producerId === undefined ? -1 : 0, baseSequence: o.baseSequence ?? -1,
      records: values.map(value => ({ timestamp: this.env.wallClock(), key: null, value: new TextEncoder().encode(value) })),
    })
    const body = { acks: -1, timeoutMs: 1_500, topicData: [{ topicId: leader.topicId, partitionData: [{ index: 0, records }] }] }
    const response = yield* this.ask<ProduceResponse>(leader.host, ApiKey.Produce, body)
    const partition = response?.responses[0]?.partitionResponses[0]
    if (partition === undefined) return 'DISCONNECTED'
    return partition.errorCode === ErrorCode.NONE ? partition.baseOffset : errorName(partition.errorCode)
  }

  *produceUntilDone(topic: string, values: readonly string[], isWanted?: (leaderId: number) => boolean): Task<number> {
    for (;;) {
      const result = yield* this.produce(topic, values, isWanted === undefined ? {} : { isWanted })
      if (typeof result === 'number') return result
      yield* this.env.sleep(msToUs(50)).wait()
    }
  }

  *readAll(topic: string): Task<string[]> {
    const leader = yield* this.leaderOf(topic)
    const listed = yield* this.until<ListOffsetsResponse, number>(ApiKey.ListOffsets, { replicaId: -1, topics: [{ name: topic, partitions: [{ partitionIndex: 0, timestamp: -1, currentLeaderEpoch: -1 }] }] }, response => {
      const partition = response.topics[0]?.partitions[0]
      return partition?.errorCode === 0 ? partition.offset : undefined
    })
    const values: string[] = []
    for (let offset = 0; offset < listed;) {
      const response = yield* this.ask<FetchResponse>(leader.host, ApiKey.Fetch, {
        maxWaitMs: 100, minBytes: 1, maxBytes: 1_000_000, isolationLevel: 0, sessionId: 0, sessionEpoch: -1,
        topics: [{ topicId: leader.topicId, partitions: [{ partition: 0, currentLeaderEpoch: -1, fetchOffset: offset, lastFetchedEpoch: -1, partitionMaxBytes: 100_000 }] }],
      })
      const partition = response?.responses[0]?.partitions[0]
      if (partition === undefined || partition.errorCode !== ErrorCode.NONE) throw new Error(`fetch failed: ${errorName(partition?.errorCode ?? -1)}`)
      for (const at of batchPositions(partition.records!)) {
        for (const record of readRecords(partition.records!, at)) {
          values.push(new TextDecoder().decode(record.value!))
          offset = record.offset + 1
        }
      }
    }
    return values
  }
}

export function* setUp(client: TestClient): Task<{ id: number; host: string }> {
  yield* client.brokersUp(3)
  yield* client.createTopic('orders', { 'min.insync.replicas': '2' })
  return yield* client.leaderOf('orders', (_, isr) => isr.length === 3)
}
