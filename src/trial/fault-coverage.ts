/**
 * Coverage of faults: how often each kind fired, and what the cluster did while it lasted (or shortly after a fault that
 * lasts no time). The deep bugs lie where a leader changes and an ISR changes under the same fault, so that pair is counted
 * as well. Marks: `fault KIND` and `EVENT under KIND`.
 */
import type { Micros } from '../base/time.ts'
import type { Observation, ObservationKind, Observer } from '../env/observation.ts'
import { type FaultKind, MOMENTARY_KINDS } from '../nemesis/fault.ts'
import type { MarkCounts } from './coverage.ts'

export const FAULT_EVENTS = ['leader-change', 'isr-shrink', 'isr-expand', 'leader-change+isr-change', 'raft-leader-change'] as const
type FaultEvent = (typeof FAULT_EVENTS)[number]

/** How long a fault without a duration, or one that has ended, is still taken for a cause. */
const AFTERMATH_US: Micros = 300_000

export const firedMark = (kind: string): string => `fault ${kind}`
export const underMark = (event: FaultEvent, kind: string): string => `${event} under ${kind}`
export const isFaultMark = (mark: string): boolean => mark.startsWith('fault ') || mark.includes(' under ')

export class FaultCoverage implements Observer {
  private readonly counts: MarkCounts
  /** Kinds with a fault that lasts, by fault id. */
  private readonly lasting = new Map<number, string>()
  /** Kind -> until when what happens is its aftermath. */
  private readonly aftermath = new Map<string, Micros>()
  private lastLeaderChange = -Infinity
  private lastIsrChange = -Infinity

  constructor(counts: MarkCounts) {
    this.counts = counts
  }

  wants(kind: ObservationKind): boolean {
    return kind === 'fault' || kind === 'leader-elected' || kind === 'isr-proposed' || kind === 'controller-active'
  }

  observe(event: Observation, _node: string, _incarnation: number, time: number): void {
    switch (event.kind) {
      case 'fault':
        if (event.phase === 'stop') this.lasting.delete(event.id)
        else {
          if (!MOMENTARY_KINDS.has(event.fault as FaultKind)) this.lasting.set(event.id, event.fault)
          this.hit(firedMark(event.fault))
        }
        this.aftermath.set(event.fault, time + AFTERMATH_US)
        return
      case 'leader-elected':
        this.lastLeaderChange = time
        this.happened('leader-change', time)
        if (time - this.lastIsrChange <= AFTERMATH_US) this.happened('leader-change+isr-change', time)
        return
      case 'isr-proposed':
        this.lastIsrChange = time
        this.happened(event.change === 'expand' ? 'isr-expand' : 'isr-shrink', time)
        if (time - this.lastLeaderChange <= AFTERMATH_US) this.happened('leader-change+isr-change', time)
        return
      case 'controller-active': return this.happened('raft-leader-change', time)
      default:
    }
  }

  private happened(what: FaultEvent, time: Micros): void {
    const kinds = new Set(this.lasting.values())
    for (const [kind, until] of this.aftermath) if (time <= until) kinds.add(kind)
    for (const kind of kinds) this.hit(underMark(what, kind))
  }

  private hit(mark: string): void {
    this.counts[mark] = (this.counts[mark] ?? 0) + 1
  }
}
