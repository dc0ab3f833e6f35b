/**
 * Situations: what goes wrong at one step of a run, around one partition or in the metadata quorum, and the moments at
 * which it hurts. As in post-mortems, what fails is a place in the protocol, not a kind of fault:
 *
 *   laggard      a follower cannot fetch, or stands still, until it counts as out of sync
 *   mute         what the leader sends to one of its followers does not arrive
 *   zombie       the leader has lost the controller, but still serves
 *   uninformed   a follower hears nothing of the controller
 *   leader-stop  the leader dies, stands still or hands over
 *   bounce       a replica dies or hands over, and is back before anybody has given it up
 *   cut-off      a replica loses everybody
 *   late-answers what goes to and from a replica arrives, late
 *   anything     one fault of any kind
 *
 *   deposed      the active controller loses the other voters, but brokers still reach it
 *   quorum-stop  the active controller, or the one just elected, dies or stands still
 *   power-cut    a voter loses what it had not flushed
 *   deaf-voter   a voter hears nothing of the active controller
 */
import fc, { type Arbitrary } from 'fast-check'
import { US_PER_MS } from '../base/time.ts'
import { action, type FaultBounds, type Focus, micros, target } from './draw-action.ts'
import { FAULT_FAMILIES, type FaultAction, type FaultKind, type PartitionShape, type Role } from './fault.ts'
import type { Moment } from './moments.ts'

export type Choice = readonly [FaultKind, Arbitrary<FaultAction>]

export interface Situation {
  readonly name: string
  /** Against the others, by what the step before was: who has been cut off is to matter, and so is who is next in line. */
  readonly weight: readonly [first: number, afterCut: number, afterStop: number]
  /** What it hurts most to do it at. */
  readonly moments: readonly Moment[]
  /** The same when leaders have been stopped, where that makes a difference. */
  readonly momentsAfterStop?: readonly Moment[]
  /** Only within the message that is its moment. */
  readonly isAtOnce?: boolean
  /** Does it stop a leader, or only cut somebody off? */
  readonly isStop?: boolean
  /** Its faults, of which those of allowed kinds are drawn from. */
  readonly choices: (bounds: FaultBounds, focus: Focus, coordinator: Focus) => readonly Choice[]
}

const FOLLOWERS: readonly Role[] = ['isr-follower', 'isr-follower', 'out-of-isr']
const CONTROLLERS: readonly Role[] = ['active-controller', 'active-controller', 'subject']
const VOTERS: readonly Role[] = ['standby-controller', 'standby-controller', 'active-controller', 'subject']

/** From half the longest outage to one and a half: long enough to be noticed by every timeout, or not quite. */
export const long = (bounds: FaultBounds): Arbitrary<number> => micros(bounds.maxOutageUs / US_PER_MS / 2, (bounds.maxOutageUs * 1.5) / US_PER_MS)
/** Up to the longest that nobody notices. */
export const brief = (bounds: FaultBounds): Arbitrary<number> => micros(5, Math.max(6, bounds.maxOutageUs / US_PER_MS / 4))
export const any = (bounds: FaultBounds): Arbitrary<number> => fc.oneof({ weight: 2, arbitrary: long(bounds) }, { weight: 1, arbitrary: brief(bounds) })

const clog = (focus: Focus, from: readonly Role[], to: readonly Role[], durationUs: Arbitrary<number>): Choice =>
  ['clog', fc.record({ kind: fc.constant('clog' as const), from: target(from, focus), to: target(to, focus), durationUs })]

export const cut = (focus: Focus, shape: PartitionShape, roles: readonly Role[], directions: readonly ('both' | 'out' | 'in')[], durationUs: Arbitrary<number>): Choice =>
  ['partition', fc.record({ kind: fc.constant('partition' as const), shape: fc.constant(shape), direction: fc.constantFrom(...directions), target: target(roles, focus), durationUs })]

export const pause = (focus: Focus, roles: readonly Role[], durationUs: Arbitrary<number>): Choice =>
  ['pause', fc.record({ kind: fc.constant('pause' as const), target: target(roles, focus), durationUs })]

export const crash = (bounds: FaultBounds, focus: Focus, roles: readonly Role[], durationUs: Arbitrary<number>): Choice =>
  ['crash', fc.record({ kind: fc.constant('crash' as const), machine: bounds.machineCrashes ? fc.boolean() : fc.constant(false), target: target(roles, focus), durationUs })]

export const restart = (focus: Focus, roles: readonly Role[], durationUs: Arbitrary<number>): Choice =>
  ['restart', fc.record({ kind: fc.constant('restart' as const), target: target(roles, focus), durationUs })]

export const slow = (focus: Focus, roles: readonly Role[], durationUs: Arbitrary<number>): Choice =>
  ['slow', fc.record({ kind: fc.constant('slow' as const), target: target(roles, focus), extraUs: micros(5, 300), durationUs })]

export const PARTITION_SITUATIONS: readonly Situation[] = [
  {
    name: 'laggard', weight: [6, 3, 4], moments: ['written', 'replicated', 'leading', 'isr-committed', 'following'],
    choices: (bounds, focus) => [
      clog(focus, ['isr-follower'], ['leader'], long(bounds)), clog(focus, ['isr-follower'], ['leader'], long(bounds)), pause(focus, ['isr-follower'], long(bounds)),
    ],
  },
  {
    name: 'mute', weight: [4, 3, 6], moments: ['isr-proposed', 'isr-proposed', 'leading', 'written', 'replicated', 'elected'],
    choices: (bounds, focus) => [clog(focus, ['leader'], FOLLOWERS, any(bounds)), clog(focus, ['leader'], FOLLOWERS, any(bounds)), cut(focus, 'one', ['leader'], ['out'], any(bounds))],
  },
  {
    name: 'zombie', weight: [2, 1, 2], moments: ['isr-proposed', 'isr-asked', 'written', 'leading', 'committed'],
    choices: (bounds, focus) => [clog(focus, ['leader'], ['active-controller'], any(bounds)), cut(focus, 'controller-only', ['leader'], ['both', 'out', 'in'], any(bounds))],
  },
  {
    name: 'uninformed', weight: [1, 1, 2], moments: ['elected', 'elected', 'isr-committed', 'fenced', 'replicated'],
    choices: (bounds, focus) => [clog(focus, ['active-controller'], FOLLOWERS, long(bounds)), cut(focus, 'controller-only', FOLLOWERS, ['both', 'in'], long(bounds))],
  },
  {
    name: 'leader-stop', weight: [6, 16, 6], isStop: true, moments: ['committed', 'committed', 'replicated', 'written', 'isr-committed', 'isr-committed', 'isr-proposed', 'leading'],
    momentsAfterStop: ['truncated', 'truncated', 'truncated', 'leading', 'leading', 'isr-committed', 'isr-committed', 'isr-proposed', 'written', 'replicated', 'committed'],
    choices: (bounds, focus) => [
      crash(bounds, focus, ['leader', 'leader', 'subject'], any(bounds)), crash(bounds, focus, ['leader'], any(bounds)),
      pause(focus, ['leader', 'leader', 'subject'], long(bounds)), restart(focus, ['leader'], brief(bounds)),
    ],
  },
  {
    name: 'bounce', weight: [2, 3, 4], isStop: true, moments: ['written', 'replicated', 'elected', 'truncated', 'isr-proposed', 'following'],
    choices: (bounds, focus) => [
      crash(bounds, focus, [...FOLLOWERS, 'leader', 'subject'], brief(bounds)), restart(focus, [...FOLLOWERS, 'leader'], brief(bounds)),
      ['break', fc.record({ kind: fc.constant('break' as const), target: target([...FOLLOWERS, 'leader'], focus) })],
    ],
  },
  {
    name: 'cut-off', weight: [2, 5, 2], moments: ['replicated', 'written', 'leading', 'elected', 'isr-committed'],
    choices: (bounds, focus) => [cut(focus, 'one', [...FOLLOWERS, 'subject', 'leader'], ['both', 'both', 'in'], long(bounds)), pause(focus, [...FOLLOWERS, 'subject'], long(bounds))],
  },
  {
    name: 'late-answers', weight: [1, 1, 1], moments: ['written', 'isr-asked', 'elected', 'retried'],
    choices: (bounds, focus) => [slow(focus, ['leader', ...FOLLOWERS], any(bounds)), clog(focus, ['leader', ...FOLLOWERS], ['leader', ...FOLLOWERS, 'any-client'], brief(bounds))],
  },
  {
    name: 'anything', weight: [3, 3, 3], moments: ['elected', 'leading', 'isr-proposed', 'isr-committed', 'written', 'known-committed', 'truncated', 'fenced', 'unfenced', 'retried', 'isr-asked'],
    choices: (bounds, focus) => bounds.kinds.filter(kind => !FAULT_FAMILIES.clock.some(clock => clock === kind))
      .map((kind): Choice => [kind, action(kind, bounds, focus, ['leader', 'leader', ...FOLLOWERS, 'subject'])]),
  },
]

export const QUORUM_SITUATIONS: readonly Situation[] = [
  {
    name: 'deposed', weight: [6, 4, 5], isStop: true, moments: ['quorum-led', 'quorum-led', 'quorum-written', 'quorum-committed', 'controller-active'],
    choices: (bounds, focus) => [
      cut(focus, 'voters-only', CONTROLLERS, ['both', 'both', 'out', 'in'], any(bounds)), cut(focus, 'voters-only', CONTROLLERS, ['both', 'out'], any(bounds)),
      cut(focus, 'one', CONTROLLERS, ['both', 'out'], any(bounds)),
    ],
  },
  {
    name: 'quorum-stop', weight: [3, 6, 3], isStop: true, moments: ['quorum-committed', 'quorum-committed', 'quorum-written', 'quorum-replicated', 'quorum-led', 'controller-active'],
    choices: (bounds, focus) => [crash(bounds, focus, CONTROLLERS, any(bounds)), pause(focus, CONTROLLERS, long(bounds))],
  },
  {
    name: 'power-cut', weight: [1, 3, 2], moments: ['quorum-replicated', 'quorum-committed', 'quorum-written', 'quorum-led'],
    choices: (bounds, focus) => [crash(bounds, focus, VOTERS, brief(bounds))],
  },
  {
    name: 'deaf-voter', weight: [4, 3, 4], moments: ['quorum-led', 'quorum-written', 'quorum-committed', 'quorum-replicated'],
    choices: (bounds, focus) => [
      clog(focus, CONTROLLERS, ['standby-controller'], any(bounds)), clog(focus, ['standby-controller'], ['active-controller', 'standby-controller'], any(bounds)),
      pause(focus, ['standby-controller'], any(bounds)),
    ],
  },
  ...PARTITION_SITUATIONS.filter(({ name }) => ['laggard', 'leader-stop', 'bounce'].includes(name)).map(situation => ({ ...situation, weight: [1, 1, 1] as const })),
]
