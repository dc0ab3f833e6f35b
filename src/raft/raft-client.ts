/**
 * A participant of the metadata quorum (KIP-595, KIP-996), after org.apache.kafka.raft.KafkaRaftClient: one task handles
 * requests, responses and time-outs one at a time, and waits for the disk in place, as Kafka's raft thread does. Voters
 * elect and replicate; observers (brokers) only fetch.
 *
 * Invariants: epoch, leader and vote are durable before anything that depends on them is answered; a voter fetches only
 * from its flushed end; the high watermark counts the majority and covers the leader's own first record.
 *
 * Unlike Kafka: batches are appended at once instead of lingering in an accumulator, voters are static (KIP-853 is not
 * built), and there are no snapshots, so the metadata log only grows.
 */
import { invariant } from '../base/assert.ts'
import { unit } from '../base/random.ts'
import { Future, Signal, type Task } from '../base/task.ts'
import { type Micros, msToUs } from '../base/time.ts'
import { CONTROLLER_PORT, type ServerConfig } from '../config/cluster.ts'
import type { Env, Timer } from '../env/env.ts'
import { ApiError } from '../protocol/api-error.ts'
import { ApiKey } from '../protocol/api-keys.ts'
import type { Draft } from '../protocol/codec.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type {
  BeginQuorumEpochRequest, BeginQuorumEpochResponse, DescribeQuorumResponse, EndQuorumEpochRequest, EndQuorumEpochResponse, FetchRequest, FetchResponse,
  FetchResponsePartitionData, VoteRequest, VoteResponse,
} from '../protocol/generated/types.ts'
import type { MetadataRecord } from '../protocol/metadata-records.ts'
import { METADATA_TOPIC_ID, ZERO_UUID } from '../protocol/uuid.ts'
import { RpcClient, type RpcResult } from '../rpc/rpc-client.ts'
import type { RpcRequest } from '../rpc/rpc-server.ts'
import { LeaderProgress } from './leader-progress.ts'
import { METADATA_DIRECTORY, type MetadataBatch, MetadataLog } from './metadata-log.ts'
import { QuorumStateStore } from './quorum-state-store.ts'
import { type Candidate, type Follower, isMajority, type Leader, type Prospective, type Role, type VoteKey } from './roles.ts'

export type { MetadataBatch } from './metadata-log.ts'

const TOPIC_NAME = '__cluster_metadata'
const CONNECTION_SETUP_TIMEOUT_MS = 10_000
const FETCH_MAX_BYTES = 8_388_608

export interface LeaderAndEpoch {
  /** -1: unknown. */
  readonly leaderId: number
  readonly epoch: number
}

export interface RaftListener {
  /** Committed batches in order, each once. */
  handleCommit(batches: readonly MetadataBatch[]): void
  /** The leader itself hears of its leadership only once it was handed everything up to its own epoch (KAFKA-15345). */
  handleLeaderChange(leader: LeaderAndEpoch): void
}

export interface RaftOptions {
  readonly nodeId: number
  readonly directoryId: string
  readonly clusterId: string
  readonly voters: readonly { readonly id: number; readonly host: string }[]
  readonly isVoter: boolean
  readonly config: ServerConfig
}

interface Registered {
  readonly listener: RaftListener
  nextOffset: number
  toldEpoch: number
  toldLeader: number
}

interface ParkedFetch {
  readonly request: RpcRequest
  readonly replicaId: number
  readonly fetchOffset: number
  readonly highWatermark: number
  readonly expiresAt: Micros
}

export class RaftClient {
  private readonly env: Env
  private readonly options: RaftOptions
  private readonly rpc: RpcClient
  private readonly store: QuorumStateStore
  private readonly otherVoters: readonly { readonly id: number; readonly host: string }[]
  private readonly voterIds: readonly number[]
  private readonly listeners: Registered[] = []
  private readonly events: (() => Task<void> | undefined)[] = []
  private readonly wake = new Signal()
  private readonly parked: ParkedFetch[] = []
  private log!: MetadataLog
  private role!: Role
  private epoch = 0
  private fetchInFlight = false
  private nextFetchAt: Micros = 0
  private fetchAttempts = 0
  private elections = 0
  private alarm: Timer | undefined = undefined
  private alarmAt: Micros = Number.POSITIVE_INFINITY
  private started = false
  /** Set by a graceful shutdown: called for every answer to EndQuorumEpoch. */
  private onHandOver: (() => void) | undefined = undefined

  constructor(env: Env, options: RaftOptions) {
    this.env = env
    this.options = options
    this.store = new QuorumStateStore(env, METADATA_DIRECTORY)
    this.otherVoters = options.voters.filter(voter => voter.id !== options.nodeId)
    this.voterIds = options.voters.map(voter => voter.id)
    const { config } = options
    this.rpc = new RpcClient(env, {
      clientId: `raft-client-${options.nodeId}`,
      requestTimeoutMs: config.quorumRequestTimeoutMs,
      connectionSetupTimeoutMs: CONNECTION_SETUP_TIMEOUT_MS,
      maxInFlight: 10,
      reconnectBackoffMs: config.quorumRetryBackoffMs,
      reconnectBackoffMaxMs: config.quorumRetryBackoffMs,
    })
  }

  // ---- what controllers and brokers see ----

  get leaderAndEpoch(): LeaderAndEpoch {
    return { leaderId: this.leaderId, epoch: this.epoch }
  }

  get highWatermark(): number {
    return this.log.highWatermark
  }

  get logEndOffset(): number {
    return this.log.endOffset
  }

  get nextWriteOffset(): number {
    return this.log.endOffset
  }

  register(listener: RaftListener): void {
    this.listeners.push({ listener, nextOffset: 0, toldEpoch: -1, toldLeader: -1 })
    if (this.started) this.enqueue(() => this.tellListeners())
  }

  endpointOf(nodeId: number): { readonly host: string; readonly port: number } | undefined {
    const voter = this.options.voters.find(({ id }) => id === nodeId)
    return voter === undefined ? undefined : { host: voter.host, port: CONTROLLER_PORT }
  }

  /**
   * Appends one atomic batch as the leader of `epoch`; returns the offset of its last record.
   * @throws ApiError NOT_CONTROLLER when this node no longer leads that epoch
   */
  append(epoch: number, records: readonly MetadataRecord[]): number {
    if (this.role.kind !== 'leader' || this.epoch !== epoch) throw new ApiError(ErrorCode.NOT_CONTROLLER, `append in epoch ${epoch}, now ${this.role.kind} in ${this.epoch}`)
    const last = this.log.appendRecords(epoch, records)
    this.enqueue(() => this.afterLeaderAppend())
    return last
  }

  /** Gives up leadership of `epoch`; no effect in another. */
  resign(epoch: number): void {
    this.enqueue(() => (this.role.kind === 'leader' && this.epoch === epoch ? this.becomeResigned() : undefined))
  }

  /** Takes a request if it is one of raft's; false otherwise. */
  handle(request: RpcRequest): boolean {
    switch (request.apiKey) {
      case ApiKey.Vote: this.enqueue(() => this.handleVote(request)); return true
      case ApiKey.BeginQuorumEpoch: this.enqueue(() => this.handleBeginQuorumEpoch(request)); return true
      case ApiKey.EndQuorumEpoch: this.enqueue(() => this.handleEndQuorumEpoch(request)); return true
      case ApiKey.Fetch: this.enqueue(() => this.handleFetch(request)); return true
      case ApiKey.FetchSnapshot: request.respond({ errorCode: ErrorCode.SNAPSHOT_NOT_FOUND }); return true
      case ApiKey.DescribeQuorum: this.enqueue(() => this.handleDescribeQuorum(request)); return true
      default: return false
    }
  }

  start(): void {
    this.log = new MetadataLog(this.env, this.options.config)
    this.env.spawn('raft', this.run())
  }

  /** Graceful end: a leader hands over first. */
  *shutdown(): Task<void> {
    const done = new Future<void>()
    this.enqueue(() => this.handOver(done))
    yield* done.wait()
  }

  // ---- the loop ----

  private *run(): Task<void> {
    yield* this.initialize()
    this.started = true
    for (;;) {
      yield* this.poll()
      while (this.events.length === 0) yield* this.wake.wait()
      while (this.events.length > 0) {
        yield* this.env.pause('raft-event')
        const event = this.events.shift()!()
        if (event !== undefined) yield* event
      }
    }
  }

  private enqueue(event: () => Task<void> | undefined | void): void {
    this.events.push(event as () => Task<void> | undefined)
    this.wake.notifyAll()
  }

  /** Where a restart resumes (QuorumState#initialize). An ex-leader never resumes as leader of the same epoch. */
  private *initialize(): Task<void> {
    const { nodeId, isVoter } = this.options
    const stored = this.store.read()
    this.epoch = stored?.epoch ?? 0
    const votedFor = stored === undefined || stored.votedId < 0 ? undefined : { id: stored.votedId, directoryId: stored.votedDirectoryId }
    if (stored === undefined || stored.epoch < this.log.lastEpoch) yield* this.becomeUnattached(Math.max(this.epoch, this.log.lastEpoch), -1, undefined)
    else if (isVoter && stored.leaderId === nodeId) yield* this.becomeResigned()
    else if (isVoter && stored.votedId === nodeId) yield* this.becomeCandidate(this.epoch)
    else if (stored.leaderId >= 0) yield* this.becomeFollower(this.epoch, stored.leaderId, votedFor)
    else yield* this.becomeUnattached(this.epoch, -1, votedFor)
    if (isVoter && this.otherVoters.length === 0 && this.role.kind !== 'leader' && this.role.kind !== 'candidate') yield* this.becomeProspective()
  }

  /** What is due now, by role; then sets the alarm for what is due next. */
  private *poll(): Task<void> {
    const now = this.env.now()
    const { role } = this
    const { isVoter } = this.options
    let next = Number.POSITIVE_INFINITY
    switch (role.kind) {
      case 'unattached':
      case 'follower':
        if (now >= role.deadline) {
          if (isVoter) {
            yield* this.becomeProspective()
            return yield* this.poll()
          }
          role.deadline = now + this.fetchTimeoutUs
          if (role.kind === 'follower') {
            // An observer whose leader went silent looks for another.
            yield* this.becomeUnattached(this.epoch, -1, role.votedFor)
            return yield* this.poll()
          }
        }
        next = role.deadline
        if (!this.fetchInFlight) {
          if (now >= this.nextFetchAt) this.sendFetch(role)
          else next = Math.min(next, this.nextFetchAt)
        }
        break
      case 'prospective':
        if (now >= role.deadline) {
          yield* this.afterLostPreVote(role)
          return yield* this.poll()
        }
        next = role.deadline
        break
      case 'candidate':
        if (now >= role.deadline) {
          yield* this.becomeProspective()
          return yield* this.poll()
        }
        next = role.deadline
        break
      case 'leader':
        if (this.otherVoters.length > 0 && now >= role.progress.checkQuorumDeadline) {
          this.env.observe({ kind: 'mark', name: 'raft-check-quorum-resign' })
          yield* this.becomeResigned()
          return yield* this.poll()
        }
        next = Math.min(this.otherVoters.length > 0 ? role.progress.checkQuorumDeadline : next, this.sendBeginQuorumEpochs(role, now), this.expireParked(now))
        break
      case 'resigned':
        if (now >= role.deadline) {
          yield* this.becomeUnattached(this.epoch + 1, -1, undefined)
          return yield* this.poll()
        }
        next = role.deadline
        break
    }
    this.setAlarm(next)
  }

  private setAlarm(at: Micros): void {
    if (at === this.alarmAt) return
    this.alarm?.cancel()
    this.alarm = undefined
    this.alarmAt = at
    if (at === Number.POSITIVE_INFINITY) return
    this.alarm = this.env.timer(Math.max(0, at - this.env.now()), () => {
      this.alarmAt = Number.POSITIVE_INFINITY
      this.alarm = undefined
      this.enqueue(() => undefined)
    })
  }

  // ---- times ----

  private get fetchTimeoutUs(): Micros {
    return msToUs(this.options.config.quorumFetchTimeoutMs)
  }

  private electionTimeoutUs(): Micros {
    const base = msToUs(this.options.config.quorumElectionTimeoutMs)
    return base + Math.floor(base * unit(this.env.draw('election-timeout', this.epoch, this.elections++)))
  }

  // ---- transitions ----

  private get leaderId(): number {
    switch (this.role.kind) {
      case 'leader': return this.options.nodeId
      case 'follower': return this.role.leaderId
      default: return -1
    }
  }

  private get votedFor(): VoteKey | undefined {
    const { role } = this
    switch (role.kind) {
      case 'unattached': case 'follower': case 'prospective': return role.votedFor
      case 'candidate': case 'leader': return { id: this.options.nodeId, directoryId: this.options.directoryId }
      case 'resigned': return undefined
    }
  }

  /** Takes a role at once, makes it durable, tells the listeners. */
  private *enter(epoch: number, role: Role): Task<void> {
    const wasLeader = this.role !== undefined && this.role.kind === 'leader'
    this.epoch = epoch
    this.role = role
    this.fetchAttempts = 0
    this.nextFetchAt = 0
    if (wasLeader && role.kind !== 'leader') this.failParked()
    const votedFor = role.kind === 'resigned' ? undefined : this.votedFor
    this.env.observe({ kind: 'raft-role', role: role.kind, epoch, leaderId: this.leaderId, votedFor: votedFor?.id ?? -1, isVoter: this.options.isVoter })
    const leaderId = role.kind === 'resigned' ? this.options.nodeId : role.kind === 'unattached' || role.kind === 'prospective' ? role.leaderId : this.leaderId
    yield* this.store.write({ epoch, leaderId, votedId: votedFor?.id ?? -1, votedDirectoryId: votedFor?.directoryId ?? ZERO_UUID })
    this.tellListeners()
  }

  private *becomeUnattached(epoch: number, leaderId: number, votedFor: VoteKey | undefined): Task<void> {
    yield* this.enter(epoch, { kind: 'unattached', votedFor, leaderId, deadline: this.env.now() + this.electionTimeoutUs() })
  }

  private *becomeFollower(epoch: number, leaderId: number, votedFor: VoteKey | undefined): Task<void> {
    invariant(leaderId !== this.options.nodeId, `node ${leaderId} cannot follow itself`)
    yield* this.enter(epoch, { kind: 'follower', leaderId, votedFor, hasFetched: false, deadline: this.env.now() + this.fetchTimeoutUs })
  }

  private *becomeProspective(): Task<void> {
    const { votedFor } = this
    const leaderId = this.role.kind === 'follower' ? this.role.leaderId : -1
    const role: Prospective = { kind: 'prospective', votedFor, leaderId, granted: new Set([this.options.nodeId]), refused: new Set(), deadline: this.env.now() + this.electionTimeoutUs() }
    yield* this.enter(this.epoch, role)
    for (const voter of this.otherVoters) this.sendVote(role, voter, true)
    yield* this.countVotes(role)
  }

  private *becomeCandidate(epoch: number): Task<void> {
    const role: Candidate = { kind: 'candidate', granted: new Set([this.options.nodeId]), refused: new Set(), deadline: this.env.now() + this.electionTimeoutUs() }
    yield* this.enter(epoch, role)
    for (const voter of this.otherVoters) this.sendVote(role, voter, false)
    yield* this.countVotes(role)
  }

  private *becomeLeader(candidate: Candidate): Task<void> {
    const now = this.env.now()
    const progress = new LeaderProgress({
      selfId: this.options.nodeId, voterIds: this.voterIds, epochStart: this.log.endOffset, now, checkQuorumUs: this.checkQuorumUs, defects: this.env.defects,
    })
    const granting = [...candidate.granted].sort((a, b) => a - b)
    yield* this.enter(this.epoch, { kind: 'leader', progress, granting })
    this.log.appendLeaderChange(this.epoch, this.options.nodeId, this.voterIds, granting)
    yield* this.afterLeaderAppend()
  }

  private *becomeResigned(): Task<void> {
    const successors = this.role !== undefined && this.role.kind === 'leader' ? this.role.progress.successors() : this.otherVoters.map(({ id }) => id)
    yield* this.enter(this.epoch, { kind: 'resigned', successors, deadline: this.env.now() + this.electionTimeoutUs() })
    const resigned = this.role
    for (const voter of this.otherVoters) this.sendEndQuorumEpoch(voter, () => this.role === resigned, successors)
  }

  private *afterLostPreVote(role: Prospective): Task<void> {
    if (role.leaderId >= 0) yield* this.becomeFollower(this.epoch, role.leaderId, role.votedFor)
    else yield* this.becomeUnattached(this.epoch, -1, role.votedFor)
  }

  /** Follows what another node says about leader and epoch. */
  private *learn(epoch: number, leaderId: number): Task<void> {
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

  private get checkQuorumUs(): Micros {
    return Math.floor(this.fetchTimeoutUs * 1.5)
  }

  // ---- elections ----

  private sendVote(role: Prospective | Candidate, voter: { readonly id: number; readonly host: string }, preVote: boolean): void {
    const request: Draft<VoteRequest> = {
      clusterId: this.options.clusterId,
      voterId: voter.id,
      topics: [{
        topicName: TOPIC_NAME,
        partitions: [{
          partitionIndex: 0, replicaEpoch: this.epoch, replicaId: this.options.nodeId, replicaDirectoryId: this.options.directoryId,
          lastOffsetEpoch: this.log.lastEpoch, lastOffset: this.log.endOffset, preVote,
        }],
      }],
    }
    this.ask(voter.host, ApiKey.Vote, request, result => (this.role === role ? this.handleVoteResponse(role, voter, preVote, result) : undefined))
  }

  private *handleVoteResponse(role: Prospective | Candidate, voter: { readonly id: number; readonly host: string }, preVote: boolean, result: RpcResult): Task<void> {
    const partition = result.ok ? (result.body as VoteResponse).topics[0]?.partitions[0] : undefined
    if (partition === undefined) {
      this.later(() => {
        if (this.role === role && !role.granted.has(voter.id) && !role.refused.has(voter.id)) this.sendVote(role, voter, preVote)
      })
      return
    }
    yield* this.learn(partition.leaderEpoch, partition.leaderId)
    if (this.role !== role || partition.errorCode !== ErrorCode.NONE || partition.leaderEpoch > this.epoch) return
    if (partition.voteGranted) role.granted.add(voter.id)
    else role.refused.add(voter.id)
    yield* this.countVotes(role)
  }

  private *countVotes(role: Prospective | Candidate): Task<void> {
    if (this.role !== role) return
    const { length } = this.options.voters
    if (isMajority(role.granted.size, length)) {
      if (role.kind === 'prospective') yield* this.becomeCandidate(this.epoch + 1)
      else yield* this.becomeLeader(role)
    } else if (role.kind === 'prospective' && isMajority(role.refused.size, length)) yield* this.afterLostPreVote(role)
  }

  private *handleVote(request: RpcRequest): Task<void> {
    const body = request.body as VoteRequest
    const asked = body.topics[0]?.partitions[0]
    const answer = (errorCode: number, voteGranted: boolean): void => request.respond({
      topics: [{ topicName: TOPIC_NAME, partitions: [{ partitionIndex: 0, errorCode, leaderId: this.leaderId, leaderEpoch: this.epoch, voteGranted }] }],
    } satisfies Draft<VoteResponse>)
    if (asked === undefined || !this.options.isVoter || (body.clusterId !== null && body.clusterId !== this.options.clusterId)) {
      request.respond({ errorCode: asked === undefined ? ErrorCode.INVALID_REQUEST : ErrorCode.INCONSISTENT_CLUSTER_ID })
      return
    }
    if (asked.replicaEpoch < this.epoch) return answer(ErrorCode.FENCED_LEADER_EPOCH, false)
    if (asked.replicaEpoch > this.epoch) yield* this.becomeUnattached(asked.replicaEpoch, -1, undefined)
    const upToDate = asked.lastOffsetEpoch > this.log.lastEpoch || (asked.lastOffsetEpoch === this.log.lastEpoch && asked.lastOffset >= this.log.endOffset)
    const granted = asked.preVote ? this.grantsPreVote(upToDate) : this.grantsVote({ id: asked.replicaId, directoryId: asked.replicaDirectoryId }, upToDate)
    const { role } = this
    if (granted && !asked.preVote && (role.kind === 'unattached' || role.kind === 'prospective')) {
      yield* this.enter(this.epoch, { ...role, votedFor: { id: asked.replicaId, directoryId: asked.replicaDirectoryId } })
    }
    answer(ErrorCode.NONE, granted)
  }

  private grantsPreVote(upToDate: boolean): boolean {
    switch (this.role.kind) {
      case 'leader': return false
      case 'follower': return upToDate && !this.role.hasFetched
      default: return upToDate
    }
  }

  /** One vote an epoch; a repeat from the voted key is granted again without a look at the logs. */
  private grantsVote(key: VoteKey, upToDate: boolean): boolean {
    const { role } = this
    if (role.kind !== 'unattached' && role.kind !== 'prospective') return false
    if (role.votedFor !== undefined) return role.votedFor.id === key.id && (role.votedFor.directoryId === ZERO_UUID || role.votedFor.directoryId === key.directoryId)
    return role.leaderId < 0 && upToDate
  }

  // ---- the new leader announces itself, the old one resigns ----

  private sendBeginQuorumEpochs({ progress }: Leader, now: Micros): Micros {
    const every = Math.floor(this.fetchTimeoutUs / 2)
    let next = Number.POSITIVE_INFINITY
    for (const { id, host } of this.otherVoters) {
      const voter = progress.voters.get(id)!
      const last = Math.max(voter.lastFetch, voter.lastBegin)
      if (last >= 0 && now - last < every) {
        next = Math.min(next, last + every)
        continue
      }
      voter.lastBegin = now
      next = Math.min(next, now + every)
      const request: Draft<BeginQuorumEpochRequest> = {
        clusterId: this.options.clusterId, voterId: id,
        topics: [{ topicName: TOPIC_NAME, partitions: [{ partitionIndex: 0, leaderId: this.options.nodeId, leaderEpoch: this.epoch }] }],
      }
      const { epoch } = this
      this.ask(host, ApiKey.BeginQuorumEpoch, request, result => {
        const partition = result.ok ? (result.body as BeginQuorumEpochResponse).topics[0]?.partitions[0] : undefined
        if (partition === undefined) return undefined
        if (partition.errorCode === ErrorCode.NONE && this.epoch === epoch) voter.acknowledged = true
        return this.learn(partition.leaderEpoch, partition.leaderId)
      })
    }
    return next
  }

  private *handleBeginQuorumEpoch(request: RpcRequest): Task<void> {
    const asked = (request.body as BeginQuorumEpochRequest).topics[0]?.partitions[0]
    const errorCode = asked === undefined ? ErrorCode.INVALID_REQUEST : asked.leaderEpoch < this.epoch ? ErrorCode.FENCED_LEADER_EPOCH : ErrorCode.NONE
    if (asked !== undefined && errorCode === ErrorCode.NONE) {
      if (asked.leaderId !== this.options.nodeId) yield* this.learn(asked.leaderEpoch, asked.leaderId)
    }
    request.respond({ topics: [{ topicName: TOPIC_NAME, partitions: [{ partitionIndex: 0, errorCode, leaderId: this.leaderId, leaderEpoch: this.epoch }] }] } satisfies Draft<BeginQuorumEpochResponse>)
  }

  private sendEndQuorumEpoch(voter: { readonly id: number; readonly host: string }, wanted: () => boolean, successors: readonly number[]): void {
    const request: Draft<EndQuorumEpochRequest> = {
      clusterId: this.options.clusterId,
      topics: [{
        topicName: TOPIC_NAME,
        partitions: [{
          partitionIndex: 0, leaderId: this.options.nodeId, leaderEpoch: this.epoch, preferredSuccessors: [...successors],
          preferredCandidates: successors.map(candidateId => ({ candidateId })),
        }],
      }],
    }
    this.ask(voter.host, ApiKey.EndQuorumEpoch, request, result => {
      this.onHandOver?.()
      if (!result.ok) {
        this.later(() => {
          if (wanted()) this.sendEndQuorumEpoch(voter, wanted, successors)
        })
        return undefined
      }
      const partition = (result.body as EndQuorumEpochResponse).topics[0]?.partitions[0]
      return partition === undefined ? undefined : this.learn(partition.leaderEpoch, partition.leaderId)
    })
  }

  private *handleEndQuorumEpoch(request: RpcRequest): Task<void> {
    const asked = (request.body as EndQuorumEpochRequest).topics[0]?.partitions[0]
    const errorCode = asked === undefined ? ErrorCode.INVALID_REQUEST : asked.leaderEpoch < this.epoch ? ErrorCode.FENCED_LEADER_EPOCH : ErrorCode.NONE
    if (asked !== undefined && errorCode === ErrorCode.NONE) {
      yield* this.learn(asked.leaderEpoch, asked.leaderId)
      const { role } = this
      if (role.kind === 'follower' && role.leaderId === asked.leaderId && this.options.isVoter) {
        const candidates = asked.preferredCandidates.length > 0 ? asked.preferredCandidates.map(({ candidateId }) => candidateId) : asked.preferredSuccessors
        role.deadline = this.env.now() + this.successionBackoff(candidates.indexOf(this.options.nodeId), candidates.length)
      }
    }
    request.respond({ topics: [{ topicName: TOPIC_NAME, partitions: [{ partitionIndex: 0, errorCode, leaderId: this.leaderId, leaderEpoch: this.epoch }] }] } satisfies Draft<EndQuorumEpochResponse>)
  }

  /** The first successor runs at once, the others wait longer the further down they stand. */
  private successionBackoff(position: number, count: number): Micros {
    if (position === 0) return 0
    const most = msToUs(this.options.config.quorumElectionBackoffMaxMs)
    const step = Math.floor(most / Math.max(1, count))
    return Math.min(most, step * (position < 0 ? count : position)) + Math.floor(step * unit(this.env.draw('succession-backoff', this.epoch, position)))
  }

  private *handOver(done: Future<void>): Task<void> {
    if (this.role.kind !== 'leader' || this.otherVoters.length === 0) {
      done.complete()
      return
    }
    yield* this.becomeResigned()
    // The first answers release the shutdown; a dead quorum must not hold it for long.
    this.env.timer(msToUs(this.options.config.quorumRequestTimeoutMs), () => done.complete())
    let left = Math.ceil(this.otherVoters.length / 2)
    this.onHandOver = () => {
      if (--left === 0) done.complete()
    }
  }

  // ---- replication: the follower's side ----

  private sendFetch(role: Follower | Role): void {
    const leaderId = role.kind === 'follower' ? role.leaderId : -1
    const target = this.options.voters.find(({ id }) => id === leaderId) ?? this.someVoter()
    if (target === undefined) return
    this.fetchInFlight = true
    const { config } = this.options
    const request: Draft<FetchRequest> = {
      clusterId: this.options.clusterId,
      replicaState: { replicaId: this.options.nodeId, replicaEpoch: -1 },
      maxWaitMs: config.quorumFetchMaxWaitMs, minBytes: 0, maxBytes: FETCH_MAX_BYTES, isolationLevel: 0, sessionId: 0, sessionEpoch: -1,
      topics: [{
        topicId: METADATA_TOPIC_ID,
        partitions: [{
          partition: 0, currentLeaderEpoch: this.epoch, fetchOffset: this.log.endOffset, lastFetchedEpoch: this.log.lastEpoch, logStartOffset: -1,
          partitionMaxBytes: FETCH_MAX_BYTES, replicaDirectoryId: this.options.directoryId, highWatermark: this.log.highWatermark,
        }],
      }],
    }
    this.ask(target.host, ApiKey.Fetch, request, result => {
      this.fetchInFlight = false
      return this.handleFetchResponse(role, target.id, result)
    })
  }

  private someVoter(): { readonly id: number; readonly host: string } | undefined {
    const { length } = this.otherVoters
    return length === 0 ? undefined : this.otherVoters[Math.floor(length * unit(this.env.draw('bootstrap-voter', this.epoch, this.fetchAttempts)))]
  }

  private backOffFetching(): void {
    this.fetchAttempts++
    this.nextFetchAt = this.env.now() + msToUs(this.options.config.quorumRetryBackoffMs)
  }

  private *handleFetchResponse(role: Role, source: number, result: RpcResult): Task<void> {
    const response = result.ok ? (result.body as FetchResponse) : undefined
    const partition = response?.responses[0]?.partitions[0]
    if (response === undefined || response.errorCode !== ErrorCode.NONE || partition === undefined) return this.backOffFetching()
    const { leaderId, leaderEpoch } = partition.currentLeader
    if (leaderEpoch >= 0) yield* this.learn(leaderEpoch, leaderId)
    if (this.role !== role || role.kind !== 'follower' || role.leaderId !== source) return
    if (partition.errorCode !== ErrorCode.NONE) return this.backOffFetching()
    const now = this.env.now()
    role.hasFetched = true
    role.deadline = now + this.fetchTimeoutUs
    this.fetchAttempts = 0
    if (partition.divergingEpoch.epoch >= 0) {
      this.log.truncateTo(partition.divergingEpoch)
      return
    }
    if (partition.records !== null && partition.records.length > 0) {
      this.log.appendFetched(partition.records, this.epoch)
      if (this.options.isVoter) yield* this.log.flush()
      if (this.role !== role) return
    }
    this.raiseHighWatermark(Math.min(partition.highWatermark, this.log.endOffset), false)
  }

  private raiseHighWatermark(offset: number, asLeader: boolean): void {
    if (offset <= this.log.highWatermark) return
    this.log.updateHighWatermark(offset)
    this.env.observe({ kind: 'raft-high-watermark', offset, epoch: this.epoch, asLeader })
    this.tellListeners()
  }

  // ---- replication: the leader's side ----

  /** Completes parked fetches first and flushes then: the order of KafkaRaftClient, by which a single voter commits unflushed data. */
  private *afterLeaderAppend(): Task<void> {
    if (this.role.kind !== 'leader') return
    if (this.role.progress.updateSelf(this.log.endOffset)) this.raiseHighWatermark(this.role.progress.highWatermark!, true)
    this.completeParked()
    yield* this.log.flush()
  }

  private handleFetch(request: RpcRequest): undefined {
    const body = request.body as FetchRequest
    const asked = body.topics[0]?.partitions[0]
    if (asked === undefined || body.topics[0]?.topicId !== METADATA_TOPIC_ID) {
      request.respond({ errorCode: ErrorCode.INVALID_REQUEST })
      return
    }
    if (body.clusterId !== null && body.clusterId !== this.options.clusterId) {
      request.respond({ errorCode: ErrorCode.INCONSISTENT_CLUSTER_ID })
      return
    }
    const error = asked.currentLeaderEpoch < this.epoch ? ErrorCode.FENCED_LEADER_EPOCH
      : asked.currentLeaderEpoch > this.epoch ? ErrorCode.UNKNOWN_LEADER_EPOCH
      : this.role.kind === 'leader' ? ErrorCode.NONE : ErrorCode.NOT_LEADER_OR_FOLLOWER
    if (error !== ErrorCode.NONE || this.role.kind !== 'leader') {
      this.answerFetch(request, { errorCode: error })
      return
    }
    const replicaId = body.replicaState.replicaId
    const divergence = this.log.divergence(asked.fetchOffset, asked.lastFetchedEpoch)
    if (divergence !== undefined) {
      this.answerFetch(request, { divergingEpoch: divergence })
      return
    }
    const { progress } = this.role
    if (progress.updateReplica(replicaId, asked.fetchOffset, this.env.now(), this.checkQuorumUs)) {
      this.raiseHighWatermark(progress.highWatermark!, true)
      this.completeParked()
    }
    const parked: ParkedFetch = {
      request, replicaId, fetchOffset: asked.fetchOffset, highWatermark: asked.highWatermark,
      expiresAt: this.env.now() + msToUs(Math.min(body.maxWaitMs, this.options.config.quorumFetchMaxWaitMs)),
    }
    if (!this.tryComplete(parked)) this.parked.push(parked)
  }

  /** Data beyond the fetch offset, or a high watermark that the replica does not know yet (KIP-1166). */
  private tryComplete(parked: ParkedFetch): boolean {
    if (parked.fetchOffset >= this.log.endOffset && parked.highWatermark >= this.publishedHighWatermark) return false
    this.answerFetch(parked.request, { records: this.log.read(parked.fetchOffset) })
    return true
  }

  private get publishedHighWatermark(): number {
    return this.role.kind === 'leader' ? (this.role.progress.highWatermark ?? -1) : -1
  }

  private completeParked(): void {
    const waiting = this.parked.splice(0)
    for (const parked of waiting) if (!this.tryComplete(parked)) this.parked.push(parked)
  }

  private failParked(): void {
    for (const { request } of this.parked.splice(0)) this.answerFetch(request, { errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER })
  }

  private expireParked(now: Micros): Micros {
    let next = Number.POSITIVE_INFINITY
    const waiting = this.parked.splice(0)
    for (const parked of waiting) {
      if (parked.expiresAt <= now) this.answerFetch(parked.request, {})
      else {
        next = Math.min(next, parked.expiresAt)
        this.parked.push(parked)
      }
    }
    return next
  }

  private answerFetch(request: RpcRequest, partition: Draft<FetchResponsePartitionData>): void {
    request.respond({
      responses: [{
        topicId: METADATA_TOPIC_ID,
        partitions: [{
          partitionIndex: 0, highWatermark: this.publishedHighWatermark, logStartOffset: 0, records: new Uint8Array(0),
          currentLeader: { leaderId: this.leaderId, leaderEpoch: this.epoch }, ...partition,
        }],
      }],
    } satisfies Draft<FetchResponse>)
  }

  private handleDescribeQuorum(request: RpcRequest): undefined {
    if (this.role.kind !== 'leader') {
      request.respond({ topics: [{ topicName: TOPIC_NAME, partitions: [{ partitionIndex: 0, errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER, leaderId: this.leaderId, leaderEpoch: this.epoch }] }] } satisfies Draft<DescribeQuorumResponse>)
      return
    }
    const { progress } = this.role
    request.respond({
      topics: [{
        topicName: TOPIC_NAME,
        partitions: [{
          partitionIndex: 0, leaderId: this.leaderId, leaderEpoch: this.epoch, highWatermark: this.publishedHighWatermark,
          currentVoters: [...progress.voters.entries()].map(([replicaId, { endOffset }]) => ({ replicaId, logEndOffset: endOffset })),
          observers: [...progress.observers.entries()].map(([replicaId, { endOffset }]) => ({ replicaId, logEndOffset: endOffset })),
        }],
      }],
    } satisfies Draft<DescribeQuorumResponse>)
  }

  // ---- listeners ----

  private tellListeners(): undefined {
    const { highWatermark } = this.log
    for (const registered of this.listeners) {
      if (registered.nextOffset < highWatermark) {
        const { batches, next } = this.log.committedBatches(registered.nextOffset, highWatermark)
        registered.nextOffset = next
        if (batches.length > 0) registered.listener.handleCommit(batches)
      }
      const { leaderId, epoch } = this.leaderAndEpoch
      if (registered.toldEpoch === epoch && registered.toldLeader === leaderId) continue
      if (this.role.kind === 'leader' && registered.nextOffset <= this.role.progress.epochStart) continue
      registered.toldEpoch = epoch
      registered.toldLeader = leaderId
      registered.listener.handleLeaderChange({ leaderId, epoch })
    }
  }

  // ---- asking others ----

  private ask(host: string, apiKey: number, body: object, settled: (result: RpcResult) => Task<void> | undefined | void): void {
    const answer = this.rpc.send(host, CONTROLLER_PORT, apiKey, body)
    answer.onSettled(() => this.enqueue(() => settled(answer.result())))
  }

  private later(again: () => void): void {
    this.env.timer(msToUs(this.options.config.quorumRetryBackoffMs), () => this.enqueue(() => {
      again()
      return undefined
    }))
  }
}
