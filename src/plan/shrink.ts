/**
 * Shrinking by delta debugging (Zeller's ddmin) over plan elements. First whole groups go (every choice, the faults of a
 * kind, the operations of a client), then halves and quarters, then one element at a time until nothing can be removed.
 *
 * Two liberties over textbook ddmin: groups are tried in the order in which they most often fall, and every execution
 * counts against a budget, after which the smallest failing plan so far is the answer and says that it was cut short.
 */
import { describeFault } from '../nemesis/describe-fault.ts'
import { type Element, elementsOf, keepElements } from './elements.ts'
import type { Plan } from './plan.ts'

export interface ShrinkOptions {
  /** Executions at most. */
  readonly budget: number
  /** Does this candidate still show the same anomaly under the same guarantee? */
  readonly fails: (candidate: Plan) => boolean | Promise<boolean>
  readonly progress?: (kept: number, executions: number) => void
}

export interface RemainingElement {
  readonly element: Element
  readonly text: string
  readonly without: 'passes' | 'still fails' | 'not tested'
}

export interface Shrunk {
  readonly plan: Plan
  readonly kept: readonly boolean[]
  readonly executions: number
  /** True when the budget ended before nothing more could be removed. */
  readonly cutShort: boolean
  readonly remaining: readonly RemainingElement[]
}

function groupsOf(plan: Plan, elements: readonly Element[]): number[][] {
  const groups = new Map<string, number[]>()
  const clientOf = new Map(plan.operations.map(operation => [operation.id, operation.client]))
  const kindOf = new Map(plan.faults.map(fault => [fault.id, fault.action.kind]))
  const add = (key: string, index: number): void => {
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [index])
    else group.push(index)
  }
  elements.forEach((element, index) => {
    if (element.kind === 'choice') add('0-choices', index)
    else if (element.kind === 'fault') add(`1-${kindOf.get(element.id)}`, index)
    else if (element.kind === 'operation') add(`2-${clientOf.get(element.id)}`, index)
    else if (element.kind === 'buggify') add('0-buggify', index)
    else if (element.kind === 'partition') add('3-partitions', index)
    else add(`4-${element.host}`, index)
  })
  return [...groups.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group)
}

/** @returns the smallest failing plan found; `kept` refers to `elementsOf(plan)` of the plan given */
export async function shrink(plan: Plan, options: ShrinkOptions): Promise<Shrunk> {
  const elements = elementsOf(plan)
  let kept = elements.map(() => true)
  let size = elements.length
  let executions = 0
  let cutShort = false
  const tried = new Map<number, 'still fails' | 'passes'>()

  const attempt = async (remove: readonly number[]): Promise<boolean> => {
    const live = remove.filter(index => kept[index])
    if (live.length === 0) return false
    if (executions >= options.budget) {
      cutShort = true
      return false
    }
    const candidate = kept.slice()
    for (const index of live) candidate[index] = false
    const smaller = keepElements(plan, elements, candidate)
    if (smaller === undefined) return false
    const { length } = elementsOf(smaller)
    // A partition stays as long as a higher one does: without its element the plan is the same, and need not be run.
    if (length === size) {
      kept = candidate
      options.progress?.(kept.filter(Boolean).length, executions)
      return true
    }
    executions++
    const fails = await options.fails(smaller)
    if (fails) {
      kept = candidate
      size = length
      tried.clear()
      options.progress?.(kept.filter(Boolean).length, executions)
    } else if (live.length === 1) tried.set(live[0]!, 'passes')
    return fails
  }

  const order = groupsOf(plan, elements)
  for (const group of order) await attempt(group)

  const classes: Element['kind'][][] = [['choice', 'buggify', 'fault'], ['operation'], ['partition', 'server']]
  let removedSomething = true
  while (removedSomething && !cutShort) {
    removedSomething = false
    for (const kinds of classes) {
      const live = (): number[] => elements.flatMap((element, index) => (kept[index] && kinds.includes(element.kind) ? [index] : []))
      let chunk = Math.ceil(live().length / 2)
      while (chunk >= 1 && !cutShort) {
        // From the end: later operations and higher partitions are the likelier ballast.
        let position = live().length
        while (position > 0 && !cutShort) {
          const now = live()
          const from = Math.max(0, Math.min(position, now.length) - chunk)
          const slice = now.slice(from, Math.min(position, now.length))
          if (!(slice.length === 1 && tried.get(slice[0]!) === 'passes') && await attempt(slice)) removedSomething = true
          position = from
        }
        if (chunk === 1) break
        chunk = Math.ceil(chunk / 2)
      }
    }
  }

  const remaining = elements.flatMap((element, index): RemainingElement[] => {
    if (!kept[index]) return []
    return [{ element, text: describeElement(plan, element), without: tried.get(index) ?? 'not tested' }]
  })
  return { plan: keepElements(plan, elements, kept) ?? plan, kept, executions, cutShort, remaining }
}

export function describeElement(plan: Plan, element: Element): string {
  switch (element.kind) {
    case 'operation': {
      const operation = plan.operations.find(({ id }) => id === element.id)
      return operation === undefined ? `operation ${element.id}` : `${operation.client}: ${operation.f} #${operation.id}`
    }
    case 'fault': {
      const fault = plan.faults.find(({ id }) => id === element.id)
      return fault === undefined ? `fault ${element.id}` : describeFault(fault)
    }
    case 'choice': return `kernel choice ${element.key}`
    case 'buggify': return `forced choice ${element.site}`
    case 'server': return `server ${element.host}`
    case 'partition': return `partition ${element.topic}-${element.partition}`
  }
}
