/**
 * One state partition that a coordinator leads, for one epoch: the state that its records make, twice. `state` has every
 * record that was appended; what operations decide on. `committed()` has what lies below the high watermark; what reads
 * see. Kafka keeps one copy with snapshots of the past (SnapshotRegistry, TimelineHashMap); two copies that only records
 * change give the same answers.
 *
 * Records are appended first and replayed after, so a refused append leaves nothing to roll back; what was appended and
 * never commits goes with the whole shard when leadership is lost.
 */
import { Fifo } from '../../base/fifo.ts'
import type { Env, Timer } from '../../env/env.ts'
import { msToUs } from '../../base/time.ts'
import type { Millis } from '../../base/time.ts'
import type { CoordinatorRecord } from '../coordinator-record.ts'
import type { RecordPosition } from '../load-state.ts'
import type { StateLog } from '../state-logs.ts'

/** What records make. Only these two change it, and nothing but their arguments decides how. */
export interface CoordinatorState {
  replay(record: CoordinatorRecord, at: RecordPosition): void
  /** The transaction of this producer ended: its records, until now pending, count or do not. */
  replayEndTransaction(producerId: number, producerEpoch: number, commit: boolean, offset: number): void
}

/** A timer that has run out and waits for its turn. */
export interface DueTimer {
  readonly name: string
  readonly operation: () => readonly CoordinatorRecord[]
  /** Asked when its turn has come: false when it was replaced or cancelled meanwhile. */
  take(): boolean
}

interface Step {
  readonly offset: number
  readonly apply: (state: CoordinatorState) => void
}

export class Shard<S extends CoordinatorState> {
  readonly env: Env
  readonly partition: number
  /** Leader epoch of the state partition. */
  readonly coordinatorEpoch: number
  readonly state: S
  private readonly log: () => StateLog | undefined
  private readonly known: S
  private readonly ahead = new Fifo<Step>()
  private readonly timers = new Map<string, Timer>()
  private readonly runTimer: (shard: Shard<S>, timer: DueTimer) => void
  private readonly onCommitted: ((state: S, offset: number) => void) | undefined
  private lastWritten = -1
  /** Offset of the last record that was there when this shard was loaded; -1: none. */
  private lastLoaded = -1

  constructor(o: {
    readonly env: Env; readonly partition: number; readonly coordinatorEpoch: number
    readonly createState: () => S; readonly log: () => StateLog | undefined
    /** Runs what a timer decides on as an operation of this shard. */
    readonly runTimer: (shard: Shard<S>, timer: DueTimer) => void
    /** The committed state has moved on, up to this offset. */
    readonly onCommitted?: ((state: S, offset: number) => void) | undefined
  }) {
    this.env = o.env
    this.partition = o.partition
    this.coordinatorEpoch = o.coordinatorEpoch
    this.state = o.createState()
    this.known = o.createState()
    this.log = o.log
    this.runTimer = o.runTimer
    this.onCommitted = o.onCommitted
  }

  /** Offset of the last record that was applied; -1: none. */
  get lastWrittenOffset(): number {
    return this.lastWritten
  }

  get loadedOffset(): number {
    return this.lastLoaded
  }

  /** Everything that was in the log has been replayed. */
  loaded(): void {
    this.lastLoaded = this.lastWritten
  }

  /** The state below the high watermark, as it is now; of another epoch of this log it knows nothing. */
  committed(): S {
    const log = this.log()
    const highWatermark = log?.leaderEpoch === this.coordinatorEpoch ? log.highWatermark : 0
    let reached = -1
    for (let next = this.ahead.peek(); next !== undefined && next.offset < highWatermark; next = this.ahead.peek()) {
      next.apply(this.known)
      reached = next.offset
      this.ahead.shift()
    }
    if (reached !== -1) this.onCommitted?.(this.known, reached)
    return this.known
  }

  record(record: CoordinatorRecord, at: RecordPosition): void {
    this.apply(at.offset, state => state.replay(record, at))
  }

  endTransaction(producerId: number, producerEpoch: number, commit: boolean, offset: number): void {
    this.apply(offset, state => state.replayEndTransaction(producerId, producerEpoch, commit, offset))
  }

  /** After `delayMs` the operation decides as any other; its records are appended. Replaces a timer of that name. */
  schedule(name: string, delayMs: Millis, operation: () => readonly CoordinatorRecord[]): void {
    this.cancel(name)
    const timer = this.env.timer(msToUs(delayMs), () => {
      this.runTimer(this, { name, operation, take: () => this.timers.get(name) === timer && this.timers.delete(name) })
    })
    this.timers.set(name, timer)
  }

  cancel(name: string): void {
    this.timers.get(name)?.cancel()
    this.timers.delete(name)
  }

  cancelAll(): void {
    for (const timer of this.timers.values()) timer.cancel()
    this.timers.clear()
  }

  private apply(offset: number, apply: (state: CoordinatorState) => void): void {
    apply(this.state)
    this.ahead.push({ offset, apply })
    this.lastWritten = offset
  }
}
