/**
 * One assigned partition of a consumer (SubscriptionState.TopicPartitionState).
 *
 *   initializing ---> fetching <---> await-validation
 *        |               |  ^               |
 *        +----------> await-reset <---------+
 *
 * A position is (next offset, epoch of the last record consumed, leader and its epoch). When the leader or its epoch
 * changes the position must be validated with OffsetForLeaderEpoch before it is fetched from again (KIP-320).
 */
import type { Micros } from '../base/time.ts'
import type { LeaderAndEpoch } from './cluster-metadata.ts'
import { partitionName } from '../base/partition-name.ts'

export interface FetchPosition {
  readonly offset: number
  /** Leader epoch of the last consumed record; -1 when none was consumed. */
  readonly offsetEpoch: number
  readonly leader: LeaderAndEpoch
}

export type ResetReason = 'out-of-range' | 'truncation' | 'initial'

/** The position moved by itself: what a checker must know to accept it. `from` is -1 when there was none. */
export interface PositionReset {
  readonly topic: string
  readonly partition: number
  readonly from: number
  readonly to: number
  readonly reason: ResetReason
}

export interface PendingReset {
  readonly strategy: 'earliest' | 'latest'
  readonly from: number
  /** undefined: asked for by the application. */
  readonly reason: ResetReason | undefined
}

export class FetchState {
  readonly topic: string
  readonly partition: number
  readonly key: string
  phase: 'initializing' | 'fetching' | 'await-reset' | 'await-validation' = 'initializing'
  position: FetchPosition | undefined = undefined
  reset: PendingReset | undefined = undefined
  isPaused = false
  /** It will be revoked: nothing more of it is returned (KAFKA-14196). */
  isPendingRevocation = false
  /** Where it begins is asked of the group's committed offsets first. */
  awaitsCommitted: boolean
  /** No question about this position is sent before. */
  nextRetryAt: Micros = 0
  /** No fetch is sent before. */
  nextFetchAt: Micros = 0
  private preferredReplica = -1
  private preferredUntil: Micros = 0

  constructor(topic: string, partition: number, awaitsCommitted = false) {
    this.awaitsCommitted = awaitsCommitted
    this.topic = topic
    this.partition = partition
    this.key = partitionName(topic, partition)
  }

  get hasValidPosition(): boolean {
    return this.phase === 'fetching'
  }

  get isFetchable(): boolean {
    return !this.isPaused && !this.isPendingRevocation && this.hasValidPosition
  }

  awaitReset(reset: PendingReset): void {
    this.phase = 'await-reset'
    this.position = undefined
    this.reset = reset
    this.nextRetryAt = 0
  }

  /** A position that needs no validation. */
  seek(position: FetchPosition): void {
    this.phase = 'fetching'
    this.position = position
    this.reset = undefined
    this.nextRetryAt = 0
    this.nextFetchAt = 0
  }

  /** A position that is validated first if it says under which epoch it was consumed. */
  seekUnvalidated(position: FetchPosition): void {
    this.seek(position)
    this.validate(position)
  }

  /** Told of the partition's current leader; starts a validation when it is another or has another epoch. */
  observeLeader(leader: LeaderAndEpoch): void {
    const position = this.position
    if (this.phase === 'await-reset' || leader.node === undefined || position === undefined) return
    if (position.leader.node?.id === leader.node.id && position.leader.epoch === leader.epoch) return
    this.preferredReplica = -1
    this.nextFetchAt = 0
    this.validate({ ...position, leader })
  }

  private validate(position: FetchPosition): void {
    this.position = position
    this.phase = position.offsetEpoch >= 0 && position.leader.epoch >= 0 ? 'await-validation' : 'fetching'
    this.nextRetryAt = 0
  }

  completeValidation(): void {
    if (this.phase === 'await-validation') this.phase = 'fetching'
  }

  /** The follower to read from (KIP-392), or -1. */
  preferredReadReplica(now: Micros): number {
    if (this.preferredReplica !== -1 && now > this.preferredUntil) this.preferredReplica = -1
    return this.preferredReplica
  }

  preferReadReplica(replica: number, until: Micros): void {
    if (replica === this.preferredReplica) return
    this.preferredReplica = replica
    this.preferredUntil = until
  }

  /** The replica that was preferred, or -1. */
  clearPreferredReadReplica(): number {
    const cleared = this.preferredReplica
    this.preferredReplica = -1
    return cleared
  }
}
