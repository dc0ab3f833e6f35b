/** Client quotas: set, asked for, and kept by broker and clients together (KIP-13, KIP-219, KIP-546). */
import { describe, expect, test } from 'vitest'
import type { Task } from '../../src/base/task.ts'
import { US_PER_MS } from '../../src/base/time.ts'
import { SmallCluster } from './small-cluster.ts'
import type { Clients } from './small-cluster.ts'

const VALUE = 'x'.repeat(1_000)
/** A window of two seconds: one full, one running. */
const server = { quotaWindowNum: 2, quotaWindowSizeSeconds: 1 }

/** Sends one value after the other; the milliseconds that it took. */
function* timeToSend(clients: Clients, clientId: string, count: number): Task<number> {
  const producer = clients.producer({ clientId })
  const before = clients.env.now()
  const results = yield* clients.send(producer, 'orders', Array.from({ length: count }, () => VALUE))
  expect(results.every(result => typeof result === 'number')).toBe(true)
  return (clients.env.now() - before) / US_PER_MS
}

function throttled(cluster: SmallCluster, name: string): number {
  return cluster.of('mark').filter(mark => mark.name === name).length
}

describe('a quota', () => {
  test('of a producer slows it down to its rate, and nobody else', () => {
    const cluster = new SmallCluster({ server })
    const seen = cluster.client(function* (clients) {
      yield* clients.createTopic('orders', [[1, 2, 3]])
      yield* clients.admin.alterClientQuotas([{ entity: { 'client-id': 'greedy' }, values: { producer_byte_rate: 2_000 } }])
      yield* clients.sleep(500)
      const other = yield* timeToSend(clients, 'modest', 8)
      const noneYet = throttled(cluster, 'produce-throttled')
      const greedy = yield* timeToSend(clients, 'greedy', 8)
      return { other, greedy, noneYet }
    })
    expect(seen.noneYet).toBe(0)
    expect(throttled(cluster, 'produce-throttled')).toBeGreaterThan(1)
    expect(seen.other).toBeLessThan(1_000)
    // Eight thousand bytes at two thousand a second, of which a window of one second is free.
    expect(seen.greedy).toBeGreaterThan(2_000)
    expect(seen.greedy).toBeLessThan(6_000)
  })

  test('of a consumer makes it wait, and it gets everything all the same', () => {
    const cluster = new SmallCluster({ server })
    const seen = cluster.client(function* (clients) {
      yield* clients.createTopic('orders', [[1, 2, 3]])
      yield* timeToSend(clients, 'producer', 8)
      yield* clients.admin.alterClientQuotas([{ entity: { user: null }, values: { consumer_byte_rate: 3_000 } }])
      yield* clients.sleep(500)
      const consumer = clients.consumer({ clientId: 'reader' })
      consumer.assign([{ topic: 'orders', partition: 0 }])
      const before = clients.env.now()
      let count = 0
      while (count < 8) count += (yield* consumer.poll(500)).records.length
      return (clients.env.now() - before) / US_PER_MS
    })
    expect(throttled(cluster, 'fetch-throttled')).toBeGreaterThan(0)
    expect(seen).toBeGreaterThan(1_500)
  })

  test('that is removed is forgotten', () => {
    const cluster = new SmallCluster({ server })
    cluster.client(function* (clients) {
      yield* clients.createTopic('orders', [[1, 2, 3]])
      const change = (value: number | null): Task<unknown> => clients.admin.alterClientQuotas([{ entity: { 'client-id': null }, values: { producer_byte_rate: value } }])
      yield* change(10)
      yield* clients.sleep(300)
      yield* change(null)
      yield* clients.sleep(300)
      expect(yield* timeToSend(clients, 'anyone', 4)).toBeLessThan(1_000)
    })
    expect(throttled(cluster, 'produce-throttled')).toBe(0)
  })
})

describe('asking', () => {
  test('finds exact entities, defaults and all of a type, with others or without; outlives a change of the controller', () => {
    const cluster = new SmallCluster()
    const seen = cluster.client(function* (clients) {
      const set = yield* clients.admin.alterClientQuotas([
        { entity: { 'client-id': 'a' }, values: { producer_byte_rate: 10, request_percentage: 12.5 } },
        { entity: { 'client-id': null }, values: { consumer_byte_rate: 20 } },
        { entity: { user: 'u', 'client-id': 'a' }, values: { producer_byte_rate: 30 } },
        { entity: { ip: '10.0.0.1' }, values: { connection_creation_rate: 5 } },
      ])
      const refused = yield* clients.admin.alterClientQuotas([
        { entity: { 'client-id': 'b' }, values: { connection_creation_rate: 1 } },
        { entity: { 'client-id': 'c' }, values: { producer_byte_rate: 0.5 } },
        { entity: { ip: '10.0.0.1', user: 'u' }, values: { connection_creation_rate: 1 } },
        { entity: {}, values: { producer_byte_rate: 1 } },
        { entity: { host: 'h' }, values: { producer_byte_rate: 1 } },
      ])
      const active = cluster.of('controller-active').at(-1)!.node
      cluster.simulation.machine(active).crashProcess()
      yield* clients.sleep(3_000)
      yield* clients.admin.alterClientQuotas([{ entity: { 'client-id': 'd' }, values: { producer_byte_rate: 1 } }])
      yield* clients.sleep(300)
      const ask = function* (parts: Readonly<Record<string, string | null | undefined>>, strict = false): Task<unknown> {
        const answer = yield* clients.admin.describeClientQuotas({ parts, strict })
        return answer.ok ? answer.value.map(({ entity, values }) => [entity, Object.fromEntries(values)]) : answer.error
      }
      return {
        set, refused,
        a: yield* ask({ 'client-id': 'a' }), onlyA: yield* ask({ 'client-id': 'a' }, true), byDefault: yield* ask({ 'client-id': null }),
        users: yield* ask({ user: undefined }), all: yield* ask({}), wrong: yield* ask({ ip: undefined, user: 'u' }), unknown: yield* ask({ host: 'h' }),
      }
    })
    expect(seen.set.map(({ ok }) => ok)).toEqual([true, true, true, true])
    expect(seen.refused.map(result => (result.ok ? 'ok' : result.error))).toEqual(Array.from({ length: 5 }, () => 'INVALID_REQUEST'))
    const own = [{ 'client-id': 'a' }, { producer_byte_rate: 10, request_percentage: 12.5 }]
    const both = [{ user: 'u', 'client-id': 'a' }, { producer_byte_rate: 30 }]
    expect(seen.a).toEqual([own, both])
    expect(seen.onlyA).toEqual([own])
    expect(seen.byDefault).toEqual([[{ 'client-id': null }, { consumer_byte_rate: 20 }]])
    expect(seen.users).toEqual([both])
    expect(seen.all).toHaveLength(5)
    expect([seen.wrong, seen.unknown]).toEqual(['INVALID_REQUEST', 'UNSUPPORTED_VERSION'])
  })
})
