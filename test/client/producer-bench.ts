/** A producer before a fake cluster that answers when it is told to. */
import type { Future } from '../../src/base/task.ts'
import { Producer } from '../../src/client/producer.ts'
import type { SendResult } from '../../src/client/send-result.ts'
import { DEFAULT_PRODUCER_CONFIG } from '../../src/config/client.ts'
import type { ProducerConfig } from '../../src/config/client.ts'
import type { Defects, Mends } from '../../src/config/defects.ts'
import { ApiKey } from '../../src/protocol/api-keys.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import { baseSequenceOf, producerEpochOf, readRecords } from '../../src/protocol/records/record-batch.ts'
import { FakeCluster, TOPIC_ID } from './fake-cluster.ts'
import type { FakeRequest } from './fake-cluster.ts'
import { FakeEnv } from './fake-env.ts'

export const text = (value: string): Uint8Array => new TextEncoder().encode(value)

export interface Written {
  readonly partition: number
  readonly values: string[]
  readonly epoch: number
  readonly sequence: number
  readonly records: Uint8Array
}

export function batchesOf(request: FakeRequest): Written[] {
  return request.body.topicData.flatMap((topic: { partitionData: { index: number; records: Uint8Array }[] }) => (
    topic.partitionData.map(({ index, records }) => ({
      partition: index,
      values: readRecords(records, 0).map(record => new TextDecoder().decode(record.value!).trim()),
      epoch: producerEpochOf(records, 0),
      sequence: baseSequenceOf(records, 0),
      records,
    }))
  ))
}

/** Answers every partition of a produce request alike. */
export function answer(request: FakeRequest, errorCode: number, baseOffset = -1): void {
  request.respond({
    responses: [{
      name: 'orders',
      topicId: TOPIC_ID,
      partitionResponses: batchesOf(request).map(({ partition }) => ({ index: partition, errorCode, baseOffset, logAppendTimeMs: -1, logStartOffset: 0 })),
    }],
  })
}

export class ProducerBench {
  readonly env: FakeEnv
  readonly cluster: FakeCluster
  readonly producer: Producer

  constructor(config: Partial<ProducerConfig> = {}, { partitions = 1, mends, defects }: { partitions?: number; mends?: Mends; defects?: Defects } = {}) {
    this.env = new FakeEnv(mends, undefined, defects)
    this.cluster = new FakeCluster(this.env, partitions)
    const all = { ...DEFAULT_PRODUCER_CONFIG, clientId: 'p', bootstrapServers: ['broker-1'], ...config }
    this.cluster.maxInFlight = all.maxInFlightRequestsPerConnection
    this.producer = new Producer(this.env, all, this.cluster)
    this.send('warm-up', { partition: 0 })
    this.env.run(5)
    this.env.spawn('flush', this.producer.flush())
    this.env.run(20)
    for (const request of this.produces) if (all.acks !== 0) answer(request, ErrorCode.NONE, 0)
    this.env.run(50)
    this.cluster.requests.length = 0
  }

  send(value: string, extra: { partition?: number; key?: string } = { partition: 0 }): Future<SendResult> {
    const { key, ...rest } = extra
    return this.producer.send({ topic: 'orders', key: key === undefined ? null : text(key), value: text(value), ...rest })
  }

  /** Sends in a batch of its own: its own turn of the sender. */
  sendAlone(value: string, partition = 0): Future<SendResult> {
    const future = this.send(value, { partition })
    this.env.run(10)
    return future
  }

  get produces(): FakeRequest[] {
    return this.cluster.of(ApiKey.Produce)
  }

  get written(): string[] {
    return this.produces.flatMap(request => batchesOf(request).map(({ values, epoch, sequence }) => `${values.join('+')}@${epoch}:${sequence}`))
  }
}

export const PLAIN: Partial<ProducerConfig> = { enableIdempotence: false }
