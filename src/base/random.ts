/**
 * Keyed randomness: a draw is a hash of (root key, cause), never the next element of a stream, so removing one operation
 * or editing one function does not shift the draws of the others.
 *
 * The mixing is murmur3's 32-bit finaliser over a running state; good enough to decide faults, not for secrets.
 */
export type RootKey = number

export function mix(state: number, value: number): number {
  let h = Math.imul(state ^ value, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  return (h ^ (h >>> 16)) | 0
}

/** Mixes a safe integer of any size (low and high halves). */
export function mixNumber(state: number, value: number): number {
  const low = mix(state, value | 0)
  return value >= -0x80000000 && value <= 0x7fffffff && (value | 0) === value ? low : mix(low, Math.floor(value / 0x100000000) | 0)
}

export function mixString(state: number, text: string): number {
  let h = mix(state, text.length)
  for (let i = 0; i < text.length; i++) h = mix(h, text.charCodeAt(i))
  return h
}

export function mixBytes(state: number, bytes: Uint8Array, start = 0, end = bytes.length): number {
  let h = mix(state, end - start)
  let i = start
  for (; i + 4 <= end; i += 4) {
    h = mix(h, bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24))
  }
  for (; i < end; i++) h = mix(h, bytes[i]!)
  return h
}

export type Cause = string | number

/** A uniform 32-bit unsigned draw for a cause. */
export function draw32(key: RootKey, a: Cause, b: Cause = 0, c: Cause = 0, d: Cause = 0): number {
  let h = mix(key, 0x9e3779b9)
  h = typeof a === 'string' ? mixString(h, a) : mixNumber(h, a)
  h = typeof b === 'string' ? mixString(h, b) : mixNumber(h, b)
  h = typeof c === 'string' ? mixString(h, c) : mixNumber(h, c)
  h = typeof d === 'string' ? mixString(h, d) : mixNumber(h, d)
  return mix(h, 0x27d4eb2f) >>> 0
}

/** Maps a 32-bit draw to 0..bound-1 by multiply and shift (no modulo bias worth speaking of for bounds < 2^20). */
export function below(draw: number, bound: number): number {
  return Math.floor((draw / 0x100000000) * bound)
}

/** Maps a 32-bit draw to [0, 1). */
export function unit(draw: number): number {
  return draw / 0x100000000
}
