/**
 * Invariant 5, snapshots and voters: a metadata snapshot is the state of the log before it, whoever writes it, and covers
 * only what is committed; the voters of the quorum change one at a time, each change once the one before is committed.
 */
import type { Observation, ObservationOf } from '../../src/env/observation.ts'
import type { ClusterShadow, Moment } from './cluster-shadow.ts'
import { InvariantMonitor, type MonitorContext } from './invariant-monitor.ts'

interface Written {
  readonly crc: number
  readonly node: string
  readonly moment: Moment
}

export class MetadataSnapshots extends InvariantMonitor {
  /** By `endOffset-epoch`. */
  private readonly written = new Map<string, Written>()
  private committedEnd = 0
  private committedBy: Moment | undefined = undefined

  constructor(context: MonitorContext, cluster: ClusterShadow) {
    super('metadata-snapshots', context, cluster)
  }

  observe(event: Observation, node: string, _incarnation: number, time: number): void {
    if (event.kind === 'raft-high-watermark' && event.asLeader && event.offset > this.committedEnd) {
      this.committedEnd = event.offset
      this.committedBy = { time, text: `${node}, leader of epoch ${event.epoch}, commits metadata up to offset ${event.offset}.` }
    } else if (event.kind === 'raft-snapshot') this.snapshot(event, node, time)
  }

  private snapshot(event: ObservationOf<'raft-snapshot'>, node: string, time: number): void {
    const { endOffset, epoch, crc, replayed } = event
    const text = `${node} writes a metadata snapshot of everything before offset ${endOffset}, epoch ${epoch}.`
    const first = this.written.get(`${endOffset}-${epoch}`)
    if (first === undefined) this.written.set(`${endOffset}-${epoch}`, { crc, node, moment: { time, text } })
    if (endOffset > this.committedEnd) {
      this.mismatch(node, time, `The metadata snapshot of ${node} reaches up to ${endOffset}, beyond what is committed.`, { endOffset, epoch, committed: this.committedEnd }, text,
        `A snapshot covers what is committed, up to ${this.committedEnd}, because it takes the place of the log; however, this one ends at ${endOffset}.`)
    } else if (replayed >= 0 && replayed !== crc) {
      this.mismatch(node, time, `The metadata snapshot of ${node} at ${endOffset} is not the state of its log.`, { endOffset, epoch, crc, replayed }, text,
        `Replaying the log before ${endOffset} gives a state with checksum ${replayed}; however, the snapshot holds one with ${crc}.`)
    } else if (first !== undefined && first.crc !== crc) {
      this.mismatch(node, time, `The metadata snapshots of ${first.node} and ${node} at ${endOffset} differ.`, { endOffset, epoch, crc, other: first.crc }, text,
        `${first.node} holds a state with checksum ${first.crc} at offset ${endOffset}, because it read the same log; however, the snapshot of ${node} holds one with ${crc}.`, first.moment)
    }
  }

  private mismatch(node: string, time: number, title: string, evidence: { readonly [key: string]: number }, event: string, contradiction: string, before: Moment | undefined = this.committedBy): void {
    if (!this.isNew(undefined, node, 'snapshot')) return
    this.report('metadata-snapshot-mismatch', undefined, node, time, { title, evidence, before: [before], event, contradiction })
  }
}

export class VoterChanges extends InvariantMonitor {
  constructor(context: MonitorContext, cluster: ClusterShadow) {
    super('voter-changes', context, cluster)
  }

  observe(event: Observation, node: string, _incarnation: number, time: number): void {
    if (event.kind !== 'raft-voters' || !this.isNew(undefined, node, `${event.offset} ${event.epoch}`)) return
    const { offset, epoch, voters, previous, previousOffset, highWatermark } = event
    const changed = [...voters.filter(voter => !previous.includes(voter)), ...previous.filter(voter => !voters.includes(voter))]
    const evidence = { offset, epoch, voters, previous, previousOffset, highWatermark }
    const what = `${node}, leader of epoch ${epoch}, appends the voters [${voters.join(' ')}] at offset ${offset}.`
    if (previousOffset >= highWatermark) {
      this.report('two-voter-changes', undefined, node, time, {
        title: `${node} changes the voters at ${offset} while the change at ${previousOffset} is not committed.`, evidence, event: what, offset,
        contradiction: `A leader changes voters only once the last change is committed, because two changes at once make majorities that do not overlap; however, its high watermark is ${highWatermark}, at or below that change at ${previousOffset}.`,
      })
    } else if (changed.length > 1) {
      this.report('two-voter-changes', undefined, node, time, {
        title: `${node} changes ${changed.length} voters at once.`, evidence, event: what, offset,
        contradiction: `Neighbouring sets of voters differ by one, so that any two majorities overlap; however, [${previous.join(' ')}] and [${voters.join(' ')}] differ by ${changed.join(', ')}.`,
      })
    }
  }
}
