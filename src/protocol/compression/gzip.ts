/** gzip (GzipCompression): one member of zlib's default level, as GZIPOutputStream writes it: no name, no time. */
import { createRequire } from 'node:module'
import type * as Pako from 'pako'
import type { Codec } from './compress.ts'

/** Deflate cannot expand further than this. */
const MAX_RATIO = 1_032
const CHUNK = 65_536
const GZIP_ONLY = 31
const load = createRequire(import.meta.url)
let loaded: typeof Pako | undefined

const pako = (): typeof Pako => (loaded ??= load('pako') as typeof Pako)

export const gzip: Codec = {
  compress: bytes => pako().gzip(bytes, { chunkSize: Math.min(CHUNK, bytes.length + 64) }),

  expand(bytes, limit) {
    const most = Math.min(limit, bytes.length * MAX_RATIO)
    const { Inflate } = pako()
    const inflate = new Inflate({ windowBits: GZIP_ONLY, chunkSize: Math.min(CHUNK, bytes.length * 4 + 64) })
    let size = 0
    inflate.onData = chunk => {
      size += chunk.length
      if (size > most) throw new RangeError(`more than ${most} bytes`)
      inflate.chunks.push(chunk)
    }
    if (!inflate.push(bytes, true)) throw new Error(inflate.msg)
    return inflate.result as Uint8Array
  },
}
