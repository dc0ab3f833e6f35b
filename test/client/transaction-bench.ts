/**
 * A transactional producer over brokers in a script: coordinators are found, every request succeeds and is written down,
 * unless the test answers otherwise. Node 2 coordinates transactions, node 3 groups, node 1 leads `orders`.
 */
import type { Future } from '../../src/base/task.ts'
import { Producer } from '../../src/client/producer.ts'
import type { SendResult } from '../../src/client/send-result.ts'
import type { GroupMetadata } from '../../src/client/group/group-metadata.ts'
import type { TransactionOutcome } from '../../src/client/transaction/transaction-outcome.ts'
import { DEFAULT_PRODUCER_CONFIG } from '../../src/config/client.ts'
import type { ProducerConfig } from '../../src/config/client.ts'
import { ApiKey, apiName } from '../../src/protocol/api-keys.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import { baseSequenceOf, isTransactionalOf, producerEpochOf, readRecords } from '../../src/protocol/records/record-batch.ts'
import { FakeCluster, TOPIC_ID } from './fake-cluster.ts'
import type { FakeRequest } from './fake-cluster.ts'
import { FakeEnv } from './fake-env.ts'

export const GROUP: GroupMetadata = { groupId: 'g', generationId: 4, memberId: 'm-1', groupInstanceId: null }

export class TransactionBench {
  readonly env = new FakeEnv()
  readonly cluster: FakeCluster
  readonly producer: Producer
  /** What arrived, in short: `api@node(version) what`. */
  readonly seen: string[] = []
  /** Errors for the next requests of an API, in order; null: the connection breaks. Then everything succeeds again. */
  readonly errors = new Map<number, (number | null)[]>()
  /** Requests of these APIs wait for `release`. */
  readonly held = new Set<number>()
  readonly waiting: FakeRequest[] = []
  epoch = 0
  coordinator = 2
  readonly isV2: boolean

  constructor({ version = 2, config = {}, partitions = 2 }: { version?: number; config?: Partial<ProducerConfig>; partitions?: number } = {}) {
    this.isV2 = version >= 2
    this.cluster = new FakeCluster(this.env, partitions)
    this.finalize(version, 1)
    this.cluster.handler = request => this.arrived(request)
    this.producer = new Producer(this.env, {
      ...DEFAULT_PRODUCER_CONFIG, clientId: 'p', bootstrapServers: ['broker-1'], transactionalId: 'tx', maxBlockMs: 5_000, ...config,
    }, this.cluster)
  }

  finalize(level: number, epoch: number): void {
    this.cluster.features = { epoch, levels: new Map([['transaction.version', level]]) }
  }

  fail(apiKey: number, ...errors: (number | null)[]): void {
    this.errors.set(apiKey, errors)
  }

  /** A producer whose first transaction has begun, with nothing in `seen`. */
  begin(): void {
    this.init()
    this.producer.beginTransaction()
  }

  init(): void {
    this.ok(this.env.await(this.producer.initTransactions()))
    this.seen.length = 0
  }

  send(value: string, partition = 0): Future<SendResult> {
    return this.producer.send({ topic: 'orders', partition, key: null, value: new TextEncoder().encode(value) })
  }

  offsets(): TransactionOutcome {
    return this.env.await(this.producer.sendOffsetsToTransaction([{ topic: 'orders', partition: 0, offset: 12, leaderEpoch: 3 }], GROUP))
  }

  commit(): TransactionOutcome {
    return this.env.await(this.producer.commitTransaction())
  }

  abort(): TransactionOutcome {
    return this.env.await(this.producer.abortTransaction())
  }

  ok(outcome: TransactionOutcome): void {
    if (!outcome.ok) throw new Error(`failed: ${outcome.error}`)
  }

  /** Answers what is held. */
  release(): void {
    this.held.clear()
    for (const request of this.waiting.splice(0)) this.answer(request)
  }

  private arrived(request: FakeRequest): boolean {
    const what = this.describe(request)
    if (what === undefined) return false
    this.seen.push(`${apiName(request.apiKey)}@${request.node} ${what}`.trim())
    if (this.held.has(request.apiKey)) this.waiting.push(request)
    else this.answer(request)
    return true
  }

  private describe({ apiKey, body, version }: FakeRequest): string | undefined {
    switch (apiKey) {
      case ApiKey.FindCoordinator: return `${body.keyType === 0 ? 'group' : 'transaction'} ${body.coordinatorKeys.join()}`
      case ApiKey.InitProducerId: return `${body.producerId}/${body.producerEpoch}`
      case ApiKey.AddPartitionsToTxn: return `v${version} ${body.v3AndBelowTopics[0].partitions.join()} ${body.v3AndBelowProducerEpoch}`
      case ApiKey.AddOffsetsToTxn: return `${body.groupId} ${body.producerEpoch}`
      case ApiKey.TxnOffsetCommit: return `v${version} ${body.memberId}:${body.generationId} ${body.topics[0].partitions[0].committedOffset} ${body.producerEpoch}`
      case ApiKey.EndTxn: return `v${version} ${body.committed ? 'commit' : 'abort'} ${body.producerEpoch}`
      case ApiKey.Produce: return `v${version} ${written(body).join(' ')}`
      default: return undefined
    }
  }

  private answer(request: FakeRequest): void {
    const error = this.errors.get(request.apiKey)?.shift()
    if (error === null) return request.fail('disconnected')
    const errorCode = error ?? ErrorCode.NONE
    const { body } = request
    switch (request.apiKey) {
      case ApiKey.FindCoordinator: {
        const nodeId = body.keyType === 0 ? 3 : this.coordinator
        return request.respond({ coordinators: body.coordinatorKeys.map((key: string) => ({ key, nodeId, host: `broker-${nodeId}`, port: 9092, errorCode })) })
      }
      case ApiKey.InitProducerId:
        return request.respond({ errorCode, producerId: 7, producerEpoch: errorCode === ErrorCode.NONE ? this.epoch++ : -1 })
      case ApiKey.AddPartitionsToTxn:
        return request.respond({
          resultsByTopicV3AndBelow: body.v3AndBelowTopics.map(({ name, partitions }: { name: string; partitions: number[] }) => (
            { name, resultsByPartition: partitions.map(partitionIndex => ({ partitionIndex, partitionErrorCode: errorCode })) }
          )),
        })
      case ApiKey.TxnOffsetCommit:
        return request.respond({
          topics: body.topics.map(({ name, partitions }: { name: string; partitions: { partitionIndex: number }[] }) => (
            { name, partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })) }
          )),
        })
      case ApiKey.EndTxn:
        return request.respond({ errorCode, ...(this.isV2 && errorCode === ErrorCode.NONE ? { producerId: 7, producerEpoch: this.epoch++ } : {}) })
      case ApiKey.Produce:
        return request.respond({
          responses: body.topicData.map(({ partitionData }: { partitionData: { index: number }[] }) => ({
            name: 'orders', topicId: TOPIC_ID,
            partitionResponses: partitionData.map(({ index }) => ({ index, errorCode, baseOffset: errorCode === 0 ? 10 : -1, logAppendTimeMs: -1, logStartOffset: 0 })),
          })),
        })
      default: return request.respond({ errorCode })
    }
  }
}

/** `partition:values@epoch:sequence`; a plain batch is marked. */
function written(body: { transactionalId: string | null; topicData: { partitionData: { index: number; records: Uint8Array }[] }[] }): string[] {
  return body.topicData.flatMap(({ partitionData }) => partitionData.map(({ index, records }) => {
    const values = readRecords(records, 0).map(({ value }) => new TextDecoder().decode(value!))
    const plain = isTransactionalOf(records, 0) && body.transactionalId === 'tx' ? '' : 'PLAIN '
    return `${plain}${index}:${values.join('+')}@${producerEpochOf(records, 0)}:${baseSequenceOf(records, 0)}`
  }))
}
