/**
 * lz4 frames as the Java client writes them (Lz4BlockOutputStream): independent blocks of at most 64 KiB, no checksums but
 * the header's. Read is what Lz4BlockInputStream accepts: any block size, a content size, block checksums.
 *
 * Blocks are read here and not by the library, which does not check offsets and lengths.
 */
import { createRequire } from 'node:module'
import type { Codec } from './compress.ts'

interface Lz4Js {
  compressBlock(source: Uint8Array, target: Uint8Array, start: number, length: number, hashTable: Uint32Array): number
  compressBound(length: number): number
}
interface Xxh32 {
  hash(seed: number, bytes: Uint8Array, start: number, length: number): number
}

const MAGIC = 0x184d2204
const VERSION = 0x40
const INDEPENDENT = 0x20
const BLOCK_CHECKSUM = 0x10
const CONTENT_SIZE = 0x08
const CONTENT_CHECKSUM = 0x04
const RESERVED = 0x03
const BLOCK_64_KB = 4
const STORED = 0x80000000
const BLOCK_SIZE = 65_536
const MIN_MATCH = 4

const load = createRequire(import.meta.url)
let library: Lz4Js | undefined
let checksum: Xxh32 | undefined
const hashTable = new Uint32Array(0x10000)

const lz4js = (): Lz4Js => (library ??= load('lz4js') as Lz4Js)
const xxh32 = (bytes: Uint8Array, start: number, end: number): number => (checksum ??= load('lz4js/xxh32.js') as Xxh32).hash(0, bytes, start, end - start) >>> 0

function compressBlock(block: Uint8Array): Uint8Array | undefined {
  hashTable.fill(0)
  const target = new Uint8Array(lz4js().compressBound(block.length))
  const size = lz4js().compressBlock(block, target, 0, block.length, hashTable)
  return size === 0 || size >= block.length ? undefined : target.subarray(0, size)
}

/** Expands the block bytes[at, end) into `target` from `position`; returns the position behind. Matches stay in the block. */
function expandBlock(bytes: Uint8Array, start: number, end: number, target: Uint8Array, position: number): number {
  let at = start
  let out = position
  const lengthOf = (nibble: number): number => {
    let length = nibble
    if (nibble !== 15) return length
    for (;;) {
      if (at >= end) throw new Error('a length beyond its block')
      const byte = bytes[at++]!
      length += byte
      if (byte !== 255) return length
    }
  }
  while (at < end) {
    const token = bytes[at++]!
    const literals = lengthOf(token >>> 4)
    if (literals > end - at || literals > target.length - out) throw new Error('literals beyond their block')
    target.set(bytes.subarray(at, at + literals), out)
    at += literals
    out += literals
    if (at === end) return out
    if (end - at < 2) throw new Error('half an offset')
    const offset = bytes[at]! | (bytes[at + 1]! << 8)
    at += 2
    const length = lengthOf(token & 15) + MIN_MATCH
    if (offset === 0 || offset > out - position) throw new Error(`an offset of ${offset}, ${out - position} bytes before it`)
    if (length > target.length - out) throw new Error('a match beyond its block')
    for (let i = 0; i < length; i++) target[out + i] = target[out + i - offset]!
    out += length
  }
  throw new Error('a block without end')
}

export const lz4: Codec = {
  compress(bytes) {
    const blocks: { readonly bytes: Uint8Array; readonly mark: number }[] = []
    let size = 7 + 4
    for (let at = 0; at < bytes.length; at += BLOCK_SIZE) {
      const block = bytes.subarray(at, at + BLOCK_SIZE)
      const small = compressBlock(block)
      blocks.push(small === undefined ? { bytes: block, mark: STORED } : { bytes: small, mark: 0 })
      size += 4 + (small ?? block).length
    }
    const frame = new Uint8Array(size)
    const view = new DataView(frame.buffer)
    view.setUint32(0, MAGIC, true)
    frame[4] = VERSION | INDEPENDENT
    frame[5] = BLOCK_64_KB << 4
    frame[6] = xxh32(frame, 4, 6) >>> 8
    let at = 7
    for (const block of blocks) {
      view.setUint32(at, (block.bytes.length | block.mark) >>> 0, true)
      frame.set(block.bytes, at + 4)
      at += 4 + block.bytes.length
    }
    return frame
  },

  expand(bytes, limit) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    if (bytes.length < 7 || view.getUint32(0, true) !== MAGIC) throw new Error('no frame')
    const flags = bytes[4]!
    if ((flags & 0xc0) !== VERSION || (flags & RESERVED) !== 0 || (flags & INDEPENDENT) === 0) throw new Error(`flags ${flags}`)
    const blockCode = bytes[5]! >>> 4
    if (blockCode < 4 || blockCode > 7 || (bytes[5]! & 15) !== 0) throw new Error(`block size ${bytes[5]}`)
    const maxBlock = 1 << (2 * blockCode + 8)
    let at = 6 + ((flags & CONTENT_SIZE) === 0 ? 0 : 8)
    if (at >= bytes.length || bytes[at] !== ((xxh32(bytes, 4, at) >>> 8) & 0xff)) throw new Error('the checksum of the header')
    at++
    const parts: Uint8Array[] = []
    let total = 0
    for (;;) {
      const mark = at + 4 <= bytes.length ? view.getUint32(at, true) : undefined
      if (mark === undefined) throw new Error('no end mark')
      at += 4
      if (mark === 0) break
      const size = mark & ~STORED
      const end = at + size
      if (size > maxBlock || end > bytes.length) throw new Error(`a block of ${size} bytes`)
      if ((flags & BLOCK_CHECKSUM) !== 0 && (end + 4 > bytes.length || view.getUint32(end, true) !== xxh32(bytes, at, end))) throw new Error('the checksum of a block')
      let part = bytes.subarray(at, end)
      if (mark < STORED) {
        // One byte of a block stands for at most 255.
        const target = new Uint8Array(Math.min(maxBlock, limit - total, size * 255 + 64))
        part = target.subarray(0, expandBlock(bytes, at, end, target, 0))
      }
      total += part.length
      if (total > limit) throw new Error(`more than ${limit} bytes`)
      parts.push(part)
      at = end + ((flags & BLOCK_CHECKSUM) === 0 ? 0 : 4)
    }
    // As in Kafka, the checksum of the content is passed over.
    if ((flags & CONTENT_CHECKSUM) !== 0) at += 4
    const whole = new Uint8Array(total)
    let out = 0
    for (const part of parts) {
      whole.set(part, out)
      out += part.length
    }
    return whole
  },
}
