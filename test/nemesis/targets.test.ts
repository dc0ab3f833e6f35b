/**
 * When a fault fires and whom it meets: the n-th of what it waits for, narrowed to a topic, partition or API, some time
 * after; roles resolved in the cluster as it is then, followed from observations, of the newest controller only.
 */
import { describe, expect, it } from 'vitest'
import { ObservedCluster } from '../../src/nemesis/cluster-view.ts'
import type { Role, Target, Trigger } from '../../src/nemesis/fault.ts'
import { CONTROLLER, MS, SmallWorld, fault } from './small-world.ts'

/** A world in which breaks, which any host can take, wait for their trigger. */
function waiting(when: Trigger, target: Target = { host: 'broker-1' }): SmallWorld {
  const world = new SmallWorld([fault({ kind: 'break', target }, { when })])
  world.settle()
  world.nemesis.activate()
  return world
}

const elected = (partition: number, topic = 't') => ({
  kind: 'leader-elected', topic, topicId: 'T', partition, leader: 1, leaderEpoch: 1, reason: 'isr',
}) as unknown as Parameters<SmallWorld['tell']>[0]

describe('a trigger', () => {
  it('by time counts from the moment when the schedule begins', () => {
    const world = waiting({ at: 30 * MS })
    world.run(29)
    expect(world.faults).toEqual([])
    world.run(2)
    expect(world.faults).toEqual(['40 start 0 connections of broker-1 reset'])
  })

  it('by event waits for the n-th that fits, then for its delay, and fires once', () => {
    const world = waiting({ on: { kind: 'leader-elected', topic: 't', partition: 0 }, nth: 2, after: 5 * MS })
    world.tell(elected(0))
    world.tell(elected(1))
    world.tell(elected(0, 'other'))
    world.tell({ kind: 'mark', name: 'leader-elected' })
    world.run(10)
    expect(world.faults).toEqual([])
    world.tell(elected(0))
    world.tell(elected(0))
    world.run(4)
    expect(world.faults).toEqual([])
    world.run(2)
    expect(world.faults).toEqual(['25 start 0 connections of broker-1 reset'])
    world.run(50)
    expect(world.faults).toHaveLength(1)
  })

  it('by request looks at the API, and may aim at either end', () => {
    const request = (apiKey: number) => ({ kind: 'request-sent', apiKey, to: 'broker-3', correlationId: 0 }) as const
    for (const [role, host] of [['subject', 'broker-2'], ['other-end', 'broker-3']] as const) {
      const world = waiting({ on: { kind: 'request-sent', apiKey: 56 }, nth: 1, after: 0 }, { role, pick: 0 })
      world.tell(request(1), 'broker-1')
      world.run(5)
      expect(world.faults).toEqual([])
      world.tell(request(56), 'broker-2')
      world.run(5)
      expect(world.nemesis.fired).toEqual([{ id: 0, text: `connections of ${host} reset`, hosts: [host] }])
    }
  })

  it('is deaf before the schedule begins and after everything has healed', () => {
    const when: Trigger = { on: { kind: 'leader-elected' }, nth: 1, after: 0 }
    const early = new SmallWorld([fault({ kind: 'break', target: { host: 'broker-1' } }, { when })])
    early.tell(elected(0))
    early.nemesis.activate()
    early.run(5)
    expect(early.nemesis.fired).toEqual([])
    const late = waiting(when)
    late.nemesis.healAll()
    late.tell(elected(0))
    late.run(5)
    expect(late.nemesis.fired).toEqual([])
  })
})

describe('a role', () => {
  /** Whom a break meets that aims at it, in a cluster that `prepare` has arranged. */
  function met(role: Role, pick = 0, prepare: (world: SmallWorld) => void = () => {}, where: { topic?: string; partition?: number } = { topic: 't', partition: 0 }): string | undefined {
    const world = new SmallWorld([fault({ kind: 'break', target: { role, pick, ...where } })])
    world.settle()
    prepare(world)
    world.nemesis.activate()
    world.run(5)
    return world.nemesis.fired[0]?.hosts[0] ?? world.nemesis.skipped[0]?.why
  }

  it('of a partition follows its registration', () => {
    const shrunk = (world: SmallWorld): void => world.partition({ leader: 2, isr: [2, 3] })
    expect([met('leader'), met('leader', 0, shrunk)]).toEqual(['broker-1', 'broker-2'])
    expect([met('isr-follower', 0), met('isr-follower', 1), met('isr-follower', 0, shrunk)]).toEqual(['broker-2', 'broker-3', 'broker-3'])
    expect([met('out-of-isr'), met('out-of-isr', 5, shrunk)]).toEqual(['no such target now', 'broker-1'])
    expect(met('newest-isr-member')).toBe('no such target now')
    expect(met('newest-isr-member', 0, world => {
      shrunk(world)
      world.partition({ leader: 2, isr: [2, 3, 1] })
    })).toBe('broker-1')
    expect(met('leader', 0, world => world.partition({ leader: -1 }))).toBe('no such target now')
  })

  it('without a partition takes one of those that exist', () => {
    const other = (world: SmallWorld): void => world.partition({ topic: 'u', partition: 3, leader: 3 })
    expect([met('leader', 0, other, {}), met('leader', 1, other, {})]).toEqual(['broker-1', 'broker-3'])
  })

  it('of the cluster picks among those that have it', () => {
    expect([met('active-controller'), met('standby-controller')]).toEqual([CONTROLLER, 'controller-102'])
    expect([0, 1, 2, 3].map(pick => met('any-broker', pick))).toEqual(['broker-1', 'broker-2', 'broker-3', 'broker-1'])
    expect([met('any-server', 4), met('any-client', 9)]).toEqual(['controller-102', 'client-1'])
  })

  it('that nobody has skips the fault, and so does a host that is not there', () => {
    const world = new SmallWorld([
      fault({ kind: 'pause', target: { role: 'active-controller', pick: 0 }, durationUs: 1 }), fault({ kind: 'clock-step', target: { host: 'broker-9' }, stepMs: 1, durationUs: 1 }, { id: 1 }),
      fault({ kind: 'partition', shape: 'primaries', direction: 'both', target: { host: 'broker-1' }, durationUs: 1 }, { id: 2 }),
    ])
    world.nemesis.activate()
    world.run(5)
    expect(world.nemesis.skipped).toEqual([{ id: 0, why: 'no such target now' }, { id: 1, why: 'no such target now' }, { id: 2, why: 'nothing to cut' }])
    expect(world.faults).toEqual([])
  })
})

describe('the view of the cluster', () => {
  it('believes the newest controller only, and forgets what its predecessor had said', () => {
    const world = new SmallWorld([])
    world.settle()
    world.tell({ kind: 'controller-active', epoch: 3 }, 'controller-102')
    expect([world.view.activeController, world.view.leaderOf('t', 0), world.view.partitions()]).toEqual(['controller-102', undefined, []])
    world.partition({ leader: 2 }, CONTROLLER)
    world.tell({ kind: 'controller-active', epoch: 2 }, CONTROLLER)
    expect([world.view.activeController, world.view.leaderOf('t', 0)]).toEqual(['controller-102', undefined])
    world.partition({ leader: 3, elr: [2] }, 'controller-102')
    expect([world.view.leaderOf('t', 0), world.view.elrOf('t', 0), world.view.isrOf('t', 0)]).toEqual(['broker-3', ['broker-2'], ['broker-1', 'broker-2', 'broker-3']])
  })

  it('knows who is in sync everywhere, and what was deleted', () => {
    const world = new SmallWorld([])
    world.settle()
    world.partition({ topic: 'u', replicas: [1, 2], isr: [2], leader: 2 })
    expect([1, 2, 3].map(id => world.view.isFullyInSync(`broker-${id}`))).toEqual([false, true, true])
    world.tell({ kind: 'topic-deleted', topic: 'u', topicId: 'U' }, 'controller-102')
    expect(world.view.isFullyInSync('broker-1')).toBe(false)
    world.tell({ kind: 'topic-deleted', topic: 'u', topicId: 'U' })
    expect(world.view.isFullyInSync('broker-1')).toBe(true)
    world.tell({ kind: 'broker-fenced', brokerId: 1, brokerEpoch: 1 })
    expect(world.view.isFullyInSync('broker-1')).toBe(false)
  })

  it('sorts servers by what they are', () => {
    const view = new ObservedCluster([{ nodeId: 1, host: 'broker-1', roles: ['broker', 'controller'] }, { nodeId: 2, host: 'broker-2', roles: ['broker'] }])
    expect([view.brokers, view.controllers, [...view.voters], view.hostOf(2), view.hostOf(9)]).toEqual([['broker-1', 'broker-2'], ['broker-1'], ['broker-1'], 'broker-2', undefined])
  })
})
