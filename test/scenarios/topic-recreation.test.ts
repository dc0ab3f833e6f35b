/** A topic that is deleted and created again under the same name is another topic: ids, logs and files are told apart. */
import { describe, expect, test } from 'vitest'
import { BROKER_PORT } from '../../src/config/cluster.ts'
import type { Task } from '../../src/base/task.ts'
import type { Env } from '../../src/env/env.ts'
import { ApiKey } from '../../src/protocol/api-keys.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import type { FetchResponse, ProduceResponse } from '../../src/protocol/generated/types.ts'
import { buildBatch } from '../../src/protocol/records/record-batch.ts'
import { RpcClient } from '../../src/rpc/rpc-client.ts'
import { SmallCluster } from './small-cluster.ts'
import type { Clients } from './small-cluster.ts'

function* recreate(clients: Clients, assignment: readonly number[] = [1, 2, 3]): Task<string> {
  yield* clients.admin.deleteTopics(['orders'])
  return yield* clients.createTopic('orders', [assignment])
}

function* ask<T>(env: Env, apiKey: number, body: object): Task<T> {
  const rpc = new RpcClient(env, { clientId: 'raw', requestTimeoutMs: 1_000, connectionSetupTimeoutMs: 500, maxInFlight: 1, reconnectBackoffMs: 20, reconnectBackoffMaxMs: 20 })
  const result = yield* rpc.send('broker-1', BROKER_PORT, apiKey, body).wait()
  if (!result.ok) throw new Error(result.reason)
  return result.body as T
}

const fetchOf = (topicId: string): object => ({
  maxWaitMs: 0, minBytes: 1, maxBytes: 100_000, isolationLevel: 0, sessionId: 0, sessionEpoch: -1,
  topics: [{ topicId, partitions: [{ partition: 0, currentLeaderEpoch: -1, fetchOffset: 0, lastFetchedEpoch: -1, partitionMaxBytes: 100_000 }] }],
})

describe('a topic created again', () => {
  test('is empty, takes records from clients that knew the old one, and gives nothing of it back', () => {
    const cluster = new SmallCluster()
    const seen = cluster.client(function* (clients) {
      const first = yield* clients.createTopic('orders', [[1, 2, 3]])
      const producer = clients.producer()
      const consumer = clients.consumer()
      consumer.assign([{ topic: 'orders', partition: 0 }])
      const old = yield* clients.send(producer, 'orders', ['a', 'b', 'c'])
      let polled = 0
      while (polled < 3) polled += (yield* consumer.poll(200)).records.length
      const second = yield* recreate(clients)
      const fresh = yield* clients.send(producer, 'orders', ['x'])
      const seenByOld: [number, string][] = []
      while (seenByOld.length < 1) for (const { offset, value } of (yield* consumer.poll(300)).records) seenByOld.push([offset, new TextDecoder().decode(value!)])
      return { first, second, old, fresh, seenByOld, read: yield* clients.readAll('orders', 0, 1) }
    })
    expect(seen.second).not.toBe(seen.first)
    expect(seen.old).toEqual([0, 1, 2])
    expect(seen.fresh).toEqual([0])
    expect(seen.seenByOld).toEqual([[0, 'x']])
    expect(seen.read).toEqual([[0, 'x']])
    expect(cluster.of('log-deleted').filter(({ topicId }) => topicId === seen.first)).toHaveLength(3)
  })

  test('requests with the old id are refused: UNKNOWN_TOPIC_ID', () => {
    const cluster = new SmallCluster()
    const seen = cluster.client(function* (clients) {
      const first = yield* clients.createTopic('orders', [[1, 2, 3]])
      const second = yield* recreate(clients)
      const records = buildBatch({ producerId: -1, producerEpoch: -1, baseSequence: -1, records: [{ timestamp: 0, key: null, value: new Uint8Array(1) }] })
      const produced = yield* ask<ProduceResponse>(clients.env, ApiKey.Produce, { acks: 1, timeoutMs: 500, topicData: [{ topicId: first, partitionData: [{ index: 0, records }] }] })
      const fetched = yield* ask<FetchResponse>(clients.env, ApiKey.Fetch, fetchOf(first))
      const fetchedNew = yield* ask<FetchResponse>(clients.env, ApiKey.Fetch, fetchOf(second))
      return [produced.responses[0]!.partitionResponses[0]!.errorCode, fetched.responses[0]!.partitions[0]!.errorCode, fetchedNew.responses[0]!.partitions[0]!.errorCode]
    })
    expect(seen).toEqual([ErrorCode.UNKNOWN_TOPIC_ID, ErrorCode.UNKNOWN_TOPIC_ID, ErrorCode.NONE])
  })

  test('a broker that was down meanwhile removes its old log as a stray and takes the new one', () => {
    const cluster = new SmallCluster()
    const first = cluster.client(function* (clients) {
      const id = yield* clients.createTopic('orders', [[1, 2, 3]])
      yield* clients.send(clients.producer(), 'orders', ['a', 'b'])
      return id
    })
    cluster.simulation.machine('broker-3').crashProcess()
    cluster.client(function* (clients) {
      yield* clients.admin.deleteTopics(['orders'])
      // the controller creates a partition with a fenced replica, which then is not in its ISR
      yield* clients.until(() => clients.admin.createTopics([{ name: 'orders', numPartitions: -1, replicationFactor: -1, replicaAssignments: [[1, 2, 3]] }]), ([result]) => result!.ok)
      yield* clients.send(clients.producer(), 'orders', ['x'])
    })
    cluster.start('broker-3')
    const read = cluster.client(function* (clients) {
      yield* clients.partition('orders', 0, ({ isr }) => isr.length === 3)
      return yield* clients.readAll('orders', 0, 1)
    })
    expect(cluster.marks('stray-log-deleted')).toBe(1)
    expect(cluster.of('log-deleted').filter(({ node, topicId }) => node === 'broker-3' && topicId === first)).toHaveLength(1)
    expect(read).toEqual([[0, 'x']])
    cluster.run(1_500)
    const disk = cluster.simulation.machine('broker-3').disk
    expect(disk.list('data').filter(name => name.startsWith('orders-'))).toEqual(['orders-0'])
  })

  test('an acks=all write that waits when its topic goes is told so, not acknowledged by the next topic', () => {
    const cluster = new SmallCluster({ server: { replicaLagTimeMaxMs: 60_000, brokerSessionTimeoutMs: 60_000 } })
    cluster.client(clients => clients.createTopic('orders', [[1, 2, 3]]))
    cluster.simulation.machine('broker-3').pause()
    const seen = cluster.client(function* (clients) {
      const sent = clients.producer({ retries: 0, enableIdempotence: false, deliveryTimeoutMs: 20_000, requestTimeoutMs: 15_000 }).send({ topic: 'orders', partition: 0, key: null, value: new Uint8Array(1), headers: [] })
      yield* clients.sleep(300)
      yield* clients.admin.deleteTopics(['orders'])
      yield* clients.until(() => clients.admin.createTopics([{ name: 'orders', numPartitions: -1, replicationFactor: -1, replicaAssignments: [[1, 2]] }]), ([result]) => result!.ok)
      return yield* sent.wait()
    })
    expect(seen).toMatchObject({ ok: false, error: 'UNKNOWN_TOPIC_OR_PARTITION', definite: false })
  })
})
