/** Drawn schedules: within their bounds, of every kind, by time and by event, and with runs around one partition. */
import { describe, expect, it } from 'vitest'
import { NO_COORDINATORS } from '../../src/nemesis/draw-action.ts'
import { type FaultBounds, faultSchedule } from '../../src/nemesis/draw-faults.ts'
import { FAULT_KINDS, type Fault, type FaultKind, PARTITION_SHAPES, type Role, targetsOf } from '../../src/nemesis/fault.ts'
import { drawOne, rootOf } from '../../src/plan/seed-random.ts'

const BOUNDS: FaultBounds = {
  kinds: FAULT_KINDS,
  chaosUs: 5_000_000,
  topics: [{ name: 'a', partitions: 3 }, { name: 'b', partitions: 1 }],
  minFaults: 1,
  maxFaults: 9,
  maxOutageUs: 2_000_000,
  machineCrashes: true,
  expendable: [],
  underTest: [],
  coordinators: NO_COORDINATORS, voters: 3,
  runs: { shortest: 2, longest: 4, share: 4, mostGroups: 9 },
}

function schedules(bounds: Partial<FaultBounds> = {}, count = 150): (readonly Fault[])[] {
  const { random } = rootOf('schedules')
  const arbitrary = faultSchedule({ ...BOUNDS, ...bounds })
  return Array.from({ length: count }, () => drawOne(arbitrary, random))
}

const all = (bounds: Partial<FaultBounds> = {}): Fault[] => schedules(bounds).flat()
const rolesOf = (fault: Fault): Role[] => targetsOf(fault.action).flatMap(target => ('role' in target ? [target.role] : []))

describe('a schedule', () => {
  it('has at least one fault and at most as many as allowed, numbered in order', () => {
    const lengths = schedules().map(faults => {
      expect(faults.map(({ id }) => id)).toEqual(faults.map((_, index) => index))
      return faults.length
    })
    expect([Math.min(...lengths), Math.max(...lengths)]).toEqual([1, 9])
  })

  it('is empty when there is nothing to draw from', () => {
    expect(schedules({ kinds: [] }, 20).flat()).toEqual([])
    expect(schedules({ maxFaults: 0 }, 20).flat()).toEqual([])
  })

  it.each(FAULT_KINDS)('of the kind %s holds nothing else', kind => {
    expect(new Set(all({ kinds: [kind] }).map(({ action }) => action.kind))).toEqual(new Set([kind]))
  })

  it('uses every kind, every shape and direction, and both sorts of trigger', () => {
    const faults = all()
    expect(new Set(faults.map(({ action }) => action.kind))).toEqual(new Set<FaultKind>(FAULT_KINDS))
    const partitions = all({ kinds: ['partition'] }).flatMap(({ action }) => (action.kind === 'partition' ? [action] : []))
    expect(new Set(partitions.map(({ shape }) => shape))).toEqual(new Set(PARTITION_SHAPES))
    expect(new Set(partitions.map(({ direction }) => direction))).toEqual(new Set(['both', 'out', 'in']))
    const byEvent = faults.filter(({ when }) => 'on' in when).length
    expect(byEvent).toBeGreaterThan(faults.length / 4)
    expect(byEvent).toBeLessThan((faults.length * 3) / 4)
    expect(new Set(faults.flatMap(({ when }) => ('on' in when ? [when.on.kind] : [])))).toContain('isr-proposed')
    expect(new Set(faults.flatMap(rolesOf))).toEqual(new Set<Role>([
      'subject', 'leader', 'isr-follower', 'out-of-isr', 'newest-isr-member', 'active-controller', 'standby-controller', 'any-broker', 'any-server', 'any-client',
    ]))
  })

  it('aims at partitions that exist', () => {
    const named = all().flatMap(fault => [...targetsOf(fault.action), ...('on' in fault.when ? [fault.when.on] : [])])
      .flatMap(place => ('topic' in place && place.topic !== undefined ? [`${place.topic}-${place.partition}`] : []))
    expect(new Set(named)).toEqual(new Set(['a-0', 'a-1', 'a-2', 'b-0']))
  })

  it('keeps outages within bounds, and by time starts them while chaos lasts', () => {
    for (const { when, action } of all()) {
      if ('durationUs' in action) expect(action.durationUs).toSatisfy(us => us >= 5_000 && us <= BOUNDS.maxOutageUs * 1.5)
      if ('at' in when) expect(when.at).toSatisfy(at => at >= 0 && at <= BOUNDS.chaosUs * 0.8 + 1_500_000)
      else expect([when.nth >= 1, when.nth <= 60, when.after >= 0, when.after <= BOUNDS.maxOutageUs, (when.within ?? 0) <= BOUNDS.maxOutageUs]).toEqual([true, true, true, true, true])
    }
  })

  it('cuts the power only where that is allowed', () => {
    const lossy = (machineCrashes: boolean): number => all({ kinds: ['crash'], machineCrashes }).filter(({ action }) => action.kind === 'crash' && action.machine).length
    expect(lossy(false)).toBe(0)
    expect(lossy(true)).toBeGreaterThan(50)
  })

  it('puts several faults close together around one partition', () => {
    const runs = schedules().filter(faults => {
      const focused = faults.flatMap(fault => targetsOf(fault.action)).flatMap(target => ('topic' in target && target.topic !== undefined ? [`${target.topic}-${target.partition}`] : []))
      return focused.length >= 2 && new Set(focused).size === 1
    })
    expect(runs.length).toBeGreaterThan(20)
  })

  it('stops the processes under test a few times more, by what may be drawn', () => {
    const own = (kinds: readonly FaultKind[]): readonly Fault[] => schedules({ kinds, underTest: ['client-1', 'client-2'] }).flatMap(faults => faults.filter(fault => targetsOf(fault.action).some(target => 'host' in target && target.host.startsWith('client'))))
    expect(own(['partition', 'slow'])).toEqual([])
    expect(new Set(own(['crash', 'slow']).map(({ action }) => action.kind))).toEqual(new Set(['crash']))
    const all = own(FAULT_KINDS)
    expect(all.length).toBeGreaterThan(150)
    expect(new Set(all.map(({ action }) => action.kind))).toEqual(new Set(['crash', 'pause']))
    expect(all.filter(({ action }) => action.kind === 'crash' && action.machine)).toEqual([])
  })

  it('ends with one host that stays down, if some are expendable', () => {
    for (const faults of schedules({ expendable: ['broker-1', 'broker-3'] }, 40)) {
      expect(faults.filter(({ permanent }) => permanent === true)).toHaveLength(1)
      const last = faults.at(-1)!
      expect(last).toMatchObject({ permanent: true, action: { kind: 'crash', machine: false } })
      expect(['broker-1', 'broker-3']).toContain((targetsOf(last.action)[0] as { host: string }).host)
    }
    expect(all().filter(({ permanent }) => permanent === true)).toEqual([])
  })
})
