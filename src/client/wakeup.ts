/**
 * What `Selector.poll(timeout)` and `wakeup()` are to a Java client's I/O thread: one task waits until somebody wakes it or
 * a time comes. A wake-up that finds nobody waiting is kept, so it is never lost.
 */
import { invariant } from '../base/assert.ts'
import { Future } from '../base/task.ts'
import type { Task } from '../base/task.ts'
import type { Micros } from '../base/time.ts'
import type { Env } from '../env/env.ts'

export class Wakeup {
  private readonly env: Env
  private pending = false
  private waiting: Future<void> | undefined = undefined

  constructor(env: Env) {
    this.env = env
  }

  wake(): void {
    const waiting = this.waiting
    if (waiting === undefined) this.pending = true
    else {
      this.waiting = undefined
      waiting.complete()
    }
  }

  /** Waits for `wake` or for the monotonic time `until` (Infinity: for `wake` only). One waiter at a time. */
  *waitUntil(until: Micros): Task<void> {
    invariant(this.waiting === undefined, 'two tasks wait for one wake-up')
    if (this.pending) {
      this.pending = false
      return
    }
    const delay = until - this.env.now()
    if (delay <= 0) return
    const future = new Future<void>()
    this.waiting = future
    const timer = delay === Infinity ? undefined : this.env.timer(delay, () => this.wake())
    yield* future.wait()
    timer?.cancel()
  }
}
