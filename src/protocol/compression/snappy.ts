/**
 * snappy as the Java client writes it (SnappyCompression, snappy-java's SnappyOutputStream): the header of the xerial
 * framing, then blocks of at most 32 KiB of input, each behind its length. Read is also what librdkafka writes: one raw
 * snappy block without a frame, as SnappyInputStream does.
 */
import { createRequire } from 'node:module'
import type { Codec } from './compress.ts'

interface SnappyJs {
  compress(bytes: Uint8Array): Uint8Array
  uncompress(bytes: Uint8Array, maxLength: number): Uint8Array
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

function uncompress(block: Uint8Array, limit: number): Uint8Array {
  return snappyjs().uncompress(block, Math.min(limit, block.length * MAX_RATIO + 64))
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
