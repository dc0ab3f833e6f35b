/** One wrong answer in a large right history is found by every engine, at its place; the right history beside it passes. */
import { describe, expect, it } from 'vitest'
import { appendLog, simulate, smallRegister, type SimulatedObject, uniqueRegister } from '../../../bench/checkers/simulated-clients.ts'
import { checkLinearizability } from '../../../checkers/linearizability/check-linearizability.ts'
import type { Engine } from '../../../checkers/linearizability/decide-partition.ts'
import { MODELS } from '../../../checkers/linearizability/models.ts'
import type { Json, Operation } from '../../../src/history/operation.ts'
import { faultOf, intervalsOf } from './brute-force.ts'

function queue(ordered: boolean): SimulatedObject {
  const inside: Json[] = []
  let given = 0
  return {
    next: random => (random.below(2) === 0 ? { f: 'enqueue', value: ++given } : { f: 'dequeue', value: null }),
    apply(f, value) {
      if (f === 'enqueue') {
        inside.push(value)
        return value
      }
      return (ordered || given % 2 === 0 ? inside.shift() : inside.pop()) ?? null
    },
    mayBeLost: f => f === 'enqueue',
  }
}

function set(): SimulatedObject {
  const elements: Json[] = []
  let given = 0
  return {
    next: random => (random.below(4) > 0 ? { f: 'add', value: ++given } : { f: 'read', value: null }),
    apply: (f, value) => (f === 'add' ? (elements.push(value), value) : elements.slice()),
    mayBeLost: f => f === 'add',
  }
}

function counter(): SimulatedObject {
  let sum = 0
  return { next: random => (random.below(2) === 0 ? { f: 'increment', value: null } : { f: 'read', value: null }), apply: f => (f === 'increment' ? (sum++, null) : sum), mayBeLost: f => f === 'increment' }
}

interface Planted {
  readonly model: string
  readonly object: () => SimulatedObject
  readonly operations: number
  readonly engines: readonly Engine[]
  /** Another answer to this completion, or undefined when it lends itself to none. */
  readonly spoil: (completion: Operation, earlier: readonly Operation[]) => Json | undefined
  /** Spoils of this kind may sit so that they are right. */
  readonly indeterminate: number
}

const earlierAnswer = (f: string, distance: number) => (completion: Operation, earlier: readonly Operation[]): Json | undefined => {
  if (completion.f !== f) return undefined
  return earlier.filter(one => one.f === f && one.type === 'ok').at(-distance)?.value
}

const PLANTED: readonly Planted[] = [
  { model: 'register', object: uniqueRegister, operations: 3_000, engines: ['monitor', 'search'], spoil: earlierAnswer('read', 40), indeterminate: 20 },
  { model: 'log', object: appendLog, operations: 3_000, engines: ['monitor'], spoil: earlierAnswer('end', 40), indeterminate: 20 },
  { model: 'cas-register', object: () => smallRegister(5, true), operations: 2_000, engines: ['search'], spoil: ({ f }) => (f === 'read' ? 77 : undefined), indeterminate: 0 },
  { model: 'fifo-queue', object: () => queue(true), operations: 1_000, engines: ['monitor'], spoil: earlierAnswer('dequeue', 30), indeterminate: 5 },
  { model: 'unordered-queue', object: () => queue(false), operations: 1_000, engines: ['monitor'], spoil: earlierAnswer('dequeue', 30), indeterminate: 5 },
  { model: 'set', object: set, operations: 400, engines: ['monitor'], spoil: earlierAnswer('read', 12), indeterminate: 5 },
  { model: 'counter', object: counter, operations: 2_000, engines: ['monitor'], spoil: earlierAnswer('read', 30), indeterminate: 5 },
]

describe('in large histories', () => {
  for (const { model: name, object, operations, engines, spoil, indeterminate } of PLANTED) {
    const model = MODELS[name]!
    const history = [...simulate({ object: object(), operations, clients: 5, seed: 11, indeterminate })]
    for (const engine of engines) {
      it(`${name}: ${engine} passes what is right`, () => {
        const result = checkLinearizability(history, { model, engine })
        expect(result.verdict).toBe('valid')
        for (const { order } of result.witness()) expect(faultOf(model, intervalsOf(history), order)).toBeUndefined()
      })

      it(`${name}: ${engine} finds one wrong answer at its place`, () => {
        let tried = 0
        for (let at = history.length - 1; at > 0 && tried < 5; at -= Math.floor(history.length / 7)) {
          const place = history.findLastIndex((one, i) => i <= at && one.type === 'ok' && spoil(one, history.slice(0, i)) !== undefined)
          if (place < 0) continue
          const wrong = history.with(place, { ...history[place]!, value: spoil(history[place]!, history.slice(0, place))! })
          const result = checkLinearizability(wrong, { model, engine })
          expect(result.verdict, `completion ${place}`).toBe('invalid')
          const [counterexample] = result.counterexamples
          const invoked = history.findLastIndex((one, i) => i < place && one.process === history[place]!.process && one.type === 'invoke')
          // A value out of a queue too early shows itself again when it comes out where it should.
          if (!name.includes('queue')) expect(counterexample!.impossible.index).toBe(invoked)
          else expect(counterexample!.impossible.index).toBeGreaterThanOrEqual(invoked)
          tried++
        }
        expect(tried).toBeGreaterThan(2)
      })
    }
  }
})
