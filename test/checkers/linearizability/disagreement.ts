/**
 * Every engine agrees with the definition on small histories: verdict, first impossible operation, and an order that stands.
 * 100 000 histories over all models; `LINEARIZABILITY_HISTORIES=1000000` tries more, `LINEARIZABILITY_SEED` others.
 */
import { expect, it } from 'vitest'
import { checkLinearizability } from '../../../checkers/linearizability/check-linearizability.ts'
import type { Operation } from '../../../src/history/operation.ts'
import { cutAt, faultOf, firstImpossible, intervalsOf, isLinearizable } from './brute-force.ts'
import { type Family, smallHistory } from './small-histories.ts'

/** Over all families together. */
export const HISTORIES = Number(process.env['LINEARIZABILITY_HISTORIES'] ?? 100_000)
const SEED = Number(process.env['LINEARIZABILITY_SEED'] ?? 1)

/** What an engine got wrong, or undefined; `seen` counts what it decided. */
function disagreement(family: Family, history: readonly Operation[], seen: Map<string, number>): string | undefined {
  const { model } = family
  const intervals = intervalsOf(history)
  const truth = isLinearizable(model, intervals) ? 'valid' : 'invalid'
  for (const engine of ['search', 'monitor'] as const) {
    const result = checkLinearizability(history, { model, engine })
    if (engine === 'monitor' && result.exhausted === 'monitor') continue
    const name = `${engine} ${result.verdict}`
    seen.set(name, (seen.get(name) ?? 0) + 1)
    if (result.verdict !== truth) return `${engine} says ${result.verdict}, it is ${truth}`
    for (const { order } of result.witness()) {
      const fault = faultOf(model, intervals, order)
      if (fault !== undefined) return `${engine} gives the order ${order.join(' ')}: ${fault}`
    }
    if (truth === 'valid') continue
    const [counterexample] = result.counterexamples
    const impossible = firstImpossible(model, intervals)
    if (counterexample!.impossible.index !== impossible || !counterexample!.first) return `${engine} says that ${counterexample!.impossible.index} is the first impossible one, it is ${impossible}`
    if (counterexample!.prefix === null) return `${engine} names no part that is right`
    const moment = intervals.find(({ index }) => index === impossible)!.until - 1
    const fault = faultOf(model, cutAt(intervals, moment), counterexample!.prefix)
    if (fault !== undefined) return `${engine} gives the part ${counterexample!.prefix.join(' ')}: ${fault}`
  }
  return undefined
}

/** A test of each family; they are shared out over two files, so that two threads can run them. */
export function itAgrees(families: readonly Family[], each: number): void {
  for (const family of families) {
    it(family.name, () => {
      const seen = new Map<string, number>()
      for (let i = 0; i < each; i++) {
        const history = smallHistory(family, SEED * 1_000_003 + i)
        const wrong = disagreement(family, history, seen)
        if (wrong !== undefined) expect.fail(`history ${i}: ${wrong}\n${history.map(operation => JSON.stringify(operation)).join('\n')}`)
      }
      // Both verdicts were really tried.
      expect(seen.get('search valid') ?? 0).toBeGreaterThan(each / 20)
      expect(seen.get('search invalid') ?? 0).toBeGreaterThan(each / 20)
    }, 600_000)
  }
}
