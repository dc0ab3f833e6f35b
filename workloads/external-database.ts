/**
 * A database outside the cluster, as a consumer's own code sees it: transactions are atomic and durable and take virtual
 * time on the way there and back. A client that dies while it waits does not know whether its transaction happened,
 * which is the case that "exactly once into another system" has to survive.
 */
import { Future } from '../src/base/task.ts'
import { type Micros, US_PER_MS } from '../src/base/time.ts'
import type { Env } from '../src/env/env.ts'

/** What a transaction may do. Reads see its own writes; nothing is written when it throws. */
export interface DatabaseTransaction {
  get(key: string): unknown
  put(key: string, value: unknown): void
  delete(key: string): void
}

const LEAST_US: Micros = 500
const SPREAD_US: Micros = 4 * US_PER_MS

export class ExternalDatabase {
  readonly rows = new Map<string, unknown>()
  private legs = 0

  /** Runs `work` when the request has arrived; the future holds its result, or its error, when the answer is back. */
  transaction<T>(env: Env, work: (tx: DatabaseTransaction) => T): Future<T> {
    const answer = new Future<T>()
    env.timer(this.legOf(env), () => {
      const reply = this.apply(work)
      env.timer(this.legOf(env), () => {
        if (reply.ok) answer.complete(reply.value)
        else answer.fail(reply.error)
      })
    })
    return answer
  }

  private apply<T>(work: (tx: DatabaseTransaction) => T): { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown } {
    const writes = new Map<string, { readonly value: unknown } | undefined>()
    const tx: DatabaseTransaction = {
      get: key => (writes.has(key) ? writes.get(key)?.value : this.rows.get(key)),
      put: (key, value) => void writes.set(key, { value }),
      delete: key => void writes.set(key, undefined),
    }
    try {
      const value = work(tx)
      for (const [key, write] of writes) {
        if (write === undefined) this.rows.delete(key)
        else this.rows.set(key, write.value)
      }
      return { ok: true, value }
    } catch (error) {
      return { ok: false, error }
    }
  }

  private legOf(env: Env): Micros {
    return LEAST_US + (env.draw('database', this.legs++) % SPREAD_US)
  }
}
