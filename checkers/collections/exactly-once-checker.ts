/**
 * `exactly-once`: a pipeline that reads inputs and writes outputs, judged by the table input -> number of committed outputs
 * derived from it. All a history needs is where each output comes from:
 *
 *   input         value [key, offset]            ok: this record is in the input log
 *   output        value [key, offset]            one attempt to write the output derived from that input, and to commit it;
 *                                                fail: definitely aborted, info: nobody knows
 *   read-outputs  answer [[key, offset], ...]    the inputs of all committed outputs, in any order, repeated where there are
 *                                                several. The last one, after everything has settled, is judged.
 *
 * `exactly-once` owes one output for each input that was acknowledged before the last read began, `at-least-once` one or
 * more, `at-most-once` one or none. Outputs of aborted attempts only, or of no attempt at all, are wrong under each.
 */
import type { History, Json, Process } from '../../src/history/operation.ts'
import type { Checker, CheckContext, CheckResult, ExplanationStep } from '../contract.ts'
import { FindingCollector } from '../finding-collector.ts'
import { show } from '../show.ts'
import { elementsOf, unknownFunction, ValueTable } from './value-table.ts'

export const DELIVERY_SEMANTICS = ['exactly-once', 'at-least-once', 'at-most-once'] as const
export type DeliverySemantics = (typeof DELIVERY_SEMANTICS)[number]

interface Input {
  readonly value: Json
  /** Place of the acknowledgement; -1: not acknowledged. */
  acknowledged: number
  /** Places of attempts that may have been committed, and of those that were surely aborted. */
  readonly attempts: number[]
  readonly aborted: number[]
  outputs: number
}

const FUNCTIONS: readonly string[] = ['input', 'output', 'read-outputs']
const OWED: Readonly<Record<DeliverySemantics, string>> = { 'exactly-once': 'one committed output', 'at-least-once': 'at least one committed output', 'at-most-once': 'at most one committed output' }

export function exactlyOnceChecker(semantics: DeliverySemantics = 'exactly-once'): Checker {
  return {
    name: semantics,
    describes: `a consume-transform-produce pipeline: ${OWED[semantics]} for every input`,
    concerns: ({ f }) => FUNCTIONS.includes(f),
    check(history: History, context: CheckContext): CheckResult {
      const found = new FindingCollector(semantics, context.guarantees)
      const { inputs, read, readInvoked } = readPipeline(history)
      if (read === -1) return found.result('The outputs were never read.')
      const step = (at: number, text: string): ExplanationStep => ({ text, operation: history[at]!.index, time: history[at]!.time })
      for (const { value, acknowledged, attempts, aborted, outputs } of inputs) {
        const name = show(value)
        const tried = [...attempts.slice(0, 4).map(at => step(at, `An attempt to write the output of ${name} begins.`)), ...aborted.slice(0, 4).map(at => step(at, `An attempt to write the output of ${name} is aborted.`))]
        const evidence: Json = { input: value, outputs, attempts: attempts.map(at => history[at]!.index), aborted: aborted.map(at => history[at]!.index) }
        const begun = attempts.some(at => at < read)
        if (outputs > 0 && !begun) {
          found.add('unexpected-output', () => ({
            title: aborted.length > 0 ? `The output of ${name} is there although every attempt was aborted.` : `There is an output of ${name}, and nobody wrote one.`,
            evidence, steps: [...tried, step(read, `The outputs contain one of ${name}.`)], contradiction: 'What was aborted, or never written, is never read.',
          }))
        } else if (outputs > 1) {
          found.add('duplicate-output', () => ({
            title: `Input ${name} has ${outputs} committed outputs.`, evidence, steps: [...tried, step(read, `The outputs contain ${outputs} of ${name}.`)],
            contradiction: 'An input and the position of its reader are committed together, so no input is processed twice.',
          }), semantics === 'at-least-once' ? 'never' : undefined)
        } else if (outputs === 0 && acknowledged !== -1 && acknowledged < readInvoked) {
          found.add('missing-output', () => ({
            title: `Input ${name} has no committed output.`, evidence, steps: [step(acknowledged, `Input ${name} is acknowledged.`), ...tried, step(read, `The outputs contain none of ${name}.`)],
            contradiction: 'The reader has passed this input; however, its output is not there.',
          }), semantics === 'at-most-once' || !context.drained ? 'never' : undefined)
        }
      }
      return found.result()
    },
  }
}

function readPipeline(history: History): { readonly inputs: readonly Input[]; readonly read: number; readonly readInvoked: number } {
  const table = new ValueTable()
  const inputs: Input[] = []
  const open = new Map<Process, number>()
  let [read, readInvoked] = [-1, -1]
  const inputOf = (value: Json): Input => inputs[table.numberOf(value)] ??= { value, acknowledged: -1, attempts: [], aborted: [], outputs: 0 }
  for (let at = 0; at < history.length; at++) {
    const operation = history[at]!
    const { process, type, f } = operation
    if (process === 'nemesis') continue
    if (!FUNCTIONS.includes(f)) throw unknownFunction(operation, 'exactly-once', FUNCTIONS)
    if (type === 'invoke') {
      open.set(process, at)
      continue
    }
    const invoked = open.get(process)!
    open.delete(process)
    if (f === 'read-outputs') {
      if (type === 'ok') [read, readInvoked] = [at, invoked]
      continue
    }
    const input = inputOf(history[invoked]!.value)
    if (f === 'input') {
      if (type === 'ok' && input.acknowledged === -1) input.acknowledged = at
    } else if (type === 'fail') input.aborted.push(at)
    else input.attempts.push(invoked)
  }
  for (const invoked of open.values()) if (history[invoked]!.f === 'output') inputOf(history[invoked]!.value).attempts.push(invoked)
  if (read !== -1) for (const value of elementsOf(history[read]!)) inputOf(value).outputs++
  return { inputs, read, readInvoked }
}
