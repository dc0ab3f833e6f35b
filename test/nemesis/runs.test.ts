/** Runs of faults: each is set off by what the one before has led to. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Observation, RaftRole } from '../../src/env/observation.ts'
import { describeFault } from '../../src/nemesis/describe-fault.ts'
import { NO_COORDINATORS } from '../../src/nemesis/draw-action.ts'
import { faultSchedule } from '../../src/nemesis/draw-faults.ts'
import { FAULT_KINDS, type Fault, type FaultKind, type TriggerEvent } from '../../src/nemesis/fault.ts'
import { Nemesis } from '../../src/nemesis/nemesis.ts'
import type { ClusterView, WorldPort } from '../../src/nemesis/ports.ts'

/** A world in which nothing but connections breaks, at once. */
function breaking(faults: readonly Fault[]) {
  const later: { delay: number; callback: () => void }[] = []
  const world = {
    hosts: ['broker-1', 'broker-2'], clients: [],
    network: { breakConnections: () => 0 },
    schedule: (delay: number, callback: () => void) => later.push({ delay, callback }),
    observeFault: () => undefined,
  } as unknown as WorldPort
  const nemesis = new Nemesis(world, {} as ClusterView, faults, { maxLossy: 0, beyond: false })
  nemesis.activate()
  return {
    tell: (event: Observation) => nemesis.observe(event, 'controller-1'),
    see: () => nemesis.observe({ kind: 'controller-active', epoch: 1 }, 'controller-1'),
    pass: () => later.splice(0).forEach(({ callback }) => callback()),
    fired: () => nemesis.fired.map(({ id }) => id),
  }
}

const breaks = (id: number, when: Fault['when'], host = 'broker-1'): Fault => ({ id, when, action: { kind: 'break', target: { host } } })
const onElection = (since?: number): Fault['when'] => ({ on: { kind: 'controller-active' }, nth: 1, after: 0, ...(since === undefined ? {} : { since }) })

test('a fault waits for the one that it follows, and counts from there', () => {
  const { see, pass, fired } = breaking([breaks(0, { at: 5 }), breaks(1, onElection(0))])
  see()
  see()
  pass()
  expect(fired()).toEqual([0])
  see()
  pass()
  expect(fired()).toEqual([0, 1])
})

test('it need not have done anything, or exist', () => {
  const { see, pass, fired } = breaking([breaks(0, { at: 5 }, 'nobody'), breaks(1, onElection(0)), breaks(2, onElection(7))])
  pass()
  see()
  pass()
  expect(fired()).toEqual([1, 2])
})

test('is told', () => {
  expect(describeFault(breaks(1, onElection(0)))).toBe('occurrence 1 of controller-active since fault 0: connections of broker-1 reset')
})

const bounds = { chaosUs: 6_000_000, topics: [{ name: 'orders', partitions: 2 }], minFaults: 1, maxFaults: 9, maxOutageUs: 2_200_000, machineCrashes: true, expendable: [], underTest: [], coordinators: NO_COORDINATORS, voters: 3, runs: { shortest: 2, longest: 4, share: 4, mostGroups: 9 } }

test('schedules are drawn so that faults follow earlier ones, of allowed kinds', () => {
  fc.assert(fc.property(fc.subarray([...FAULT_KINDS], { minLength: 1 }).chain(kinds => fc.tuple(fc.constant(kinds), faultSchedule({ ...bounds, kinds }))), ([kinds, faults]) => {
    expect(faults.length).toBeLessThanOrEqual(bounds.maxFaults)
    faults.forEach(({ id, when, action }, index) => {
      expect(id).toBe(index)
      expect(kinds).toContain(action.kind satisfies FaultKind)
      if ('on' in when && when.since !== undefined) expect(when.since).toBe(id - 1)
    })
  }), { seed: 1, numRuns: 300 })
})

test('a fault that has waited long enough for what it follows fires without', () => {
  const waits = (id: number, since?: number): Fault => breaks(id, { ...onElection(since), within: 7 })
  const { see, pass, fired } = breaking([breaks(0, { at: 5 }), waits(1, 0), waits(2)])
  pass()
  expect(fired()).toEqual([0, 2])
  pass()
  expect(fired()).toEqual([0, 2, 1])
  see()
  pass()
  expect(fired()).toEqual([0, 2, 1])
})

test('and not again when it has come', () => {
  const { see, pass, fired } = breaking([breaks(0, { ...onElection(), within: 7 })])
  see()
  pass()
  pass()
  expect(fired()).toEqual([0])
})

test('occurrences are told apart by who appended and by the role that was taken', () => {
  const by = (on: TriggerEvent) => breaking([breaks(0, { on, nth: 1, after: 0 })])
  const append = (asLeader: boolean) => ({ kind: 'raft-append', baseOffset: 0, lastOffset: 0, epoch: 1, crc: 0, asLeader }) as const
  const role = (taken: RaftRole) => ({ kind: 'raft-role', role: taken, epoch: 1, leaderId: 1, votedFor: 1, isVoter: true }) as const
  for (const [on, other, wanted] of [
    [{ kind: 'raft-append', asLeader: true }, append(false), append(true)],
    [{ kind: 'raft-append', asLeader: false }, append(true), append(false)],
    [{ kind: 'raft-role', role: 'leader' }, role('candidate'), role('leader')],
  ] as const) {
    const { tell, pass, fired } = by(on)
    tell(other)
    pass()
    expect(fired()).toEqual([])
    tell(wanted)
    pass()
    expect(fired()).toEqual([0])
  }
})
