/**
 * The edge where users' `async` code meets the synchronous simulation; the only place with promises. After each event
 * that touched the edge, all promise jobs run before virtual time goes on, so the order of things is a pure function of
 * the plan as long as the user's code waits for nothing but what comes from here.
 *
 * `process._tickCallback` drains promise jobs fully when called from a macrotask (and only there); where it is missing,
 * the loop hops over a macrotask instead. Awaiting null a few times would not drain a longer chain.
 */
import { Future } from '../base/task.ts'
import type { Micros } from '../base/time.ts'
import type { Kernel } from './kernel.ts'

// oxlint-disable-next-line no-restricted-globals
const macrotask = (code: () => void): unknown => setImmediate(code)

function drainer(): (() => void) | undefined {
  const drain: unknown = Reflect.get(process, '_tickCallback')
  return typeof drain === 'function' ? () => void drain.call(process) : undefined
}

export class AsyncEdge {
  /** Promises of the user's that wait for the simulation. */
  private waiting = 0
  /** Functions of the user's that have not come to an end. */
  private running = 0
  private isTouched = false
  private readonly kernel: Kernel

  constructor(kernel: Kernel) {
    this.kernel = kernel
  }

  get pending(): number {
    return this.waiting + this.running
  }

  /** Some code of the user's has not ended, and what it waits for is nothing that the simulation could give. */
  get isStuck(): boolean {
    return this.running > 0 && this.waiting === 0
  }

  /** A promise of what a future will hold. */
  toPromise<T>(future: Future<T>): Promise<T> {
    this.waiting++
    const promise = new Promise<T>((resolve, reject) => {
      future.onSettled(() => {
        this.waiting--
        this.isTouched = true
        try {
          resolve(future.result())
        } catch (error) {
          reject(error)
        }
      })
    })
    // Nobody need await it: an unheard failure is no reason to end the harness.
    promise.catch(() => {})
    return promise
  }

  /** Runs a function of the user's; the future holds what its promise comes to. Tasks can wait for it. */
  wrap<T>(code: () => Promise<T>): Future<T> {
    const future = new Future<T>()
    this.running++
    this.isTouched = true
    const settle = (finish: () => void): void => {
      this.running--
      this.isTouched = true
      finish()
    }
    Promise.resolve().then(code).then(
      value => settle(() => future.complete(value)),
      (error: unknown) => settle(() => future.fail(error)),
    )
    return future
  }

  /** The event loop with draining. Rejects with what a harness callback threw. */
  run(until: Micros, stop: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const { kernel } = this
      const drain = drainer()
      const loop = (): void => {
        try {
          kernel.runReady()
          for (;;) {
            while (this.isTouched) {
              this.isTouched = false
              if (drain === undefined) {
                macrotask(loop)
                return
              }
              drain()
              kernel.runReady()
            }
            if (stop() || !kernel.step(until)) break
          }
          resolve()
        } catch (error) {
          reject(error)
        }
      }
      macrotask(loop)
    })
  }
}
