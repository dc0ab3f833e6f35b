/**
 * Invariant 1, log matching: for any two replicas equal (offset, leader epoch) implies equal batches, and what two
 * replicas believe committed is the same.
 */
import type { Observation } from '../../src/env/observation.ts'
import type { ClusterShadow, PartitionShadow, ReplicaShadow } from './cluster-shadow.ts'
import { InvariantMonitor, type MonitorContext } from './invariant-monitor.ts'

export class LogDivergence extends InvariantMonitor {
  constructor(context: MonitorContext, cluster: ClusterShadow) {
    super('log-divergence', context, cluster)
  }

  observe(event: Observation, node: string, _incarnation: number, time: number): void {
    if (event.kind === 'high-watermark') {
      const { mismatch } = this.cluster
      if (mismatch === undefined) return
      const partition = this.cluster.partitionOf(event)!
      if (!this.isNew(partition, node)) return
      this.report('log-divergence', partition, node, time, {
        title: `${node} disagrees with what was committed at offset ${mismatch.offset} of ${partition.key}.`,
        evidence: { offset: mismatch.offset, committed: mismatch.committed, found: mismatch.found ?? null, highWatermark: event.offset },
        before: [partition.committedBy, partition.replica(node).lastLoss],
        event: `${node} moves its high watermark of ${partition.key} to ${event.offset} and holds ${mismatch.found ?? 'nothing'} where ${mismatch.committed} was committed.`,
        contradiction: `Every replica holds ${mismatch.committed} of ${partition.key}, because a leader committed it; however, ${node}, whose high watermark lies above, holds ${mismatch.found ?? 'nothing'} there.`,
        offset: mismatch.offset,
      })
    } else if (event.kind === 'log-append') {
      const partition = this.cluster.partitionOf(event)
      if (partition === undefined) return
      const other = this.conflicting(partition, partition.replica(node))
      if (other === undefined || !this.isNew(partition, node, 'epoch')) return
      const { baseOffset, leaderEpoch } = event.batch
      this.report('log-divergence', partition, node, time, {
        title: `${node} and ${other.node} hold different batches at offset ${baseOffset} of ${partition.key}, both of epoch ${leaderEpoch}.`,
        evidence: { offset: baseOffset, epoch: leaderEpoch, nodes: [node, other.node] },
        before: [partition.committedBy, other.lastLoss, partition.replica(node).lastLoss],
        event: `${node} appends offset ${baseOffset} of epoch ${leaderEpoch}, which differs from what ${other.node} holds.`,
        contradiction: `There is one batch at offset ${baseOffset} of epoch ${leaderEpoch}, because an epoch has one leader; however, ${node} and ${other.node} hold different ones.`,
        offset: baseOffset,
        requires: ['integrity', 'metadata-durable'],
      })
    }
  }

  /** Another replica with a different batch of the same epoch where this replica's last batch begins. */
  private conflicting(partition: PartitionShadow, replica: ReplicaShadow): ReplicaShadow | undefined {
    const mine = replica.log.batches
    const i = mine.count - 1
    for (const other of partition.replicas.values()) {
      if (other === replica) continue
      const theirs = other.log.batches
      const j = theirs.find(mine.base[i]!)
      if (j < theirs.count && theirs.base[j] === mine.base[i] && theirs.epoch[j] === mine.epoch[i] && !partition.committed.isSameBatch(mine, i, theirs, j)) return other
    }
    return undefined
  }
}
