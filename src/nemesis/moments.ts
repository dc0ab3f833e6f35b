/**
 * Moments: what happens to a partition, or to the metadata quorum, that may set off the next fault of a run. Faults that
 * wait for one strike between cause and effect: after a record was written and before it was replicated, after an ISR
 * was proposed and before it was committed, after a leader was elected and before anybody has heard of it.
 */
import fc, { type Arbitrary } from 'fast-check'
import { ALTER_PARTITION, type Focus, micros } from './draw-action.ts'
import type { Trigger, TriggerEvent } from './fault.ts'

const PARTITION_MOMENTS = {
  'elected': { kind: 'leader-elected' },
  'leading': { kind: 'became-leader' },
  'following': { kind: 'became-follower' },
  'isr-proposed': { kind: 'isr-proposed' },
  'isr-committed': { kind: 'isr-committed' },
  'written': { kind: 'log-append', asLeader: true },
  'replicated': { kind: 'log-append', asLeader: false },
  'committed': { kind: 'high-watermark', asLeader: true },
  'known-committed': { kind: 'high-watermark', asLeader: false },
  'truncated': { kind: 'log-truncate' },
} as const satisfies Record<string, TriggerEvent>

const CLUSTER_MOMENTS = {
  'fenced': { kind: 'broker-fenced' },
  'unfenced': { kind: 'broker-unfenced' },
  'retried': { kind: 'client-retry' },
  'isr-asked': { kind: 'request-sent', apiKey: ALTER_PARTITION },
  'quorum-led': { kind: 'raft-role', role: 'leader' },
  'quorum-written': { kind: 'raft-append', asLeader: true },
  'quorum-replicated': { kind: 'raft-append', asLeader: false },
  'quorum-committed': { kind: 'raft-high-watermark', asLeader: true },
  'controller-active': { kind: 'controller-active' },
} as const satisfies Record<string, TriggerEvent>

export type Moment = keyof typeof PARTITION_MOMENTS | keyof typeof CLUSTER_MOMENTS

export function eventOf(moment: Moment, focus: Focus): TriggerEvent {
  return moment in PARTITION_MOMENTS
    ? { ...PARTITION_MOMENTS[moment as keyof typeof PARTITION_MOMENTS], ...focus }
    : CLUSTER_MOMENTS[moment as keyof typeof CLUSTER_MOMENTS]
}

/** At once, within the message that is under way, within a few round trips, or within a timeout. */
const delay: Arbitrary<number> = fc.oneof(
  { weight: 4, arbitrary: fc.constant(0) },
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 6_000 }) },
  { weight: 2, arbitrary: micros(0, 40) },
  { weight: 1, arbitrary: micros(0, 400) },
)

/** One of the moments, at its first occurrence more often than not; without it when that has not come in time. */
export function onMoment(moments: readonly Moment[], focus: Focus, withinMs: number, since?: number): Arbitrary<Trigger> {
  return fc.record({ moment: fc.constantFrom(...moments), nth: fc.constantFrom(1, 1, 1, 1, 2, 3), after: delay, within: micros(Math.floor(withinMs / 2), withinMs) })
    .map(({ moment, nth, after, within }) => ({ on: eventOf(moment, focus), nth, after, within, ...(since === undefined ? {} : { since }) }))
}

/** A while after the fault before has begun or, when something else ends or begins sooner, after that. */
export function laterThan(previous: number, longestMs: number): Arbitrary<Trigger> {
  return fc.record({ nth: fc.constantFrom(1, 1, 2), after: fc.oneof(micros(0, 60), micros(0, longestMs)) })
    .map(({ nth, after }) => ({ on: { kind: 'fault' }, nth, after, since: previous }))
}
