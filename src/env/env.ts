/**
 * `Env`: the whole world as a node sees it. Node code (brokers, controllers, clients) is written against this capability
 * and does not know that it is simulated. One Env belongs to one incarnation of one process: when the process dies, its
 * tasks, timers and connections die with it and the Env must not be used again.
 */
import type { Cause } from '../base/random.ts'
import type { Future, Task } from '../base/task.ts'
import type { Micros, Millis } from '../base/time.ts'
import type { Buggify } from '../config/buggify.ts'
import type { Defects, Mends } from '../config/defects.ts'
import type { Disk } from './disk.ts'
import type { Network } from './network.ts'
import type { Observation } from './observation.ts'

export interface Timer {
  /** Idempotent; a cancelled timer never fires. */
  cancel(): void
}

export interface Env {
  /** Host name of the machine, also its network address: `broker-1`, `controller-101`, `client-2`. */
  readonly node: string
  /** 0 for the first process on this machine, then 1, 2, ... */
  readonly incarnation: number
  readonly network: Network
  readonly disk: Disk
  readonly defects: Defects
  readonly mends: Mends
  /** Rare but legal choices that are forced in this world. */
  readonly buggify: Buggify

  /** Monotonic clock of this machine in microseconds since the process started counting; never steps back. */
  now(): Micros
  /** Wall clock of this machine in milliseconds since the epoch: offset, drift and steps are the nemesis's. */
  wallClock(): Millis
  /** Calls back once after `delay` microseconds of this machine's monotonic clock. */
  timer(delay: Micros, callback: () => void): Timer
  /** A future completed after `delay` microseconds: `yield* env.sleep(d).wait()`. */
  sleep(delay: Micros): Future<void>
  /** Starts a task (a thread of the process). An error that escapes it kills the process. `name` is for the trace. */
  spawn(name: string, task: Task<void>): void
  /**
   * A point where a thread could lose the processor. Costs nothing when interleaving is off; otherwise the scheduler may
   * let other tasks and events of this node run first.
   */
  pause(label: string): Task<void>
  /** A uniform unsigned 32-bit draw, a pure function of the plan's root key, this node and the cause. Never a stream. */
  draw(purpose: string, a?: Cause, b?: Cause): number
  /** Tells the observer. Everything white-box (trace, invariants, coverage, fault triggers) hangs on this. */
  observe(event: Observation): void
  /** Stops this process now, as `System.exit` or a fatal fault handler would. The machine stays up. */
  halt(reason: string): void
}
