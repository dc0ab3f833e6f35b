/** What operations of a Kafka history say beside records: who reads, which keys moved, which topic was which. */
import type { Json, Operation } from '../../src/history/operation.ts'

/** Of an answer to describe-topic-ids: id by topic. */
export function topicIdsOf(told: Json): ReadonlyMap<string, string> {
  return new Map(typeof told === 'object' && told !== null && !Array.isArray(told) ? Object.entries(told).map(([topic, id]) => [topic, String(id)]) : [])
}

export function readerOf(operation: Operation): string | number {
  const consumer = operation['consumer']
  return typeof consumer === 'string' || typeof consumer === 'number' ? consumer : operation.process
}

/** Keys that a rebalance moved during the operation: ours (`rebalances`) or Jepsen's (`rebalance-log`), lists of {keys: [...]}. */
export function rebalancedKeys(operation: Operation): Set<string> | undefined {
  const log = operation['rebalances'] ?? operation['rebalance-log']
  if (!Array.isArray(log) || log.length === 0) return undefined
  const keys = new Set<string>()
  for (const event of log as readonly Json[]) {
    const moved = typeof event === 'object' && event !== null ? (event as { readonly keys?: Json }).keys : undefined
    if (Array.isArray(moved)) for (const key of moved) keys.add(String(key))
  }
  return keys
}

export function keysOf(value: Json): readonly string[] | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.keys(value) : undefined
}
