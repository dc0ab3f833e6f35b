/**
 * What a raft leader knows of the others (LeaderState): their end offsets, when they last fetched, who acknowledged the
 * new epoch, and from these the high watermark and the check-quorum rule.
 *
 * The high watermark is the majority-th largest end offset, published only beyond the epoch's own first record: a leader
 * must not expose records of older epochs before its LeaderChange is on a majority (Raft's figure 8, KAFKA-12619).
 */
import type { Micros } from '../base/time.ts'
import type { Defects } from '../config/defects.ts'

interface VoterProgress {
  endOffset: number
  /** When it last fetched; -1: never in this epoch. */
  lastFetch: Micros
  acknowledged: boolean
  /** When BeginQuorumEpoch was last sent. */
  lastBegin: Micros
}

export class LeaderProgress {
  /** Offset of the LeaderChange record. */
  readonly epochStart: number
  readonly voters: ReadonlyMap<number, VoterProgress>
  readonly observers = new Map<number, { endOffset: number; lastFetch: Micros }>()
  private readonly selfId: number
  private readonly defects: Defects
  private readonly fetchedVoters = new Set<number>()
  highWatermark: number | undefined = undefined
  checkQuorumDeadline: Micros

  constructor(o: { selfId: number; voterIds: readonly number[]; epochStart: number; now: Micros; checkQuorumUs: Micros; defects: Defects }) {
    this.selfId = o.selfId
    this.epochStart = o.epochStart
    this.defects = o.defects
    this.voters = new Map(o.voterIds.map(id => [id, { endOffset: -1, lastFetch: -1, acknowledged: id === o.selfId, lastBegin: -1 }]))
    this.checkQuorumDeadline = o.now + o.checkQuorumUs
  }

  /** True when the high watermark moved. */
  updateSelf(endOffset: number): boolean {
    this.voters.get(this.selfId)!.endOffset = endOffset
    return this.updateHighWatermark()
  }

  /** A replica asked from `endOffset` on, so it durably has everything below. True when the high watermark moved. */
  updateReplica(id: number, endOffset: number, now: Micros, checkQuorumUs: Micros): boolean {
    const voter = this.voters.get(id)
    if (voter === undefined || id === this.selfId) {
      if (id >= 0 && id !== this.selfId) this.observers.set(id, { endOffset, lastFetch: now })
      return false
    }
    voter.acknowledged = true
    voter.lastFetch = now
    voter.endOffset = Math.max(voter.endOffset, endOffset)
    this.fetchedVoters.add(id)
    // Check-quorum counts the leader itself.
    if (this.fetchedVoters.size + 1 >= Math.floor(this.voters.size / 2) + 1) {
      this.fetchedVoters.clear()
      this.checkQuorumDeadline = now + checkQuorumUs
    }
    return this.updateHighWatermark()
  }

  /** Voters ordered by how far they are, for EndQuorumEpoch. */
  successors(): number[] {
    return [...this.voters.entries()].filter(([id]) => id !== this.selfId).sort(([a, x], [b, y]) => y.endOffset - x.endOffset || a - b).map(([id]) => id)
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
