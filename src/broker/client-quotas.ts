/**
 * Byte rates of clients against their quotas (Kafka: ClientQuotaManager, KIP-13, KIP-219): what is above is answered with a
 * throttle time, for which the broker reads nothing more from that connection and the client sends nothing.
 *
 * Unlike Kafka nobody is authenticated, so the user is always ANONYMOUS, and the rates of clients that have gone are not
 * forgotten after an hour. request_percentage has no meaning where handling takes no time, and nothing acts on
 * controller_mutation_rate or connection_creation_rate.
 */
import type { Millis } from '../base/time.ts'
import { quotaFor } from '../controller/client-quota-image.ts'
import type { AppliedQuota } from '../controller/client-quota-image.ts'
import type { MetadataImage } from '../controller/metadata-image.ts'
import type { Env } from '../env/env.ts'
import { Rate } from './rate.ts'
import type { RateWindows } from './rate.ts'

const ANONYMOUS = 'ANONYMOUS'

export type ByteRate = 'producer_byte_rate' | 'consumer_byte_rate'

export class ClientQuotas {
  private readonly env: Env
  private readonly key: ByteRate
  private readonly image: MetadataImage
  private readonly windows: RateWindows
  private readonly rates = new Map<string, Rate>()

  constructor(env: Env, o: { readonly key: ByteRate; readonly image: MetadataImage; readonly windows: RateWindows }) {
    this.env = env
    this.key = o.key
    this.image = o.image
    this.windows = o.windows
  }

  /** Is there any quota? Without, nothing needs to be measured. */
  get isEnabled(): boolean {
    return this.image.quotas.size > 0
  }

  /** Records what a client has sent or is to get; for how long it must then be silent. */
  throttleTimeMs(clientId: string | null, bytes: number): Millis {
    const quota = this.quotaOf(clientId)
    if (quota === undefined) return 0
    const now = this.env.wallClock()
    const rate = this.rateOf(quota)
    rate.record(bytes, now)
    const excess = rate.measure(now) - quota.limit
    // The time after which, with nothing more to come, the rate is what it may be (QuotaUtils#throttleTime).
    return excess <= 0 ? 0 : Math.round((excess / quota.limit) * rate.spanMs(now))
  }

  /** Takes back what was recorded: the answer that it was for is not sent. */
  unrecord(clientId: string | null, bytes: number): void {
    const quota = this.quotaOf(clientId)
    if (quota !== undefined) this.rateOf(quota).record(-bytes, this.env.wallClock())
  }

  /** The most that one answer may hold, so that a client with a small quota gets on at all. */
  mostBytes(clientId: string | null): number {
    const quota = this.quotaOf(clientId)
    return quota === undefined ? Number.MAX_SAFE_INTEGER : Math.floor((quota.limit * (this.windows.samples - 1) * this.windows.windowMs) / 1_000)
  }

  private quotaOf(clientId: string | null): AppliedQuota | undefined {
    return this.isEnabled ? quotaFor(this.image.quotas, this.key, ANONYMOUS, clientId ?? '') : undefined
  }

  private rateOf({ sharedBy }: AppliedQuota): Rate {
    let rate = this.rates.get(sharedBy)
    if (rate === undefined) this.rates.set(sharedBy, rate = new Rate(this.windows))
    return rate
  }
}
