/**
 * What a batch must satisfy before it enters a log (UnifiedLog#analyzeAndValidateRecords, LogValidator, and for producers
 * ProduceRequest#validateRecords). Everything here is decided from headers, but for compressed batches and for keys on
 * compacted topics.
 */
import { COMPRESSION_TYPES, targetCompression } from '../base/compression-type.ts'
import type { TopicConfig } from '../config/topic.ts'
import { ApiError } from '../protocol/api-error.ts'
import { CompressionError } from '../protocol/compression/compress.ts'
import { ErrorCode } from '../protocol/errors.ts'
import {
  baseOffsetOf, baseSequenceOf, batchPositions, batchSizeOf, compressionOf, isControlOf, isValidBatch, lastOffsetDeltaOf,
  lastOffsetOf, leaderEpochOf, type LogRecord, magicOf, MAGIC, maxTimestampOf, producerIdOf, readRecords, rebuildBatch,
  recordCountOf, timestampTypeOf,
} from '../protocol/records/record-batch.ts'
import { DecodeError } from '../protocol/wire.ts'
import { NO_PRODUCER_ID } from './batch-header.ts'

/** `message.timestamp.after.max.ms`: records may not be dated further than this beyond the broker's clock (KIP-1030). */
export const MESSAGE_TIMESTAMP_AFTER_MAX_MS = 3_600_000

/**
 * Checks the records of a producer's request: exactly one batch, as v2 demands. Returns what to store: the same bytes, or
 * the batch made anew when the topic wants another compression or the offsets inside are not dense.
 * @throws ApiError INVALID_RECORD, MESSAGE_TOO_LARGE, CORRUPT_MESSAGE, INVALID_TIMESTAMP, UNKNOWN_SERVER_ERROR for records
 *   that cannot be decompressed
 */
export function validateClientRecords(bytes: Uint8Array, config: TopicConfig, now: number): Uint8Array {
  const positions = batchPositions(bytes)
  if (positions.length !== 1) throw invalid(`a produce request holds exactly one batch a partition, not ${positions.length}`)
  if (magicOf(bytes, 0) !== MAGIC) throw invalid(`magic ${magicOf(bytes, 0)}`)
  if (baseOffsetOf(bytes, 0) !== 0) throw invalid(`base offset ${baseOffsetOf(bytes, 0)} of a new batch`)
  const size = batchSizeOf(bytes, 0)
  if (size > config.maxMessageBytes) {
    throw new ApiError(ErrorCode.MESSAGE_TOO_LARGE, `${size} bytes, at most ${config.maxMessageBytes}`)
  }
  checkIntact(bytes, 0)
  const count = recordCountOf(bytes, 0)
  if (count <= 0 || count !== lastOffsetDeltaOf(bytes, 0) + 1) throw invalid(`${count} records, last offset delta ${lastOffsetDeltaOf(bytes, 0)}`)
  if (isControlOf(bytes, 0)) throw invalid('clients may not write control records')
  if (producerIdOf(bytes, 0) !== NO_PRODUCER_ID && baseSequenceOf(bytes, 0) < 0) throw invalid('a producer id without sequence')
  if (config.messageTimestampType === 'CreateTime') {
    if (timestampTypeOf(bytes, 0) !== 'CreateTime') throw new ApiError(ErrorCode.INVALID_TIMESTAMP, 'set to LogAppendTime by the client')
    if (maxTimestampOf(bytes, 0) - now > MESSAGE_TIMESTAMP_AFTER_MAX_MS) {
      throw new ApiError(ErrorCode.INVALID_TIMESTAMP, `${maxTimestampOf(bytes, 0)} is too far beyond ${now}`)
    }
  }
  const source = COMPRESSION_TYPES[compressionOf(bytes, 0)]
  const target = source === undefined ? undefined : targetCompression(config.compressionType, source)
  const isCompacted = config.cleanupPolicy !== 'delete'
  if (source === 'none' && target === 'none' && !isCompacted) return bytes
  const records = readOrRefuse(bytes)
  if (isCompacted && records.some(record => record.key === null)) throw invalid('compacted topics need keys')
  if (source === target && (source === 'none' || records.every((record, index) => record.offset === index))) return bytes
  const rebuilt = rebuildBatch(bytes, 0, records, target!)
  if (rebuilt.length > config.maxMessageBytes) {
    throw new ApiError(ErrorCode.MESSAGE_TOO_LARGE, `${rebuilt.length} bytes as ${target}, at most ${config.maxMessageBytes}`)
  }
  return rebuilt
}

function readOrRefuse(bytes: Uint8Array): LogRecord[] {
  try {
    return readRecords(bytes, 0)
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    // Kafka's iterator throws a KafkaException for what is no stream of its codec, which has no code of its own.
    throw error instanceof CompressionError ? new ApiError(ErrorCode.UNKNOWN_SERVER_ERROR, error.message) : invalid(error.message)
  }
}

/**
 * Positions of the batches of a coordinator's or raft leader's own append.
 * @throws ApiError MESSAGE_TOO_LARGE, CORRUPT_MESSAGE
 */
export function validateOwnRecords(bytes: Uint8Array, config: TopicConfig): number[] {
  const positions = batchPositions(bytes)
  for (const at of positions) {
    if (batchSizeOf(bytes, at) > config.maxMessageBytes) {
      throw new ApiError(ErrorCode.MESSAGE_TOO_LARGE, `${batchSizeOf(bytes, at)} bytes, at most ${config.maxMessageBytes}`)
    }
    checkIntact(bytes, at)
  }
  return positions
}

/**
 * Positions of the batches that a follower may append: those up to the first with an epoch above `maxEpoch` (what a
 * fetch for an older epoch brings after a leader change, KAFKA-18723).
 * @throws ApiError CORRUPT_MESSAGE, INVALID_RECORD when offsets do not increase
 */
export function validateReplicatedRecords(bytes: Uint8Array, maxEpoch: number): number[] {
  const positions: number[] = []
  let lastOffset = -1
  for (const at of batchPositions(bytes)) {
    if (leaderEpochOf(bytes, at) > maxEpoch) break
    checkIntact(bytes, at)
    if (lastOffsetOf(bytes, at) <= lastOffset) throw invalid(`offset ${lastOffsetOf(bytes, at)} after ${lastOffset}`)
    lastOffset = lastOffsetOf(bytes, at)
    positions.push(at)
  }
  return positions
}

function checkIntact(bytes: Uint8Array, at: number): void {
  if (!isValidBatch(bytes, at)) throw new ApiError(ErrorCode.CORRUPT_MESSAGE, `batch at byte ${at}`)
}

function invalid(message: string): ApiError {
  return new ApiError(ErrorCode.INVALID_RECORD, message)
}
