import fc from 'fast-check'
import { gunzipSync, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { COMPRESSION_TYPES } from '../../../src/base/compression-type.ts'
import { compress, expand, MAX_EXPANDED_BYTES } from '../../../src/protocol/compression/compress.ts'
import { DecodeError } from '../../../src/protocol/wire.ts'

const text = (words: string): Uint8Array => new TextEncoder().encode(words)
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const fromHex = (digits: string): Uint8Array => new Uint8Array(Buffer.from(digits.replaceAll(' ', ''), 'hex'))
const GZIP = 1
const SNAPPY = 2
const LZ4 = 3
const ZSTD = 4

/** Bytes with repeats, so that there is something to compress. */
const bytesOf = (maxLength: number): fc.Arbitrary<Uint8Array> =>
  fc.array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 12 }), fc.integer({ min: 1, max: 40 })), { maxLength: Math.ceil(maxLength / 100) })
    .map(runs => Uint8Array.from(runs.flatMap(([run, times]) => Array.from({ length: times }, () => [...run]).flat())))

describe.each(COMPRESSION_TYPES.map((type, codec) => ({ type, codec })))('$type', ({ type, codec }) => {
  it('gives back what it was given, the same bytes each time', () => {
    fc.assert(fc.property(bytesOf(4_000), bytes => {
      const small = compress(type, bytes)
      expect(compress(type, bytes)).toEqual(small)
      expect(expand(codec, small)).toEqual(bytes)
    }), { numRuns: 25, seed: 5 })
  })

  it('holds more than one block', () => {
    const bytes = Uint8Array.from({ length: 200_000 }, (_, i) => (i * i) >>> 5)
    expect(hex(expand(codec, compress(type, bytes))) === hex(bytes)).toBe(true)
    const zeros = new Uint8Array(300_000)
    const small = compress(type, zeros)
    if (type !== 'none') expect(small.length).toBeLessThan(20_000)
    expect(hex(expand(codec, small)) === hex(zeros)).toBe(true)
  })

  it('reads a view into a larger buffer', () => {
    const small = compress(type, text('some records, some records, some records'))
    const buffer = new Uint8Array(small.length + 20)
    buffer.set(small, 7)
    expect(expand(codec, buffer.subarray(7, 7 + small.length))).toEqual(text('some records, some records, some records'))
  })

  it('answers mutated, cut and arbitrary bytes with a DecodeError or with something bounded', () => {
    if (type === 'none') return
    const small = compress(type, text('a record and a record and another record and a record and the last record'.repeat(3)))
    const check = (bytes: Uint8Array): void => {
      try {
        expect(expand(codec, bytes).length).toBeLessThanOrEqual(MAX_EXPANDED_BYTES)
      } catch (error) {
        expect(error).toBeInstanceOf(DecodeError)
      }
    }
    for (let length = 0; length < small.length; length++) {
      // The xerial framing has no end mark: its header alone is an empty stream.
      if (type === 'snappy' && length === 16) continue
      expect(() => expand(codec, small.subarray(0, length)), `cut to ${length}`).toThrow(DecodeError)
    }
    fc.assert(fc.property(fc.nat(small.length - 1), fc.nat(255), fc.nat(small.length - 1), fc.nat(255), (where, value, also, other) => {
      const bytes = small.slice()
      bytes[where] = value
      bytes[also] = other
      check(bytes)
    }), { numRuns: 500, seed: 9 })
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), check), { numRuns: 300, seed: 9 })
  })
})

describe('the framings', () => {
  it('gzip: what zlib wrote is read, and zlib reads what was written; no name and no time', () => {
    const bytes = text('gzip gzip gzip gzip')
    expect(expand(GZIP, gzipSync(bytes))).toEqual(bytes)
    expect(new Uint8Array(gunzipSync(compress('gzip', bytes)))).toEqual(bytes)
    expect(hex(compress('gzip', bytes).subarray(0, 8))).toBe('1f8b080000000000')
    const spoiled = compress('gzip', bytes).slice()
    spoiled[spoiled.length - 6]! ^= 1
    expect(() => expand(GZIP, spoiled)).toThrow('no gzip')
  })

  it('snappy: the xerial header and blocks behind their lengths; raw snappy is read as well', () => {
    const small = compress('snappy', text('abcd'))
    // Header, one block of 6 bytes: uncompressed length 4, a literal of 4.
    expect(hex(small)).toBe('82534e41505059000000000100000001' + '00000006' + '040c' + hex(text('abcd')))
    expect(expand(SNAPPY, fromHex('040c61626364'))).toEqual(text('abcd'))
    expect(() => expand(SNAPPY, fromHex('82534e41505059000000000200000002 00000006 040c61626364'))).toThrow('framing of version 2')
  })

  it('lz4: version 1, independent blocks of 64 KiB, the header checksum; small input is stored', () => {
    // 0x82 is the second byte of xxh32 of 60 40, as in every frame of the Java client.
    expect(hex(compress('lz4', text('abcd')))).toBe('04224d18' + '6040' + '82' + '04000080' + hex(text('abcd')) + '00000000')
    expect(() => expand(LZ4, fromHex('04224d18 6040 83 04000080 61626364 00000000'))).toThrow('checksum of the header')
    // A match that begins before its block.
    expect(() => expand(LZ4, fromHex('04224d18 6040 82 05000000 10 61 0200 00 00000000'))).toThrow('offset of 2')
  })

  it('zstd: a frame that announces more than a batch may hold is refused before anything is allocated', () => {
    expect(hex(compress('zstd', text('abcd')).subarray(0, 4))).toBe('28b52ffd')
    // Single segment with a content size of eight bytes, and one empty last block.
    expect(() => expand(ZSTD, fromHex('28b52ffd e0 0000000000010000 010000'))).toThrow('a size of')
    expect(() => expand(ZSTD, fromHex('28b52ffd 00 90 010000'))).toThrow('window')
    // Each block of four bytes stands for 128 KiB of zeros; the window is 1 MiB.
    const frameOf = (blocks: number): string => `28b52ffd 00 50 ${'020010 00'.repeat(blocks)} 010000`
    expect(expand(ZSTD, fromHex(frameOf(10))).length).toBe(10 << 17)
    expect(() => expand(ZSTD, fromHex(frameOf(513)))).toThrow('more than')
  })

  it('there are no codecs 5 to 7', () => {
    expect(() => expand(5, text('x'))).toThrow(DecodeError)
  })
})
