/** A broker's logs with one compacted log among them, and records written as `key=value`, `key` alone being a tombstone. */
import { DEFAULT_SERVER_CONFIG } from '../../../src/config/cluster.ts'
import type { ServerConfig } from '../../../src/config/cluster.ts'
import type { TopicConfig } from '../../../src/config/topic.ts'
import { buildEndTxnMarker } from '../../../src/protocol/records/control-records.ts'
import { batchPositions, buildBatch, deleteHorizonOf, isControlOf, isValidBatch, readRecords } from '../../../src/protocol/records/record-batch.ts'
import type { BatchInput } from '../../../src/protocol/records/record-batch.ts'
import type { Log } from '../../../src/storage/log.ts'
import { LogManager } from '../../../src/storage/log-manager.ts'
import { FakeDisk, FakeEnv } from '../fake-env.ts'
import { TOPIC_ID, topicConfig } from '../log-fixture.ts'

export const BACKOFF_MS = 20
export const RETENTION_MS = 1_000

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** `a=1 b=2 a`: two values and a tombstone. */
export function keyed(text: string, o: Omit<BatchInput, 'records'> & { timestamp?: number } = {}): Uint8Array {
  const { timestamp = 1_000_000, ...rest } = o
  return buildBatch({ ...rest, records: text.split(' ').map(one => {
    const [key, value] = one.split('=') as [string, string?]
    return { timestamp, key: encoder.encode(key), value: value === undefined ? null : encoder.encode(value) }
  }) })
}

export class CompactedLog {
  readonly env: FakeEnv
  readonly manager: LogManager
  log: Log
  readonly config: TopicConfig

  constructor(o: { disk?: FakeDisk; config?: Partial<TopicConfig>; server?: Partial<ServerConfig>; defects?: FakeEnv['defects']; mends?: FakeEnv['mends']; clock?: number } = {}) {
    this.env = new FakeEnv(o.disk ?? new FakeDisk(), { ...(o.defects === undefined ? {} : { defects: o.defects }), ...(o.mends === undefined ? {} : { mends: o.mends }), clock: o.clock ?? 1_000_000 })
    this.config = topicConfig({ cleanupPolicy: 'compact', minCleanableDirtyRatio: 0, deleteRetentionMs: RETENTION_MS, retentionMs: -1, ...o.config })
    const server = { ...DEFAULT_SERVER_CONFIG, transactionPartitionVerificationEnable: false, logCleanerBackoffMs: BACKOFF_MS, ...o.server }
    this.manager = new LogManager(this.env, server, () => this.config)
    this.env.run(this.manager.load())
    this.log = this.manager.getOrCreate('orders', TOPIC_ID, 0)
    this.manager.start()
  }

  /** Appends batches, each in a segment of its own; they are committed. */
  write(...batches: (string | Uint8Array)[]): this {
    for (const batch of batches) {
      this.log.appendAsLeader(typeof batch === 'string' ? keyed(batch) : batch, 1, typeof batch === 'string' ? 'client' : 'coordinator')
      this.roll()
    }
    this.log.updateHighWatermark(this.log.logEndOffset)
    return this
  }

  /** A batch of a producer, by default within a transaction. */
  send(text: string, producerId: number, baseSequence: number, o: { isTransactional?: boolean; producerEpoch?: number } = {}): this {
    return this.write(keyed(text, { producerId, producerEpoch: 0, baseSequence, isTransactional: true, ...o }))
  }

  end(producerId: number, commit: boolean, producerEpoch = 0): this {
    return this.write(buildEndTxnMarker({ commit, timestamp: this.env.clock, producerId, producerEpoch, coordinatorEpoch: 0 }))
  }

  roll(): void {
    ;(this.log as unknown as { roll(): void }).roll()
  }

  /** Lets the cleaner come round. */
  clean(): this {
    this.env.advance(BACKOFF_MS * 2)
    return this
  }

  later(ms: number): this {
    this.env.advance(ms)
    return this
  }

  get marks(): string[] {
    return this.env.observed('mark').map(({ name }) => name)
  }

  contents(): string[] {
    return contentsOf(this.log)
  }
}

/** `3:a=1`, `4:b` for a tombstone, `5:!commit`, `6-8:` for an empty batch; a stamped batch ends with its horizon in brackets. */
export function contentsOf(log: Log): string[] {
  const texts: string[] = []
  for (const segment of log.segments) {
    const bytes = segment.log.view()
    for (const at of batchPositions(bytes)) {
      if (!isValidBatch(bytes, at)) texts.push('corrupt')
      const horizon = deleteHorizonOf(bytes, at)
      const stamp = horizon === undefined ? '' : `[${horizon}]`
      const records = readRecords(bytes, at)
      if (records.length === 0) texts.push(`${Number(new DataView(bytes.buffer, bytes.byteOffset).getBigInt64(at))}:${isControlOf(bytes, at) ? '!' : ''}`)
      for (const { offset, key, value } of records) {
        if (isControlOf(bytes, at)) texts.push(`${offset}:!${key![3] === 1 ? 'commit' : 'abort'}${stamp}`)
        else texts.push(`${offset}:${decoder.decode(key!)}${value === null ? '' : `=${decoder.decode(value)}`}${stamp}`)
      }
    }
  }
  return texts
}
