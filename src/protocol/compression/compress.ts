/**
 * Compression of the records section of a batch, with the framings of the Java client (org.apache.kafka.common.compress).
 * The codecs are pinned libraries in JavaScript or WebAssembly, so that the same records give the same bytes on every Node;
 * each is loaded when it is first used.
 *
 * Unlike Kafka, which reads compressed records as a stream, a whole section is expanded at once; no more than
 * `MAX_EXPANDED_BYTES`, and less where the format itself bounds what the input can become.
 */
import { COMPRESSION_TYPES, type CompressionType } from '../../base/compression-type.ts'
import { DecodeError } from '../wire.ts'
import { gzip } from './gzip.ts'
import { lz4 } from './lz4.ts'
import { snappy } from './snappy.ts'
import { zstd } from './zstd.ts'

/** Records that cannot be decompressed. */
export class CompressionError extends DecodeError {
  override readonly name = 'CompressionError'
}

export const MAX_EXPANDED_BYTES = 64 << 20

export interface Codec {
  compress(bytes: Uint8Array): Uint8Array
  /** At most `limit` bytes; throws whatever it likes for what it did not write. */
  expand(bytes: Uint8Array, limit: number): Uint8Array
}

const CODECS: { readonly [type in Exclude<CompressionType, 'none'>]: Codec } = { gzip, snappy, lz4, zstd }

export function compress(type: CompressionType, bytes: Uint8Array): Uint8Array {
  return type === 'none' ? bytes : CODECS[type].compress(bytes)
}

/**
 * The bytes behind `codec`, the number in a batch's attributes.
 * @throws CompressionError for an unknown codec and for what that codec cannot have written
 */
export function expand(codec: number, bytes: Uint8Array): Uint8Array {
  const type = COMPRESSION_TYPES[codec]
  if (type === undefined) throw new CompressionError(`compression codec ${codec}`)
  if (type === 'none') return bytes
  try {
    return CODECS[type].expand(bytes, MAX_EXPANDED_BYTES)
  } catch (error) {
    throw new CompressionError(`records that are no ${type}: ${error instanceof Error ? error.message : String(error)}`)
  }
}
