import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { crc32c } from '../../../src/base/crc32c.ts'
import {
  baseOffsetOf, baseSequenceOf, baseTimestampOf, batchPositions, batchSizeOf, buildBatch, computeCrc, crcOf, decrementSequence, HEADER_SIZE, incrementSequence,
  isControlOf, isTransactionalOf, isValidBatch, isWholeBatchAt, lastOffsetOf, lastSequenceOf, leaderEpochOf, maxTimestampOf, nextOffsetOf,
  producerEpochOf, producerIdOf, readRecords, recordCountOf, recordSize, stampLogAppendTime, stampOffsets, stampProducerState, timestampTypeOf,
} from '../../../src/protocol/records/record-batch.ts'
import { VarintReader, varintSize, writeVarint } from '../../../src/protocol/records/varint.ts'
import { DecodeError } from '../../../src/protocol/wire.ts'

const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const MAX = 0x7fffffff

const sample = (): Uint8Array => buildBatch({
  baseOffset: 5, partitionLeaderEpoch: 2, producerId: 2 ** 33 + 7, producerEpoch: 1, baseSequence: 3,
  records: [{ timestamp: 1000, key: text('k'), value: text('v') }, { timestamp: 999, key: null, value: null, headers: [{ key: 'h', value: null }] }],
})

/** A copy with one byte changed and the CRC made right again. */
function tampered(at: number, value: number): Uint8Array {
  const batch = sample()
  batch[at] = value
  new DataView(batch.buffer).setUint32(17, computeCrc(batch, 0))
  return batch
}

describe('format', () => {
  it('is the one worked out by hand', () => {
    const batch = sample()
    const body = [
      0, 0, // attributes
      0, 0, 0, 1, // last offset delta
      0, 0, 0, 0, 0, 0, 3, 0xe8, 0, 0, 0, 0, 0, 0, 3, 0xe8, // base and greatest timestamp
      0, 0, 0, 2, 0, 0, 0, 7, 0, 1, 0, 0, 0, 3, // producer id, epoch, sequence
      0, 0, 0, 2, // records
      16, 0, 0, 0, 2, 0x6b, 2, 0x76, 0, // 8 bytes: attributes, delta 0, offset 0, 'k', 'v', no headers
      18, 0, 1, 2, 1, 1, 2, 2, 0x68, 1, // 9 bytes: attributes, delta -1, offset 1, null, null, one header 'h' with null
    ]
    const crc = crc32c(Uint8Array.from(body))
    const head = [0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 68, 0, 0, 0, 2, 2, crc >>> 24, (crc >>> 16) & 0xff, (crc >>> 8) & 0xff, crc & 0xff]
    expect([...batch]).toEqual([...head, ...body])
  })

  it('is read in place, wherever the batch lies', () => {
    const batch = sample()
    const shifted = new Uint8Array(batch.length + 3)
    shifted.set(batch, 3)
    const read = (b: Uint8Array, p: number): unknown[] => [
      baseOffsetOf(b, p), lastOffsetOf(b, p), nextOffsetOf(b, p), batchSizeOf(b, p), leaderEpochOf(b, p), baseTimestampOf(b, p), maxTimestampOf(b, p),
      producerIdOf(b, p), producerEpochOf(b, p), baseSequenceOf(b, p), lastSequenceOf(b, p), recordCountOf(b, p), isControlOf(b, p), isTransactionalOf(b, p),
      timestampTypeOf(b, p), isValidBatch(b, p),
    ]
    expect(read(shifted, 3)).toEqual([5, 6, 7, batch.length, 2, 1000, 1000, 2 ** 33 + 7, 1, 3, 4, 2, false, false, 'CreateTime', true])
  })

  it('keeps what a producer did not set at -1, and has flags of its own', () => {
    const batch = buildBatch({ isControl: true, isTransactional: true, timestampType: 'LogAppendTime', records: [{ timestamp: 1, key: null, value: null }] })
    expect([producerIdOf(batch, 0), producerEpochOf(batch, 0), baseSequenceOf(batch, 0), lastSequenceOf(batch, 0), leaderEpochOf(batch, 0)]).toEqual([-1, -1, -1, -1, -1])
    expect([isControlOf(batch, 0), isTransactionalOf(batch, 0), timestampTypeOf(batch, 0)]).toEqual([true, true, 'LogAppendTime'])
  })

  it('gives back the records put in, and predicts their size', () => {
    const bytes = fc.option(fc.uint8Array({ maxLength: 90 }))
    const record = fc.record({
      timestamp: fc.integer({ min: 0, max: 2 ** 45 }), key: bytes, value: bytes,
      headers: fc.array(fc.record({ key: fc.string({ unit: 'grapheme', maxLength: 5 }), value: bytes }), { maxLength: 3 }),
    })
    fc.assert(fc.property(fc.array(record, { minLength: 1, maxLength: 5 }), fc.nat(2 ** 40), (records, baseOffset) => {
      const batch = buildBatch({ baseOffset, records })
      expect(readRecords(batch, 0)).toEqual(records.map((each, index) => ({ ...each, offset: baseOffset + index })))
      expect(isValidBatch(batch, 0)).toBe(true)
      expect(maxTimestampOf(batch, 0)).toBe(Math.max(...records.map(each => each.timestamp)))
      const sizes = records.map((each, index) => recordSize(each, each.timestamp - records[0]!.timestamp, index))
      expect(batch.length).toBe(sizes.reduce((sum, size) => sum + size, HEADER_SIZE))
    }), { seed: 5, numRuns: 200 })
  })
})

describe('stamps', () => {
  it('of offset and leader epoch leave the CRC right', () => {
    const batch = sample()
    const crc = crcOf(batch, 0)
    stampOffsets(batch, 0, 2 ** 41 + 1, 9)
    expect([baseOffsetOf(batch, 0), leaderEpochOf(batch, 0), crcOf(batch, 0), isValidBatch(batch, 0)]).toEqual([2 ** 41 + 1, 9, crc, true])
    expect(readRecords(batch, 0).map(each => each.offset)).toEqual([2 ** 41 + 1, 2 ** 41 + 2])
  })

  it('of append time and producer state make it right again', () => {
    const batch = sample()
    const crc = crcOf(batch, 0)
    stampLogAppendTime(batch, 0, 7777)
    expect([crcOf(batch, 0) === crc, isValidBatch(batch, 0), timestampTypeOf(batch, 0)]).toEqual([false, true, 'LogAppendTime'])
    expect(readRecords(batch, 0).map(each => each.timestamp)).toEqual([7777, 7777])
    stampProducerState(batch, 0, 12, 4, MAX)
    expect([producerIdOf(batch, 0), producerEpochOf(batch, 0), baseSequenceOf(batch, 0), lastSequenceOf(batch, 0), isValidBatch(batch, 0)]).toEqual([12, 4, MAX, 0, true])
  })
})

describe('damage', () => {
  it('of any byte that the CRC covers, or of the CRC, is seen', () => {
    for (let at = 16; at < sample().length; at++) {
      const batch = sample()
      batch[at]! ^= 0x10
      expect(isValidBatch(batch, 0), `byte ${at}`).toBe(false)
    }
  })

  it('at the end leaves the whole batches before it', () => {
    const batch = sample()
    const three = new Uint8Array(batch.length * 3)
    for (let i = 0; i < 3; i++) three.set(batch, i * batch.length)
    expect(batchPositions(three)).toEqual([0, batch.length, batch.length * 2])
    for (const cut of [1, batch.length - HEADER_SIZE + 1, batch.length - 1]) {
      expect(batchPositions(three.subarray(0, three.length - cut))).toEqual([0, batch.length])
    }
    const nonsense = sample()
    nonsense.set([0xff, 0xff, 0xff, 0xff], 8)
    expect([isWholeBatchAt(nonsense, 0), batchPositions(nonsense)]).toEqual([false, []])
  })

  it.each<[string, () => Uint8Array]>([
    ['a count that the records do not reach', () => tampered(60, 3)],
    ['a count that they exceed', () => tampered(60, 1)],
    ['a negative count', () => {
      const empty = buildBatch({ records: [] })
      empty[57] = 0xff
      return empty
    }],
    ['a record longer than the batch', () => tampered(HEADER_SIZE, 0x7e)],
    ['a record whose length disagrees with its fields', () => tampered(HEADER_SIZE, 18)],
    ['a codec that we do not have', () => tampered(22, 1)],
    ['a batch cut short', () => sample().subarray(0, 70)],
  ])('%s is a DecodeError, right CRC or not', (_, make) => {
    expect(() => readRecords(make(), 0)).toThrow(DecodeError)
  })

  it('of any kind ends in records or a DecodeError', () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.nat(200), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 }), changes => {
      const batch = sample()
      for (const [at, value] of changes) batch[at % batch.length] = value
      try {
        readRecords(batch, 0)
      } catch (error) {
        expect(error).toBeInstanceOf(DecodeError)
      }
    }), { seed: 5, numRuns: 2000 })
  })
})

it('sequences wrap to 0 after 2^31 - 1, and back', () => {
  expect([incrementSequence(MAX, 1), incrementSequence(MAX - 1, 3), incrementSequence(5, 2)]).toEqual([0, 1, 7])
  expect([decrementSequence(0, 1), decrementSequence(1, 3), decrementSequence(7, 2)]).toEqual([MAX, MAX - 1, 5])
})

it('varints are zigzag, least significant group first', () => {
  const cases: [number, number[]][] = [[0, [0]], [-1, [1]], [1, [2]], [63, [0x7e]], [-64, [0x7f]], [64, [0x80, 1]], [300, [0xd8, 4]], [MAX, [0xfe, 0xff, 0xff, 0xff, 0xf]], [-MAX - 1, [0xff, 0xff, 0xff, 0xff, 0xf]]]
  for (const [value, expected] of cases) {
    const bytes = new Uint8Array(10)
    const end = writeVarint(bytes, 0, value)
    expect([...bytes.subarray(0, end)]).toEqual(expected)
    expect(varintSize(value)).toBe(expected.length)
    expect(new VarintReader(bytes, 0, end).read()).toBe(value)
  }
})

it('varlongs reach half of the safe integers either way', () => {
  fc.assert(fc.property(fc.integer({ min: -(2 ** 51), max: 2 ** 51 }), value => {
    const bytes = new Uint8Array(10)
    const end = writeVarint(bytes, 0, value)
    expect([varintSize(value), new VarintReader(bytes, 0, end).read()]).toEqual([end, value])
  }), { seed: 9 })
})
