/**
 * Offsets by timestamp (ListOffsets, KIP-79): the first record of the log that is not older than what is asked for. Followed
 * batch by batch from what the replica has appended, so neither its time index nor its segments are believed, and whatever
 * the clocks of producers and brokers were.
 */
import type { Observation, ObservationOf } from '../../src/env/observation.ts'
import type { BatchColumns } from './batch-columns.ts'
import type { ClusterShadow, PartitionShadow } from './cluster-shadow.ts'
import { InvariantMonitor, type MonitorContext } from './invariant-monitor.ts'

export class TimeIndex extends InvariantMonitor {
  constructor(context: MonitorContext, cluster: ClusterShadow) {
    super('time-index', context, cluster)
  }

  observe(event: Observation, node: string, _incarnation: number, time: number): void {
    if (event.kind !== 'offset-for-timestamp') return
    const partition = this.cluster.partitionOf(event)
    const log = partition?.replicas.get(node)?.log
    if (partition === undefined || log === undefined) return
    const { batches } = log
    const first = firstNotOlder(batches, event.timestamp, event.logStartOffset)
    if (first === undefined || batches.base[first]! >= event.fetchable) {
      if (event.offset >= 0) this.wrong(event, partition, node, time, 'no record below the bound is that young')
    } else if (event.offset < 0) {
      // A batch that reaches beyond the bound may hold the answer there.
      if (batches.last[first]! < event.fetchable) this.wrong(event, partition, node, time, `${batches.describe(first)} is that young`)
    } else if (event.offset < batches.base[first]! || event.offset > batches.last[first]!) {
      this.wrong(event, partition, node, time, `${batches.describe(first)} is the first that is that young`)
    } else if (event.found < event.timestamp) {
      this.wrong(event, partition, node, time, `the record there is of ${event.found}`)
    }
  }

  private wrong(event: ObservationOf<'offset-for-timestamp'>, partition: PartitionShadow, node: string, time: number, why: string): void {
    if (!this.isNew(partition, node)) return
    const { timestamp, offset, found, logStartOffset, fetchable } = event
    const answer = offset < 0 ? 'nothing' : `offset ${offset}`
    this.report('wrong-offset-for-timestamp', partition, node, time, {
      title: `${node} answers ${answer} of ${partition.key} for timestamp ${timestamp}, but ${why}.`,
      evidence: { timestamp, offset, found, logStartOffset, fetchable },
      event: `${node} is asked for the first record of ${partition.key} from timestamp ${timestamp} on, and answers ${answer}.`,
      contradiction: `The answer is the first record at or after the timestamp, by the batches in the log of ${node} from ${logStartOffset} to ${fetchable}; however, it is ${answer}, although ${why}.`,
      ...(offset < 0 ? {} : { offset }),
    })
  }
}

function firstNotOlder(batches: BatchColumns, timestamp: number, logStartOffset: number): number | undefined {
  for (let i = batches.find(logStartOffset); i < batches.count; i++) if (batches.maxTimestamp[i]! >= timestamp) return i
  return undefined
}
