/**
 * Draws what compresses in a plan: in one of four plans each producer a codec of its own, and now and then a topic that
 * stores another than came (`compression.type`). Drawn after everything else, so that the rest of a plan does not depend on it.
 */
import fc, { type Arbitrary } from 'fast-check'
import { COMPRESSION_TYPES } from '../base/compression-type.ts'
import type { ClientSpec, TopicSpec } from '../config/workload.ts'

interface Compressed {
  readonly clients: readonly ClientSpec[]
  readonly topics: readonly TopicSpec[]
  readonly isOn: boolean
}

export function compression(clients: readonly ClientSpec[], topics: readonly TopicSpec[]): Arbitrary<Compressed> {
  const perClient = fc.constantFrom(...COMPRESSION_TYPES)
  const perTopic = fc.constantFrom(undefined, undefined, undefined, undefined, 'uncompressed', 'lz4', 'snappy', 'gzip', 'zstd')
  return fc.tuple(
    fc.integer({ min: 0, max: 3 }).map(n => n === 0),
    fc.tuple(...clients.map(() => perClient)),
    fc.tuple(...topics.map(() => perTopic)),
  ).map(([isOn, codecs, stored]) => (isOn ? {
    clients: clients.map((client, index) => (client.kind === 'producer' ? { ...client, config: { ...client.config, compressionType: codecs[index]! } } : client)),
    topics: topics.map((topic, index) => (stored[index] === undefined ? topic : { ...topic, configs: { ...topic.configs, 'compression.type': stored[index] } })),
    isOn,
  } : { clients, topics, isOn }))
}
