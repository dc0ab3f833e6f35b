/**
 * What every part of a raft participant stands on (QuorumState): epoch, role and log, the durable election state, the queue
 * of events that are handled one at a time, and how to ask others. Knows the moves to follower and unattached, which hearing
 * of another leader or epoch may demand at any time.
 */
import { invariant } from '../base/assert.ts'
import { unit } from '../base/random.ts'
import { Signal, type Task } from '../base/task.ts'
import { type Micros, msToUs } from '../base/time.ts'
import { CONTROLLER_PORT, type ServerConfig } from '../config/cluster.ts'
import type { Env } from '../env/env.ts'
import { ZERO_UUID } from '../protocol/uuid.ts'
import { RpcClient, type RpcResult } from '../rpc/rpc-client.ts'
import { CommitListeners } from './commit-listeners.ts'
import { METADATA_DIRECTORY } from './metadata-directory.ts'
import { MetadataLog } from './metadata-log.ts'
import { QuorumStateStore } from './quorum-state-store.ts'
import type { Role } from './roles.ts'
import { type ReplicaKey, type Voter, VoterSet } from './voter-set.ts'

export const TOPIC_NAME = '__cluster_metadata'

export interface VoterNode {
  readonly id: number
  readonly host: string
}

export interface RaftOptions {
  readonly nodeId: number
  readonly directoryId: string
  readonly clusterId: string
  /** Every server that may vote: the voters themselves, or where to ask for them if they are recorded in the log. */
  readonly voters: readonly VoterNode[]
  /** May this server vote at all? */
  readonly isVoter: boolean
  readonly config: ServerConfig
}

type Event = () => Task<void> | undefined

export class Quorum {
  readonly env: Env
  readonly options: RaftOptions
  readonly store: QuorumStateStore
  readonly listeners = new CommitListeners(this)
  log!: MetadataLog
  role!: Role
  epoch = 0
  /** Called at each change of role, before it is durable. */
  onRoleChange: (wasLeader: boolean) => void = () => undefined
  /** Called when the high watermark has moved. */
  onCommit: () => void = () => undefined
  private readonly rpc: RpcClient
  private readonly events: Event[] = []
  private readonly wake = new Signal()
  private elections = 0

  constructor(env: Env, options: RaftOptions) {
    this.env = env
    this.options = options
    this.store = new QuorumStateStore(env, METADATA_DIRECTORY)
    const { config } = options
    this.rpc = new RpcClient(env, {
      clientId: `raft-client-${options.nodeId}`,
      requestTimeoutMs: config.quorumRequestTimeoutMs,
      connectionSetupTimeoutMs: config.socketConnectionSetupTimeoutMs,
      maxInFlight: 10,
      reconnectBackoffMs: config.quorumRetryBackoffMs,
      reconnectBackoffMaxMs: config.quorumRetryBackoffMs,
    })
  }

  openLog(): void {
    const configured = this.options.config.quorumKraftVersion === 1 ? VoterSet.EMPTY : new VoterSet(this.options.voters.map(node => ({ ...node, directoryId: ZERO_UUID })))
    this.log = new MetadataLog(this.env, this.options.config, configured)
  }

  // ---- who votes ----

  /** This server as a replica. */
  get self(): ReplicaKey {
    return { id: this.options.nodeId, directoryId: this.options.directoryId }
  }

  /** The voters by the newest record of them, committed or not. */
  get voters(): VoterSet {
    return this.log.voters.current
  }

  get isVoter(): boolean {
    return this.options.isVoter && this.voters.isVoter(this.self)
  }

  get otherVoters(): readonly Voter[] {
    const { voters } = this.voters
    return voters.filter(({ id }) => id !== this.options.nodeId)
  }

  /** Where a node of the quorum listens, also one that votes no more. */
  hostOf(id: number): string | undefined {
    return this.voters.find(id)?.host ?? this.options.voters.find(voter => voter.id === id)?.host
  }

  /** Is a request that is meant for a voter meant for this one? An absent key is anybody's. */
  isForMe(voterId: number, directoryId: string): boolean {
    return (voterId < 0 || voterId === this.options.nodeId) && (directoryId === ZERO_UUID || directoryId === this.options.directoryId)
  }

  // ---- events, one at a time ----

  enqueue(event: () => Task<void> | undefined | void): void {
    this.events.push(event as () => Task<void> | undefined)
    this.wake.notifyAll()
  }

  /** Handles what has been queued; waits until there is something. */
  *handleEvents(): Task<void> {
    while (this.events.length === 0) yield* this.wake.wait()
    while (this.events.length > 0) {
      yield* this.env.pause('raft-event')
      const event = this.events.shift()!()
      if (event !== undefined) yield* event
    }
  }

  // ---- times ----

  get fetchTimeoutUs(): Micros {
    return msToUs(this.options.config.quorumFetchTimeoutMs)
  }

  get checkQuorumUs(): Micros {
    return Math.floor(this.fetchTimeoutUs * 1.5)
  }

  electionTimeoutUs(): Micros {
    const base = msToUs(this.options.config.quorumElectionTimeoutMs)
    const jitter = unit(this.env.draw('election-timeout', this.epoch, this.elections++))
    return base + (this.env.defects.has('KAFKA-18345') ? base : Math.floor(base * jitter))
  }

  // ---- who leads, who was voted for ----

  get leaderId(): number {
    switch (this.role.kind) {
      case 'leader': return this.options.nodeId
      case 'follower': return this.role.leaderId
      default: return -1
    }
  }

  get votedFor(): ReplicaKey | undefined {
    const { role } = this
    switch (role.kind) {
      case 'unattached': case 'follower': case 'prospective': return role.votedFor
      case 'candidate': case 'leader': return { id: this.options.nodeId, directoryId: this.options.directoryId }
      case 'resigned': return undefined
    }
  }

  // ---- transitions ----

  /** Takes a role at once, makes it durable, tells the listeners. */
  *enter(epoch: number, role: Role): Task<void> {
    const wasLeader = this.role !== undefined && this.role.kind === 'leader'
    if (this.role !== undefined && this.role.kind === 'follower') this.role.fetchingSnapshot?.abandon()
    this.epoch = epoch
    this.role = role
    this.onRoleChange(wasLeader)
    const votedFor = role.kind === 'resigned' ? undefined : this.votedFor
    this.env.observe({ kind: 'raft-role', role: role.kind, epoch, leaderId: this.leaderId, votedFor: votedFor?.id ?? -1, isVoter: this.isVoter })
    const leaderId = role.kind === 'resigned' ? this.options.nodeId : role.kind === 'unattached' || role.kind === 'prospective' ? role.leaderId : this.leaderId
    yield* this.store.write({ epoch, leaderId, votedId: votedFor?.id ?? -1, votedDirectoryId: votedFor?.directoryId ?? ZERO_UUID })
    this.listeners.tell()
  }

  *becomeUnattached(epoch: number, leaderId: number, votedFor: ReplicaKey | undefined): Task<void> {
    yield* this.enter(epoch, { kind: 'unattached', votedFor, leaderId, deadline: this.env.now() + this.electionTimeoutUs() })
  }

  *becomeFollower(epoch: number, leaderId: number, votedFor: ReplicaKey | undefined): Task<void> {
    invariant(leaderId !== this.options.nodeId, `node ${leaderId} cannot follow itself`)
    yield* this.enter(epoch, { kind: 'follower', leaderId, votedFor, hasFetched: false, deadline: this.env.now() + this.fetchTimeoutUs })
  }

  /** Follows what another node says about leader and epoch. */
  *learn(epoch: number, leaderId: number): Task<void> {
    if (leaderId === this.options.nodeId) {
      if (epoch > this.epoch) yield* this.becomeUnattached(epoch, -1, undefined)
      return
    }
    if (epoch > this.epoch) {
      if (leaderId >= 0) yield* this.becomeFollower(epoch, leaderId, undefined)
      else yield* this.becomeUnattached(epoch, -1, undefined)
    } else if (epoch === this.epoch && leaderId >= 0 && this.seeksLeader()) {
      yield* this.becomeFollower(epoch, leaderId, this.votedFor)
    }
  }

  /**
   * A prospective that knows the epoch's leader has lost touch with it: to hear its name again, as from every voter that
   * grants the pre-vote, must not end the election (KafkaRaftClient#maybeTransition).
   */
  private seeksLeader(): boolean {
    const { role } = this
    return role.kind === 'unattached' || role.kind === 'candidate' || (role.kind === 'prospective' && role.leaderId < 0)
  }

  raiseHighWatermark(offset: number, asLeader: boolean): void {
    if (offset <= this.log.highWatermark) return
    this.log.updateHighWatermark(offset)
    this.env.observe({ kind: 'raft-high-watermark', offset, epoch: this.epoch, asLeader })
    this.listeners.tell()
    if (asLeader) this.onCommit()
  }

  // ---- asking others ----

  ask(host: string, apiKey: number, body: object, settled: (result: RpcResult) => Task<void> | undefined | void): void {
    const answer = this.rpc.send(host, CONTROLLER_PORT, apiKey, body)
    answer.onSettled(() => this.enqueue(() => settled(answer.result())))
  }

  later(again: () => void): void {
    this.env.timer(msToUs(this.options.config.quorumRetryBackoffMs), () => this.enqueue(() => {
      again()
      return undefined
    }))
  }
}
