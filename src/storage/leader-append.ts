/**
 * What a leader makes of the records that it is to append: a copy with offsets, its epoch and, by topic configuration, its
 * time stamped on (LogValidator#assignOffsetsNonCompressed and its siblings). The caller's bytes are left as they were.
 */
import type { TopicConfig } from '../config/topic.ts'
import { ApiError } from '../protocol/api-error.ts'
import { ErrorCode } from '../protocol/errors.ts'
import { batchSizeOf, lastOffsetDeltaOf, stampLogAppendTime, stampOffsets } from '../protocol/records/record-batch.ts'
import { validateClientRecords, validateOwnRecords } from './append-validation.ts'
import { readBatchHeader } from './batch-header.ts'
import type { BatchHeader } from './batch-header.ts'
import type { AppendOrigin } from './producer-append.ts'

export interface StampedRecords {
  readonly bytes: Uint8Array
  readonly headers: readonly BatchHeader[]
  /** -1 when the records keep the time that they came with. */
  readonly logAppendTime: number
}

/**
 * undefined: there is nothing to append.
 * @throws ApiError MESSAGE_TOO_LARGE, CORRUPT_MESSAGE, INVALID_RECORD, INVALID_TIMESTAMP, RECORD_LIST_TOO_LARGE
 */
export function stampForAppend(records: Uint8Array, origin: AppendOrigin, to: { readonly endOffset: number; readonly leaderEpoch: number; readonly config: TopicConfig; readonly now: number }): StampedRecords | undefined {
  const { config, now } = to
  const accepted = origin === 'client' ? validateClientRecords(records, config, now) : records
  const positions = origin === 'client' ? [0] : validateOwnRecords(records, config)
  const last = positions.at(-1)
  if (last === undefined) return undefined
  const bytes = accepted.slice(0, last + batchSizeOf(accepted, last))
  const logAppendTime = config.messageTimestampType === 'LogAppendTime' && origin !== 'raft' ? now : -1
  let nextOffset = to.endOffset
  for (const at of positions) {
    stampOffsets(bytes, at, nextOffset, to.leaderEpoch)
    if (logAppendTime >= 0) stampLogAppendTime(bytes, at, logAppendTime)
    nextOffset += lastOffsetDeltaOf(bytes, at) + 1
  }
  // The metadata log of a plan may have segments smaller than a batch, which Kafka forbids: such a batch gets one of its own.
  if (bytes.length > config.segmentBytes && origin !== 'raft') {
    throw new ApiError(ErrorCode.RECORD_LIST_TOO_LARGE, `${bytes.length} bytes, segments of ${config.segmentBytes}`)
  }
  return { bytes, headers: positions.map(at => readBatchHeader(bytes, at)), logAppendTime }
}
