/**
 * zstd at its default level (ZstdCompression), one frame a batch. Written by the reference implementation as WebAssembly,
 * which must have been loaded before; read in plain JavaScript, which is always there: a flipped bit can make a zstd batch of
 * any other.
 *
 * Before a frame is expanded, its headers are walked: the window and the sizes that its blocks announce bound what is
 * allocated (RFC 8878, 3.1.1).
 */
import { createRequire } from 'node:module'
import { invariant } from '../../base/assert.ts'
import type { Codec } from './compress.ts'

interface Encoder {
  compress(bytes: Uint8Array, level: number): Uint8Array
}
interface Decoder {
  decompress(bytes: Uint8Array): Uint8Array
}

const MAGIC = 0xfd2fb528
const LEVEL = 3
/** What every decoder must support, and more than the frame of a batch needs. */
const MAX_WINDOW = 8 << 20
const MAX_BLOCK = 128 << 10
const RLE = 1
const COMPRESSED = 2
const load = createRequire(import.meta.url)
let encoder: Encoder | undefined
let decoder: Decoder | undefined

export async function loadZstd(): Promise<void> {
  if (encoder !== undefined) return
  const { Zstd } = await import('@hpcc-js/wasm-zstd')
  encoder = await Zstd.load()
}

export function isZstdLoaded(): boolean {
  return encoder !== undefined
}

/** Throws for bytes that are not one frame or that may become more than `limit` bytes. */
function checkFrame(bytes: Uint8Array, limit: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < 6 || view.getUint32(0, true) !== MAGIC) throw new Error('no frame')
  const descriptor = bytes[4]!
  const isSingleSegment = (descriptor & 0x20) !== 0
  let at = 5
  if (!isSingleSegment) {
    const base = 1024 * 2 ** (bytes[at]! >>> 3)
    if (base + (base / 8) * (bytes[at]! & 7) > MAX_WINDOW) throw new Error('a window of more than 8 MiB')
    at++
  }
  if ((descriptor & 3) !== 0) throw new Error('a dictionary')
  const sizeCode = descriptor >>> 6
  const sizeBytes = sizeCode === 0 ? (isSingleSegment ? 1 : 0) : 1 << sizeCode
  if (at + sizeBytes > bytes.length) throw new Error('half a header')
  const size = sizeBytes === 0 ? 0 : sizeBytes === 1 ? bytes[at]! : sizeBytes === 2 ? view.getUint16(at, true) + 256
    : view.getUint32(at, true) + (sizeBytes === 4 ? 0 : view.getUint32(at + 4, true) * 2 ** 32)
  at += sizeBytes
  let most = 0
  for (let isLast = false; !isLast;) {
    if (at + 3 > bytes.length) throw new Error('no last block')
    const header = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16)
    isLast = (header & 1) === 1
    const type = (header >>> 1) & 3
    const blockSize = header >>> 3
    most += type === COMPRESSED ? MAX_BLOCK : blockSize
    if (most > limit) throw new Error(`more than ${limit} bytes`)
    at += 3 + (type === RLE ? 1 : blockSize)
  }
  if ((descriptor & 4) !== 0) at += 4
  if (at !== bytes.length) throw new Error(`a frame of ${at} bytes in ${bytes.length}`)
  if (size > most) throw new Error(`a size of ${size} that its blocks cannot have`)
}

export const zstd: Codec = {
  compress(bytes) {
    invariant(encoder !== undefined, 'the zstd codec is used before it was loaded')
    return encoder.compress(bytes, LEVEL)
  },

  expand(bytes, limit) {
    checkFrame(bytes, limit)
    decoder ??= load('fzstd') as Decoder
    return decoder.decompress(bytes)
  },
}
