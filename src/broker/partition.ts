/**
 * One replica of one partition on this broker, as leader or follower (Kafka: Partition).
 *
 * Roles come only from metadata images (`makeLeader`, `makeFollower`); an update counts if its partition epoch is at least
 * the known one. A larger leader epoch starts a new reign; an equal one changes only assignment and ISR (KAFKA-13790).
 *
 * Invariants: partition and leader epoch never fall; as leader the high watermark never falls; it moves only while the
 * committed ISR has min.insync.replicas members (KIP-966) and never past a member of the maximal ISR (KIP-497).
 *
 * What Kafka does under leaderIsrUpdateLock is plain synchronous code here, so nothing can come between and no lock object
 * is needed; the pause points sit where Kafka has let go of that lock.
 */
import { invariant } from '../base/assert.ts'
import type { Task } from '../base/task.ts'
import type { Millis } from '../base/time.ts'
import { mayJoinIsr } from '../controller/broker-registration.ts'
import type { PartitionImage } from '../controller/metadata-image.ts'
import { ApiError } from '../protocol/api-error.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { AppendInfo } from '../storage/append-info.ts'
import type { AppendProof } from '../storage/verification.ts'
import type { IsrChange, IsrChangeReply } from './alter-partition-sender.ts'
import { committedIsr, pendingIsr } from './isr-state.ts'
import type { IsrMember, IsrState, PendingIsr } from './isr-state.ts'
import type { PartitionHost, ReplicaLog } from './partition-host.ts'
import { partitionName } from '../base/partition-name.ts'
import { RemoteReplica, isCaughtUp } from './remote-replica.ts'
import type { FollowerFetch } from './remote-replica.ts'

export interface LeaderAppend {
  readonly info: AppendInfo
  readonly highWatermarkAdvanced: boolean
}

export class Partition {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  /** Key in maps and purgatories. */
  readonly key: string
  readonly log: ReplicaLog
  leaderEpoch = -1
  partitionEpoch = 0
  /** -1: none; undefined: no role yet, or closed. */
  leaderId: number | undefined = undefined
  /** End offset of the log when this broker became leader of `leaderEpoch`; undefined on followers. */
  leaderEpochStartOffset: number | undefined = undefined
  isrState: IsrState = committedIsr([])
  replicas: readonly number[] = []
  isClosed = false
  readonly host: PartitionHost
  private readonly followers = new Map<number, RemoteReplica>()

  constructor(host: PartitionHost, o: { topic: string; topicId: string; partition: number; log: ReplicaLog }) {
    this.host = host
    this.topic = o.topic
    this.topicId = o.topicId
    this.partition = o.partition
    this.key = partitionName(o.topicId, o.partition)
    this.log = o.log
  }

  get isLeader(): boolean {
    return this.leaderId === this.host.brokerId
  }

  /** The followers as this leader knows them; empty on followers. */
  get remoteReplicas(): Iterable<RemoteReplica> {
    return this.followers.values()
  }

  remoteReplica(brokerId: number): RemoteReplica | undefined {
    return this.followers.get(brokerId)
  }

  // ---- roles ----

  /** Takes or keeps leadership. Returns false for metadata older than what is known, or after `close`. */
  makeLeader(registration: PartitionImage): boolean {
    if (this.isClosed) return false
    if (registration.partitionEpoch < this.partitionEpoch) return this.ignoreStaleMetadata()
    const { env } = this.host
    const now = env.wallClock()
    const isNewLeader = !this.isLeader
    this.assign(registration)
    this.isrState = this.isrAfter(registration)
    this.partitionEpoch = registration.partitionEpoch
    const isNewEpoch = this.beginsEpoch(registration)
    if (isNewEpoch) this.startReign(registration, isNewLeader, now)
    this.leaderId = this.host.brokerId
    if (isNewEpoch) {
      env.observe({ kind: 'became-leader', ...this.names(), leaderEpoch: this.leaderEpoch, partitionEpoch: this.partitionEpoch, logEndOffset: this.log.logEndOffset, highWatermark: this.log.highWatermark, isr: registration.isr })
      this.log.producers.observe()
    } else {
      this.observeCommittedIsr()
    }
    if (this.maybeIncrementHighWatermark(now)) this.completeDelayedRequests()
    return true
  }

  /**
   * Old news, of the partition epoch that is known already, still replaces a pending change, as in Kafka
   * (Partition#makeLeader, #updateAssignmentAndIsr). The controller may accept the change all the same, and until its
   * record arrives this leader takes the ISR for smaller than it may be: a known behaviour, with a mend.
   */
  private isrAfter(registration: PartitionImage): IsrState {
    const { env } = this.host
    const isOldNews = registration.partitionEpoch === this.partitionEpoch && registration.leaderEpoch === this.leaderEpoch
    if (this.isrState.kind === 'committed' || !isOldNews) return committedIsr(registration.isr)
    if (env.mends.has('pending-isr-overwritten')) return this.isrState
    env.observe({ kind: 'isr-proposal-forgotten', ...this.names(), leaderEpoch: this.leaderEpoch, proposed: this.isrState.proposed.map(member => member.brokerId) })
    return committedIsr(registration.isr)
  }

  /** A change of the ISR alone leaves the reign, what is known of followers, and their fetchers as they are. */
  private beginsEpoch(registration: PartitionImage): boolean {
    return this.host.env.defects.has('KAFKA-13790') ? true : registration.leaderEpoch > this.leaderEpoch
  }

  private startReign(registration: PartitionImage, isNewLeader: boolean, now: Millis): void {
    const startOffset = this.log.logEndOffset
    // The cache gets the entry even if nothing is ever written in this epoch: a follower may hold records of an epoch
    // between this one and the last that this log has seen, and must be told where they diverge (KAFKA-7415).
    const recordsEpochStart = this.host.env.defects.has('KAFKA-7415') ? false : true
    if (recordsEpochStart) this.log.assignEpochStart(registration.leaderEpoch, startOffset)
    for (const follower of this.followers.values()) {
      follower.reset({ now, leaderEndOffset: startOffset, isNewLeader, isInSync: registration.isr.includes(follower.brokerId) })
    }
    this.leaderEpoch = registration.leaderEpoch
    this.leaderEpochStartOffset = startOffset
    if (startOffset > this.log.highWatermark) this.host.env.observe({ kind: 'mark', name: 'leader-elected-with-unreplicated-tail' })
  }

  /** Follows `registration.leader` (-1: nobody). Returns whether the leader epoch is new, so that fetching must restart. */
  makeFollower(registration: PartitionImage): boolean {
    if (this.isClosed) return false
    if (registration.partitionEpoch < this.partitionEpoch) return this.ignoreStaleMetadata()
    const isNewEpoch = this.beginsEpoch(registration)
    this.leaderId = registration.leader
    this.leaderEpoch = registration.leaderEpoch
    this.leaderEpochStartOffset = undefined
    this.partitionEpoch = registration.partitionEpoch
    this.replicas = registration.replicas
    this.followers.clear()
    this.isrState = committedIsr([])
    if (isNewEpoch) {
      this.host.env.observe({ kind: 'became-follower', ...this.names(), leaderEpoch: this.leaderEpoch, leader: registration.leader, logEndOffset: this.log.logEndOffset })
    }
    return isNewEpoch
  }

  /** The replica leaves this broker, or the broker shuts down: nothing is read or written through it any more. */
  close(): void {
    this.isClosed = true
    this.leaderId = undefined
    this.leaderEpochStartOffset = undefined
    this.followers.clear()
    this.replicas = []
    this.isrState = committedIsr([])
  }

  private assign(registration: PartitionImage): void {
    this.replicas = registration.replicas
    for (const id of registration.replicas) {
      if (id !== this.host.brokerId && !this.followers.has(id)) this.followers.set(id, new RemoteReplica(id))
    }
    for (const id of this.followers.keys()) if (!registration.replicas.includes(id)) this.followers.delete(id)
  }

  private ignoreStaleMetadata(): false {
    this.host.env.observe({ kind: 'mark', name: 'stale-metadata-ignored' })
    return false
  }

  // ---- leader: writes ----

  /**
   * Appends client records. Throws ApiError: NOT_LEADER_OR_FOLLOWER, NOT_ENOUGH_REPLICAS (nothing was written), or what
   * the log refuses. `proof`: of an open transaction, or what a marker is to be judged by.
   */
  appendAsLeader(records: Uint8Array, acks: number, origin: 'client' | 'coordinator' = 'client', proof?: AppendProof): LeaderAppend {
    if (!this.isLeader) throw new ApiError(ErrorCode.NOT_LEADER_OR_FOLLOWER)
    if (acks === -1 && this.isUnderMinIsr()) {
      this.host.env.observe({ kind: 'mark', name: 'produce-refused-below-min-isr' })
      throw new ApiError(ErrorCode.NOT_ENOUGH_REPLICAS)
    }
    const info = this.log.appendAsLeader(records, this.leaderEpoch, origin, proof)
    return { info, highWatermarkAdvanced: this.maybeIncrementHighWatermark(this.host.env.wallClock()) }
  }

  /**
   * Whether an acks=all write up to `requiredOffset` (exclusive) can be answered, and with which error
   * (Partition#checkEnoughReplicasReachOffset). Undefined: keep waiting.
   */
  acknowledgement(requiredOffset: number): number | undefined {
    if (!this.isLeader) return ErrorCode.NOT_LEADER_OR_FOLLOWER
    if (this.log.highWatermark < requiredOffset) return undefined
    if (this.isrState.maximalIsr.length >= this.effectiveMinIsr()) return ErrorCode.NONE
    this.host.env.observe({ kind: 'mark', name: 'produce-after-append-not-enough' })
    return ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND
  }

  private effectiveMinIsr(): number {
    return Math.min(this.host.topicConfig(this.topic).minInsyncReplicas, this.followers.size + 1)
  }

  private isUnderMinIsr(): boolean {
    return this.isrState.isr.length < this.effectiveMinIsr()
  }

  /**
   * Moves the high watermark to the smallest end offset among this leader, the maximal ISR, and eligible followers that
   * are caught up but not yet in the ISR: without these a follower could chase the leader's end for ever.
   */
  private maybeIncrementHighWatermark(now: Millis): boolean {
    const { log } = this
    const logEndOffset = log.logEndOffset
    const previous = log.highWatermark
    if (logEndOffset <= previous) return false
    if (this.isUnderMinIsr()) {
      this.host.env.observe({ kind: 'mark', name: 'strict-min-isr-held' })
      return false
    }
    let candidate = logEndOffset
    for (const follower of this.followers.values()) {
      const { state } = follower
      if (state.logEndOffset < candidate && (this.isrState.maximalIsr.includes(follower.brokerId) || this.isAboutToJoin(follower, logEndOffset, now))) {
        candidate = state.logEndOffset
      }
    }
    if (candidate <= previous) return false
    const offset = log.updateHighWatermark(candidate)
    invariant(offset === candidate, 'a leader moves its high watermark within its own log')
    const { topicId, topic, partition, leaderEpoch } = this
    this.host.env.observe({ kind: 'high-watermark', topicId, topic, partition, leaderEpoch, offset, previous, asLeader: true, maximalIsr: this.isrState.maximalIsr })
    return true
  }

  private isAboutToJoin(follower: RemoteReplica, logEndOffset: number, now: Millis): boolean {
    return isCaughtUp(follower.state, logEndOffset, now, this.host.server.replicaLagTimeMaxMs) && this.isEligible(follower)
  }

  // ---- leader: follower fetches ----

  /**
   * Records a validated follower fetch, which may grow the ISR and move the high watermark
   * (Partition#updateFollowerFetchState). Throws NOT_LEADER_OR_FOLLOWER for a fetch of a dead incarnation (KIP-903).
   */
  *recordFollowerFetch(follower: RemoteReplica, fetch: FollowerFetch): Task<void> {
    const { env } = this.host
    const aliveEpoch = this.aliveBrokerEpoch(follower.brokerId)
    if (fetch.brokerEpoch !== -1 && aliveEpoch !== undefined && aliveEpoch > fetch.brokerEpoch) {
      env.observe({ kind: 'mark', name: 'fetch-of-stale-broker-epoch' })
      throw new ApiError(ErrorCode.NOT_LEADER_OR_FOLLOWER)
    }
    const { logEndOffset: previousEnd, logStartOffset: previousStart } = follower.state
    follower.recordFetch(fetch)
    if (fetch.logStartOffset > previousStart) this.host.delayedDeleteRecords.checkAndComplete(this.key)
    if (this.needsExpand(follower)) {
      yield* env.pause('isr-expand')
      // Both at once again: of what was seen before, the follower may have lived another life (KAFKA-15221).
      if (env.defects.has('KAFKA-15221') ? this.mayJoin(follower) : this.needsExpand(follower)) {
        const proposal = this.propose('expand', [...this.isrState.isr, follower.brokerId])
        yield* env.pause('isr-submit')
        this.submit(proposal)
      }
    }
    if (previousEnd !== follower.state.logEndOffset && this.isLeader && this.maybeIncrementHighWatermark(fetch.timeMs)) {
      yield* env.pause('high-watermark-moved')
      this.completeDelayedRequests()
    }
  }

  completeDelayedRequests(): void {
    this.host.delayedFetch.checkAndComplete(this.key)
    this.host.delayedProduce.checkAndComplete(this.key)
    this.host.delayedDeleteRecords.checkAndComplete(this.key)
  }

  // ---- leader: ISR ----

  private needsExpand(follower: RemoteReplica): boolean {
    return this.mayJoin(follower) && this.hasCaughtUp(follower)
  }

  private mayJoin(follower: RemoteReplica): boolean {
    const { isrState } = this
    if (isrState.kind !== 'committed' || !this.isLeader || isrState.isr.includes(follower.brokerId)) return false
    return this.followers.get(follower.brokerId) !== undefined && this.isEligible(follower)
  }

  private hasCaughtUp(follower: RemoteReplica): boolean {
    const { logEndOffset } = follower.state
    if (logEndOffset < this.log.highWatermark) return false
    // Reaching the high watermark is not enough: a new leader's is usually stale, and below the start of its epoch lie
    // records that its predecessor may have committed (KAFKA-7128).
    const reachedEpochStart = this.host.env.defects.has('KAFKA-7128') ? true : logEndOffset >= this.leaderEpochStartOffset!
    if (!reachedEpochStart) this.host.env.observe({ kind: 'mark', name: 'isr-expand-refused-below-leso' })
    return reachedEpochStart
  }

  /** Unfenced, not shutting down, and alive in the same incarnation that fetched (KIP-841, KIP-903). */
  private isEligible(follower: RemoteReplica): boolean {
    const broker = this.host.image.brokers.get(follower.brokerId)
    if (broker === undefined || !mayJoinIsr(this.host.env.defects, broker)) return false
    const { brokerEpoch } = follower.state
    return brokerEpoch === -1 || brokerEpoch === broker.brokerEpoch
  }

  private aliveBrokerEpoch(brokerId: number): number | undefined {
    const broker = this.host.image.brokers.get(brokerId)
    return broker === undefined || broker.fenced ? undefined : broker.brokerEpoch
  }

  /** Proposes to drop ISR members that have not been caught up for `replica.lag.time.max.ms`. */
  *maybeShrinkIsr(): Task<void> {
    if (this.outOfSyncReplicas().length === 0) return
    yield* this.host.env.pause('isr-shrink')
    const outOfSync = this.outOfSyncReplicas()
    if (outOfSync.length === 0) return
    const proposal = this.propose('shrink', this.isrState.isr.filter(id => !outOfSync.includes(id)))
    yield* this.host.env.pause('isr-submit')
    this.submit(proposal)
  }

  private outOfSyncReplicas(): number[] {
    const { isrState } = this
    if (isrState.kind !== 'committed' || !this.isLeader) return []
    const now = this.host.env.wallClock()
    const { logEndOffset } = this.log
    return isrState.isr.filter(id => {
      if (id === this.host.brokerId) return false
      const follower = this.followers.get(id)
      return follower === undefined || !isCaughtUp(follower.state, logEndOffset, now, this.host.server.replicaLagTimeMaxMs)
    })
  }

  private propose(change: 'expand' | 'shrink', isr: readonly number[]): PendingIsr {
    const committed = this.isrState
    invariant(committed.kind === 'committed', 'one ISR change at a time')
    this.isrState = pendingIsr(this.host.env.defects, change, committed, isr.map(id => this.memberOf(id)), this)
    this.host.env.observe({ kind: 'isr-proposed', ...this.names(), leaderEpoch: this.leaderEpoch, isr, committed: committed.isr, change })
    return this.isrState
  }

  private memberOf(brokerId: number): IsrMember {
    const brokerEpoch = brokerId === this.host.brokerId ? this.host.brokerEpoch() : this.followers.get(brokerId)?.state.brokerEpoch
    return { brokerId, brokerEpoch: brokerEpoch ?? -1 }
  }

  private submit(proposal: PendingIsr): void {
    const { leaderEpoch, partitionEpoch, proposed } = proposal
    const change: IsrChange = { topicId: this.topicId, partition: this.partition, leaderEpoch, partitionEpoch, isr: proposed }
    this.host.submitIsrChange(change, reply => this.onIsrChangeReply(proposal, reply))
  }

  private onIsrChangeReply(proposal: PendingIsr, reply: IsrChangeReply): void {
    // Metadata has overtaken the reply: what the controller thought of the proposal no longer matters.
    if (this.isrState !== proposal) return
    if (reply.ok) {
      const { partition } = reply
      if (partition.leaderEpoch !== this.leaderEpoch || partition.partitionEpoch < this.partitionEpoch) return
      this.isrState = committedIsr(partition.isr)
      this.partitionEpoch = partition.partitionEpoch
      this.observeCommittedIsr()
      if (this.isLeader && this.maybeIncrementHighWatermark(this.host.env.wallClock())) this.completeDelayedRequests()
      return
    }
    switch (reply.errorCode) {
      // Partition epoch was right, change certainly not applied.
      case ErrorCode.OPERATION_NOT_ATTEMPTED:
      case ErrorCode.INELIGIBLE_REPLICA:
        this.host.env.observe({ kind: 'mark', name: 'isr-change-rolled-back' })
        this.isrState = proposal.lastCommitted
        this.observeCommittedIsr()
        return
      // It may or may not have been applied: stay pending, with the larger ISR, until metadata tells.
      case ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
      case ErrorCode.UNKNOWN_TOPIC_ID:
      case ErrorCode.FENCED_LEADER_EPOCH:
      case ErrorCode.INVALID_UPDATE_VERSION:
      case ErrorCode.INVALID_REQUEST:
      case ErrorCode.NEW_LEADER_ELECTED:
        this.host.env.observe({ kind: 'mark', name: 'isr-change-awaits-metadata' })
        return
      default:
        this.submit(proposal)
    }
  }

  private observeCommittedIsr(): void {
    const { isr, maximalIsr } = this.isrState
    this.host.env.observe({ kind: 'isr-committed', ...this.names(), leaderEpoch: this.leaderEpoch, partitionEpoch: this.partitionEpoch, isr, maximalIsr })
  }

  names(): { topicId: string; topic: string; partition: number } {
    return { topicId: this.topicId, topic: this.topic, partition: this.partition }
  }
}
