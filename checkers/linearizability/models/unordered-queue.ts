/** `enqueue v`; `dequeue` answers any element that is in, or null when there is none. */
import { PlainEncoding } from '../encoding.ts'
import { canonicalText } from '../model.ts'
import { queueMonitor } from '../monitors/queue-monitor.ts'
import type { ShippedModel } from '../shipped-model.ts'
import { describeElements } from './fifo-queue.ts'

const FUNCTIONS = ['enqueue', 'dequeue']

export const unorderedQueue: ShippedModel<readonly string[]> = {
  name: 'unordered-queue',
  describes: 'a bag: enqueue, dequeue in any order',
  functions: FUNCTIONS,
  /** Sorted texts of the elements. */
  init: [],
  step(state, call, output) {
    const [first] = unorderedQueue.branches!(state, call, output)
    return first === undefined ? [false, state] : [true, first as readonly string[]]
  },
  /** A dequeue whose answer was lost may have taken any element. */
  branches(state, { f, value }, output) {
    if (f === 'enqueue') return [[...state, canonicalText(value)].sort()]
    if (output === null) return state.length === 0 ? [state] : []
    if (output === undefined) return state.map((_, at) => state.toSpliced(at, 1))
    const at = state.indexOf(canonicalText(output))
    return at < 0 ? [] : [state.toSpliced(at, 1)]
  },
  changes: () => true,
  hash: state => state.join(' '),
  describeState: describeElements,
  encoding: () => new PlainEncoding(FUNCTIONS, ['enqueue'], ['dequeue']),
  monitor: (partition, until) => queueMonitor(partition, until, false),
}
