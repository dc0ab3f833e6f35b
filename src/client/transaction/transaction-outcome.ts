/**
 * How a call of a transactional producer ended, and what is left to do. The Java client throws; here the difference between
 * its exceptions (ProducerFencedException, KafkaException of an abortable error, TimeoutException) is what `remedy` says.
 */
import { Future } from '../../base/task.ts'

export type TransactionOutcome =
  | { readonly ok: true }
  | {
      readonly ok: false
      /** Kafka's name of the error, TIMEOUT or PRODUCER_CLOSED. */
      readonly error: string
      /** `abort`: abort the transaction, then go on. `close`: nothing works any more. `retry`: the same call again, or close. */
      readonly remedy: 'abort' | 'close' | 'retry'
      /** Certainly nothing of what the call asked for has happened or will. */
      readonly definite: boolean
    }

export const DONE: TransactionOutcome = Object.freeze({ ok: true })

/** What a call waits for, and whether the application has seen its end (TransactionalRequestResult). */
export class PendingOutcome {
  readonly future = new Future<TransactionOutcome>()
  /** The call returned with it; false while it runs and after a call that timed out. */
  isSeen = false
}
