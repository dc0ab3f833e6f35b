/**
 * A voter whose record names another address than it has tells the leader, instead of a fetch, and again after each three
 * fetch time-outs for as long as it is so (KafkaRaftClient#pollFollowerAsVoter, FollowerState#updateVoterPeriodMs, KIP-853).
 */
import type { Micros } from '../base/time.ts'
import { CONTROLLER_PORT } from '../config/cluster.ts'
import type { Draft } from '../protocol/codec.ts'
import type { UpdateRaftVoterRequest } from '../protocol/generated/types.ts'
import type { Quorum } from './quorum.ts'
import type { Follower } from './roles.ts'
import { LISTENER_NAME, SUPPORTED_KRAFT_VERSIONS } from './voter-set.ts'

/** Some rounds of fetches come first: the record may be older than the log. */
const FETCH_TIMEOUTS = 3

export class VoterUpdate {
  private readonly quorum: Quorum
  private role: Follower | undefined = undefined
  private nextAt: Micros = 0

  constructor(quorum: Quorum) {
    this.quorum = quorum
  }

  /** What to send now; undefined: nothing to tell, or not yet. */
  due(role: Follower, now: Micros): Draft<UpdateRaftVoterRequest> | undefined {
    if (this.role === role && now < this.nextAt) return undefined
    const isNewRole = this.role !== role
    this.role = role
    this.nextAt = now + FETCH_TIMEOUTS * this.quorum.fetchTimeoutUs
    return isNewRole ? undefined : this.request()
  }

  private request(): Draft<UpdateRaftVoterRequest> | undefined {
    const { options, voters, isVoter, log, epoch } = this.quorum
    const host = options.voters.find(({ id }) => id === options.nodeId)?.host
    if (!isVoter || log.voters.kraftVersion < 1 || host === undefined || voters.find(options.nodeId)?.host === host) return undefined
    this.quorum.env.observe({ kind: 'mark', name: 'raft-voter-update' })
    return {
      clusterId: options.clusterId, currentLeaderEpoch: epoch, voterId: options.nodeId, voterDirectoryId: options.directoryId,
      listeners: [{ name: LISTENER_NAME, host, port: CONTROLLER_PORT }], kRaftVersionFeature: { ...SUPPORTED_KRAFT_VERSIONS },
    }
  }
}
