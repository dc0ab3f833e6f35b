/**
 * A metadata quorum without controllers: three voters, and an observer if asked for, each a raft client behind its port on
 * the simulated network and disk. Constant latency of 1 ms, so that times can be told exactly.
 */
import type { RootKey } from '../../src/base/random.ts'
import { CONTROLLER_PORT, DEFAULT_SERVER_CONFIG, type ServerConfig } from '../../src/config/cluster.ts'
import type { DefectId } from '../../src/config/defects.ts'
import type { Observation, ObservationKind, ObservationOf } from '../../src/env/observation.ts'
import { objectFrameCodec } from '../../src/protocol/frame-codec.ts'
import { metadataRecord } from '../../src/protocol/metadata-records.ts'
import { type LeaderAndEpoch, RaftClient } from '../../src/raft/raft-client.ts'
import { RpcClient } from '../../src/rpc/rpc-client.ts'
import { RpcServer } from '../../src/rpc/rpc-server.ts'
import { world } from '../sim/world.ts'

const MS = 1_000
export const CONFIG: ServerConfig = { ...DEFAULT_SERVER_CONFIG, quorumElectionTimeoutMs: 300, quorumFetchTimeoutMs: 600, quorumElectionBackoffMaxMs: 300, quorumRequestTimeoutMs: 500, quorumFetchMaxWaitMs: 150 }
export const CLUSTER_ID = 'AAAAAAAAAAAAAAAAAAAAAw'
const VOTERS = [1, 2, 3]
const OBSERVER = 9

export const hostOf = (id: number): string => (id === OBSERVER ? 'broker-9' : `controller-${id}`)

export interface Node {
  readonly raft: RaftClient
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

  constructor(o: { rootKey?: RootKey; fsyncMs?: number; observer?: boolean; voters?: readonly number[]; defects?: readonly DefectId[] } = {}) {
    this.voters = o.voters ?? VOTERS
    const ids = [...this.voters, ...(o.observer === true ? [OBSERVER] : [])]
    const fsyncUs = (o.fsyncMs ?? 0.5) * MS
    this.simulation = world([...ids.map(hostOf), 'client-1'], {
      rootKey: o.rootKey ?? 1,
      codec: objectFrameCodec,
      disk: { fsyncMinUs: fsyncUs, fsyncMaxUs: fsyncUs },
      defects: new Set(o.defects),
      observers: [{ observe: (event, node, _incarnation, time) => void this.events.push({ id: Number(node.split('-')[1]), time: time / MS, event }) }],
    })
    for (const id of ids) this.start(id)
  }

  start(id: number): void {
    this.simulation.machine(hostOf(id)).start(env => {
      const raft = new RaftClient(env, {
        nodeId: id, directoryId: env.disk.id, clusterId: CLUSTER_ID, voters: this.voters.map(voter => ({ id: voter, host: hostOf(voter) })), isVoter: id !== OBSERVER, config: CONFIG,
      })
      const node: Node = { raft, committed: [], leaders: [] }
      this.nodes.set(id, node)
      raft.register({
        handleCommit: batches => node.committed.push(...batches.flatMap(({ records }) => records.map(({ data }) => (data as { name?: string }).name ?? '?'))),
        handleLeaderChange: leader => node.leaders.push(leader),
      })
      if (id !== OBSERVER) new RpcServer(env, CONTROLLER_PORT, request => raft.handle(request))
      raft.start()
    })
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
    const leader = (): number | undefined => this.voters.find(id => id !== except && this.isUp(id) && this.node(id).leaders.at(-1)?.leaderId === id && this.node(id).raft.leaderAndEpoch.leaderId === id)
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
