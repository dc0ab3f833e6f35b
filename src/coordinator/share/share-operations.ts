/**
 * What is asked of the states of share-partitions, one at a time (ShareCoordinatorShard#initializeState, #readStateAndMaybeUpdate
 * LeaderEpoch, #writeState, #deleteState, #readStateSummary).
 *
 * Two epochs fence. The leader epoch of the topic's partition: whoever reads with a newer one is the leader now, and this is
 * recorded, so that nothing that its predecessor still writes is accepted. The state epoch: it grows when an admin sets the
 * start offset anew, and nothing that was decided on the older state is accepted.
 */
import { ApiError } from '../../protocol/api-error.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { CoordinatorRecord } from '../coordinator-record.ts'
import { sharePartitionKey } from './share-partition-key.ts'
import type { SharePartitionId } from './share-partition-key.ts'
import { snapshotRecord, snapshotTombstone, updateRecord } from './share-records.ts'
import type { SharePartitionState, ShareState } from './share-state.ts'
import { combineBatches } from './state-batches.ts'
import type { StateBatch } from './state-batches.ts'

export interface ReadState {
  readonly stateEpoch: number
  readonly startOffset: number
  readonly batches: readonly StateBatch[]
}

export interface StateToWrite {
  readonly stateEpoch: number
  readonly leaderEpoch: number
  /** -1: as it is. */
  readonly startOffset: number
  readonly deliveryCompleteCount: number
  readonly batches: readonly StateBatch[]
}

export interface Decided<T> {
  readonly records: readonly CoordinatorRecord[]
  readonly response: T
}

/** What operations stand on, besides the state. */
export interface ShareContext {
  readonly state: ShareState
  readonly nowMs: number
  /** Updates after which a snapshot is written (share.coordinator.snapshot.update.records.per.snapshot). */
  readonly updatesPerSnapshot: number
}

/** Begins the state anew, from `startOffset`. @throws ApiError FENCED_STATE_EPOCH */
export function initializeState({ state, nowMs }: ShareContext, id: SharePartitionId, stateEpoch: number, startOffset: number): Decided<undefined> {
  const known = state.partitions.get(sharePartitionKey(id))
  if (known !== undefined && stateEpoch < known.stateEpoch) throw new ApiError(ErrorCode.FENCED_STATE_EPOCH)
  // Asked again by a group coordinator that has not heard of the answer: what has been written since stays.
  if (known !== undefined && stateEpoch === known.stateEpoch) return { records: [], response: undefined }
  const next = { snapshotEpoch: nextSnapshot(known), stateEpoch, leaderEpoch: known?.leaderEpoch ?? -1, startOffset, deliveryCompleteCount: -1, batches: [] }
  return { records: [snapshotRecord(id, next, nowMs)], response: undefined }
}

/** @throws ApiError FENCED_LEADER_EPOCH, INVALID_REQUEST */
export function readState({ state }: ShareContext, id: SharePartitionId, leaderEpoch: number): Decided<ReadState> {
  const known = initialized(state, id)
  if (leaderEpoch < known.leaderEpoch) throw new ApiError(ErrorCode.FENCED_LEADER_EPOCH)
  const { snapshotEpoch, stateEpoch, startOffset, deliveryCompleteCount, batches } = known
  const records = leaderEpoch > known.leaderEpoch ? [updateRecord(id, { snapshotEpoch, leaderEpoch, startOffset, deliveryCompleteCount, batches: [] })] : []
  return { records, response: { stateEpoch, startOffset, batches } }
}

/** @throws ApiError FENCED_LEADER_EPOCH, FENCED_STATE_EPOCH, INVALID_REQUEST */
export function writeState({ state, nowMs, updatesPerSnapshot }: ShareContext, id: SharePartitionId, write: StateToWrite): Decided<undefined> {
  const known = initialized(state, id)
  if (write.leaderEpoch !== -1 && write.leaderEpoch < known.leaderEpoch) throw new ApiError(ErrorCode.FENCED_LEADER_EPOCH)
  if (write.stateEpoch !== -1 && write.stateEpoch < known.stateEpoch) throw new ApiError(ErrorCode.FENCED_STATE_EPOCH)
  const { startOffset, deliveryCompleteCount } = write
  const leaderEpoch = Math.max(known.leaderEpoch, write.leaderEpoch)
  if (known.updates < updatesPerSnapshot) {
    return { records: [updateRecord(id, { snapshotEpoch: known.snapshotEpoch, leaderEpoch, startOffset, deliveryCompleteCount, batches: combineBatches(write.batches, startOffset) })], response: undefined }
  }
  const start = startOffset === -1 ? known.startOffset : startOffset
  const next = { snapshotEpoch: nextSnapshot(known), stateEpoch: Math.max(known.stateEpoch, write.stateEpoch), leaderEpoch, startOffset: start, deliveryCompleteCount, batches: combineBatches([...known.batches, ...write.batches], start) }
  return { records: [snapshotRecord(id, next, nowMs)], response: undefined }
}

export function deleteState({ state }: ShareContext, id: SharePartitionId): Decided<undefined> {
  return { records: state.partitions.has(sharePartitionKey(id)) ? [snapshotTombstone(id)] : [], response: undefined }
}

/** Of committed state; -1 where nothing is known. */
export function summarize(state: ShareState, id: SharePartitionId): Pick<SharePartitionState, 'stateEpoch' | 'startOffset' | 'leaderEpoch' | 'deliveryCompleteCount'> {
  const known = state.partitions.get(sharePartitionKey(id))
  return known ?? { stateEpoch: 0, startOffset: -1, leaderEpoch: 0, deliveryCompleteCount: -1 }
}

function initialized(state: ShareState, id: SharePartitionId): SharePartitionState {
  const known = state.partitions.get(sharePartitionKey(id))
  if (known === undefined) throw new ApiError(ErrorCode.INVALID_REQUEST, `The state of ${sharePartitionKey(id)} has not been initialized.`)
  return known
}

function nextSnapshot(known: SharePartitionState | undefined): number {
  return known === undefined ? 0 : known.snapshotEpoch + 1
}
