/**
 * snappy as the Java client writes it (SnappyCompression, snappy-java's SnappyOutputStream): the header of the xerial
 * framing, then blocks of at most 32 KiB of input, each behind its length. Read is also what librdkafka writes: one raw
 * snappy block without a frame, as SnappyInputStream does.
 *
 * Blocks are read here and not by the library, which may never come back from a spoiled one (a literal of negative length).
 */
import { createRequire } from 'node:module'
import type { Codec } from './compress.ts'

interface SnappyJs {
  compress(bytes: Uint8Array): Uint8Array
}

/** Magic, version 1, compatible with version 1. */
const HEADER = Uint8Array.of(0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1)
const MAGIC_SIZE = 8
const BLOCK_SIZE = 32 << 10
/** A copy element of three bytes stands for at most 64. */
const MAX_RATIO = 22
const load = createRequire(import.meta.url)
let loaded: SnappyJs | undefined

const snappyjs = (): SnappyJs => (loaded ??= load('snappyjs') as SnappyJs)

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  let size = 0
  for (const part of parts) size += part.length
  const whole = new Uint8Array(size)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** A little-endian number of `size` bytes. */
function numberAt(bytes: Uint8Array, at: number, size: number): number {
  if (size > bytes.length - at) throw new Error('half an element')
  let value = 0
  for (let i = size - 1; i >= 0; i--) value = value * 256 + bytes[at + i]!
  return value
}

/** One raw block: the length of what it becomes, then literals and copies (google/snappy, format_description.txt). */
function uncompress(block: Uint8Array, limit: number): Uint8Array {
  let at = 0
  let size = 0
  for (let shift = 0; ; shift += 7) {
    if (at >= block.length || shift > 28) throw new Error('no length')
    const byte = block[at++]!
    size += (byte & 0x7f) * 2 ** shift
    if (byte < 0x80) break
  }
  if (size > Math.min(limit, block.length * MAX_RATIO)) throw new Error(`${size} bytes from ${block.length}`)
  const target = new Uint8Array(size)
  let out = 0
  while (at < block.length) {
    const tag = block[at++]!
    const kind = tag & 3
    if (kind === 0) {
      const extra = (tag >>> 2) - 59
      const length = 1 + (extra <= 0 ? tag >>> 2 : numberAt(block, at, extra))
      if (extra > 0) at += extra
      if (length > block.length - at || length > size - out) throw new Error('a literal beyond its block')
      target.set(block.subarray(at, at + length), out)
      at += length
      out += length
      continue
    }
    const length = kind === 1 ? 4 + ((tag >>> 2) & 7) : 1 + (tag >>> 2)
    const width = kind === 3 ? 4 : kind
    const offset = numberAt(block, at, width) + (kind === 1 ? (tag >>> 5) * 256 : 0)
    at += width
    if (offset === 0 || offset > out || length > size - out) throw new Error(`a copy of ${length} from ${offset} before ${out}`)
    for (let i = 0; i < length; i++) target[out + i] = target[out + i - offset]!
    out += length
  }
  if (out !== size) throw new Error(`${out} bytes, not ${size}`)
  return target
}

export const snappy: Codec = {
  compress(bytes) {
    const parts: Uint8Array[] = [HEADER]
    for (let at = 0; at < bytes.length; at += BLOCK_SIZE) {
      const block = snappyjs().compress(bytes.subarray(at, at + BLOCK_SIZE))
      const length = new Uint8Array(4)
      new DataView(length.buffer).setInt32(0, block.length)
      parts.push(length, block)
    }
    return concatenate(parts)
  },

  expand(bytes, limit) {
    const isFramed = bytes.length >= HEADER.length && HEADER.subarray(0, MAGIC_SIZE).every((byte, index) => bytes[index] === byte)
    if (!isFramed) return uncompress(bytes, limit)
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    if (view.getInt32(12) > 1) throw new Error(`framing of version ${view.getInt32(8)}`)
    const parts: Uint8Array[] = []
    let left = limit
    for (let at = HEADER.length; at < bytes.length;) {
      if (bytes.length - at < 4) throw new Error('a block without its length')
      const length = view.getInt32(at)
      at += 4
      if (length < 0 || length > bytes.length - at) throw new Error(`a block of ${length} bytes, ${bytes.length - at} left`)
      const part = uncompress(bytes.subarray(at, at + length), left)
      left -= part.length
      parts.push(part)
      at += length
    }
    return concatenate(parts)
  },
}
