/**
 * What the search works on: the operations of one partition that must be placed, numbered in the order of their calls, and
 * those that may be (outcome unknown), grouped by class. Everything is an array of integers.
 *
 * `until` cuts the history at an event: what returns later may take effect and need not, what is called later is left out.
 */
import { NEVER } from './operation-table.ts'
import type { Partition } from './partition.ts'
import { canReach } from './reachable-effects.ts'
import type { Transitions } from './transitions.ts'

/** Operations of one class that may take effect. Equal ones can stand in for each other, so the earliest is used first. */
export interface OptionalKind {
  readonly cls: number
  /** Ascending by call. */
  readonly rows: number[]
  readonly calls: number[]
}

export interface SearchProblem {
  /** Rows of the table by number. */
  readonly rows: Int32Array
  readonly calls: Int32Array
  readonly returns: Int32Array
  readonly classes: Int32Array
  /** Numbers in the order of returns. */
  readonly byReturn: Int32Array
  /** The operation of the same class that returns just before, or -1. */
  readonly twin: Int32Array
  /** A bit for each operation, its own while it is open. */
  readonly slots: Int32Array
  readonly words: number
  readonly optional: readonly OptionalKind[]
  readonly optionalCount: number
}

export function searchProblem(partition: Partition, transitions: Transitions, until: number): SearchProblem {
  const { table } = partition
  const required: number[] = []
  let optionalRows: number[] = []
  for (const row of partition.rows) {
    if (table.calls[row]! >= until) break
    if (table.returns[row]! < until && table.returns[row] !== NEVER) required.push(row)
    else optionalRows.push(row)
  }
  const { model } = table
  optionalRows = optionalRows.filter(row => model.changes === undefined || model.changes(table.callOf(row)))
  if (transitions.isOneValue && optionalRows.length > 0) optionalRows = canReach(table, transitions, required, optionalRows)
  const count = required.length
  const rows = Int32Array.from(required)
  const calls = new Int32Array(count + 1)
  const returns = new Int32Array(count)
  const classes = new Int32Array(count)
  const firstRow = partition.rows.length === 0 ? 0 : partition.rows[0]!
  const number = new Int32Array(partition.rows.length === 0 ? 0 : partition.rows[partition.rows.length - 1]! - firstRow + 1)
  for (let x = 0; x < count; x++) {
    const row = rows[x]!
    calls[x] = table.calls[row]!
    returns[x] = table.returns[row]!
    classes[x] = transitions.classOf(row)
    number[row - firstRow] = x
  }
  calls[count] = NEVER
  const byReturn = new Int32Array(count)
  for (let i = 0; i < count; i++) byReturn[i] = number[partition.returned[i]! - firstRow]!
  const kinds = new Map<number, OptionalKind>()
  for (const row of optionalRows) {
    const cls = transitions.classOf(row)
    let kind = kinds.get(cls)
    if (kind === undefined) kinds.set(cls, kind = { cls, rows: [], calls: [] })
    kind.rows.push(row)
    kind.calls.push(table.calls[row]!)
  }
  return { rows, calls, returns, classes, byReturn, twin: twinsOf(classes, byReturn, transitions.classCount), ...slotsOf(calls, returns, byReturn), optional: [...kinds.values()], optionalCount: optionalRows.length }
}

function twinsOf(classes: Int32Array, byReturn: Int32Array, classCount: number): Int32Array {
  const twin = new Int32Array(classes.length).fill(-1)
  const last = new Int32Array(classCount).fill(-1)
  for (const x of byReturn) {
    twin[x] = last[classes[x]!]!
    last[classes[x]!] = x
  }
  return twin
}

/** The lowest free bit at its call, free again after its return. */
function slotsOf(calls: Int32Array, returns: Int32Array, byReturn: Int32Array): { readonly slots: Int32Array; readonly words: number } {
  const count = byReturn.length
  const slots = new Int32Array(count)
  const free: number[] = []
  let width = 0
  let done = 0
  for (let x = 0; x < count; x++) {
    for (; done < count && returns[byReturn[done]!]! < calls[x]!; done++) free.push(slots[byReturn[done]!]!)
    slots[x] = free.pop() ?? width++
  }
  return { slots, words: Math.max(1, (width + 31) >> 5) }
}
