/**
 * The transactional half of the producer's I/O thread (Sender#maybeSendAndPollTransactionalRequest): one request of the
 * transaction at a time, and no records leave while one is on its way, as in Kafka.
 *
 * Unlike Kafka, whose thread waits for the coordinator's connection and sleeps through a backoff, answers to produce
 * requests are handled meanwhile; that a connection is being made counts as the request's being on its way.
 */
import { TrialError } from '../../base/trial-error.ts'
import { msToUs } from '../../base/time.ts'
import type { Micros } from '../../base/time.ts'
import type { ProducerConfig } from '../../config/client.ts'
import type { Env } from '../../env/env.ts'
import type { AnswerQueue } from '../answer-queue.ts'
import type { ClusterMetadata } from '../cluster-metadata.ts'
import type { TransactionRequest } from './transaction-requests.ts'
import type { Transactions } from './transactions.ts'

const LAST_TV1_PRODUCE = 11

export class TransactionSender {
  readonly transactions: Transactions
  private readonly env: Env
  private readonly config: ProducerConfig
  private readonly metadata: ClusterMetadata
  private readonly answers: AnswerQueue
  private inFlight: TransactionRequest | undefined = undefined
  /** Taken from the queue, waits for its backoff. */
  private held: { readonly request: TransactionRequest; readonly until: Micros } | undefined = undefined

  constructor(env: Env, config: ProducerConfig, metadata: ClusterMetadata, answers: AnswerQueue, transactions: Transactions) {
    this.env = env
    this.config = config
    this.metadata = metadata
    this.answers = answers
    this.transactions = transactions
  }

  /**
   * Sends what is due. undefined: records may be sent now; otherwise when to look again. Told whether batches are left, and
   * how to give up those that were never sent when the transaction is not going to be committed.
   */
  turn(hasIncomplete: () => boolean, abortUndrained: (error: string) => void): Micros | undefined {
    const { state } = this.transactions
    if (this.inFlight !== undefined) return Infinity
    const now = this.env.now()
    if (this.held !== undefined) {
      if (now < this.held.until) return this.held.until
      const { request } = this.held
      this.held = undefined
      return this.send(request)
    }
    if (state.phase === 'abortable-error' || state.phase === 'aborting') abortUndrained(state.lastError ?? 'TRANSACTION_ABORTED')
    const request = this.transactions.nextRequest(hasIncomplete())
    if (request === undefined) return undefined
    const { coordinator } = request
    if (coordinator !== undefined && this.transactions.coordinator(coordinator.type) === undefined) {
      this.transactions.rediscover(coordinator)
      this.transactions.retry(request)
      return now
    }
    if (!request.isRetry) return this.send(request)
    this.held = { request, until: now + msToUs(Math.min(request.retryBackoffMs ?? Infinity, this.config.retryBackoffMs)) }
    return this.held.until
  }

  /** Produce 12 says that the leader shall add the partition, so that TV1 stops before it (ProduceRequest#builder). */
  get produceOptions(): { readonly version: number } | undefined {
    return this.transactions.state.isV2 ? undefined : { version: LAST_TV1_PRODUCE }
  }

  /** May the thread end? Aborts what was begun and is not being completed. False: it must go on. */
  mayEnd(): boolean {
    const { state } = this.transactions
    if (this.inFlight !== undefined || this.held !== undefined) return state.phase === 'fatal-error'
    if (!state.isOngoing) return true
    if (state.isCompleting || this.transactions.hasPendingRequests) return false
    try {
      this.transactions.abort()
    } catch (error) {
      // A call that timed out stands in the way.
      if (!(error instanceof TrialError)) throw error
      return true
    }
    return false
  }

  close(error: string): void {
    for (const request of [this.inFlight, this.held?.request]) request?.outcome.future.complete(this.transactions.outcomeOf(error, false))
    this.transactions.close(error)
  }

  private send(request: TransactionRequest): Micros {
    const { coordinator } = request
    const node = coordinator === undefined ? this.metadata.leastLoadedNode() : this.transactions.coordinator(coordinator.type)
    if (node === undefined) {
      this.transactions.retry(request)
      this.metadata.requestUpdate()
      return this.env.now() + msToUs(this.config.retryBackoffMs)
    }
    this.inFlight = request
    this.answers.ask(node, request.apiKey, request.body, result => {
      this.inFlight = undefined
      if (!result.ok) this.metadata.requestUpdate()
      this.transactions.handle(request, result)
    }, request.version === undefined ? undefined : { version: request.version })
    return Infinity
  }
}
