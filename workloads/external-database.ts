/**
 * A key-value database outside the cluster, as a consumer's own code sees it (see RemoteTransactions for what may go wrong
 * on the way).
 */
import type { Future } from '../src/base/task.ts'
import type { Env } from '../src/env/env.ts'
import { RemoteTransactions } from './remote-transactions.ts'

/** What a transaction may do. Reads see its own writes; nothing is written when it throws. */
export interface DatabaseTransaction {
  get(key: string): unknown
  put(key: string, value: unknown): void
  delete(key: string): void
}

export class ExternalDatabase {
  readonly rows = new Map<string, unknown>()
  private readonly remote = new RemoteTransactions()

  /** Runs `work` when the request has arrived; the future holds its result, or its error, when the answer is back. */
  transaction<T>(env: Env, work: (tx: DatabaseTransaction) => T): Future<T> {
    return this.remote.run(env, () => this.apply(work))
  }

  private apply<T>(work: (tx: DatabaseTransaction) => T): T {
    const writes = new Map<string, { readonly value: unknown } | undefined>()
    const value = work({
      get: key => (writes.has(key) ? writes.get(key)?.value : this.rows.get(key)),
      put: (key, written) => void writes.set(key, { value: written }),
      delete: key => void writes.set(key, undefined),
    })
    for (const [key, write] of writes) {
      if (write === undefined) this.rows.delete(key)
      else this.rows.set(key, write.value)
    }
    return value
  }
}
