/**
 * Reads a state partition from its log start to its log end (CoordinatorLoaderImpl, TransactionStateManager
 * #loadTransactionMetadata). The end moves while it is read: what a predecessor's epoch left above the high watermark counts,
 * because this leader's log is the truth now.
 */
import type { Task } from '../base/task.ts'
import { msToUs } from '../base/time.ts'
import type { Millis } from '../base/time.ts'
import type { Env } from '../env/env.ts'
import { ControlType, controlTypeOf } from '../protocol/records/control-records.ts'
import {
  baseOffsetOf, batchPositions, isControlOf, isTransactionalOf, lastOffsetOf, nextOffsetOf, producerEpochOf, producerIdOf, readRecords,
} from '../protocol/records/record-batch.ts'
import { decodeCoordinatorRecord } from './coordinator-record.ts'
import type { CoordinatorRecord } from './coordinator-record.ts'
import type { StateLog } from './state-logs.ts'

/** Where a record lies and who wrote it. */
export interface RecordPosition {
  readonly offset: number
  readonly timestamp: number
  /** -1: not part of a transaction. */
  readonly producerId: number
  readonly producerEpoch: number
}

export interface StateVisitor {
  record(record: CoordinatorRecord, at: RecordPosition): void
  endTransaction(producerId: number, producerEpoch: number, commit: boolean, offset: number): void
}

const READ_BYTES = 5 * 1024 * 1024

/**
 * Returns false when `isCurrent` said no in between: leadership has moved on.
 * @throws ApiError, DecodeError when the log cannot be read
 */
export function* loadState(
  env: Env, topic: string, o: { readonly find: () => StateLog | undefined; readonly isCurrent: () => boolean; readonly readMs: Millis }, visitor: StateVisitor,
): Task<boolean> {
  let offset = o.find()?.logStartOffset ?? 0
  for (;;) {
    yield* env.pause('coordinator-load')
    const log = o.find()
    if (log === undefined || !o.isCurrent()) return false
    if (offset >= log.logEndOffset) return true
    const bytes = log.read(offset, READ_BYTES, log.logEndOffset, true)
    const positions = batchPositions(bytes)
    // Below the log end there is always another batch, unless compaction has left a hole up to it.
    if (positions.length === 0) return true
    for (const at of positions) {
      visitBatch(topic, bytes, at, visitor)
      offset = nextOffsetOf(bytes, at)
    }
    if (o.readMs > 0) yield* env.sleep(msToUs(o.readMs * positions.length)).wait()
  }
}

/** Hands the content of one batch to the visitor. */
export function visitBatch(topic: string, bytes: Uint8Array, at: number, visitor: StateVisitor): void {
  const isTransactional = isTransactionalOf(bytes, at)
  const producerId = isTransactional ? producerIdOf(bytes, at) : -1
  const producerEpoch = isTransactional ? producerEpochOf(bytes, at) : -1
  if (isControlOf(bytes, at)) {
    const type = controlTypeOf(bytes, at)
    if (type === ControlType.COMMIT || type === ControlType.ABORT) visitor.endTransaction(producerId, producerEpoch, type === ControlType.COMMIT, lastOffsetOf(bytes, at))
    return
  }
  if (baseOffsetOf(bytes, at) > lastOffsetOf(bytes, at)) return
  for (const { key, value, offset, timestamp } of readRecords(bytes, at)) {
    const record = key === null ? undefined : decodeCoordinatorRecord(topic, key, value)
    if (record !== undefined) visitor.record(record, { offset, timestamp, producerId, producerEpoch })
  }
}
