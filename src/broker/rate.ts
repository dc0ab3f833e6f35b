/**
 * A rate over sliding windows (Kafka: Rate over SampledStat and WindowedSum). Short of data, all windows but the last count
 * as full, so that a first burst is measured against the whole span.
 */
import type { Millis } from '../base/time.ts'

export interface RateWindows {
  /** quota.window.num, the running one included. */
  readonly samples: number
  /** quota.window.size.seconds */
  readonly windowMs: Millis
}

interface Sample {
  readonly start: Millis
  lastEvent: Millis
  value: number
}

export class Rate {
  private readonly windows: RateWindows
  private samples: Sample[] = []

  constructor(windows: RateWindows) {
    this.windows = windows
  }

  record(value: number, now: Millis): void {
    const { windowMs, samples: most } = this.windows
    let current = this.samples.at(-1)
    if (current === undefined || now - current.start >= windowMs) {
      this.samples.push(current = { start: now, lastEvent: now, value: 0 })
      // One more than asked for: the oldest may overlap the span.
      if (this.samples.length > most + 1) this.samples.shift()
    }
    current.value += value
    current.lastEvent = now
  }

  /** Per second. */
  measure(now: Millis): number {
    this.forget(now)
    return (this.samples.reduce((sum, { value }) => sum + value, 0) * 1_000) / this.spanMs(now)
  }

  /** The time that `measure` divides by. */
  spanMs(now: Millis): Millis {
    this.forget(now)
    const { windowMs, samples } = this.windows
    const elapsed = now - this.samples.reduce((oldest, { start }) => Math.min(oldest, start), now)
    const missing = samples - 1 - Math.trunc(elapsed / windowMs)
    return Math.max(1, missing > 0 ? elapsed + missing * windowMs : elapsed)
  }

  private forget(now: Millis): void {
    const { windowMs, samples } = this.windows
    this.samples = this.samples.filter(({ lastEvent }) => now - lastEvent < samples * windowMs)
  }
}
