/** The nemesis does each kind of fault to a small world and undoes it, on time or when everything is healed. */
import { describe, expect, it } from 'vitest'
import type { FaultAction } from '../../src/nemesis/fault.ts'
import { PORT, request, watch } from '../sim/world.ts'
import { MS, SmallWorld, at, fault } from './small-world.ts'

const durationUs = 100 * MS

/** A world in which one fault has just begun. */
function struck(action: FaultAction, before: (world: SmallWorld) => void = () => {}): SmallWorld {
  const world = new SmallWorld([fault(action)])
  world.settle()
  before(world)
  world.nemesis.activate()
  world.run(5)
  return world
}

describe('a network partition', () => {
  it('holds what goes between the groups, both ways, until it heals', () => {
    const world = struck({ kind: 'partition', shape: 'one', direction: 'both', target: at('broker-1'), durationUs })
    expect([world.ping('broker-1', 'broker-2'), world.ping('broker-2', 'broker-1'), world.ping('broker-3', 'broker-2'), world.ping('client-1', 'broker-1')]).toEqual([undefined, undefined, 4, 4])
    expect(world.faults).toEqual(['10 start 0 network partition (one) around broker-1 for 100 ms'])
    world.run(50)
    expect([world.ping('broker-1', 'broker-2'), world.ping('broker-2', 'broker-1')]).toEqual([4, 4])
    expect(world.faults.slice(1)).toEqual(['110 stop 0'])
  })

  it('one way holds what goes out, while what comes in arrives', () => {
    const log: string[] = []
    const world = struck({ kind: 'partition', shape: 'one', direction: 'out', target: at('broker-1'), durationUs }, each => {
      each.envs.get('broker-1')!.network.listen(PORT + 1, connection => watch(each.simulation, 'broker-1', connection, log))
      const connection = watch(each.simulation, 'broker-2', each.envs.get('broker-2')!.network.connect('broker-1', PORT + 1), log)
      each.run(5)
      each.simulation.schedule(2 * MS, () => connection.send(request('over an open connection')))
    })
    expect(log).toEqual(['12000 broker-2 open', '18000 broker-1 over an open connection'])
    expect([world.ping('broker-1', 'broker-2'), world.ping('broker-2', 'broker-1'), world.ping('broker-2', 'broker-3')]).toEqual([undefined, undefined, 4])
  })

  it('that overlaps another lasts until both have healed', () => {
    const cut = (duration: number): FaultAction => ({ kind: 'partition', shape: 'one', direction: 'both', target: at('broker-1'), durationUs: duration * MS })
    const world = new SmallWorld([fault(cut(50)), fault(cut(150), { id: 1, when: { at: 20 * MS } })])
    world.nemesis.activate()
    world.run(100)
    expect(world.ping('broker-1', 'broker-2')).toBeUndefined()
    world.run(60)
    expect(world.ping('broker-1', 'broker-2')).toBe(4)
  })

  it('around leaders finds them in the cluster as it is', () => {
    const world = struck({ kind: 'partition', shape: 'primaries', direction: 'both', target: at('broker-1'), durationUs }, each => each.partition({ leader: 3 }))
    expect([world.ping('broker-3', 'broker-1'), world.ping('broker-1', 'broker-2')]).toEqual([undefined, 4])
  })
})

describe('a path', () => {
  it('that is clogged holds its frames, which arrive in order when it opens', () => {
    const world = struck({ kind: 'clog', from: at('broker-1'), to: at('broker-2'), durationUs })
    expect(world.faults[0]).toContain('path broker-1 > broker-2 held')
    // The connect is held for what is left of the 100 ms.
    expect(world.ping('broker-1', 'broker-2', 200)).toBe(99)
    expect(world.ping('broker-1', 'broker-2')).toBe(4)
  })

  it('that is slow takes longer, in both directions and for clients too', () => {
    const world = struck({ kind: 'slow', target: at('broker-1'), extraUs: 7 * MS, durationUs })
    expect([world.ping('broker-1', 'broker-2', 40), world.ping('client-1', 'broker-1', 40), world.ping('broker-2', 'broker-3', 5)]).toEqual([32, 32, 4])
    world.run(60)
    expect(world.ping('broker-1', 'broker-2')).toBe(4)
  })

  it('from a host to itself is none', () => {
    const world = struck({ kind: 'clog', from: at('broker-1'), to: at('broker-1'), durationUs })
    expect(world.nemesis.skipped).toEqual([{ id: 0, why: 'no such path now' }])
    expect([world.faults, world.nemesis.fired]).toEqual([[], []])
  })
})

it('a break resets the connections of one host, and nothing is left to heal', () => {
  const log: string[] = []
  const world = struck({ kind: 'break', target: at('broker-1') }, each => {
    for (const [from, to] of [['client-1', 'broker-1'], ['broker-2', 'broker-1'], ['broker-2', 'broker-3']] as const) watch(each.simulation, `${from}>${to}`, each.envs.get(from)!.network.connect(to, PORT), log)
    each.run(5)
    log.length = 0
  })
  expect(log.map(line => line.split(' ').slice(1).join(' ')).sort()).toEqual(['broker-2>broker-1 reset', 'client-1>broker-1 reset'])
  expect(world.ping('client-1', 'broker-1')).toBe(4)
  world.nemesis.healAll()
  expect(world.faults).toEqual(['15 start 0 connections of broker-1 reset'])
})

describe('a crash', () => {
  it('of a process keeps the page cache, and the server comes back', () => {
    const world = struck({ kind: 'crash', machine: false, target: at('broker-1'), durationUs })
    expect(world.machine('broker-1').isRunning).toBe(false)
    expect([world.sizeOf('broker-1', 'synced'), world.sizeOf('broker-1', 'unsynced')]).toEqual([1, 50])
    world.run(100)
    expect(world.starts).toEqual(['110 broker-1'])
    expect(world.machine('broker-1').isRunning).toBe(true)
  })

  it('of a machine loses what was not synced', () => {
    const world = struck({ kind: 'crash', machine: true, target: at('broker-1'), durationUs })
    expect(world.machine('broker-1').isPowered).toBe(false)
    expect(world.sizeOf('broker-1', 'synced')).toBe(1)
    expect(world.sizeOf('broker-1', 'unsynced') ?? 0).toBeLessThan(50)
  })

  it('of a client is one like any other', () => {
    const world = struck({ kind: 'crash', machine: false, target: at('client-1'), durationUs })
    expect(world.machine('client-1').isRunning).toBe(false)
    world.run(100)
    expect(world.starts).toEqual(['110 client-1'])
  })

  it('does not strike twice, nor while the process stands still', () => {
    const crash: FaultAction = { kind: 'crash', machine: false, target: at('broker-1'), durationUs }
    const world = new SmallWorld([
      fault(crash), fault(crash, { id: 1, when: { at: 10 * MS } }), fault({ kind: 'pause', target: at('broker-2'), durationUs }, { id: 2 }),
      fault({ ...crash, target: at('broker-2') }, { id: 3, when: { at: 10 * MS } }),
    ])
    world.nemesis.activate()
    world.run(20)
    expect(world.nemesis.skipped).toEqual([{ id: 1, why: 'already down' }, { id: 3, why: 'already paused' }])
    expect(world.nemesis.fired.map(({ id, hosts }) => [id, hosts])).toEqual([[0, ['broker-1']], [2, ['broker-2']]])
  })
})

it('a pause stops a process and lets it go on with what it knew', () => {
  const world = struck({ kind: 'pause', target: at('broker-1'), durationUs })
  expect(world.machine('broker-1')).toMatchObject({ isPaused: true, isRunning: true, incarnation: 0 })
  expect(world.ping('broker-2', 'broker-1')).toBeUndefined()
  world.run(100)
  expect(world.machine('broker-1')).toMatchObject({ isPaused: false, incarnation: 0 })
  expect(world.ping('broker-2', 'broker-1')).toBe(4)
  expect(world.starts).toEqual([])
})

describe('a restart', () => {
  const restart: FaultAction = { kind: 'restart', target: at('broker-1'), durationUs }

  it('shuts the server down and starts it when its time is over', () => {
    const world = struck(restart)
    expect(world.machine('broker-1').isRunning).toBe(false)
    world.run(100)
    expect(world.starts).toEqual(['110 broker-1'])
  })

  it('that takes longer than its time starts the server as soon as it has stopped', () => {
    const world = struck(restart, each => { each.holdShutdowns = true })
    world.run(150)
    expect([world.machine('broker-1').isRunning, world.starts]).toEqual([true, []])
    world.stuck.get('broker-1')!()
    expect(world.starts).toEqual(['165 broker-1'])
  })
})

it('a replaced disk is empty and another one', () => {
  const world = new SmallWorld([fault({ kind: 'replace-disk', target: at('broker-1'), durationUs })])
  world.settle()
  const { id } = world.machine('broker-1').disk
  world.nemesis.activate()
  world.run(5)
  expect([world.sizeOf('broker-1', 'synced'), world.machine('broker-1').isRunning]).toEqual([undefined, false])
  expect(world.machine('broker-1').disk.id).not.toBe(id)
  world.run(120)
  expect([world.starts, world.sizeOf('broker-1', 'synced')]).toEqual([['110 broker-1'], 1])
})

describe('a clock', () => {
  it('that steps moves the wall clock only, and steps back', () => {
    const world = struck({ kind: 'clock-step', target: at('broker-1'), stepMs: -5_000, durationUs })
    const wall = (host: string): number => world.envs.get(host)!.wallClock()
    expect(wall('broker-1') - wall('broker-2')).toBe(-5_000)
    expect(world.envs.get('broker-1')!.now()).toBe(world.envs.get('broker-2')!.now())
    world.run(100)
    expect(wall('broker-1')).toBe(wall('broker-2'))
  })

  it('that drifts runs fast, and at the right speed again afterwards', () => {
    const world = struck({ kind: 'clock-drift', target: at('broker-1'), driftPpm: 50_000, durationUs })
    const ahead = (): number => world.envs.get('broker-1')!.now() - world.envs.get('broker-2')!.now()
    expect(ahead()).toBe(250)
    world.run(100)
    expect(ahead()).toBe(5_000)
    world.run(100)
    expect(ahead()).toBe(5_000)
  })
})

it('healing everything ends what lasts, starts what is down, and lets nothing more fire', () => {
  const lasting = 1_000_000 * MS
  const world = new SmallWorld([
    fault({ kind: 'partition', shape: 'one', direction: 'both', target: at('broker-1'), durationUs: lasting }),
    fault({ kind: 'crash', machine: false, target: at('broker-2'), durationUs: lasting }, { id: 1 }),
    fault({ kind: 'pause', target: at('broker-3'), durationUs: lasting }, { id: 2 }),
    fault({ kind: 'slow', target: at('client-1'), extraUs: 9 * MS, durationUs: lasting }, { id: 3 }),
    fault({ kind: 'clock-step', target: at('client-1'), stepMs: 77, durationUs: lasting }, { id: 4 }),
    fault({ kind: 'pause', target: at('broker-1'), durationUs: lasting }, { id: 5, when: { at: 500 * MS } }),
  ])
  world.nemesis.activate()
  world.run(20)
  expect(world.nemesis.fired.map(({ id }) => id)).toEqual([0, 1, 2, 3, 4])
  world.nemesis.healAll()
  expect(world.faults.filter(line => line.includes('stop'))).toEqual(['30 stop 0', '30 stop 1', '30 stop 2', '30 stop 3', '30 stop 4'])
  for (const host of ['broker-1', 'broker-2', 'broker-3']) expect(world.ping('client-1', host)).toBe(4)
  expect(world.machine('client-1').clock.offsetMs).toBe(0)
  world.run(1_000)
  expect(world.machine('broker-1').isPaused).toBe(false)
})
