import { describe, expect, test } from 'vitest'
import { EARLIEST_TIMESTAMP, LATEST_TIMESTAMP, MAX_TIMESTAMP, divergence, endOffsetOfEpoch, offsetForTimestamp, readPartition } from '../../src/broker/partition-reads.ts'
import { preferredReadReplica } from '../../src/broker/preferred-read-replica.ts'
import type { Isolation } from '../../src/broker/partition-reads.ts'
import type { DefectId } from '../../src/config/defects.ts'
import { ApiError } from '../../src/protocol/api-error.ts'
import { errorName } from '../../src/protocol/errors.ts'
import { Fixture } from './partition-fixture.ts'

function attempt<T>(run: () => T): T | string {
  try {
    return run()
  } catch (error) {
    if (error instanceof ApiError) return errorName(error.code)
    throw error
  }
}

describe('divergence', () => {
  // The leader has epochs 1 (0-1), 3 (2-3) and, without a record yet, 5 (from 4).
  test.each([
    { epoch: 3, offset: 4, expected: undefined },
    { epoch: 3, offset: 5, expected: { epoch: 3, endOffset: 4 } },
    { epoch: 1, offset: 3, expected: { epoch: 1, endOffset: 2 } },
    { epoch: 5, offset: 4, expected: undefined },
    { epoch: 2, offset: 2, expected: { epoch: 1, endOffset: 2 }, name: 'KIP-279: an epoch the leader never had' },
    { epoch: 2, offset: 2, expected: undefined, defects: ['KIP-279'] as const, name: 'KIP-279 switched on' },
    { epoch: 6, offset: 4, expected: 'OFFSET_OUT_OF_RANGE' },
    { epoch: 6, offset: 4, expected: { epoch: 6, endOffset: -1 }, defects: ['KAFKA-7415'] as const, name: 'KAFKA-7415 switched on' },
    { epoch: 6, offset: 4, expected: 'OFFSET_OUT_OF_RANGE', isolation: 'high-watermark' as Isolation, defects: ['KAFKA-7415'] as const, name: 'KAFKA-7415 switched on, for a consumer' },
  ])('of epoch $epoch at $offset: $expected', ({ epoch, offset, expected, defects = [], isolation = 'log-end' as Isolation }) => {
    const f = new Fixture({ defects })
    f.fill(1, 1, 3, 3)
    f.lead()
    expect(attempt(() => divergence(f.env.defects, f.log, epoch, offset, isolation))).toEqual(expected)
  })
})

describe('reading', () => {
  const fetch = { partition: 0, currentLeaderEpoch: 5, fetchOffset: 0, lastFetchedEpoch: -1, logStartOffset: 0, partitionMaxBytes: 1000, replicaDirectoryId: '', highWatermark: -1 }
  const how = { isolation: 'high-watermark', requireLeader: true, maxBytes: 1000, minOneMessage: true } as const

  test.each([
    { name: 'an older leader epoch', change: { currentLeaderEpoch: 4 }, expected: 'FENCED_LEADER_EPOCH' },
    { name: 'a newer leader epoch', change: { currentLeaderEpoch: 6 }, expected: 'UNKNOWN_LEADER_EPOCH' },
    { name: 'an offset beyond the log end', change: { fetchOffset: 3 }, expected: 'OFFSET_OUT_OF_RANGE' },
    { name: 'KIP-392: an offset between high watermark and log end', change: { fetchOffset: 2 }, expected: 0 },
  ])('$name', ({ change, expected }) => {
    const f = new Fixture()
    f.fill(5, 5)
    f.log.updateHighWatermark(1)
    f.lead({ isr: [1, 2] })
    expect(attempt(() => readPartition(f.env.defects, f.partition, { ...fetch, ...change }, how).records.length)).toBe(expected)
  })

  test('a reader beyond the log end, or of an epoch to come, is told so by whoever thinks that it leads (deposed-leader-resets-readers)', () => {
    const f = new Fixture()
    f.fill(5, 5)
    f.lead()
    expect(attempt(() => readPartition(f.env.defects, f.partition, { ...fetch, fetchOffset: 3 }, how))).toBe('OFFSET_OUT_OF_RANGE')
    expect(endOffsetOfEpoch(f.partition, 5, 6)).toEqual({ epoch: -1, endOffset: -1 })
    expect(f.env.observed('read-beyond-end')).toMatchObject([{ leaderEpoch: 5, offset: 3, epoch: -1 }, { leaderEpoch: 5, offset: -1, epoch: 6 }])
    expect(attempt(() => readPartition(f.env.defects, f.partition, { ...fetch, fetchOffset: 3 }, { ...how, isolation: 'log-end' }))).toBe('OFFSET_OUT_OF_RANGE')
    expect(f.env.observed('read-beyond-end')).toHaveLength(2)
  })

  test('mended, it is to look for a newer leader', () => {
    const f = new Fixture({ mends: ['deposed-leader-resets-readers'] })
    f.fill(5, 5)
    f.lead()
    expect(attempt(() => readPartition(f.env.defects, f.partition, { ...fetch, fetchOffset: 3 }, how))).toBe('OFFSET_NOT_AVAILABLE')
    expect(attempt(() => endOffsetOfEpoch(f.partition, 5, 6))).toBe('OFFSET_NOT_AVAILABLE')
    expect(endOffsetOfEpoch(f.partition, 5, 5)).toEqual({ epoch: 5, endOffset: 2 })
  })

  test('consumers see nothing at or above the high watermark, replicas do', () => {
    const f = new Fixture()
    f.fill(5, 5)
    f.log.updateHighWatermark(1)
    f.lead({ isr: [1, 2] })
    const consumer = readPartition(f.env.defects, f.partition, fetch, how).records.length
    const replica = readPartition(f.env.defects, f.partition, fetch, { ...how, isolation: 'log-end' }).records.length
    expect(replica).toBe(2 * consumer)
  })
})

describe('offsets by time', () => {
  const unsettled = (defects: readonly DefectId[] = []): Fixture => {
    const f = new Fixture({ defects })
    f.fill(4, 4)
    f.log.updateHighWatermark(1)
    f.lead({ isr: [1, 2] })
    return f
  }

  test.each([
    { timestamp: LATEST_TIMESTAMP, isolation: 'high-watermark', expected: 'OFFSET_NOT_AVAILABLE' },
    { timestamp: LATEST_TIMESTAMP, isolation: 'log-end', expected: 2 },
    { timestamp: EARLIEST_TIMESTAMP, isolation: 'high-watermark', expected: 0 },
    { timestamp: MAX_TIMESTAMP, isolation: 'high-watermark', expected: 0 },
    { timestamp: 5_000_000, isolation: 'high-watermark', expected: 'OFFSET_NOT_AVAILABLE' },
  ] as const)('KIP-207: $timestamp of a new leader for $isolation: $expected', ({ timestamp, isolation, expected }) => {
    const f = unsettled()
    expect(attempt(() => offsetForTimestamp(f.partition, timestamp, 5, isolation, true).offset)).toBe(expected)
  })

  test('Redpanda-5090 switched on: a new leader names an end below what was acknowledged', () => {
    const f = unsettled(['Redpanda-5090'])
    expect(offsetForTimestamp(f.partition, LATEST_TIMESTAMP, 5, 'high-watermark', true).offset).toBe(1)
    expect(offsetForTimestamp(f.partition, 5_000_000, 5, 'high-watermark', true).offset).toBe(-1)
  })

  test('LATEST is the high watermark once it has reached the epoch start', () => {
    const f = unsettled()
    f.fetch(2, 2)
    expect(offsetForTimestamp(f.partition, LATEST_TIMESTAMP, 5, 'high-watermark', true).offset).toBe(2)
  })
})

test('KIP-392: sends a consumer to an ISR member in its rack that holds the offset', () => {
  const f = new Fixture()
  f.setBroker(2, { rack: 'b' })
  f.setBroker(3, { rack: 'b' })
  f.lead({ isr: [1, 2] })
  f.append(3)
  f.fetch(2, 2)
  f.fetch(3, 1)
  const choose = (rack: string, offset: number): number | undefined => preferredReadReplica(f.image, f.partition, rack, offset)
  expect([choose('b', 2), choose('b', 3), choose('a', 2), choose('', 2)]).toEqual([2, undefined, undefined, undefined])
})
