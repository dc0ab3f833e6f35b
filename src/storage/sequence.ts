/** Comparing producer sequence numbers, which wrap to 0 after 2^31 - 1. Their arithmetic is in src/protocol/records. */
import { decrementSequence } from '../protocol/records/record-batch.ts'

export const NO_SEQUENCE = -1
const MAX_SEQUENCE = 0x7fffffff

/** True when `next` directly follows `last`; 0 follows both "none" and the largest. */
export function followsSequence(last: number, next: number): boolean {
  return next === last + 1 || (next === 0 && last === MAX_SEQUENCE)
}

/** True when `sequence` comes before `other`, on the shorter way round. */
export function precedesSequence(sequence: number, other: number): boolean {
  const distance = decrementSequence(other, sequence)
  return distance > 0 && distance <= MAX_SEQUENCE / 2
}
