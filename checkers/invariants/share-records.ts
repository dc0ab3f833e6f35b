/**
 * Invariant 10, of share groups: no record is acquired by two members at a time, as the leader of its partition says in one
 * leader epoch; and no record whose fate is decided and persisted is acquired again, by whichever leader.
 *
 * A leader that has been replaced and does not know it yet may hand out what its successor hands out, too. What its members say
 * of that is refused, so only what it says is decided counts.
 */
import type { Observation, ObservationOf } from '../../src/env/observation.ts'
import type { ClusterShadow, Moment } from './cluster-shadow.ts'
import { InvariantMonitor, type MonitorContext } from './invariant-monitor.ts'

type ShareRecords = ObservationOf<'share-records'>

interface Held {
  readonly memberId: string
  readonly moment: Moment
}

interface SharePartition {
  leaderEpoch: number
  /** By offset. */
  readonly held: Map<number, Held>
  readonly decided: Map<number, Moment>
}

export class SingleHolder extends InvariantMonitor {
  private readonly shares = new Map<string, SharePartition>()

  constructor(context: MonitorContext, cluster: ClusterShadow) {
    super('single-holder', context, cluster)
  }

  observe(event: Observation, node: string, _incarnation: number, time: number): void {
    if (event.kind !== 'share-records') return
    const { groupId, topicId, partition, leaderEpoch, change, firstOffset, lastOffset, memberId, deliveryCount } = event
    const key = `${groupId} ${topicId} ${partition}`
    let share = this.shares.get(key)
    if (share === undefined) this.shares.set(key, share = { leaderEpoch, held: new Map(), decided: new Map() })
    if (change === 'initialized' && leaderEpoch >= share.leaderEpoch) {
      share.leaderEpoch = leaderEpoch
      share.held.clear()
    }
    const isCurrent = leaderEpoch === share.leaderEpoch
    const what = change === 'acquired' ? `gives ${memberId} delivery ${deliveryCount} of` : `says that ${memberId} has ${change}`
    const text = `${node}, leader in epoch ${leaderEpoch}, ${what} offsets ${firstOffset}-${lastOffset} of ${event.topic}-${partition} in share group ${groupId}.`
    for (let offset = firstOffset; offset <= lastOffset; offset++) {
      if (change === 'acquired' && isCurrent) this.acquired(share, event, offset, node, { time, text })
      else if (change === 'acknowledged' || change === 'archived') share.decided.set(offset, share.decided.get(offset) ?? { time, text })
      if (isCurrent && change !== 'acquired' && change !== 'initialized' && change !== 'start') share.held.delete(offset)
    }
  }

  private acquired(share: SharePartition, event: ShareRecords, offset: number, node: string, moment: Moment): void {
    const { groupId, topic, partition, leaderEpoch, memberId } = event
    const evidence = { groupId, topic, partition, offset, leaderEpoch, memberId }
    const name = `${topic}-${partition}`
    const holder = share.held.get(offset)
    if (holder !== undefined && this.isNew(undefined, node, `holder ${groupId} ${name}`)) {
      this.report('two-holders', undefined, node, moment.time, {
        title: `Two members of share group ${groupId} hold offset ${offset} of ${name}.`, evidence: { ...evidence, holder: holder.memberId }, before: [holder.moment], event: moment.text, offset,
        contradiction: `${holder.memberId} holds offset ${offset}, and neither said what became of it nor lost it; however, ${memberId} is given it, too.`,
      })
    }
    const decided = share.decided.get(offset)
    if (decided !== undefined && this.isNew(undefined, node, `decided ${groupId} ${name}`)) {
      this.report('decided-record-acquired', undefined, node, moment.time, {
        title: `Offset ${offset} of ${name} is handed out in share group ${groupId} although its fate is decided.`, evidence, before: [decided], event: moment.text, offset,
        contradiction: `What became of offset ${offset} is persisted, and final; however, ${memberId} is given it.`,
      })
    }
    share.held.set(offset, { memberId, moment })
  }
}
