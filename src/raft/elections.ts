/** Elections (KIP-996): pre-vote, vote, and what a voter answers to them. */
import type { Task } from '../base/task.ts'
import { ApiKey } from '../protocol/api-keys.ts'
import type { Draft } from '../protocol/codec.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { VoteRequest, VoteResponse } from '../protocol/generated/types.ts'
import type { RaftControlRecord } from '../protocol/records/raft-control-records.ts'
import { ZERO_UUID } from '../protocol/uuid.ts'
import type { RpcResult } from '../rpc/rpc-client.ts'
import type { RpcRequest } from '../rpc/rpc-server.ts'
import type { LeaderReplication } from './leader-replication.ts'
import { LeaderProgress } from './leader-progress.ts'
import { type Quorum, TOPIC_NAME } from './quorum.ts'
import { type Candidate, isMajority, type Prospective } from './roles.ts'
import type { ReplicaKey, Voter } from './voter-set.ts'

export class Elections {
  private readonly quorum: Quorum
  private readonly replication: LeaderReplication

  constructor(quorum: Quorum, replication: LeaderReplication) {
    this.quorum = quorum
    this.replication = replication
  }

  *becomeProspective(): Task<void> {
    const { votedFor } = this.quorum
    const leaderId = this.quorum.role.kind === 'follower' ? this.quorum.role.leaderId : -1
    const role: Prospective = { kind: 'prospective', votedFor, leaderId, granted: new Set([this.quorum.options.nodeId]), refused: new Set(), deadline: this.quorum.env.now() + this.quorum.electionTimeoutUs() }
    yield* this.quorum.enter(this.quorum.epoch, role)
    for (const voter of this.quorum.otherVoters) this.sendVote(role, voter, true)
    yield* this.countVotes(role)
  }

  *becomeCandidate(epoch: number): Task<void> {
    const role: Candidate = { kind: 'candidate', granted: new Set([this.quorum.options.nodeId]), refused: new Set(), deadline: this.quorum.env.now() + this.quorum.electionTimeoutUs() }
    yield* this.quorum.enter(epoch, role)
    for (const voter of this.quorum.otherVoters) this.sendVote(role, voter, false)
    yield* this.countVotes(role)
  }

  private *becomeLeader(candidate: Candidate): Task<void> {
    const now = this.quorum.env.now()
    const progress = new LeaderProgress({
      self: this.quorum.self, voters: this.quorum.voters, epochStart: this.quorum.log.endOffset, now, checkQuorumUs: this.quorum.checkQuorumUs, defects: this.quorum.env.defects,
    })
    const granting = [...candidate.granted].sort((a, b) => a - b)
    yield* this.quorum.enter(this.quorum.epoch, { kind: 'leader', progress, granting })
    this.quorum.log.appendControls(this.quorum.epoch, this.startOfEpoch(granting))
    yield* this.replication.afterAppend()
  }

  /** The first record of an epoch, and the voters if only the snapshot of the formatting knows them (LeaderState#appendStartOfEpochControlRecords). */
  private startOfEpoch(granting: readonly number[]): RaftControlRecord[] {
    const { voters } = this.quorum.log
    const change: RaftControlRecord = {
      type: 'leader-change',
      message: { version: 0, leaderId: this.quorum.options.nodeId, voters: voters.current.ids.map(voterId => ({ voterId })), grantingVoters: granting.map(voterId => ({ voterId })) },
    }
    if (voters.kraftVersion === 0 || voters.currentOffset >= 0) return [change]
    return [change, { type: 'kraft-version', message: { version: 0, kRaftVersion: voters.kraftVersion } }, { type: 'voters', message: voters.current.toRecord() }]
  }

  *afterLostPreVote(role: Prospective): Task<void> {
    if (role.leaderId >= 0) yield* this.quorum.becomeFollower(this.quorum.epoch, role.leaderId, role.votedFor)
    else yield* this.quorum.becomeUnattached(this.quorum.epoch, -1, role.votedFor)
  }

  private sendVote(role: Prospective | Candidate, voter: Voter, preVote: boolean): void {
    const request: Draft<VoteRequest> = {
      clusterId: this.quorum.options.clusterId,
      voterId: voter.id,
      topics: [{
        topicName: TOPIC_NAME,
        partitions: [{
          partitionIndex: 0, replicaEpoch: this.quorum.epoch, replicaId: this.quorum.options.nodeId, replicaDirectoryId: this.quorum.options.directoryId,
          voterDirectoryId: voter.directoryId, lastOffsetEpoch: this.quorum.log.lastEpoch, lastOffset: this.quorum.log.endOffset, preVote,
        }],
      }],
    }
    this.quorum.ask(voter.host, ApiKey.Vote, request, result => (this.quorum.role === role ? this.handleVoteResponse(role, voter, preVote, result) : undefined))
  }

  private *handleVoteResponse(role: Prospective | Candidate, voter: Voter, preVote: boolean, result: RpcResult): Task<void> {
    const partition = result.ok ? (result.body as VoteResponse).topics[0]?.partitions[0] : undefined
    if (partition === undefined) {
      this.quorum.later(() => {
        if (this.quorum.role === role && !role.granted.has(voter.id) && !role.refused.has(voter.id)) this.sendVote(role, voter, preVote)
      })
      return
    }
    yield* this.quorum.learn(partition.leaderEpoch, partition.leaderId)
    if (this.quorum.role !== role || partition.errorCode !== ErrorCode.NONE || partition.leaderEpoch > this.quorum.epoch) return
    if (partition.voteGranted) role.granted.add(voter.id)
    else role.refused.add(voter.id)
    yield* this.countVotes(role)
  }

  private *countVotes(role: Prospective | Candidate): Task<void> {
    if (this.quorum.role !== role) return
    const length = this.quorum.voters.size
    if (isMajority(role.granted.size, length)) {
      if (role.kind === 'prospective') yield* this.becomeCandidate(this.quorum.epoch + 1)
      else yield* this.becomeLeader(role)
    } else if (role.kind === 'prospective' && isMajority(role.refused.size, length)) yield* this.afterLostPreVote(role)
  }

  *handleVote(request: RpcRequest): Task<void> {
    const body = request.body as VoteRequest
    const asked = body.topics[0]?.partitions[0]
    const answer = (errorCode: number, voteGranted: boolean): void => request.respond({
      topics: [{ topicName: TOPIC_NAME, partitions: [{ partitionIndex: 0, errorCode, leaderId: this.quorum.leaderId, leaderEpoch: this.quorum.epoch, voteGranted }] }],
    } satisfies Draft<VoteResponse>)
    if (asked === undefined || !this.quorum.options.isVoter || (body.clusterId !== null && body.clusterId !== this.quorum.options.clusterId)) {
      request.respond({ errorCode: asked === undefined ? ErrorCode.INVALID_REQUEST : ErrorCode.INCONSISTENT_CLUSTER_ID })
      return
    }
    if (asked.replicaEpoch < this.quorum.epoch) return answer(ErrorCode.FENCED_LEADER_EPOCH, false)
    if (asked.replicaEpoch > this.quorum.epoch) yield* this.quorum.becomeUnattached(asked.replicaEpoch, -1, undefined)
    // Meant for a disk that has been replaced, which may have promised its vote to another.
    if (!this.quorum.isForMe(body.voterId, asked.voterDirectoryId)) return answer(ErrorCode.INVALID_VOTER_KEY, false)
    const upToDate = asked.lastOffsetEpoch > this.quorum.log.lastEpoch || (asked.lastOffsetEpoch === this.quorum.log.lastEpoch && asked.lastOffset >= this.quorum.log.endOffset)
    const granted = asked.preVote ? this.grantsPreVote(upToDate) : this.grantsVote({ id: asked.replicaId, directoryId: asked.replicaDirectoryId }, upToDate)
    const { role } = this.quorum
    if (granted && !asked.preVote && (role.kind === 'unattached' || role.kind === 'prospective')) {
      yield* this.quorum.enter(this.quorum.epoch, { ...role, votedFor: { id: asked.replicaId, directoryId: asked.replicaDirectoryId } })
    }
    answer(ErrorCode.NONE, granted)
  }

  private grantsPreVote(upToDate: boolean): boolean {
    switch (this.quorum.role.kind) {
      case 'leader': return false
      case 'follower': return upToDate && !this.quorum.role.hasFetched
      default: return upToDate
    }
  }

  /** One vote an epoch; a repeat from the voted key is granted again without a look at the logs. */
  private grantsVote(key: ReplicaKey, upToDate: boolean): boolean {
    const { role } = this.quorum
    if (role.kind !== 'unattached' && role.kind !== 'prospective') return false
    if (role.votedFor !== undefined) return role.votedFor.id === key.id && (role.votedFor.directoryId === ZERO_UUID || role.votedFor.directoryId === key.directoryId)
    return role.leaderId < 0 && upToDate
  }
}
