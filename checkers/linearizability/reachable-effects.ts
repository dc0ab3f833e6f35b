/**
 * Reduction 3 for operations of unknown outcome, for models whose state is one value (registers, compare-and-set, mutex):
 * whatever leaves a value that no later operation needs can as well not have happened. Dropping it spares the search
 * two ways for each. A chain of compare-and-sets of unknown outcome counts as needing its first value only while its last
 * is needed.
 */
import type { Json } from '../../src/history/operation.ts'
import { type Call, type Output, canonicalText } from './model.ts'
import { NEVER, type OperationTable } from './operation-table.ts'

/** The value that the state must have (absent: any), and the one that it has then. */
export interface Effect {
  readonly needs?: Json
  readonly leaves?: Json
}

export type EffectOf = (call: Call, output: Output) => Effect

/** Those of `optional` that later operations can tell from nothing. */
export function canReach(table: OperationTable, effect: EffectOf, required: readonly number[], optional: readonly number[]): number[] {
  /** Per value the last moment at which it may be needed. */
  const needed = new Map<string, number>()
  for (const row of required) {
    const { needs } = effect(table.callOf(row), table.outputOf(row))
    if (needs !== undefined) needed.set(canonicalText(needs), Math.max(table.returns[row]!, needed.get(canonicalText(needs)) ?? 0))
  }
  const effects = optional.map(row => effect(table.callOf(row), table.outputOf(row)))
  const kept = new Set<number>()
  for (let changed = true; changed;) {
    changed = false
    for (const [i, row] of optional.entries()) {
      if (kept.has(row)) continue
      const { needs, leaves } = effects[i]!
      if (leaves === undefined || (needed.get(canonicalText(leaves)) ?? -1) < table.calls[row]!) continue
      kept.add(row)
      changed = true
      if (needs !== undefined) needed.set(canonicalText(needs), NEVER)
    }
  }
  return optional.filter(row => kept.has(row))
}
