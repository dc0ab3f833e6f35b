/** `add n` (or `increment`, `decrement`, by one when no n is given) and `read`, which answers the exact sum. Begins at 0. */
import { PlainEncoding } from '../encoding.ts'
import { counterMonitor } from '../monitors/counter-monitor.ts'
import type { ShippedModel } from '../shipped-model.ts'
import type { Json } from '../../../src/history/operation.ts'

const FUNCTIONS = ['add', 'increment', 'decrement', 'read']

export const counter: ShippedModel<number> = {
  name: 'counter',
  describes: 'a sum: add n, increment, decrement, read',
  functions: FUNCTIONS,
  init: 0,
  step(state, { f, value }, output) {
    if (f === 'read') return [output === undefined || output === state, state]
    const delta = deltaOf(f, value)
    return delta === undefined ? [false, state] : [true, state + delta]
  },
  changes: ({ f }) => f !== 'read',
  hash: state => state,
  encoding: () => new PlainEncoding(FUNCTIONS, ['add', 'increment', 'decrement'], ['read']),
  monitor: (partition, until) => counterMonitor(partition, until, deltaOf),
}

function deltaOf(f: string, value: Json): number | undefined {
  const size = value === null && f !== 'add' ? 1 : value
  if (typeof size !== 'number') return undefined
  return f === 'decrement' ? -size : size
}
