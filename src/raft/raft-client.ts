/**
 * A participant of the metadata quorum (KIP-595, KIP-996), after org.apache.kafka.raft.KafkaRaftClient: one task handles
 * requests, responses and time-outs one at a time, and waits for the disk in place, as Kafka's raft thread does. Voters
 * elect and replicate; observers (brokers) only fetch.
 *
 * Invariants: epoch, leader and vote are durable before anything that depends on them is answered; a voter fetches only
 * from its flushed end; the high watermark counts the majority and covers the leader's own first record.
 *
 * Unlike Kafka: batches are appended at once instead of lingering in an accumulator; where the servers of the quorum listen
 * is configured, so endpoints need not be told along with the leader; and who has a snapshot on its disk hands it to its
 * listeners at once, without waiting to hear of a high watermark beyond it.
 */
import { Future, type Task } from '../base/task.ts'
import { type Micros, msToUs } from '../base/time.ts'
import { CONTROLLER_PORT } from '../config/cluster.ts'
import type { Env, Timer } from '../env/env.ts'
import { ApiError } from '../protocol/api-error.ts'
import { ApiKey } from '../protocol/api-keys.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { MetadataRecord } from '../protocol/metadata-records.ts'
import type { RpcRequest } from '../rpc/rpc-server.ts'
import type { LeaderAndEpoch, RaftListener } from './commit-listeners.ts'
import type { MetadataBatch, MetadataSnapshot } from './metadata-log.ts'
import type { LeaderProgress } from './leader-progress.ts'
import { Elections } from './elections.ts'
import { EpochAnnouncements } from './epoch-announcements.ts'
import { FollowerFetching } from './follower-fetching.ts'
import { LeaderReplication } from './leader-replication.ts'
import { Quorum, type RaftOptions } from './quorum.ts'
import type { SnapshotId } from './snapshot-content.ts'
import { handleFetchSnapshot } from './snapshot-serving.ts'
import { VoterChanges } from './voter-changes.ts'

export type { LeaderAndEpoch, RaftListener } from './commit-listeners.ts'
export type { MetadataBatch, MetadataSnapshot } from './metadata-log.ts'

export class RaftClient {
  private readonly quorum: Quorum
  private readonly replication: LeaderReplication
  private readonly elections: Elections
  private readonly announcements: EpochAnnouncements
  private readonly fetching: FollowerFetching
  private readonly changes: VoterChanges
  private cleanAt: Micros = Number.POSITIVE_INFINITY
  private alarm: Timer | undefined = undefined
  private alarmAt: Micros = Number.POSITIVE_INFINITY
  private started = false

  constructor(env: Env, options: RaftOptions) {
    this.quorum = new Quorum(env, options)
    this.replication = new LeaderReplication(this.quorum)
    this.elections = new Elections(this.quorum, this.replication)
    this.announcements = new EpochAnnouncements(this.quorum)
    this.fetching = new FollowerFetching(this.quorum)
    this.changes = new VoterChanges(this.quorum, this.replication, this.announcements)
    this.quorum.onRoleChange = wasLeader => {
      this.fetching.reset()
      if (!wasLeader || this.quorum.role.kind === 'leader') return
      this.replication.failParked()
      this.changes.fail()
    }
    this.quorum.onCommit = () => {
      if (this.changes.isAwaited) this.quorum.enqueue(() => this.changes.committed())
    }
  }

  // ---- what controllers and brokers see ----

  get leaderAndEpoch(): LeaderAndEpoch {
    return { leaderId: this.quorum.leaderId, epoch: this.quorum.epoch }
  }

  get highWatermark(): number {
    return this.quorum.log.highWatermark
  }

  get logEndOffset(): number {
    return this.quorum.log.endOffset
  }

  get nextWriteOffset(): number {
    return this.quorum.log.endOffset
  }

  register(listener: RaftListener): void {
    this.quorum.listeners.add(listener)
    if (this.started) this.quorum.enqueue(() => this.quorum.listeners.tell())
  }

  endpointOf(nodeId: number): { readonly host: string; readonly port: number } | undefined {
    const host = this.quorum.hostOf(nodeId)
    return host === undefined ? undefined : { host, port: CONTROLLER_PORT }
  }

  /**
   * Appends one atomic batch as the leader of `epoch`; returns the offset of its last record.
   * @throws ApiError NOT_CONTROLLER when this node no longer leads that epoch
   */
  append(epoch: number, records: readonly MetadataRecord[]): number {
    if (this.quorum.role.kind !== 'leader' || this.quorum.epoch !== epoch) throw new ApiError(ErrorCode.NOT_CONTROLLER, `append in epoch ${epoch}, now ${this.quorum.role.kind} in ${this.quorum.epoch}`)
    const last = this.quorum.log.appendRecords(epoch, records)
    this.quorum.enqueue(() => this.replication.afterAppend())
    return last
  }

  /** Level of the kraft.version feature: 1 when voters are recorded and may change. */
  get kraftVersion(): number {
    return this.quorum.log.voters.kraftVersion
  }

  /** Log end of each voter as the leader knows it; undefined on other nodes. */
  get leaderProgress(): LeaderProgress | undefined {
    return this.quorum.role.kind === 'leader' ? this.quorum.role.progress : undefined
  }

  /**
   * Writes a snapshot of the state before `id.endOffset`, which the caller has read from committed batches. False when there
   * is one already, or the log has moved on beyond it.
   */
  *writeSnapshot(id: SnapshotId, content: { readonly lastContainedLogTimestamp: number; readonly records: readonly MetadataRecord[] }): Task<boolean> {
    const writer = this.quorum.log.createSnapshot(id)
    if (writer === undefined) return false
    for (const batch of this.quorum.log.encode(id, content)) {
      writer.append(batch)
      yield* this.quorum.env.pause('raft-snapshot')
    }
    yield* writer.freeze()
    return true
  }

  /** The state of the latest snapshot before `endOffset`, and what the log adds to it up to there, as the disk holds them. */
  historyBefore(endOffset: number): { readonly snapshot: MetadataSnapshot | undefined; readonly batches: readonly MetadataBatch[] } {
    const snapshot = this.quorum.log.latestState()
    return { snapshot, batches: this.quorum.log.committedBatches(snapshot?.endOffset ?? 0, endOffset).batches }
  }

  /** Gives up leadership of `epoch`; no effect in another. */
  resign(epoch: number): void {
    this.quorum.enqueue(() => (this.quorum.role.kind === 'leader' && this.quorum.epoch === epoch ? this.announcements.becomeResigned() : undefined))
  }

  /** Takes a request if it is one of raft's; false otherwise. */
  handle(request: RpcRequest): boolean {
    switch (request.apiKey) {
      case ApiKey.Vote: this.quorum.enqueue(() => this.elections.handleVote(request)); return true
      case ApiKey.BeginQuorumEpoch: this.quorum.enqueue(() => this.announcements.handleBeginQuorumEpoch(request)); return true
      case ApiKey.EndQuorumEpoch: this.quorum.enqueue(() => this.announcements.handleEndQuorumEpoch(request)); return true
      case ApiKey.Fetch: this.quorum.enqueue(() => this.replication.handleFetch(request)); return true
      case ApiKey.FetchSnapshot: this.quorum.enqueue(() => handleFetchSnapshot(this.quorum, request)); return true
      case ApiKey.AddRaftVoter: this.quorum.enqueue(() => this.changes.handleAdd(request)); return true
      case ApiKey.RemoveRaftVoter: this.quorum.enqueue(() => this.changes.handleRemove(request)); return true
      case ApiKey.UpdateRaftVoter: this.quorum.enqueue(() => this.changes.handleUpdate(request)); return true
      case ApiKey.DescribeQuorum: this.quorum.enqueue(() => this.replication.handleDescribeQuorum(request)); return true
      default: return false
    }
  }

  start(): void {
    this.quorum.openLog()
    this.quorum.env.spawn('raft', this.run())
  }

  /** Graceful end: a leader hands over first. */
  *shutdown(): Task<void> {
    const done = new Future<void>()
    this.quorum.enqueue(() => this.announcements.handOver(done))
    yield* done.wait()
  }

  // ---- the loop ----

  private *run(): Task<void> {
    yield* this.initialize()
    this.started = true
    this.cleanAt = this.quorum.env.now() + msToUs(this.quorum.options.config.metadataLogCleanIntervalMs)
    for (;;) {
      yield* this.poll()
      yield* this.quorum.handleEvents()
    }
  }

  /** Where a restart resumes (QuorumState#initialize). An ex-leader never resumes as leader of the same epoch. */
  private *initialize(): Task<void> {
    const { nodeId } = this.quorum.options
    const { isVoter } = this.quorum
    const stored = this.quorum.store.read()
    this.quorum.epoch = stored?.epoch ?? 0
    const votedFor = stored === undefined || stored.votedId < 0 ? undefined : { id: stored.votedId, directoryId: stored.votedDirectoryId }
    if (stored === undefined || stored.epoch < this.quorum.log.lastEpoch) yield* this.quorum.becomeUnattached(Math.max(this.quorum.epoch, this.quorum.log.lastEpoch), -1, undefined)
    else if (isVoter && stored.leaderId === nodeId) yield* this.announcements.becomeResigned()
    else if (isVoter && stored.votedId === nodeId) yield* this.elections.becomeCandidate(this.quorum.epoch)
    else if (stored.leaderId >= 0 && stored.leaderId !== nodeId) yield* this.quorum.becomeFollower(this.quorum.epoch, stored.leaderId, votedFor)
    else yield* this.quorum.becomeUnattached(this.quorum.epoch, -1, votedFor)
    if (isVoter && this.quorum.otherVoters.length === 0 && this.quorum.role.kind !== 'leader' && this.quorum.role.kind !== 'candidate') yield* this.elections.becomeProspective()
  }

  /** What is due now, by role; then sets the alarm for what is due next. */
  private *poll(): Task<void> {
    const now = this.quorum.env.now()
    const { role } = this.quorum
    const { isVoter } = this.quorum
    let next = Number.POSITIVE_INFINITY
    switch (role.kind) {
      case 'unattached':
      case 'follower':
        if (now >= role.deadline) {
          if (isVoter) {
            yield* this.elections.becomeProspective()
            return yield* this.poll()
          }
          role.deadline = now + this.quorum.fetchTimeoutUs
          if (role.kind === 'follower') {
            // An observer whose leader went silent looks for another.
            yield* this.quorum.becomeUnattached(this.quorum.epoch, -1, role.votedFor)
            return yield* this.poll()
          }
        }
        next = role.deadline
        next = Math.min(next, this.fetching.poll(role, now))
        break
      case 'prospective':
        if (now >= role.deadline) {
          yield* this.elections.afterLostPreVote(role)
          return yield* this.poll()
        }
        next = role.deadline
        break
      case 'candidate':
        if (now >= role.deadline) {
          yield* this.elections.becomeProspective()
          return yield* this.poll()
        }
        next = role.deadline
        break
      case 'leader':
        if (this.quorum.otherVoters.length > 0 && now >= role.progress.checkQuorumDeadline) {
          this.quorum.env.observe({ kind: 'mark', name: 'raft-check-quorum-resign' })
          yield* this.announcements.becomeResigned()
          return yield* this.poll()
        }
        next = Math.min(this.quorum.otherVoters.length > 0 ? role.progress.checkQuorumDeadline : next, this.announcements.sendBeginQuorumEpochs(role, now), this.replication.expireParked(now), this.changes.expire(now))
        break
      case 'resigned':
        if (now >= role.deadline) {
          yield* this.quorum.becomeUnattached(this.quorum.epoch + 1, -1, undefined)
          return yield* this.poll()
        }
        next = role.deadline
        break
    }
    this.setAlarm(Math.min(next, this.clean(now)))
  }

  /** Retention of log and snapshots, once in a while. */
  private clean(now: Micros): Micros {
    if (now < this.cleanAt) return this.cleanAt
    this.quorum.log.clean()
    return (this.cleanAt = now + msToUs(this.quorum.options.config.metadataLogCleanIntervalMs))
  }

  private setAlarm(at: Micros): void {
    if (at === this.alarmAt) return
    this.alarm?.cancel()
    this.alarm = undefined
    this.alarmAt = at
    if (at === Number.POSITIVE_INFINITY) return
    this.alarm = this.quorum.env.timer(Math.max(0, at - this.quorum.env.now()), () => {
      this.alarmAt = Number.POSITIVE_INFINITY
      this.alarm = undefined
      this.quorum.enqueue(() => undefined)
    })
  }
}
