/**
 * zstd at its default level (ZstdCompression), one frame a batch: the reference implementation as WebAssembly.
 *
 * The package starts its WebAssembly asynchronously, and nothing in a simulated node may wait; but its module has Emscripten's
 * hook for making the instance oneself, which is used here to make it at once, when a codec is first needed.
 *
 * Before a frame is expanded, its headers are walked: the window and the sizes that its blocks announce bound what is
 * allocated (RFC 8878, 3.1.1).
 */
// eslint-disable-next-line no-restricted-imports -- a library's own file, the same on every machine
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type * as ZstdWasm from '@bokuweb/zstd-wasm'
import type { Codec } from './compress.ts'

interface Instance {
  readonly exports: object
}
interface EmscriptenModule {
  instantiateWasm(imports: object, receive: (instance: Instance) => void): object
  init(): void
}
/** No library of types but the browser's has it. */
declare const WebAssembly: { readonly Module: new (bytes: Uint8Array) => object; readonly Instance: new (module: object, imports: object) => Instance }

const MAGIC = 0xfd2fb528
const LEVEL = 3
/** What every decoder must support, and more than the frame of a batch needs. */
const MAX_WINDOW = 8 << 20
const MAX_BLOCK = 128 << 10
const RLE = 1
const COMPRESSED = 2
const PACKAGE = '@bokuweb/zstd-wasm'
const load = createRequire(import.meta.url)
let loaded: typeof ZstdWasm | undefined

function zstdWasm(): typeof ZstdWasm {
  if (loaded !== undefined) return loaded
  const entry = load.resolve(PACKAGE)
  const { Module: module } = createRequire(entry)('./zstd.js') as { Module: EmscriptenModule }
  module.instantiateWasm = (imports, receive) => {
    const instance = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(join(dirname(entry), 'zstd.wasm'))), imports)
    receive(instance)
    return instance.exports
  }
  module.init()
  return loaded = load(PACKAGE) as typeof ZstdWasm
}

/** The most that a frame can become. Throws for bytes that are not one frame and for more than `limit`. */
function boundOf(bytes: Uint8Array, limit: number): number {
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
  return most
}

export const zstd: Codec = {
  compress: bytes => zstdWasm().compress(bytes, LEVEL),
  expand: (bytes, limit) => zstdWasm().decompress(bytes, { defaultHeapSize: boundOf(bytes, limit) }),
}
