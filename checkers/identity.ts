/**
 * Identity of JSON values: two values are the same record, element or key exactly if their identities are equal. Numbers
 * and strings stand for themselves, anything else for its canonical text (keys of objects sorted).
 *
 * A text that begins like a canonical text is quoted, so that no text is taken for a composite value.
 */
import { TrialError } from '../src/base/trial-error.ts'
import type { Json } from '../src/history/operation.ts'
import { MAX_VALUE_DEPTH } from '../src/history/validate.ts'

export type Identity = number | string

const PREFIX = 'json:'

export function identityOf(value: Json): Identity {
  if (typeof value === 'number') return value
  if (typeof value === 'string') return value.startsWith(PREFIX) ? PREFIX + JSON.stringify(value) : value
  return PREFIX + canonical(value, MAX_VALUE_DEPTH)
}

/** Texts, numbers and composites that are one value. */
export function isSame(a: Json, b: Json): boolean {
  if (a === b) return true
  return typeof a === 'object' && typeof b === 'object' && a !== null && b !== null && identityOf(a) === identityOf(b)
}

/** Throws TrialError('input') at values deeper than a history may hold. */
function canonical(value: Json, left: number): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  if (left === 0) throw new TrialError('input', `A value is nested more than ${MAX_VALUE_DEPTH} levels deep.`, 'Use short, flat, unique values.')
  if (Array.isArray(value)) return `[${(value as readonly Json[]).map(one => canonical(one, left - 1)).join(',')}]`
  const object = value as { readonly [key: string]: Json }
  return `{${Object.keys(object).sort().map(key => `${JSON.stringify(key)}:${canonical(object[key]!, left - 1)}`).join(',')}}`
}
