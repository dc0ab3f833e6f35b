/**
 * How long a transaction has been under way (TransactionStateManager#timedOutTransactions): by the wall clock of its
 * coordinator, from the time that the coordinator of its first partition noted. Clocks that step, or the next coordinator's,
 * may make that very long, or negative; nothing then ends the transaction until the clock has caught up. That is Kafka's, and
 * a known behaviour (transaction-timeout-by-wall-clock); mended, the time counts for which this coordinator has known of it.
 */
import type { Micros, Millis } from '../../base/time.ts'
import { usToMs } from '../../base/time.ts'
import type { Env } from '../../env/env.ts'
import type { TransactionMetadata } from './transaction-metadata.ts'

interface Known {
  readonly startedMs: Millis
  readonly since: Micros
}

export class TransactionAges {
  private readonly env: Env
  private readonly known = new WeakMap<TransactionMetadata, Known>()

  constructor(env: Env) {
    this.env = env
  }

  /** Of an ongoing transaction. Asked regularly. */
  ageMs(metadata: TransactionMetadata): Millis {
    const { startedMs, partitions } = metadata.fields
    const age = this.env.wallClock() - startedMs
    let known = this.known.get(metadata)
    if (known?.startedMs !== startedMs) {
      this.known.set(metadata, known = { startedMs, since: this.env.now() })
      if (age < 0) this.env.observe({ kind: 'transaction-begins-in-future', transactionalId: metadata.transactionalId, aheadMs: -age, partitions: [...partitions.keys()] })
    }
    return this.env.mends.has('transaction-timeout-by-wall-clock') ? Math.max(age, usToMs(this.env.now() - known.since)) : age
  }
}
