/**
 * A sequential specification, the only thing that a user writes to check a system of their own: an initial state and one
 * pure step function. `checkLinearizability` asks whether the history can be explained by one order of the operations
 * that respects real time and in which every step is legal (Herlihy and Wing 1990).
 *
 *   const stack: Model<readonly Json[]> = {
 *     name: 'stack', describes: 'last in, first out', functions: ['push', 'pop'], init: [],
 *     step: (state, { f, value }, output) => f === 'push' ? [true, [...state, value]]
 *       : state.length === 0 ? [output === null, state]
 *       : [output === undefined || sameValue(output, state.at(-1)!), state.slice(0, -1)],
 *   }
 */
import { TrialError } from '../../src/base/trial-error.ts'
import type { Json } from '../../src/history/operation.ts'
import { MAX_VALUE_DEPTH } from '../../src/history/validate.ts'

/** What was asked for. */
export interface Call {
  readonly f: string
  readonly value: Json
}

/** What was answered; `undefined`: nobody knows. Such an operation may take effect at any later time, or never. */
export type Output = Json | undefined

export interface Model<State = any> {
  readonly name: string
  readonly describes: string
  /** Every `f` that it understands; another one in a history is an error of the input. */
  readonly functions: readonly string[]
  readonly init: State
  /**
   * Is this answer right in this state, and what state follows? With an unknown answer: could it have taken effect here,
   * and what follows if it did? Pure; states are never changed in place.
   */
  step(state: State, call: Call, output: Output): readonly [ok: boolean, next: State]
  /** In place of `step` where one operation may lead to several states, such as taking an unknown element out of a bag. */
  branches?(state: State, call: Call, output: Output): readonly State[]
  /** Equal states have equal hashes. Default: the state as JSON with sorted keys. */
  hash?(state: State): string | number
  /** Are states of equal hash equal? Default: yes. */
  equal?(a: State, b: State): boolean
  /** False for calls that change no state whatever: such reads are taken as soon as they are legal, without a choice. */
  changes?(call: Call): boolean
  /** Operations on different keys do not concern each other (P-compositionality); they are then judged apart. */
  partition?(call: Call): Json
  describe?(call: Call, output: Output): string
  describeState?(state: State): string
}

/** `read 3`, `cas [1,2]`, `write 5 (unknown outcome)`. */
export function describeCall(model: Model, call: Call, output: Output): string {
  if (model.describe !== undefined) return model.describe(call, output)
  const asked = call.value === null ? call.f : `${call.f} ${textOf(call.value)}`
  if (output === undefined) return `${asked} (outcome unknown)`
  const isRead = model.changes?.(call) === false
  return !isRead && (output === null || sameValue(output, call.value)) ? asked : `${asked} -> ${textOf(output)}`
}

export function describeState(model: Model, state: unknown): string {
  return model.describeState === undefined ? textOf(state as Json) : model.describeState(state)
}

const SHOWN = 120

function textOf(value: Json): string {
  const text = canonicalText(value)
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}...` : text
}

export function sameValue(a: Json, b: Json): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  return canonicalText(a) === canonicalText(b)
}

/** JSON with the keys of objects sorted: equal values, equal texts. Throws TrialError('input') at a value nested too deep. */
export function canonicalText(value: Json, depth = 0): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (depth > MAX_VALUE_DEPTH) throw new TrialError('input', `A value is nested more than ${MAX_VALUE_DEPTH} levels deep.`)
  if (Array.isArray(value)) return `[${(value as readonly Json[]).map(element => canonicalText(element, depth + 1)).join(',')}]`
  const object = value as { readonly [key: string]: Json }
  return `{${Object.keys(object).sort().map(key => `${JSON.stringify(key)}:${canonicalText(object[key]!, depth + 1)}`).join(',')}}`
}
