/** Who is told of committed metadata and of leaders, each listener from where it stands. */
import type { MetadataBatch, MetadataSnapshot } from './metadata-log.ts'
import type { Quorum } from './quorum.ts'

export interface LeaderAndEpoch {
  /** -1: unknown. */
  readonly leaderId: number
  readonly epoch: number
}

export interface RaftListener {
  /** The state at some offset, in place of what was handed out before: what comes next follows it. */
  handleLoadSnapshot(snapshot: MetadataSnapshot): void
  /** Committed batches in order, each once. */
  handleCommit(batches: readonly MetadataBatch[]): void
  /** The leader itself hears of its leadership only once it was handed everything up to its own epoch (KAFKA-15345). */
  handleLeaderChange(leader: LeaderAndEpoch): void
}

interface Registered {
  readonly listener: RaftListener
  nextOffset: number
  toldEpoch: number
  toldLeader: number
}

export class CommitListeners {
  private readonly quorum: Quorum
  private readonly listeners: Registered[] = []

  constructor(quorum: Quorum) {
    this.quorum = quorum
  }

  add(listener: RaftListener): void {
    this.listeners.push({ listener, nextOffset: 0, toldEpoch: -1, toldLeader: -1 })
  }

  /** Who begins, or has fallen behind the start of the log, begins with the latest snapshot (KafkaRaftClient#updateListenersProgress). */
  private load(registered: Registered): void {
    const snapshot = this.quorum.log.latestState()
    if (snapshot === undefined || snapshot.endOffset <= registered.nextOffset) return
    registered.nextOffset = snapshot.endOffset
    registered.listener.handleLoadSnapshot(snapshot)
  }

  tell(): undefined {
    const { highWatermark } = this.quorum.log
    for (const registered of this.listeners) {
      if (registered.nextOffset < highWatermark && (registered.nextOffset === 0 || registered.nextOffset < this.quorum.log.startOffset)) this.load(registered)
      if (registered.nextOffset < highWatermark) {
        const { batches, next } = this.quorum.log.committedBatches(registered.nextOffset, highWatermark)
        registered.nextOffset = next
        if (batches.length > 0) registered.listener.handleCommit(batches)
      }
      const { leaderId, epoch } = this.quorum
      if (registered.toldEpoch === epoch && registered.toldLeader === leaderId) continue
      const isBehind = this.quorum.role.kind === 'leader' && registered.nextOffset <= this.quorum.role.progress.epochStart
      if (isBehind && !this.quorum.env.defects.has('KAFKA-15345')) continue
      registered.toldEpoch = epoch
      registered.toldLeader = leaderId
      registered.listener.handleLeaderChange({ leaderId, epoch })
    }
  }
}
