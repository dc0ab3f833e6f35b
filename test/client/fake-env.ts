/** A clock, a task runner and nothing else: enough of Env to drive clients over a fake network. */
import { draw32 } from '../../src/base/random.ts'
import { Future } from '../../src/base/task.ts'
import type { Task } from '../../src/base/task.ts'
import { type Buggify, NO_BUGGIFY } from '../../src/config/buggify.ts'
import { NO_DEFECTS } from '../../src/config/defects.ts'
import type { Defects, Mends } from '../../src/config/defects.ts'
import type { Disk } from '../../src/env/disk.ts'
import type { Env, Timer } from '../../src/env/env.ts'
import type { Network } from '../../src/env/network.ts'
import type { Observation, ObservationKind, ObservationOf } from '../../src/env/observation.ts'

interface Event {
  readonly time: number
  readonly sequence: number
  run: (() => void) | undefined
}

const absent = (what: string): never => {
  throw new Error(`the fake environment has no ${what}`)
}

export class FakeEnv implements Env {
  readonly node = 'client-1'
  readonly incarnation = 0
  readonly buggify: Buggify
  readonly defects: Defects
  readonly mends: Mends
  readonly observations: Observation[] = []
  private time = 0
  private sequence = 0
  private events: Event[] = []

  constructor(mends: Mends = new Set(), buggify: Buggify = NO_BUGGIFY, defects: Defects = NO_DEFECTS) {
    this.defects = defects
    this.buggify = buggify
    this.mends = mends
  }

  get network(): Network {
    return absent('network')
  }

  get disk(): Disk {
    return absent('disk')
  }

  now(): number {
    return this.time
  }

  wallClock(): number {
    return 1_700_000_000_000 + Math.floor(this.time / 1000)
  }

  timer(delay: number, callback: () => void): Timer {
    const event: Event = { time: this.time + Math.max(0, delay), sequence: this.sequence++, run: callback }
    this.events.push(event)
    return {
      cancel() {
        event.run = undefined
      },
    }
  }

  sleep(delay: number): Future<void> {
    const future = new Future<void>()
    this.timer(delay, () => future.complete())
    return future
  }

  spawn(_name: string, task: Task<void>): void {
    const step = (): void => {
      const next = task.next()
      if (next.done !== true) next.value.onSettled(() => this.timer(0, step))
    }
    this.timer(0, step)
  }

  *pause(): Task<void> {}

  draw(purpose: string, a: string | number = 0, b: string | number = 0): number {
    return draw32(1, purpose, a, b)
  }

  observe(event: Observation): void {
    this.observations.push(event)
  }

  halt(reason: string): void {
    absent(`process to halt: ${reason}`)
  }

  observed<K extends ObservationKind>(kind: K): ObservationOf<K>[] {
    return this.observations.filter((each): each is ObservationOf<K> => each.kind === kind)
  }

  /** Lets virtual time pass. */
  run(ms: number): void {
    const until = this.time + ms * 1000
    for (let steps = 0; ; steps++) {
      if (steps > 200_000) throw new Error('the clients never come to rest')
      let first: Event | undefined
      this.events = this.events.filter(event => event.run !== undefined)
      for (const event of this.events) {
        if (event.time > until) continue
        if (first === undefined || event.time < first.time || (event.time === first.time && event.sequence < first.sequence)) first = event
      }
      if (first === undefined) break
      this.time = first.time
      const run = first.run!
      first.run = undefined
      run()
    }
    this.time = until
  }

  /** Runs a task to its end, which must come within `ms`. */
  await<T>(task: Task<T>, ms = 60_000): T {
    let result: { value: T } | undefined
    let failure: unknown
    function* wrap(): Task<void> {
      try {
        result = { value: yield* task }
      } catch (error) {
        failure = error ?? new Error('failed')
      }
    }
    this.spawn('test', wrap())
    for (let i = 0; i < ms && result === undefined && failure === undefined; i++) this.run(1)
    if (failure !== undefined) throw failure
    if (result === undefined) throw new Error(`the task did not end within ${ms} ms`)
    return result.value
  }
}
