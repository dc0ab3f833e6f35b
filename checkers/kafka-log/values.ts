/**
 * Values and keys of Kafka histories. A value is unique per send; numbers and strings stand for themselves, anything
 * else for its JSON text.
 */
import type { Json } from '../../src/history/operation.ts'

export type Identity = number | string

export function identityOf(value: Json): Identity {
  return typeof value === 'number' || typeof value === 'string' ? value : `json:${JSON.stringify(value)}`
}

/** For sentences, at most 40 characters. */
export function show(value: Json): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > 40 ? `${text.slice(0, 37)}...` : text
}

/** `orders-0` -> `orders`. A text without a dash is a topic already. */
export function topicOf(key: string): string {
  const dash = key.lastIndexOf('-')
  return dash === -1 ? key : key.slice(0, dash)
}
