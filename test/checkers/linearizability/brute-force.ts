/**
 * Linearizability by its definition, for small histories: some order of the operations, of those of unknown outcome any
 * subset, that respects real time and that the model explains. Tries all orders, remembers nothing, shares no code with
 * the checkers but the model.
 */
import type { Model, Output } from '../../../checkers/linearizability/model.ts'
import type { Json, Operation } from '../../../src/history/operation.ts'

export interface Interval {
  readonly index: number
  readonly f: string
  readonly value: Json
  readonly output: Output
  readonly call: number
  /** Infinity: it need not take effect. */
  readonly until: number
}

/** Failed operations are left out. */
export function intervalsOf(history: readonly Operation[]): Interval[] {
  const intervals: Interval[] = []
  history.forEach((operation, call) => {
    if (operation.type !== 'invoke') return
    const end = history.findIndex((other, at) => at > call && other.process === operation.process)
    const completion = end === -1 ? undefined : history[end]
    if (completion?.type === 'fail') return
    const isOk = completion?.type === 'ok'
    intervals.push({ index: operation.index, f: operation.f, value: operation.value, output: isOk ? completion.value : undefined, call, until: isOk ? end : Infinity })
  })
  return intervals
}

export function isLinearizable(model: Model, intervals: readonly Interval[]): boolean {
  return extend(model, model.init, intervals)
}

function extend(model: Model, state: unknown, left: readonly Interval[]): boolean {
  const deadline = left.reduce((earliest, { until }) => Math.min(earliest, until), Infinity)
  if (deadline === Infinity) return true
  return left.some(one => one.call < deadline && statesAfter(model, state, one).some(next => extend(model, next, left.filter(other => other !== one))))
}

export function statesAfter(model: Model, state: unknown, { f, value, output }: Pick<Interval, 'f' | 'value' | 'output'>): readonly unknown[] {
  if (model.branches !== undefined) return model.branches(state, { f, value }, output)
  const [ok, next] = model.step(state, { f, value }, output)
  return ok ? [next] : []
}

/** The history as it stood at that moment: who returns later may take effect and need not. */
export function cutAt(intervals: readonly Interval[], moment: number): Interval[] {
  return intervals.filter(({ call }) => call <= moment).map(one => (one.until > moment ? { ...one, until: Infinity } : one))
}

/** Index of the first operation whose return cannot be explained. */
export function firstImpossible(model: Model, intervals: readonly Interval[]): number | undefined {
  const returns = intervals.filter(({ until }) => until !== Infinity).toSorted((a, b) => a.until - b.until)
  return returns.find(({ until }) => !isLinearizable(model, cutAt(intervals, until)))?.index
}

/** Does this order respect real time and the model, hold everything that completed, and nothing twice? Says what is wrong. */
export function faultOf(model: Model, intervals: readonly Interval[], order: readonly number[]): string | undefined {
  const byIndex = new Map(intervals.map(one => [one.index, one]))
  const seen = new Set<number>()
  let states: readonly unknown[] = [model.init]
  let latestCall = -1
  for (const index of order) {
    const one = byIndex.get(index)
    if (one === undefined || seen.has(index)) return `operation ${index} is no part of it, or twice`
    seen.add(index)
    if (one.until < latestCall) return `operation ${index} returned before one that stands before it was called`
    latestCall = Math.max(latestCall, one.call)
    states = states.flatMap(state => statesAfter(model, state, one))
    if (states.length === 0) return `operation ${index} is illegal there`
  }
  const missing = intervals.find(({ until, index }) => until !== Infinity && !seen.has(index))
  return missing === undefined ? undefined : `operation ${missing.index} is missing`
}
