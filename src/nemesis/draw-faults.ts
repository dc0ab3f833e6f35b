/**
 * How faults are drawn: fast-check arbitraries for one fault of each kind and for whole schedules. A schedule mixes
 * independent faults with *runs*: a few faults in quick succession around one partition, each fired by what happens to
 * it (an election, an ISR change, a request in flight). Runs reach depths that independent faults hardly ever line up
 * for, and nothing in them knows of any particular defect.
 */
import fc, { type Arbitrary } from 'fast-check'
import { US_PER_MS } from '../base/time.ts'
import { type Fault, type FaultAction, type FaultKind, PARTITION_SHAPES, type Role, type Target, type Trigger, type TriggerEvent } from './fault.ts'

export interface FaultBounds {
  readonly kinds: readonly FaultKind[]
  readonly chaosUs: number
  readonly topics: readonly { readonly name: string; readonly partitions: number }[]
  readonly minFaults: number
  readonly maxFaults: number
  /** Longest outage worth drawing: somewhat above the session time-out. */
  readonly maxOutageUs: number
  readonly machineCrashes: boolean
  /** Hosts that may stay down for ever (a sufficient core remains). */
  readonly expendable: readonly string[]
  /** Hosts that run users' code: it is to be shown that this survives crashes, so they get some of their own. */
  readonly underTest: readonly string[]
}

const ALTER_PARTITION = 56
const FETCH = 1
const PRODUCE = 0
const BROKER_HEARTBEAT = 63
const VOTE = 52

type Draft = Omit<Fault, 'id'>

const micros = (fromMs: number, toMs: number): Arbitrary<number> =>
  fc.integer({ min: fromMs, max: Math.max(fromMs, Math.floor(toMs)) }).map(ms => ms * US_PER_MS)

const pick = fc.integer({ min: 0, max: 1_000_000 })

function target(roles: readonly Role[], focus?: { topic: string; partition: number }): Arbitrary<Target> {
  return fc.record({ role: fc.constantFrom(...roles), pick }).map(drawn => (focus === undefined ? drawn : { ...drawn, ...focus }))
}

const BROKER_ROLES: readonly Role[] = ['leader', 'isr-follower', 'newest-isr-member', 'out-of-isr', 'any-broker']
const SERVER_ROLES: readonly Role[] = ['leader', 'isr-follower', 'any-broker', 'any-server', 'active-controller']

function triggerEvent(focus: { topic: string; partition: number }): Arbitrary<TriggerEvent> {
  return fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom<TriggerEvent>({ kind: 'leader-elected', ...focus }, { kind: 'became-leader', ...focus }, { kind: 'became-follower', ...focus }) },
    { weight: 4, arbitrary: fc.constantFrom<TriggerEvent>({ kind: 'isr-proposed', ...focus }, { kind: 'isr-committed', ...focus }) },
    { weight: 1, arbitrary: fc.constantFrom<TriggerEvent>({ kind: 'log-truncate', ...focus }, { kind: 'log-append', ...focus }, { kind: 'high-watermark', ...focus }) },
    { weight: 2, arbitrary: fc.constantFrom<TriggerEvent>({ kind: 'broker-fenced' }, { kind: 'broker-unfenced' }, { kind: 'controller-active' }, { kind: 'client-retry' }) },
    { weight: 2, arbitrary: fc.constantFrom(ALTER_PARTITION, BROKER_HEARTBEAT, VOTE, FETCH, PRODUCE).map(apiKey => ({ kind: 'request-sent', apiKey }) as const) },
  )
}

function nthOf(on: TriggerEvent): Arbitrary<number> {
  const frequent = on.kind === 'log-append' || on.kind === 'high-watermark' || (on.kind === 'request-sent' && on.apiKey !== ALTER_PARTITION && on.apiKey !== VOTE)
  return fc.integer({ min: 1, max: frequent ? 60 : 4 })
}

/** One action of a kind, aimed at roles around `focus`. */
function action(kind: FaultKind, bounds: FaultBounds, focus?: { topic: string; partition: number }, roles?: readonly Role[]): Arbitrary<FaultAction> {
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

function focusOf(bounds: FaultBounds): Arbitrary<{ topic: string; partition: number }> {
  return fc.constantFrom(...bounds.topics).chain(topic =>
    fc.integer({ min: 0, max: topic.partitions - 1 }).map(partition => ({ topic: topic.name, partition })))
}

function independent(bounds: FaultBounds): Arbitrary<Draft[]> {
  return fc.tuple(fc.constantFrom(...bounds.kinds), focusOf(bounds)).chain(([kind, focus]) => {
    const when: Arbitrary<Trigger> = fc.oneof(
      micros(0, bounds.chaosUs / US_PER_MS).map(at => ({ at })),
      triggerEvent(focus).chain(on => fc.record({ on: fc.constant(on), nth: nthOf(on), after: fc.oneof(fc.constant(0), micros(0, 200)) })),
    )
    return fc.record({ when, action: action(kind, bounds) }).map(draft => [draft])
  })
}

/** Two to four faults that follow one another around one partition. */
function run(bounds: FaultBounds): Arbitrary<Draft[]> {
  const disruptive = bounds.kinds.filter(kind => kind !== 'clock-drift' && kind !== 'clock-step')
  const kinds = disruptive.length > 0 ? disruptive : bounds.kinds
  return fc.tuple(focusOf(bounds), micros(0, (bounds.chaosUs * 0.8) / US_PER_MS), fc.integer({ min: 2, max: 4 })).chain(([focus, begin, length]) => {
    const roles: readonly Role[] = ['leader', 'leader', 'isr-follower', 'newest-isr-member', 'out-of-isr']
    const first = fc.constantFrom(...kinds).chain(kind => action(kind, bounds, focus, roles)).map((drawn): Draft => ({ when: { at: begin }, action: drawn }))
    const next = fc.tuple(
      fc.constantFrom(...kinds),
      fc.oneof(
        micros(0, 1_500).map((gap): Trigger => ({ at: begin + gap })),
        triggerEvent(focus).chain(on => fc.record({ on: fc.constant(on), nth: nthOf(on), after: fc.oneof(fc.constant(0), micros(0, 30), micros(0, 400)) })),
      ),
    ).chain(([kind, when]) => {
      const byEvent = 'on' in when && kind !== 'restart' && kind !== 'replace-disk'
      return action(kind, bounds, focus, byEvent ? [...roles, 'subject'] : roles).map((drawn): Draft => ({ when, action: drawn }))
    })
    return fc.tuple(first, fc.array(next, { minLength: length - 1, maxLength: length - 1, size: 'max' })).map(([head, tail]) => [head, ...tail])
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

/** A whole schedule. */
export function faultSchedule(bounds: FaultBounds): Arbitrary<readonly Fault[]> {
  if (bounds.kinds.length === 0 || bounds.maxFaults === 0) return fc.constant([])
  const group = fc.oneof({ weight: 3, arbitrary: independent(bounds) }, { weight: 2, arbitrary: run(bounds) })
  const permanent = bounds.expendable.length === 0
    ? fc.constant<Draft[]>([])
    : fc.record({ host: fc.constantFrom(...bounds.expendable), at: micros(0, bounds.chaosUs / US_PER_MS) }).map(({ host, at }): Draft[] => [
        { when: { at }, action: { kind: 'crash', machine: false, target: { host }, durationUs: 0 }, permanent: true },
      ])
  const own = bounds.underTest.length === 0 || !bounds.kinds.includes('crash') && !bounds.kinds.includes('pause')
    ? fc.constant<Draft[]>([])
    : fc.array(stopOfOwn(bounds), { maxLength: 4, size: 'max' })
  return fc.tuple(fc.array(group, { minLength: Math.ceil(bounds.minFaults / 2), maxLength: bounds.maxFaults, size: 'max' }), own, permanent).map(([groups, ours, last]) =>
    [...groups.flat().slice(0, bounds.maxFaults), ...ours, ...last].map((draft, id) => ({ id, ...draft })))
}
