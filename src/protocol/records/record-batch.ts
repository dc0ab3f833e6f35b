/**
 * Record batch v2 (org.apache.kafka.common.record.DefaultRecordBatch). Header of 61 bytes:
 *
 *   0 baseOffset i64 | 8 batchLength i32 | 12 partitionLeaderEpoch i32 | 16 magic i8 | 17 crc u32 | 21 attributes i16
 *   23 lastOffsetDelta i32 | 27 baseTimestamp i64 | 35 maxTimestamp i64 | 43 producerId i64 | 51 producerEpoch i16
 *   53 baseSequence i32 | 57 count i32 | 61 records
 *
 * The CRC-32C covers attributes to the end, so a leader stamps base offset and leader epoch without touching it. Header
 * fields are read in place: functions over (bytes, position), no objects.
 */
import { crc32c } from '../../base/crc32c.ts'
import { decodeUtf8, encodeUtf8 } from '../../base/utf8.ts'
import { COMPRESSION_TYPES, type CompressionType } from '../../base/compression-type.ts'
import { compress, expand } from '../compression/compress.ts'
import { DecodeError } from '../wire.ts'
import { VarintReader, varintSize, writeVarint } from './varint.ts'

export const HEADER_SIZE = 61
/** baseOffset and batchLength: what `batchLength` does not count. */
export const LOG_OVERHEAD = 12
export const MAGIC = 2

const COMPRESSION_MASK = 0x07
const LOG_APPEND_TIME = 0x08
const TRANSACTIONAL = 0x10
const CONTROL = 0x20
const DELETE_HORIZON = 0x40

export interface RecordHeader {
  readonly key: string
  readonly value: Uint8Array | null
}

export interface RecordInput {
  /** Milliseconds since the epoch. */
  readonly timestamp: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers?: readonly RecordHeader[]
}

export interface BatchInput {
  readonly baseOffset?: number
  readonly partitionLeaderEpoch?: number
  readonly timestampType?: 'CreateTime' | 'LogAppendTime'
  readonly isTransactional?: boolean
  readonly isControl?: boolean
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly baseSequence?: number
  readonly compression?: CompressionType
  readonly records: readonly RecordInput[]
  /** Of a batch that compaction has thinned: which offset each record has, and what the whole batch spans all the same. */
  readonly thinned?: {
    readonly offsetDeltas: readonly number[]
    readonly lastOffsetDelta: number
    /** When the tombstones and markers in it may go; it takes the place of the base timestamp (KIP-534). */
    readonly deleteHorizon: number | undefined
    /** What an empty batch keeps. */
    readonly maxTimestamp: number
  }
}

export interface LogRecord {
  readonly offset: number
  readonly timestamp: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: readonly RecordHeader[]
}

function int16(b: Uint8Array, p: number): number {
  return ((b[p]! << 24) >> 16) | b[p + 1]!
}

function int32(b: Uint8Array, p: number): number {
  return (b[p]! << 24) | (b[p + 1]! << 16) | (b[p + 2]! << 8) | b[p + 3]!
}

function int64(b: Uint8Array, p: number): number {
  return int32(b, p) * 0x100000000 + (int32(b, p + 4) >>> 0)
}

function putInt16(b: Uint8Array, p: number, value: number): void {
  b[p] = value >> 8
  b[p + 1] = value
}

function putInt32(b: Uint8Array, p: number, value: number): void {
  b[p] = value >> 24
  b[p + 1] = value >> 16
  b[p + 2] = value >> 8
  b[p + 3] = value
}

function putInt64(b: Uint8Array, p: number, value: number): void {
  putInt32(b, p, Math.floor(value / 0x100000000))
  putInt32(b, p + 4, value | 0)
}

export const baseOffsetOf = (b: Uint8Array, p: number): number => int64(b, p)
/** The whole batch, log overhead included. */
export const batchSizeOf = (b: Uint8Array, p: number): number => int32(b, p + 8) + LOG_OVERHEAD
export const leaderEpochOf = (b: Uint8Array, p: number): number => int32(b, p + 12)
export const magicOf = (b: Uint8Array, p: number): number => (b[p + 16]! << 24) >> 24
export const crcOf = (b: Uint8Array, p: number): number => int32(b, p + 17) >>> 0
export const attributesOf = (b: Uint8Array, p: number): number => int16(b, p + 21)
/** The number of the codec, also one that does not exist. */
export const compressionOf = (b: Uint8Array, p: number): number => b[p + 22]! & COMPRESSION_MASK
export const timestampTypeOf = (b: Uint8Array, p: number): 'CreateTime' | 'LogAppendTime' => ((b[p + 22]! & LOG_APPEND_TIME) === 0 ? 'CreateTime' : 'LogAppendTime')
export const isTransactionalOf = (b: Uint8Array, p: number): boolean => (b[p + 22]! & TRANSACTIONAL) !== 0
export const isControlOf = (b: Uint8Array, p: number): boolean => (b[p + 22]! & CONTROL) !== 0
/** From when on tombstones and markers of the batch may be removed, once a cleaner has said so. */
export const deleteHorizonOf = (b: Uint8Array, p: number): number | undefined => ((b[p + 22]! & DELETE_HORIZON) === 0 ? undefined : int64(b, p + 27))
export const lastOffsetDeltaOf = (b: Uint8Array, p: number): number => int32(b, p + 23)
export const lastOffsetOf = (b: Uint8Array, p: number): number => int64(b, p) + int32(b, p + 23)
export const nextOffsetOf = (b: Uint8Array, p: number): number => lastOffsetOf(b, p) + 1
export const baseTimestampOf = (b: Uint8Array, p: number): number => int64(b, p + 27)
export const maxTimestampOf = (b: Uint8Array, p: number): number => int64(b, p + 35)
export const producerIdOf = (b: Uint8Array, p: number): number => int64(b, p + 43)
export const producerEpochOf = (b: Uint8Array, p: number): number => int16(b, p + 51)
export const baseSequenceOf = (b: Uint8Array, p: number): number => int32(b, p + 53)
export const recordCountOf = (b: Uint8Array, p: number): number => int32(b, p + 57)

/** Sequences wrap to 0 after 2^31 - 1 (DefaultRecordBatch#incrementSequence). */
export function incrementSequence(sequence: number, increment: number): number {
  const room = 0x7fffffff - sequence
  return increment > room ? increment - room - 1 : sequence + increment
}

/** DefaultRecordBatch#decrementSequence. */
export function decrementSequence(sequence: number, decrement: number): number {
  return sequence < decrement ? 0x7fffffff - (decrement - sequence) + 1 : sequence - decrement
}

export function lastSequenceOf(b: Uint8Array, p: number): number {
  const base = baseSequenceOf(b, p)
  return base === -1 ? -1 : incrementSequence(base, lastOffsetDeltaOf(b, p))
}

/** Is there a whole batch (by its announced length) at `p`? */
export function isWholeBatchAt(b: Uint8Array, p: number, end = b.length): boolean {
  if (p + HEADER_SIZE > end) return false
  const size = batchSizeOf(b, p)
  return size >= HEADER_SIZE && p + size <= end
}

export function computeCrc(b: Uint8Array, p: number): number {
  return crc32c(b, p + 21, p + batchSizeOf(b, p))
}

/** Length, magic and CRC are right. The batch must be whole. */
export function isValidBatch(b: Uint8Array, p: number): boolean {
  return batchSizeOf(b, p) >= HEADER_SIZE && magicOf(b, p) === MAGIC && crcOf(b, p) === computeCrc(b, p)
}

/** Positions of the whole batches in a buffer; stops at a partial one. */
export function batchPositions(b: Uint8Array, start = 0, end = b.length): number[] {
  const positions: number[] = []
  for (let p = start; isWholeBatchAt(b, p, end); p += batchSizeOf(b, p)) positions.push(p)
  return positions
}

export function stampOffsets(b: Uint8Array, p: number, baseOffset: number, leaderEpoch: number): void {
  putInt64(b, p, baseOffset)
  putInt32(b, p + 12, leaderEpoch)
}

/** Turns the batch into LogAppendTime with this timestamp and recomputes the CRC (DefaultRecordBatch#setMaxTimestamp). */
export function stampLogAppendTime(b: Uint8Array, p: number, timestamp: number): void {
  b[p + 22] = b[p + 22]! | LOG_APPEND_TIME
  putInt64(b, p + 35, timestamp)
  putInt32(b, p + 17, computeCrc(b, p) | 0)
}

/** Renumbers a batch of a producer (ProducerBatch#resetProducerState) and recomputes the CRC. */
export function stampProducerState(b: Uint8Array, p: number, producerId: number, producerEpoch: number, baseSequence: number): void {
  putInt64(b, p + 43, producerId)
  putInt16(b, p + 51, producerEpoch)
  putInt32(b, p + 53, baseSequence)
  putInt32(b, p + 17, computeCrc(b, p) | 0)
}

interface SizedRecord {
  readonly body: number
  readonly headerKeys: readonly Uint8Array[]
}

const EMPTY: readonly RecordHeader[] = []
const NO_KEYS: readonly Uint8Array[] = []

function sizeRecord(record: RecordInput, timestampDelta: number, offsetDelta: number): SizedRecord {
  const headers = record.headers ?? EMPTY
  let body = 1 + varintSize(timestampDelta) + varintSize(offsetDelta) + varintSize(headers.length)
  body += record.key === null ? 1 : varintSize(record.key.length) + record.key.length
  body += record.value === null ? 1 : varintSize(record.value.length) + record.value.length
  if (headers.length === 0) return { body, headerKeys: NO_KEYS }
  const headerKeys = headers.map(({ key }) => encodeUtf8(key))
  headers.forEach(({ value }, index) => {
    const key = headerKeys[index]!
    body += varintSize(key.length) + key.length
    body += value === null ? 1 : varintSize(value.length) + value.length
  })
  return { body, headerKeys }
}

/** Size in bytes that one more record adds to a batch. */
export function recordSize(record: RecordInput, timestampDelta: number, offsetDelta: number): number {
  const { body } = sizeRecord(record, timestampDelta, offsetDelta)
  return varintSize(body) + body
}

function writeBytes(b: Uint8Array, position: number, value: Uint8Array | null): number {
  if (value === null) return writeVarint(b, position, -1)
  const at = writeVarint(b, position, value.length)
  b.set(value, at)
  return at + value.length
}

/** The same batch with its records compressed. */
function compressed(b: Uint8Array, type: CompressionType): Uint8Array {
  const records = compress(type, b.subarray(HEADER_SIZE))
  const small = new Uint8Array(HEADER_SIZE + records.length)
  small.set(b.subarray(0, HEADER_SIZE))
  small.set(records, HEADER_SIZE)
  putInt32(small, 8, small.length - LOG_OVERHEAD)
  small[22] = small[22]! | COMPRESSION_TYPES.indexOf(type)
  return small
}

/** Builds a batch of at least one record; offsets are dense from the base offset, unless it is a thinned one. */
export function buildBatch(input: BatchInput): Uint8Array {
  const { records, thinned } = input
  const baseTimestamp = thinned?.deleteHorizon ?? records[0]?.timestamp ?? -1
  const offsetDelta = (index: number): number => (thinned === undefined ? index : thinned.offsetDeltas[index]!)
  const sized = records.map((record, index) => sizeRecord(record, record.timestamp - baseTimestamp, offsetDelta(index)))
  let size = HEADER_SIZE
  for (const { body } of sized) size += varintSize(body) + body
  let b: Uint8Array = new Uint8Array(size)
  let maxTimestamp = records[0]?.timestamp ?? thinned?.maxTimestamp ?? -1
  let at = HEADER_SIZE
  records.forEach((record, index) => {
    const { body, headerKeys } = sized[index]!
    if (record.timestamp > maxTimestamp) maxTimestamp = record.timestamp
    at = writeVarint(b, at, body)
    b[at++] = 0
    at = writeVarint(b, at, record.timestamp - baseTimestamp)
    at = writeVarint(b, at, offsetDelta(index))
    at = writeBytes(b, at, record.key)
    at = writeBytes(b, at, record.value)
    const headers = record.headers ?? EMPTY
    at = writeVarint(b, at, headers.length)
    headers.forEach(({ value }, h) => {
      at = writeBytes(b, at, headerKeys[h]!)
      at = writeBytes(b, at, value)
    })
  })
  putInt64(b, 0, input.baseOffset ?? 0)
  putInt32(b, 8, size - LOG_OVERHEAD)
  putInt32(b, 12, input.partitionLeaderEpoch ?? -1)
  b[16] = MAGIC
  putInt16(b, 21, (input.timestampType === 'LogAppendTime' ? LOG_APPEND_TIME : 0) | (input.isTransactional === true ? TRANSACTIONAL : 0) | (input.isControl === true ? CONTROL : 0) | (thinned?.deleteHorizon === undefined ? 0 : DELETE_HORIZON))
  putInt32(b, 23, thinned?.lastOffsetDelta ?? Math.max(0, records.length - 1))
  putInt64(b, 27, baseTimestamp)
  putInt64(b, 35, maxTimestamp)
  putInt64(b, 43, input.producerId ?? -1)
  putInt16(b, 51, input.producerEpoch ?? -1)
  putInt32(b, 53, input.baseSequence ?? -1)
  putInt32(b, 57, records.length)
  if (input.compression !== undefined && input.compression !== 'none') b = compressed(b, input.compression)
  putInt32(b, 17, crc32c(b, 21, b.length) | 0)
  return b
}

/** A client's batch made anew, with dense offsets and this compression (LogValidator#buildRecordsAndAssignOffsets). */
export function rebuildBatch(b: Uint8Array, p: number, records: readonly LogRecord[], compression: CompressionType): Uint8Array {
  return buildBatch({
    timestampType: timestampTypeOf(b, p), isTransactional: isTransactionalOf(b, p), producerId: producerIdOf(b, p),
    producerEpoch: producerEpochOf(b, p), baseSequence: baseSequenceOf(b, p), compression, records,
  })
}

/**
 * The records of a batch, copies of their bytes.
 * @throws DecodeError also for what a producer may send under a right CRC: a negative count, bytes behind the last record
 */
export function readRecords(b: Uint8Array, p: number): LogRecord[] {
  if (!isWholeBatchAt(b, p)) throw new DecodeError(`no whole batch at ${p}`)
  const base = baseOffsetOf(b, p)
  const baseTimestamp = baseTimestampOf(b, p)
  const appendTime = timestampTypeOf(b, p) === 'LogAppendTime' ? maxTimestampOf(b, p) : undefined
  const codec = compressionOf(b, p)
  const end = p + batchSizeOf(b, p)
  const expanded = codec === 0 ? undefined : expand(codec, b.subarray(p + HEADER_SIZE, end))
  const reader = expanded === undefined ? new VarintReader(b, p + HEADER_SIZE, end) : new VarintReader(expanded, 0, expanded.length)
  const count = recordCountOf(b, p)
  if (count < 0) throw new DecodeError(`record count ${count}`)
  const records: LogRecord[] = []
  for (let i = 0; i < count; i++) {
    const length = reader.read()
    const recordEnd = reader.position + length
    if (length < 0 || recordEnd > reader.end) throw new DecodeError('record beyond its batch')
    reader.position++
    const timestamp = baseTimestamp + reader.read()
    const offset = base + reader.read()
    const key = reader.bytesOrNull()
    const value = reader.bytesOrNull()
    const headerCount = reader.read()
    if (headerCount < 0 || headerCount > recordEnd - reader.position) throw new DecodeError('header count beyond the record')
    const headers: RecordHeader[] = []
    for (let h = 0; h < headerCount; h++) {
      const name = reader.bytesOrNull()
      if (name === null) throw new DecodeError('header without a key')
      headers.push({ key: decodeUtf8(name), value: reader.bytesOrNull() })
    }
    if (reader.position !== recordEnd) throw new DecodeError('record of the wrong length')
    records.push({ offset, timestamp: appendTime ?? timestamp, key, value, headers })
  }
  if (reader.position !== reader.end) throw new DecodeError(`${reader.end - reader.position} bytes behind the last record`)
  return records
}
