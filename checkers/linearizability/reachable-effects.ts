/**
 * Reduction 3 for operations of unknown outcome, for models whose state is one value (registers, compare-and-set, mutex):
 * whatever leaves a value that no later operation needs can as well not have happened. Dropping it spares the search
 * two ways for each. A chain of compare-and-sets of unknown outcome counts as needing its first value only while its last
 * is needed.
 */
import type { Json } from '../../src/history/operation.ts'
import type { Call, Output } from './model.ts'
import { NEVER, type OperationTable } from './operation-table.ts'
import type { Transitions } from './transitions.ts'

/** The value that the state must have (absent: any), and the one that it has then. */
export interface Effect {
  readonly needs?: Json
  readonly leaves?: Json
}

export type EffectOf = (call: Call, output: Output) => Effect

/** Those of `optional` that later operations can tell from nothing. */
export function canReach(table: OperationTable, transitions: Transitions, required: readonly number[], optional: readonly number[]): number[] {
  const { needs, leaves } = transitions
  /** Per value, by number of the state, the last moment at which it may be needed; absent: never. */
  const needed: number[] = []
  for (const row of required) {
    const value = needs[transitions.classOf(row)]!
    if (value >= 0 && table.returns[row]! > (needed[value] ?? -1)) needed[value] = table.returns[row]!
  }
  const kept = new Uint8Array(optional.length)
  for (let changed = true; changed;) {
    changed = false
    for (let i = 0; i < optional.length; i++) {
      if (kept[i] === 1) continue
      const row = optional[i]!
      const cls = transitions.classOf(row)
      if (leaves[cls]! < 0 || (needed[leaves[cls]!] ?? -1) < table.calls[row]!) continue
      kept[i] = 1
      changed = true
      if (needs[cls]! >= 0) needed[needs[cls]!] = NEVER
    }
  }
  return optional.filter((_, i) => kept[i] === 1)
}
