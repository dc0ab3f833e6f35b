/** A rolling change: one server at a time, each once the one before is in sync again, then the metadata version. */
import { describe, expect, it } from 'vitest'
import { at, fault, SmallWorld } from './small-world.ts'

const MS = 1_000
const rolling = (metadataVersion: number) => fault({ kind: 'rolling-restart', target: at('broker-2'), server: { producerIdBlockSize: 5 }, metadataVersion, durationUs: 10 * MS })

function played(metadataVersion = 30): SmallWorld {
  const world = new SmallWorld([rolling(metadataVersion)])
  world.settle()
  world.nemesis.activate()
  return world
}

describe('a rolling restart', () => {
  it('goes round once, from its target on, with the new configuration, and raises the version in the end', () => {
    const world = played()
    world.run(1_000)
    const hosts = ['broker-2', 'broker-3', 'controller-101', 'controller-102', 'broker-1']
    expect(world.starts.map(start => start.split(' ')[1])).toEqual(hosts)
    const times = world.starts.map(start => Number(start.split(' ')[0]))
    for (const [index, time] of times.slice(1).entries()) expect(time - times[index]!).toBeGreaterThanOrEqual(10)
    expect(world.reconfigured).toEqual(hosts.map(host => `${host} {"producerIdBlockSize":5}`))
    expect(world.metadataVersion).toBe(30)
  })

  it('leaves out who is down, and then the version too', () => {
    const world = played()
    world.machine('controller-101').crashProcess()
    world.run(1_000)
    expect(world.reconfigured.map(text => text.split(' ')[0])).toEqual(['broker-2', 'broker-3', 'controller-102', 'broker-1'])
    expect(world.metadataVersion).toBe(0)
  })

  it('waits for a broker that is not in sync, though not for ever', () => {
    const world = played(0)
    world.partition({ isr: [1, 3] })
    world.run(60)
    expect(world.starts).toHaveLength(1)
    world.run(60)
    expect(world.starts.length).toBeGreaterThan(1)
  })

  it('goes no further once everything is to heal, and leaves nobody down', () => {
    const world = played()
    world.run(15)
    world.nemesis.healAll()
    world.run(1_000)
    expect(world.reconfigured.length).toBeLessThan(3)
    expect(world.hosts.every(host => world.machine(host).isRunning)).toBe(true)
    expect(world.metadataVersion).toBe(0)
  })
})
