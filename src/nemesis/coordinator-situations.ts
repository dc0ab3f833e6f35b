/**
 * Situations around a coordinator: the partition of its state, a partition of users' data that its decisions concern, and
 * the clients that ask it.
 *
 *   straggler         connections break while a request is under way: it is lost, or comes late, and is repeated
 *   coordinator-stop  the broker that keeps the state dies, stands still, hands over or is cut off
 *   late-markers      what the coordinator tells the other brokers does not arrive
 *   participant-stop  the leader of the data dies or hands over
 *   client-stop       an application stands still past its time-outs, or dies and comes back
 *   client-cut        an application does not reach its coordinator
 */
import fc, { type Arbitrary } from 'fast-check'
import { type FaultBounds, type Focus, target } from './draw-action.ts'
import type { Role } from './fault.ts'
import { any, brief, type Choice, crash, cut, long, PARTITION_SITUATIONS, pause, restart, type Situation, slow } from './situations.ts'

const ASKED = ['end-asked', 'end-asked', 'end-asked', 'partitions-asked', 'id-asked', 'sent', 'sent', 'markers-sent', 'markers-sent', 'offsets-sent', 'offsets-sent', 'commit-sent', 'joining', 'syncing'] as const
const CLIENTS: readonly Role[] = ['subject', 'subject', 'any-client']

const leaderOf = (focus: Focus) => target(['leader'], focus)
const subject = target(['subject'])
const otherEnd = target(['other-end'])

const breaks = (roles: readonly Role[]): Choice => ['break', fc.record({ kind: fc.constant('break' as const), target: target(roles) })]
/** The sender knows at once that it has to ask again, and the first copy comes when that is long done. */
const breaksLate = (bounds: FaultBounds): Choice => ['break', fc.record({ kind: fc.constant('break' as const), target: subject, lateUs: any(bounds) })]

/** From a partition's leader to another one's, or between the two ends of the request that set it off. */
function clogBetween(from: Arbitrary<ReturnType<typeof target> extends Arbitrary<infer T> ? T : never>, to: typeof from, durationUs: Arbitrary<number>): Choice {
  return ['clog', fc.record({ kind: fc.constant('clog' as const), from, to, durationUs })]
}

export const COORDINATOR_SITUATIONS: readonly Situation[] = [
  {
    name: 'straggler', weight: [8, 5, 5], isAtOnce: true, moments: ASKED,
    choices: bounds => [breaksLate(bounds), breaksLate(bounds), breaks(['subject', 'other-end']), clogBetween(subject, otherEnd, any(bounds))],
  },
  {
    name: 'coordinator-stop', weight: [5, 6, 5], isStop: true,
    moments: ['ongoing', 'commit-decided', 'commit-decided', 'abort-decided', 'markers-sent', 'marked', 'end-asked', 'completed', 'group-changed', 'assigned', 'offsets-sent', 'commit-sent', 'joining', 'loaded'],
    choices: (bounds, _focus, coordinator) => [
      crash(bounds, coordinator, ['leader'], any(bounds)), crash(bounds, coordinator, ['leader'], any(bounds)), pause(coordinator, ['leader'], long(bounds)),
      restart(coordinator, ['leader'], brief(bounds)), cut(coordinator, 'one', ['leader'], ['both', 'out', 'in'], long(bounds)),
    ],
  },
  {
    name: 'late-markers', weight: [4, 3, 4], moments: ['commit-decided', 'abort-decided', 'end-asked', 'markers-sent', 'opened'],
    choices: (bounds, focus, coordinator) => [clogBetween(leaderOf(coordinator), leaderOf(focus), any(bounds)), clogBetween(leaderOf(focus), leaderOf(coordinator), any(bounds)), slow(focus, ['leader'], any(bounds))],
  },
  {
    name: 'participant-stop', weight: [3, 4, 3], isStop: true, moments: ['opened', 'opened', 'marked', 'markers-sent', 'commit-decided', 'written'],
    choices: (bounds, focus) => [crash(bounds, focus, ['leader'], any(bounds)), restart(focus, ['leader'], brief(bounds)), pause(focus, ['leader'], long(bounds))],
  },
  {
    name: 'client-stop', weight: [5, 4, 4], moments: ['begun', 'begun', 'partitions-asked', 'end-asked', 'ended', 'offsets-sent', 'offsets-sent', 'commit-sent', 'assigned', 'offsets-committed', 'joining', 'syncing'],
    choices: bounds => [
      ['pause', fc.record({ kind: fc.constant('pause' as const), target: target(CLIENTS), durationUs: long(bounds) })],
      ['crash', fc.record({ kind: fc.constant('crash' as const), machine: fc.constant(false), target: target(CLIENTS), durationUs: brief(bounds) })],
    ],
  },
  {
    name: 'client-cut', weight: [2, 2, 2], moments: ['begun', 'end-asked', 'offsets-sent', 'commit-sent', 'assigned', 'joining'],
    choices: (bounds, _focus, coordinator) => [clogBetween(target(CLIENTS), leaderOf(coordinator), any(bounds)), clogBetween(leaderOf(coordinator), target(CLIENTS), any(bounds))],
  },
  ...PARTITION_SITUATIONS.filter(({ name }) => ['laggard', 'leader-stop', 'bounce', 'anything'].includes(name)).map(situation => ({ ...situation, weight: [1, 1, 1] as const })),
]
