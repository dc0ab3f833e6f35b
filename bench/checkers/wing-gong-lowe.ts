/**
 * The yardstick for generic models: Wing and Gong's search depth first, with Lowe's memoisation, as Porcupine has it. Events
 * in a linked list, a bitset of all operations for each configuration, nothing cleverer. States and steps are the integers
 * that our search uses as well, so what is compared is the search.
 */
import type { Model } from '../../checkers/linearizability/model.ts'
import { NEVER, OperationTable } from '../../checkers/linearizability/operation-table.ts'
import { partitionsOf } from '../../checkers/linearizability/partition.ts'
import { Transitions } from '../../checkers/linearizability/transitions.ts'
import type { CaseChecker } from './case.ts'

export function wingGongLowe(model: Model): CaseChecker {
  const table = new OperationTable(model, false)
  return {
    add: operation => table.add(operation),
    finish() {
      table.close()
      const [partition] = partitionsOf(table)
      const { linearizable, steps } = explain(table, partition!.rows, new Transitions(table))
      return { verdict: linearizable ? 'valid' : 'invalid', detail: { steps } }
    },
  }
}

function explain(table: OperationTable, rows: Int32Array, transitions: Transitions): { readonly linearizable: boolean; readonly steps: number } {
  const count = rows.length
  const classes = Int32Array.from(rows, row => transitions.classOf(row))
  // Events: call of x is x, return of x is count + x; returns of unknown outcome come last, and 2 * count is the head.
  const head = 2 * count
  const events = Array.from({ length: head }, (_, event) => event).sort((a, b) => timeOf(a) - timeOf(b) || a - b)
  function timeOf(event: number): number {
    return event < count ? table.calls[rows[event]!]! : table.returns[rows[event - count]!]!
  }
  const next = new Int32Array(head + 1)
  const previous = new Int32Array(head + 1)
  let before = head
  for (const event of events) {
    next[before] = event
    previous[event] = before
    before = event
  }
  next[before] = head
  previous[head] = before
  const words = (count + 31) >> 5
  const bits = new Int32Array(words)
  const seen = new Map<number, { readonly bits: Int32Array; readonly state: number }[]>()
  const stack: { readonly x: number; readonly state: number }[] = []
  let completed = count - rows.filter(row => table.returns[row] === NEVER).length
  let state = 0
  let steps = 0
  let event = next[head]!
  while (completed > 0) {
    if (event < count) {
      const following = transitions.next(state, classes[event]!)
      if (following >= 0) {
        bits[event >> 5]! |= 1 << (event & 31)
        if (remember(following)) {
          steps++
          stack.push({ x: event, state })
          state = following
          if (table.returns[rows[event]!] !== NEVER) completed--
          lift(event)
          event = next[head]!
          continue
        }
        bits[event >> 5]! &= ~(1 << (event & 31))
      }
      event = next[event]!
      continue
    }
    const last = stack.pop()
    if (last === undefined) return { linearizable: false, steps }
    state = last.state
    bits[last.x >> 5]! &= ~(1 << (last.x & 31))
    if (table.returns[rows[last.x]!] !== NEVER) completed++
    unlift(last.x)
    event = next[last.x]!
  }
  return { linearizable: true, steps }

  function remember(following: number): boolean {
    let hash = following
    for (let w = 0; w < words; w++) hash = Math.imul(hash ^ bits[w]!, 0x9e3779b1) ^ (hash >>> 13)
    const alike = seen.get(hash)
    if (alike === undefined) {
      seen.set(hash, [{ bits: bits.slice(), state: following }])
      return true
    }
    for (const one of alike) if (one.state === following && one.bits.every((word, w) => word === bits[w])) return false
    alike.push({ bits: bits.slice(), state: following })
    return true
  }

  function lift(x: number): void {
    for (const one of [x, count + x]) {
      next[previous[one]!] = next[one]!
      previous[next[one]!] = previous[one]!
    }
  }

  function unlift(x: number): void {
    for (const one of [count + x, x]) {
      next[previous[one]!] = one
      previous[next[one]!] = one
    }
  }
}
