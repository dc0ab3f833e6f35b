/**
 * What compaction may remove (KIP-58, KIP-534, KAFKA-4545), judged by what each swap left of the log:
 *
 * - a value only if a newer committed record of its key is left, or a tombstone newer than it went in the same swap;
 * - a tombstone the same way, or once its delete horizon has passed and no older record of its key is left;
 * - a marker once its horizon has passed and no data of its transaction is left;
 * - nothing at or above the high watermark, the last stable offset or the active segment.
 *
 * What is kept is kept as it was; a horizon lies delete.retention.ms ahead, and a marker has none while its data is left; a
 * producer's last batch stays, and no empty one for no reason.
 */
import type { Observation, ObservationOf, RemovedRecord } from '../../src/env/observation.ts'
import type { ClusterShadow, PartitionShadow } from './cluster-shadow.ts'
import { InvariantMonitor, type MonitorContext } from './invariant-monitor.ts'

type Cleaned = ObservationOf<'log-cleaned'>

export class Compaction extends InvariantMonitor {
  constructor(context: MonitorContext, cluster: ClusterShadow) {
    super('compaction', context, cluster)
  }

  observe(event: Observation, node: string, _incarnation: number, time: number): void {
    if (event.kind !== 'log-cleaned') return
    const partition = this.cluster.partitionOf(event)
    if (partition === undefined) return
    for (const record of event.removed) {
      const why = whyNot(record, event)
      if (why !== undefined) this.wrong(partition, node, time, event, record.offset, `removes offset ${record.offset}, a ${record.what}`, why)
    }
    for (const offset of event.altered) this.wrong(partition, node, time, event, offset, `changes offset ${offset}`, 'what is kept is kept as it was')
    for (const { baseOffset, horizon, data } of event.stamped) {
      if (data >= 0) this.wrong(partition, node, time, event, baseOffset, `lets the marker at ${baseOffset} go at ${horizon}`, `data of its transaction is left at offset ${data}`)
      if (horizon >= event.wallClock + event.deleteRetentionMs) continue
      this.wrong(partition, node, time, event, baseOffset, `lets the tombstones of the batch at ${baseOffset} go at ${horizon}`, `it is ${event.wallClock} and delete.retention.ms is ${event.deleteRetentionMs}`)
    }
    for (const producerId of event.forgotten) this.wrong(partition, node, time, event, event.from, `removes the last batch of producer ${producerId}`, 'a replay of the log must tell how far a producer got')
    for (const baseOffset of event.needless) this.wrong(partition, node, time, event, baseOffset, `keeps the empty batch at ${baseOffset}`, 'it is neither the last of its producer nor the last that was cleaned, so it would stay for ever')
  }

  private wrong(partition: PartitionShadow, node: string, time: number, event: Cleaned, offset: number, what: string, why: string): void {
    if (!this.isNew(partition, node, why)) return
    const record = event.removed.find(one => one.offset === offset)
    this.report('wrong-compaction', partition, node, time, {
      title: `Cleaning ${partition.key}, ${node} ${what}.`,
      evidence: {
        offset, from: event.from, to: event.to, highWatermark: event.highWatermark, lastStableOffset: event.lastStableOffset, wallClock: event.wallClock,
        deleteRetentionMs: event.deleteRetentionMs, record: record === undefined ? null : { ...record },
      },
      before: [partition.committedBy],
      event: `${node} cleans ${partition.key} from ${event.from} to ${event.to} and ${what}.`,
      contradiction: `The cleaner must not do that, because ${why}; however, ${node} ${what}.`,
      offset,
    })
  }
}

/** Why a record had to stay. */
function whyNot(record: RemovedRecord, event: Cleaned): string | undefined {
  const { offset, what, horizon, newer, older, data } = record
  if (offset >= event.highWatermark) return `the high watermark is ${event.highWatermark}`
  if (offset >= event.lastStableOffset) return `the last stable offset is ${event.lastStableOffset}`
  if (offset >= event.activeBase) return `the active segment begins at ${event.activeBase}`
  const isPast = horizon >= 0 && horizon <= event.wallClock
  switch (what) {
    case 'aborted': return undefined
    case 'marker':
      if (data >= 0) return `data of its transaction is left at offset ${data}`
      return isPast ? undefined : notYet(horizon)
    case 'value':
      return newer >= 0 || wasDeletedLater(record, event) ? undefined : 'it is the newest record of its key'
    case 'tombstone':
      if (newer >= 0 || wasDeletedLater(record, event)) return undefined
      if (older >= 0) return `an older record of its key is left at offset ${older}`
      return isPast ? undefined : notYet(horizon)
  }
}

/** A newer tombstone of its key went in the same swap: whether that one might is judged by itself. */
function wasDeletedLater({ key, offset }: RemovedRecord, { removed }: Cleaned): boolean {
  return removed.some(one => one.what === 'tombstone' && one.key === key && one.offset > offset)
}

function notYet(horizon: number): string {
  return horizon < 0 ? 'no cleaning has said yet from when on it may go' : `it may go only from ${horizon} on`
}
