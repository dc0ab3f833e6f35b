/**
 * Values in sentences.
 */
import type { Json } from '../src/history/operation.ts'

/** At most 40 characters. */
export function show(value: Json): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > 40 ? `${text.slice(0, 37)}...` : text
}
