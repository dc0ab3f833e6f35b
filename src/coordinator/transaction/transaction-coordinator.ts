/**
 * The transaction coordinator (KIP-98, KIP-360, KIP-890; Kafka: TransactionCoordinator): one per broker, for the
 * transactional ids whose state partition the broker leads. It gives out producer ids and epochs, knows which partitions are
 * in a transaction, decides it once, and sees to the markers. What it says is durable: every answer follows the
 * acknowledgement of its record.
 *
 * A newer instance of a producer, or the time-out, fences: the transaction is aborted with the next epoch.
 */
import type { Task } from '../../base/task.ts'
import { msToUs } from '../../base/time.ts'
import type { Millis } from '../../base/time.ts'
import type { ServerConfig } from '../../config/cluster.ts'
import type { MetadataImage } from '../../controller/metadata-image.ts'
import type { Env } from '../../env/env.ts'
import { ApiError } from '../../protocol/api-error.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { ElectedCoordinator } from '../elected-coordinator.ts'
import { TRANSACTION_TOPIC } from '../internal-topics.ts'
import type { StateLogs } from '../state-logs.ts'
import { prepareEnd } from './end-transaction.ts'
import type { EndRequest } from './end-transaction.ts'
import { MarkerChannel } from './marker-channel.ts'
import { TransactionAges } from './transaction-ages.ts'
import { newTransaction, NO_EPOCH, supportsEpochBump } from './transaction-metadata.ts'
import type { PartitionSet, TransactionFields } from './transaction-metadata.ts'
import { isPrepared } from './transaction-state.ts'
import { TransactionStates } from './transaction-states.ts'
import type { Coordinated } from './transaction-states.ts'

export interface TransactionCoordinatorOptions {
  readonly server: ServerConfig
  readonly image: MetadataImage
  readonly stateLogs: StateLogs
  /** The finalized transaction.version. */
  readonly transactionVersion: () => number
  /** undefined when no block is at hand. */
  readonly nextProducerId: () => number | undefined
}

export interface ProducerIdAndEpoch {
  readonly producerId: number
  readonly producerEpoch: number
}

export interface Ended extends ProducerIdAndEpoch {
  readonly errorCode: number
}

const NOBODY: ProducerIdAndEpoch = { producerId: -1, producerEpoch: -1 }

export class TransactionCoordinator implements ElectedCoordinator {
  readonly topic = TRANSACTION_TOPIC
  readonly states: TransactionStates
  private readonly env: Env
  private readonly o: TransactionCoordinatorOptions
  private readonly markers: MarkerChannel
  private readonly ages: TransactionAges
  private isStarted = false

  constructor(env: Env, o: TransactionCoordinatorOptions) {
    this.env = env
    this.o = o
    this.states = new TransactionStates(env, o)
    this.ages = new TransactionAges(env)
    this.markers = new MarkerChannel(env, { image: o.image, states: this.states, server: o.server })
  }

  /** Looks for transactions that take too long, and for ids that nobody uses any more, once there may be any. */
  private start(): void {
    if (this.isStarted) return
    this.isStarted = true
    const { transactionAbortTimedOutTransactionCleanupIntervalMs, transactionRemoveExpiredTransactionCleanupIntervalMs } = this.o.server
    this.env.spawn('transaction-abort', this.every(transactionAbortTimedOutTransactionCleanupIntervalMs, () => this.abortTimedOut()))
    this.env.spawn('transactional-id-expiration', this.every(transactionRemoveExpiredTransactionCleanupIntervalMs, () => this.states.removeExpired()))
  }

  // ---- leadership ----

  onElection(partition: number, leaderEpoch: number): void {
    this.start()
    if (this.states.load(partition, leaderEpoch, prepared => this.resume(prepared))) this.markers.removePartition(partition)
  }

  onResignation(partition: number, leaderEpoch: number | undefined): void {
    this.states.unload(partition, leaderEpoch)
    this.markers.removePartition(partition)
  }

  onMetadata(): void {}

  /** What a coordinator before has decided: its markers may or may not be written. */
  private resume(prepared: readonly Coordinated[]): void {
    for (const { coordinatorEpoch, metadata } of prepared) {
      this.env.observe({ kind: 'mark', name: metadata.fields.state === 'PrepareCommit' ? 'commit-resumed-after-failover' : 'abort-resumed-after-failover' })
      this.markers.add(coordinatorEpoch, metadata, metadata.prepareComplete(this.env.wallClock()))
    }
  }

  // ---- InitProducerId ----

  /**
   * An id and epoch for an instance of a producer; `expected` is what it had, when it goes on after an error (KIP-360).
   * Whoever had the id before is fenced.
   */
  *initProducerId(transactionalId: string, timeoutMs: Millis, expected: ProducerIdAndEpoch | undefined): Task<Ended> {
    try {
      if (transactionalId === '') throw new ApiError(ErrorCode.INVALID_REQUEST)
      if (timeoutMs <= 0 || timeoutMs > this.o.server.transactionMaxTimeoutMs) throw new ApiError(ErrorCode.INVALID_TRANSACTION_TIMEOUT)
      const now = this.env.wallClock()
      const { coordinatorEpoch, metadata } = this.states.find(transactionalId)
        ?? this.states.findOrCreate(transactionalId, newTransaction(this.newProducerId(), timeoutMs, now))
      if (metadata.pendingState !== undefined) throw new ApiError(ErrorCode.CONCURRENT_TRANSACTIONS)
      const { fields } = metadata
      if (expected !== undefined && !this.isKnown(expected, { coordinatorEpoch, metadata })) throw new ApiError(ErrorCode.PRODUCER_FENCED)
      if (isPrepared(fields.state)) throw new ApiError(ErrorCode.CONCURRENT_TRANSACTIONS)
      if (fields.state === 'Ongoing') {
        this.env.observe({ kind: 'mark', name: 'ongoing-transaction-fenced-by-new-instance' })
        // Defect: the writes of the old instance that are still under way have the epoch of the marker.
        const epoch = metadata.prepareFence({ raisesEpoch: this.env.defects.has('KAFKA-9600') ? false : true })
        yield* this.env.pause('producer-fenced')
        const aborted = yield* this.endTransaction(transactionalId, this.fence(fields.producerId, epoch))
        // The caller comes again, and its epoch is raised once more.
        throw new ApiError(aborted.errorCode === ErrorCode.NONE ? ErrorCode.CONCURRENT_TRANSACTIONS : aborted.errorCode)
      }
      const next = this.prepareInit({ coordinatorEpoch, metadata }, timeoutMs, expected, now)
      const errorCode = yield* this.states.write(transactionalId, coordinatorEpoch, next)
      return errorCode === ErrorCode.NONE ? { errorCode, producerId: next.producerId, producerEpoch: next.producerEpoch } : { errorCode, ...NOBODY }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      return { errorCode: error.code, ...NOBODY }
    }
  }

  /** Only by its id; the epoch is looked at when it is raised. */
  private isKnown(expected: ProducerIdAndEpoch, { metadata }: Coordinated): boolean {
    const { producerId, previousProducerId, producerEpoch } = metadata.fields
    if (producerEpoch === NO_EPOCH || expected.producerId === producerId) return true
    return expected.producerId === previousProducerId && metadata.isExhausted(expected.producerEpoch)
  }

  private prepareInit({ metadata }: Coordinated, timeoutMs: Millis, expected: ProducerIdAndEpoch | undefined, now: Millis): TransactionFields {
    if (metadata.isEpochExhausted && (expected === undefined || expected.producerEpoch === metadata.fields.producerEpoch)) {
      this.env.observe({ kind: 'mark', name: 'producer-epochs-exhausted' })
      return metadata.prepareRotation(this.newProducerId(), timeoutMs, now, expected !== undefined)
    }
    return metadata.prepareIncrementEpoch(timeoutMs, expected?.producerEpoch, now)
  }

  private newProducerId(): number {
    const producerId = this.o.nextProducerId()
    if (producerId === undefined) throw new ApiError(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, 'no producer ids at hand')
    return producerId
  }

  // ---- partitions ----

  /** Adds partitions to the transaction of this epoch, which begins with the first. */
  *addPartitions(transactionalId: string, producer: ProducerIdAndEpoch, partitions: PartitionSet, clientVersion: number): Task<number> {
    try {
      if (transactionalId === '') throw new ApiError(ErrorCode.INVALID_REQUEST)
      const coordinated = this.states.find(transactionalId)
      if (coordinated === undefined) throw new ApiError(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
      const { coordinatorEpoch, metadata } = coordinated
      // First of all: under version 2 the producer may know an id and epoch that are still pending here.
      if (metadata.pendingState !== undefined) throw new ApiError(ErrorCode.CONCURRENT_TRANSACTIONS)
      checkProducer(coordinated, producer)
      if (isPrepared(metadata.fields.state)) throw new ApiError(ErrorCode.CONCURRENT_TRANSACTIONS)
      if (metadata.fields.state === 'Ongoing' && [...partitions.keys()].every(name => metadata.fields.partitions.has(name))) return ErrorCode.NONE
      const next = metadata.prepareAddPartitions(partitions, this.env.wallClock(), clientVersion)
      return yield* this.states.write(transactionalId, coordinatorEpoch, next)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      return error.code
    }
  }

  /** Are these partitions in the transaction? Error codes by partition name. What is pending does not count: the leader looks again. */
  verifyPartitions(transactionalId: string, producer: ProducerIdAndEpoch, partitions: PartitionSet): Map<string, number> {
    const verdict = this.verify(transactionalId, producer)
    return new Map([...partitions.keys()].map(name => {
      if (typeof verdict === 'number') return [name, verdict]
      return [name, verdict.has(name) ? ErrorCode.NONE : ErrorCode.TRANSACTION_ABORTABLE]
    }))
  }

  private verify(transactionalId: string, producer: ProducerIdAndEpoch): PartitionSet | number {
    try {
      if (transactionalId === '') throw new ApiError(ErrorCode.INVALID_REQUEST)
      const coordinated = this.states.find(transactionalId)
      if (coordinated === undefined) throw new ApiError(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
      checkProducer(coordinated, producer)
      const { fields } = coordinated.metadata
      if (isPrepared(fields.state)) throw new ApiError(ErrorCode.CONCURRENT_TRANSACTIONS)
      return fields.partitions
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      return error.code
    }
  }

  // ---- the end ----

  /** Decides the transaction. Answers when the decision is durable, before its markers are written. */
  *endTransaction(transactionalId: string, request: EndRequest): Task<Ended> {
    let coordinated: Coordinated | undefined
    let next: TransactionFields | undefined
    try {
      if (transactionalId === '') throw new ApiError(ErrorCode.INVALID_REQUEST)
      coordinated = this.states.find(transactionalId)
      if (coordinated === undefined) throw new ApiError(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
      next = prepareEnd(coordinated.metadata, request, { now: this.env.wallClock(), defects: this.env.defects, nextProducerId: () => this.newProducerId() })
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      return { errorCode: error.code, ...NOBODY }
    }
    const { coordinatorEpoch, metadata } = coordinated
    if (next === undefined) return { errorCode: ErrorCode.NONE, ...producerOf(metadata.fields, request) }
    this.env.observe({ kind: 'transaction-decided', transactionalId, commit: request.commit, isAsked: request.isFromClient })
    const errorCode = yield* this.states.write(transactionalId, coordinatorEpoch, next)
    if (errorCode !== ErrorCode.NONE) {
      const now = this.states.lookUp(transactionalId)
      if (!request.isFromClient && typeof now === 'object' && now.coordinatorEpoch === coordinatorEpoch) now.metadata.hasFailedFence = true
      return { errorCode, ...NOBODY }
    }
    const complete = metadata.prepareComplete(this.env.wallClock())
    this.markers.add(coordinatorEpoch, metadata, complete)
    return { errorCode, ...producerOf(complete, request) }
  }

  private fence(producerId: number, producerEpoch: number): EndRequest {
    return { producerId, producerEpoch, commit: false, isFromClient: false, clientVersion: this.o.transactionVersion() }
  }

  private *abortTimedOut(): Task<void> {
    const late = [...this.states.all()].filter(({ metadata }) =>
      metadata.pendingState === undefined && metadata.fields.state === 'Ongoing' && this.ages.ageMs(metadata) > metadata.fields.timeoutMs)
    for (const { metadata, coordinatorEpoch } of late) {
      yield* this.env.pause('transaction-timed-out')
      const { transactionalId } = metadata
      const current = this.states.lookUp(transactionalId)
      if (typeof current !== 'object' || current.coordinatorEpoch !== coordinatorEpoch || current.metadata !== metadata) continue
      if (metadata.pendingState !== undefined || metadata.fields.state !== 'Ongoing') continue
      this.env.observe({ kind: 'mark', name: 'transaction-timed-out' })
      // Defect: the producer, which knows nothing of it, goes on in its epoch with what looks like a new transaction.
      const epoch = metadata.prepareFence({ raisesEpoch: this.env.defects.has('KAFKA-6119') ? false : true })
      this.env.spawn('abort-timed-out', this.abandon(transactionalId, this.fence(metadata.fields.producerId, epoch)))
    }
  }

  private *abandon(transactionalId: string, request: EndRequest): Task<void> {
    yield* this.endTransaction(transactionalId, request)
  }

  private *every(intervalMs: Millis, round: () => Task<void>): Task<void> {
    for (;;) {
      yield* this.env.sleep(msToUs(intervalMs)).wait()
      yield* round()
    }
  }
}

function checkProducer({ metadata: { fields } }: Coordinated, { producerId, producerEpoch }: ProducerIdAndEpoch): void {
  if (fields.producerId !== producerId) throw new ApiError(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
  if (fields.producerEpoch !== producerEpoch) throw new ApiError(ErrorCode.PRODUCER_FENCED)
}

/** What the client is from now on, under version 2. */
function producerOf({ producerId, producerEpoch }: TransactionFields, request: EndRequest): ProducerIdAndEpoch {
  return supportsEpochBump(request.clientVersion) ? { producerId, producerEpoch } : NOBODY
}
