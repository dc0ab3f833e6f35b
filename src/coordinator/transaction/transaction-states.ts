/**
 * The transactional ids that this broker coordinates: memory over the partitions of `__transaction_state` that it leads
 * (Kafka: TransactionStateManager). A transition is written first and applied when it is acknowledged, never when it is
 * appended, and only if this broker still leads in the coordinator epoch (the leader epoch) in which it was decided.
 *
 * Between the append and its acknowledgement the transition is pending, and everybody else is told CONCURRENT_TRANSACTIONS.
 */
import { partitionForId } from '../../base/java-hash.ts'
import type { Task } from '../../base/task.ts'
import type { ServerConfig } from '../../config/cluster.ts'
import type { Env } from '../../env/env.ts'
import { ApiError } from '../../protocol/api-error.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { coordinatorError } from '../coordinator-errors.ts'
import { TRANSACTION_TOPIC } from '../internal-topics.ts'
import { loadState } from '../load-state.ts'
import type { StateLogs } from '../state-logs.ts'
import { fieldsOf, tombstoneBatch, transactionBatch } from './transaction-log.ts'
import { LAST_EPOCH, TransactionMetadata } from './transaction-metadata.ts'
import type { TransactionFields } from './transaction-metadata.ts'
import { isFinished } from './transaction-state.ts'

/** Short.MAX_VALUE in the worlds where epochs run out. */
const FEW_EPOCHS = 6

export interface Coordinated {
  readonly coordinatorEpoch: number
  readonly metadata: TransactionMetadata
}

interface LedPartition {
  readonly coordinatorEpoch: number
  readonly ids: Map<string, TransactionMetadata>
}

/** What the log said of a record, and where it lies. */
interface Written {
  readonly status: number
  readonly offset: number
}

export interface TransactionStatesOptions {
  readonly server: ServerConfig
  readonly stateLogs: StateLogs
  /** The finalized transaction.version. */
  readonly transactionVersion: () => number
}

export class TransactionStates {
  private readonly env: Env
  private readonly o: TransactionStatesOptions
  private readonly epochLimit: number
  private readonly led = new Map<number, LedPartition>()
  /** Partition -> epochs in which it is being read. */
  private readonly loading = new Map<number, Set<number>>()

  constructor(env: Env, o: TransactionStatesOptions) {
    this.env = env
    this.o = o
    this.epochLimit = env.buggify.has('few-epochs') ? FEW_EPOCHS : LAST_EPOCH
  }

  partitionFor(transactionalId: string): number {
    return partitionForId(transactionalId, this.o.server.transactionStateLogNumPartitions)
  }

  get isLoading(): boolean {
    return this.loading.size > 0
  }

  /** Everything that is coordinated here, by partition and id in order of arrival. */
  *all(): Iterable<Coordinated> {
    for (const { coordinatorEpoch, ids } of this.led.values()) for (const metadata of ids.values()) yield { coordinatorEpoch, metadata }
  }

  /** undefined for an id that nobody has used. @throws ApiError COORDINATOR_LOAD_IN_PROGRESS, NOT_COORDINATOR */
  find(transactionalId: string): Coordinated | undefined {
    const { coordinatorEpoch, ids } = this.require(transactionalId)
    const metadata = ids.get(transactionalId)
    return metadata === undefined ? undefined : { coordinatorEpoch, metadata }
  }

  /** The one that is there, or a new one. Nothing is written yet. @throws as `find` */
  findOrCreate(transactionalId: string, fields: TransactionFields): Coordinated {
    const { coordinatorEpoch, ids } = this.require(transactionalId)
    let metadata = ids.get(transactionalId)
    if (metadata === undefined) ids.set(transactionalId, metadata = new TransactionMetadata(transactionalId, fields, this.epochLimit))
    return { coordinatorEpoch, metadata }
  }

  private require(transactionalId: string): LedPartition {
    const partition = this.partitionFor(transactionalId)
    if (this.loading.has(partition)) throw new ApiError(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
    const led = this.led.get(partition)
    if (led === undefined) throw new ApiError(ErrorCode.NOT_COORDINATOR)
    return led
  }

  /** As `find`, with the error code instead of an exception. */
  lookUp(transactionalId: string): Coordinated | number | undefined {
    try {
      return this.find(transactionalId)
    } catch (error) {
      if (error instanceof ApiError) return error.code
      throw error
    }
  }

  // ---- transitions ----

  /**
   * Writes a transition that was prepared in `coordinatorEpoch`, waits for it, and applies it. Returns NONE or the error for
   * the client; then the transition is given up, unless `keepsPendingOn` says that the caller will try again.
   */
  *write(transactionalId: string, coordinatorEpoch: number, next: TransactionFields, keepsPendingOn: (errorCode: number) => boolean = () => false): Task<number> {
    const before = this.lookUp(transactionalId)
    if (typeof before === 'number') return before
    if (before === undefined || before.coordinatorEpoch !== coordinatorEpoch) return ErrorCode.NOT_COORDINATOR
    const { status, offset } = yield* this.append(transactionalId, next)
    yield* this.env.pause('transaction-acknowledged')
    if (status !== ErrorCode.NONE) {
      const errorCode = forClient(status)
      const failed = this.lookUp(transactionalId)
      if (typeof failed === 'object' && failed.coordinatorEpoch === coordinatorEpoch && !keepsPendingOn(errorCode)) failed.metadata.clearPending()
      return errorCode
    }
    const now = this.lookUp(transactionalId)
    if (typeof now === 'number') return now
    if (now === undefined || now.coordinatorEpoch !== coordinatorEpoch) return ErrorCode.NOT_COORDINATOR
    now.metadata.complete(next)
    this.observe(transactionalId, coordinatorEpoch, offset, next)
    return ErrorCode.NONE
  }

  /** As in Kafka a write may take as long as the transaction. */
  private *append(transactionalId: string, next: TransactionFields): Task<Written> {
    const { stateLogs, transactionVersion } = this.o
    const partition = this.partitionFor(transactionalId)
    const batch = transactionBatch(transactionalId, next, {
      now: this.env.wallClock(), transactionVersion: transactionVersion(),
      // A coordinator that took over in between did not know which id the producer had been given.
      keepsNextProducerId: this.env.defects.has('KAFKA-18660') ? false : true,
    })
    try {
      const { lastOffset } = stateLogs.append(TRANSACTION_TOPIC, partition, batch)
      return { status: yield* stateLogs.awaitAcknowledgement(TRANSACTION_TOPIC, partition, lastOffset, next.timeoutMs).wait(), offset: lastOffset }
    } catch (error) {
      if (error instanceof ApiError) return { status: error.code, offset: -1 }
      throw error
    }
  }

  // ---- leadership ----

  /**
   * Reads the partition, unless that is done or under way in this epoch. `onLoaded` gets what was decided before and has
   * markers left to write.
   */
  load(partition: number, coordinatorEpoch: number, onLoaded: (prepared: readonly Coordinated[]) => void): boolean {
    if (this.led.get(partition)?.coordinatorEpoch === coordinatorEpoch || this.loading.get(partition)?.has(coordinatorEpoch) === true) return false
    const epochs = this.loading.get(partition)
    if (epochs === undefined) this.loading.set(partition, new Set([coordinatorEpoch]))
    else epochs.add(coordinatorEpoch)
    this.env.spawn('load-transactions', this.read(partition, coordinatorEpoch, onLoaded))
    return true
  }

  private *read(partition: number, coordinatorEpoch: number, onLoaded: (prepared: readonly Coordinated[]) => void): Task<void> {
    const isCurrent = (): boolean => this.loading.get(partition)?.has(coordinatorEpoch) === true
    const ids = new Map<string, TransactionMetadata>()
    const offsets = new Map<string, number>()
    let lastOffset = -1
    yield* loadState(this.env, TRANSACTION_TOPIC, {
      find: () => this.o.stateLogs.leading(TRANSACTION_TOPIC, partition), isCurrent, readMs: this.o.server.coordinatorLoadMs,
    }, {
      record: (record, at) => {
        if (record.type !== 'TransactionLog') return
        const { transactionalId } = record.key
        lastOffset = at.offset
        offsets.set(transactionalId, at.offset)
        // A rewritten id is the newest one, as in a log that is read again after compaction.
        ids.delete(transactionalId)
        if (record.value !== null) ids.set(transactionalId, new TransactionMetadata(transactionalId, fieldsOf(record.value), this.epochLimit))
      },
      endTransaction: () => {},
    })
    if (!isCurrent()) return
    // Kafka serves at once, and vouches for partitions of transactions that may be lost yet: a known behaviour.
    const isUnreplicated = lastOffset >= (this.o.stateLogs.leading(TRANSACTION_TOPIC, partition)?.highWatermark ?? 0)
    if (isUnreplicated && this.env.mends.has('verified-before-replication') && (!(yield* this.replicated(partition, coordinatorEpoch, lastOffset)) || !isCurrent())) return
    this.led.set(partition, { coordinatorEpoch, ids })
    this.doneLoading(partition, coordinatorEpoch)
    this.env.observe({ kind: 'coordinator-loaded', topic: TRANSACTION_TOPIC, partition, coordinatorEpoch, lastOffset })
    const highWatermark = this.o.stateLogs.leading(TRANSACTION_TOPIC, partition)?.highWatermark ?? 0
    for (const [transactionalId, { fields }] of ids) this.observe(transactionalId, coordinatorEpoch, offsets.get(transactionalId)!, fields, highWatermark)
    const prepared = [...ids.values()].filter(({ fields: { state } }) => state === 'PrepareCommit' || state === 'PrepareAbort').map(metadata => ({ coordinatorEpoch, metadata }))
    if (prepared.some(({ metadata: { transactionalId } }) => offsets.get(transactionalId)! >= highWatermark)) {
      // Kafka does not wait, although what is decided here may be lost yet: a known behaviour (markers-before-replication).
      this.env.observe({ kind: 'mark', name: 'unreplicated-decision-resumed' })
      if (this.env.mends.has('markers-before-replication') && !(yield* this.replicated(partition, coordinatorEpoch, lastOffset))) return
    }
    onLoaded(prepared)
  }

  /** Waits as long as it takes; false: leadership has moved before. */
  private *replicated(partition: number, coordinatorEpoch: number, offset: number): Task<boolean> {
    for (;;) {
      const status = yield* this.o.stateLogs.awaitHighWatermark(TRANSACTION_TOPIC, partition, offset, coordinatorEpoch, this.o.server.replicaSocketTimeoutMs).wait()
      if (status !== ErrorCode.REQUEST_TIMED_OUT) return status === ErrorCode.NONE
    }
  }

  /** Another broker leads now; `coordinatorEpoch` is the one that ends here, undefined: all. */
  unload(partition: number, coordinatorEpoch: number | undefined): void {
    if (coordinatorEpoch === undefined) this.loading.delete(partition)
    else for (const epoch of this.loading.get(partition) ?? []) if (epoch <= coordinatorEpoch) this.doneLoading(partition, epoch)
    const led = this.led.get(partition)
    if (led === undefined) return
    this.led.delete(partition)
    this.env.observe({ kind: 'coordinator-unloaded', topic: TRANSACTION_TOPIC, partition, coordinatorEpoch: led.coordinatorEpoch })
  }

  private doneLoading(partition: number, coordinatorEpoch: number): void {
    const epochs = this.loading.get(partition)
    epochs?.delete(coordinatorEpoch)
    if (epochs?.size === 0) this.loading.delete(partition)
  }

  // ---- expiry ----

  /** Writes tombstones for ids that have not been used for `transactional.id.expiration.ms`, and forgets them. */
  *removeExpired(): Task<void> {
    for (const [partition, led] of this.led) {
      const oldest = this.env.wallClock() - this.o.server.transactionalIdExpirationMs
      const expired = [...led.ids.values()].filter(({ pendingState, fields }) => pendingState === undefined && isFinished(fields.state) && fields.updatedMs <= oldest)
      if (expired.length === 0) continue
      const epochs = expired.map(metadata => metadata.prepareDead().producerEpoch)
      const { status: errorCode, offset } = yield* this.appendTombstones(partition, expired)
      yield* this.env.pause('transactional-ids-expired')
      expired.forEach((metadata, index) => {
        const current = this.led.get(partition)
        if (current !== led || current.ids.get(metadata.transactionalId) !== metadata) return
        if (errorCode === ErrorCode.NONE && metadata.pendingState === 'Dead' && metadata.fields.producerEpoch === epochs[index]) {
          led.ids.delete(metadata.transactionalId)
          this.env.observe({ kind: 'mark', name: 'transactional-id-expired' })
          this.observe(metadata.transactionalId, led.coordinatorEpoch, offset, { ...metadata.fields, state: 'Dead' })
        } else {
          metadata.clearPending()
        }
      })
    }
  }

  private *appendTombstones(partition: number, expired: readonly TransactionMetadata[]): Task<Written> {
    const { stateLogs, server } = this.o
    try {
      const batch = tombstoneBatch(expired.map(({ transactionalId }) => transactionalId), this.env.wallClock())
      const { lastOffset } = stateLogs.append(TRANSACTION_TOPIC, partition, batch)
      return { status: yield* stateLogs.awaitAcknowledgement(TRANSACTION_TOPIC, partition, lastOffset, server.replicaSocketTimeoutMs).wait(), offset: lastOffset }
    } catch (error) {
      if (error instanceof ApiError) return { status: error.code, offset: -1 }
      throw error
    }
  }

  private observe(transactionalId: string, coordinatorEpoch: number, offset: number, fields: TransactionFields, highWatermark = Infinity): void {
    const { state, producerId, producerEpoch, nextProducerId, clientVersion } = fields
    this.env.observe({
      kind: 'transaction-state', transactionalId, coordinatorEpoch, offset, isReplicated: offset < highWatermark, state, producerId, producerEpoch, nextProducerId, clientVersion,
      partitions: [...fields.partitions.keys()],
    })
  }
}

/** Errors of the log as a client is told them; after an append, too, for the record may be lost yet (TransactionStateManager#appendTransactionToLog). */
function forClient(errorCode: number): number {
  return errorCode === ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND ? ErrorCode.COORDINATOR_NOT_AVAILABLE : coordinatorError(errorCode)
}
