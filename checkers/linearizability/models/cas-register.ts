/**
 * A register with compare-and-set: `cas [old new]` succeeds (ok) only where the value is old. One that answers `fail` did not
 * happen, as in Jepsen, so nothing follows from it.
 */
import { PlainEncoding } from '../encoding.ts'
import { sameValue } from '../model.ts'
import type { ShippedModel } from '../shipped-model.ts'
import type { Json } from '../../../src/history/operation.ts'

const FUNCTIONS = ['read', 'write', 'cas']

export const casRegister: ShippedModel<Json> = {
  name: 'cas-register',
  describes: 'one value: read, write, cas [old new]',
  functions: FUNCTIONS,
  init: null,
  step(state, { f, value }, output) {
    if (f === 'write') return [true, value]
    if (f === 'read') return [output === undefined || sameValue(output, state), state]
    const pair = pairOf(value)
    return pair !== undefined && sameValue(pair[0], state) ? [true, pair[1]] : [false, state]
  },
  changes: ({ f }) => f !== 'read',
  effect({ f, value }, output) {
    if (f === 'write') return { leaves: value }
    if (f === 'read') return output === undefined ? {} : { needs: output }
    const pair = pairOf(value)
    return pair === undefined ? {} : { needs: pair[0], leaves: pair[1] }
  },
  encoding: () => new PlainEncoding(FUNCTIONS, ['write', 'cas'], ['read']),
}

function pairOf(value: Json): readonly [Json, Json] | undefined {
  return Array.isArray(value) && value.length === 2 ? (value as unknown as readonly [Json, Json]) : undefined
}
