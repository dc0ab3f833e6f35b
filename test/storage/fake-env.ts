/**
 * A tiny `Env` for storage tests: a disk of byte arrays, clocks that move by hand, tasks that run when told to. Process
 * crashes are modelled by opening the same disk with a new FakeEnv; `FakeDisk.loseUnsynced` is a machine crash that drops
 * all that was not fsynced (names survive).
 */
import type { Future, Task } from '../../src/base/task.ts'
import { Future as FutureCell } from '../../src/base/task.ts'
import type { Buggify } from '../../src/config/buggify.ts'
import { NO_BUGGIFY } from '../../src/config/buggify.ts'
import { NO_DEFECTS, NO_MENDS } from '../../src/config/defects.ts'
import type { Defects, Mends } from '../../src/config/defects.ts'
import type { Disk, File } from '../../src/env/disk.ts'
import type { Env, Timer } from '../../src/env/env.ts'
import type { Network } from '../../src/env/network.ts'
import type { Observation, ObservationKind, ObservationOf } from '../../src/env/observation.ts'

class FakeFile implements File {
  path: string
  bytes = new Uint8Array(0)
  synced = new Uint8Array(0)
  private readonly disk: FakeDisk

  constructor(disk: FakeDisk, path: string) {
    this.disk = disk
    this.path = path
  }

  get size(): number {
    return this.bytes.length
  }

  append(bytes: Uint8Array): void {
    this.write(this.size, bytes)
  }

  write(position: number, bytes: Uint8Array): void {
    const grown = new Uint8Array(Math.max(this.size, position + bytes.length))
    grown.set(this.bytes)
    grown.set(bytes, position)
    this.bytes = grown
  }

  read(position: number, length: number): Uint8Array {
    return this.bytes.slice(position, position + length)
  }

  view(): Uint8Array {
    return this.bytes
  }

  truncate(size: number): void {
    this.bytes = this.bytes.slice(0, size)
  }

  *fsync(): Task<void> {
    yield* this.disk.delay()
    this.synced = this.bytes
  }
}

export class FakeDisk implements Disk {
  readonly id = 'disk'
  readonly files = new Map<string, FakeFile>()
  /** Set by the env in use: how an fsync lets others run. */
  delay: () => Task<void> = function* () {}

  open(path: string): File {
    let file = this.files.get(path)
    if (file === undefined) this.files.set(path, file = new FakeFile(this, path))
    return file
  }

  exists(path: string): boolean {
    return this.files.has(path) || [...this.files.keys()].some(name => name.startsWith(`${path}/`))
  }

  list(directory: string): string[] {
    const names = new Set<string>()
    for (const path of this.files.keys()) {
      if (path.startsWith(`${directory}/`)) names.add(path.slice(directory.length + 1).split('/')[0]!)
    }
    return [...names].sort()
  }

  rename(from: string, to: string): void {
    if (!this.exists(from)) throw new Error(`rename of ${from}, which does not exist`)
    const moved = [...this.files].filter(([path]) => path === from || path.startsWith(`${from}/`))
    for (const [path, file] of moved) {
      this.files.delete(path)
      file.path = to + path.slice(from.length)
      this.files.set(file.path, file)
    }
  }

  remove(path: string): void {
    for (const name of this.files.keys()) if (name === path || name.startsWith(`${path}/`)) this.files.delete(name)
  }

  *syncDirectory(): Task<void> {
    yield* this.delay()
  }

  loseUnsynced(): void {
    for (const file of this.files.values()) file.bytes = file.synced
  }

  /** A deep copy, to crash the same state in several ways. */
  copy(): FakeDisk {
    const copy = new FakeDisk()
    for (const [path, file] of this.files) {
      const twin = copy.open(path) as FakeFile
      twin.bytes = file.bytes.slice()
      twin.synced = file.synced.slice()
    }
    return copy
  }
}

export class FakeEnv implements Env {
  readonly node = 'broker-1'
  readonly incarnation = 0
  readonly network = undefined as unknown as Network
  readonly disk: FakeDisk
  readonly buggify: Buggify
  readonly defects: Defects
  readonly mends: Mends
  readonly observations: Observation[] = []
  clock: number
  /** How far the wall clock is ahead. */
  clockStepMs = 0
  private readonly ready: (() => void)[] = []
  private timers: { at: number; callback: () => void }[] = []

  constructor(disk = new FakeDisk(), o: { defects?: Defects; mends?: Mends; buggify?: Buggify; clock?: number } = {}) {
    this.disk = disk
    this.defects = o.defects ?? NO_DEFECTS
    this.mends = o.mends ?? NO_MENDS
    this.buggify = o.buggify ?? NO_BUGGIFY
    this.clock = o.clock ?? 1_000_000
    disk.delay = () => this.turn()
  }

  now(): number {
    return this.clock * 1000
  }

  wallClock(): number {
    return this.clock + this.clockStepMs
  }

  timer(delay: number, callback: () => void): Timer {
    const timer = { at: this.now() + delay, callback }
    this.timers.push(timer)
    return { cancel: () => void (this.timers = this.timers.filter(other => other !== timer)) }
  }

  sleep(delay: number): Future<void> {
    const future = new FutureCell<void>()
    this.timer(delay, () => future.complete())
    return future
  }

  spawn(_name: string, task: Task<void>): void {
    this.ready.push(() => this.step(task))
  }

  *pause(_label?: string): Task<void> {}

  draw(): number {
    return 0
  }

  observe(event: Observation): void {
    this.observations.push(event)
  }

  halt(reason: string): void {
    throw new Error(`halted: ${reason}`)
  }

  observed<K extends ObservationKind>(kind: K): ObservationOf<K>[] {
    return this.observations.filter(event => event.kind === kind) as ObservationOf<K>[]
  }

  /** Runs tasks until all wait for timers, or for so many steps. */
  settle(steps = 1_000_000): void {
    for (let left = steps; left > 0 && this.ready.length > 0; left--) this.ready.shift()!()
    if (steps === 1_000_000 && this.ready.length > 0) throw new Error('the tasks do not come to rest')
  }

  /** Lets time pass: timers that become due fire in order. */
  advance(ms: number): void {
    this.settle()
    const until = this.clock + ms
    for (;;) {
      const due = this.timers.filter(timer => timer.at <= until * 1000).sort((a, b) => a.at - b.at)[0]
      if (due === undefined) break
      this.timers = this.timers.filter(timer => timer !== due)
      this.clock = Math.max(this.clock, Math.ceil(due.at / 1000))
      due.callback()
      this.settle()
    }
    this.clock = until
  }

  /** Runs a task to its end and returns what it returns. */
  run<T>(task: Task<T>): T {
    let result: { value: T } | undefined
    this.spawn('test', (function* () {
      result = { value: yield* task }
    })())
    this.settle()
    if (result === undefined) throw new Error('the task still waits')
    return result.value
  }

  private *turn(): Task<void> {
    const future = new FutureCell<void>()
    this.ready.push(() => future.complete())
    yield* future.wait()
  }

  private step(task: Task<void>): void {
    const next = task.next()
    if (next.done !== true) next.value.onSettled(() => this.ready.push(() => this.step(task)))
  }
}
