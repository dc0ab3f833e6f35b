/** A whole cluster in a simulation: it elects, replicates, survives its leader, and does the same thing twice. */
import { describe, expect, test } from 'vitest'
import { brokersOf } from '../../src/config/cluster.ts'
import { US_PER_SECOND, msToUs } from '../../src/base/time.ts'
import type { Task } from '../../src/base/task.ts'
import { ApiKey } from '../../src/protocol/api-keys.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import type { FetchResponse } from '../../src/protocol/generated/types.ts'
import { setUp, World } from './simulated-cluster.ts'

describe.each([{ combined: false }, { combined: true }])('a cluster of three (combined roles: $combined)', ({ combined }) => {
  test('keeps what it acknowledged when the leader dies, and takes it back into the ISR', () => {
    const world = new World({ combined, interleaving: 'random' })
    const leader = world.client(setUp)
    expect(world.client(client => client.produce('orders', ['a', 'b', 'c']))).toBe(0)
    expect(world.client(client => client.readAll('orders'))).toEqual(['a', 'b', 'c'])

    world.simulation.machine(leader.host).crashProcess()
    const after = world.client(client => client.produceUntilDone('orders', ['d'], id => id !== leader.id))
    expect(after).toBe(3)
    expect(world.client(client => client.readAll('orders'))).toEqual(['a', 'b', 'c', 'd'])

    world.start(leader.host)
    const healed = world.client(client => client.leaderOf('orders', (_, isr) => isr.length === 3))
    expect(world.client(client => client.readAll('orders'))).toEqual(['a', 'b', 'c', 'd'])
    expect(healed.isr).toContain(leader.id)
  })
})

describe('a cluster of three', () => {
  test('a controlled shutdown hands leadership over first and is clean', () => {
    const world = new World()
    const leader = world.client(setUp)
    world.client(client => client.produce('orders', ['a']))
    world.handles.get(leader.host)!.shutdown()
    world.client(client => client.leaderOf('orders', id => id !== leader.id))
    world.simulation.run(world.simulation.now + 5 * US_PER_SECOND, () => !world.simulation.machine(leader.host).isRunning)
    expect(world.simulation.machine(leader.host).isRunning).toBe(false)
    world.start(leader.host)
    world.client(client => client.leaderOf('orders', (_, isr) => isr.length === 3))
    const starts = world.events.flatMap(({ event }) => (event.kind === 'broker-started' && event.brokerId === leader.id ? [event.cleanShutdown] : []))
    expect(starts).toEqual([false, true])
  })

  test('drops a paused follower from the ISR and produces on', () => {
    const world = new World()
    const leader = world.client(setUp)
    const follower = brokersOf(world.cluster).find(broker => broker.nodeId !== leader.id)!
    world.simulation.machine(follower.host).pause()
    expect(world.client(client => client.produceUntilDone('orders', ['a']))).toBeTypeOf('number')
    world.client(client => client.leaderOf('orders', (_, isr) => isr.length === 2))
    world.simulation.machine(follower.host).resume()
    world.client(client => client.leaderOf('orders', (_, isr) => isr.length === 3))
  })

  test('KIP-392: the leader sends a consumer to the replica in its rack, which serves what is committed', () => {
    const world = new World({ server: { rackAwareReplicaSelector: true } })
    const leader = world.client(setUp)
    const follower = brokersOf(world.cluster).find(broker => broker.nodeId !== leader.id)!
    const read = world.client(function* (client) {
      const { topicId } = yield* client.leaderOf('orders')
      const fetch = function* (host: string, offset: number): Task<{ replica: number; bytes: number; errorCode: number }> {
        const response = yield* client.ask<FetchResponse>(host, ApiKey.Fetch, {
          maxWaitMs: 500, minBytes: 1, maxBytes: 1_000_000, isolationLevel: 0, sessionId: 0, sessionEpoch: -1, rackId: follower.rack!,
          topics: [{ topicId, partitions: [{ partition: 0, currentLeaderEpoch: -1, fetchOffset: offset, lastFetchedEpoch: -1, partitionMaxBytes: 100_000 }] }],
        })
        const { preferredReadReplica, records, errorCode } = response!.responses[0]!.partitions[0]!
        return { replica: preferredReadReplica, bytes: records!.length, errorCode }
      }
      yield* client.produce('orders', ['a'])
      yield* client.env.sleep(msToUs(300)).wait()
      return [yield* fetch(leader.host, 0), yield* fetch(follower.host, 0), yield* fetch(follower.host, 9)]
    })
    expect(read[0]).toEqual({ replica: follower.nodeId, bytes: 0, errorCode: ErrorCode.NONE })
    expect(read[1]).toMatchObject({ replica: -1, errorCode: ErrorCode.NONE })
    expect(read[1]!.bytes).toBeGreaterThan(0)
    expect(read[2]!.errorCode).toBe(ErrorCode.OFFSET_OUT_OF_RANGE)
  })

  test('an idempotent batch sent twice is written once', () => {
    const world = new World()
    world.client(setUp)
    const offsets = world.client(function* (client) {
      const producerId = yield* client.producerId()
      const twice = []
      for (let i = 0; i < 2; i++) twice.push(yield* client.produce('orders', ['a', 'b'], { producerId, baseSequence: 0 }))
      twice.push(yield* client.produce('orders', ['c'], { producerId, baseSequence: 2 }))
      twice.push(yield* client.produce('orders', ['z'], { producerId, baseSequence: 9 }))
      return twice
    })
    expect(offsets).toEqual([0, 0, 2, 'OUT_OF_ORDER_SEQUENCE_NUMBER'])
    expect(world.client(client => client.readAll('orders'))).toEqual(['a', 'b', 'c'])
  })

  test('does exactly the same with the same root key, and something else with another', () => {
    const digest = (rootKey: number): string => {
      const world = new World({ rootKey, interleaving: 'random' })
      const leader = world.client(setUp)
      world.client(client => client.produce('orders', ['a']))
      world.simulation.machine(leader.host).crashProcess()
      world.client(client => client.produceUntilDone('orders', ['b'], id => id !== leader.id))
      return `${world.simulation.digest.events} ${world.simulation.digest.count}`
    }
    expect(digest(7)).toBe(digest(7))
    expect(digest(7)).not.toBe(digest(8))
  })
})
