/**
 * Moments: what happens to a partition, or to the metadata quorum, that may set off the next fault of a run. Faults that
 * wait for one strike between cause and effect: after a record was written and before it was replicated, after an ISR
 * was proposed and before it was committed, after a leader was elected and before anybody has heard of it. Or to what
 * coordinators keep: after a transaction was decided and before its markers are written, after a request has left its
 * client and before the answer.
 */
import fc, { type Arbitrary } from 'fast-check'
import { ALTER_PARTITION, type Coordinators, type Focus, micros } from './draw-action.ts'
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

const END_TXN = 26

/** Of transactions. */
const TRANSACTION_MOMENTS = {
  'id-asked': { kind: 'request-sent', apiKey: 22 },
  'begun': { kind: 'client-transaction', phase: 'begin' },
  'partitions-asked': { kind: 'request-sent', apiKey: 24 },
  'sent': { kind: 'request-sent', apiKey: 0 },
  'ongoing': { kind: 'transaction-state', state: 'Ongoing' },
  'end-asked': { kind: 'request-sent', apiKey: END_TXN },
  'commit-decided': { kind: 'transaction-state', state: 'PrepareCommit' },
  'abort-decided': { kind: 'transaction-state', state: 'PrepareAbort' },
  'markers-sent': { kind: 'request-sent', apiKey: 27 },
  'completed': { kind: 'transaction-state', state: 'CompleteCommit' },
  'ended': { kind: 'client-transaction', phase: 'commit' },
} as const satisfies Record<string, TriggerEvent>

/** Of a partition in a transaction. */
const PARTICIPANT_MOMENTS = {
  'opened': { kind: 'transaction-opened' },
  'marked': { kind: 'marker-written' },
} as const satisfies Record<string, TriggerEvent>

/** Of groups. */
const GROUP_MOMENTS = {
  'joining': { kind: 'request-sent', apiKey: 11 },
  'syncing': { kind: 'request-sent', apiKey: 14 },
  'commit-sent': { kind: 'request-sent', apiKey: 8 },
  'offsets-sent': { kind: 'request-sent', apiKey: 28 },
  'group-changed': { kind: 'group-state' },
  'assigned': { kind: 'client-rebalance', change: 'assigned' },
  'offsets-committed': { kind: 'client-committed' },
} as const satisfies Record<string, TriggerEvent>

const COORDINATOR_MOMENTS = { 'loaded': { kind: 'coordinator-loaded' } } as const satisfies Record<string, TriggerEvent>

export type Moment = keyof typeof TRANSACTION_MOMENTS | keyof typeof PARTICIPANT_MOMENTS | keyof typeof GROUP_MOMENTS | keyof typeof COORDINATOR_MOMENTS
  | keyof typeof PARTITION_MOMENTS | keyof typeof CLUSTER_MOMENTS

const OF_PARTITION: Readonly<Record<string, TriggerEvent>> = { ...PARTITION_MOMENTS, ...PARTICIPANT_MOMENTS }
const OF_COORDINATOR: Readonly<Record<string, TriggerEvent>> = COORDINATOR_MOMENTS
const ANYWHERE: Readonly<Record<string, TriggerEvent>> = { ...CLUSTER_MOMENTS, ...TRANSACTION_MOMENTS, ...GROUP_MOMENTS }

/** `coordinator`: the partition of its state; of no matter to moments of others. */
export function eventOf(moment: Moment, focus: Focus, coordinator: Focus = focus): TriggerEvent {
  if (moment in OF_PARTITION) return { ...OF_PARTITION[moment]!, ...focus }
  return moment in OF_COORDINATOR ? { ...OF_COORDINATOR[moment]!, ...coordinator } : ANYWHERE[moment]!
}

/** Can it happen where there are such coordinators? */
export function mayHappen(moment: Moment, { transactions, groups }: Coordinators): boolean {
  if (moment in TRANSACTION_MOMENTS || moment in PARTICIPANT_MOMENTS) return transactions.length > 0
  return moment in GROUP_MOMENTS ? groups.length > 0 : true
}

/** At once, within the message that is under way, within a few round trips, or within a timeout. */
const delay: Arbitrary<number> = fc.oneof(
  { weight: 4, arbitrary: fc.constant(0) },
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 6_000 }) },
  { weight: 2, arbitrary: micros(0, 40) },
  { weight: 1, arbitrary: micros(0, 400) },
)

/** One of the moments, at its first occurrence more often than not; without it when that has not come in time. */
export function onMoment(moments: readonly Moment[], focus: Focus, withinMs: number, since?: number, coordinator: Focus = focus, isAtOnce = false): Arbitrary<Trigger> {
  return fc.record({ moment: fc.constantFrom(...moments), nth: fc.constantFrom(1, 1, 1, 1, 2, 3), after: isAtOnce ? fc.constant(0) : delay, within: micros(Math.floor(withinMs / 2), withinMs) })
    .map(({ moment, nth, after, within }) => ({ on: eventOf(moment, focus, coordinator), nth, after, within, ...(since === undefined ? {} : { since }) }))
}

/** A while after the fault before has begun or, when something else ends or begins sooner, after that. */
export function laterThan(previous: number, longestMs: number): Arbitrary<Trigger> {
  return fc.record({ nth: fc.constantFrom(1, 1, 2), after: fc.oneof(micros(0, 60), micros(0, longestMs)) })
    .map(({ nth, after }) => ({ on: { kind: 'fault' }, nth, after, since: previous }))
}
