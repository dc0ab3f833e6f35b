/**
 * Writes the markers of decided transactions to every partition in them (Kafka: TransactionMarkerChannelManager), for as
 * long as it takes: to the leader that metadata names, again after any error that a change of leaders explains, and to
 * nobody when the partition is gone. When all are written the transaction is complete.
 *
 * A leader that refuses a marker for its epoch (of the producer or of the coordinator) knows of somebody newer: all that is
 * left of the transaction is dropped here, and stays prepared until a coordinator loads it again.
 *
 * Unlike Kafka, whose sender tries again as fast as answers come, it waits a little after an error.
 */
import { partitionName } from '../../base/partition-name.ts'
import type { Task } from '../../base/task.ts'
import { msToUs } from '../../base/time.ts'
import type { ServerConfig } from '../../config/cluster.ts'
import type { MetadataImage } from '../../controller/metadata-image.ts'
import type { Env } from '../../env/env.ts'
import { ApiKey } from '../../protocol/api-keys.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { WriteTxnMarkersResponse } from '../../protocol/generated/types.ts'
import { RpcClient } from '../../rpc/rpc-client.ts'
import type { TopicPartition, TransactionFields, TransactionMetadata } from './transaction-metadata.ts'
import type { TransactionStates } from './transaction-states.ts'

const RECONNECT_BACKOFF_MS = 50
const RETRY_BACKOFF_MS = 20

/** A decided transaction and the state that follows its last marker. */
interface Completion {
  readonly transactionalId: string
  readonly coordinatorEpoch: number
  readonly metadata: TransactionMetadata
  readonly commit: boolean
  readonly next: TransactionFields
}

interface Batch {
  readonly completion: Completion
  readonly partitions: readonly TopicPartition[]
}

interface Destination {
  readonly host: string
  readonly port: number
  waiting: Batch[]
  isSending: boolean
}

export class MarkerChannel {
  private readonly env: Env
  private readonly image: MetadataImage
  private readonly states: TransactionStates
  private readonly client: RpcClient
  private readonly pending = new Map<string, Completion>()
  private readonly destinations = new Map<number, Destination>()

  /** `server.replicaSocketTimeoutMs` stands for request.timeout.ms, which has the same default. */
  constructor(env: Env, o: { readonly image: MetadataImage; readonly states: TransactionStates; readonly server: ServerConfig }) {
    this.env = env
    this.image = o.image
    this.states = o.states
    this.client = new RpcClient(env, {
      clientId: `${env.node}-txn-marker-sender`,
      requestTimeoutMs: o.server.replicaSocketTimeoutMs,
      connectionSetupTimeoutMs: o.server.socketConnectionSetupTimeoutMs,
      maxInFlight: 1,
      reconnectBackoffMs: RECONNECT_BACKOFF_MS,
      reconnectBackoffMaxMs: RECONNECT_BACKOFF_MS,
    })
  }

  /** The transaction is prepared, and `next` is pending. */
  add(coordinatorEpoch: number, metadata: TransactionMetadata, next: TransactionFields): void {
    const { transactionalId, fields: { state, partitions } } = metadata
    const completion: Completion = { transactionalId, coordinatorEpoch, metadata, commit: state === 'PrepareCommit', next }
    this.pending.set(transactionalId, completion)
    this.send({ completion, partitions: [...partitions.values()] })
    this.completeIfLast(transactionalId)
  }

  /** Forgets what another coordinator will do, or this one when it has read the partition again. */
  removePartition(statePartition: number): void {
    for (const { transactionalId } of this.pending.values()) {
      if (this.states.partitionFor(transactionalId) === statePartition) this.pending.delete(transactionalId)
    }
  }

  // ---- sending ----

  /** Sorts partitions by who leads them. */
  private send({ completion, partitions }: Batch): void {
    const byLeader = new Map<number, TopicPartition[]>()
    const leaderless: TopicPartition[] = []
    for (const one of partitions) {
      const registration = this.image.topicByName(one.topic)?.partitions.get(one.partition)
      if (registration === undefined) {
        this.env.observe({ kind: 'mark', name: 'marker-skipped-for-deleted-topic' })
        completion.metadata.removePartition(partitionName(one.topic, one.partition))
        continue
      }
      const broker = this.image.brokers.get(registration.leader)
      if (broker === undefined || broker.fenced) {
        leaderless.push(one)
        continue
      }
      const led = byLeader.get(broker.brokerId)
      if (led === undefined) byLeader.set(broker.brokerId, [one])
      else led.push(one)
    }
    if (leaderless.length > 0) this.env.spawn('markers-without-leader', this.retry({ completion, partitions: leaderless }))
    for (const [brokerId, led] of byLeader) this.enqueue(brokerId, { completion, partitions: led })
  }

  private *retry(batch: Batch): Task<void> {
    yield* this.env.sleep(msToUs(RETRY_BACKOFF_MS)).wait()
    if (!this.isStillOurs(batch.completion)) return
    this.send(batch)
    yield* this.env.pause('markers-counted')
    this.completeIfLast(batch.completion.transactionalId)
  }

  private enqueue(brokerId: number, batch: Batch): void {
    const { host, port } = this.image.brokers.get(brokerId)!
    let destination = this.destinations.get(brokerId)
    if (destination === undefined || destination.host !== host || destination.port !== port) {
      this.destinations.set(brokerId, destination = { host, port, waiting: [], isSending: false })
    }
    destination.waiting.push(batch)
    if (destination.isSending) return
    destination.isSending = true
    this.env.spawn('txn-markers', this.drain(destination))
  }

  private *drain(destination: Destination): Task<void> {
    while (destination.waiting.length > 0) {
      yield* this.env.pause('send-markers')
      const batches = destination.waiting.filter(({ completion }) => this.pending.get(completion.transactionalId) === completion)
      destination.waiting = []
      if (batches.length === 0) continue
      const markers = batches.map(({ completion: { coordinatorEpoch, metadata: { fields }, commit }, partitions }) => ({
        producerId: fields.producerId, producerEpoch: fields.producerEpoch, transactionResult: commit, coordinatorEpoch,
        transactionVersion: fields.clientVersion, topics: byTopic(partitions),
      }))
      const result = yield* this.client.send(destination.host, destination.port, ApiKey.WriteTxnMarkers, { markers }).wait()
      yield* this.env.pause('markers-answered')
      for (const batch of batches) this.answered(batch, result.ok ? (result.body as WriteTxnMarkersResponse) : undefined)
      // Another leader's answer may be counted here, so that both find none left.
      yield* this.env.pause('markers-counted')
      for (const { completion } of batches) this.completeIfLast(completion.transactionalId)
    }
    destination.isSending = false
  }

  private answered(batch: Batch, response: WriteTxnMarkersResponse | undefined): void {
    const { completion, partitions } = batch
    if (!this.isStillOurs(completion)) return
    const again: TopicPartition[] = []
    for (const one of partitions) {
      const name = partitionName(one.topic, one.partition)
      const errorCode = response === undefined ? ErrorCode.NETWORK_EXCEPTION : errorOf(response, completion.metadata.fields.producerId, one)
      if (errorCode === ErrorCode.NONE) {
        completion.metadata.removePartition(name)
      } else if (errorCode === ErrorCode.INVALID_PRODUCER_EPOCH || errorCode === ErrorCode.TRANSACTION_COORDINATOR_FENCED) {
        this.env.observe({ kind: 'mark', name: 'markers-given-up' })
        this.pending.delete(completion.transactionalId)
        return
      } else {
        again.push(one)
      }
    }
    if (again.length === 0) return
    this.env.observe({ kind: 'mark', name: 'marker-retried' })
    this.env.spawn('retry-markers', this.retry({ completion, partitions: again }))
  }

  /** This broker still coordinates the id in the epoch in which it began to write the markers. */
  private isStillOurs(completion: Completion): boolean {
    const { transactionalId, coordinatorEpoch } = completion
    const isPending = this.pending.get(transactionalId) === completion
    const coordinated = this.states.lookUp(transactionalId)
    const isOurs = typeof coordinated === 'object' && coordinated.coordinatorEpoch === coordinatorEpoch
    if (isPending && !isOurs) this.pending.delete(transactionalId)
    return isPending && isOurs
  }

  // ---- completion ----

  /** Several answers may come before the completion is written: only one of them may write it (KAFKA-10080). */
  private completeIfLast(transactionalId: string): void {
    const completion = this.pending.get(transactionalId)
    if (completion === undefined || completion.metadata.fields.partitions.size > 0) return
    const isTaken = this.env.defects.has('KAFKA-10080') ? false : this.pending.delete(transactionalId)
    this.env.spawn('complete-transaction', this.complete(completion, isTaken))
  }

  private *complete(completion: Completion, isTaken: boolean): Task<void> {
    const { transactionalId, coordinatorEpoch, next } = completion
    if (!isTaken) {
      yield* this.env.pause('complete-transaction')
      this.pending.delete(transactionalId)
    }
    for (;;) {
      const errorCode = yield* this.states.write(transactionalId, coordinatorEpoch, next, code => code === ErrorCode.COORDINATOR_NOT_AVAILABLE)
      if (errorCode !== ErrorCode.COORDINATOR_NOT_AVAILABLE) return
      this.env.observe({ kind: 'mark', name: 'transaction-completion-retried' })
      yield* this.env.sleep(msToUs(RETRY_BACKOFF_MS)).wait()
    }
  }
}

/** What a response lacks counts as not written. */
function errorOf(response: WriteTxnMarkersResponse, producerId: number, { topic, partition }: TopicPartition): number {
  const topics = response.markers.find(marker => marker.producerId === producerId)?.topics
  const partitions = topics?.find(({ name }) => name === topic)?.partitions
  return partitions?.find(({ partitionIndex }) => partitionIndex === partition)?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR
}

function byTopic(partitions: readonly TopicPartition[]): { name: string; partitionIndexes: number[] }[] {
  const topics = new Map<string, number[]>()
  for (const { topic, partition } of partitions) {
    const indexes = topics.get(topic)
    if (indexes === undefined) topics.set(topic, [partition])
    else indexes.push(partition)
  }
  return [...topics].map(([name, partitionIndexes]) => ({ name, partitionIndexes }))
}
