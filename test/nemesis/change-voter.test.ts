/** Voters removed, added and replaced by the nemesis: one change at a time, and only where the rest suffices. */
import { describe, expect, it } from 'vitest'
import { at, fault, SmallWorld } from './small-world.ts'

const SERVERS = [1, 2, 3].map(nodeId => ({ nodeId, host: `broker-${nodeId}`, roles: nodeId === 3 ? ['broker', 'controller'] : ['broker'] }))
  .concat([101, 102].map(nodeId => ({ nodeId, host: `controller-${nodeId}`, roles: ['controller'] })))
const MS = 1_000
const replace = (host: string, id = 0) => fault({ kind: 'replace-voter', target: at(host), durationUs: 20 * MS }, { id })
const remove = (host: string, id = 0) => fault({ kind: 'remove-voter', target: at(host), durationUs: 20 * MS }, { id })

function played(faults: ConstructorParameters<typeof SmallWorld>[0], servers = SERVERS, dynamic = true): SmallWorld {
  const world = new SmallWorld(faults, { servers })
  world.canChangeVoters = dynamic
  world.settle()
  world.nemesis.activate()
  return world
}

describe('a voter', () => {
  it('that is replaced comes back on an empty disk; its old self is removed, its new one added', () => {
    const world = played([replace('controller-102')])
    world.run(5)
    expect(world.machine('controller-102').isRunning).toBe(false)
    expect(world.voterChanges).toEqual(['remove controller-102 former', 'add controller-102 present'])
    world.run(30)
    expect(world.starts.map(start => start.split(' ')[1])).toEqual(['controller-102'])
    expect(world.sizeOf('controller-102', 'synced')).toBe(1)
  })

  it('that is removed is added again', () => {
    const world = played([remove('controller-102')])
    world.run(10)
    expect(world.voterChanges).toEqual(['remove controller-102 present'])
    world.run(30)
    expect(world.voterChanges).toEqual(['remove controller-102 present', 'add controller-102 present'])
    expect(world.machine('controller-102').isRunning).toBe(true)
  })

  it('stays while another change is under way, while voters are configured, when too few are left, and with a broker\'s data', () => {
    expect(played([remove('controller-102')], SERVERS, false).nemesis.fired).toEqual([])
    const reasons = ([[[replace('broker-1')], SERVERS], [[replace('broker-3')], SERVERS], [[remove('controller-102')], SERVERS.map(server => ({ ...server, roles: server.nodeId === 3 ? ['broker'] : server.roles }))]] as const)
      .map(([faults, servers]) => {
        const world = played(faults, servers)
        world.run(5)
        return world.nemesis.skipped.map(({ why }) => why)
      })
    expect(reasons).toEqual([['no such voter now'], ['a broker keeps its disk'], ['too few voters to do without one']])
    const busy = played([remove('controller-102')], SERVERS, false)
    busy.run(5)
    expect(busy.nemesis.skipped).toEqual([{ id: 0, why: 'the voters are configured, or being changed' }])
  })

  it('is not replaced while another one is removed: of two voters that are left, both are needed', () => {
    const world = new SmallWorld([remove('controller-102', 0), { ...replace('controller-101', 1), when: { at: 5 * MS } }, { ...replace('controller-101', 2), when: { at: 50 * MS } }], { servers: SERVERS })
    world.canChangeVoters = true
    world.settle()
    world.nemesis.activate()
    const votersAre = (ids: readonly number[], offset: number) =>
      world.tell({ kind: 'raft-voters', offset, epoch: 1, voters: ids.map(id => `${id}-directory`), previous: [], previousOffset: 0, highWatermark: offset })
    world.run(2)
    votersAre([3, 101], 10)
    world.run(10)
    expect(world.nemesis.skipped).toEqual([{ id: 1, why: 'too few voters to do without one' }])
    expect(world.machine('controller-101').isRunning).toBe(true)
    world.run(20)
    votersAre([3, 101, 102], 20)
    world.run(30)
    expect(world.nemesis.fired.map(({ id }) => id)).toEqual([0, 2])
    expect(world.voterChanges.slice(2)).toEqual(['remove controller-101 former', 'add controller-101 present'])
  })
})
