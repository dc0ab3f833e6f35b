/**
 * One partition by the engine that fits: a monitor where its conditions hold, and else the search. A violation comes with
 * the first return that cannot be explained and an order of what returned before it.
 */
import { describeState } from './model.ts'
import { type OperationTable, NEVER } from './operation-table.ts'
import type { Partition } from './partition.ts'
import { type Counterexample, indicesOf, infoOf } from './result.ts'
import { type Limits, type SearchAnswer, search } from './search.ts'
import { searchProblem } from './search-problem.ts'
import type { Monitor, MonitorAnswer, ShippedModel } from './shipped-model.ts'
import { Transitions } from './transitions.ts'

export type Engine = 'auto' | 'search' | 'monitor'

export interface Decision {
  readonly verdict: 'valid' | 'invalid' | 'unknown'
  readonly engine: 'search' | 'monitor'
  readonly exhausted?: 'budget' | 'time' | 'monitor'
  readonly steps: number
  readonly configurations: number
  /** Completed operations that could be explained, of an unknown one. */
  readonly explained: number
  readonly order?: () => Int32Array
  readonly counterexample?: Counterexample
}

/** Steps that may be spent on an order of the part that is right, where a monitor has found the violation. */
const PREFIX_BUDGET = 20_000

export function decidePartition(partition: Partition, transitions: () => Transitions, engine: Engine, limits: Limits): Decision {
  const { monitor } = partition.table.model as ShippedModel
  if (engine !== 'search' && monitor !== undefined) {
    const answer = monitor(partition, NEVER)
    if (answer?.valid === true) return { verdict: 'valid', engine: 'monitor', steps: 0, configurations: 0, explained: partition.returned.length, ...(answer.order === undefined ? {} : { order: answer.order }) }
    if (answer !== undefined) return byMonitor(partition, transitions, monitor, answer, limits)
  }
  if (engine === 'monitor') return { verdict: 'unknown', engine: 'monitor', exhausted: 'monitor', steps: 0, configurations: 0, explained: 0 }
  const known = transitions()
  const answer = search(searchProblem(partition, known, NEVER), known, limits)
  const { verdict, exhausted, steps, configurations, order } = answer
  const decision: Decision = {
    verdict, engine: 'search', ...(exhausted === undefined ? {} : { exhausted }), steps, configurations, order: () => order,
    explained: completedOf(partition.table, order),
  }
  if (verdict !== 'invalid') return decision
  return { ...decision, counterexample: { ...common(partition, answer.impossible, answer.isFirst, 'No order of the operations that are open then makes it possible.', []), ...(answer.isFirst ? found(partition, known, answer) : { prefix: null, states: [] }) } }
}

function byMonitor(partition: Partition, transitions: () => Transitions, monitor: Monitor, answer: MonitorAnswer & { readonly valid: false }, limits: Limits): Decision {
  const { table } = partition
  const exact = answer.first ? answer : firstOf(partition, monitor, answer)
  const until = table.returns[exact.impossible]!
  const basis = common(partition, exact.impossible, exact.first, exact.why, exact.against)
  const before = exact.first ? monitor(partition, until) : undefined
  let counterexample: Counterexample = { ...basis, prefix: null, states: [] }
  let steps = 0
  if (before?.valid === true && before.order !== undefined) {
    const order = before.order()
    counterexample = { ...basis, prefix: indicesOf(table, order), states: [describeState(table.model, stateAfter(table, order))] }
  } else if (exact.first) {
    const known = transitions()
    const explained = search(searchProblem(partition, known, until), known, { ...limits, budget: Math.min(limits.budget, PREFIX_BUDGET) })
    steps = explained.steps
    if (explained.verdict === 'valid') counterexample = { ...basis, prefix: indicesOf(table, explained.order), states: [describeState(table.model, stateAfter(table, explained.order))] }
  }
  return { verdict: 'invalid', engine: 'monitor', steps, configurations: 0, explained: 0, counterexample }
}

/** A history that is wrong stays wrong however it goes on, so halving finds the first return at which it is. */
function firstOf(partition: Partition, monitor: Monitor, whole: MonitorAnswer & { readonly valid: false }): MonitorAnswer & { readonly valid: false } {
  const { returned, table } = partition
  let low = 0
  let high = returned.length - 1
  let wrong = whole
  while (low < high) {
    const middle = (low + high) >> 1
    const answer = monitor(partition, table.returns[returned[middle]!]! + 1)
    if (answer === undefined) return whole
    if (answer.valid) low = middle + 1
    else {
      high = middle
      wrong = answer
    }
  }
  return { ...wrong, impossible: returned[low]!, first: true }
}

function common(partition: Partition, impossible: number, first: boolean, why: string, against: readonly number[]): Omit<Counterexample, 'prefix' | 'states'> {
  const { table } = partition
  return { key: table.keys.value(partition.key), impossible: infoOf(table, impossible), first, why, against: against.filter(row => row !== impossible).map(row => infoOf(table, row)) }
}

function found(partition: Partition, transitions: Transitions, { order, states }: SearchAnswer): Pick<Counterexample, 'prefix' | 'states'> {
  const { table } = partition
  return { prefix: indicesOf(table, order), states: states.map(state => describeState(table.model, transitions.states[state])) }
}

function stateAfter(table: OperationTable, order: Int32Array): unknown {
  const model = table.model as ShippedModel
  if (model.stateAfter !== undefined) return model.stateAfter(table, order)
  let state: unknown = model.init
  for (const row of order) state = model.step(state, table.callOf(row), table.outputOf(row))[1]
  return state
}

function completedOf(table: OperationTable, order: Int32Array): number {
  let count = 0
  for (const row of order) if (table.returns[row] !== NEVER) count++
  return count
}
