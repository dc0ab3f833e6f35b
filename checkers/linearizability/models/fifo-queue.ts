/** `enqueue v`; `dequeue` answers the oldest element, or null when there is none. */
import { PlainEncoding } from '../encoding.ts'
import { canonicalText } from '../model.ts'
import { queueMonitor } from '../monitors/queue-monitor.ts'
import type { ShippedModel } from '../shipped-model.ts'
import type { Json } from '../../../src/history/operation.ts'

const FUNCTIONS = ['enqueue', 'dequeue']

export const fifoQueue: ShippedModel<readonly string[]> = {
  name: 'fifo-queue',
  describes: 'a queue in order: enqueue, dequeue',
  functions: FUNCTIONS,
  /** Texts of the elements, oldest first. */
  init: [],
  step(state, { f, value }, output) {
    if (f === 'enqueue') return [true, [...state, canonicalText(value)]]
    const isRight = output === undefined || (output === null ? state.length === 0 : state[0] === canonicalText(output as Json))
    return [isRight, state.slice(1)]
  },
  changes: () => true,
  hash: state => state.join(' '),
  describeState: describeElements,
  encoding: () => new PlainEncoding(FUNCTIONS, ['enqueue'], ['dequeue']),
  monitor: (partition, until) => queueMonitor(partition, until, true),
}

export function describeElements(state: readonly string[]): string {
  return `[${state.slice(0, 20).join(' ')}${state.length > 20 ? ` ... ${state.length} elements` : ''}]`
}
