/** Faults of disks, whole racks, half-open connections, swizzles and strobing clocks, each done to a small world and undone. */
import { describe, expect, it } from 'vitest'
import { DiskError } from '../../src/env/disk.ts'
import type { FaultAction } from '../../src/nemesis/fault.ts'
import { PORT, request } from '../sim/world.ts'
import { MS, SmallWorld, at, fault } from './small-world.ts'

const durationUs = 100 * MS

function struck(action: FaultAction, o: { beyond?: boolean; maxLossy?: number; before?: (world: SmallWorld) => void } = {}): SmallWorld {
  const world = new SmallWorld([fault(action)], { budget: { beyond: o.beyond ?? false, maxLossy: o.maxLossy ?? 1 } })
  world.settle()
  o.before?.(world)
  world.nemesis.activate()
  world.run(5)
  return world
}

/** Two record batches, as far as their framing goes: base offset, length, then something. */
function batches(): Uint8Array {
  const bytes = new Uint8Array(160).fill(7)
  const view = new DataView(bytes.buffer)
  view.setBigInt64(0, 0n)
  view.setInt32(8, 68)
  view.setBigInt64(80, 1n)
  view.setInt32(88, 68)
  return bytes
}

const LOG = 'data/t-0/00000000000000000000.log'
const withLog = (world: SmallWorld): void => world.envs.get('broker-1')!.disk.open(LOG).append(batches())
const stored = (world: SmallWorld): Uint8Array => world.machine('broker-1').disk.read(LOG)
const changed = (world: SmallWorld): number[] => [...stored(world)].flatMap((byte, index) => (byte === batches()[index] ? [] : [index]))

describe('a half-open connection', () => {
  it('leads nowhere, neither end is told, and a new one works', () => {
    const seen: string[] = []
    let send = (): void => {}
    const world = struck({ kind: 'half-open', target: at('broker-1') }, { before: each => {
      const connection = each.envs.get('client-1')!.network.connect('broker-1', PORT)
      connection.onFrame = () => seen.push('answer')
      connection.onClose = reason => seen.push(reason)
      send = () => connection.send(request('ping'))
      each.run(5)
      each.simulation.schedule(0, send)
      each.run(10)
    } })
    expect(seen).toEqual(['answer'])
    world.simulation.schedule(0, send)
    world.run(200)
    expect(seen).toEqual(['answer'])
    expect(world.ping('client-1', 'broker-1')).toBe(4)
  })
})

describe('a swizzle', () => {
  it('cuts servers off one after another and lets them back one after another', () => {
    const world = struck({ kind: 'swizzle', hosts: 3, pick: 5, spacingUs: 50 * MS, durationUs: 1_000 * MS })
    const { hosts } = world.nemesis.fired[0]!
    expect(new Set(hosts).size).toBe(3)
    const reachable = (): boolean[] => hosts.map(host => world.ping('client-1', host, 15) !== undefined)
    expect(reachable()).toEqual([false, true, true])
    world.run(55)
    expect(reachable()[0]).toBe(false)
    expect(reachable()[2]).toBe(false)
    world.run(300)
    expect(reachable()).toEqual([true, true, true])
  })

  it('is over at once when everything heals', () => {
    const world = struck({ kind: 'swizzle', hosts: 3, pick: 5, spacingUs: 50 * MS, durationUs: 1_000 * MS })
    world.nemesis.healAll()
    world.run(200)
    for (const host of world.nemesis.fired[0]!.hosts) expect(world.ping('client-1', host)).toBe(4)
  })
})

describe('an outage', () => {
  it('of a rack stops its servers at one moment and starts them again', () => {
    const world = struck({ kind: 'outage', scope: 'rack', pick: 0, machine: false, durationUs })
    expect(world.hosts.filter(host => !world.machine(host).isRunning)).toEqual(['broker-1', 'broker-2'])
    world.run(100)
    expect(world.hosts.every(host => world.machine(host).isRunning)).toBe(true)
  })

  it('of every server is survived as long as nothing is lost', () => {
    expect(struck({ kind: 'outage', scope: 'all', pick: 0, machine: false, durationUs }).nemesis.fired[0]!.hosts.length).toBe(5)
    expect(struck({ kind: 'outage', scope: 'all', pick: 0, machine: true, durationUs }).nemesis.skipped).toEqual([{ id: 0, why: 'beyond the survivability budget' }])
    const lossy = struck({ kind: 'outage', scope: 'all', pick: 0, machine: true, durationUs }, { maxLossy: 3 })
    expect(lossy.hosts.filter(host => lossy.machine(host).isPowered)).toEqual([])
  })
})

describe('a disk', () => {
  const write = (world: SmallWorld, path = 'data/synced'): void => {
    const env = world.envs.get('broker-1')!
    env.spawn('write', (function* () {
      const file = env.disk.open(path)
      file.append(new Uint8Array(1))
      yield* file.fsync()
    })())
    world.run(5)
  }

  it.each(['disk-full', 'fsync-error'] as const)('with %s kills the process that writes, and starts it again when it is well', kind => {
    const world = struck({ kind, target: at('broker-1'), durationUs })
    expect(world.machine('broker-1').isRunning).toBe(true)
    write(world)
    expect(world.machine('broker-1').isRunning).toBe(false)
    expect(world.simulation.crashes).toEqual([])
    world.run(150)
    expect(world.machine('broker-1').isRunning).toBe(true)
    write(world)
    expect(world.machine('broker-1').isRunning).toBe(true)
  })

  it('that is full lets one overwrite and truncate', () => {
    const world = struck({ kind: 'disk-full', target: at('broker-1'), durationUs })
    const file = world.envs.get('broker-1')!.disk.open('data/unsynced')
    file.write(0, new Uint8Array(5))
    file.truncate(20)
    expect(() => file.write(18, new Uint8Array(3))).toThrow(DiskError)
    expect(file.size).toBe(20)
  })

  it('whose fsync fails has made nothing durable', () => {
    const world = struck({ kind: 'fsync-error', target: at('broker-1'), durationUs })
    write(world, 'data/new')
    const { disk } = world.machine('broker-1')
    expect(disk.open('data/new').unsyncedOperations).toBe(1)
  })

  it('that is slow takes its time, and then no more', () => {
    const world = struck({ kind: 'disk-slow', target: at('broker-1'), extraUs: 30 * MS, durationUs })
    const { disk } = world.machine('broker-1')
    write(world)
    expect(disk.open('data/synced').unsyncedOperations).toBe(1)
    world.run(40)
    expect(disk.open('data/synced').unsyncedOperations).toBe(0)
    world.run(100)
    write(world)
    expect(disk.open('data/synced').unsyncedOperations).toBe(0)
  })

  it('flips one bit, under the CRC or before it, of a whole batch', () => {
    const target = { role: 'leader', topic: 't', partition: 0, pick: 0 } as const
    for (let pick = 0; pick < 40; pick++) {
      const covered = changed(struck({ kind: 'bit-flip', target, covered: true, pick, durationUs }, { before: withLog }))
      expect(covered.length).toBe(1)
      expect(covered[0]! % 80).toBeGreaterThanOrEqual(17)
      const bare = changed(struck({ kind: 'bit-flip', target, covered: false, pick, durationUs }, { before: withLog, beyond: true }))
      expect(bare.length).toBe(1)
      expect(bare[0]! % 80).toBeLessThan(17)
    }
  })

  it('gets a batch in the place of another one', () => {
    const moved = [0, 1, 2, 3, 4, 5].map(pick => struck({ kind: 'misdirected-write', target: at('broker-1'), pick, durationUs }, { before: withLog, beyond: true }))
      .filter(world => world.nemesis.skipped.length === 0)
    expect(moved.length).toBeGreaterThan(0)
    for (const world of moved) expect(stored(world).slice(0, 80)).toEqual(stored(world).slice(80))
  })

  it('cannot read a file any more, until it is replaced', () => {
    const world = struck({ kind: 'bad-sector', target: at('broker-1'), pick: 0, durationUs }, { before: withLog })
    const { disk } = world.envs.get('broker-1')!
    const { id } = disk
    expect(() => disk.open(LOG).read(0, 1)).toThrow(DiskError)
    expect(() => disk.open(LOG).view()).toThrow(DiskError)
    world.run(150)
    expect(world.machine('broker-1')).toMatchObject({ isRunning: true, incarnation: 1 })
    expect(world.machine('broker-1').disk.id).not.toBe(id)
  })

  it('that is damaged counts as lost until it is replaced and the broker is back, whatever is restarted meanwhile', () => {
    const world = new SmallWorld([
      fault({ kind: 'bit-flip', target: at('broker-1'), covered: true, pick: 0, durationUs: 500 * MS }),
      fault({ kind: 'crash', machine: true, target: at('broker-2'), durationUs: 10 * MS }, { id: 1, when: { at: 200 * MS } }),
      fault({ kind: 'crash', machine: true, target: at('broker-2'), durationUs: 10 * MS }, { id: 2, when: { at: 900 * MS } }),
    ])
    world.settle()
    withLog(world)
    world.nemesis.activate()
    world.run(100)
    world.rejoin(1)
    world.run(600)
    world.rejoin(1)
    world.run(300)
    expect(world.nemesis.skipped).toEqual([{ id: 1, why: 'beyond the survivability budget' }])
    expect(world.nemesis.fired.map(({ id }) => id)).toEqual([0, 2])
  })

  it('of a voter is not damaged, nor one that holds nothing', () => {
    expect(struck({ kind: 'bad-sector', target: at('controller-101'), pick: 0, durationUs }).nemesis.skipped).toEqual([{ id: 0, why: 'a quorum voter keeps its disk' }])
    expect(struck({ kind: 'bad-sector', target: at('broker-1'), pick: 0, durationUs }).nemesis.skipped).toEqual([{ id: 0, why: 'nothing is stored there yet' }])
  })
})

it('a clock that strobes steps back and forth and is right at the end', () => {
  const world = struck({ kind: 'clock-strobe', target: at('broker-1'), stepMs: 3_000, periodUs: 10 * MS, durationUs })
  const offsets: number[] = []
  for (let i = 0; i < 6; i++) {
    offsets.push(world.machine('broker-1').clock.offsetMs)
    world.run(10)
  }
  expect(offsets).toEqual([3_000, 0, 3_000, 0, 3_000, 0])
  world.run(200)
  expect(world.machine('broker-1').clock.offsetMs).toBe(0)
})
