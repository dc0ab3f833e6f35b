/** `generate` answers an id that it has never answered before. */
import { PlainEncoding } from '../encoding.ts'
import { canonicalText } from '../model.ts'
import { uniqueIdsMonitor } from '../monitors/unique-ids-monitor.ts'
import type { ShippedModel } from '../shipped-model.ts'

const FUNCTIONS = ['generate']

export const uniqueIds: ShippedModel<ReadonlySet<string>> = {
  name: 'unique-ids',
  describes: 'every generate answers a new id',
  functions: FUNCTIONS,
  init: new Set(),
  // An id that nobody saw takes none away that anybody could see.
  step(state, _call, output) {
    if (output === undefined) return [true, state]
    const id = canonicalText(output)
    return state.has(id) ? [false, state] : [true, new Set([...state, id])]
  },
  hash: state => [...state].sort().join(' '),
  describeState: state => `${state.size} ids given out`,
  encoding: () => new PlainEncoding(FUNCTIONS, [], FUNCTIONS),
  monitor: uniqueIdsMonitor,
}
