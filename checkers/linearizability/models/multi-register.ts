/**
 * Several registers under one roof: `txn [[f k v] ...]` with f `r` or `read`, `w` or `write`, all at once, in Knossos' form.
 * On the invocation a read's v is null. A key that was never written holds null.
 */
import { PlainEncoding } from '../encoding.ts'
import { canonicalText, sameValue } from '../model.ts'
import type { ShippedModel } from '../shipped-model.ts'
import type { Json } from '../../../src/history/operation.ts'

const FUNCTIONS = ['txn', 'read', 'write']

type Registers = ReadonlyMap<string, Json>

export const multiRegister: ShippedModel<Registers> = {
  name: 'multi-register',
  describes: 'several values at once: txn [[f k v] ...] with f r or w',
  functions: FUNCTIONS,
  init: new Map(),
  step(state, { f, value }, output) {
    const asked = microsOf(f, value)
    const answered = output === undefined ? undefined : microsOf(f, output)
    if (asked === undefined || (output !== undefined && answered?.length !== asked.length)) return [false, state]
    let next: Map<string, Json> | undefined
    for (const [i, micro] of asked.entries()) {
      const [kind, key, wanted] = micro
      const name = canonicalText(key)
      if (kind === 'w' || kind === 'write') {
        next ??= new Map(state)
        next.set(name, wanted)
      } else if (kind !== 'r' && kind !== 'read') return [false, state]
      else if (answered !== undefined && !sameValue(answered[i]![2], (next ?? state).get(name) ?? null)) return [false, state]
    }
    return [true, next ?? state]
  },
  changes: ({ f, value }) => f !== 'read' && !(microsOf(f, value)?.every(([kind]) => kind === 'r' || kind === 'read') ?? false),
  hash: state => canonicalText(Object.fromEntries([...state].filter(([, value]) => value !== null).map(([key, value]) => [`=${key}`, value]))),
  describeState: state => `{${[...state].map(([key, value]) => `${key}: ${canonicalText(value)}`).join(', ')}}`,
  encoding: () => new PlainEncoding(FUNCTIONS, ['write']),
}

/** `read` and `write` may also stand alone, with `{k: v}` or a list of micro-operations. */
function microsOf(f: string, value: Json): readonly (readonly [string, Json, Json])[] | undefined {
  if (Array.isArray(value)) return value.every(one => Array.isArray(one) && one.length === 3) ? (value as unknown as readonly (readonly [string, Json, Json])[]) : undefined
  if (f === 'txn' || typeof value !== 'object' || value === null) return undefined
  return Object.keys(value).map(key => [f, key, (value as { readonly [key: string]: Json })[key]!])
}
