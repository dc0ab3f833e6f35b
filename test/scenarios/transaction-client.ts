/**
 * A transactional producer that speaks the protocol by hand: every request is one of the test's, sent when the test says
 * so, in the versions of transaction.version 1 or 2. Retries only where the coordinator asks for it.
 */
import type { Task } from '../../src/base/task.ts'
import { US_PER_MS } from '../../src/base/time.ts'
import { BROKER_PORT } from '../../src/config/cluster.ts'
import type { Env } from '../../src/env/env.ts'
import { ApiKey } from '../../src/protocol/api-keys.ts'
import { ErrorCode, errorName } from '../../src/protocol/errors.ts'
import type {
  AddOffsetsToTxnResponse, AddPartitionsToTxnResponse, DescribeProducersResponse, DescribeTransactionsResponse, EndTxnResponse, FindCoordinatorResponse, InitProducerIdResponse, ListTransactionsResponse, MetadataResponse, ProduceResponse,
  WriteTxnMarkersResponse,
} from '../../src/protocol/generated/types.ts'
import { buildBatch } from '../../src/protocol/records/record-batch.ts'
import { RpcClient } from '../../src/rpc/rpc-client.ts'

export interface Producer {
  readonly producerId: number
  readonly producerEpoch: number
}

const HOSTS = ['broker-1', 'broker-2', 'broker-3']
const COME_AGAIN: readonly string[] = ['CONCURRENT_TRANSACTIONS', 'COORDINATOR_LOAD_IN_PROGRESS', 'COORDINATOR_NOT_AVAILABLE', 'NOT_COORDINATOR', 'DISCONNECTED']

export class TransactionClient {
  readonly env: Env
  readonly transactionalId: string
  private readonly version: 1 | 2
  private readonly rpc: RpcClient
  /** Next sequence by producer, epoch and partition. */
  private readonly sequences = new Map<string, number>()

  constructor(env: Env, transactionalId: string, version: 1 | 2) {
    this.env = env
    this.transactionalId = transactionalId
    this.version = version
    this.rpc = new RpcClient(env, { clientId: `raw-${transactionalId}`, requestTimeoutMs: 2_000, connectionSetupTimeoutMs: 500, maxInFlight: 5, reconnectBackoffMs: 20, reconnectBackoffMaxMs: 100 })
  }

  *sleep(ms: number): Task<void> {
    yield* this.env.sleep(ms * US_PER_MS).wait()
  }

  *ask<T>(host: string, apiKey: number, body: object, version?: number): Task<T | undefined> {
    const result = yield* this.rpc.send(host, BROKER_PORT, apiKey, body, version === undefined ? {} : { version }).wait()
    return result.ok ? (result.body as T) : undefined
  }

  /** Host of the coordinator, as soon as there is one. */
  *coordinator(): Task<string> {
    for (let i = 0; ; i++) {
      const response = yield* this.ask<FindCoordinatorResponse>(HOSTS[i % 3]!, ApiKey.FindCoordinator, { keyType: 1, coordinatorKeys: [this.transactionalId] })
      const found = response?.coordinators[0]
      if (found?.errorCode === ErrorCode.NONE) return found.host
      yield* this.sleep(50)
    }
  }

  *leader(topic: string, partition: number): Task<{ host: string; topicId: string }> {
    for (let i = 0; ; i++) {
      const response = yield* this.ask<MetadataResponse>(HOSTS[i % 3]!, ApiKey.Metadata, { topics: [{ name: topic }] })
      const found = response?.topics[0]
      const leaderId = found?.partitions.find(({ partitionIndex }) => partitionIndex === partition)?.leaderId
      const broker = response?.brokers.find(({ nodeId }) => nodeId === leaderId)
      if (found !== undefined && broker !== undefined) return { host: broker.host, topicId: found.topicId }
      yield* this.sleep(50)
    }
  }

  /** Until it is not told to come again. */
  *init(o: { timeoutMs?: number; expected?: Producer } = {}): Task<Producer> {
    const result = yield* this.again(() => this.initOnce(o))
    if (typeof result === 'string') throw new Error(result)
    return result
  }

  *initOnce(o: { timeoutMs?: number; expected?: Producer } = {}): Task<Producer | string> {
    const response = yield* this.ask<InitProducerIdResponse>(yield* this.coordinator(), ApiKey.InitProducerId, {
      transactionalId: this.transactionalId, transactionTimeoutMs: o.timeoutMs ?? 10_000, producerId: o.expected?.producerId ?? -1, producerEpoch: o.expected?.producerEpoch ?? -1,
    })
    if (response === undefined) return 'DISCONNECTED'
    return response.errorCode === ErrorCode.NONE ? { producerId: response.producerId, producerEpoch: response.producerEpoch } : errorName(response.errorCode)
  }

  /** What a client of version 1 does before its first record to a partition. */
  *addPartition(producer: Producer, topic: string, partition: number): Task<string> {
    return yield* this.again(() => this.addPartitionOnce(producer, topic, partition))
  }

  private *addPartitionOnce(producer: Producer, topic: string, partition: number): Task<string> {
    const response = yield* this.ask<AddPartitionsToTxnResponse>(yield* this.coordinator(), ApiKey.AddPartitionsToTxn, {
      v3AndBelowTransactionalId: this.transactionalId, v3AndBelowProducerId: producer.producerId, v3AndBelowProducerEpoch: producer.producerEpoch,
      v3AndBelowTopics: [{ name: topic, partitions: [partition] }],
    }, 3)
    return response === undefined ? 'DISCONNECTED' : errorName(response.resultsByTopicV3AndBelow[0]!.resultsByPartition[0]!.partitionErrorCode)
  }

  /** Adds the partition that holds a group's offsets. */
  *addOffsets(producer: Producer, groupId: string): Task<string> {
    return yield* this.again(() => this.addOffsetsOnce(producer, groupId))
  }

  private *addOffsetsOnce(producer: Producer, groupId: string): Task<string> {
    const response = yield* this.ask<AddOffsetsToTxnResponse>(yield* this.coordinator(), ApiKey.AddOffsetsToTxn, { transactionalId: this.transactionalId, ...producer, groupId })
    return response === undefined ? 'DISCONNECTED' : errorName(response.errorCode)
  }

  /** Transactional ids that this coordinator knows, in the given states. */
  *listed(states: readonly string[] = []): Task<string[]> {
    const response = yield* this.ask<ListTransactionsResponse>(yield* this.coordinator(), ApiKey.ListTransactions, { stateFilters: states, producerIdFilters: [], durationFilter: -1 })
    return response?.transactionStates.map(({ transactionalId, transactionState }) => `${transactionalId} ${transactionState}`) ?? []
  }

  /** Adds the partition if that is the client's business, then sends one record; NONE or the name of the error. */
  *write(producer: Producer, topic: string, partition: number, value: string): Task<string> {
    if (this.version === 1) {
      const added = yield* this.addPartition(producer, topic, partition)
      if (added !== 'NONE') return added
    }
    const sequence = this.nextSequence(producer, topic, partition)
    return yield* this.again(() => this.produce(producer, topic, partition, value, sequence))
  }

  nextSequence(producer: Producer, topic: string, partition: number): number {
    const key = `${producer.producerId} ${producer.producerEpoch} ${topic} ${partition}`
    const sequence = this.sequences.get(key) ?? 0
    this.sequences.set(key, sequence + 1)
    return sequence
  }

  *produce(producer: Producer, topic: string, partition: number, value: string, baseSequence: number): Task<string> {
    const { host, topicId } = yield* this.leader(topic, partition)
    const records = buildBatch({
      ...producer, baseSequence, isTransactional: true, records: [{ timestamp: this.env.wallClock(), key: null, value: new TextEncoder().encode(value) }],
    })
    const body = { transactionalId: this.transactionalId, acks: -1, timeoutMs: 1_500, topicData: [{ name: topic, topicId, partitionData: [{ index: partition, records }] }] }
    const response = yield* this.ask<ProduceResponse>(host, ApiKey.Produce, body, this.version === 1 ? 11 : 13)
    return response === undefined ? 'DISCONNECTED' : errorName(response.responses[0]!.partitionResponses[0]!.errorCode)
  }

  /** Who the producer is afterwards, or the name of the error. */
  *end(producer: Producer, commit: boolean): Task<Producer | string> {
    return yield* this.again(() => this.endOnce(producer, commit))
  }

  *endOnce(producer: Producer, commit: boolean): Task<Producer | string> {
    const response = yield* this.ask<EndTxnResponse>(yield* this.coordinator(), ApiKey.EndTxn, { transactionalId: this.transactionalId, ...producer, committed: commit }, this.version === 1 ? 4 : 5)
    if (response === undefined) return 'DISCONNECTED'
    if (response.errorCode !== ErrorCode.NONE) return errorName(response.errorCode)
    return this.version === 1 ? producer : { producerId: response.producerId, producerEpoch: response.producerEpoch }
  }

  *state(): Task<string> {
    const response = yield* this.ask<DescribeTransactionsResponse>(yield* this.coordinator(), ApiKey.DescribeTransactions, { transactionalIds: [this.transactionalId] })
    const described = response?.transactionStates[0]
    if (described === undefined) return 'DISCONNECTED'
    return described.errorCode === ErrorCode.NONE ? described.transactionState : errorName(described.errorCode)
  }

  *untilState(state: string): Task<void> {
    while ((yield* this.state()) !== state) yield* this.sleep(20)
  }

  /** First offset of this producer's open transaction in the partition; -1: none. */
  *openSince(producerId: number, topic: string, partition: number): Task<number> {
    const { host } = yield* this.leader(topic, partition)
    const response = yield* this.ask<DescribeProducersResponse>(host, ApiKey.DescribeProducers, { topics: [{ name: topic, partitionIndexes: [partition] }] })
    return response?.topics[0]?.partitions[0]?.activeProducers.find(one => one.producerId === producerId)?.currentTxnStartOffset ?? -1
  }

  /** As an admin who aborts a hanging transaction. */
  *writeMarker(producer: Producer, topic: string, partition: number, o: { commit: boolean; coordinatorEpoch: number; transactionVersion?: number }): Task<string> {
    const { host } = yield* this.leader(topic, partition)
    const marker = { ...producer, transactionResult: o.commit, coordinatorEpoch: o.coordinatorEpoch, transactionVersion: o.transactionVersion ?? 0, topics: [{ name: topic, partitionIndexes: [partition] }] }
    const response = yield* this.ask<WriteTxnMarkersResponse>(host, ApiKey.WriteTxnMarkers, { markers: [marker] })
    return response === undefined ? 'DISCONNECTED' : errorName(response.markers[0]!.topics[0]!.partitions[0]!.errorCode)
  }

  private *again<T>(attempt: () => Task<T>): Task<T> {
    for (;;) {
      const result = yield* attempt()
      if (typeof result !== 'string' || !COME_AGAIN.includes(result)) return result
      yield* this.sleep(20)
    }
  }
}
