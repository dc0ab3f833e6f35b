/** What an append returns, and how a follower's can fail. */
import { ApiError } from '../protocol/api-error.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { BatchHeader } from './batch-header.ts'
import type { RememberedBatch } from './producer-entry.ts'

export interface AppendInfo {
  /** For a duplicate: the offsets of the first time. firstOffset > lastOffset when nothing was appended. */
  readonly firstOffset: number
  readonly lastOffset: number
  readonly leaderEpoch: number
  /** -1 unless the topic has LogAppendTime (or, as in Kafka, for duplicates). */
  readonly logAppendTime: number
  readonly numBytes: number
  readonly recordCount: number
  readonly duplicate: boolean
}

/** A follower was given batches below its log end. */
export class UnexpectedAppendOffset extends ApiError {
  readonly firstOffset: number
  readonly lastOffset: number

  constructor(firstOffset: number, lastOffset: number, logEndOffset: number) {
    super(ErrorCode.UNKNOWN_SERVER_ERROR, `append of ${firstOffset} to ${lastOffset} to a log that ends at ${logEndOffset}`)
    this.firstOffset = firstOffset
    this.lastOffset = lastOffset
  }
}

export function appended(headers: readonly BatchHeader[], numBytes: number, logAppendTime: number): AppendInfo {
  const last = headers.at(-1)!
  let recordCount = 0
  for (const header of headers) recordCount += header.recordCount
  return {
    firstOffset: headers[0]!.baseOffset, lastOffset: last.lastOffset, leaderEpoch: last.leaderEpoch, logAppendTime, numBytes,
    recordCount, duplicate: false,
  }
}

export function appendedBefore(known: RememberedBatch, leaderEpoch: number): AppendInfo {
  return {
    firstOffset: known.lastOffset - known.offsetDelta, lastOffset: known.lastOffset, leaderEpoch, logAppendTime: known.timestamp,
    numBytes: 0, recordCount: known.offsetDelta + 1, duplicate: true,
  }
}

export function nothingAppended(logEndOffset: number): AppendInfo {
  return {
    firstOffset: logEndOffset, lastOffset: logEndOffset - 1, leaderEpoch: -1, logAppendTime: -1, numBytes: 0, recordCount: 0,
    duplicate: false,
  }
}
