/**
 * What an admin asks about transactions (KIP-664, KafkaAdminClient#listTransactions, #describeTransactions,
 * #describeProducers, #abortTransaction, #fenceProducers): coordinators know what they decide, leaders which transactions are
 * open at them, and one that no coordinator knows can be ended by hand.
 */
import { partitionName } from '../base/partition-name.ts'
import type { Task } from '../base/task.ts'
import type { AdminConfig } from '../config/client.ts'
import { ApiKey } from '../protocol/api-keys.ts'
import type {
  DescribeProducersResponse, DescribeTransactionsResponse, InitProducerIdResponse, ListTransactionsResponse, WriteTxnMarkersResponse,
} from '../protocol/generated/types.ts'
import type { AdminCall, AdminCaller, AdminResult } from './admin-call.ts'
import type { BrokerRpc } from './broker-rpc.ts'
import type { ClusterMetadata } from './cluster-metadata.ts'
import { CoordinatorLocations } from './coordinator-locations.ts'
import { byTopic, nameOf } from './topic-partition.ts'
import type { TopicPartition } from './topic-partition.ts'

export interface ListedTransaction {
  readonly transactionalId: string
  readonly producerId: number
  /** Kafka's names: Ongoing, PrepareCommit, CompleteAbort, ... */
  readonly state: string
}

export interface TransactionDescription extends ListedTransaction {
  readonly producerEpoch: number
  readonly timeoutMs: number
  /** Milliseconds; -1: none is open. */
  readonly startTimeMs: number
  readonly partitions: readonly TopicPartition[]
}

export interface ActiveProducer {
  readonly producerId: number
  readonly producerEpoch: number
  readonly lastSequence: number
  readonly lastTimestamp: number
  readonly coordinatorEpoch: number
  /** First offset of its open transaction; -1: none. */
  readonly currentTransactionStartOffset: number
}

/** One open transaction on one partition, as `describeProducers` tells it. */
export interface TransactionToAbort extends TopicPartition {
  readonly producerId: number
  readonly producerEpoch: number
  readonly coordinatorEpoch: number
}

export interface FencedProducer {
  readonly producerId: number
  readonly producerEpoch: number
}

export class TransactionAdmin {
  private readonly config: AdminConfig
  private readonly metadata: ClusterMetadata
  private readonly caller: AdminCaller
  private readonly coordinators: CoordinatorLocations

  constructor(config: AdminConfig, rpc: BrokerRpc, metadata: ClusterMetadata, caller: AdminCaller) {
    this.config = config
    this.metadata = metadata
    this.caller = caller
    this.coordinators = new CoordinatorLocations('transaction', rpc, metadata)
  }

  /** Of each broker, by id: the transactions that it coordinates. */
  *list(brokerIds: readonly number[]): Task<AdminResult<readonly ListedTransaction[]>[]> {
    const call: AdminCall<number, readonly ListedTransaction[]> = {
      apiKey: ApiKey.ListTransactions, isChange: false, retriesErrors: true,
      nameOf: String,
      node: id => this.metadata.node(id),
      request: () => ({ stateFilters: [], producerIdFilters: [], durationFilter: -1, transactionalIdPattern: null }),
      *answers({ errorCode, transactionStates }: ListTransactionsResponse, [id]: readonly number[]) {
        yield { name: String(id), errorCode, value: transactionStates.map(({ transactionalId, producerId, transactionState }) => ({ transactionalId, producerId, state: transactionState })) }
      },
    }
    return yield* this.caller.run(call, brokerIds)
  }

  *describe(transactionalIds: readonly string[]): Task<AdminResult<TransactionDescription>[]> {
    const call: AdminCall<string, TransactionDescription> = {
      ...this.coordinators.routing<string>(id => id, id => id), apiKey: ApiKey.DescribeTransactions, isChange: false, retriesErrors: true,
      request: ids => ({ transactionalIds: ids }),
      *answers({ transactionStates }: DescribeTransactionsResponse) {
        for (const { errorCode, transactionalId, transactionState, producerId, producerEpoch, transactionTimeoutMs, transactionStartTimeMs, topics } of transactionStates) {
          yield {
            name: transactionalId, errorCode,
            value: {
              transactionalId, producerId, producerEpoch, state: transactionState, timeoutMs: transactionTimeoutMs, startTimeMs: transactionStartTimeMs,
              partitions: topics.flatMap(({ topic, partitions }) => partitions.map(partition => ({ topic, partition }))),
            },
          }
        }
      },
    }
    return yield* this.caller.run(call, transactionalIds)
  }

  /** Producers that the leader of each partition remembers. */
  *describeProducers(partitions: readonly TopicPartition[]): Task<AdminResult<readonly ActiveProducer[]>[]> {
    for (const { topic } of partitions) this.metadata.add(topic)
    const call: AdminCall<TopicPartition, readonly ActiveProducer[]> = {
      apiKey: ApiKey.DescribeProducers, isChange: false, retriesErrors: true,
      nameOf,
      node: ({ topic, partition }) => this.metadata.leader(topic, partition).node,
      request: items => ({ topics: byTopic(items, ({ partition }) => partition).map(([name, partitionIndexes]) => ({ name, partitionIndexes })) }),
      *answers({ topics }: DescribeProducersResponse) {
        for (const topic of topics) {
          for (const { partitionIndex, errorCode, activeProducers } of topic.partitions) {
            yield {
              name: partitionName(topic.name, partitionIndex), errorCode,
              value: activeProducers.map(({ currentTxnStartOffset, ...rest }) => ({ ...rest, currentTransactionStartOffset: currentTxnStartOffset })),
            }
          }
        }
      },
    }
    return yield* this.caller.run(call, partitions)
  }

  /** Writes an abort marker at the leader, past the coordinator: for transactions that hang. */
  *abort(transactions: readonly TransactionToAbort[]): Task<AdminResult[]> {
    const results: AdminResult[] = []
    for (const transaction of transactions) {
      const { topic, partition, producerId, producerEpoch, coordinatorEpoch } = transaction
      this.metadata.add(topic)
      const call: AdminCall<TransactionToAbort, null> = {
        apiKey: ApiKey.WriteTxnMarkers, isChange: true, retriesErrors: true,
        nameOf,
        node: () => this.metadata.leader(topic, partition).node,
        request: () => ({
          markers: [{ producerId, producerEpoch, coordinatorEpoch, transactionResult: false, topics: [{ name: topic, partitionIndexes: [partition] }] }],
        }),
        *answers({ markers }: WriteTxnMarkersResponse) {
          for (const { topics } of markers) {
            for (const { name, partitions } of topics) {
              for (const { partitionIndex, errorCode } of partitions) yield { name: partitionName(name, partitionIndex), errorCode, value: null }
            }
          }
        },
      }
      results.push((yield* this.caller.run(call, [transaction]))[0]!)
    }
    return results
  }

  /** Bumps the epoch of each id, which fences whoever uses it and aborts what it has open. */
  *fenceProducers(transactionalIds: readonly string[]): Task<AdminResult<FencedProducer>[]> {
    const results: AdminResult<FencedProducer>[] = []
    for (const transactionalId of transactionalIds) {
      const call: AdminCall<string, FencedProducer> = {
        ...this.coordinators.routing<string>(id => id, id => id), apiKey: ApiKey.InitProducerId, isChange: true, retriesErrors: true,
        request: () => ({ transactionalId, transactionTimeoutMs: this.config.requestTimeoutMs, producerId: -1, producerEpoch: -1 }),
        *answers({ errorCode, producerId, producerEpoch }: InitProducerIdResponse) {
          yield { name: transactionalId, errorCode, value: { producerId, producerEpoch } }
        },
      }
      results.push((yield* this.caller.run(call, [transactionalId]))[0]!)
    }
    return results
  }
}
