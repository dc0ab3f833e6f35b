/**
 * Asks transaction coordinators about partitions, on behalf of leaders that received records of a transaction (KIP-890;
 * Kafka: AddPartitionsToTxnManager). Questions to one broker are sent together, one request at a time; a question that
 * still waits is replaced by the next one of its transactional id.
 *
 * What the leader wants follows from the version of the request that brought the records: older clients have added the
 * partition themselves, and it is only verified; newer ones (transaction version 2) leave it to the leader to add it.
 */
import { partitionForId } from '../base/java-hash.ts'
import { partitionName } from '../base/partition-name.ts'
import { Future } from '../base/task.ts'
import type { Task } from '../base/task.ts'
import type { ServerConfig } from '../config/cluster.ts'
import type { MetadataImage } from '../controller/metadata-image.ts'
import { TRANSACTION_TOPIC } from '../coordinator/internal-topics.ts'
import type { Env } from '../env/env.ts'
import { ApiKey } from '../protocol/api-keys.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { AddPartitionsToTxnResponse } from '../protocol/generated/types.ts'
import { RpcClient } from '../rpc/rpc-client.ts'
import type { RpcResult } from '../rpc/rpc-client.ts'

/** `verify`: for a client that does not know TRANSACTION_ABORTABLE, `verify-abortable`: for one that does. */
export type PartitionOperation = 'verify' | 'verify-abortable' | 'add'

export interface PartitionQuestion {
  readonly transactionalId: string
  readonly producerId: number
  readonly producerEpoch: number
  readonly partitions: readonly { readonly topic: string; readonly partition: number }[]
  readonly operation: PartitionOperation
}

/** Error codes by partition name; what is absent is in the transaction. */
export type PartitionErrors = ReadonlyMap<string, number>

interface Asked {
  readonly question: PartitionQuestion
  readonly answer: Future<PartitionErrors>
}

interface Node {
  readonly nodeId: number
  readonly host: string
  readonly port: number
  waiting: Map<string, Asked>
  isInFlight: boolean
}

const RECONNECT_BACKOFF_MS = 50

export class AddPartitionsSender {
  private readonly env: Env
  private readonly image: MetadataImage
  private readonly server: ServerConfig
  private readonly client: RpcClient
  private readonly nodes = new Map<number, Node>()

  /** `server.replicaSocketTimeoutMs` stands for request.timeout.ms, which has the same default. */
  constructor(env: Env, o: { readonly image: MetadataImage; readonly server: ServerConfig }) {
    this.env = env
    this.image = o.image
    this.server = o.server
    this.client = new RpcClient(env, {
      clientId: `${env.node}-add-partitions-to-txn`,
      requestTimeoutMs: o.server.replicaSocketTimeoutMs,
      connectionSetupTimeoutMs: o.server.socketConnectionSetupTimeoutMs,
      maxInFlight: 1,
      reconnectBackoffMs: RECONNECT_BACKOFF_MS,
      reconnectBackoffMaxMs: RECONNECT_BACKOFF_MS,
    })
  }

  /** Never fails. */
  ask(question: PartitionQuestion): Future<PartitionErrors> {
    const node = this.coordinatorOf(question.transactionalId)
    if (node === undefined) return Future.completed(allFail(question, ErrorCode.COORDINATOR_NOT_AVAILABLE))
    const known = node.waiting.get(question.transactionalId)
    if (known !== undefined) {
      const { producerEpoch } = known.question
      if (producerEpoch > question.producerEpoch) return Future.completed(allFail(question, ErrorCode.INVALID_PRODUCER_EPOCH))
      // Of the same epoch it is a retry: whoever waits for the first one is told to come again.
      known.answer.complete(allFail(known.question, producerEpoch < question.producerEpoch ? ErrorCode.INVALID_PRODUCER_EPOCH : ErrorCode.NETWORK_EXCEPTION))
    }
    const answer = new Future<PartitionErrors>()
    node.waiting.set(question.transactionalId, { question, answer })
    if (!node.isInFlight) {
      node.isInFlight = true
      this.env.spawn('add-partitions-to-txn', this.drain(node))
    }
    return answer
  }

  private coordinatorOf(transactionalId: string): Node | undefined {
    const topic = this.image.topicByName(TRANSACTION_TOPIC)
    const index = partitionForId(transactionalId, this.server.transactionStateLogNumPartitions)
    const broker = this.image.brokers.get(topic?.partitions.get(index)?.leader ?? -1)
    if (broker === undefined || broker.fenced) return undefined
    let node = this.nodes.get(broker.brokerId)
    if (node === undefined || node.host !== broker.host || node.port !== broker.port) {
      this.nodes.set(broker.brokerId, node = { nodeId: broker.brokerId, host: broker.host, port: broker.port, waiting: new Map(), isInFlight: false })
    }
    return node
  }

  private *drain(node: Node): Task<void> {
    while (node.waiting.size > 0) {
      yield* this.env.pause('add-partitions-send')
      const asked = node.waiting
      node.waiting = new Map()
      const transactions = [...asked.values()].map(({ question }) => ({
        transactionalId: question.transactionalId,
        producerId: question.producerId,
        producerEpoch: question.producerEpoch,
        verifyOnly: question.operation !== 'add',
        topics: byTopic(question.partitions),
      }))
      const result = yield* this.client.send(node.host, node.port, ApiKey.AddPartitionsToTxn, { transactions }).wait()
      for (const { question, answer } of asked.values()) answer.complete(errorsOf(question, result))
    }
    node.isInFlight = false
  }
}

function errorsOf(question: PartitionQuestion, result: RpcResult): PartitionErrors {
  if (!result.ok) {
    // A coordinator too old to verify: the records are taken as they were before.
    return result.reason === 'unsupported-version' ? new Map() : allFail(question, ErrorCode.NETWORK_EXCEPTION)
  }
  const response = result.body as AddPartitionsToTxnResponse
  if (response.errorCode !== ErrorCode.NONE) return allFail(question, response.errorCode)
  const own = response.resultsByTransaction.find(({ transactionalId }) => transactionalId === question.transactionalId)
  if (own === undefined) return allFail(question, ErrorCode.UNKNOWN_SERVER_ERROR)
  const errors = new Map<string, number>()
  for (const { name, resultsByPartition } of own.topicResults) {
    for (const { partitionIndex, partitionErrorCode } of resultsByPartition) {
      if (partitionErrorCode !== ErrorCode.NONE) errors.set(partitionName(name, partitionIndex), forProducer(partitionErrorCode, question.operation))
    }
  }
  return errors
}

/** What producers expect in answer to records, which is not what they expect of a coordinator. */
function forProducer(errorCode: number, operation: PartitionOperation): number {
  if (errorCode === ErrorCode.PRODUCER_FENCED) return ErrorCode.INVALID_PRODUCER_EPOCH
  if (errorCode === ErrorCode.TRANSACTION_ABORTABLE && operation === 'verify') return ErrorCode.INVALID_TXN_STATE
  return errorCode
}

function allFail(question: PartitionQuestion, errorCode: number): PartitionErrors {
  return new Map(question.partitions.map(({ topic, partition }) => [partitionName(topic, partition), errorCode]))
}

function byTopic(partitions: PartitionQuestion['partitions']): { name: string; partitions: number[] }[] {
  const topics = new Map<string, number[]>()
  for (const { topic, partition } of partitions) {
    const indexes = topics.get(topic)
    if (indexes === undefined) topics.set(topic, [partition])
    else indexes.push(partition)
  }
  return [...topics].map(([name, indexes]) => ({ name, partitions: indexes }))
}
