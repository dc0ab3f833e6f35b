/**
 * What a log does for the sake of its producers, beside its files: checks batches before they are written, applies them to
 * the state after, keeps the snapshots of that state beside the segments, and brings it back after loads and truncations
 * (the producer half of Kafka's UnifiedLog). The metadata log has none of this: `isTracking` is false.
 */
import type { TopicConfig } from '../config/topic.ts'
import type { File } from '../env/disk.ts'
import type { Env } from '../env/env.ts'
import { ApiError } from '../protocol/api-error.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { BatchHeader } from './batch-header.ts'
import { lastRecordsOf } from './cleaner/last-records.ts'
import type { LastRecord } from './cleaner/last-records.ts'
import type { LocalLog } from './local-log.ts'
import { describeProducers } from './log-observer.ts'
import type { LogObserver, ProducerDescription } from './log-observer.ts'
import type { AppendOrigin } from './producer-append.ts'
import { checkProducers } from './producer-check.ts'
import type { ProducerChanges } from './producer-check.ts'
import type { ProducerState } from './producer-state.ts'
import { rebuildProducerState } from './rebuild-producer-state.ts'
import type { Segment } from './segment.ts'
import type { AppendProof, VerificationGuard } from './verification.ts'

/** The first batch of a transaction, for which a coordinator is to vouch (KIP-890). */
export interface UnverifiedBatch {
  readonly producerId: number
  readonly epoch: number
  readonly sequence: number
  readonly supportsEpochBump: boolean
}

export class LogProducers {
  private readonly env: Env
  private readonly config: () => TopicConfig
  private readonly local: LocalLog
  private readonly state: ProducerState
  private readonly observer: LogObserver | undefined

  /** Without an observer nothing is tracked. */
  constructor(env: Env, config: () => TopicConfig, local: LocalLog, state: ProducerState, observer: LogObserver | undefined) {
    this.env = env
    this.config = config
    this.local = local
    this.state = state
    this.observer = observer
  }

  /** Where the oldest transaction begins that may still change for readers of committed records. */
  get firstUnstableOffset(): number | undefined {
    return this.state.firstUnstableOffset
  }

  describe(): ProducerDescription[] {
    return describeProducers(this.state)
  }

  /** What a cleaning must leave of each producer. */
  lastRecords(): ReadonlyMap<number, LastRecord> {
    return lastRecordsOf(this.state)
  }

  /**
   * The guard for a batch that may begin a transaction; undefined when that transaction is open here already.
   * @throws ApiError INVALID_PRODUCER_EPOCH
   */
  startVerification(batch: UnverifiedBatch): VerificationGuard | undefined {
    const known = this.state.entry(batch.producerId)?.epoch
    if (known !== undefined && batch.epoch < known) throw new ApiError(ErrorCode.INVALID_PRODUCER_EPOCH, `${batch.epoch} of producer ${batch.producerId} is below ${known}`)
    if (this.state.hasOpenTransaction(batch.producerId, batch.epoch)) return undefined
    return this.state.verifications.start(batch, this.env.wallClock())
  }

  removeExpired(): void {
    this.state.removeExpired()
  }

  // ---- appends ----

  /** What an append will change; undefined when nothing is tracked. @throws ApiError as checkProducers; nothing has changed then */
  check(bytes: Uint8Array, headers: readonly BatchHeader[], origin: AppendOrigin, proof: AppendProof): ProducerChanges | undefined {
    if (this.observer === undefined) return undefined
    try {
      return checkProducers(this.state, bytes, headers, origin, proof)
    } catch (error) {
      this.observer.rejected(headers[0]!, this.state, error)
      throw error
    }
  }

  /** The batches have been written. */
  apply(changes: ProducerChanges): void {
    const { state } = this
    for (const append of changes.appends) state.commit(append)
    for (const completed of changes.completed) {
      if (completed.isAborted) {
        const hidden = state.hiddenBehind(completed)
        if (hidden !== undefined) this.observer?.abortHides(completed.producerId, hidden)
        this.local.segments.active.abortIndex.append(state.abortEntry(completed))
      }
      state.complete(completed)
    }
    state.mapEndOffset = this.local.endOffset
  }

  // ---- as the log moves ----

  onHighWatermark(offset: number): void {
    this.state.onHighWatermark(offset)
  }

  onLogStart(offset: number): void {
    this.state.onLogStart(offset)
  }

  /** A new segment begins: the state as of there, to be made durable with what came before. */
  onRoll(baseOffset: number): File | undefined {
    this.state.mapEndOffset = baseOffset
    return this.takeSnapshot()
  }

  takeSnapshot(): File | undefined {
    return this.observer === undefined ? undefined : this.state.takeSnapshot()
  }

  /** Segments go, and their snapshots with them, later. */
  deleteSnapshots(removed: readonly Segment[]): void {
    const { fileDeleteDelayMs } = this.config()
    for (const { baseOffset } of removed) this.state.deleteSnapshotLater(baseOffset, fileDeleteDelayMs)
  }

  onTruncated(logStartOffset: number): void {
    if (this.observer === undefined) return
    rebuildProducerState(this.env, this.state, this.local.segments, logStartOffset, this.local.endOffset, false)
    this.observeReload()
  }

  /** The log was thrown away and continues, empty, at `offset`. */
  onEmptied(offset: number): void {
    if (this.observer !== undefined) this.state.truncateFullyAndStartAt(offset)
    this.onTruncated(offset)
  }

  // ---- observations ----

  /** Tells the state of every producer. */
  observe(): void {
    this.observer?.producerState(this.state, this.local.endOffset)
  }

  /** Tells what a reload has lost. */
  observeReload(): void {
    this.observer?.forgotten(this.state.takeForgotten())
    this.observeSkipped()
  }

  observeSkipped(): void {
    this.observer?.epochsSkipped(this.state.takeSkipped())
  }
}
