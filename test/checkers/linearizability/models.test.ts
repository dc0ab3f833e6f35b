/** What each model allows and forbids, in the smallest histories; and a model of a user's own. */
import { describe, expect, it } from 'vitest'
import { checkLinearizability } from '../../../checkers/linearizability/check-linearizability.ts'
import { type Model, sameValue } from '../../../checkers/linearizability/model.ts'
import { MODELS } from '../../../checkers/linearizability/models.ts'
import type { Json } from '../../../src/history/operation.ts'
import { alone, historyOf, type Step } from './steps.ts'

type Example = readonly [says: string, verdict: 'valid' | 'invalid', steps: readonly Step[]]

const open = (process: number, f: string, value: Json): Step => [process, 'invoke', f, value]
const ok = (process: number, f: string, value: Json): Step => [process, 'ok', f, value]
const lost = (process: number, f: string, value: Json): readonly Step[] => [[process, 'invoke', f, value], [process, 'info', f, value]]
const failed = (process: number, f: string, value: Json): readonly Step[] => [[process, 'invoke', f, value], [process, 'fail', f, value]]

const EXAMPLES: { readonly [model: string]: readonly Example[] } = {
  register: [
    ['an unwritten register holds null', 'valid', alone(0, 'read', null)],
    ['a write is seen after it', 'valid', [...alone(0, 'write', 1), ...alone(1, 'read', null, 1)]],
    ['a stale read', 'invalid', [...alone(0, 'write', 1), ...alone(0, 'write', 2), ...alone(1, 'read', null, 1)]],
    ['a read beside a write may see either', 'valid', [open(0, 'write', 1), ...alone(1, 'read', null, null), ...alone(1, 'read', null, 1), ok(0, 'write', 1)]],
    ['but not the new value and then the old', 'invalid', [open(0, 'write', 1), ...alone(1, 'read', null, 1), ...alone(1, 'read', null, null), ok(0, 'write', 1)]],
    ['a lost write may show late', 'valid', [...lost(0, 'write', 1), ...alone(1, 'write', 2), ...alone(1, 'read', null, 2), ...alone(1, 'read', null, 1)]],
    ['and only once', 'invalid', [...lost(0, 'write', 1), ...alone(1, 'write', 2), ...alone(1, 'read', null, 1), ...alone(1, 'read', null, 2), ...alone(1, 'read', null, 1)]],
    ['a failed write shows never', 'invalid', [...failed(0, 'write', 1), ...alone(1, 'read', null, 1)]],
    ['a value before its write', 'invalid', [...alone(1, 'read', null, 1), ...alone(0, 'write', 1)]],
    ['null may be written', 'valid', [...alone(0, 'write', 1), ...alone(0, 'write', null), ...alone(1, 'read', null, null)]],
    ['values are compared by what they hold', 'valid', [...alone(0, 'write', { a: 1, b: 2 }), ...alone(1, 'read', null, { b: 2, a: 1 })]],
    ['1 is not "1"', 'invalid', [...alone(0, 'write', 1), ...alone(1, 'read', null, '1')]],
  ],
  'cas-register': [
    ['swaps what is there', 'valid', [...alone(0, 'write', 1), ...alone(0, 'cas', [1, 2]), ...alone(1, 'read', null, 2)]],
    ['nothing else', 'invalid', [...alone(0, 'write', 1), ...alone(0, 'cas', [3, 2])]],
    ['a refused one says nothing', 'valid', [...alone(0, 'write', 1), ...failed(0, 'cas', [1, 2]), ...alone(1, 'read', null, 1)]],
    ['a lost one may have swapped', 'valid', [...alone(0, 'write', 1), ...lost(0, 'cas', [1, 2]), ...alone(1, 'read', null, 2)]],
    ['lost ones follow each other', 'valid', [...lost(0, 'cas', [2, 3]), ...lost(1, 'cas', [1, 2]), ...alone(2, 'write', 1), ...alone(2, 'read', null, 3)]],
    ['a lost one swaps only what is there', 'invalid', [...alone(0, 'write', 1), ...lost(0, 'cas', [5, 2]), ...alone(1, 'read', null, 2)]],
  ],
  'multi-register': [
    ['reads and writes at once', 'valid', [...alone(0, 'txn', [['w', 'x', 1], ['w', 'y', 1]]), ...alone(1, 'txn', [['r', 'x', null], ['r', 'y', null]], [['r', 'x', 1], ['r', 'y', 1]])]],
    ['a torn read', 'invalid', [...alone(0, 'txn', [['w', 'x', 1], ['w', 'y', 1]]), ...alone(1, 'txn', [['r', 'x', null], ['r', 'y', null]], [['r', 'x', 1], ['r', 'y', null]])]],
    ['a key named __proto__', 'invalid', [...alone(0, 'txn', [['w', '__proto__', 1]]), ...alone(1, 'txn', [['r', '__proto__', null]], [['r', '__proto__', 2]])]],
  ],
  counter: [
    ['adds up', 'valid', [...alone(0, 'add', 1), ...alone(0, 'add', 1), ...alone(1, 'read', null, 2)]],
    ['loses nothing', 'invalid', [...alone(0, 'add', 1), ...alone(0, 'add', 1), ...alone(1, 'read', null, 1)]],
    ['different steps', 'valid', [...alone(0, 'increment', 5), ...alone(0, 'decrement', 2), ...alone(1, 'read', null, 3)]],
  ],
  set: [
    ['shows all', 'valid', [...alone(0, 'add', 1), ...alone(0, 'add', 2), ...alone(1, 'read', null, [2, 1])]],
    ['a lost element', 'invalid', [...alone(0, 'add', 1), ...alone(0, 'add', 2), ...alone(1, 'read', null, [2])]],
    ['an element twice', 'invalid', [...alone(0, 'add', 1), ...alone(1, 'read', null, [1, 1])]],
    ['removed', 'valid', [...alone(0, 'add', 1), ...alone(0, 'remove', 1), ...alone(1, 'read', null, [])]],
    ['asked for one', 'invalid', [...alone(0, 'add', 1), ...alone(1, 'contains', 1, false)]],
  ],
  'fifo-queue': [
    ['first in, first out', 'valid', [...alone(0, 'enqueue', 1), ...alone(0, 'enqueue', 2), ...alone(1, 'dequeue', null, 1), ...alone(1, 'dequeue', null, 2), ...alone(1, 'dequeue', null)]],
    ['last out first', 'invalid', [...alone(0, 'enqueue', 1), ...alone(0, 'enqueue', 2), ...alone(1, 'dequeue', null, 2)]],
    ['twice out', 'invalid', [...alone(0, 'enqueue', 1), ...alone(1, 'dequeue', null, 1), ...alone(1, 'dequeue', null, 1)]],
    ['a lost dequeue may have taken it', 'valid', [...alone(0, 'enqueue', 1), ...alone(0, 'enqueue', 2), ...lost(2, 'dequeue', null), ...alone(1, 'dequeue', null, 2)]],
    ['never empty, since one is in until another is', 'invalid', [...alone(0, 'enqueue', 1), open(1, 'dequeue', null), ...alone(0, 'enqueue', 2), ...alone(2, 'dequeue', null, 1), ok(1, 'dequeue', null)]],
    ['empty while something must be in', 'invalid', [...alone(0, 'enqueue', 1), ...alone(1, 'dequeue', null), ...alone(1, 'dequeue', null, 1)]],
  ],
  'unordered-queue': [
    ['any order', 'valid', [...alone(0, 'enqueue', 1), ...alone(0, 'enqueue', 2), ...alone(1, 'dequeue', null, 2), ...alone(1, 'dequeue', null, 1)]],
    ['nothing invented', 'invalid', [...alone(0, 'enqueue', 1), ...alone(1, 'dequeue', null, 2)]],
    ['one lost dequeue explains one missing element', 'valid', [...alone(0, 'enqueue', 1), ...lost(2, 'dequeue', null), ...alone(1, 'dequeue', null)]],
    ['not two', 'invalid', [...alone(0, 'enqueue', 1), ...alone(0, 'enqueue', 2), ...lost(2, 'dequeue', null), ...alone(1, 'dequeue', null)]],
  ],
  mutex: [
    ['one at a time', 'valid', [...alone(0, 'acquire', null), ...alone(0, 'release', null), ...alone(1, 'acquire', null)]],
    ['two at a time', 'invalid', [...alone(0, 'acquire', null), ...alone(1, 'acquire', null)]],
    ['a lost release frees it', 'valid', [...alone(0, 'acquire', null), ...lost(0, 'release', null), ...alone(1, 'acquire', null)]],
  ],
  log: [
    ['offsets count up', 'valid', [...alone(0, 'append', 'a', [0, 'a']), ...alone(0, 'append', 'b', [1, 'b']), ...alone(1, 'fetch', 0, [0, ['a', 'b']]), ...alone(1, 'end', null, 2)]],
    ['a fetch may stop early', 'valid', [...alone(0, 'append', 'a', [0, 'a']), ...alone(0, 'append', 'b', [1, 'b']), ...alone(1, 'fetch', 0, [0, ['a']])]],
    ['but not find nothing where something is', 'invalid', [...alone(0, 'append', 'a', [0, 'a']), ...alone(1, 'fetch', 0, [0, []])]],
    ['an end that goes back', 'invalid', [...alone(0, 'append', 'a', [0, 'a']), ...alone(1, 'end', null, 0)]],
    ['an offset given twice', 'invalid', [...alone(0, 'append', 'a', [0, 'a']), ...alone(0, 'append', 'b', [0, 'b'])]],
    ['a gap that a lost append fills', 'valid', [...lost(1, 'append', 'x'), ...alone(0, 'append', 'b', [1, 'b']), ...alone(1, 'end', null, 2)]],
    ['a gap that nothing fills', 'invalid', [...alone(0, 'append', 'b', [1, 'b']), ...lost(1, 'append', 'x'), ...alone(2, 'end', null, 2)]],
    ['the value of another', 'invalid', [...alone(0, 'append', 'a', [0, 'b'])]],
  ],
  'unique-ids': [
    ['all new', 'valid', [...alone(0, 'generate', null, 1), ...alone(1, 'generate', null, 2)]],
    ['one twice', 'invalid', [...alone(0, 'generate', null, 1), ...alone(1, 'generate', null, 1)]],
  ],
  'committed-offset': [
    ['the last commit stands', 'valid', [...alone(0, 'commit', 5), ...alone(0, 'commit', 3), ...alone(1, 'fetch', null, 3)]],
    ['a commit that went back', 'invalid', [...alone(0, 'commit', 3), ...alone(0, 'commit', 5), ...alone(1, 'fetch', null, 3)]],
  ],
}

describe('the models', () => {
  it('are those of the table, by their names', () => {
    expect(Object.keys(MODELS).sort()).toEqual(Object.keys(EXAMPLES).sort())
    for (const [name, model] of Object.entries(MODELS)) expect(model.name).toBe(name)
    expect(MODELS['constructor']).toBeUndefined()
  })

  for (const [name, examples] of Object.entries(EXAMPLES)) {
    for (const [says, verdict, steps] of examples) {
      it(`${name}: ${says}`, () => {
        for (const engine of ['auto', 'search'] as const) expect(checkLinearizability(historyOf(...steps), { model: MODELS[name]!, engine }).verdict, engine).toBe(verdict)
      })
    }
  }

  it('log: a gap is known as soon as what is behind it returns', () => {
    const history = historyOf([1, 'invoke', 'append', 'c'], [0, 'invoke', 'append', 'b'], ok(0, 'append', [1, 'b']), ok(1, 'append', [2, 'c']))
    for (const engine of ['monitor', 'search'] as const) expect(checkLinearizability(history, { model: MODELS['log']!, engine }).counterexamples[0]!.impossible.index, engine).toBe(1)
  })

  it('may be of one\'s own', () => {
    const stack: Model<readonly Json[]> = {
      name: 'stack', describes: 'last in, first out', functions: ['push', 'pop'], init: [],
      step(state, { f, value }, output) {
        if (f === 'push') return [true, [...state, value]]
        if (state.length === 0) return [output === null, state]
        return [output === undefined || sameValue(output, state.at(-1)!), state.slice(0, -1)]
      },
    }
    const history = historyOf(...alone(0, 'push', 1), ...alone(0, 'push', 2), ...alone(1, 'pop', null, 2), ...alone(1, 'pop', null, 1))
    expect(checkLinearizability(history, { model: stack }).verdict).toBe('valid')
    const wrong = checkLinearizability(historyOf(...alone(0, 'push', 1), ...alone(0, 'push', 2), ...alone(1, 'pop', null, 1)), { model: stack })
    expect(wrong.counterexamples[0]).toMatchObject({ impossible: { text: 'pop -> 1' }, prefix: [0, 2], states: ['[1,2]'] })
  })

  it('may say which operations do not concern each other', () => {
    const { step, changes, functions } = MODELS['register']!
    const byProcessKey: Model = { name: 'by key', describes: '', functions, init: null, step: (state, { f, value }, output) => step(state, { f, value: (value as Json[])[1]! }, output), changes: changes!, partition: ({ value }) => (value as Json[])[0]! }
    const history = historyOf(...alone(0, 'write', ['a', 1]), ...alone(0, 'write', ['b', 2]), ...alone(1, 'read', ['a', null], 1), ...alone(1, 'read', ['b', null], 1))
    expect(checkLinearizability(history, { model: byProcessKey }).counterexamples.map(({ key }) => key)).toEqual(['b'])
  })
})

it('tells the first impossible operation also where the way to it must be sparing with lost operations', () => {
  // From 0 either lost operation leads to 1, from 2 only the write does: it must be kept.
  const history = historyOf(...alone(0, 'write', 0), open(1, 'write', 1), open(2, 'cas', [0, 1]), ...alone(0, 'read', null, 1), ...alone(0, 'write', 2), ...alone(0, 'read', null, 1), ...alone(0, 'read', null, 9))
  const { verdict, counterexamples } = checkLinearizability(history, { model: MODELS['cas-register']! })
  expect(verdict).toBe('invalid')
  expect(counterexamples).toMatchObject([{ first: true, impossible: { output: 9 }, prefix: [0, 3, 4, 6, 2, 8], states: ['1'] }])
})
