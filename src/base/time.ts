/**
 * Virtual time. Microseconds as safe integers everywhere in the kernel; milliseconds where Kafka speaks milliseconds.
 */
export type Micros = number
export type Millis = number

export const US_PER_MS = 1_000
export const US_PER_SECOND = 1_000_000

/** Wall clock at virtual time 0: 2026-01-01T00:00:00Z. */
export const EPOCH_MS: Millis = 1_767_225_600_000

export function msToUs(ms: Millis): Micros {
  return Math.round(ms * US_PER_MS)
}

export function usToMs(us: Micros): Millis {
  return Math.floor(us / US_PER_MS)
}

/** `1.234567 s` style text for people, always six decimals so that columns align. */
export function formatTime(us: Micros): string {
  const seconds = Math.floor(us / US_PER_SECOND)
  return `${seconds}.${String(us - seconds * US_PER_SECOND).padStart(6, '0')}s`
}
