/**
 * A history of a set as numbers: its elements, who added them, and every read with what it contained. Failed additions are
 * kept apart: they did not happen, so nobody may read them.
 */
import type { History, Json, Process } from '../../src/history/operation.ts'
import { elementsOf, unknownFunction, ValueTable } from './value-table.ts'

/** Places in the history; `NEVER`: it has not happened. */
export const NEVER = Number.MAX_SAFE_INTEGER

export interface SetElement {
  readonly value: Json
  /** The first attempt that did not fail, and its acknowledgement; NEVER where there is none. */
  invoked: number
  acknowledged: number
  /** The first attempt that failed. */
  failed: number
}

export interface SetRead {
  readonly invoked: number
  readonly completed: number
  /** Numbers of the elements, in the order of the answer. */
  readonly elements: Int32Array
}

export interface SetHistory {
  readonly elements: readonly SetElement[]
  /** In the order of their answers. */
  readonly reads: readonly SetRead[]
}

export function readSetHistory(history: History, checker: string): SetHistory {
  const table = new ValueTable()
  const elements: SetElement[] = []
  const reads: SetRead[] = []
  const open = new Map<Process, { readonly at: number; readonly element: number }>()
  const elementOf = (value: Json): number => {
    const number = table.numberOf(value)
    if (number === elements.length) elements.push({ value, invoked: NEVER, acknowledged: NEVER, failed: NEVER })
    return number
  }
  for (let at = 0; at < history.length; at++) {
    const operation = history[at]!
    const { process, type, f } = operation
    if (process === 'nemesis') continue
    if (f !== 'add' && f !== 'read') throw unknownFunction(operation, checker, ['add', 'read'])
    if (type === 'invoke') {
      open.set(process, { at, element: f === 'add' ? elementOf(operation.value) : -1 })
      continue
    }
    const invoked = open.get(process)!
    open.delete(process)
    if (f === 'read') {
      if (type === 'ok') reads.push({ invoked: invoked.at, completed: at, elements: Int32Array.from(elementsOf(operation), elementOf) })
      continue
    }
    const element = elements[invoked.element]!
    if (type === 'fail') {
      element.failed = Math.min(element.failed, at)
      continue
    }
    element.invoked = Math.min(element.invoked, invoked.at)
    if (type === 'ok') element.acknowledged = Math.min(element.acknowledged, at)
  }
  // Without an answer it may have been added.
  for (const { at, element } of open.values()) if (element !== -1) elements[element]!.invoked = Math.min(elements[element]!.invoked, at)
  return { elements, reads }
}
