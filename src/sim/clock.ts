/**
 * The clocks of one machine. The monotonic clock runs at true time scaled by a drift in parts per million and never steps
 * back, not even when the drift changes; the wall clock is the epoch plus the monotonic clock plus an offset that steps.
 * All arithmetic is on integers.
 */
import { invariant } from '../base/assert.ts'
import { usToMs, type Micros, type Millis } from '../base/time.ts'

const PPM = 1_000_000

export interface Clock {
  /** What steps have added to the wall clock so far. */
  readonly offsetMs: Millis
  readonly driftPpm: number
  /** Moves the wall clock, forwards or back; timers do not care. */
  step(ms: Millis): void
  /** Makes the monotonic clock (and the wall clock with it) run fast or slow from now on. */
  setDriftPpm(ppm: number): void
}

export class MachineClock implements Clock {
  offsetMs: Millis = 0
  driftPpm = 0
  /** Has there ever been a drift? Otherwise local time is true time. */
  hasDrifted = false
  private anchorTrue: Micros = 0
  private anchorLocal: Micros = 0
  private readonly epochMs: Millis
  private readonly source: { readonly now: Micros }
  private readonly changed: (value: number) => void

  /** `changed` is told of every step and drift. */
  constructor(source: { readonly now: Micros }, epochMs: Millis, changed: (value: number) => void) {
    this.source = source
    this.epochMs = epochMs
    this.changed = changed
  }

  now(): Micros {
    return this.hasDrifted ? this.localAt(this.source.now) : this.source.now
  }

  wallClock(): Millis {
    return this.epochMs + this.offsetMs + usToMs(this.now())
  }

  step(ms: Millis): void {
    this.offsetMs += Math.round(ms)
    this.changed(ms)
  }

  setDriftPpm(ppm: number): void {
    invariant(Number.isInteger(ppm) && ppm > -PPM, `a drift of ${ppm} ppm would stop the clock`)
    this.anchorLocal = this.now()
    this.anchorTrue = this.source.now
    this.driftPpm = ppm
    this.hasDrifted ||= ppm !== 0
    this.changed(ppm)
  }

  /** The shortest true delay after which the monotonic clock has advanced by `local`, if the drift stays as it is. */
  trueDelay(local: Micros): Micros {
    if (this.driftPpm === 0) return local
    const { now } = this.source
    const due = this.localAt(now) + local
    let delay = Math.floor((local / (PPM + this.driftPpm)) * PPM)
    while (delay > 0 && this.localAt(now + delay - 1) >= due) delay--
    while (this.localAt(now + delay) < due) delay++
    return delay
  }

  private localAt(time: Micros): Micros {
    const elapsed = time - this.anchorTrue
    const seconds = Math.floor(elapsed / PPM)
    const rest = elapsed - seconds * PPM
    return this.anchorLocal + elapsed + seconds * this.driftPpm + Math.floor((rest * this.driftPpm) / PPM)
  }
}
