/**
 * Runs: faults that belong together, as in the post-mortems of replicated systems. A run is a story of two to four
 * *situations* around one partition, each set off by what the one before has led to (an election, a proposal, a fencing),
 * so that it goes deep where independent faults hardly ever line up.
 *
 *   laggard     a follower cannot fetch, or stands still, until it counts as out of sync
 *   mute        what the leader sends to one of its followers does not arrive
 *   zombie      the leader has lost the controller, but still serves
 *   uninformed  a follower hears nothing of the controller
 *   stop        the leader dies, stands still or hands over
 *   cut off     a replica loses everybody
 *   anything    one fault of any kind, also at the node that set it off
 */
import fc, { type Arbitrary } from 'fast-check'
import { US_PER_MS } from '../base/time.ts'
import { action, ALTER_PARTITION, type Draft, type FaultBounds, type Focus, focusOf, micros, target } from './draw-action.ts'
import type { FaultAction, FaultKind, PartitionShape, Role, Trigger, TriggerEvent } from './fault.ts'

const FOLLOWERS: readonly Role[] = ['isr-follower', 'isr-follower', 'out-of-isr']

/** Actions of one situation, of the kinds that are allowed. */
type Situation = (bounds: FaultBounds, focus: Focus) => readonly (readonly [FaultKind, Arbitrary<FaultAction>])[]

/** From half the longest outage to one and a half: long enough to be noticed by every timeout, or not quite. */
const long = (bounds: FaultBounds): Arbitrary<number> => micros(bounds.maxOutageUs / US_PER_MS / 2, (bounds.maxOutageUs * 1.5) / US_PER_MS)

const clog = (bounds: FaultBounds, focus: Focus, from: readonly Role[], to: readonly Role[]): readonly [FaultKind, Arbitrary<FaultAction>] =>
  ['clog', fc.record({ kind: fc.constant('clog' as const), from: target(from, focus), to: target(to, focus), durationUs: long(bounds) })]

const cut = (bounds: FaultBounds, focus: Focus, shape: PartitionShape, roles: readonly Role[], directions: readonly ('both' | 'out' | 'in')[]): readonly [FaultKind, Arbitrary<FaultAction>] =>
  ['partition', fc.record({ kind: fc.constant('partition' as const), shape: fc.constant(shape), direction: fc.constantFrom(...directions), target: target(roles, focus), durationUs: long(bounds) })]

const pause = (bounds: FaultBounds, focus: Focus, roles: readonly Role[]): readonly [FaultKind, Arbitrary<FaultAction>] =>
  ['pause', fc.record({ kind: fc.constant('pause' as const), target: target(roles, focus), durationUs: long(bounds) })]

const SITUATIONS: readonly { readonly weight: number; readonly of: Situation }[] = [
  { weight: 3, of: (bounds, focus) => [clog(bounds, focus, ['isr-follower'], ['leader']), clog(bounds, focus, ['isr-follower'], ['leader']), pause(bounds, focus, ['isr-follower'])] },
  { weight: 2, of: (bounds, focus) => [clog(bounds, focus, ['leader'], FOLLOWERS), cut(bounds, focus, 'one', ['leader'], ['out'])] },
  { weight: 2, of: (bounds, focus) => [clog(bounds, focus, ['leader'], ['active-controller']), cut(bounds, focus, 'controller-only', ['leader'], ['both', 'out', 'in'])] },
  { weight: 1, of: (bounds, focus) => [clog(bounds, focus, ['active-controller'], FOLLOWERS), cut(bounds, focus, 'controller-only', FOLLOWERS, ['both', 'in'])] },
  { weight: 5, of: (bounds, focus) => [
    ['crash', fc.record({ kind: fc.constant('crash' as const), machine: bounds.machineCrashes ? fc.boolean() : fc.constant(false), target: target(['leader'], focus), durationUs: long(bounds) })],
    pause(bounds, focus, ['leader']),
    ['restart', fc.record({ kind: fc.constant('restart' as const), target: target(['leader'], focus), durationUs: micros(5, 300) })],
  ] },
  { weight: 1, of: (bounds, focus) => [cut(bounds, focus, 'one', [...FOLLOWERS, 'leader'], ['both'])] },
  { weight: 3, of: (bounds, focus) => bounds.kinds.filter(kind => kind !== 'clock-drift' && kind !== 'clock-step').map(kind => [kind, action(kind, bounds, focus, ['leader', 'leader', ...FOLLOWERS, 'subject'])] as const) },
]

/** What one situation leads to, and what may set off the next. */
function consequence(focus: Focus): Arbitrary<TriggerEvent> {
  return fc.constantFrom<TriggerEvent>(
    { kind: 'leader-elected', ...focus }, { kind: 'leader-elected', ...focus }, { kind: 'became-leader', ...focus },
    { kind: 'isr-proposed', ...focus }, { kind: 'isr-proposed', ...focus }, { kind: 'isr-committed', ...focus },
    { kind: 'log-append', ...focus }, { kind: 'high-watermark', ...focus },
    { kind: 'broker-fenced' }, { kind: 'client-retry' }, { kind: 'request-sent', apiKey: ALTER_PARTITION },
  )
}

/** Two to four situations around one partition. `since` counts from the first fault of the run. */
export function run(bounds: FaultBounds): Arbitrary<Draft[]> {
  return fc.tuple(focusOf(bounds), micros(0, (bounds.chaosUs * 0.7) / US_PER_MS), fc.integer({ min: 2, max: 4 })).chain(([focus, begin, length]) => {
    const possible = SITUATIONS.flatMap(({ weight, of }) => {
      const actions = of(bounds, focus).filter(([kind]) => bounds.kinds.includes(kind)).map(([, drawn]) => drawn)
      return actions.length === 0 ? [] : [{ weight, arbitrary: fc.oneof(...actions) }]
    })
    // Only clocks may fail.
    if (possible.length === 0) return fc.constantFrom(...bounds.kinds).chain(kind => action(kind, bounds, focus)).map((drawn): Draft[] => [{ when: { at: begin }, action: drawn }])
    const situation = fc.oneof(...possible)
    const next = (previous: number): Arbitrary<Trigger> => fc.oneof(
      { weight: 1, arbitrary: micros(0, 1_500).map((gap): Trigger => ({ at: begin + gap })) },
      { weight: 3, arbitrary: fc.record({
        on: consequence(focus), nth: fc.constantFrom(1, 1, 1, 2), after: fc.oneof(fc.constant(0), micros(0, 30), micros(0, 400)), since: fc.constant(previous),
      }) },
    )
    const draft = (index: number): Arbitrary<Draft> => fc.record({ when: index === 0 ? fc.constant<Trigger>({ at: begin }) : next(index - 1), action: situation })
    return fc.tuple(...Array.from({ length }, (_, index) => draft(index)))
  })
}
