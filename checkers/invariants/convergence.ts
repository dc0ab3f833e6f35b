/**
 * After everything has healed the in-sync replicas of a partition hold one log, whatever was lost on the way: unclean
 * elections give up records, never agreement. Looked at once, when a trial has settled. What compaction has touched on one of
 * them may be there, gone or thinner on the other.
 */
import { InvariantMonitor, type MonitorContext } from './invariant-monitor.ts'
import type { ClusterShadow, PartitionShadow, ReplicaShadow } from './cluster-shadow.ts'

export class Convergence extends InvariantMonitor {
  constructor(context: MonitorContext, cluster: ClusterShadow) {
    super('convergence', context, cluster)
  }

  observe(): void {}

  /** `isUp` tells machines that run. */
  override settled(isUp: (host: string) => boolean, time: number): void {
    for (const partition of this.cluster.partitions.values()) {
      const { registration } = partition
      if (registration === undefined || registration.leader < 0) continue
      const leader = partition.replica(this.cluster.hostOf(registration.leader))
      for (const id of registration.isr) {
        const replica = partition.replica(this.cluster.hostOf(id))
        if (replica !== leader && isUp(replica.node) && isUp(leader.node)) this.compare(partition, leader, replica, time)
      }
    }
  }

  private compare(partition: PartitionShadow, leader: ReplicaShadow, replica: ReplicaShadow, time: number): void {
    const mine = leader.log.batches
    const theirs = replica.log.batches
    const from = Math.max(leader.log.logStart, replica.log.logStart)
    const upTo = Math.min(leader.log.end, replica.log.end)
    const { committed } = partition
    let i = mine.find(from)
    let j = theirs.find(from)
    while (i < mine.count && j < theirs.count && mine.last[i]! < upTo && theirs.last[j]! < upTo) {
      if (committed.isSameBatch(mine, i, theirs, j)) {
        i++
        j++
        continue
      }
      if (mine.last[i]! < theirs.base[j]! && committed.wasTouched(mine, i)) {
        i++
        continue
      }
      if (theirs.last[j]! < mine.base[i]! && committed.wasTouched(theirs, j)) {
        j++
        continue
      }
      const offset = Math.min(mine.base[i]!, theirs.base[j]!)
      this.report('no-convergence', partition, replica.node, time, {
        title: `${leader.node} and ${replica.node}, both in sync, hold different logs of ${partition.key} from offset ${offset} on.`,
        evidence: { offset, leader: mine.describe(i), follower: theirs.describe(j) },
        before: [leader.lastLoss, replica.lastLoss],
        event: `Everything has healed; ${leader.node} leads ${partition.key} with ${mine.describe(i)}, ${replica.node} holds ${theirs.describe(j)}.`,
        contradiction: `A follower in the ISR holds what its leader holds, because it fetched it; however, ${replica.node} holds ${theirs.describe(j)} where ${leader.node} holds ${mine.describe(i)}${mine.crc[i] === theirs.crc[j] ? '' : ', with other content'}.`,
        offset,
      })
      return
    }
  }
}
