/**
 * Invariants 4 and 5: the ISR by which a leader commits contains everything that the controller could elect in the same
 * epoch, and an epoch has one leader, for partitions and for the metadata quorum.
 */
import type { Observation } from '../../src/env/observation.ts'
import type { ClusterShadow, Moment, PartitionShadow } from './cluster-shadow.ts'
import { InvariantMonitor, type MonitorContext } from './invariant-monitor.ts'

export class QuorumSuperset extends InvariantMonitor {
  constructor(context: MonitorContext, cluster: ClusterShadow) {
    super('quorum-superset', context, cluster)
  }

  observe(event: Observation, node: string, _incarnation: number, time: number): void {
    // The high watermark is where the ISR is put to use: in between, leader and controller learn of each other's changes.
    if (event.kind !== 'high-watermark' || !event.asLeader || !this.cluster.advanced) return
    const partition = this.cluster.partitionOf(event)!
    const { registration } = partition
    if (registration === undefined || registration.leaderEpoch !== event.leaderEpoch) return
    const missing = registration.isr.find(id => !event.maximalIsr.includes(id))
    if (missing === undefined || !this.isNew(partition, node, String(event.leaderEpoch))) return
    const theirs = `[${registration.isr.join(' ')}]`
    const own = `[${event.maximalIsr.join(' ')}]`
    this.report('quorum-superset', partition, node, time, {
      title: `${node} commits offsets of ${partition.key} without asking replica ${missing}, which the controller could elect.`,
      evidence: { leaderEpoch: event.leaderEpoch, maximalIsr: event.maximalIsr, controllerIsr: registration.isr, highWatermark: event.offset },
      before: [{ time: registration.time, text: `The controller registers ${partition.key}: leader ${registration.leader}, epoch ${registration.leaderEpoch}, ISR ${theirs}.` }],
      event: `${node}, leader of epoch ${event.leaderEpoch}, moves the high watermark from ${event.previous} to ${event.offset} by ${own}.`,
      contradiction: `Replica ${missing} holds everything committed, because it is in the controller's ISR ${theirs} and may lead next; however, ${node} committed up to ${event.offset} with ${own} alone.`,
      offset: event.previous,
    })
  }
}

interface Led {
  readonly node: string
  readonly moment: Moment
}

export class TwoLeadersOneEpoch extends InvariantMonitor {
  private readonly led = new Map<string, Led>()

  constructor(context: MonitorContext, cluster: ClusterShadow) {
    super('two-leaders-one-epoch', context, cluster)
  }

  observe(event: Observation, node: string, _incarnation: number, time: number): void {
    if (event.kind === 'became-leader') {
      const partition = this.cluster.partitionOf(event)
      if (partition !== undefined) this.lead(`${event.topicId}-${event.partition}`, partition.key, partition, event.leaderEpoch, node, time)
    } else if (event.kind === 'raft-role' && event.role === 'leader') {
      this.lead('quorum', 'the metadata quorum', undefined, event.epoch, node, time)
    }
  }

  private lead(id: string, what: string, partition: PartitionShadow | undefined, epoch: number, node: string, time: number): void {
    const slot = `${id} ${epoch}`
    const first = this.led.get(slot)
    if (first === undefined) {
      this.led.set(slot, { node, moment: { time, text: `${node} leads ${what} in epoch ${epoch}.` } })
      return
    }
    if (first.node === node || !this.isNew(partition, node, `${id} ${epoch}`)) return
    this.report('two-leaders-one-epoch', partition, node, time, {
      title: `${first.node} and ${node} both led ${what} in epoch ${epoch}.`,
      evidence: { epoch, nodes: [first.node, node] },
      before: [first.moment],
      event: `${node} leads ${what} in epoch ${epoch} too.`,
      contradiction: `Epoch ${epoch} of ${what} belongs to ${first.node}, because it led in it; however, ${node} became leader in the same epoch.`,
    })
  }
}
