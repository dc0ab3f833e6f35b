/**
 * What the end of a transaction means to the group coordinator: its offsets become committed, or nothing. For partitions of
 * `__consumer_offsets` it writes the marker itself (GroupCoordinator#completeTransaction), in order with its own records.
 */
import type { Future } from '../../base/task.ts'

export interface OffsetTransactions {
  /**
   * Writes the marker and waits until it is committed. Settles with an error code, NONE for success, and never fails.
   * `transactionVersion` is what the log judges the marker's epoch by, see ProducerAppend.
   */
  completeTransaction(
    partition: number, producerId: number, producerEpoch: number, coordinatorEpoch: number, commit: boolean, transactionVersion: number,
  ): Future<number>
}
