/**
 * Tasks: generator functions that the kernel drives, and the two things a task may wait for.
 *
 * A task yields a `Future` and is resumed with its value by whoever runs it (the kernel, never a promise). Futures and
 * locks know nothing of the kernel: they hold listeners, and the listener that the kernel registers puts the task into
 * the run queue of its node, so that completing a future never runs foreign code on the completer's stack.
 */
import { InvariantError } from './assert.ts'

/** A cooperative task. Call one from another with `yield* other()`. */
export type Task<T> = Generator<Future<unknown>, T, unknown>

type Listener = () => void

const PENDING = 0
const DONE = 1
const FAILED = 2

/** A single-assignment cell. `complete` or `fail` once; later calls are ignored and return false. */
export class Future<T> {
  private state = PENDING
  private value: T | undefined = undefined
  private failure: unknown = undefined
  private first: Listener | undefined = undefined
  private rest: Listener[] | undefined = undefined

  static completed<T>(value: T): Future<T> {
    const future = new Future<T>()
    future.complete(value)
    return future
  }

  get isSettled(): boolean {
    return this.state !== PENDING
  }

  get isFailed(): boolean {
    return this.state === FAILED
  }

  complete(value: T): boolean {
    if (this.state !== PENDING) return false
    this.state = DONE
    this.value = value
    this.notify()
    return true
  }

  fail(error: unknown): boolean {
    if (this.state !== PENDING) return false
    this.state = FAILED
    this.failure = error
    this.notify()
    return true
  }

  /** The value; throws the failure, or InvariantError while pending. */
  result(): T {
    if (this.state === DONE) return this.value as T
    if (this.state === FAILED) throw this.failure
    throw new InvariantError('result of a pending future')
  }

  /** Calls `listener` once, when settled (at once if it is already). Listeners run in registration order. */
  onSettled(listener: Listener): void {
    if (this.state !== PENDING) listener()
    else if (this.first === undefined) this.first = listener
    else (this.rest ??= []).push(listener)
  }

  /** Waits inside a task: `const x = yield* future.wait()`. */
  *wait(): Task<T> {
    if (this.state === PENDING) yield this as Future<unknown>
    return this.result()
  }

  private notify(): void {
    const { first, rest } = this
    this.first = undefined
    this.rest = undefined
    first?.()
    if (rest !== undefined) for (const listener of rest) listener()
  }
}

/** Waits until every future has settled; throws the first failure in the order given. */
export function* all<T>(futures: readonly Future<T>[]): Task<T[]> {
  const values: T[] = []
  for (const future of futures) values.push(yield* future.wait())
  return values
}

/** A mutex with first-come, first-served order, as a ReentrantLock without re-entry. */
export class Lock {
  private held = false
  private readonly waiting: Future<void>[] = []

  get isHeld(): boolean {
    return this.held
  }

  *acquire(): Task<void> {
    if (!this.held) {
      this.held = true
      return
    }
    const turn = new Future<void>()
    this.waiting.push(turn)
    yield* turn.wait()
  }

  /** Hands the lock to the longest waiting task, which then holds it before it runs. */
  release(): void {
    if (!this.held) throw new InvariantError('release of a lock that is not held')
    const next = this.waiting.shift()
    if (next === undefined) this.held = false
    else next.complete()
  }

  /** Runs `body` under the lock. */
  *holding<T>(body: () => Task<T>): Task<T> {
    yield* this.acquire()
    try {
      return yield* body()
    } finally {
      this.release()
    }
  }
}

/** Wakes tasks that wait for "something changed": `notifyAll` completes the future of the current round. */
export class Signal {
  private round: Future<void> | undefined = undefined

  notifyAll(): void {
    const round = this.round
    this.round = undefined
    round?.complete()
  }

  *wait(): Task<void> {
    this.round ??= new Future<void>()
    yield* this.round.wait()
  }
}
