/** When a classic member must heartbeat, has lost its coordinator, or is too slow at polling (Heartbeat). */
import { msToUs } from '../../base/time.ts'
import type { Micros } from '../../base/time.ts'
import type { ConsumerConfig } from '../../config/client.ts'
import type { Env } from '../../env/env.ts'
import { Backoff } from '../backoff.ts'

export class HeartbeatTimer {
  /** No heartbeat is sent before. */
  dueAt: Micros = 0
  /** Without an answer until then the coordinator is looked for again. */
  sessionEndsAt: Micros = 0
  /** Without a poll until then the member leaves. */
  pollEndsAt: Micros = 0

  private readonly env: Env
  private readonly config: ConsumerConfig
  private readonly backoff: Backoff
  private failures = 0

  constructor(env: Env, config: ConsumerConfig) {
    this.env = env
    this.config = config
    this.backoff = new Backoff(env, 'heartbeat-backoff', config.retryBackoffMs, config.retryBackoffMaxMs)
  }

  polled(): void {
    this.pollEndsAt = this.after(this.config.maxPollIntervalMs)
  }

  sent(): void {
    this.dueAt = this.after(this.config.heartbeatIntervalMs)
  }

  answered(): void {
    this.failures = 0
    this.sessionEndsAt = this.after(this.config.sessionTimeoutMs)
  }

  failed(): void {
    this.dueAt = this.env.now() + this.backoff.delay(this.failures++, 'heartbeat')
  }

  /** A new session begins: after joining, or with another coordinator. */
  reset(): void {
    this.resetSession()
    this.polled()
    this.sent()
  }

  resetSession(): void {
    this.sessionEndsAt = this.after(this.config.sessionTimeoutMs)
  }

  private after(ms: number): Micros {
    return this.env.now() + msToUs(ms)
  }
}
