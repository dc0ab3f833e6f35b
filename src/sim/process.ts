/**
 * One incarnation of a process: the `Env` that node code is given. Everything it started (tasks, timers, connections,
 * listeners) dies with it. An error that escapes from its code kills it; the machine stays up.
 */
import type { Cause } from '../base/random.ts'
import { Future, type Task } from '../base/task.ts'
import type { Micros, Millis } from '../base/time.ts'
import { type Buggify, NO_BUGGIFY } from '../config/buggify.ts'
import type { Defects, Mends } from '../config/defects.ts'
import { type Disk, DiskError } from '../env/disk.ts'
import type { Env, Timer } from '../env/env.ts'
import type { Observation } from '../env/observation.ts'
import { DigestKind } from './digest.ts'
import { type Kernel, KernelEvent, wholeDelay } from './kernel.ts'
import type { Deferrable, Machine } from './machine.ts'
import type { ProcessNetwork } from './network.ts'
import { RunningTask } from './running-task.ts'

class ProcessTimer extends KernelEvent implements Timer, Deferrable {
  private readonly process: Process
  private readonly due: Micros
  private callback: (() => void) | undefined

  constructor(process: Process, delay: Micros, callback: () => void) {
    super()
    this.process = process
    this.callback = callback
    const { kernel, machine } = process
    this.due = machine.clock.now() + delay
    kernel.at(kernel.now + machine.clock.trueDelay(delay), this)
  }

  run(): void {
    const { process } = this
    if (!process.isAlive) return
    const { machine, kernel } = process
    if (machine.clock.hasDrifted) {
      const left = this.due - machine.clock.now()
      if (left > 0) {
        kernel.at(kernel.now + machine.clock.trueDelay(left), this)
        return
      }
    }
    if (machine.isDeferring) machine.defer(this)
    else this.perform()
  }

  perform(): void {
    const { process, callback } = this
    if (callback === undefined || !process.isAlive) return
    this.callback = undefined
    process.kernel.digest.event(DigestKind.Timer, process.kernel.now, process.machine.index)
    process.call(callback)
  }

  cancel(): void {
    this.callback = undefined
    this.process.kernel.cancel(this)
  }
}

const DEAD_TIMER: Timer = { cancel() {} }

/** A task that is over before it begins; what a pause point costs when nothing happens there. */
const NO_PAUSE = {
  next: () => ({ done: true, value: undefined }),
  [Symbol.iterator]() {
    return this
  },
} as unknown as Task<void>

export class Process implements Env {
  readonly node: string
  readonly incarnation: number
  readonly network: ProcessNetwork
  readonly disk: Disk
  readonly defects: Defects
  readonly mends: Mends
  readonly buggify: Buggify
  readonly machine: Machine
  readonly kernel: Kernel
  isAlive = true

  constructor(machine: Machine, incarnation: number, network: (process: Process) => ProcessNetwork) {
    this.machine = machine
    this.kernel = machine.kernel
    this.node = machine.host
    this.incarnation = incarnation
    this.disk = machine.disk
    this.defects = this.kernel.options.defects
    this.mends = this.kernel.options.mends
    this.buggify = this.kernel.options.buggify ?? NO_BUGGIFY
    this.network = network(this)
  }

  now(): Micros {
    return this.machine.clock.now()
  }

  wallClock(): Millis {
    return this.machine.clock.wallClock()
  }

  timer(delay: Micros, callback: () => void): Timer {
    return this.isAlive ? new ProcessTimer(this, wholeDelay(delay), callback) : DEAD_TIMER
  }

  sleep(delay: Micros): Future<void> {
    const future = new Future<void>()
    this.timer(delay, () => future.complete())
    return future
  }

  spawn(name: string, task: Task<void>): void {
    if (this.isAlive) new RunningTask(this, name, task)
  }

  pause(label: string): Task<void> {
    const { interleaver } = this.machine
    const delay = interleaver === undefined ? 0 : interleaver.delayAt(label)
    if (delay > 0) return this.sleep(delay).wait()
    this.kernel.freePause()
    return NO_PAUSE
  }

  draw(purpose: string, a: Cause = 0, b: Cause = 0): number {
    return this.kernel.draw(this.machine.drawKey, purpose, a, b)
  }

  observe(event: Observation): void {
    if (this.isAlive) this.kernel.observe(event, this.node, this.incarnation)
  }

  halt(reason: string): void {
    if (this.isAlive) this.machine.end(reason === 'shutdown' ? 'shutdown' : 'halt', reason)
  }

  /** Runs node code. */
  call(code: () => void): void {
    try {
      code()
    } catch (error) {
      this.fail(error)
    }
  }

  /** An error left node code: the process dies of it. */
  fail(error: unknown): void {
    if (!this.isAlive) return
    const { kernel } = this
    // Not a bug: Kafka halts a broker when its last log directory has failed (ReplicaManager#handleLogDirFailure).
    if (!(error instanceof DiskError)) kernel.crashes.push({ node: this.node, incarnation: this.incarnation, time: kernel.now, error })
    this.machine.end('halt', error instanceof Error ? `${error.name}: ${error.message}` : String(error))
  }
}
