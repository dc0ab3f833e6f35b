/**
 * Linearizability as a checker of histories among others: `--checker linearizable --model M`. Each partition that is wrong
 * is one finding, with the first operation that cannot be explained, what contradicts it, and the states it was tried in.
 */
import type { Json } from '../../src/history/operation.ts'
import type { Checker, CheckContext, CheckResult, ExplanationStep, HistoryCheck } from '../contract.ts'
import { type FindingBody, FindingCollector } from '../finding-collector.ts'
import { LinearizabilityCheck, type LinearizabilityOptions } from './check-linearizability.ts'
import type { Model } from './model.ts'
import type { Counterexample, LinearizabilityResult, OperationInfo } from './result.ts'

export const LINEARIZABLE = 'linearizable'

/** Indices in the evidence: the end of the part that can be explained. */
const PREFIX_SHOWN = 64
const STATES_SHOWN = 3

export function linearizabilityChecker(model: Model, options: Omit<LinearizabilityOptions, 'model'> = {}): Checker {
  const begin = ({ guarantees, limits, independent }: CheckContext): HistoryCheck => {
    const check = new LinearizabilityCheck({
      ...(limits?.steps === undefined ? {} : { budget: limits.steps }), ...(limits?.expired === undefined ? {} : { deadline: limits.expired }),
      ...(independent === undefined ? {} : { independent }), ...options, model,
    })
    return {
      add: operation => void check.add(operation),
      finish() {
        const result = check.finish()
        const found = new FindingCollector(LINEARIZABLE, guarantees)
        for (const counterexample of result.counterexamples) found.add('nonlinearizable', () => bodyOf(counterexample, model))
        const checked = found.result(result.verdict === 'unknown' ? reasonOf(result) : undefined)
        return result.wrongPartitions === 0 ? checked : { ...checked, counts: { nonlinearizable: result.wrongPartitions }, bad: { nonlinearizable: result.wrongPartitions } }
      },
    }
  }
  return {
    name: LINEARIZABLE,
    describes: 'one order of all operations, respecting real time, explains every answer (of a model: --model)',
    check(history, context): CheckResult {
      const check = begin(context)
      for (const operation of history) check.add(operation)
      return check.finish()
    },
    begin,
  }
}

/** Why nothing could be decided, and how far it came. */
export function reasonOf({ exhausted, explored }: LinearizabilityResult): string {
  const { steps, configurations, partitions, decidedPartitions, stoppedAt } = explored
  const what = exhausted === 'time' ? 'Time was up' : exhausted === 'budget' ? 'The budget was used up' : 'No monitor decides this history'
  const where = stoppedAt === null ? '' : `${stoppedAt.key === null ? '' : ` of key ${JSON.stringify(stoppedAt.key)}`} at best ${stoppedAt.explained} of ${stoppedAt.of} completed operations were explained;`
  return `${what} after ${steps} steps:${where} ${configurations} configurations, ${decidedPartitions} of ${partitions} ${partitions === 1 ? 'object' : 'keys'} decided.`
}

function bodyOf({ key, impossible, first, why, against, prefix, states }: Counterexample, model: Model): FindingBody {
  const where = key === null ? '' : ` on key ${JSON.stringify(key)}`
  const steps: ExplanationStep[] = [
    ...(prefix === null ? [] : [{ text: `${prefix.length} ${prefix.length === 1 ? 'operation' : 'operations'}${where} before it can be explained, in the order that the evidence gives the end of.` }]),
    ...(states.length === 0 ? [] : [{ text: `After them the ${model.name} is ${states.slice(0, STATES_SHOWN).join(', or ')}${states.length > STATES_SHOWN ? `, or in one of ${states.length - STATES_SHOWN} other states` : ''}.` }]),
    ...against.map(one => stepOf(one, 'contradicts it')),
    stepOf(impossible, first ? 'returns, and no order explains it' : 'is the last of a part that no order explains'),
  ]
  return {
    title: `The answer of "${impossible.text}" (process ${impossible.process})${where} cannot be explained by any order.`,
    evidence: {
      key, first, impossible: jsonOf(impossible), against: against.map(jsonOf), why, states: states.slice(),
      prefix: prefix === null ? null : { length: prefix.length, end: prefix.slice(-PREFIX_SHOWN) },
    },
    steps,
    contradiction: why,
  }
}

function stepOf({ text, process, index }: OperationInfo, role: string): ExplanationStep {
  return { text: `Process ${process}: ${text} ${role}.`, operation: index }
}

function jsonOf({ index, process, f, value, output }: OperationInfo): Json {
  return { index, process, f, value, ...(output === undefined ? {} : { output }) }
}
