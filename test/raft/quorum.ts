/**
 * A metadata quorum without controllers: three voters, and an observer if asked for, each a raft client behind its port on
 * the simulated network and disk. Constant latency of 1 ms, so that times can be told exactly.
 */
import type { Task } from '../../src/base/task.ts'
import type { RootKey } from '../../src/base/random.ts'
import { formatQuorum } from '../../src/broker/format-storage.ts'
import { ensureMetaProperties, readMetaProperties } from '../../src/broker/meta-properties.ts'
import { CONTROLLER_PORT, DEFAULT_SERVER_CONFIG, type InitialVoter, type ServerConfig } from '../../src/config/cluster.ts'
import type { DefectId, MendId } from '../../src/config/defects.ts'
import { controllerApiVersions } from '../../src/controller/controller-apis.ts'
import { MetadataImage } from '../../src/controller/metadata-image.ts'
import type { Env } from '../../src/env/env.ts'
import type { Observation, ObservationKind, ObservationOf } from '../../src/env/observation.ts'
import { ApiKey } from '../../src/protocol/api-keys.ts'
import { objectFrameCodec } from '../../src/protocol/frame-codec.ts'
import { metadataRecord, type MetadataRecord } from '../../src/protocol/metadata-records.ts'
import { type LeaderAndEpoch, RaftClient } from '../../src/raft/raft-client.ts'
import { RpcClient } from '../../src/rpc/rpc-client.ts'
import { RpcServer } from '../../src/rpc/rpc-server.ts'
import { diskId } from '../../src/sim/disk-id.ts'
import { world } from '../sim/world.ts'

const MS = 1_000
export const CONFIG: ServerConfig = { ...DEFAULT_SERVER_CONFIG, quorumElectionTimeoutMs: 300, quorumFetchTimeoutMs: 600, quorumElectionBackoffMaxMs: 300, quorumRequestTimeoutMs: 500, quorumFetchMaxWaitMs: 150 }
export const CLUSTER_ID = 'AAAAAAAAAAAAAAAAAAAAAw'
const VOTERS = [1, 2, 3]
const OBSERVER = 9

export const hostOf = (id: number): string => (id === OBSERVER ? 'broker-9' : `controller-${id}`)

export interface Node {
  readonly raft: RaftClient
  readonly env: Env
  /** Ends of the snapshots that the listener was handed; each took the place of what was committed before. */
  readonly loaded: number[]
  /** Values of committed records, as the listener was handed them. */
  readonly committed: string[]
  readonly leaders: LeaderAndEpoch[]
}

export class Quorum {
  readonly events: { readonly id: number; readonly time: number; readonly event: Observation }[] = []
  readonly nodes = new Map<number, Node>()
  readonly simulation
  private readonly voters: readonly number[]
  private rpc: RpcClient | undefined = undefined
  private readonly config: ServerConfig
  private readonly initialVoters: readonly InitialVoter[]

  /** `initial`: the voters of a dynamic quorum; the other ones are there, but do not vote yet. */
  constructor(o: {
    /** This voter is recorded under an address at which nobody listens. */
    misplaced?: number
    rootKey?: RootKey; fsyncMs?: number; observer?: boolean; voters?: readonly number[]; initial?: readonly number[]; defects?: readonly DefectId[]; mends?: readonly MendId[]; config?: Partial<ServerConfig>
  } = {}) {
    this.voters = o.voters ?? VOTERS
    const rootKey = o.rootKey ?? 1
    this.config = { ...CONFIG, ...o.config, quorumKraftVersion: o.initial === undefined ? 0 : 1 }
    this.initialVoters = (o.initial ?? []).map(id => ({ id, directoryId: diskId(rootKey, hostOf(id), 0), host: id === o.misplaced ? 'client-1' : hostOf(id) }))
    const ids = [...this.voters, ...(o.observer === true ? [OBSERVER] : [])]
    const fsyncUs = (o.fsyncMs ?? 0.5) * MS
    this.simulation = world([...ids.map(hostOf), 'client-1'], {
      rootKey,
      codec: objectFrameCodec,
      disk: { fsyncMinUs: fsyncUs, fsyncMaxUs: fsyncUs },
      defects: new Set(o.defects),
      mends: new Set(o.mends),
      observers: [{ observe: (event, node, _incarnation, time) => void this.events.push({ id: Number(node.split('-')[1]), time: time / MS, event }) }],
    })
    for (const id of ids) this.start(id)
  }

  start(id: number): void {
    this.simulation.machine(hostOf(id)).start(env => {
      if (this.initialVoters.length === 0) this.boot(id, env)
      else env.spawn('start', this.format(id, env))
    })
  }

  private *format(id: number, env: Env): Task<void> {
    if (id !== OBSERVER && readMetaProperties(env) === undefined) yield* formatQuorum(env, this.initialVoters)
    yield* ensureMetaProperties(env, { clusterId: CLUSTER_ID, nodeId: id, directoryId: env.disk.id })
    this.boot(id, env)
  }

  private boot(id: number, env: Env): void {
    const raft = new RaftClient(env, {
      nodeId: id, directoryId: env.disk.id, clusterId: CLUSTER_ID, voters: this.voters.map(voter => ({ id: voter, host: hostOf(voter) })), isVoter: id !== OBSERVER, config: this.config,
    })
    const node: Node = { raft, env, committed: [], leaders: [], loaded: [] }
    this.nodes.set(id, node)
    const namesOf = (records: readonly MetadataRecord[]): string[] => records.map(({ data }) => (data as { name?: string }).name ?? '?')
    raft.register({
      handleLoadSnapshot: ({ endOffset, records }) => {
        node.loaded.push(endOffset)
        node.committed.splice(0, node.committed.length, ...namesOf(records))
      },
      handleCommit: batches => node.committed.push(...batches.flatMap(({ records }) => namesOf(records))),
      handleLeaderChange: leader => node.leaders.push(leader),
    })
    if (id !== OBSERVER) {
      new RpcServer(env, CONTROLLER_PORT, request => {
        if (!raft.handle(request)) request.respond(controllerApiVersions(this.config, new MetadataImage(), raft.kraftVersion))
      })
    }
    raft.start()
  }

  /** A snapshot of everything that this node has committed, by itself. */
  snapshot(id: number): { readonly endOffset: number; readonly epoch: number } {
    const { raft, committed, env } = this.node(id)
    const { batches } = raft.historyBefore(raft.highWatermark)
    const last = batches.at(-1)!
    const snapshotId = { endOffset: last.lastOffset + 1, epoch: last.epoch }
    let done = false
    env.spawn('snapshot', (function* () {
      yield* raft.writeSnapshot(snapshotId, { lastContainedLogTimestamp: last.timestamp, records: committed.map(name => metadataRecord('TopicRecord', { name })) })
      done = true
    })())
    this.until(() => done)
    return snapshotId
  }

  /** Adds or removes a voter by asking the leader; the error code. */
  change(leader: number, how: 'add' | 'remove', id: number, directoryId = this.simulation.machine(hostOf(id)).disk.id): number {
    const body = how === 'remove' ? { clusterId: CLUSTER_ID, voterId: id, voterDirectoryId: directoryId }
      : { clusterId: CLUSTER_ID, timeoutMs: 1_000, voterId: id, voterDirectoryId: directoryId, listeners: [{ name: 'CONTROLLER', host: hostOf(id), port: CONTROLLER_PORT }], ackWhenCommitted: true }
    return this.ask<{ errorCode: number }>(leader, how === 'add' ? ApiKey.AddRaftVoter : ApiKey.RemoveRaftVoter, body).errorCode
  }

  node(id: number): Node {
    return this.nodes.get(id)!
  }

  run(ms: number): void {
    this.simulation.run(this.simulation.now + ms * MS)
  }

  /** Milliseconds until `condition` holds; throws after 20 s. */
  until(condition: () => boolean): number {
    const from = this.simulation.now
    this.simulation.run(from + 20_000 * MS, condition)
    if (!condition()) throw new Error('it did not come to that')
    return (this.simulation.now - from) / MS
  }

  /** Waits for a leader that a majority follows and that knows it; its id. */
  elected(except?: number): number {
    const leader = (): number | undefined => this.voters.find(id => id !== except && this.isUp(id) && this.nodes.has(id) && this.node(id).leaders.at(-1)?.leaderId === id && this.node(id).raft.leaderAndEpoch.leaderId === id)
    this.until(() => leader() !== undefined)
    return leader()!
  }

  /** All that run agree on the leader and have committed the same. */
  settled(): number {
    const leader = this.elected()
    const { raft } = this.node(leader)
    this.until(() => this.up().every(id => this.node(id).raft.leaderAndEpoch.leaderId === leader && this.node(id).raft.highWatermark === raft.logEndOffset))
    return leader
  }

  others(id: number): number[] {
    return this.voters.filter(other => other !== id)
  }

  up(): number[] {
    return [...this.nodes.keys()].filter(id => this.isUp(id))
  }

  isUp(id: number): boolean {
    return this.simulation.machine(hostOf(id)).isRunning
  }

  /** Appends records named so, as the leader of its epoch; the offset of the last. */
  append(leader: number, ...names: string[]): number {
    const { raft } = this.node(leader)
    return raft.append(raft.leaderAndEpoch.epoch, names.map(name => metadataRecord('TopicRecord', { name })))
  }

  cut(id: number, others: readonly number[] = this.others(id)): void {
    for (const other of others) for (const [from, to] of [[id, other], [other, id]] as const) this.simulation.network.block(hostOf(from), hostOf(to))
  }

  join(id: number, others: readonly number[] = this.others(id)): void {
    for (const other of others) for (const [from, to] of [[id, other], [other, id]] as const) this.simulation.network.unblock(hostOf(from), hostOf(to))
  }

  seen<K extends ObservationKind>(kind: K, id?: number): readonly { readonly id: number; readonly time: number; readonly event: ObservationOf<K> }[] {
    return this.events.filter(each => each.event.kind === kind && (id === undefined || each.id === id)) as never
  }

  /** The answer to a request of a client that is no member. */
  ask<T>(id: number, apiKey: number, body: object): T {
    const machine = this.simulation.machine('client-1')
    if (!machine.isRunning) {
      machine.start(env => {
        this.rpc = new RpcClient(env, { clientId: 'test', requestTimeoutMs: 1_000, connectionSetupTimeoutMs: 1_000, maxInFlight: 1, reconnectBackoffMs: 1, reconnectBackoffMaxMs: 1 })
      })
    }
    const answer = this.rpc!.send(hostOf(id), CONTROLLER_PORT, apiKey, body)
    this.until(() => answer.isSettled)
    const result = answer.result()
    // The connection is of the time before a restart.
    if (!result.ok && result.reason === 'disconnected') return this.ask(id, apiKey, body)
    if (!result.ok) throw new Error(result.reason)
    return result.body as T
  }
}
