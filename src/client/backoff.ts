/**
 * Exponential backoff with jitter (ExponentialBackoff in Kafka's clients): `initial * 2^failures`, at most `max`, times a
 * factor between 0.8 and 1.2.
 *
 * Unlike Kafka, the jitter is a keyed draw: asking twice for the same cause gives the same answer.
 */
import { unit } from '../base/random.ts'
import type { Cause } from '../base/random.ts'
import { msToUs } from '../base/time.ts'
import type { Micros, Millis } from '../base/time.ts'
import type { Env } from '../env/env.ts'

const JITTER = 0.2

export class Backoff {
  private readonly env: Env
  private readonly purpose: string
  private readonly initialUs: Micros
  private readonly maxUs: Micros

  constructor(env: Env, purpose: string, initialMs: Millis, maxMs: Millis) {
    this.env = env
    this.purpose = purpose
    this.initialUs = msToUs(initialMs)
    this.maxUs = msToUs(Math.max(initialMs, maxMs))
  }

  /** Time to wait after `failures` failures in a row before this one (0: the first), in microseconds. */
  delay(failures: number, cause: Cause): Micros {
    // 2^30 times the smallest delay is past every maximum that makes sense
    const term = Math.min(this.initialUs * (1 << Math.min(failures, 30)), this.maxUs)
    const factor = 1 - JITTER + 2 * JITTER * unit(this.env.draw(this.purpose, cause, failures))
    return Math.min(Math.round(term * factor), this.maxUs)
  }
}
