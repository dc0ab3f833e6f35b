/** Records of share-partitions (ShareCoordinatorRecordHelpers). */
import { coordinatorRecord } from '../coordinator-record.ts'
import type { CoordinatorRecord } from '../coordinator-record.ts'
import type { SharePartitionId } from './share-partition-key.ts'
import type { SharePartitionState } from './share-state.ts'
import type { StateBatch } from './state-batches.ts'

export type Snapshot = Omit<SharePartitionState, 'updates'>

export function snapshotRecord({ groupId, topicId, partition }: SharePartitionId, { batches, ...state }: Snapshot, nowMs: number): CoordinatorRecord {
  return coordinatorRecord('ShareSnapshot', { groupId, topicId, partition }, { ...state, createTimestamp: nowMs, writeTimestamp: nowMs, stateBatches: plain(batches) })
}

export function snapshotTombstone({ groupId, topicId, partition }: SharePartitionId): CoordinatorRecord {
  return coordinatorRecord('ShareSnapshot', { groupId, topicId, partition }, null)
}

export function updateRecord({ groupId, topicId, partition }: SharePartitionId, { batches, snapshotEpoch, leaderEpoch, startOffset, deliveryCompleteCount }: Omit<Snapshot, 'stateEpoch'>): CoordinatorRecord {
  return coordinatorRecord('ShareUpdate', { groupId, topicId, partition }, { snapshotEpoch, leaderEpoch, startOffset, deliveryCompleteCount, stateBatches: plain(batches) })
}

function plain(batches: readonly StateBatch[]): StateBatch[] {
  return batches.map(({ firstOffset, lastOffset, deliveryState, deliveryCount }) => ({ firstOffset, lastOffset, deliveryState, deliveryCount }))
}
