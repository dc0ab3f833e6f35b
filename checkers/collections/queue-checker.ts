/**
 * `total-queue`: what goes in must come out (Jepsen's `checker/total-queue`). Messages are counted, not ordered: `enqueue v`,
 * `dequeue` answered with v, `drain` answered with a list of messages. Meaningful only if the queue was emptied at the end.
 *
 *   lost        acknowledged more often than it came out
 *   unexpected  came out, and nobody had begun to enqueue it (or that definitely failed)
 *   duplicated  came out more often than anybody may have enqueued it; invalid unless `duplicates` are allowed
 *   recovered   came out although its enqueue was never acknowledged; fine
 *
 * Unlike Jepsen's, a duplicate makes a history invalid, a failed enqueue must not come out, and a loss that a dequeue of
 * unknown outcome may explain (it took the message, and its answer was lost) is undecided.
 */
import type { History, Json, Process } from '../../src/history/operation.ts'
import type { Checker, CheckContext, CheckResult, ExplanationStep } from '../contract.ts'
import { FindingCollector } from '../finding-collector.ts'
import { show } from '../show.ts'
import { elementsOf, unknownFunction, ValueTable } from './value-table.ts'

export interface QueueOptions {
  /** At-least-once delivery: a message may come out more than once. */
  readonly duplicates?: 'allowed' | 'forbidden'
}

interface Message {
  readonly value: Json
  /** Places in the history. */
  readonly attempts: number[]
  readonly acknowledged: number[]
  readonly failed: number[]
  readonly taken: number[]
}

export function queueChecker({ duplicates = 'forbidden' }: QueueOptions = {}): Checker {
  return {
    name: 'total-queue',
    describes: 'every message that went into a queue comes out, once',
    check(history: History, context: CheckContext): CheckResult {
      const found = new FindingCollector('total-queue', context.guarantees)
      const { messages, indeterminateTakes, crashedDrains } = readQueue(history)
      const step = (at: number, text: string): ExplanationStep => ({ text, operation: history[at]!.index, time: history[at]!.time })
      const missing: (() => void)[] = []
      let missingCount = 0
      for (const { value, attempts, acknowledged, failed, taken } of messages) {
        const name = show(value)
        const early = taken.filter((at, nth) => attempts[nth] !== undefined && attempts[nth] > at)
        if (attempts.length === 0 ? taken.length > 0 : early.length > 0) {
          found.add('unexpected-message', () => ({
            title: failed.length > 0 ? `Message ${name} came out although its enqueue failed.` : `Message ${name} came out before anybody had put it in.`,
            evidence: { message: value, taken: taken.map(at => history[at]!.index) },
            steps: [...failed.slice(0, 1).map(at => step(at, `The enqueue of ${name} definitely failed.`)), step((early[0] ?? taken[0])!, `${name} is taken out.`)],
            contradiction: 'A queue gives only what was put into it.',
          }))
        } else if (taken.length > attempts.length) {
          found.add('duplicate-message', () => ({
            title: `Message ${name} came out ${taken.length} times, and was put in at most ${attempts.length === 1 ? 'once' : `${attempts.length} times`}.`,
            evidence: { message: value, enqueued: attempts.map(at => history[at]!.index), taken: taken.map(at => history[at]!.index) },
            steps: [...attempts.slice(0, 2).map(at => step(at, `Somebody begins to enqueue ${name}.`)), ...taken.slice(0, 4).map(at => step(at, `${name} is taken out.`))],
            contradiction: 'What was taken out is no longer in the queue.',
          }), duplicates === 'allowed' ? 'never' : undefined)
        } else if (taken.length > acknowledged.length) {
          found.add('recovered-message', () => ({
            title: `Message ${name} came out although its enqueue was never acknowledged.`, evidence: { message: value },
            steps: [step(attempts[0]!, `Somebody begins to enqueue ${name}; the outcome is unknown.`), step(taken[0]!, `${name} is taken out.`)], contradiction: 'None: it was put in after all.',
          }))
        }
        const lost = acknowledged.length - taken.length
        if (lost <= 0) continue
        missingCount += lost
        missing.push(() => found.add('lost-message', () => ({
          title: `Message ${name} was lost.`, evidence: { message: value, acknowledged: acknowledged.map(at => history[at]!.index), taken: taken.map(at => history[at]!.index) },
          steps: [step(acknowledged[0]!, `The enqueue of ${name} is acknowledged.`)],
          contradiction: taken.length === 0 ? `${name} was acknowledged; however, it never came out.` : `${name} was acknowledged ${acknowledged.length} times; however, it came out only ${taken.length} times.`,
        })))
      }
      if (missingCount === 0) return found.result()
      if (!context.drained) return found.result(`${missingCount} messages did not come out, and the queue was not emptied.`)
      if (crashedDrains > 0) return found.result(`${missingCount} messages did not come out, but a drain of unknown outcome may have taken them.`)
      if (missingCount <= indeterminateTakes) return found.result(`${missingCount} messages did not come out, but ${indeterminateTakes} dequeues of unknown outcome may have taken them.`)
      for (const report of missing) report()
      return found.result()
    },
  }
}

function readQueue(history: History): { readonly messages: readonly Message[]; readonly indeterminateTakes: number; readonly crashedDrains: number } {
  const table = new ValueTable()
  const messages: Message[] = []
  const open = new Map<Process, number>()
  let [indeterminateTakes, crashedDrains] = [0, 0]
  const messageOf = (value: Json): Message => {
    const number = table.numberOf(value)
    return messages[number] ??= { value, attempts: [], acknowledged: [], failed: [], taken: [] }
  }
  for (let at = 0; at < history.length; at++) {
    const operation = history[at]!
    const { process, type, f, value } = operation
    if (process === 'nemesis') continue
    if (f !== 'enqueue' && f !== 'dequeue' && f !== 'drain') throw unknownFunction(operation, 'total-queue', ['enqueue', 'dequeue', 'drain'])
    if (type === 'invoke') {
      open.set(process, at)
      if (f === 'enqueue') messageOf(value)
      continue
    }
    const invoked = open.get(process)!
    open.delete(process)
    if (f === 'enqueue') {
      const message = messageOf(history[invoked]!.value)
      if (type === 'fail') message.failed.push(at)
      else message.attempts.push(invoked)
      if (type === 'ok') message.acknowledged.push(at)
    } else if (type === 'info') {
      if (f === 'drain') crashedDrains++
      else indeterminateTakes++
    } else if (type === 'ok') {
      for (const element of f === 'drain' ? elementsOf(operation) : value === null ? [] : [value]) messageOf(element).taken.push(at)
    }
  }
  for (const invoked of open.values()) {
    const { f, value } = history[invoked]!
    if (f === 'enqueue') messageOf(value).attempts.push(invoked)
    else if (f === 'drain') crashedDrains++
    else indeterminateTakes++
  }
  for (const { attempts } of messages) attempts.sort((a, b) => a - b)
  return { messages, indeterminateTakes, crashedDrains }
}
