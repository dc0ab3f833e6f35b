/**
 * Replication, the leader's side: what followers fetch, what is committed by their fetching, and fetches that wait for
 * news.
 */
import type { Task } from '../base/task.ts'
import { type Micros, msToUs } from '../base/time.ts'
import type { Draft } from '../protocol/codec.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { DescribeQuorumResponse, FetchRequest, FetchResponse, FetchResponsePartitionData } from '../protocol/generated/types.ts'
import { METADATA_TOPIC_ID } from '../protocol/uuid.ts'
import type { RpcRequest } from '../rpc/rpc-server.ts'
import { type Quorum, TOPIC_NAME } from './quorum.ts'

interface ParkedFetch {
  readonly request: RpcRequest
  readonly replicaId: number
  readonly fetchOffset: number
  readonly highWatermark: number
  readonly expiresAt: Micros
}

export class LeaderReplication {
  private readonly quorum: Quorum
  private readonly parked: ParkedFetch[] = []

  constructor(quorum: Quorum) {
    this.quorum = quorum
  }

  /** Completes parked fetches first and flushes then: the order of KafkaRaftClient, by which a single voter commits unflushed data. */
  *afterAppend(): Task<void> {
    if (this.quorum.role.kind !== 'leader') return
    if (this.quorum.role.progress.updateSelf(this.quorum.log.endOffset)) this.quorum.raiseHighWatermark(this.quorum.role.progress.highWatermark!, true)
    this.completeParked()
    yield* this.quorum.log.flush()
  }

  handleFetch(request: RpcRequest): undefined {
    const body = request.body as FetchRequest
    const asked = body.topics[0]?.partitions[0]
    if (asked === undefined || body.topics[0]?.topicId !== METADATA_TOPIC_ID) {
      request.respond({ errorCode: ErrorCode.INVALID_REQUEST })
      return
    }
    if (body.clusterId !== null && body.clusterId !== this.quorum.options.clusterId) {
      request.respond({ errorCode: ErrorCode.INCONSISTENT_CLUSTER_ID })
      return
    }
    const error = asked.currentLeaderEpoch < this.quorum.epoch ? ErrorCode.FENCED_LEADER_EPOCH
      : asked.currentLeaderEpoch > this.quorum.epoch ? ErrorCode.UNKNOWN_LEADER_EPOCH
      : this.quorum.role.kind === 'leader' ? ErrorCode.NONE : ErrorCode.NOT_LEADER_OR_FOLLOWER
    if (error !== ErrorCode.NONE || this.quorum.role.kind !== 'leader') {
      this.answerFetch(request, { errorCode: error })
      return
    }
    const replicaId = body.replicaState.replicaId
    const check = this.quorum.log.checkFetch(asked.fetchOffset, asked.lastFetchedEpoch)
    if (check.kind !== 'valid') {
      this.answerFetch(request, check.kind === 'diverging' ? { divergingEpoch: { epoch: check.epoch, endOffset: check.endOffset } } : { snapshotId: { ...check.id } })
      return
    }
    const { progress } = this.quorum.role
    if (progress.updateReplica({ id: replicaId, directoryId: asked.replicaDirectoryId }, asked.fetchOffset, this.quorum.env.now(), this.quorum.checkQuorumUs)) {
      this.quorum.raiseHighWatermark(progress.highWatermark!, true)
      this.completeParked()
    }
    const parked: ParkedFetch = {
      request, replicaId, fetchOffset: asked.fetchOffset, highWatermark: asked.highWatermark,
      expiresAt: this.quorum.env.now() + msToUs(Math.min(body.maxWaitMs, this.quorum.options.config.quorumFetchMaxWaitMs)),
    }
    if (!this.tryComplete(parked)) this.parked.push(parked)
  }

  /** Data beyond the fetch offset, or a high watermark that the replica does not know yet (KIP-1166). */
  private tryComplete(parked: ParkedFetch): boolean {
    if (parked.fetchOffset >= this.quorum.log.endOffset && parked.highWatermark >= this.publishedHighWatermark) return false
    // The log may have been cleaned up to here while the fetch waited: it comes again and is given the snapshot.
    if (parked.fetchOffset < this.quorum.log.startOffset) this.answerFetch(parked.request, {})
    else this.answerFetch(parked.request, { records: this.quorum.log.read(parked.fetchOffset) })
    return true
  }

  private get publishedHighWatermark(): number {
    return this.quorum.role.kind === 'leader' ? (this.quorum.role.progress.highWatermark ?? -1) : -1
  }

  private completeParked(): void {
    const waiting = this.parked.splice(0)
    for (const parked of waiting) if (!this.tryComplete(parked)) this.parked.push(parked)
  }

  failParked(): void {
    for (const { request } of this.parked.splice(0)) this.answerFetch(request, { errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER })
  }

  expireParked(now: Micros): Micros {
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
          partitionIndex: 0, highWatermark: this.publishedHighWatermark, logStartOffset: this.quorum.log.startOffset, records: new Uint8Array(0),
          currentLeader: { leaderId: this.quorum.leaderId, leaderEpoch: this.quorum.epoch }, ...partition,
        }],
      }],
    } satisfies Draft<FetchResponse>)
  }

  handleDescribeQuorum(request: RpcRequest): undefined {
    if (this.quorum.role.kind !== 'leader') {
      request.respond({ topics: [{ topicName: TOPIC_NAME, partitions: [{ partitionIndex: 0, errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER, leaderId: this.quorum.leaderId, leaderEpoch: this.quorum.epoch }] }] } satisfies Draft<DescribeQuorumResponse>)
      return
    }
    const { progress } = this.quorum.role
    request.respond({
      topics: [{
        topicName: TOPIC_NAME,
        partitions: [{
          partitionIndex: 0, leaderId: this.quorum.leaderId, leaderEpoch: this.quorum.epoch, highWatermark: this.publishedHighWatermark,
          currentVoters: [...progress.voters.entries()].map(([replicaId, { endOffset }]) => ({ replicaId, logEndOffset: endOffset })),
          observers: [...progress.observers.entries()].map(([replicaId, { endOffset }]) => ({ replicaId, logEndOffset: endOffset })),
        }],
      }],
    } satisfies Draft<DescribeQuorumResponse>)
  }
}
