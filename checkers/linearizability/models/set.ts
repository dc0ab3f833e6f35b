/** `add v`, `remove v`, `contains v` (answers true or false), and `read`, which answers all elements in any order. */
import { SetEncoding } from '../set-encoding.ts'
import { canonicalText } from '../model.ts'
import { setMonitor } from '../monitors/set-monitor.ts'
import type { ShippedModel } from '../shipped-model.ts'
import type { Json } from '../../../src/history/operation.ts'

const FUNCTIONS = ['add', 'read', 'remove', 'contains']

export const set: ShippedModel<readonly string[]> = {
  name: 'set',
  describes: 'a set: add, remove, contains, read all',
  functions: FUNCTIONS,
  /** Sorted texts of the elements. */
  init: [],
  step(state, { f, value }, output) {
    const element = canonicalText(value)
    if (f === 'add') return [true, state.includes(element) ? state : [...state, element].sort()]
    if (f === 'remove') return [true, state.filter(other => other !== element)]
    if (output === undefined) return [true, state]
    if (f === 'contains') return [output === state.includes(element), state]
    return [isSet(output, state), state]
  },
  changes: ({ f }) => f === 'add' || f === 'remove',
  hash: state => state.join(' '),
  describeState: state => `{${state.slice(0, 20).join(' ')}${state.length > 20 ? ` ... ${state.length} elements` : ''}}`,
  encoding: () => new SetEncoding(FUNCTIONS),
  monitor: setMonitor,
}

function isSet(output: Json, state: readonly string[]): boolean {
  if (output === null) return state.length === 0
  return Array.isArray(output) && output.length === state.length && output.map(one => canonicalText(one as Json)).sort().every((one, i) => one === state[i])
}
