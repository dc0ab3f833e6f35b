/**
 * The heart of the simulation: virtual time, the queue of events, the run queue of tasks, the digest and the observers.
 *
 * Total order: events by (time, order of scheduling); after each event the tasks that it woke run, first woken first, at
 * the same virtual time, before the next event. Nothing else ever runs.
 */
import { InvariantError, invariant } from '../base/assert.ts'
import { Fifo } from '../base/fifo.ts'
import { draw32, type RootKey } from '../base/random.ts'
import { TimerWheel, WheelEntry } from '../base/timer-wheel.ts'
import type { Micros } from '../base/time.ts'
import type { Timer } from '../env/env.ts'
import type { Observation, ObservationKind, Observer } from '../env/observation.ts'
import { Choices } from './choices.ts'
import { Digest, DigestKind } from './digest.ts'
import type { ProcessCrash, SimulationOptions } from './options.ts'
import type { RunningTask } from './running-task.ts'
import type { TraceSink } from './trace.ts'

/** Steps of tasks or events at one instant after which someone is taken to spin. */
const MAX_STEPS_AT_ONCE = 2_000_000

/** Something that happens at a virtual time. */
export abstract class KernelEvent extends WheelEntry {
  abstract run(): void
}

class HarnessTimer extends KernelEvent implements Timer {
  private readonly kernel: Kernel
  private readonly callback: () => void

  constructor(kernel: Kernel, callback: () => void) {
    super()
    this.kernel = kernel
    this.callback = callback
  }

  run(): void {
    this.kernel.digest.event(DigestKind.Kernel, this.time, 0)
    this.callback()
  }

  cancel(): void {
    this.kernel.cancel(this)
  }
}

export class Kernel {
  now: Micros = 0
  readonly rootKey: RootKey
  readonly options: SimulationOptions
  readonly digest: Digest
  readonly choices: Choices
  readonly trace: TraceSink | undefined
  readonly crashes: ProcessCrash[] = []
  private readonly observers: readonly Observer[]
  private readonly byKind = new Map<ObservationKind, readonly Observer[]>()
  private readonly wheel = new TimerWheel<KernelEvent>()
  private readonly ready = new Fifo<RunningTask>()
  private tasks = 0
  private frames = 0
  private eventsAtOnce = 0
  private pausesAtOnce = 0
  /** An error thrown by an observer: the harness's own, so it leaves `run` instead of killing the node it met. */
  private harnessError: { readonly error: unknown } | undefined = undefined

  constructor(options: SimulationOptions) {
    this.options = options
    this.rootKey = options.rootKey
    this.digest = new Digest(options.flip)
    this.trace = options.trace
    this.choices = new Choices(options.choices, options.trace)
    this.observers = options.observers
  }

  /** Queues an event; among events of the same time, the one queued first happens first. */
  at(time: Micros, event: KernelEvent): void {
    this.wheel.insert(event, time)
  }

  cancel(event: KernelEvent): void {
    this.wheel.remove(event)
  }

  schedule(delay: Micros, callback: () => void): Timer {
    const timer = new HarnessTimer(this, callback)
    this.at(this.now + wholeDelay(delay), timer)
    return timer
  }

  /** A pause point that cost nothing: a task that does nothing but pause would never come back. */
  freePause(): void {
    if (++this.pausesAtOnce > MAX_STEPS_AT_ONCE) {
      this.pausesAtOnce = 0
      throw new InvariantError(`a task pauses without end at ${this.now} us`)
    }
  }

  wake(task: RunningTask): void {
    this.ready.push(task)
  }

  nextTaskId(): number {
    return ++this.tasks
  }

  nextFrameId(): number {
    return ++this.frames
  }

  /** A draw that counts: it is mixed into the digest. */
  draw(key: number, purpose: string, a: string | number, b: string | number): number {
    let value = draw32(key, purpose, a, b)
    if (this.digest.isFlipped('draw')) value = (value ^ 0x80000000) >>> 0
    this.digest.add(value)
    return value
  }

  fire(key: string, value: number): void {
    this.choices.fire(key, value, this.now)
    this.digest.event(DigestKind.Choice, this.now, value)
  }

  /** Does it matter that this is observed? */
  isObserved(kind: ObservationKind): boolean {
    return this.trace !== undefined || this.observersOf(kind).length > 0
  }

  observe(event: Observation, node: string, incarnation: number): void {
    this.trace?.observation(this.now, node, incarnation, event)
    const observers = this.observersOf(event.kind)
    try {
      for (let i = 0; i < observers.length; i++) observers[i]!.observe(event, node, incarnation, this.now)
    } catch (error) {
      this.harnessError ??= { error }
    }
  }

  private observersOf(kind: ObservationKind): readonly Observer[] {
    let observers = this.byKind.get(kind)
    if (observers === undefined) this.byKind.set(kind, (observers = this.observers.filter(observer => observer.wants?.(kind) ?? true)))
    return observers
  }

  /**
   * Runs what comes next: one event not after `until`, and the tasks that it wakes. Returns false, with the time moved to
   * `until`, when there is none. Throws what a harness callback or an observer threw.
   */
  step(until: Micros): boolean {
    const event = this.wheel.pop(until)
    if (event === undefined) {
      if (until > this.now) this.now = until
      return false
    }
    if (event.time !== this.now) {
      invariant(event.time > this.now, 'an event of the past')
      this.now = event.time
      this.eventsAtOnce = 0
    } else if (++this.eventsAtOnce > MAX_STEPS_AT_ONCE) {
      throw new InvariantError(`events without end at ${this.now} us`)
    }
    this.pausesAtOnce = 0
    event.run()
    this.runReady()
    return true
  }

  /** Runs the tasks that are ready now, and those that they wake. */
  runReady(): void {
    const { ready } = this
    let steps = 0
    while (ready.length > 0) {
      const task = ready.shift()!
      if (++steps > MAX_STEPS_AT_ONCE) task.process.fail(new InvariantError(`task ${task.name} runs without end at one instant`))
      else task.run()
    }
    if (this.harnessError !== undefined) {
      const { error } = this.harnessError
      this.harnessError = undefined
      throw error
    }
  }
}

/** A delay as the queue takes it: whole microseconds, not negative. */
export function wholeDelay(delay: Micros): Micros {
  invariant(!Number.isNaN(delay), 'a delay is not a number')
  return delay > 0 ? Math.ceil(delay) : 0
}
