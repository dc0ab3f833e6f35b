/**
 * Voters added, removed and updated (KIP-853, org.apache.kafka.raft.internals.AddVoterHandler and its sisters), at the
 * leader:
 *
 *   1. one change at a time, and none before the leader has committed a record of its own epoch, or the last change;
 *   2. a new voter answers ApiVersions, supports the kraft.version, and has caught up as an observer;
 *   3. the new set is appended and holds from there on;
 *   4. it is answered when the majority of the *new* set has it (an addition may also be answered at once);
 *   5. a leader that has removed itself leads until then, without a vote of its own, and resigns.
 *
 * Rule 1 is what makes majorities overlap: two sets that differ by two voters may elect two leaders.
 */
import type { Task } from '../base/task.ts'
import { type Micros, msToUs } from '../base/time.ts'
import { ApiKey } from '../protocol/api-keys.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { AddRaftVoterRequest, ApiVersionsResponse, RemoveRaftVoterRequest, UpdateRaftVoterRequest } from '../protocol/generated/types.ts'
import type { RpcResult } from '../rpc/rpc-client.ts'
import type { RpcRequest } from '../rpc/rpc-server.ts'
import type { EpochAnnouncements } from './epoch-announcements.ts'
import type { LeaderReplication } from './leader-replication.ts'
import type { Quorum } from './quorum.ts'
import type { Leader } from './roles.ts'
import { LISTENER_NAME, type Voter, type VoterSet } from './voter-set.ts'

export const KRAFT_VERSION_FEATURE = 'kraft.version'
const HOUR_US = 3_600_000_000

interface Pending {
  readonly request: RpcRequest
  readonly role: Leader
  readonly expiresAt: Micros
  /** Offset of the voters record; undefined: the new voter has yet to answer. */
  offset: number | undefined
}

export class VoterChanges {
  private readonly quorum: Quorum
  private readonly replication: LeaderReplication
  private readonly announcements: EpochAnnouncements
  private pending: Pending | undefined = undefined

  constructor(quorum: Quorum, replication: LeaderReplication, announcements: EpochAnnouncements) {
    this.quorum = quorum
    this.replication = replication
    this.announcements = announcements
  }

  handleAdd(request: RpcRequest): Task<void> | undefined {
    const body = request.body as AddRaftVoterRequest
    const role = this.leading(request, body.clusterId)
    if (role === undefined) return undefined
    const endpoint = body.listeners.find(({ name }) => name === LISTENER_NAME)
    if (endpoint === undefined) return refuse(request, ErrorCode.INVALID_REQUEST, `the default listener ${LISTENER_NAME} is missing`)
    if (!this.mayChange(request, role)) return undefined
    if (this.quorum.voters.find(body.voterId) !== undefined) return refuse(request, ErrorCode.DUPLICATE_VOTER, `voter ${body.voterId} is in the set of voters`)
    const voter: Voter = { id: body.voterId, directoryId: body.voterDirectoryId, host: endpoint.host }
    const pending: Pending = { request, role, expiresAt: this.quorum.env.now() + msToUs(this.quorum.options.config.quorumRequestTimeoutMs), offset: undefined }
    this.pending = pending
    this.quorum.ask(voter.host, ApiKey.ApiVersions, { clientSoftwareName: 'kafka-trial', clientSoftwareVersion: '1' }, result =>
      (this.pending === pending ? this.admit(pending, voter, body.ackWhenCommitted, result) : undefined))
    return undefined
  }

  handleRemove(request: RpcRequest): Task<void> | undefined {
    const body = request.body as RemoveRaftVoterRequest
    const role = this.leading(request, body.clusterId)
    if (role === undefined || !this.mayChange(request, role)) return undefined
    const voters = this.quorum.voters.without({ id: body.voterId, directoryId: body.voterDirectoryId })
    if (voters === undefined || voters.size === 0) return refuse(request, ErrorCode.VOTER_NOT_FOUND, `cannot remove voter ${body.voterId} from the set of voters`)
    this.pending = { request, role, expiresAt: this.quorum.env.now() + msToUs(this.quorum.options.config.quorumRequestTimeoutMs), offset: undefined }
    return this.append(this.pending, voters)
  }

  /** A voter's endpoint or supported versions, told by itself (UpdateVoterHandler). */
  *handleUpdate(request: RpcRequest): Task<void> {
    const body = request.body as UpdateRaftVoterRequest
    const currentLeader = { leaderId: this.quorum.leaderId, leaderEpoch: this.quorum.epoch, host: this.quorum.hostOf(this.quorum.leaderId) ?? '', port: 0 }
    const answer = (errorCode: number): void => request.respond({ errorCode, currentLeader })
    const { role } = this.quorum
    if (body.clusterId !== null && body.clusterId !== this.quorum.options.clusterId) return answer(ErrorCode.INCONSISTENT_CLUSTER_ID)
    if (role.kind !== 'leader') return answer(ErrorCode.NOT_LEADER_OR_FOLLOWER)
    if (body.currentLeaderEpoch !== this.quorum.epoch) return answer(body.currentLeaderEpoch < this.quorum.epoch ? ErrorCode.FENCED_LEADER_EPOCH : ErrorCode.UNKNOWN_LEADER_EPOCH)
    const endpoint = body.listeners.find(({ name }) => name === LISTENER_NAME)
    if (endpoint === undefined) return answer(ErrorCode.INVALID_REQUEST)
    if (this.whyNot(role) !== undefined) return answer(ErrorCode.REQUEST_TIMED_OUT)
    const { kRaftVersionFeature: range } = body
    const key = { id: body.voterId, directoryId: body.voterDirectoryId }
    const without = this.quorum.voters.without(key)
    const { kraftVersion } = this.quorum.log.voters
    if (without === undefined) return answer(ErrorCode.VOTER_NOT_FOUND)
    if (kraftVersion < range.minSupportedVersion || kraftVersion > range.maxSupportedVersion) return answer(ErrorCode.INVALID_REQUEST)
    if (this.quorum.voters.find(key.id)!.host !== endpoint.host) yield* this.record(role, without.with({ ...key, host: endpoint.host })!)
    answer(ErrorCode.NONE)
  }

  /** Does anybody wait for the high watermark? */
  get isAwaited(): boolean {
    const { role } = this.quorum
    return this.pending?.offset !== undefined || (role.kind === 'leader' && !role.progress.isSelfVoter)
  }

  /** After the high watermark moved: what it has passed is done. */
  committed(): Task<void> | undefined {
    const { pending } = this
    const { role } = this.quorum
    if (role.kind !== 'leader') return undefined
    if (pending?.offset !== undefined && this.quorum.log.highWatermark > pending.offset) {
      this.pending = undefined
      pending.request.respond({ errorCode: ErrorCode.NONE, errorMessage: null })
    }
    if (!role.progress.isSelfVoter && this.quorum.log.highWatermark > this.quorum.log.voters.currentOffset) {
      this.quorum.env.observe({ kind: 'mark', name: 'raft-removed-leader-resigns' })
      return this.announcements.becomeResigned()
    }
    return undefined
  }

  /** The leadership is over. */
  fail(): void {
    const { pending } = this
    this.pending = undefined
    if (pending !== undefined) refuse(pending.request, ErrorCode.NOT_LEADER_OR_FOLLOWER, 'the leader has changed')
  }

  /** Gives up what took too long; returns when to look again. */
  expire(now: Micros): Micros {
    const { pending } = this
    if (pending === undefined) return Number.POSITIVE_INFINITY
    if (pending.expiresAt > now) return pending.expiresAt
    this.pending = undefined
    refuse(pending.request, ErrorCode.REQUEST_TIMED_OUT, 'the change of voters was not finished in time')
    return Number.POSITIVE_INFINITY
  }

  private leading(request: RpcRequest, clusterId: string | null): Leader | undefined {
    const { role } = this.quorum
    if (clusterId !== null && clusterId !== this.quorum.options.clusterId) return refuse(request, ErrorCode.INCONSISTENT_CLUSTER_ID, 'another cluster')
    return role.kind === 'leader' ? role : refuse(request, ErrorCode.NOT_LEADER_OR_FOLLOWER, 'not the leader')
  }

  private mayChange(request: RpcRequest, role: Leader): boolean {
    if (this.quorum.log.voters.kraftVersion < 1) {
      refuse(request, ErrorCode.UNSUPPORTED_VERSION, 'kraft.version is 0, so voters are configured')
      return false
    }
    const why = this.whyNot(role)
    if (why !== undefined) refuse(request, ErrorCode.REQUEST_TIMED_OUT, why)
    return why === undefined
  }

  private whyNot(role: Leader): string | undefined {
    const { log } = this.quorum
    this.expire(this.quorum.env.now())
    if (this.pending !== undefined) return 'another change is pending'
    if (role.progress.highWatermark === undefined) return 'the leader has committed nothing in its epoch yet'
    if (!log.voters.hasRecord || log.voters.currentOffset >= role.progress.highWatermark) return 'the last change is not committed'
    return undefined
  }

  private admit(pending: Pending, voter: Voter, ackWhenCommitted: boolean, result: RpcResult): Task<void> | undefined {
    const { log, env } = this.quorum
    const give = (errorCode: number, why: string): undefined => {
      this.pending = undefined
      return refuse(pending.request, errorCode, why)
    }
    if (this.quorum.role !== pending.role) return give(ErrorCode.NOT_LEADER_OR_FOLLOWER, 'the leader has changed')
    if (!result.ok) return give(ErrorCode.REQUEST_TIMED_OUT, 'the new voter does not answer')
    const feature = (result.body as ApiVersionsResponse).supportedFeatures.find(({ name }) => name === KRAFT_VERSION_FEATURE)
    const level = log.voters.kraftVersion
    if (feature === undefined || feature.minVersion > level || feature.maxVersion < level) return give(ErrorCode.INVALID_REQUEST, `the new voter does not support ${KRAFT_VERSION_FEATURE} ${level}`)
    const observer = pending.role.progress.observers.get(voter.id)
    const isCaughtUp = observer !== undefined && observer.directoryId === voter.directoryId && observer.lastCaughtUp >= 0 && observer.lastFetch > env.now() - HOUR_US
    if (!isCaughtUp) return give(ErrorCode.REQUEST_TIMED_OUT, 'the new voter has not caught up')
    const voters = this.quorum.voters.with(voter)
    if (voters === undefined) return give(ErrorCode.DUPLICATE_VOTER, `voter ${voter.id} is in the set of voters`)
    if (!ackWhenCommitted) give(ErrorCode.NONE, '')
    return this.append(pending, voters)
  }

  private append(pending: Pending, voters: VoterSet): Task<void> {
    return this.record(pending.role, voters, offset => void (pending.offset = offset))
  }

  private *record(role: Leader, voters: VoterSet, appended: (offset: number) => void = () => undefined): Task<void> {
    const { log, epoch, env } = this.quorum
    const { current: previous, currentOffset: previousOffset } = log.voters
    const offset = log.appendControls(epoch, [{ type: 'voters', message: voters.toRecord() }])
    appended(offset)
    env.observe({ kind: 'raft-voters', offset, epoch, voters: named(voters), previous: named(previous), previousOffset, highWatermark: log.highWatermark })
    if (role.progress.updateVoters(this.quorum.voters)) this.quorum.raiseHighWatermark(role.progress.highWatermark!, true)
    yield* this.replication.afterAppend()
  }
}

function named({ voters }: VoterSet): string[] {
  return voters.map(({ id, directoryId }) => `${id}-${directoryId}`)
}

function refuse(request: RpcRequest, errorCode: number, errorMessage: string): undefined {
  request.respond({ errorCode, errorMessage: errorMessage === '' ? null : errorMessage })
  return undefined
}
