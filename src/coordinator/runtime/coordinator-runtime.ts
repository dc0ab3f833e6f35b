/**
 * The runtime under group and share coordinators (Kafka: CoordinatorRuntime): loads and unloads state partitions as
 * leadership moves, runs operations of one partition one after the other, appends what they decide as one atomic batch,
 * and answers when the high watermark has passed it.
 *
 *   partition       loading -> active -> (unloaded)          loading fails: failed until the next election
 *   operation       queued -> decided -> appended -> replayed -> committed (answered)
 *
 * The epoch of a coordinator is the leader epoch of its partition; an election with a newer one unloads and loads again.
 *
 * Unlike Kafka's default, batches do not linger for other operations (group.coordinator.append.linger.ms=0), and an
 * operation that only reads is decided at once instead of in its turn: it sees committed state, which no turn changes.
 */
import { Fifo } from '../../base/fifo.ts'
import { partitionForId } from '../../base/java-hash.ts'
import { Future } from '../../base/task.ts'
import type { Task } from '../../base/task.ts'
import type { Millis } from '../../base/time.ts'
import type { MetadataDelta, MetadataImage } from '../../controller/metadata-image.ts'
import type { Env } from '../../env/env.ts'
import { ApiError } from '../../protocol/api-error.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { VerificationGuard } from '../../storage/verification.ts'
import { buildEndTxnMarker } from '../../protocol/records/control-records.ts'
import { buildBatch } from '../../protocol/records/record-batch.ts'
import { DecodeError } from '../../protocol/wire.ts'
import { coordinatorError } from '../coordinator-errors.ts'
import { encodeCoordinatorKey, encodeCoordinatorValue } from '../coordinator-record.ts'
import type { CoordinatorRecord } from '../coordinator-record.ts'
import type { ElectedCoordinator } from '../elected-coordinator.ts'
import { loadState } from '../load-state.ts'
import type { StateLogs } from '../state-logs.ts'
import { Shard } from './shard.ts'
import type { CoordinatorState, DueTimer } from './shard.ts'

/** What an operation decides. */
export interface Decision<T> {
  /** Appended together or not at all. */
  readonly records: readonly CoordinatorRecord[]
  readonly response: T
  /** Called at once when the records are in the log and in the state, before they are committed. */
  readonly onAppended?: () => void
  /** Called instead, when the log has refused them. */
  readonly onRefused?: (errorCode: number) => void
}

export interface WriteOptions {
  /** How long the answer may wait for the high watermark; default offsets.commit.timeout.ms. */
  readonly timeoutMs?: Millis
  /** Set for records of a transaction, which count when it commits. */
  readonly producer?: { readonly producerId: number; readonly producerEpoch: number }
  /** Of the verification of that transaction (KIP-890); undefined when it is open on this partition already. */
  readonly guard?: VerificationGuard | undefined
}

export interface RuntimeOptions<S extends CoordinatorState> {
  /** Name of the internal topic and of the coordinator's tasks. */
  readonly topic: string
  readonly partitions: number
  readonly logs: StateLogs
  readonly writeTimeoutMs: Millis
  /** See ServerConfig#coordinatorLoadMs. */
  readonly loadMs: Millis
  readonly createState: () => S
  /** A shard has been loaded, before the first operation: start its timers. */
  readonly onLoaded?: (shard: Shard<S>) => void
  /** The committed state has moved on, up to this offset. */
  readonly onCommitted?: (shard: Shard<S>, state: S, offset: number) => void
  /** A shard that had been loaded is gone; its timers are cancelled already. */
  readonly onUnloaded?: (shard: Shard<S>) => void
}

interface Led<S extends CoordinatorState> {
  readonly shard: Shard<S>
  readonly queue: Fifo<() => void>
  /** Answers that wait for the high watermark. */
  readonly unanswered: Set<Future<unknown>>
  phase: 'loading' | 'active' | 'failed' | 'unloaded'
  isRunning: boolean
}

const TIMER_RETRY_BACKOFF_MS = 500
/** The leader's log alone: what counts is when the high watermark passes. */
const ACKS = 1

export class CoordinatorRuntime<S extends CoordinatorState> implements ElectedCoordinator {
  readonly topic: string
  private readonly env: Env
  private readonly options: RuntimeOptions<S>
  private readonly led = new Map<number, Led<S>>()

  constructor(env: Env, options: RuntimeOptions<S>) {
    this.env = env
    this.options = options
    this.topic = options.topic
  }

  // ---- leadership ----

  onElection(partition: number, leaderEpoch: number): void {
    const known = this.led.get(partition)
    if (known !== undefined && known.shard.coordinatorEpoch >= leaderEpoch) return
    this.unload(partition)
    const shard = new Shard<S>({
      env: this.env, partition, coordinatorEpoch: leaderEpoch,
      createState: this.options.createState,
      log: () => this.options.logs.leading(this.topic, partition),
      runTimer: (of, timer) => this.runTimer(of, timer),
      onCommitted: (state, offset) => this.options.onCommitted?.(shard, state, offset),
    })
    const led: Led<S> = { shard, queue: new Fifo(), unanswered: new Set(), phase: 'loading', isRunning: false }
    this.led.set(partition, led)
    this.env.spawn('coordinator-load', this.load(led))
  }

  onResignation(partition: number, leaderEpoch: number | undefined): void {
    const known = this.led.get(partition)
    if (known !== undefined && (leaderEpoch === undefined || known.shard.coordinatorEpoch < leaderEpoch)) this.unload(partition)
  }

  onMetadata(_image: MetadataImage, _delta: MetadataDelta): void {
    // Records alone make the state; whoever assigns partitions listens for itself.
  }

  /** The shards that can be asked now. */
  activeShards(): Shard<S>[] {
    return [...this.led.values()].filter(({ phase }) => phase === 'active').map(({ shard }) => shard)
  }

  /** Which partition holds the state of this id. */
  partitionFor(id: string): number {
    return partitionForId(id, this.options.partitions)
  }

  // ---- operations ----

  /**
   * Runs an operation that may change state, in its turn. The future holds its response when the high watermark has passed
   * what it appended, or what was last appended when that is nothing.
   * It fails with ApiError: NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, what the operation
   * threw, or what the log refused; then the records may still commit if they had been appended.
   */
  write<T>(partition: number, name: string, operation: (shard: Shard<S>) => Decision<T>, options: WriteOptions = {}): Future<T> {
    const result = new Future<T>()
    this.enqueue(partition, result, led => {
      const { shard } = led
      const decision = operation(shard)
      if (decision.records.length > 0) this.append(shard, decision, options)
      this.answerWhenCommitted(led, name, shard.lastWrittenOffset, options.timeoutMs, result, decision.response)
    })
    return result
  }

  /** Appends the marker that ends a producer's transaction on this partition; the answer waits for the high watermark. */
  completeTransaction(partition: number, o: { readonly producerId: number; readonly producerEpoch: number; readonly coordinatorEpoch: number; readonly commit: boolean; readonly transactionVersion?: number; readonly timeoutMs?: Millis }): Future<void> {
    const result = new Future<void>()
    this.enqueue(partition, result, led => {
      const { shard } = led
      const marker = buildEndTxnMarker({ commit: o.commit, timestamp: this.env.wallClock(), producerId: o.producerId, producerEpoch: o.producerEpoch, coordinatorEpoch: o.coordinatorEpoch })
      const { lastOffset } = this.options.logs.append(this.topic, partition, marker, { transactionVersion: o.transactionVersion ?? 0 }, ACKS)
      // Defect: another thread does what the marker says, while the answer goes out.
      if (this.env.defects.has('KAFKA-17507')) this.env.spawn('apply-marker', this.applyMarker(partition, o, lastOffset))
      else shard.endTransaction(o.producerId, o.producerEpoch, o.commit, lastOffset)
      this.answerWhenCommitted(led, 'complete-transaction', lastOffset, o.timeoutMs, result, undefined)
    })
    return result
  }

  private *applyMarker(partition: number, { producerId, producerEpoch, commit }: { readonly producerId: number; readonly producerEpoch: number; readonly commit: boolean }, offset: number): Task<void> {
    yield* this.env.pause('apply-marker')
    this.enqueue(partition, new Future<void>(), ({ shard }) => shard.endTransaction(producerId, producerEpoch, commit, Math.max(offset, shard.lastWrittenOffset)))
  }

  /** Runs an operation that changes nothing; it should look at `shard.committed()`. @throws ApiError as `write` */
  read<T>(partition: number, operation: (shard: Shard<S>) => T): T {
    const { shard } = this.active(partition)
    this.noteStaleReads(shard)
    this.env.observe({ kind: 'coordinator-read', topic: this.topic, partition, coordinatorEpoch: shard.coordinatorEpoch })
    return operation(shard)
  }

  // ---- inside ----

  /**
   * A new leader's high watermark may trail what its predecessor has acknowledged, and reads see only what lies below it
   * (CoordinatorLoaderImpl, SnapshottableCoordinator): until it has caught up with what was loaded, an acknowledged commit
   * may be absent. What KIP-207 does for ListOffsets, nothing does here: a known behaviour, with a mend.
   */
  private noteStaleReads(shard: Shard<S>): void {
    const { partition, loadedOffset } = shard
    if (loadedOffset < (this.options.logs.leading(this.topic, partition)?.highWatermark ?? 0)) return
    if (this.env.mends.has('coordinator-reads-stale-watermark')) throw new ApiError(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
    this.env.observe({ kind: 'coordinator-read-stale', topic: this.topic, partition, loadedOffset })
  }

  private active(partition: number): Led<S> {
    const led = this.led.get(partition)
    if (led === undefined || led.phase === 'unloaded') throw new ApiError(ErrorCode.NOT_COORDINATOR)
    if (led.phase === 'loading') throw new ApiError(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
    if (led.phase === 'failed') throw new ApiError(ErrorCode.COORDINATOR_NOT_AVAILABLE)
    return led
  }

  /** Runs `event` when it is its turn. What it throws fails `result`; a shard that is gone by then, too. */
  private enqueue(partition: number, result: Future<never> | Future<unknown>, event: (led: Led<S>) => void): void {
    let led: Led<S>
    try {
      led = this.active(partition)
    } catch (error) {
      result.fail(error)
      return
    }
    led.queue.push(() => {
      try {
        if (led.phase !== 'active') throw new ApiError(ErrorCode.NOT_COORDINATOR)
        event(led)
      } catch (error) {
        if (!(error instanceof ApiError)) throw error
        result.fail(error)
      }
    })
    if (led.isRunning) return
    led.isRunning = true
    this.env.spawn('coordinator-event', this.runQueue(led))
  }

  private *runQueue(led: Led<S>): Task<void> {
    for (let event = led.queue.shift(); event !== undefined; event = led.queue.shift()) {
      yield* this.env.pause('coordinator-event')
      event()
    }
    led.isRunning = false
  }

  private append(shard: Shard<S>, decision: Decision<unknown>, { producer, guard }: WriteOptions): void {
    const timestamp = this.env.wallClock()
    const { records } = decision
    const batch = buildBatch({
      records: records.map(record => ({ timestamp, key: encodeCoordinatorKey(record), value: encodeCoordinatorValue(record) })),
      ...(producer === undefined ? {} : { ...producer, isTransactional: true }),
    })
    let firstOffset: number
    try {
      firstOffset = this.options.logs.append(this.topic, shard.partition, batch, { guard }, ACKS).firstOffset
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      decision.onRefused?.(error.code)
      throw new ApiError(coordinatorError(error.code))
    }
    const { producerId = -1, producerEpoch = -1 } = producer ?? {}
    records.forEach((record, index) => shard.record(record, { offset: firstOffset + index, timestamp, producerId, producerEpoch }))
    decision.onAppended?.()
  }

  private answerWhenCommitted<T>(led: Led<S>, name: string, offset: number, timeoutMs: Millis = this.options.writeTimeoutMs, result: Future<T>, response: T): void {
    const { shard } = led
    led.unanswered.add(result)
    const committed = this.options.logs.awaitHighWatermark(this.topic, shard.partition, offset, shard.coordinatorEpoch, timeoutMs)
    committed.onSettled(() => {
      led.unanswered.delete(result)
      if (result.isSettled) return
      const code = committed.result()
      if (code === ErrorCode.NONE) {
        shard.committed()
        result.complete(response)
        return
      }
      if (code === ErrorCode.REQUEST_TIMED_OUT) this.env.observe({ kind: 'mark', name: `coordinator-write-timeout-${name}` })
      result.fail(new ApiError(coordinatorError(code)))
    })
  }

  private runTimer(shard: Shard<S>, { name, operation, take }: DueTimer): void {
    const done = this.write(shard.partition, 'timer', current => ({
      records: current === shard && take() ? operation() : [],
      response: undefined,
      // The log refuses for now: what the timer stands for is still due.
      onRefused: () => shard.schedule(name, TIMER_RETRY_BACKOFF_MS, operation),
    }))
    done.onSettled(() => {
      if (done.isFailed) this.env.observe({ kind: 'mark', name: 'coordinator-timer-failed' })
    })
  }

  private *load(led: Led<S>): Task<void> {
    const { shard } = led
    const { partition, coordinatorEpoch } = shard
    const isCurrent = (): boolean => led.phase === 'loading'
    try {
      const find = () => {
        const log = this.options.logs.leading(this.topic, partition)
        return log?.leaderEpoch === coordinatorEpoch ? log : undefined
      }
      const loaded = yield* loadState(this.env, this.topic, { find, isCurrent, readMs: this.options.loadMs }, shard)
      if (!loaded || !isCurrent()) return
      led.phase = 'active'
      shard.loaded()
      this.env.observe({ kind: 'coordinator-loaded', topic: this.topic, partition, coordinatorEpoch, lastOffset: shard.lastWrittenOffset })
      this.options.onLoaded?.(shard)
    } catch (error) {
      if (!(error instanceof ApiError || error instanceof DecodeError)) throw error
      led.phase = 'failed'
      this.env.observe({ kind: 'mark', name: 'coordinator-load-failed' })
    }
  }

  private unload(partition: number): void {
    const led = this.led.get(partition)
    if (led === undefined) return
    this.led.delete(partition)
    const wasActive = led.phase === 'active'
    led.phase = 'unloaded'
    led.shard.cancelAll()
    for (const waiting of led.unanswered) waiting.fail(new ApiError(ErrorCode.NOT_COORDINATOR))
    led.unanswered.clear()
    this.env.observe({ kind: 'coordinator-unloaded', topic: this.topic, partition, coordinatorEpoch: led.shard.coordinatorEpoch })
    if (wasActive) this.options.onUnloaded?.(led.shard)
  }
}
