/**
 * What the nemesis may do: no more brokers lose data at a time than the guarantee survives, voters keep their disks, a
 * broker counts until it is back everywhere, and what stays down for ever leaves a core that suffices.
 */
import { describe, expect, it } from 'vitest'
import type { Fault, FaultAction } from '../../src/nemesis/fault.ts'
import { MS, SmallWorld, at, fault } from './small-world.ts'

const durationUs = 50 * MS
const power = (host: string): FaultAction => ({ kind: 'crash', machine: true, target: at(host), durationUs })
const kill = (host: string): FaultAction => ({ kind: 'crash', machine: false, target: at(host), durationUs })
const wipe = (host: string): FaultAction => ({ kind: 'replace-disk', target: at(host), durationUs })
const restart = (host: string): FaultAction => ({ kind: 'restart', target: at(host), durationUs })

/** One fault every 100 ms; between them the brokers rejoin as `between` says. */
function strike(actions: readonly FaultAction[], o: { maxLossy?: number; beyond?: boolean; between?: (world: SmallWorld, index: number) => void; permanent?: boolean } = {}): SmallWorld {
  const world = new SmallWorld(
    actions.map((action, id): Fault => ({ id, when: { at: id * 100 * MS }, action, ...(o.permanent === true ? { permanent: true } : {}) })),
    { budget: { maxLossy: o.maxLossy ?? 1, beyond: o.beyond ?? false } },
  )
  world.settle()
  world.nemesis.activate()
  actions.forEach((_, index) => {
    world.run(90)
    o.between?.(world, index)
    world.run(10)
  })
  return world
}

const firedIn = (world: SmallWorld): number[] => world.nemesis.fired.map(({ id }) => id)
const BEYOND = 'beyond the survivability budget'

describe('the budget', () => {
  it('lets one broker lose data, and no second one before it is back', () => {
    const world = strike([power('broker-1'), power('broker-2'), wipe('broker-3')])
    expect(firedIn(world)).toEqual([0])
    expect(world.nemesis.skipped).toEqual([{ id: 1, why: BEYOND }, { id: 2, why: BEYOND }])
    expect(world.machine('broker-2').incarnation).toBe(0)
  })

  it('is free again once the broker is unfenced and in every ISR', () => {
    const world = strike([power('broker-1'), power('broker-2')], { between: each => each.rejoin(1) })
    expect(firedIn(world)).toEqual([0, 1])
  })

  it.each<[string, (world: SmallWorld) => void]>([
    ['registered only', world => world.tell({ kind: 'broker-registered', brokerId: 1, brokerEpoch: 1, unclean: true })],
    ['unfenced by its old session only', world => world.tell({ kind: 'broker-unfenced', brokerId: 1, brokerEpoch: 1 })],
    ['outside an ISR', world => {
      world.rejoin(1)
      world.partition({ leader: 2, isr: [2, 3] })
    }],
  ])('is not while it is %s', (_, between) => {
    expect(firedIn(strike([power('broker-1'), power('broker-2')], { between }))).toEqual([0])
  })

  it('counts unclean shutdowns without loss while another broker has lost data', () => {
    const world = strike([kill('broker-1'), power('broker-2'), kill('broker-3')])
    // A killed broker is dropped from ISR and ELR all the same, so the second may not lose data.
    expect(world.nemesis.skipped).toEqual([{ id: 1, why: BEYOND }])
    expect(firedIn(world)).toEqual([0, 2])
    expect(strike([power('broker-1'), kill('broker-2')]).nemesis.skipped).toEqual([{ id: 1, why: BEYOND }])
  })

  it('does not count a controlled restart, unless the broker has no epoch to write down', () => {
    expect(firedIn(strike([restart('broker-1'), power('broker-2')]))).toEqual([0, 1])
    const world = strike([kill('broker-1'), restart('broker-1'), power('broker-2')], { between: (each, index) => {
      if (index === 0) each.tell({ kind: 'broker-fenced', brokerId: 1, brokerEpoch: 1 })
    } })
    expect(world.nemesis.skipped).toEqual([{ id: 2, why: BEYOND }])
  })

  it('follows what the configuration survives', () => {
    const actions = [power('broker-1'), power('broker-2'), power('broker-3')]
    expect(firedIn(strike(actions, { maxLossy: 0 }))).toEqual([])
    expect(firedIn(strike(actions, { maxLossy: 2 }))).toEqual([0, 1])
    expect(firedIn(strike(actions, { maxLossy: 0, beyond: true }))).toEqual([0, 1, 2])
    // Nothing is lost by killing them.
    expect(firedIn(strike([kill('broker-1'), kill('broker-2'), kill('broker-3')], { maxLossy: 0 }))).toEqual([0, 1, 2])
  })

  it('leaves the quorum its disks', () => {
    const world = strike([wipe('controller-101'), power('controller-101'), power('controller-102')], { beyond: true })
    expect(world.nemesis.skipped).toEqual([{ id: 0, why: 'a quorum voter keeps its disk' }])
    expect(firedIn(world)).toEqual([1, 2])
  })

  it('leaves a voter that stands alone its power, since it commits before it has flushed', () => {
    const servers = [{ nodeId: 1, host: 'broker-1', roles: ['broker'] }, { nodeId: 101, host: 'controller-101', roles: ['controller'] }]
    for (const beyond of [false, true]) {
      const world = new SmallWorld([fault(power('controller-101')), fault(kill('controller-101'), { id: 1, when: { at: 5 * MS } })], { servers, budget: { beyond } })
      world.nemesis.activate()
      world.run(20)
      expect(firedIn(world)).toEqual(beyond ? [0] : [1])
    }
  })
})

describe('a broker that stays down', () => {
  it('is not healed, and no other fault brings it back', () => {
    const world = new SmallWorld([
      fault(kill('broker-1'), { permanent: true }),
      fault({ kind: 'partition', shape: 'one', direction: 'both', target: at('broker-1'), durationUs }, { id: 1 }),
    ])
    world.settle()
    world.nemesis.activate()
    world.run(200)
    world.nemesis.healAll()
    world.run(200)
    expect([world.machine('broker-1').isRunning, world.nemesis.isPermanentlyDown('broker-1'), world.starts]).toEqual([false, true, []])
    expect(world.faults.filter(line => line.includes('stop'))).toEqual(['60 stop 1'])
  })

  it('during its own restart is not brought back by it', () => {
    const world = new SmallWorld([fault(restart('broker-1')), fault({ ...kill('broker-1') }, { id: 1, permanent: true })])
    world.settle()
    world.nemesis.activate()
    world.run(200)
    expect([world.machine('broker-1').isRunning, world.starts]).toEqual([false, []])
  })

  it('comes back when a partition could be led by nobody else', () => {
    const world = strike([kill('broker-1'), kill('broker-2')], { permanent: true })
    world.nemesis.healAll()
    world.partition({ leader: 3, isr: [3] })
    world.nemesis.completeCore()
    expect(world.starts).toEqual([])
    // Broker 3 may not lead: it is in neither ISR nor ELR.
    world.partition({ leader: -1, isr: [1], elr: [2] })
    world.nemesis.completeCore()
    expect(world.starts.map(line => line.split(' ')[1])).toEqual(['broker-1', 'broker-2'])
    expect([world.nemesis.isPermanentlyDown('broker-1'), world.nemesis.isPermanentlyDown('broker-2')]).toEqual([false, false])
    expect(world.faults.filter(line => line.includes('stop')).map(line => line.split(' ').slice(1).join(' '))).toEqual(['stop 0', 'stop 1'])
  })

  it('does not when an ELR member that lives may lead', () => {
    const world = strike([kill('broker-1')], { permanent: true })
    world.nemesis.healAll()
    world.partition({ leader: -1, isr: [1], elr: [3] })
    world.nemesis.completeCore()
    expect(world.starts).toEqual([])
  })
})
