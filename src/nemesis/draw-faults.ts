/**
 * How a whole schedule is drawn: independent faults, of any kind at any moment, mixed with *runs* of faults that belong
 * together (see draw-runs.ts). Nothing in either knows of any particular defect.
 */
import fc, { type Arbitrary } from 'fast-check'
import { US_PER_MS } from '../base/time.ts'
import { action, type Draft, type FaultBounds, focusOf, micros, nthOf, triggerEvent } from './draw-action.ts'
import { run } from './draw-runs.ts'
import type { Fault, FaultKind, Trigger } from './fault.ts'

export type { FaultBounds } from './draw-action.ts'

/** Kinds that reach deep are drawn more often than those that only add noise. */
const WEIGHTS: Readonly<Partial<Record<FaultKind, number>>> = { partition: 4, crash: 4, pause: 3, restart: 3, clog: 2, slow: 2, break: 2, 'replace-disk': 2 }

function independent(bounds: FaultBounds): Arbitrary<Draft[]> {
  return fc.tuple(fc.oneof(...bounds.kinds.map(kind => ({ weight: WEIGHTS[kind] ?? 1, arbitrary: fc.constant(kind) }))), focusOf(bounds)).chain(([kind, focus]) => {
    const when: Arbitrary<Trigger> = fc.oneof(
      micros(0, bounds.chaosUs / US_PER_MS).map(at => ({ at })),
      triggerEvent(focus).chain(on => fc.record({ on: fc.constant(on), nth: nthOf(on), after: fc.oneof(fc.constant(0), micros(0, 200)) })),
    )
    return fc.record({ when, action: action(kind, bounds) }).map(draft => [draft])
  })
}

function stopOfOwn(bounds: FaultBounds): Arbitrary<Draft> {
  const kinds = (['crash', 'pause'] as const).filter(kind => bounds.kinds.includes(kind))
  return fc.record({
    kind: fc.constantFrom(...kinds),
    host: fc.constantFrom(...bounds.underTest),
    at: micros(0, bounds.chaosUs / US_PER_MS),
    durationUs: micros(1, 500),
  }).map(({ kind, host, at, durationUs }): Draft => ({
    when: { at },
    action: kind === 'crash' ? { kind, machine: false, target: { host }, durationUs } : { kind, target: { host }, durationUs },
  }))
}

/** Numbers the faults of all groups; within a run, `since` counts from its first fault. */
function numbered(groups: readonly (readonly Draft[])[]): Draft[] {
  const all: Draft[] = []
  for (const group of groups) {
    const first = all.length
    for (const draft of group) {
      const { when } = draft
      all.push('at' in when || when.since === undefined ? draft : { ...draft, when: { ...when, since: first + when.since } })
    }
  }
  return all
}

/** A whole schedule. */
export function faultSchedule(bounds: FaultBounds): Arbitrary<readonly Fault[]> {
  if (bounds.kinds.length === 0 || bounds.maxFaults === 0) return fc.constant([])
  const group = fc.oneof({ weight: 10 - bounds.runs.share, arbitrary: independent(bounds) }, { weight: bounds.runs.share, arbitrary: run(bounds) })
  const permanent = bounds.expendable.length === 0
    ? fc.constant<Draft[]>([])
    : fc.record({ host: fc.constantFrom(...bounds.expendable), at: micros(0, bounds.chaosUs / US_PER_MS) }).map(({ host, at }): Draft[] => [
        { when: { at }, action: { kind: 'crash', machine: false, target: { host }, durationUs: 0 }, permanent: true },
      ])
  const own = bounds.underTest.length === 0 || !bounds.kinds.includes('crash') && !bounds.kinds.includes('pause')
    ? fc.constant<Draft[]>([])
    : fc.array(stopOfOwn(bounds), { minLength: 1, maxLength: 4, size: 'max' })
  return fc.tuple(fc.array(group, { minLength: Math.ceil(bounds.minFaults / 2), maxLength: Math.min(bounds.maxFaults, bounds.runs.mostGroups), size: 'max' }), own, permanent).map(([groups, ours, last]) =>
    [...numbered(groups).slice(0, bounds.maxFaults), ...ours, ...last].map((draft, id) => ({ id, ...draft })))
}

/** Clocks of some hosts are minutes off for most of the trial. */
export function clockSkews(hosts: readonly string[], chaosUs: number): Arbitrary<readonly Draft[]> {
  const skew = fc.record({
    host: fc.constantFrom(...hosts), at: fc.integer({ min: 0, max: Math.floor(chaosUs / 4) }),
    stepMs: fc.integer({ min: 60_000, max: 600_000 }), isBehind: fc.boolean(),
  })
  return fc.uniqueArray(skew, { minLength: 1, maxLength: 4, selector: ({ host }) => host, size: 'max' }).map(drawn => drawn.map(({ host, at, stepMs, isBehind }): Draft => ({
    when: { at }, action: { kind: 'clock-step', target: { host }, stepMs: isBehind ? -stepMs : stepMs, durationUs: chaosUs },
  })))
}
