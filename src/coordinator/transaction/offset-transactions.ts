/**
 * What the end of a transaction means to the group coordinator: its offsets become committed, or nothing. For partitions of
 * `__consumer_offsets` it writes the marker itself (GroupCoordinator#completeTransaction), in order with its own records.
 */
import { Future } from '../../base/task.ts'
import type { Millis } from '../../base/time.ts'
import { ApiError } from '../../protocol/api-error.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { CoordinatorRuntime } from '../runtime/coordinator-runtime.ts'
import type { CoordinatorState } from '../runtime/shard.ts'

export interface OffsetTransactions {
  /**
   * Writes the marker and waits until it is committed. Settles with an error code, NONE for success, and never fails.
   * `transactionVersion` is what the log judges the marker's epoch by, see ProducerAppend.
   */
  completeTransaction(
    partition: number, producerId: number, producerEpoch: number, coordinatorEpoch: number, commit: boolean, transactionVersion: number,
  ): Future<number>
}

/** The group coordinator's runtime as the marker's writer sees it. */
export function offsetTransactionsOf<S extends CoordinatorState>(runtime: Pick<CoordinatorRuntime<S>, 'completeTransaction'>, timeoutMs: Millis): OffsetTransactions {
  return {
    completeTransaction(partition, producerId, producerEpoch, coordinatorEpoch, commit, transactionVersion) {
      const settled = new Future<number>()
      const completed = runtime.completeTransaction(partition, { producerId, producerEpoch, coordinatorEpoch, commit, transactionVersion, timeoutMs })
      completed.onSettled(() => settled.complete(errorOf(completed)))
      return settled
    },
  }
}

function errorOf(completed: Future<void>): number {
  try {
    completed.result()
    return ErrorCode.NONE
  } catch (error) {
    if (error instanceof ApiError) return error.code
    throw error
  }
}
