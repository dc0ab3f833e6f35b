/**
 * Invariant 6: what may only rise. Epochs of leaders, partitions, brokers, producers and the quorum; the high watermark of
 * a leadership; the log start of a running replica, and why it moved.
 */
import type { Observation, ObservationOf } from '../../src/env/observation.ts'
import type { ClusterShadow, PartitionShadow } from './cluster-shadow.ts'
import { InvariantMonitor, type MonitorContext } from './invariant-monitor.ts'

interface Vote {
  readonly epoch: number
  readonly votedFor: number
}

export class EpochRegression extends InvariantMonitor {
  /** `node key` -> leader epoch, for the running incarnation only: a restarted broker replays old metadata. */
  private readonly led = new Map<string, { incarnation: number; epoch: number }>()
  /** As registered by the present controller; another one may have lost what was uncommitted. */
  private readonly registered = new Map<string, { controllerEpoch: number; leaderEpoch: number; partitionEpoch: number }>()
  private readonly brokers = new Map<number, { controllerEpoch: number; epoch: number }>()
  /** Per voter: its last state, and the one before, which is on disk. */
  private readonly votes = new Map<string, { readonly incarnation: number; readonly last: Vote; readonly durable: Vote | undefined }>()

  constructor(context: MonitorContext, cluster: ClusterShadow) {
    super('epoch-regression', context, cluster)
  }

  observe(event: Observation, node: string, incarnation: number, time: number): void {
    switch (event.kind) {
      case 'became-leader':
      case 'became-follower': {
        const partition = this.cluster.partitionOf(event)
        if (partition === undefined) return
        const id = `${node} ${event.topicId}-${event.partition}`
        const last = this.led.get(id)
        if (last !== undefined && last.incarnation === incarnation && event.leaderEpoch < last.epoch) this.wentBack('leader epoch', partition, node, time, last.epoch, event.leaderEpoch)
        this.led.set(id, { incarnation, epoch: event.leaderEpoch })
        return
      }
      case 'partition-registered':
        if (node === this.cluster.controller) this.registration(event, node, time)
        return
      case 'broker-registered': {
        if (node !== this.cluster.controller) return
        const last = this.brokers.get(event.brokerId)
        const { controllerEpoch } = this.cluster
        if (last !== undefined && last.controllerEpoch === controllerEpoch && event.brokerEpoch < last.epoch) this.wentBack(`epoch of broker ${event.brokerId}`, undefined, node, time, last.epoch, event.brokerEpoch)
        this.brokers.set(event.brokerId, { controllerEpoch, epoch: event.brokerEpoch })
        return
      }
      case 'log-append': {
        const partition = this.cluster.partitionOf(event)
        if (partition === undefined) return
        const { producerId, producerEpoch } = event.batch
        const last = this.cluster.previousProducerEpoch
        if (last !== undefined && producerEpoch < last) this.wentBack(`epoch of producer ${producerId}`, partition, node, time, last, producerEpoch)
        return
      }
      case 'raft-role':
        if (event.isVoter) this.vote(event, node, incarnation, time)
        return
      case 'process-started':
        if (event.wiped) this.votes.delete(node)
        return
      default:
    }
  }

  private registration(event: ObservationOf<'partition-registered'>, node: string, time: number): void {
    const partition = this.cluster.partitionOf(event)
    if (partition === undefined) return
    const id = `${event.topicId}-${event.partition}`
    const { controllerEpoch } = this.cluster
    const last = this.registered.get(id)
    if (last !== undefined && last.controllerEpoch === controllerEpoch) {
      if (event.leaderEpoch < last.leaderEpoch) this.wentBack('registered leader epoch', partition, node, time, last.leaderEpoch, event.leaderEpoch)
      if (event.partitionEpoch < last.partitionEpoch) this.wentBack('partition epoch', partition, node, time, last.partitionEpoch, event.partitionEpoch)
    } else if (event.partitionEpoch < partition.confirmedEpoch) {
      this.wentBack('partition epoch', partition, node, time, partition.confirmedEpoch, event.partitionEpoch)
    }
    this.registered.set(id, { controllerEpoch, leaderEpoch: event.leaderEpoch, partitionEpoch: event.partitionEpoch })
  }

  private vote(event: ObservationOf<'raft-role'>, node: string, incarnation: number, time: number): void {
    const { epoch, votedFor } = event
    const state = this.votes.get(node)
    // A role is told before it is durable, and acted upon after: what a crashed process told last may be forgotten.
    const last = state === undefined ? undefined : state.incarnation === incarnation ? state.last : state.durable
    if (last !== undefined && epoch < last.epoch) this.wentBack('quorum epoch', undefined, node, time, last.epoch, epoch)
    if (last !== undefined && epoch === last.epoch && last.votedFor >= 0 && votedFor >= 0 && votedFor !== last.votedFor && this.isNew(undefined, node, 'vote')) {
      this.report('epoch-regression', undefined, node, time, {
        title: `${node} voted for ${last.votedFor} and for ${votedFor} in quorum epoch ${epoch}.`,
        evidence: { epoch, votes: [last.votedFor, votedFor] },
        event: `${node} votes for ${votedFor} in epoch ${epoch}.`,
        contradiction: `${node} gave its vote of epoch ${epoch} to ${last.votedFor}, because that is what it stored; however, in the same epoch it votes for ${votedFor}.`,
      })
    }
    // A vote stays given when the leader of the epoch becomes known.
    const kept = votedFor < 0 && last !== undefined && epoch === last.epoch ? last.votedFor : votedFor
    this.votes.set(node, { incarnation, last: { epoch, votedFor: kept }, durable: last })
  }

  private wentBack(what: string, partition: PartitionShadow | undefined, node: string, time: number, from: number, to: number): void {
    if (!this.isNew(partition, node, what)) return
    const of = partition === undefined ? '' : ` of ${partition.key}`
    this.report('epoch-regression', partition, node, time, {
      title: `The ${what}${of} went back from ${from} to ${to} on ${node}.`,
      evidence: { what, from, to },
      before: [partition?.committedBy],
      event: `${node} uses ${what} ${to}${of}.`,
      contradiction: `The ${what}${of} is at least ${from}, because ${node} has used that; however, it now uses ${to}.`,
    })
  }
}

export class HighWatermarkRegression extends InvariantMonitor {
  private readonly leaderships = new Map<PartitionShadow, Map<string, { incarnation: number; epoch: number; offset: number; time: number }>>()

  constructor(context: MonitorContext, cluster: ClusterShadow) {
    super('hw-regression', context, cluster)
  }

  observe(event: Observation, node: string, incarnation: number, time: number): void {
    if (event.kind !== 'high-watermark' || !event.asLeader) return
    const partition = this.cluster.partitionOf(event)
    if (partition === undefined) return
    let leaders = this.leaderships.get(partition)
    if (leaders === undefined) this.leaderships.set(partition, leaders = new Map())
    const last = leaders.get(node)
    const same = last !== undefined && last.incarnation === incarnation && last.epoch === event.leaderEpoch
    const { end } = partition.replica(node).log
    if (same && event.offset < last.offset && this.isNew(partition, node, 'back')) {
      this.report('hw-regression', partition, node, time, {
        title: `The high watermark of ${partition.key} went back from ${last.offset} to ${event.offset} within one leadership.`,
        evidence: { offsets: [last.offset, event.offset], leaderEpoch: event.leaderEpoch },
        before: [{ time: last.time, text: `${node}, leader of epoch ${event.leaderEpoch}, has high watermark ${last.offset}.` }],
        event: `${node} moves its high watermark to ${event.offset}.`,
        contradiction: `Everything below ${last.offset} of ${partition.key} is committed, because its leader said so; however, the same leader, in the same epoch, now says ${event.offset}.`,
        offset: event.offset,
      })
    } else if (event.offset > end && this.isNew(partition, node, 'beyond')) {
      this.report('hw-regression', partition, node, time, {
        title: `The high watermark ${event.offset} of ${partition.key} lies beyond the leader's log end ${end}.`,
        evidence: { offsets: [end, event.offset], leaderEpoch: event.leaderEpoch },
        event: `${node} moves its high watermark to ${event.offset}; its log ends at ${end}.`,
        contradiction: `Offsets up to ${event.offset} of ${partition.key} are committed, because the leader said so; however, its own log ends at ${end}.`,
        offset: end,
      })
    }
    leaders.set(node, { incarnation, epoch: event.leaderEpoch, offset: event.offset, time })
  }
}

export class LogStart extends InvariantMonitor {
  private readonly starts = new Map<string, { incarnation: number; offset: number }>()

  constructor(context: MonitorContext, cluster: ClusterShadow) {
    super('log-start', context, cluster)
  }

  observe(event: Observation, node: string, incarnation: number, time: number): void {
    if (event.kind === 'log-loaded' || event.kind === 'log-deleted') {
      this.starts.delete(`${node} ${event.topicId}-${event.partition}`)
      return
    }
    if (event.kind !== 'log-start') return
    const partition = this.cluster.partitionOf(event)
    if (partition === undefined) return
    const id = `${node} ${event.topicId}-${event.partition}`
    const last = this.starts.get(id)
    this.starts.set(id, { incarnation, offset: event.offset })
    if (event.reason === 'full') return
    if (last !== undefined && last.incarnation === incarnation && event.offset < last.offset) this.moved(partition, node, time, `back from ${last.offset} to ${event.offset}`, [last.offset, event.offset])
    else if (event.offset > event.highWatermark) this.moved(partition, node, time, `to ${event.offset}, above the high watermark ${event.highWatermark}`, [event.highWatermark, event.offset])
    this.judgeRemoval(event, partition, node, time)
  }

  private moved(partition: PartitionShadow, node: string, time: number, how: string, offsets: number[]): void {
    if (!this.isNew(partition, node, 'start')) return
    this.report('log-start-regression', partition, node, time, {
      title: `The log start of ${partition.key} on ${node} moved ${how}.`,
      evidence: { offsets },
      before: [partition.committedBy],
      event: `${node} moves the log start of ${partition.key} ${how}.`,
      contradiction: `The log start only rises and stays at or below the high watermark; however, it moved ${how}.`,
      offset: offsets[1]!,
    })
  }

  /** Whole segments, oldest first: by time if the youngest record has expired, by size while the rest suffices. */
  private judgeRemoval(event: ObservationOf<'log-start'>, partition: PartitionShadow, node: string, time: number): void {
    let rest = event.sizeBefore
    for (const segment of event.removed) {
      rest -= segment.sizeInBytes
      const why = segment.nextOffset > event.highWatermark
        ? `the segment reaches offset ${segment.nextOffset}, above the high watermark ${event.highWatermark}`
        : event.reason === 'retention-time' && (event.retentionMs < 0 || segment.largestTimestamp >= event.wallClock - event.retentionMs)
          ? `its youngest record is ${event.wallClock - segment.largestTimestamp} ms old and retention.ms is ${event.retentionMs}`
          : event.reason === 'retention-size' && (event.retentionBytes < 0 || rest < event.retentionBytes)
            ? `${rest} bytes are left and retention.bytes is ${event.retentionBytes}`
            : undefined
      if (why === undefined || !this.isNew(partition, node, 'removal')) continue
      this.report('premature-removal', partition, node, time, {
        title: `${node} removed offsets ${segment.baseOffset}-${segment.nextOffset - 1} of ${partition.key} too early.`,
        evidence: { ...segment, reason: event.reason, wallClock: event.wallClock, retentionMs: event.retentionMs, retentionBytes: event.retentionBytes, highWatermark: event.highWatermark },
        event: `${node} removes a segment of ${partition.key} (${event.reason}).`,
        contradiction: `Offsets ${segment.baseOffset}-${segment.nextOffset - 1} of ${partition.key} were to be kept, because ${why}; however, ${node} removed them.`,
        offset: segment.baseOffset,
      })
    }
  }
}
