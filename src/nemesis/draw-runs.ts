/**
 * Runs: faults that belong together, as in the post-mortems of replicated systems. A run is a chain of situations (see
 * situations.ts) around one partition, around the metadata quorum, or around a coordinator, each set off by a moment that the one before has
 * led to, so that it goes deep where independent faults hardly ever line up. Often all of a run picks alike among several
 * followers, so that the one that was cut off first is also the one that is hurt or spared later.
 */
import fc, { type Arbitrary } from 'fast-check'
import { US_PER_MS } from '../base/time.ts'
import { action, type Draft, type FaultBounds, type Focus, focusOf, micros } from './draw-action.ts'
import type { Fault, FaultAction, Target, Trigger } from './fault.ts'
import { COORDINATOR_SITUATIONS } from './coordinator-situations.ts'
import { laterThan, mayHappen, onMoment } from './moments.ts'
import { PARTITION_SITUATIONS, QUORUM_SITUATIONS, type Situation } from './situations.ts'

/** What a situation does, out of kinds that are allowed; undefined when none is. */
function actionOf(situation: Situation, bounds: FaultBounds, focus: Focus, coordinator: Focus): Arbitrary<Fault['action']> | undefined {
  const allowed = situation.choices(bounds, focus, coordinator).filter(([kind]) => bounds.kinds.includes(kind)).map(([, drawn]) => drawn)
  return allowed.length === 0 ? undefined : fc.oneof(...allowed)
}

function pickingAlike(action: FaultAction, pick: number): FaultAction {
  const alike = (target: Target): Target => ('host' in target ? target : { ...target, pick })
  if (action.kind === 'clog') return { ...action, from: alike(action.from), to: alike(action.to) }
  return 'target' in action ? { ...action, target: alike(action.target) } : action
}

/** What the step before was, in the order of `Situation.weight`. */
const CONTEXTS = ['first', 'cut', 'stop'] as const
type Context = (typeof CONTEXTS)[number]

interface Step {
  readonly draft: Draft
  readonly leads: Context
}

/** `since` counts from the first fault of the run. */
export function run(bounds: FaultBounds): Arbitrary<Draft[]> {
  const longestGapMs = Math.floor((bounds.maxOutageUs * 0.75) / US_PER_MS)
  const coordinators = [...bounds.coordinators.transactions, ...bounds.coordinators.groups]
  return fc.record({
    focus: focusOf(bounds),
    begin: micros(0, (bounds.chaosUs * 0.4) / US_PER_MS),
    length: fc.integer({ min: bounds.runs.shortest, max: bounds.runs.longest }),
    isQuorum: bounds.voters > 1 ? fc.integer({ min: 0, max: 2 }).map(n => n === 0) : fc.constant(false),
    /** Half of all runs, where there are any. */
    coordinator: coordinators.length === 0 ? fc.constant(undefined) : fc.option(fc.constantFrom(...coordinators), { nil: undefined, freq: 2 }),
    startsByClock: fc.boolean(),
    pick: fc.option(fc.integer({ min: 0, max: 1_000_000 }), { nil: undefined, freq: 2 }),
  }).chain(({ focus, begin, length, isQuorum, coordinator, startsByClock, pick }) => {
    const situations = coordinator !== undefined ? COORDINATOR_SITUATIONS : isQuorum ? QUORUM_SITUATIONS : PARTITION_SITUATIONS
    const possible = situations.flatMap(situation => {
      const drawn = actionOf(situation, bounds, focus, coordinator ?? focus)
      const moments = situation.moments.filter(moment => mayHappen(moment, bounds.coordinators))
      return drawn === undefined || moments.length === 0 ? [] : [{ situation: { ...situation, moments }, drawn }]
    })
    // Only clocks may fail.
    if (possible.length === 0) return fc.constantFrom(...bounds.kinds).chain(kind => action(kind, bounds, focus)).map((drawn): Draft[] => [{ when: { at: begin }, action: drawn }])
    const when = ({ moments, momentsAfterStop, isAtOnce }: Situation, index: number, after: Context): Arbitrary<Trigger> => {
      if (index === 0) return startsByClock ? fc.constant<Trigger>({ at: begin }) : onMoment(moments, focus, Math.floor((bounds.chaosUs * 0.3) / US_PER_MS), undefined, coordinator, isAtOnce)
      return fc.oneof(
        { weight: 5, arbitrary: onMoment(after === 'stop' ? momentsAfterStop ?? moments : moments, focus, longestGapMs, index - 1, coordinator, isAtOnce) },
        { weight: 2, arbitrary: laterThan(index - 1, longestGapMs) },
        { weight: 1, arbitrary: micros(0, longestGapMs).map((gap): Trigger => ({ at: begin + gap })) },
      )
    }
    const step = (index: number, after: Context): Arbitrary<Step> =>
      fc.oneof(...possible.map(one => ({ weight: one.situation.weight[CONTEXTS.indexOf(after)]!, arbitrary: fc.constant(one) }))).chain(({ situation, drawn }) =>
        fc.record({ when: when(situation, index, after), action: drawn }).map((draft): Step => ({ draft, leads: situation.isStop === true ? 'stop' : 'cut' })))
    const from = (index: number, after: Context): Arbitrary<Draft[]> => (index === length
      ? fc.constant([])
      : step(index, after).chain(({ draft, leads }) => from(index + 1, leads).map(rest => [draft, ...rest])))
    return from(0, 'first').map(drafts => (pick === undefined ? drafts : drafts.map(draft => ({ ...draft, action: pickingAlike(draft.action, pick) }))))
  })
}
