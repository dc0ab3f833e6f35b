/**
 * Transactions on something outside the cluster, as a client sees them: atomic and durable, with virtual time on the way
 * there and back. A client that dies on the way there has changed nothing; one that dies on the way back has, and will
 * never know: the case that "exactly once into another system" has to survive.
 */
import { Future } from '../src/base/task.ts'
import { type Micros, US_PER_MS } from '../src/base/time.ts'
import type { Env } from '../src/env/env.ts'

const LEAST_US: Micros = 500
const SPREAD_US: Micros = 4 * US_PER_MS

export class RemoteTransactions {
  private legs = 0

  /** Runs `work`, which is all or nothing, when the request has arrived; the future holds its result or error when the answer is back. */
  run<T>(env: Env, work: () => T): Future<T> {
    const answer = new Future<T>()
    env.timer(this.legOf(env), () => {
      const reply = attempt(work)
      env.timer(this.legOf(env), () => {
        if (reply.ok) answer.complete(reply.value)
        else answer.fail(reply.error)
      })
    })
    return answer
  }

  private legOf(env: Env): Micros {
    return LEAST_US + (env.draw('database', this.legs++) % SPREAD_US)
  }
}

function attempt<T>(work: () => T): { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown } {
  try {
    return { ok: true, value: work() }
  } catch (error) {
    return { ok: false, error }
  }
}
