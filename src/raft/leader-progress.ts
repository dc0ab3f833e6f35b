/**
 * What a raft leader knows of the others (LeaderState): their end offsets, when they last fetched, who acknowledged the
 * new epoch, and from these the high watermark and the check-quorum rule.
 *
 * The high watermark is the majority-th largest end offset, published only beyond the epoch's own first record: a leader
 * must not expose records of older epochs before its LeaderChange is on a majority (Raft's figure 8, KAFKA-12619).
 */
import type { Micros } from '../base/time.ts'
import type { Defects } from '../config/defects.ts'
import type { ReplicaKey, VoterSet } from './voter-set.ts'

export interface ReplicaProgress {
  readonly directoryId: string
  endOffset: number
  /** When it last fetched; -1: never in this epoch. */
  lastFetch: Micros
  /** When it last had all that the leader had; -1: never in this epoch. */
  lastCaughtUp: Micros
  acknowledged: boolean
  /** When BeginQuorumEpoch was last sent. */
  lastBegin: Micros
}

function startingAt(key: ReplicaKey, acknowledged: boolean): ReplicaProgress {
  return { directoryId: key.directoryId, endOffset: -1, lastFetch: -1, lastCaughtUp: -1, acknowledged, lastBegin: -1 }
}

export class LeaderProgress {
  /** Offset of the LeaderChange record. */
  readonly epochStart: number
  readonly voters = new Map<number, ReplicaProgress>()
  readonly observers = new Map<number, ReplicaProgress>()
  private readonly self: ReplicaKey
  private readonly defects: Defects
  private readonly fetchedVoters = new Set<number>()
  private current: VoterSet
  private ownEnd = -1
  highWatermark: number | undefined = undefined
  checkQuorumDeadline: Micros

  constructor(o: { self: ReplicaKey; voters: VoterSet; epochStart: number; now: Micros; checkQuorumUs: Micros; defects: Defects }) {
    this.self = o.self
    this.epochStart = o.epochStart
    this.defects = o.defects
    this.current = o.voters
    for (const voter of o.voters.voters) this.voters.set(voter.id, startingAt(voter, voter.id === o.self.id))
    this.checkQuorumDeadline = o.defects.has('KAFKA-15489') ? Number.POSITIVE_INFINITY : o.now + o.checkQuorumUs
  }

  /** A leader that is being removed leads on, without a vote, until its removal is committed (KIP-853). */
  get isSelfVoter(): boolean {
    return this.current.isVoter(this.self)
  }

  /** Other voters from now on. True when the high watermark moved; it never goes back. */
  updateVoters(next: VoterSet): boolean {
    const before = new Map(this.voters)
    this.current = next
    this.voters.clear()
    for (const voter of next.voters) {
      const { id } = voter
      const known = [before.get(id), this.observers.get(id)].find(replica => replica !== undefined && next.isVoter({ id, directoryId: replica.directoryId }))
      this.voters.set(id, known ?? startingAt(voter, id === this.self.id))
      if (known === this.observers.get(id)) this.observers.delete(id)
    }
    for (const [id, replica] of before) if (!this.voters.has(id) && id !== this.self.id && !this.observers.has(id)) this.observers.set(id, replica)
    for (const id of this.fetchedVoters) if (!this.voters.has(id)) this.fetchedVoters.delete(id)
    return this.updateSelf(this.ownEnd)
  }

  /** True when the high watermark moved. */
  updateSelf(endOffset: number): boolean {
    this.ownEnd = endOffset
    const own = this.voters.get(this.self.id)
    if (own !== undefined && this.isSelfVoter) own.endOffset = endOffset
    return this.updateHighWatermark()
  }

  /** A replica asked from `endOffset` on, so it durably has everything below. True when the high watermark moved. */
  updateReplica(key: ReplicaKey, endOffset: number, now: Micros, checkQuorumUs: Micros): boolean {
    if (key.id < 0 || key.id === this.self.id) return false
    if (!this.current.isVoter(key)) {
      const known = this.observers.get(key.id)
      const observer = known?.directoryId === key.directoryId ? known : startingAt(key, true)
      this.observers.set(key.id, observer)
      this.follow(observer, endOffset, now)
      return false
    }
    const voter = this.voters.get(key.id)!
    voter.acknowledged = true
    this.follow(voter, endOffset, now)
    this.noteFetch(key, now, checkQuorumUs)
    return this.updateHighWatermark()
  }

  /** A voter has been heard of, by a fetch of log or snapshot: both count for check-quorum. */
  noteFetch(key: ReplicaKey, now: Micros, checkQuorumUs: Micros): void {
    const voter = this.voters.get(key.id)
    if (voter === undefined || key.id === this.self.id || !this.current.isVoter(key)) return
    voter.lastFetch = now
    this.fetchedVoters.add(key.id)
    // Check-quorum counts the leader itself, if it votes.
    if (this.fetchedVoters.size + (this.isSelfVoter ? 1 : 0) >= Math.floor(this.voters.size / 2) + 1) {
      this.fetchedVoters.clear()
      this.checkQuorumDeadline = Math.max(this.checkQuorumDeadline, now + checkQuorumUs)
    }
  }

  /** Voters ordered by how far they are, for EndQuorumEpoch. */
  successors(): number[] {
    return [...this.voters.entries()].filter(([id]) => id !== this.self.id).sort(([a, x], [b, y]) => y.endOffset - x.endOffset || a - b).map(([id]) => id)
  }

  private follow(replica: ReplicaProgress, endOffset: number, now: Micros): void {
    replica.endOffset = Math.max(replica.endOffset, endOffset)
    replica.lastFetch = now
    if (endOffset >= this.ownEnd) replica.lastCaughtUp = now
  }

  private updateHighWatermark(): boolean {
    const ends = [...this.voters.values()].map(({ endOffset }) => endOffset).sort((a, b) => b - a)
    const candidate = ends[Math.floor(ends.length / 2)]!
    const mayPublish = this.defects.has('KAFKA-12619') ? candidate >= this.epochStart : candidate > this.epochStart
    if (!mayPublish || (this.highWatermark !== undefined && candidate <= this.highWatermark)) return false
    this.highWatermark = candidate
    return true
  }
}
