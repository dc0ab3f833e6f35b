/** Share groups over real brokers: records go to one member at a time, come back when they are not acknowledged, and not for ever. */
import { expect, it } from 'vitest'
import { msToUs } from '../../../src/base/time.ts'
import type { AcknowledgeOutcome } from '../../../src/client/share/share-record.ts'
import { pollFor, ShareCluster } from './share-cluster.ts'

const offsets = (records: readonly { readonly offset: number; readonly deliveryCount: number }[]) => records.map(({ offset, deliveryCount }) => `${offset}x${deliveryCount}`)

it('hands every record to one member of the group, and never again what was accepted', () => {
  const cluster = new ShareCluster()
  cluster.produce(6)
  const outcomes: AcknowledgeOutcome[] = []
  const first = cluster.run(function* (env) {
    const consumer = cluster.consumer(env, {}, outcome => void outcomes.push(outcome))
    const records = yield* pollFor(env, consumer, 6)
    yield* consumer.shutDown(1_000)
    return offsets(records)
  })
  expect(first).toEqual(['0x1', '1x1', '2x1', '3x1', '4x1', '5x1'])
  expect(outcomes.flatMap(({ acknowledged, error }) => acknowledged.map(([offset]) => `${offset} ${error}`))).toEqual([0, 1, 2, 3, 4, 5].map(n => `${n} undefined`))
  cluster.produce(2)
  const second = cluster.run(function* (env) {
    const consumer = cluster.consumer(env)
    const records = yield* pollFor(env, consumer, 2)
    yield* consumer.shutDown(1_000)
    return offsets(records)
  })
  expect(second).toEqual(['6x1', '7x1'])
})

it('gives back what is released, and archives what is rejected or was delivered too often', () => {
  const cluster = new ShareCluster({ share: { groupShareDeliveryCountLimit: 3 } })
  cluster.produce(3)
  const seen = cluster.run(function* (env) {
    const consumer = cluster.consumer(env, { shareAcknowledgementMode: 'explicit' })
    const records = []
    for (let turn = 0; turn < 40; turn++) {
      for (const record of (yield* consumer.poll(50)).records) {
        records.push(record)
        consumer.acknowledge(record, record.offset === 0 ? 'accept' : record.offset === 1 ? 'release' : 'reject')
      }
    }
    yield* consumer.shutDown(1_000)
    return offsets(records)
  })
  expect(seen).toEqual(['0x1', '1x1', '2x1', '1x2', '1x3'])
})

it('frees what a member holds when its lock runs out, and refuses what it says after that', () => {
  const cluster = new ShareCluster()
  cluster.produce(2)
  const outcomes: AcknowledgeOutcome[] = []
  const slow = cluster.begin(function* (env) {
    const consumer = cluster.consumer(env, {}, outcome => void outcomes.push(outcome))
    const records = yield* pollFor(env, consumer, 2)
    yield* env.sleep(msToUs(4_000)).wait()
    yield* consumer.commitSync(1_000)
    return offsets(records)
  })
  cluster.sleep(1_500)
  const other = cluster.begin(function* (env) {
    const consumer = cluster.consumer(env)
    const began = env.now()
    const records = yield* pollFor(env, consumer, 2)
    return { records: offsets(records), waited: env.now() - began }
  })
  const { records, waited } = cluster.join(other)
  expect(records).toEqual(['0x2', '1x2'])
  expect(waited).toBeGreaterThan(msToUs(200))
  expect(cluster.join(slow)).toEqual(['0x1', '1x1'])
  expect(outcomes).toMatchObject([{ error: 'INVALID_RECORD_STATE', definite: true }])
  expect(cluster.marks('share-lock-expired')).toBeGreaterThan(0)
})

it('keeps what was acknowledged when the leader of the partition dies', () => {
  const cluster = new ShareCluster()
  cluster.produce(4)
  cluster.run(function* (env) {
    const consumer = cluster.consumer(env, { shareAcknowledgementMode: 'explicit', shareAcquireMode: 'record_limit', maxPollRecords: 3 })
    const records = yield* pollFor(env, consumer, 3)
    for (const record of records) consumer.acknowledge(record, record.offset === 1 ? 'release' : 'accept')
    yield* consumer.shutDown(1_000)
    return undefined
  })
  cluster.simulation.machine(cluster.leader()).crashProcess()
  const left = cluster.run(function* (env) {
    const consumer = cluster.consumer(env)
    const records = yield* pollFor(env, consumer, 2)
    return offsets(records)
  })
  expect(left).toEqual(['1x2', '3x1'])
})

it.each([[[], ['2x1', '3x1']], [['KAFKA-19954'], ['0x1', '1x1', '2x1', '3x1']]] as const)('begins in the middle of a batch after a failover, unless %j', (defects, expected) => {
  const cluster = new ShareCluster({ defects })
  cluster.produce(4)
  cluster.run(function* (env) {
    const consumer = cluster.consumer(env, { shareAcknowledgementMode: 'explicit', shareAcquireMode: 'record_limit', maxPollRecords: 1 })
    // Each start offset is persisted with the next acknowledgement.
    for (let n = 0; n < 2; n++) for (const record of yield* pollFor(env, consumer, 1)) consumer.acknowledge(record, 'accept')
    yield* consumer.shutDown(1_000)
    return undefined
  })
  cluster.simulation.machine(cluster.leader()).crashProcess()
  const left = cluster.run(function* (env) {
    const consumer = cluster.consumer(env)
    const records = yield* pollFor(env, consumer, expected.length)
    return offsets(records)
  })
  expect(left).toEqual(expected)
})

it('frees at once what a member holds that closes or is gone', () => {
  const cluster = new ShareCluster({ share: { groupShareRecordLockDurationMs: 30_000 } })
  cluster.produce(2)
  const take = (close: boolean) => cluster.run(function* (env) {
    const consumer = cluster.consumer(env, { shareAcknowledgementMode: 'explicit' })
    const records = yield* pollFor(env, consumer, 2)
    if (close) yield* consumer.shutDown(1_000)
    return offsets(records)
  })
  expect(take(true)).toEqual(['0x1', '1x1'])
  // Its process dies when it has what it wants.
  expect(take(false)).toEqual(['0x2', '1x2'])
  expect(take(false)).toEqual(['0x3', '1x3'])
  expect(cluster.marks('share-session-disconnected')).toBeGreaterThan(0)
  expect(cluster.marks('share-lock-expired')).toBe(0)
})
