/** Sums of whole numbers of any size: of doubles while they are exact, of big integers beyond. */
import type { Json } from '../../src/history/operation.ts'

export type Amount = number | bigint

/** A whole number as histories have it (beyond 2^53 as `~n…`); undefined for anything else. */
export function amountOf(value: Json | undefined): Amount | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : Number.isInteger(value) ? BigInt(value) : undefined
  return typeof value === 'string' && /^~n-?\d+$/.test(value) ? BigInt(value.slice(2)) : undefined
}

export function plus(a: Amount, b: Amount): Amount {
  if (typeof a === 'number' && typeof b === 'number') {
    const sum = a + b
    if (Number.isSafeInteger(sum)) return sum
  }
  const sum = BigInt(a) + BigInt(b)
  return sum >= Number.MIN_SAFE_INTEGER && sum <= Number.MAX_SAFE_INTEGER ? Number(sum) : sum
}

export function negated(a: Amount): Amount {
  return typeof a === 'number' ? 0 - a : -a
}

/** As evidence: JSON has no big integers. */
export function amountJson(a: Amount): Json {
  return typeof a === 'number' ? a : `~n${a}`
}
