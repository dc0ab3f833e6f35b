/**
 * An append-only log with dense offsets, a Kafka partition: `append v` answers `[offset v]`, `fetch offset` answers
 * `[offset [v ...]]` (records from that offset on, not necessarily all; none only at the end), `end` answers the length.
 */
import { LogEncoding } from '../log-encoding.ts'
import { canonicalText, sameValue } from '../model.ts'
import { logMonitor } from '../monitors/log-monitor.ts'
import type { ShippedModel } from '../shipped-model.ts'
import type { Json } from '../../../src/history/operation.ts'

/** The newest record and what was before it; shared between states. */
export interface LogState {
  readonly length: number
  readonly text: string
  readonly before: LogState | null
  readonly hash: number
}

const FUNCTIONS = ['append', 'fetch', 'end']

export const log: ShippedModel<LogState> = {
  name: 'log',
  describes: 'a log with offsets: append v -> [offset v], fetch offset -> [offset [v ...]], end -> length',
  functions: FUNCTIONS,
  init: { length: 0, text: '', before: null, hash: 0 },
  step(state, { f, value }, output) {
    if (f === 'append') {
      const next = appended(state, canonicalText(value))
      return output === undefined ? [true, next] : [Array.isArray(output) && output.length === 2 && output[0] === state.length && sameValue(output[1] as Json, value), next]
    }
    if (output === undefined) return [true, state]
    if (f === 'end') return [output === state.length, state]
    return [isFetched(state, value, output), state]
  },
  changes: ({ f }) => f === 'append',
  hash: ({ hash }) => hash,
  equal(a, b) {
    let [one, other]: [LogState | null, LogState | null] = [a, b]
    for (; one !== other; one = one!.before, other = other!.before) if (one === null || other === null || one.hash !== other.hash || one.text !== other.text) return false
    return true
  },
  describeState: ({ length, text }) => (length === 0 ? 'the empty log' : `a log of ${length}, ending with ${text}`),
  encoding: () => new LogEncoding(),
  monitor: logMonitor,
  stateAfter(table, order) {
    const last = order.findLast(row => table.f[row] === 0)
    const length = order.reduce((sum, row) => sum + (table.f[row] === 0 ? 1 : 0), 0)
    return last === undefined ? log.init : { length, text: canonicalText(table.callOf(last).value), before: null, hash: 0 }
  },
}

function appended(state: LogState, text: string): LogState {
  let { hash } = state
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return { length: state.length + 1, text, before: state, hash: Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) + 1 | 0 }
}

function isFetched(state: LogState, from: Json, output: Json): boolean {
  if (!Array.isArray(output) || output.length !== 2 || !Array.isArray(output[1])) return false
  const [offset, values] = output as unknown as readonly [Json, readonly Json[]]
  if (typeof offset !== 'number' || offset < 0 || (from !== null && from !== offset)) return false
  if (values.length === 0) return offset >= state.length
  let at: LogState | null = state
  for (let skip = state.length - (offset + values.length); skip > 0; skip--) at = at!.before
  if (at!.length !== offset + values.length) return false
  for (let i = values.length - 1; i >= 0; i--, at = at!.before) if (at!.text !== canonicalText(values[i]!)) return false
  return true
}
