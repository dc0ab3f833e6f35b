/**
 * Replication, the follower's side: one fetch at a time, of log or of a snapshot, from the leader, or from any voter while no
 * leader is known.
 *
 * Unlike Kafka, where a voter that knows of no leader is asked again as soon as it has said so (KafkaRaftClient counts such
 * an answer as a success), the next one is asked after the retry backoff: half of all messages of a trial would say nothing.
 */
import { unit } from '../base/random.ts'
import type { Task } from '../base/task.ts'
import { type Micros, msToUs } from '../base/time.ts'
import { ApiKey } from '../protocol/api-keys.ts'
import type { Draft } from '../protocol/codec.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { FetchRequest, FetchResponse, UpdateRaftVoterResponse } from '../protocol/generated/types.ts'
import { METADATA_TOPIC_ID } from '../protocol/uuid.ts'
import type { RpcResult } from '../rpc/rpc-client.ts'
import type { Quorum, VoterNode } from './quorum.ts'
import type { Role } from './roles.ts'
import { SnapshotFetching } from './snapshot-fetching.ts'
import { VoterUpdate } from './voter-update.ts'

const FETCH_MAX_BYTES = 8_388_608

export class FollowerFetching {
  private readonly quorum: Quorum
  /** Voters that owe an answer. */
  private readonly inFlight = new Set<number>()
  private readonly snapshots: SnapshotFetching
  private readonly update: VoterUpdate
  private nextAt: Micros = 0
  private attempts = 0

  constructor(quorum: Quorum) {
    this.quorum = quorum
    this.snapshots = new SnapshotFetching(quorum)
    this.update = new VoterUpdate(quorum)
  }

  /** A new role fetches at once. */
  reset(): void {
    this.attempts = 0
    this.nextAt = 0
  }

  /** Sends the fetch that is due; returns when the next one will be, infinity while one is on its way. */
  poll(role: Role, now: Micros): Micros {
    if (!this.isReady(role)) return Number.POSITIVE_INFINITY
    if (now < this.nextAt) return this.nextAt
    this.send(role)
    return Number.POSITIVE_INFINITY
  }

  /**
   * A voter waits only for the leader that it follows: a fetch that hangs at a dead one must not keep it from the next
   * (KafkaRaftClient#pollFollowerAsVoter). Everybody else has one fetch on its way at all.
   */
  private isReady(role: Role): boolean {
    return role.kind === 'follower' && this.quorum.isVoter ? !this.inFlight.has(role.leaderId) : this.inFlight.size === 0
  }

  private send(role: Role): void {
    const leaderId = role.kind === 'follower' ? role.leaderId : -1
    const host = this.quorum.hostOf(leaderId)
    const target = host === undefined ? this.someVoter() : { id: leaderId, host }
    if (target === undefined) return
    this.inFlight.add(target.id)
    if (role.kind === 'follower' && role.fetchingSnapshot !== undefined) {
      this.snapshots.send(role, role.fetchingSnapshot, target.host, went => {
        this.inFlight.delete(target.id)
        if (went) this.attempts = 0
        else this.backOff()
      })
      return
    }
    const update = role.kind === 'follower' && target.id === role.leaderId ? this.update.due(role, this.quorum.env.now()) : undefined
    if (update !== undefined) {
      this.quorum.ask(target.host, ApiKey.UpdateRaftVoter, update, result => {
        this.inFlight.delete(target.id)
        return this.handleUpdated(result)
      })
      return
    }
    const { config } = this.quorum.options
    const request: Draft<FetchRequest> = {
      clusterId: this.quorum.options.clusterId,
      replicaState: { replicaId: this.quorum.options.nodeId, replicaEpoch: -1 },
      maxWaitMs: config.quorumFetchMaxWaitMs, minBytes: 0, maxBytes: FETCH_MAX_BYTES, isolationLevel: 0, sessionId: 0, sessionEpoch: -1,
      topics: [{
        topicId: METADATA_TOPIC_ID,
        partitions: [{
          partition: 0, currentLeaderEpoch: this.quorum.epoch, fetchOffset: this.quorum.log.endOffset, lastFetchedEpoch: this.quorum.log.lastEpoch, logStartOffset: -1,
          partitionMaxBytes: FETCH_MAX_BYTES, replicaDirectoryId: this.quorum.options.directoryId, highWatermark: this.quorum.log.highWatermark,
        }],
      }],
    }
    this.quorum.ask(target.host, ApiKey.Fetch, request, result => {
      this.inFlight.delete(target.id)
      return this.handleResponse(role, target.id, result)
    })
  }

  private someVoter(): VoterNode | undefined {
    const others = this.quorum.voters.size > 0 ? this.quorum.otherVoters : this.quorum.options.voters.filter(({ id }) => id !== this.quorum.options.nodeId)
    const { length } = others
    return length === 0 ? undefined : others[Math.floor(length * unit(this.quorum.env.draw('bootstrap-voter', this.quorum.epoch, this.attempts)))]
  }

  private backOff(): void {
    this.attempts++
    this.nextAt = this.quorum.env.now() + msToUs(this.quorum.options.config.quorumRetryBackoffMs)
  }

  private *handleUpdated(result: RpcResult): Task<void> {
    if (!result.ok) return this.backOff()
    const { errorCode, currentLeader: { leaderId, leaderEpoch } } = result.body as UpdateRaftVoterResponse
    if (leaderEpoch >= 0) yield* this.quorum.learn(leaderEpoch, leaderId)
    if (errorCode !== ErrorCode.NONE) this.backOff()
  }

  private *handleResponse(role: Role, source: number, result: RpcResult): Task<void> {
    const response = result.ok ? (result.body as FetchResponse) : undefined
    const partition = response?.responses[0]?.partitions[0]
    if (response === undefined || response.errorCode !== ErrorCode.NONE || partition === undefined) return this.backOff()
    const { leaderId, leaderEpoch } = partition.currentLeader
    if (leaderEpoch >= 0) yield* this.quorum.learn(leaderEpoch, leaderId)
    if (this.quorum.role !== role) return
    // It knows of no leader either, and perhaps never will, if it is no voter: the next one is asked.
    if (role.kind !== 'follower' || role.leaderId !== source || partition.errorCode !== ErrorCode.NONE) return this.backOff()
    const now = this.quorum.env.now()
    role.hasFetched = true
    role.deadline = now + this.quorum.fetchTimeoutUs
    this.attempts = 0
    if (partition.divergingEpoch.epoch >= 0) {
      this.quorum.log.truncateTo(partition.divergingEpoch)
      return
    }
    if (partition.snapshotId.epoch >= 0 && partition.snapshotId.endOffset >= 0) {
      if (!this.snapshots.begin(role, partition.snapshotId)) this.backOff()
      return
    }
    if (partition.records !== null && partition.records.length > 0) {
      this.quorum.log.appendFetched(partition.records, this.quorum.epoch)
      if (this.quorum.isVoter) yield* this.quorum.log.flush()
      if (this.quorum.role !== role) return
    }
    this.quorum.raiseHighWatermark(Math.min(partition.highWatermark, this.quorum.log.endOffset), false)
  }
}
