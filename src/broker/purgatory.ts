/**
 * Where requests wait for something to happen to one of several partitions, or for their time to run out (Kafka:
 * DelayedOperationPurgatory). Whoever changes a partition calls `checkAndComplete` for it.
 *
 * An operation completes exactly once, by a check or by its timer, never by both.
 */
import type { Millis } from '../base/time.ts'
import { msToUs } from '../base/time.ts'
import type { Env, Timer } from '../env/env.ts'

export interface DelayedOperation {
  /** Whether the operation can complete now. Called again and again; must not have side effects beyond its own state. */
  isSatisfied(): boolean
  /** Answers the request. Called once. */
  onComplete(): void
}

interface Waiting {
  readonly operation: DelayedOperation
  readonly keys: readonly string[]
  timer: Timer | undefined
  isCompleted: boolean
}

export class Purgatory {
  private readonly env: Env
  private readonly watchers = new Map<string, Set<Waiting>>()

  constructor(env: Env) {
    this.env = env
  }

  /** Number of operations waiting for this key. */
  watching(key: string): number {
    return this.watchers.get(key)?.size ?? 0
  }

  /** Completes at once if satisfied; otherwise waits for a check of one of the keys or for the time-out. */
  completeElseWatch(operation: DelayedOperation, keys: readonly string[], timeoutMs: Millis): void {
    const waiting: Waiting = { operation, keys, timer: undefined, isCompleted: false }
    if (operation.isSatisfied()) {
      operation.onComplete()
      return
    }
    for (const key of keys) {
      const watchers = this.watchers.get(key)
      if (watchers === undefined) this.watchers.set(key, new Set([waiting]))
      else watchers.add(waiting)
    }
    waiting.timer = this.env.timer(msToUs(Math.max(0, timeoutMs)), () => this.complete(waiting))
  }

  /** Completes what this change has satisfied. Returns how many. */
  checkAndComplete(key: string): number {
    const watchers = this.watchers.get(key)
    if (watchers === undefined) return 0
    let completed = 0
    // A completion answers a request, which may let the next request of that connection in: it may add watchers.
    for (const waiting of watchers) {
      if (!waiting.isCompleted && waiting.operation.isSatisfied()) {
        this.complete(waiting)
        completed++
      }
    }
    return completed
  }

  private complete(waiting: Waiting): void {
    if (waiting.isCompleted) return
    waiting.isCompleted = true
    waiting.timer?.cancel()
    for (const key of waiting.keys) {
      const watchers = this.watchers.get(key)
      watchers?.delete(waiting)
      if (watchers?.size === 0) this.watchers.delete(key)
    }
    waiting.operation.onComplete()
  }
}
