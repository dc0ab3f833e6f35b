import { describe, expect, it } from 'vitest'
import { COMPRESSION_TYPES } from '../../src/base/compression-type.ts'
import { ApiError } from '../../src/protocol/api-error.ts'
import { compress } from '../../src/protocol/compression/compress.ts'
import { ErrorCode, errorName } from '../../src/protocol/errors.ts'
import { baseSequenceOf, compressionOf, computeCrc, HEADER_SIZE, isValidBatch, producerIdOf, readRecords, recordCountOf } from '../../src/protocol/records/record-batch.ts'
import { FakeEnv } from './fake-env.ts'
import { batch, contents, type LogSettings, openLog } from './log-fixture.ts'

const VALUES = ['some text', 'some text again', 'some text once more']
const EXPECTED = VALUES.map((value, offset) => `${offset}:${value}`)

function append(bytes: Uint8Array, settings: LogSettings = {}): ReturnType<typeof openLog> {
  const log = openLog(new FakeEnv(), settings)
  log.appendAsLeader(bytes, 3, 'client')
  return log
}

/** Spoils a byte under a right CRC, as a producer with a defect would. */
function signed(bytes: Uint8Array, change: (copy: Uint8Array, view: DataView) => void): Uint8Array {
  const copy = bytes.slice()
  const view = new DataView(copy.buffer)
  change(copy, view)
  view.setUint32(17, computeCrc(copy, 0))
  return copy
}

function refusal(bytes: Uint8Array, settings: LogSettings = {}): string {
  try {
    append(bytes, settings)
  } catch (error) {
    expect(error).toBeInstanceOf(ApiError)
    return errorName((error as ApiError).code)
  }
  return 'none'
}

describe('a leader', () => {
  it('keeps what the producer compressed, byte for byte but for offsets and epoch', () => {
    for (const compression of COMPRESSION_TYPES) {
      const bytes = batch(VALUES, { compression })
      const log = append(bytes)
      expect(contents(log), compression).toEqual(EXPECTED)
      const stored = log.read(0, 10_000, 100, true)
      expect([...stored.subarray(16)]).toEqual([...bytes.subarray(16)])
      expect(isValidBatch(stored, 0)).toBe(true)
    }
  })

  it('stores what compression.type asks for, with the producer\'s numbers', () => {
    for (const compression of COMPRESSION_TYPES) {
      for (const [compressionType, stored] of [['uncompressed', 'none'], ['lz4', 'lz4'], ['zstd', 'zstd'], ['snappy', 'snappy'], ['gzip', 'gzip']] as const) {
        const log = append(batch(VALUES, { compression, producerId: 5, producerEpoch: 0, baseSequence: 0 }), { config: { compressionType } })
        const bytes = log.read(0, 10_000, 100, true)
        expect(COMPRESSION_TYPES[compressionOf(bytes, 0)]).toBe(stored)
        expect(contents(log), `${compression} to ${stored}`).toEqual(EXPECTED)
        expect([producerIdOf(bytes, 0), baseSequenceOf(bytes, 0), recordCountOf(bytes, 0), isValidBatch(bytes, 0)]).toEqual([5, 0, 3, true])
      }
    }
  })

  it('stamps the append time into compressed batches, which changes only the header', () => {
    const log = append(batch(VALUES, { compression: 'lz4', timestamp: 7 }), { config: { messageTimestampType: 'LogAppendTime' } })
    const bytes = log.read(0, 10_000, 100, true)
    expect(isValidBatch(bytes, 0)).toBe(true)
    expect(readRecords(bytes, 0).map(({ timestamp }) => timestamp)).toEqual([1, 2, 3].map(() => new FakeEnv().wallClock()))
  })

  it('looks into compressed batches: what cannot be expanded or counted is refused', () => {
    const bytes = batch(VALUES, { compression: 'lz4' })
    expect(refusal(bytes)).toBe('none')
    expect(refusal(signed(bytes, copy => { copy[65] = 0xff }))).toBe(errorName(ErrorCode.UNKNOWN_SERVER_ERROR))
    expect(refusal(signed(bytes, copy => { copy[22] = 6 }))).toBe(errorName(ErrorCode.UNKNOWN_SERVER_ERROR))
    // Two records announced, three there.
    expect(refusal(signed(bytes, (_, view) => {
      view.setInt32(57, 2)
      view.setInt32(23, 1)
    }))).toBe(errorName(ErrorCode.INVALID_RECORD))
    const unsigned = bytes.slice()
    unsigned[70]! ^= 1
    expect(refusal(unsigned)).toBe(errorName(ErrorCode.CORRUPT_MESSAGE))
  })

  it('measures again what it compressed anew (UnifiedLog#append)', () => {
    const bytes = batch(['x'.repeat(2_000)], { compression: 'zstd' })
    expect(bytes.length).toBeLessThan(200)
    expect(refusal(bytes, { config: { maxMessageBytes: 1_000 } })).toBe('none')
    expect(refusal(bytes, { config: { maxMessageBytes: 1_000, compressionType: 'uncompressed' } })).toBe(errorName(ErrorCode.MESSAGE_TOO_LARGE))
  })

  it('numbers inner offsets anew when they are not dense', () => {
    // Records of one byte each; the second says that its offset is 5: length, attributes, timestamp, offset.
    const plain = batch(['a', 'b'])
    const second = plain.length - 8
    expect([...plain.subarray(second, second + 4)]).toEqual([14, 0, 0, 2])
    const records = plain.slice(HEADER_SIZE)
    records[second + 3 - HEADER_SIZE] = 10
    const small = compress('gzip', records)
    const sparse = new Uint8Array(HEADER_SIZE + small.length)
    sparse.set(plain.subarray(0, HEADER_SIZE))
    sparse.set(small, HEADER_SIZE)
    const bytes = signed(sparse, (copy, view) => {
      copy[22] = COMPRESSION_TYPES.indexOf('gzip')
      view.setInt32(8, copy.length - 12)
    })
    expect(readRecords(bytes, 0).map(({ offset }) => offset)).toEqual([0, 5])
    expect(contents(append(bytes))).toEqual(['0:a', '1:b'])
  })

  it('refuses records without keys on compacted topics, compressed or not', () => {
    for (const compression of COMPRESSION_TYPES) {
      expect(refusal(batch(VALUES, { compression }), { config: { cleanupPolicy: 'compact' } }), compression).toBe(errorName(ErrorCode.INVALID_RECORD))
    }
  })
})

describe('offsets by time', () => {
  it('are found inside compressed batches', () => {
    const log = openLog(new FakeEnv())
    log.appendAsLeader(batch(VALUES, { compression: 'snappy', timestamp: 1_000 }), 0, 'client')
    log.appendAsLeader(batch(['later'], { compression: 'gzip', timestamp: 2_000 }), 0, 'client')
    expect(log.offsetForTimestamp(1_500)).toMatchObject({ offset: 3, timestamp: 2_000 })
  })

  it('of a batch that a disk has spoiled are an error of the request, not of the broker', () => {
    const log = openLog(new FakeEnv())
    log.appendAsLeader(batch(VALUES, { compression: 'snappy', timestamp: 1_000 }), 0, 'client')
    const file = log.segments[0]!.log
    file.view()[81]! ^= 0xff
    expect(() => log.offsetForTimestamp(500)).toThrow(ApiError)
  })
})
