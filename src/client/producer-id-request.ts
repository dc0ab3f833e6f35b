/** Asks any broker for the producer id of an idempotent producer, again and again while the answer is retriable. */
import { msToUs } from '../base/time.ts'
import type { Micros } from '../base/time.ts'
import type { ProducerConfig } from '../config/client.ts'
import type { Env } from '../env/env.ts'
import { ApiKey } from '../protocol/api-keys.ts'
import { ErrorCode, errorName, isRetriable } from '../protocol/errors.ts'
import type { InitProducerIdResponse } from '../protocol/generated/types.ts'
import type { RpcResult } from '../rpc/rpc-client.ts'
import type { AnswerQueue } from './answer-queue.ts'
import { Backoff } from './backoff.ts'
import type { ClusterMetadata } from './cluster-metadata.ts'
import type { IdempotentState } from './idempotent-state.ts'

export class ProducerIdRequest {
  /** An answer after which nothing can be sent any more. */
  fatalError: string | undefined = undefined

  private readonly env: Env
  private readonly config: ProducerConfig
  private readonly metadata: ClusterMetadata
  private readonly answers: AnswerQueue
  private readonly state: IdempotentState
  private readonly backoff: Backoff
  private isAsking = false
  private attempts = 0
  private askAt: Micros = 0

  constructor(env: Env, config: ProducerConfig, metadata: ClusterMetadata, answers: AnswerQueue, state: IdempotentState) {
    this.env = env
    this.config = config
    this.metadata = metadata
    this.answers = answers
    this.state = state
    this.backoff = new Backoff(env, 'producer-id-backoff', config.retryBackoffMs, config.retryBackoffMaxMs)
  }

  /** Returns when to try again. */
  ask(): Micros {
    const now = this.env.now()
    if (this.isAsking) return Infinity
    if (now < this.askAt) return this.askAt
    const node = this.metadata.leastLoadedNode()
    if (node === undefined) return now + msToUs(this.config.retryBackoffMs)
    this.isAsking = true
    const request = { transactionalId: null, transactionTimeoutMs: 0x7fffffff, producerId: -1, producerEpoch: -1 }
    this.answers.ask(node, ApiKey.InitProducerId, request, result => this.handle(result))
    return Infinity
  }

  private handle(result: RpcResult): void {
    this.isAsking = false
    const response = result.ok ? (result.body as InitProducerIdResponse) : undefined
    if (response?.errorCode === ErrorCode.NONE) {
      this.attempts = 0
      this.state.adopt(response.producerId, response.producerEpoch)
      return
    }
    if (response !== undefined && !isRetriable(response.errorCode)) {
      this.fatalError = errorName(response.errorCode)
      return
    }
    this.askAt = this.env.now() + this.backoff.delay(this.attempts++, 'init')
    if (!result.ok && result.reason === 'disconnected') this.metadata.requestUpdate()
  }
}
