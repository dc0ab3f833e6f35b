/** Logs and batches for storage tests. */
import { DEFAULT_SERVER_CONFIG } from '../../src/config/cluster.ts'
import type { ServerConfig } from '../../src/config/cluster.ts'
import { resolveTopicConfig } from '../../src/config/topic.ts'
import type { TopicConfig } from '../../src/config/topic.ts'
import { buildBatch, readRecords } from '../../src/protocol/records/record-batch.ts'
import type { BatchInput } from '../../src/protocol/records/record-batch.ts'
import { Log } from '../../src/storage/log.ts'
import type { LoadOptions } from '../../src/storage/log-options.ts'
import { batchPositions } from '../../src/protocol/records/record-batch.ts'
import type { FakeEnv } from './fake-env.ts'

export const TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAABQ'
export const DIRECTORY = 'data/orders-0'

export function topicConfig(overrides: Partial<TopicConfig> = {}): TopicConfig {
  return { ...resolveTopicConfig(DEFAULT_SERVER_CONFIG, new Map()), ...overrides }
}

export interface LogSettings extends Partial<LoadOptions> {
  readonly config?: Partial<TopicConfig>
  readonly server?: Partial<ServerConfig>
  readonly topicId?: string
}

export function openLog(env: FakeEnv, o: LogSettings = {}): Log {
  const config = topicConfig(o.config)
  return Log.load(env, {
    topic: 'orders', topicId: o.topicId ?? TOPIC_ID, partition: 0, directory: DIRECTORY, config: () => config,
    server: { ...DEFAULT_SERVER_CONFIG, ...o.server },
  }, {
    clean: o.clean ?? false, recoveryPoint: o.recoveryPoint ?? 0, logStartOffset: o.logStartOffset ?? 0, highWatermark: o.highWatermark ?? 0,
  })
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** A batch of records whose values are the given texts. */
export function batch(values: readonly string[], o: Omit<BatchInput, 'records'> & { timestamp?: number } = {}): Uint8Array {
  const { timestamp = 1_000_000, ...rest } = o
  return buildBatch({ ...rest, records: values.map(value => ({ timestamp, key: null, value: encoder.encode(value) })) })
}

/** `count` numbered records of an idempotent producer. */
export function sequenced(producerId: number, baseSequence: number, count = 1, producerEpoch = 0): Uint8Array {
  const values = Array.from({ length: count }, (_, i) => `p${producerId}-${baseSequence + i}`)
  return batch(values, { producerId, producerEpoch, baseSequence })
}

/** Appends a verified record of a transaction; returns its offset. */
export function transactional(log: Log, producerId: number, sequence: number, o: { epoch?: number; version?: number; timestamp?: number } = {}): number {
  const { epoch = 0, version = 1, ...rest } = o
  const guard = log.producers.startVerification({ producerId, epoch, sequence, supportsEpochBump: version >= 2 })
  const bytes = batch([`t${sequence}`], { producerId, producerEpoch: epoch, baseSequence: sequence, isTransactional: true, ...rest })
  return log.appendAsLeader(bytes, 0, 'client', { guard }).firstOffset
}

/** Texts of all records with their offsets: `3:c`. */
export function contents(log: Log, from = log.logStartOffset, to = log.logEndOffset): string[] {
  const texts: string[] = []
  for (let offset = from; offset < to;) {
    const bytes = log.read(offset, 1, to, true)
    if (bytes.length === 0) break
    for (const at of batchPositions(bytes)) {
      for (const record of readRecords(bytes, at)) {
        if (record.offset >= from) texts.push(`${record.offset}:${record.value === null ? '' : decoder.decode(record.value)}`)
        offset = record.offset + 1
      }
    }
  }
  return texts
}
