/**
 * Invariant 7: what a replica remembers of its producers equals a replay of its own log. Told when a replica becomes
 * leader and after recovery. Since the logs of leader and ISR agree below the high watermark (log-divergence), their
 * producer states then agree too. Compaction may remove batches of a producer of which later ones are there; when these are
 * lost, a snapshot knows more than the log.
 */
import type { Observation } from '../../src/env/observation.ts'
import type { ClusterShadow } from './cluster-shadow.ts'
import { InvariantMonitor, type MonitorContext } from './invariant-monitor.ts'
import type { ShadowLog } from './shadow-log.ts'

interface Remembered {
  readonly producerId: number
  readonly producerEpoch: number
  readonly lastSequence: number
}

export class ProducerState extends InvariantMonitor {
  constructor(context: MonitorContext, cluster: ClusterShadow) {
    super('producer-state', context, cluster)
  }

  observe(event: Observation, node: string, _incarnation: number, time: number): void {
    if (event.kind !== 'producer-state') return
    const partition = this.cluster.partitionOf(event)
    if (partition === undefined) return
    const { log } = partition.replica(node)
    if (event.endOffset !== log.end) return
    const remembered = new Map<number, Remembered>(event.producers.map(one => [one.producerId, one]))
    const written = new Map<number, Remembered & { lastOffset: number }>()
    const { batches } = log
    for (let i = 0; i < batches.count; i++) {
      const producerId = batches.producerId[i]!
      if (producerId < 0) continue
      const producerEpoch = batches.producerEpoch[i]!
      const before = written.get(producerId)
      // An end marker has no sequence: of its epoch the last data counts on; a newer epoch begins with nothing.
      const lastSequence = batches.lastSequence[i]! < 0 && before?.producerEpoch === producerEpoch ? before.lastSequence : batches.lastSequence[i]!
      written.set(producerId, { producerId, producerEpoch, lastSequence, lastOffset: batches.last[i]! })
    }
    const tell = (one: Remembered | undefined): string => one === undefined ? 'nothing' : `epoch ${one.producerEpoch}, sequence ${one.lastSequence}`
    const differs = (producerId: number, live: Remembered | undefined, logged: (Remembered & { readonly lastOffset: number }) | undefined): void => {
      if (!this.isNew(partition, node, String(producerId))) return
      this.report('producer-state-mismatch', partition, node, time, {
        title: `${node} remembers ${tell(live)} of producer ${producerId} on ${partition.key}, its log says ${tell(logged)}.`,
        evidence: { producerId, remembered: live === undefined ? null : { ...live }, log: logged === undefined ? null : { ...logged }, fromSnapshot: event.fromSnapshot, offsets: logged === undefined ? [] : [logged.lastOffset] },
        before: [partition.replica(node).lastLoss],
        event: `${node} has loaded ${partition.key} up to ${event.endOffset}${event.fromSnapshot ? ' with a producer snapshot' : ''} and remembers ${tell(live)} of producer ${producerId}.`,
        contradiction: `The state of producer ${producerId} is ${tell(logged)}, because that is its last batch in the log; however, ${node} remembers ${tell(live)}.`,
      })
    }
    const whole = log.logStart === 0 && (batches.count === 0 || batches.base[0] === 0)
    // A power cut may take what made compaction remove an earlier batch; a snapshot still knows how far that one got.
    const lastGap = event.fromSnapshot ? endOfLastGap(log) : 0
    const isAhead = (live: Remembered, logged: Remembered & { readonly lastOffset: number }): boolean =>
      lastGap > logged.lastOffset + 1 && (live.producerEpoch > logged.producerEpoch || (live.producerEpoch === logged.producerEpoch && live.lastSequence > logged.lastSequence))
    for (const [producerId, logged] of written) {
      const live = remembered.get(producerId)
      if (live === undefined) {
        if (logged.lastOffset >= log.logStart && this.context.producersExpire !== true) differs(producerId, undefined, logged)
        continue
      }
      if (isAhead(live, logged)) continue
      // Retention may have removed the data that the marker of its epoch is about.
      const isSequenceKnown = whole || logged.lastSequence >= 0
      if (live.producerEpoch !== logged.producerEpoch || (isSequenceKnown && live.lastSequence !== logged.lastSequence)) differs(producerId, live, logged)
    }
    // Producers whose batches retention has removed live on; before that nothing may be remembered that is not in the log.
    if (whole && lastGap === 0) for (const [producerId, live] of remembered) if (!written.has(producerId)) differs(producerId, live, undefined)
  }
}

/** Where the last stretch of offsets ends that compaction has left without a batch; 0: there is none. */
function endOfLastGap({ batches, end }: ShadowLog): number {
  let next = end
  for (let i = batches.count - 1; i >= 0; i--) {
    if (batches.last[i]! + 1 < next) return next
    next = batches.base[i]!
  }
  return 0
}
