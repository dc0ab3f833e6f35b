/**
 * Invariants 2 and 3: an elected leader, and every replica that could be elected, holds each committed record.
 *
 * Candidates are the unfenced members of the controller's ISR and ELR. A member that crashed with loss stays registered
 * until its broker registers again: a legitimate transient of Kafka, and harmless, because until then it is not active.
 * So a broker counts from its unfencing on. The ELR may also name replicas that a reassignment has removed: only replicas can
 * be elected.
 */
import type { Observation } from '../../src/env/observation.ts'
import type { ClusterShadow, PartitionShadow } from './cluster-shadow.ts'
import { InvariantMonitor, type MonitorContext } from './invariant-monitor.ts'

export class LeaderCompleteness extends InvariantMonitor {
  constructor(context: MonitorContext, cluster: ClusterShadow) {
    super('leader-completeness', context, cluster)
  }

  observe(event: Observation, node: string, _incarnation: number, time: number): void {
    if (event.kind !== 'became-leader') return
    const { mismatch } = this.cluster
    if (mismatch === undefined) return
    const partition = this.cluster.partitionOf(event)!
    const replica = partition.replica(node)
    this.report('leader-completeness', partition, node, time, {
      title: `${node} leads ${partition.key} in epoch ${event.leaderEpoch} without committed offset ${mismatch.offset}.`,
      evidence: { offset: mismatch.offset, committed: mismatch.committed, found: mismatch.found ?? null, leaderEpoch: event.leaderEpoch, logEndOffset: event.logEndOffset },
      before: [partition.committedBy, replica.lastLoss],
      event: `${node} becomes leader of ${partition.key} in epoch ${event.leaderEpoch} with a log that ends at ${event.logEndOffset} and holds ${mismatch.found ?? 'nothing'} where ${mismatch.committed} was committed.`,
      contradiction: `A new leader holds ${mismatch.committed} of ${partition.key}, because it was committed; however, ${node} became leader with ${mismatch.found ?? 'nothing'} there.`,
      offset: mismatch.offset,
    })
  }
}

export class CandidateCompleteness extends InvariantMonitor {
  constructor(context: MonitorContext, cluster: ClusterShadow) {
    super('candidate-completeness', context, cluster)
  }

  observe(event: Observation, node: string, _incarnation: number, time: number): void {
    switch (event.kind) {
      case 'high-watermark':
        if (this.cluster.advanced) this.checkAll(this.cluster.partitionOf(event)!, time)
        return
      case 'partition-registered':
        if (node === this.cluster.controller) this.checkAll(this.cluster.partitionOf(event), time)
        return
      case 'log-truncate': {
        const id = this.cluster.idOf(node)
        if (id !== undefined) this.check(this.cluster.partitionOf(event), id, time)
        return
      }
      case 'broker-unfenced':
        if (node === this.cluster.controller) for (const partition of this.cluster.partitions.values()) this.check(partition, event.brokerId, time)
        return
      default:
    }
  }

  private checkAll(partition: PartitionShadow | undefined, time: number): void {
    if (partition?.registration === undefined) return
    for (const id of partition.registration.isr) this.check(partition, id, time)
    for (const id of partition.registration.elr) this.check(partition, id, time)
  }

  private check(partition: PartitionShadow | undefined, id: number, time: number): void {
    const registration = partition?.registration
    if (partition === undefined || registration === undefined || !this.cluster.unfenced.has(id) || !registration.replicas.includes(id)) return
    const set = registration.isr.includes(id) ? 'ISR' : registration.elr.includes(id) ? 'ELR' : undefined
    if (set === undefined) return
    const node = this.cluster.hostOf(id)
    const replica = partition.replica(node)
    const mismatch = partition.committed.verify(replica.log, partition.committed.end)
    if (mismatch === undefined || !this.isNew(partition, node)) return
    this.report('candidate-completeness', partition, node, time, {
      title: `${node} is in the ${set} of ${partition.key} without committed offset ${mismatch.offset}.`,
      evidence: { offset: mismatch.offset, committed: mismatch.committed, found: mismatch.found ?? null, set, isr: registration.isr, elr: registration.elr, logEndOffset: replica.log.end },
      before: [
        partition.committedBy,
        replica.lastLoss,
        { time: registration.time, text: `The controller registers ${partition.key}: leader ${registration.leader}, epoch ${registration.leaderEpoch}, ISR [${registration.isr.join(' ')}], ELR [${registration.elr.join(' ')}].` },
      ],
      event: `${node} can be elected although its log ends at ${replica.log.end} and holds ${mismatch.found ?? 'nothing'} where ${mismatch.committed} was committed.`,
      contradiction: `Any member of ISR or ELR holds ${mismatch.committed} of ${partition.key}, because it was committed; however, ${node}, a member of the ${set}, holds ${mismatch.found ?? 'nothing'} there.`,
      offset: mismatch.offset,
    })
  }
}
