/**
 * How one fault is drawn: what it does, to whom, and what sets it off.
 */
import fc, { type Arbitrary } from 'fast-check'
import { US_PER_MS } from '../base/time.ts'
import { type Fault, type FaultAction, type FaultKind, PARTITION_SHAPES, type Role, type Target, type TriggerEvent } from './fault.ts'

export interface FaultBounds {
  readonly kinds: readonly FaultKind[]
  readonly chaosUs: number
  readonly topics: readonly { readonly name: string; readonly partitions: number }[]
  readonly minFaults: number
  readonly maxFaults: number
  /** Longest outage worth drawing: somewhat above the session time-out. */
  readonly maxOutageUs: number
  readonly machineCrashes: boolean
  /** Partitions that hold what coordinators keep of the clients of a trial. */
  readonly coordinators: Coordinators
  /** How many controllers vote: with one there is no quorum to divide. */
  readonly voters: number
  /** How many faults a run has, how many of ten groups are runs, and how many groups there are at most. */
  readonly runs: { readonly shortest: number; readonly longest: number; readonly share: number; readonly mostGroups: number }
  /** Hosts that may stay down for ever (a sufficient core remains). */
  readonly expendable: readonly string[]
  /** Hosts that run users' code: it is to be shown that this survives crashes, so they get some of their own. */
  readonly underTest: readonly string[]
}

export const ALTER_PARTITION = 56
const FETCH = 1
const PRODUCE = 0
const BROKER_HEARTBEAT = 63
const VOTE = 52

export type Draft = Omit<Fault, 'id'>

/** One partition of a topic that a trial uses. */
export interface Focus {
  readonly topic: string
  readonly partition: number
}

export interface Coordinators {
  readonly transactions: readonly Focus[]
  readonly groups: readonly Focus[]
}

export const NO_COORDINATORS: Coordinators = { transactions: [], groups: [] }

export const micros = (fromMs: number, toMs: number): Arbitrary<number> =>
  fc.integer({ min: fromMs, max: Math.max(fromMs, Math.floor(toMs)) }).map(ms => ms * US_PER_MS)

const pick = fc.integer({ min: 0, max: 1_000_000 })

export function target(roles: readonly Role[], focus?: Focus): Arbitrary<Target> {
  return fc.record({ role: fc.constantFrom(...roles), pick }).map(drawn => (focus === undefined ? drawn : { ...drawn, ...focus }))
}

const BROKER_ROLES: readonly Role[] = ['leader', 'isr-follower', 'newest-isr-member', 'out-of-isr', 'any-broker']
const SERVER_ROLES: readonly Role[] = ['leader', 'isr-follower', 'any-broker', 'any-server', 'active-controller']

export function triggerEvent(focus: Focus): Arbitrary<TriggerEvent> {
  return fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom<TriggerEvent>({ kind: 'leader-elected', ...focus }, { kind: 'became-leader', ...focus }, { kind: 'became-follower', ...focus }) },
    { weight: 4, arbitrary: fc.constantFrom<TriggerEvent>({ kind: 'isr-proposed', ...focus }, { kind: 'isr-committed', ...focus }) },
    { weight: 1, arbitrary: fc.constantFrom<TriggerEvent>({ kind: 'log-truncate', ...focus }, { kind: 'log-append', ...focus }, { kind: 'high-watermark', ...focus }) },
    { weight: 2, arbitrary: fc.constantFrom<TriggerEvent>({ kind: 'broker-fenced' }, { kind: 'broker-unfenced' }, { kind: 'controller-active' }, { kind: 'client-retry' }) },
    { weight: 2, arbitrary: fc.constantFrom(ALTER_PARTITION, BROKER_HEARTBEAT, VOTE, FETCH, PRODUCE).map(apiKey => ({ kind: 'request-sent', apiKey }) as const) },
  )
}

export function nthOf(on: TriggerEvent): Arbitrary<number> {
  const frequent = on.kind === 'log-append' || on.kind === 'high-watermark' || (on.kind === 'request-sent' && on.apiKey !== ALTER_PARTITION && on.apiKey !== VOTE)
  return fc.integer({ min: 1, max: frequent ? 60 : 4 })
}

/** One action of a kind, aimed at roles around `focus`. */
export function action(kind: FaultKind, bounds: FaultBounds, focus?: Focus, roles?: readonly Role[]): Arbitrary<FaultAction> {
  const outage = fc.oneof(micros(5, 300), micros(100, bounds.maxOutageUs / US_PER_MS))
  const brokers = roles ?? BROKER_ROLES
  const servers = roles ?? SERVER_ROLES
  switch (kind) {
    case 'partition':
      return fc.record({
        kind: fc.constant('partition' as const),
        shape: fc.constantFrom(...PARTITION_SHAPES, 'one' as const, 'one' as const),
        direction: fc.constantFrom('both' as const, 'both' as const, 'out' as const, 'in' as const),
        target: target(servers, focus),
        durationUs: outage,
      })
    case 'clog':
      return fc.record({ kind: fc.constant('clog' as const), from: target(servers, focus), to: target([...servers, 'active-controller'], focus), durationUs: outage })
    case 'slow':
      return fc.record({ kind: fc.constant('slow' as const), target: target([...servers, 'any-client'], focus), extraUs: micros(5, 300), durationUs: outage })
    case 'break':
      return fc.record({ kind: fc.constant('break' as const), target: target([...servers, 'any-client'], focus) })
    case 'crash':
      return fc.record({
        kind: fc.constant('crash' as const),
        machine: bounds.machineCrashes ? fc.boolean() : fc.constant(false),
        target: target([...servers, 'any-client'], focus),
        durationUs: outage,
      })
    case 'pause':
      return fc.record({ kind: fc.constant('pause' as const), target: target([...servers, 'any-client'], focus), durationUs: outage })
    case 'restart':
      return fc.record({ kind: fc.constant('restart' as const), target: target(brokers, focus), durationUs: outage })
    case 'replace-disk':
      return fc.record({ kind: fc.constant('replace-disk' as const), target: target(brokers, focus), durationUs: outage })
    case 'remove-voter':
    case 'replace-voter':
      return fc.record({ kind: fc.constant(kind), target: target(['active-controller', 'standby-controller'], focus), durationUs: outage })
    case 'rolling-restart':
      return fc.record({ kind: fc.constant(kind), target: target(servers, focus), server: fc.constant({}), metadataVersion: fc.constant(0), durationUs: micros(20, 200) })
    case 'alter-config': {
      const topic = bounds.topics[0]!.name
      return fc.record({ kind: fc.constant(kind), topic: fc.constant(topic), name: fc.constant('segment.bytes'), value: fc.constantFrom('400', '900'), former: fc.constant(null), durationUs: outage })
    }
    case 'half-open':
      return fc.record({ kind: fc.constant('half-open' as const), target: target([...servers, 'any-client'], focus) })
    case 'swizzle':
      return fc.record({ kind: fc.constant('swizzle' as const), hosts: fc.integer({ min: 2, max: 5 }), pick, spacingUs: micros(5, 400), durationUs: outage })
    case 'outage':
      return fc.record({
        kind: fc.constant('outage' as const),
        scope: fc.constantFrom('rack' as const, 'all' as const),
        pick,
        machine: bounds.machineCrashes ? fc.boolean() : fc.constant(false),
        durationUs: outage,
      })
    case 'disk-full':
      return fc.record({ kind: fc.constant('disk-full' as const), target: target(servers, focus), durationUs: outage })
    case 'fsync-error':
      return fc.record({ kind: fc.constant('fsync-error' as const), target: target(servers, focus), durationUs: outage })
    case 'disk-slow':
      return fc.record({ kind: fc.constant('disk-slow' as const), target: target(servers, focus), extraUs: micros(5, 500), durationUs: outage })
    case 'bit-flip':
      return fc.record({ kind: fc.constant('bit-flip' as const), target: target(brokers, focus), covered: fc.boolean(), pick, durationUs: outage })
    case 'misdirected-write':
      return fc.record({ kind: fc.constant('misdirected-write' as const), target: target(brokers, focus), pick, durationUs: outage })
    case 'bad-sector':
      return fc.record({ kind: fc.constant('bad-sector' as const), target: target(brokers, focus), pick, durationUs: outage })
    case 'clock-strobe':
      return fc.record({
        kind: fc.constant('clock-strobe' as const),
        target: target([...servers, 'any-client'], focus),
        stepMs: fc.integer({ min: -600_000, max: 600_000 }),
        periodUs: micros(5, 200),
        durationUs: outage,
      })
    case 'clock-step':
      return fc.record({
        kind: fc.constant('clock-step' as const),
        target: target([...servers, 'any-client'], focus),
        stepMs: fc.integer({ min: -600_000, max: 600_000 }),
        durationUs: outage,
      })
    case 'clock-drift':
      return fc.record({
        kind: fc.constant('clock-drift' as const),
        target: target([...servers, 'any-client'], focus),
        driftPpm: fc.integer({ min: -50_000, max: 50_000 }),
        durationUs: outage,
      })
  }
}

export function focusOf(bounds: FaultBounds): Arbitrary<Focus> {
  return fc.constantFrom(...bounds.topics).chain(topic =>
    fc.integer({ min: 0, max: topic.partitions - 1 }).map(partition => ({ topic: topic.name, partition })))
}
