/** CreatePartitions, DeleteRecords, ElectLeaders and reassignments, asked for by the admin client of a whole cluster. */
import { describe, expect, test } from 'vitest'
import { SmallCluster } from './small-cluster.ts'

describe('CreatePartitions', () => {
  test('adds partitions that take records, keeps the old ones, refuses to shrink', () => {
    const cluster = new SmallCluster()
    const seen = cluster.client(function* (clients) {
      yield* clients.createTopic('orders', [[1, 2, 3]])
      const producer = clients.producer()
      yield* clients.send(producer, 'orders', ['a'])
      const grown = yield* clients.admin.createPartitions([{ topic: 'orders', totalCount: 3, newAssignments: [[2, 3, 1], [3, 1, 2]] }])
      const shrunk = yield* clients.admin.createPartitions([{ topic: 'orders', totalCount: 2 }, { topic: 'unknown', totalCount: 2 }])
      yield* clients.partition('orders', 2, ({ isr }) => isr.length === 3)
      const offsets = yield* clients.send(producer, 'orders', ['b', 'c'], 2)
      return { grown, shrunk, offsets, old: yield* clients.readAll('orders', 0, 1), added: yield* clients.readAll('orders', 2, 2) }
    })
    expect(seen.grown).toEqual([{ ok: true, value: null }])
    expect(seen.shrunk).toEqual([{ ok: false, error: 'INVALID_PARTITIONS', definite: true }, { ok: false, error: 'UNKNOWN_TOPIC_OR_PARTITION', definite: true }])
    expect(seen.offsets).toEqual([0, 1])
    expect(seen.old).toEqual([[0, 'a']])
    expect(seen.added).toEqual([[0, 'b'], [1, 'c']])
  })
})

describe('DeleteRecords', () => {
  test('moves the log start of every replica before it answers, and readers start there', () => {
    const cluster = new SmallCluster()
    const seen = cluster.client(function* (clients) {
      yield* clients.createTopic('orders', [[1, 2, 3]])
      yield* clients.send(clients.producer(), 'orders', ['a', 'b', 'c', 'd'])
      const consumer = clients.consumer()
      consumer.assign([{ topic: 'orders', partition: 0 }])
      consumer.seek('orders', 0, 1)
      const before = new Set(cluster.of('log-start').map(({ node }) => node)).size
      const deleted = yield* clients.admin.deleteRecords([{ topic: 'orders', partition: 0, beforeOffset: 3 }])
      const movedOn = new Set(cluster.of('log-start').filter(({ offset }) => offset === 3).map(({ node }) => node)).size
      const beyond = yield* clients.admin.deleteRecords([{ topic: 'orders', partition: 0, beforeOffset: 9 }])
      let polled = yield* consumer.poll(1_000)
      const { resets } = polled
      while (polled.records.length === 0) polled = yield* consumer.poll(200)
      const left = yield* clients.readAll('orders', 0, 1)
      const all = yield* clients.admin.deleteRecords([{ topic: 'orders', partition: 0, beforeOffset: -1 }])
      const [start] = yield* clients.admin.listOffsets([{ topic: 'orders', partition: 0, which: 'earliest' }])
      return { before, deleted, movedOn, beyond, resets, polled: polled.records.map(({ offset }) => offset), left, all, start }
    })
    expect(seen.before).toBe(0)
    expect(seen.deleted).toEqual([{ ok: true, value: 3 }])
    expect(seen.movedOn).toBe(3)
    expect(seen.beyond).toEqual([{ ok: false, error: 'OFFSET_OUT_OF_RANGE', definite: true }])
    expect(seen.resets).toMatchObject([{ from: 1, to: 3, reason: 'out-of-range' }])
    expect(seen.polled).toEqual([3])
    expect(seen.left).toEqual([[3, 'd']])
    expect(seen.all).toEqual([{ ok: true, value: 4 }])
    expect(seen.start).toMatchObject({ ok: true, value: { offset: 4 } })
  })

  test('waits for a live follower that does not answer, and no longer once it is fenced', () => {
    const cluster = new SmallCluster({ server: { replicaLagTimeMaxMs: 60_000 } })
    cluster.client(function* (clients) {
      yield* clients.createTopic('orders', [[1, 2, 3]])
      yield* clients.send(clients.producer(), 'orders', ['a', 'b'])
    })
    cluster.simulation.machine('broker-3').pause()
    const seen = cluster.client(function* (clients) {
      const first = yield* clients.admin.deleteRecords([{ topic: 'orders', partition: 0, beforeOffset: 1 }])
      return { first, attempts: cluster.marks('records-deleted') }
    })
    expect(cluster.of('broker-fenced').map(({ brokerId }) => brokerId)).toContain(3)
    // the first attempt timed out while broker 3 still counted as alive
    expect(seen.attempts).toBeGreaterThan(1)
    expect(seen.first).toEqual([{ ok: true, value: 1 }])
  })
})

describe('ElectLeaders', () => {
  test('gives leadership back to the preferred replica, and tells when there is nothing to do', () => {
    const cluster = new SmallCluster({ server: { autoLeaderRebalanceEnable: false } })
    cluster.client(clients => clients.createTopic('orders', [[1, 2, 3]]))
    cluster.simulation.machine('broker-1').crashProcess()
    cluster.client(clients => clients.partition('orders', 0, ({ leaderId }) => leaderId !== 1 && leaderId > 0))
    cluster.start('broker-1')
    const seen = cluster.client(function* (clients) {
      yield* clients.partition('orders', 0, ({ isr }) => isr.length === 3)
      const elected = yield* clients.admin.electLeaders('preferred', [{ topic: 'orders', partition: 0 }])
      yield* clients.partition('orders', 0, ({ leaderId }) => leaderId === 1)
      const again = yield* clients.admin.electLeaders('preferred', [{ topic: 'orders', partition: 0 }, { topic: 'orders', partition: 7 }])
      return { elected, again }
    })
    expect(seen.elected).toEqual([{ ok: true, value: null }])
    expect(seen.again.map(result => !result.ok && result.error)).toEqual(['ELECTION_NOT_NEEDED', 'UNKNOWN_TOPIC_OR_PARTITION'])
    expect(cluster.of('leader-elected').filter(({ reason }) => reason === 'preferred')).toHaveLength(1)
  })

  test('unclean: a replica that had fallen out of sync leads, but only when asked', () => {
    const cluster = new SmallCluster()
    cluster.client(clients => clients.createTopic('orders', [[1, 2]], { 'min.insync.replicas': '1' }))
    cluster.simulation.machine('broker-2').crashProcess()
    cluster.client(clients => clients.partition('orders', 0, ({ isr }) => isr.length === 1))
    cluster.client(clients => clients.send(clients.producer(), 'orders', ['only on broker 1']))
    cluster.simulation.machine('broker-1').crashProcess()
    cluster.start('broker-2')
    cluster.run(4_000)
    const seen = cluster.client(function* (clients) {
      const before = yield* clients.partition('orders', 0, () => true)
      const unwanted = yield* clients.admin.electLeaders('preferred', [{ topic: 'orders', partition: 0 }])
      const elected = yield* clients.until(() => clients.admin.electLeaders('unclean', [{ topic: 'orders', partition: 0 }]), ([result]) => result!.ok)
      const after = yield* clients.partition('orders', 0, ({ leaderId }) => leaderId === 2)
      return { before: before.leaderId, unwanted, elected, isr: after.isr }
    })
    expect(seen.before).toBe(-1)
    expect(seen.unwanted).toMatchObject([{ ok: false, error: 'PREFERRED_LEADER_NOT_AVAILABLE' }])
    expect(seen.elected).toEqual([{ ok: true, value: null }])
    expect(seen.isr).toEqual([2])
  })
})

describe('AlterPartitionReassignments', () => {
  test('moves a partition with its records, and the old replica forgets them', () => {
    const cluster = new SmallCluster()
    const seen = cluster.client(function* (clients) {
      const topicId = yield* clients.createTopic('orders', [[1, 2]])
      yield* clients.send(clients.producer(), 'orders', ['a', 'b'])
      const started = yield* clients.admin.alterPartitionReassignments([{ topic: 'orders', partition: 0, replicas: [3, 2] }])
      const moved = yield* clients.partition('orders', 0, ({ replicas, leaderId }) => replicas.length === 2 && replicas[0] === 3 && leaderId !== 1)
      yield* clients.sleep(300)
      const open = yield* clients.admin.listPartitionReassignments()
      return { topicId, started, moved, open, read: yield* clients.readAll('orders', 0, 2) }
    })
    expect(seen.started).toEqual([{ ok: true, value: null }])
    expect([...seen.moved.isr].sort()).toEqual([2, 3])
    expect(seen.open).toEqual({ ok: true, value: [] })
    expect(seen.read).toEqual([[0, 'a'], [1, 'b']])
    expect(cluster.of('log-deleted').filter(({ node, topicId }) => node === 'broker-1' && topicId === seen.topicId)).toHaveLength(1)
  })

  test('that cannot complete is listed, and cancelled', () => {
    const cluster = new SmallCluster()
    cluster.client(clients => clients.createTopic('orders', [[1, 2]]))
    cluster.simulation.machine('broker-3').crashProcess()
    const seen = cluster.client(function* (clients) {
      const nothing = yield* clients.admin.alterPartitionReassignments([{ topic: 'orders', partition: 0, replicas: null }])
      yield* clients.admin.alterPartitionReassignments([{ topic: 'orders', partition: 0, replicas: [2, 3] }])
      const open = yield* clients.admin.listPartitionReassignments()
      const cancelled = yield* clients.admin.alterPartitionReassignments([{ topic: 'orders', partition: 0, replicas: null }])
      const after = yield* clients.partition('orders', 0, ({ replicas }) => replicas.length === 2)
      return { nothing, open, cancelled, after, closed: yield* clients.admin.listPartitionReassignments() }
    })
    expect(seen.nothing).toMatchObject([{ ok: false, error: 'NO_REASSIGNMENT_IN_PROGRESS' }])
    expect(seen.open).toEqual({ ok: true, value: [{ topic: 'orders', partition: 0, replicas: [2, 3, 1], adding: [3], removing: [1] }] })
    expect(seen.cancelled).toEqual([{ ok: true, value: null }])
    expect([...seen.after.replicas].sort()).toEqual([1, 2])
    expect(seen.closed).toEqual({ ok: true, value: [] })
  })
})
