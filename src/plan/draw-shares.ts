/**
 * How share groups lease (KIP-932): how long a lock lasts, how often a record is delivered, how many are in flight, and how
 * often their state is written whole. Drawn apart, so that nothing else is drawn anew.
 */
import fc, { type Random } from 'fast-check'
import type { ShareSettings } from '../config/share.ts'
import { drawOne } from './seed-random.ts'

export function drawShares(random: Random, o: { readonly brokers: number; readonly scaled: (ms: number) => number }): Partial<ShareSettings> {
  const { brokers, scaled } = o
  const drawn = drawOne(fc.record({
    groupShareRecordLockDurationMs: fc.constantFrom(500, 900, 1_500).map(scaled),
    groupShareDeliveryCountLimit: fc.constantFrom(3, 5, 5),
    groupSharePartitionMaxRecordLocks: fc.constantFrom(6, 40, 2_000),
    shareIsolationLevel: fc.constantFrom('read_uncommitted' as const, 'read_uncommitted' as const, 'read_committed' as const),
    shareCoordinatorSnapshotUpdateRecordsPerSnapshot: fc.constantFrom(2, 10, 500),
  }), random)
  return {
    ...drawn,
    groupShareSessionTimeoutMs: scaled(1_100),
    groupShareHeartbeatIntervalMs: scaled(150),
    // Nothing that was written before the group began may be missed.
    shareAutoOffsetReset: 'earliest',
    shareCoordinatorStateTopicNumPartitions: 2,
    shareCoordinatorStateTopicReplicationFactor: Math.min(3, brokers),
    shareCoordinatorStateTopicMinIsr: Math.min(2, brokers),
    shareCoordinatorStateTopicSegmentBytes: 2_000,
    shareCoordinatorWriteTimeoutMs: scaled(700),
  }
}
