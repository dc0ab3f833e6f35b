/**
 * `counter`: every read lies between what must have been added and what can have been added (Jepsen's `checker/counter`).
 * Starts at 0; `add n`, n of either sign, `read`. A read from its invocation i to its answer r is at least: positive
 * additions acknowledged before i, negative ones begun before r; at most: positive ones begun before r, negative ones
 * acknowledged before i. Additions that failed do not count.
 *
 * Bounds only: two reads that contradict each other within them are found by `--model counter`. Unlike Jepsen's, additions
 * may be negative.
 */
import type { History, Process } from '../../src/history/operation.ts'
import { pairOperations } from '../../src/history/pair.ts'
import { TrialError } from '../../src/base/trial-error.ts'
import type { Checker, CheckContext, CheckResult } from '../contract.ts'
import { FindingCollector } from '../finding-collector.ts'
import { type Amount, amountJson, amountOf, plus } from './amount.ts'
import { unknownFunction } from './value-table.ts'

interface OpenRead {
  readonly at: number
  readonly positive: Amount
  readonly negative: Amount
}

export const counterChecker: Checker = {
  name: 'counter',
  describes: 'every read of a counter lies between what was surely added and what may have been',
  check(history: History, context: CheckContext): CheckResult {
    const found = new FindingCollector('counter', context.guarantees)
    const partner = pairOperations(history)
    const reads = new Map<Process, OpenRead>()
    // Sums of additions begun and acknowledged, by sign.
    let [begunUp, begunDown, doneUp, doneDown]: Amount[] = [0, 0, 0, 0] as Amount[]
    let readCount = 0
    for (let at = 0; at < history.length; at++) {
      const operation = history[at]!
      const { process, type, f } = operation
      if (process === 'nemesis') continue
      if (f === 'add') {
        const place = type === 'invoke' ? at : partner[at]!
        const amount = amountOf(history[place]!.value)
        if (amount === undefined) throw new TrialError('input', `operation ${history[place]!.index}: add takes a whole number.`)
        const completed = partner[at]!
        if (type === 'invoke' && (completed === -1 || history[completed]!.type !== 'fail')) {
          if (amount > 0) begunUp = plus(begunUp!, amount)
          else begunDown = plus(begunDown!, amount)
        } else if (type === 'ok') {
          if (amount > 0) doneUp = plus(doneUp!, amount)
          else doneDown = plus(doneDown!, amount)
        }
      } else if (f === 'read') {
        if (type === 'invoke') {
          reads.set(process, { at, positive: doneUp!, negative: doneDown! })
          continue
        }
        const read = reads.get(process)!
        reads.delete(process)
        if (type !== 'ok') continue
        readCount++
        const value = amountOf(operation.value)
        if (value === undefined) throw new TrialError('input', `operation ${operation.index}: a counter is read as a whole number.`)
        const [lowest, highest] = [plus(read.positive, begunDown!), plus(begunUp!, read.negative)]
        if (value >= lowest && value <= highest) continue
        found.add('counter-out-of-bounds', () => ({
          title: `The counter was read as ${value}, and can only have been ${lowest === highest ? lowest : `${lowest} to ${highest}`}.`,
          evidence: { value: amountJson(value), lowest: amountJson(lowest), highest: amountJson(highest), read: operation.index },
          steps: [
            { text: 'The read begins.', operation: history[read.at]!.index, time: history[read.at]!.time },
            { text: `It is answered with ${value}.`, operation: operation.index, time: operation.time },
          ],
          contradiction: value < lowest ? `Additions that were acknowledged before the read began make at least ${lowest}.` : `All additions begun before the answer make at most ${highest}.`,
        }))
      } else throw unknownFunction(operation, 'counter', ['add', 'read'])
    }
    return found.result(readCount === 0 ? 'The counter was never read.' : undefined)
  },
}
