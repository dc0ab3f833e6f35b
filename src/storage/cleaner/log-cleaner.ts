/**
 * Cleans the compacted logs of a broker, one at a time, the filthiest first (LogCleaner, LogCleanerManager), and applies
 * retention to them. How far each was cleaned is kept in `cleaner-offset-checkpoint`.
 *
 *   state of a log      on
 *   none -> cleaning    it is the filthiest of those worth it
 *   cleaning -> none    the round is done: the checkpoint moves
 *   cleaning -> aborted segments were truncated away, or the partition leaves this broker
 *   aborted -> none     the cleaner looks up: the checkpoint stays
 *
 * Unlike Kafka nobody waits for a cleaning to be aborted, because it touches nothing after it was told; a round that gets
 * nowhere waits before the next; and what is about to be rewritten is durable first, recovery point included, so that above
 * it recovery takes a gap between segments for what it mostly is, a loss (see LogLoader).
 */
import type { Task } from '../../base/task.ts'
import { msToUs } from '../../base/time.ts'
import type { ServerConfig } from '../../config/cluster.ts'
import { isCompacted } from '../../config/topic.ts'
import type { Env } from '../../env/env.ts'
import { DecodeError } from '../../protocol/wire.ts'
import { CLEANER_CHECKPOINT, partitionDirectoryName } from '../file-names.ts'
import type { Log } from '../log.ts'
import { OffsetCheckpoint } from '../offset-checkpoint.ts'
import { Cleaner, CleaningAborted, UncleanableLog } from './cleaner.ts'
import { isWorthCleaning, logToClean } from './log-to-clean.ts'
import type { LogToClean } from './log-to-clean.ts'

export interface CleanedLogs {
  readonly directory: string
  logs(): Iterable<Log>
  /** Is it still one of `logs`? */
  has(log: Log): boolean
  /** Makes a log durable up to an offset, and its recovery point with it. */
  makeDurable(log: Log, upTo: number): Task<void>
}

export class LogCleaner {
  private readonly env: Env
  private readonly server: ServerConfig
  private readonly logs: CleanedLogs
  private readonly file: OffsetCheckpoint
  private readonly checkpoints: Map<string, number>
  private readonly states = new Map<Log, 'cleaning' | 'aborted'>()
  private readonly uncleanable = new Set<Log>()
  private isRunning = false
  private isShutDown = false

  constructor(env: Env, server: ServerConfig, logs: CleanedLogs) {
    this.env = env
    this.server = server
    this.logs = logs
    this.file = new OffsetCheckpoint(env, logs.directory, CLEANER_CHECKPOINT)
    this.checkpoints = this.file.read()
  }

  /** Runs from when there is something to clean. */
  ensureStarted(): void {
    if (this.isRunning || this.isShutDown) return
    this.isRunning = true
    const names = new Set([...this.logs.logs()].map(nameOf))
    for (const name of this.checkpoints.keys()) if (!names.has(name)) this.checkpoints.delete(name)
    this.env.spawn('log-cleaner', this.run())
  }

  shutdown(): void {
    this.isShutDown = true
  }

  isCleaning(log: Log): boolean {
    return this.states.has(log)
  }

  /** Segments of the log are gone: what lies above its active segment now is dirty. */
  truncated(log: Log): void {
    this.abort(log)
    const name = nameOf(log)
    const activeBase = log.segments.at(-1)!.baseOffset
    if (isCompacted(log.config) && (this.checkpoints.get(name) ?? 0) > activeBase) this.checkpoint(name, activeBase)
  }

  /** The log leaves this broker. */
  removed(log: Log): void {
    this.abort(log)
    this.uncleanable.delete(log)
    if (this.checkpoints.delete(nameOf(log))) this.write()
  }

  private abort(log: Log): void {
    if (this.states.get(log) === 'cleaning') this.states.set(log, 'aborted')
  }

  private *run(): Task<void> {
    while (!this.isShutDown) {
      const progressed = yield* this.cleanFilthiest()
      yield* this.applyRetention()
      if (!progressed) yield* this.env.sleep(msToUs(this.server.logCleanerBackoffMs)).wait()
    }
  }

  /** Whether something was cleaned. */
  private *cleanFilthiest(): Task<boolean> {
    const cleanable = this.filthiest()
    if (cleanable === undefined) return false
    const { log } = cleanable
    this.states.set(log, 'cleaning')
    const isStopped = (): boolean => this.isShutDown || this.states.get(log) !== 'cleaning'
    let end = cleanable.firstDirtyOffset
    try {
      yield* this.logs.makeDurable(log, cleanable.firstUncleanableOffset)
      // A flush across a truncation claims nothing.
      if (isStopped() || log.recoveryPoint < cleanable.firstUncleanableOffset) throw new CleaningAborted()
      end = yield* new Cleaner(this.env, this.server, cleanable, isStopped).clean()
    } catch (error) {
      if (error instanceof CleaningAborted) this.env.observe({ kind: 'mark', name: 'cleaning-interrupted' })
      else if (error instanceof UncleanableLog || error instanceof DecodeError) {
        this.uncleanable.add(log)
        this.env.observe({ kind: 'mark', name: 'log-uncleanable' })
      } else throw error
    }
    const isDone = this.states.get(log) === 'cleaning' && !this.isShutDown
    this.states.delete(log)
    if (isDone) {
      this.checkpoint(nameOf(log), end)
      yield* this.file.flush()
    }
    return isDone && end > cleanable.firstDirtyOffset
  }

  private filthiest(): LogToClean | undefined {
    const now = this.env.wallClock()
    let filthiest: LogToClean | undefined
    for (const log of this.logs.logs()) {
      if (!isCompacted(log.config) || this.states.has(log) || this.uncleanable.has(log)) continue
      const candidate = logToClean(log, this.checkpoints.get(nameOf(log)), now)
      if (candidate.isCheckpointInvalid) this.checkpoint(nameOf(log), candidate.firstDirtyOffset)
      if (isWorthCleaning(candidate) && (filthiest === undefined || candidate.cleanableRatio > filthiest.cleanableRatio)) filthiest = candidate
    }
    return filthiest
  }

  /** Compacted logs are the cleaner's, so that it and retention never work on one log at a time. */
  private *applyRetention(): Task<void> {
    for (const log of this.logs.logs()) {
      if (!isCompacted(log.config) || this.uncleanable.has(log)) continue
      yield* this.env.pause('cleaner.retention')
      if (this.isShutDown) return
      if (this.logs.has(log)) log.deleteOldSegments()
    }
  }

  private checkpoint(name: string, offset: number): void {
    this.checkpoints.set(name, offset)
    this.write()
  }

  private write(): void {
    const entries: { topic: string; partition: number; offset: number }[] = []
    for (const { topic, partition } of this.logs.logs()) {
      const offset = this.checkpoints.get(partitionDirectoryName(topic, partition))
      if (offset !== undefined) entries.push({ topic, partition, offset })
    }
    this.file.write(entries)
  }
}

function nameOf({ topic, partition }: Log): string {
  return partitionDirectoryName(topic, partition)
}
