/** How a leader begins and ends: it announces its epoch to every voter, and hands over to a successor when it resigns. */
import { unit } from '../base/random.ts'
import type { Future, Task } from '../base/task.ts'
import { type Micros, msToUs } from '../base/time.ts'
import { ApiKey } from '../protocol/api-keys.ts'
import type { Draft } from '../protocol/codec.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { BeginQuorumEpochRequest, BeginQuorumEpochResponse, EndQuorumEpochRequest, EndQuorumEpochResponse } from '../protocol/generated/types.ts'
import type { RpcRequest } from '../rpc/rpc-server.ts'
import { type Quorum, TOPIC_NAME } from './quorum.ts'
import type { Leader } from './roles.ts'
import type { Voter } from './voter-set.ts'

export class EpochAnnouncements {
  private readonly quorum: Quorum
  /** Set by a graceful shutdown: called for every answer to EndQuorumEpoch. */
  private onHandOver: (() => void) | undefined = undefined

  constructor(quorum: Quorum) {
    this.quorum = quorum
  }

  sendBeginQuorumEpochs({ progress }: Leader, now: Micros): Micros {
    const every = Math.floor(this.quorum.fetchTimeoutUs / 2)
    let next = Number.POSITIVE_INFINITY
    for (const { id, host, directoryId } of this.quorum.otherVoters) {
      const voter = progress.voters.get(id)!
      const last = Math.max(voter.lastFetch, voter.lastBegin)
      if (last >= 0 && now - last < every) {
        next = Math.min(next, last + every)
        continue
      }
      voter.lastBegin = now
      next = Math.min(next, now + every)
      const request: Draft<BeginQuorumEpochRequest> = {
        clusterId: this.quorum.options.clusterId, voterId: id,
        topics: [{ topicName: TOPIC_NAME, partitions: [{ partitionIndex: 0, voterDirectoryId: directoryId, leaderId: this.quorum.options.nodeId, leaderEpoch: this.quorum.epoch }] }],
      }
      const { epoch } = this.quorum
      this.quorum.ask(host, ApiKey.BeginQuorumEpoch, request, result => {
        const partition = result.ok ? (result.body as BeginQuorumEpochResponse).topics[0]?.partitions[0] : undefined
        if (partition === undefined) return undefined
        if (partition.errorCode === ErrorCode.NONE && this.quorum.epoch === epoch) voter.acknowledged = true
        return this.quorum.learn(partition.leaderEpoch, partition.leaderId)
      })
    }
    return next
  }

  *handleBeginQuorumEpoch(request: RpcRequest): Task<void> {
    const body = request.body as BeginQuorumEpochRequest
    const asked = body.topics[0]?.partitions[0]
    const errorCode = asked === undefined ? ErrorCode.INVALID_REQUEST : asked.leaderEpoch < this.quorum.epoch ? ErrorCode.FENCED_LEADER_EPOCH
      : this.quorum.isForMe(body.voterId, asked.voterDirectoryId) ? ErrorCode.NONE : ErrorCode.INVALID_VOTER_KEY
    if (asked !== undefined && errorCode === ErrorCode.NONE) {
      if (asked.leaderId !== this.quorum.options.nodeId) yield* this.quorum.learn(asked.leaderEpoch, asked.leaderId)
    }
    request.respond({ topics: [{ topicName: TOPIC_NAME, partitions: [{ partitionIndex: 0, errorCode, leaderId: this.quorum.leaderId, leaderEpoch: this.quorum.epoch }] }] } satisfies Draft<BeginQuorumEpochResponse>)
  }

  *becomeResigned(): Task<void> {
    const successors = this.quorum.role !== undefined && this.quorum.role.kind === 'leader' ? this.quorum.role.progress.successors() : this.quorum.otherVoters.map(({ id }) => id)
    yield* this.quorum.enter(this.quorum.epoch, { kind: 'resigned', successors, deadline: this.quorum.env.now() + this.quorum.electionTimeoutUs() })
    const resigned = this.quorum.role
    for (const voter of this.quorum.otherVoters) this.sendEndQuorumEpoch(voter, () => this.quorum.role === resigned, successors)
  }

  private sendEndQuorumEpoch(voter: Voter, wanted: () => boolean, successors: readonly number[]): void {
    const request: Draft<EndQuorumEpochRequest> = {
      clusterId: this.quorum.options.clusterId,
      topics: [{
        topicName: TOPIC_NAME,
        partitions: [{
          partitionIndex: 0, leaderId: this.quorum.options.nodeId, leaderEpoch: this.quorum.epoch, preferredSuccessors: [...successors],
          preferredCandidates: successors.map(candidateId => ({ candidateId })),
        }],
      }],
    }
    this.quorum.ask(voter.host, ApiKey.EndQuorumEpoch, request, result => {
      this.onHandOver?.()
      if (!result.ok) {
        this.quorum.later(() => {
          if (wanted()) this.sendEndQuorumEpoch(voter, wanted, successors)
        })
        return undefined
      }
      const partition = (result.body as EndQuorumEpochResponse).topics[0]?.partitions[0]
      return partition === undefined ? undefined : this.quorum.learn(partition.leaderEpoch, partition.leaderId)
    })
  }

  *handleEndQuorumEpoch(request: RpcRequest): Task<void> {
    const asked = (request.body as EndQuorumEpochRequest).topics[0]?.partitions[0]
    const errorCode = asked === undefined ? ErrorCode.INVALID_REQUEST : asked.leaderEpoch < this.quorum.epoch ? ErrorCode.FENCED_LEADER_EPOCH : ErrorCode.NONE
    if (asked !== undefined && errorCode === ErrorCode.NONE) {
      yield* this.quorum.learn(asked.leaderEpoch, asked.leaderId)
      const { role } = this.quorum
      if (role.kind === 'follower' && role.leaderId === asked.leaderId && this.quorum.isVoter) {
        const candidates = asked.preferredCandidates.length > 0 ? asked.preferredCandidates.map(({ candidateId }) => candidateId) : asked.preferredSuccessors
        role.deadline = this.quorum.env.now() + this.successionBackoff(candidates.indexOf(this.quorum.options.nodeId), candidates.length)
      }
    }
    request.respond({ topics: [{ topicName: TOPIC_NAME, partitions: [{ partitionIndex: 0, errorCode, leaderId: this.quorum.leaderId, leaderEpoch: this.quorum.epoch }] }] } satisfies Draft<EndQuorumEpochResponse>)
  }

  /** The first successor runs at once, the others wait longer the further down they stand. */
  private successionBackoff(position: number, count: number): Micros {
    if (position === 0) return 0
    const most = msToUs(this.quorum.options.config.quorumElectionBackoffMaxMs)
    const step = Math.floor(most / Math.max(1, count))
    return Math.min(most, step * (position < 0 ? count : position)) + Math.floor(step * unit(this.quorum.env.draw('succession-backoff', this.quorum.epoch, position)))
  }

  *handOver(done: Future<void>): Task<void> {
    if (this.quorum.role.kind !== 'leader' || this.quorum.otherVoters.length === 0) {
      done.complete()
      return
    }
    yield* this.becomeResigned()
    // The first answers release the shutdown; a dead quorum must not hold it for long.
    this.quorum.env.timer(msToUs(this.quorum.options.config.quorumRequestTimeoutMs), () => done.complete())
    let left = Math.ceil(this.quorum.otherVoters.length / 2)
    this.onHandOver = () => {
      if (--left === 0) done.complete()
    }
  }
}
