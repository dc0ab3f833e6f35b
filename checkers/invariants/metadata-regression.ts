/**
 * Invariant 5, metadata: what the quorum has committed is never truncated or changed, every new leader holds it, and the
 * high watermark of one process never goes back.
 */
import type { Observation } from '../../src/env/observation.ts'
import type { ClusterShadow, Moment } from './cluster-shadow.ts'
import { InvariantMonitor, type MonitorContext } from './invariant-monitor.ts'
import { CommittedLog, type Mismatch, ShadowLog } from './shadow-log.ts'

interface Participant {
  readonly log: ShadowLog
  incarnation: number
  highWatermark: number
}

export class MetadataRegression extends InvariantMonitor {
  private readonly committed = new CommittedLog()
  private readonly participants = new Map<string, Participant>()
  private committedBy: Moment | undefined = undefined
  private leaderEpoch = -1

  constructor(context: MonitorContext, cluster: ClusterShadow) {
    super('metadata-regression', context, cluster)
  }

  observe(event: Observation, node: string, incarnation: number, time: number): void {
    switch (event.kind) {
      case 'process-started':
        if (event.wiped) this.participants.delete(node)
        return
      case 'raft-recovered': {
        const { log } = this.participant(node, incarnation)
        log.reload(event.batches.map(batch => ({ ...batch, leaderEpoch: batch.epoch })), event.batches[0]?.baseOffset ?? event.endOffset, event.endOffset)
        return
      }
      case 'raft-append': {
        const { log } = this.participant(node, incarnation)
        // A snapshot was loaded: the log goes on behind it.
        if (event.baseOffset > log.end) log.restartAt(event.baseOffset)
        log.append({ baseOffset: event.baseOffset, lastOffset: event.lastOffset, leaderEpoch: event.epoch, crc: event.crc })
        return
      }
      case 'raft-snapshot-loaded':
        this.participant(node, incarnation).log.restartAt(event.endOffset)
        return
      case 'raft-truncate': return this.truncated(event.endOffset, event.previousEnd, node, incarnation, time)
      case 'raft-high-watermark': return this.published(event.offset, event.epoch, event.asLeader, node, incarnation, time)
      case 'raft-role': {
        if (event.role !== 'leader' || event.epoch < this.leaderEpoch) return
        this.leaderEpoch = event.epoch
        const { log } = this.participant(node, incarnation)
        const mismatch = this.committed.verify(log, this.committed.end)
        if (mismatch === undefined) return
        this.violated(node, time, `${node} becomes leader of the metadata quorum in epoch ${event.epoch} with a log that ends at ${log.end}`, mismatch)
        this.rebase(mismatch.offset)
        return
      }
      default:
    }
  }

  private truncated(endOffset: number, previousEnd: number, node: string, incarnation: number, time: number): void {
    const participant = this.participant(node, incarnation)
    const { log } = participant
    this.committed.verify(log, this.committed.end)
    const held = log.verified
    const { batches } = this.committed
    const first = batches.find(endOffset)
    log.truncateTo(endOffset)
    if (held > endOffset && first < batches.count) {
      this.violated(node, time, `${node} truncates the metadata log from ${previousEnd} to ${endOffset}`, { offset: batches.base[first]!, committed: batches.describe(first), found: undefined })
    }
  }

  private published(offset: number, epoch: number, asLeader: boolean, node: string, incarnation: number, time: number): void {
    const participant = this.participant(node, incarnation)
    if (offset < participant.highWatermark && this.isNew(undefined, node, 'watermark')) {
      this.report('metadata-regression', undefined, node, time, {
        title: `The metadata high watermark of ${node} went back from ${participant.highWatermark} to ${offset}.`,
        evidence: { offsets: [participant.highWatermark, offset], epoch },
        before: [this.committedBy],
        event: `${node} moves its metadata high watermark from ${participant.highWatermark} to ${offset}.`,
        contradiction: `Metadata below ${participant.highWatermark} is committed, because ${node} had applied it; however, the same process now puts the high watermark at ${offset}.`,
        offset,
      })
    }
    participant.highWatermark = offset
    const mismatch = this.committed.verify(participant.log, offset)
    if (mismatch !== undefined) {
      this.violated(node, time, `${node} moves its metadata high watermark to ${offset}`, mismatch)
      if (!asLeader) return
      this.rebase(mismatch.offset)
    }
    if (asLeader && this.committed.extend(participant.log, offset)) {
      this.committedBy = { time, text: `${node}, leader of epoch ${epoch}, commits metadata up to offset ${offset}.` }
    }
  }

  private violated(node: string, time: number, event: string, mismatch: Mismatch): void {
    const { committed, found = 'nothing', offset } = mismatch
    if (this.isNew(undefined, node, 'records')) {
      this.report('metadata-regression', undefined, node, time, {
        title: `Committed metadata at offset ${offset} is lost or changed on ${node}.`,
        evidence: { offset, committed, found },
        before: [this.committedBy],
        event: `${event}; where ${committed} was committed it holds ${found}.`,
        contradiction: `Every quorum member that leads or applies offset ${offset} holds ${committed}, because it was committed; however, ${node} holds ${found} there.`,
        offset,
      })
    }
  }

  /** The leader's log is what counts from now on. */
  private rebase(offset: number): void {
    this.committed.rebase(offset)
    for (const { log } of this.participants.values()) if (log.verified > this.committed.end) log.verified = this.committed.end
  }

  private participant(node: string, incarnation: number): Participant {
    let participant = this.participants.get(node)
    if (participant === undefined) {
      participant = { log: new ShadowLog(), incarnation, highWatermark: -1 }
      this.participants.set(node, participant)
    }
    if (participant.incarnation !== incarnation) {
      participant.incarnation = incarnation
      participant.highWatermark = -1
    }
    return participant
  }
}
