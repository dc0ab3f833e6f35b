/**
 * Settings of share groups (KIP-932) with Kafka's defaults; older plans have none of them.
 *
 * Unlike Kafka, where a group's own config says it, where a new group begins and how it reads is set for all groups.
 */
import type { Millis } from '../base/time.ts'
import type { ServerConfig } from './cluster.ts'

export interface ShareSettings {
  /** How long a record is held by who acquired it (group.share.record.lock.duration.ms). */
  readonly groupShareRecordLockDurationMs: Millis
  /** Deliveries after which a record is archived (group.share.delivery.count.limit). */
  readonly groupShareDeliveryCountLimit: number
  /** Most records in flight in a share-partition (group.share.partition.max.record.locks). */
  readonly groupSharePartitionMaxRecordLocks: number
  readonly groupShareMaxSize: number
  readonly groupShareSessionTimeoutMs: Millis
  readonly groupShareHeartbeatIntervalMs: Millis
  /** Share sessions of a broker at most (group.share.max.share.sessions). */
  readonly groupShareMaxShareSessions: number
  /** share.auto.offset.reset of every group. */
  readonly shareAutoOffsetReset: 'earliest' | 'latest'
  /** share.isolation.level of every group. */
  readonly shareIsolationLevel: 'read_uncommitted' | 'read_committed'
  readonly shareCoordinatorStateTopicNumPartitions: number
  readonly shareCoordinatorStateTopicReplicationFactor: number
  readonly shareCoordinatorStateTopicMinIsr: number
  readonly shareCoordinatorStateTopicSegmentBytes: number
  readonly shareCoordinatorSnapshotUpdateRecordsPerSnapshot: number
  readonly shareCoordinatorWriteTimeoutMs: Millis
}

export const DEFAULT_SHARE_SETTINGS: ShareSettings = Object.freeze({
  groupShareRecordLockDurationMs: 30_000,
  groupShareDeliveryCountLimit: 5,
  groupSharePartitionMaxRecordLocks: 2_000,
  groupShareMaxSize: 200,
  groupShareSessionTimeoutMs: 45_000,
  groupShareHeartbeatIntervalMs: 5_000,
  groupShareMaxShareSessions: 2_000,
  shareAutoOffsetReset: 'latest',
  shareIsolationLevel: 'read_uncommitted',
  shareCoordinatorStateTopicNumPartitions: 50,
  shareCoordinatorStateTopicReplicationFactor: 3,
  shareCoordinatorStateTopicMinIsr: 2,
  shareCoordinatorStateTopicSegmentBytes: 104_857_600,
  shareCoordinatorSnapshotUpdateRecordsPerSnapshot: 500,
  shareCoordinatorWriteTimeoutMs: 5_000,
})

export function shareSettings(server: ServerConfig): ShareSettings {
  return server.share === undefined ? DEFAULT_SHARE_SETTINGS : { ...DEFAULT_SHARE_SETTINGS, ...server.share }
}
