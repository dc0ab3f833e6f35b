/** The codecs of record batches: Kafka's names in the order of their ids, which are the lowest bits of a batch's attributes (CompressionType). */
export const COMPRESSION_TYPES = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
export type CompressionType = (typeof COMPRESSION_TYPES)[number]

/** A topic's `compression.type`: what the leader stores; `producer` keeps what came (BrokerCompressionType). */
export type BrokerCompressionType = 'uncompressed' | 'zstd' | 'lz4' | 'snappy' | 'gzip' | 'producer'

/** What a leader stores of records that came as `source` (BrokerCompressionType#targetCompressionType). */
export function targetCompression(configured: BrokerCompressionType, source: CompressionType): CompressionType {
  if (configured === 'producer') return source
  return configured === 'uncompressed' ? 'none' : configured
}
