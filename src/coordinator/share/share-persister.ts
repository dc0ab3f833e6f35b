/**
 * The way to the share coordinator that keeps the state of a share-partition, for group coordinators and leaders of
 * partitions (Kafka: Persister, DefaultStatePersister). Futures never fail; they hold an error code.
 */
import { Future } from '../../base/task.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { ReadState, StateToWrite } from './share-operations.ts'
import type { SharePartitionId } from './share-partition-key.ts'

/** With an error nothing else of it means anything. */
export interface ReadResult extends ReadState {
  readonly errorCode: number
}

export interface SharePersister {
  initialize(id: SharePartitionId, stateEpoch: number, startOffset: number): Future<number>
  read(id: SharePartitionId, leaderEpoch: number): Future<ReadResult>
  write(id: SharePartitionId, state: StateToWrite): Future<number>
}

/** Nobody keeps states. */
export const NO_PERSISTER: Pick<SharePersister, 'initialize'> = { initialize: () => Future.completed(ErrorCode.COORDINATOR_NOT_AVAILABLE) }
