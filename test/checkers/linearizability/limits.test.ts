/** Budgets, time limits, and input that means harm: a verdict or a TrialError, never a crash and never a wrong verdict. */
import { describe, expect, it } from 'vitest'
import { appendLog, independent, simulate, smallRegister, uniqueRegister } from '../../../bench/checkers/simulated-clients.ts'
import { checkLinearizability } from '../../../checkers/linearizability/check-linearizability.ts'
import { linearizabilityChecker } from '../../../checkers/linearizability/linearizability-checker.ts'
import { MODELS } from '../../../checkers/linearizability/models.ts'
import { guaranteesFor } from '../../../checkers/guarantees.ts'
import { TrialError } from '../../../src/base/trial-error.ts'
import type { Json, Operation } from '../../../src/history/operation.ts'
import { STRICT } from '../history-fixture.ts'
import { alone, historyOf, type Step } from './steps.ts'

const model = MODELS['cas-register']!
const register = MODELS['register']!
const context = { guarantees: guaranteesFor(STRICT), drained: true, logStart: {} }
const busy = [...simulate({ object: smallRegister(5, true), operations: 2_000, clients: 10, seed: 3, indeterminate: 20 })]

describe('a budget', () => {
  it('is used up at the same step every time, and says what was explored', () => {
    const results = [1, 2].map(() => checkLinearizability(busy, { model, budget: 500 }))
    expect(results[0]!.verdict).toBe('unknown')
    expect(results[0]!.exhausted).toBe('budget')
    expect(results[0]!.explored).toEqual(results[1]!.explored)
    expect(results[0]!.explored.stoppedAt!.explained).toBeGreaterThan(100)
    const checked = linearizabilityChecker(model, { budget: 500 }).check(busy, context)
    expect(checked.verdict).toBe('unknown')
    expect(checked.reason).toMatch(/^The budget was used up after \d+ steps: at best \d+ of \d+ completed operations were explained; \d+ configurations, 0 of 1 object decided\.$/)
  })

  it('is not needed by a monitor', () => {
    expect(checkLinearizability(simulate({ object: uniqueRegister(), operations: 1_000, clients: 5, seed: 1 }), { model: register, budget: 0 }).verdict).toBe('valid')
  })

  it('that ends in one key does not hide what is wrong in another', () => {
    const history = [...historyOf(...alone(0, 'write', ['a', 1]), ...alone(0, 'read', ['a', null], ['a', 2]))]
    const more = [...simulate({ object: independent(1, () => smallRegister(5, true)), operations: 2_000, clients: 10, seed: 3 })].map(one => ({ ...one, index: one.index + 4, time: one.time + 10_000, process: (one.process as number) + 1 }))
    const result = checkLinearizability([...history, ...more], { model, budget: 300, independent: true })
    expect(result).toMatchObject({ verdict: 'invalid', wrongPartitions: 1, counterexamples: [{ key: 'a' }] })
  })
})

describe('a time limit', () => {
  it('is looked at while a history is read and while it is searched', () => {
    let looks = 0
    const slow = [...simulate({ object: smallRegister(5, true), operations: 30_000, clients: 10, seed: 3 })]
    for (const after of [0, 1, 4, 6]) {
      looks = 0
      const result = checkLinearizability(slow, { model, deadline: () => looks++ >= after })
      expect(result.verdict).toBe('unknown')
      expect(result.exhausted).toBe('time')
      expect(looks).toBe(after + 1)
    }
    expect(checkLinearizability(slow, { model, deadline: () => false }).verdict).toBe('valid')
  })
})

describe('without a monitor', () => {
  it('no engine is taken for one', () => {
    expect(checkLinearizability(busy, { model, engine: 'monitor' })).toMatchObject({ verdict: 'unknown', exhausted: 'monitor' })
  })
})

function nested(depth: number): Json {
  let value: Json = 1
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { deep: value }
  return value
}

describe('hostile input', () => {
  it('deep values are refused where they are compared', () => {
    expect(() => checkLinearizability(historyOf(...alone(0, 'write', nested(100_000))), { model: register })).toThrow(TrialError)
    expect(checkLinearizability(historyOf(...alone(0, 'write', nested(40)), ...alone(0, 'read', null, nested(40))), { model: register }).verdict).toBe('valid')
  })

  it('numbers of any size keep their value', () => {
    for (const number of [2 ** 53 - 1, -(2 ** 53), 1e308, 5e-324, 0.1, -1, 2 ** 31, 2 ** 31 - 1, 2 ** 32]) {
      expect(checkLinearizability(historyOf(...alone(0, 'write', number), ...alone(0, 'read', null, number)), { model: register }).verdict, `${number}`).toBe('valid')
      expect(checkLinearizability(historyOf(...alone(0, 'write', number), ...alone(0, 'read', null, 7)), { model: register }).verdict, `${number}`).toBe('invalid')
      for (const f of ['end', 'fetch', 'append']) {
        const answer = f === 'end' ? number : f === 'append' ? [number, 1] : [number, [1]]
        expect(checkLinearizability(historyOf(...alone(0, f, f === 'fetch' ? number : f === 'append' ? 1 : null, answer)), { model: MODELS['log']! }).verdict, `${f} ${number}`).toBe('invalid')
      }
    }
  })

  it('answers of the wrong shape are wrong answers', () => {
    const shapes: readonly Json[] = [null, 1, 'x', [], {}, [null, null], [[], []], [0], [0, 1, 2], { length: 2 }, true]
    for (const shape of shapes) {
      for (const [name, f, value] of [['log', 'append', 1], ['log', 'fetch', 0], ['log', 'end', null], ['multi-register', 'txn', [['r', 'x', null]]], ['counter', 'read', null], ['set', 'read', null]] as const) {
        for (const engine of ['auto', 'search'] as const) {
          const { verdict } = checkLinearizability(historyOf(...alone(0, f, value as Json, shape)), { model: MODELS[name]!, engine })
          const empty = name === 'set' && (shape === null || (Array.isArray(shape) && shape.length === 0))
          expect(verdict, `${name} ${f} ${JSON.stringify(shape)} ${engine}`).toBe(empty ? 'valid' : 'invalid')
        }
      }
    }
  })

  it('keys and values named like what objects inherit', () => {
    for (const key of ['__proto__', 'constructor', 'toString', '']) {
      const history = historyOf(...alone(0, 'write', [key, key]), ...alone(0, 'read', [key, null], [key, key]), ...alone(0, 'read', ['other', null]))
      expect(checkLinearizability(history, { model: register, independent: true })).toMatchObject({ verdict: 'valid', explored: { partitions: 2 } })
    }
  })

  it('a million processes, each with one operation and all at once', () => {
    function* crowd(): Generator<Operation> {
      const count = 1_000_000
      let index = 0
      for (let process = 0; process < count; process++) yield { index, time: index++, process: process * 7_919, type: 'invoke', f: 'write', value: process }
      for (let process = 0; process < count; process++) yield { index, time: index++, process: process * 7_919, type: process % 2 === 0 ? 'ok' : 'info', f: 'write', value: process }
    }
    expect(checkLinearizability(crowd(), { model: register })).toMatchObject({ verdict: 'valid', operations: 1_000_000 })
  }, 120_000)

  it('what is no history is named', () => {
    const wrong: readonly (readonly [readonly Step[], RegExp])[] = [
      [[[0, 'ok', 'read', 1]], /process 0 completes read that it never invoked/],
      [[[0, 'invoke', 'read', null], [0, 'invoke', 'read', null]], /while another operation of it is open/],
      [[[0, 'invoke', 'read', null], [0, 'ok', 'write', null]], /what it invoked is read/],
      [[[0, 'invoke', 'push', null]], /has no operation 'push'/],
      [[[0, 'invoke', 'toString', null]], /has no operation 'toString'/],
    ]
    for (const [steps, message] of wrong) expect(() => checkLinearizability(historyOf(...steps), { model: register })).toThrow(message)
    expect(() => checkLinearizability(historyOf([0, 'invoke', 'read', 3]), { model: register, independent: true })).toThrow(/no \[key value\] tuple/)
  })
})

describe('many lost writes', () => {
  it('do not double the work each', () => {
    for (const [name, object] of [['log', appendLog], ['register', uniqueRegister]] as const) {
      for (const late of [false, true]) {
        const history = simulate({ object: object(), operations: 1_000, clients: 50, seed: 9, indeterminate: 100, late })
        expect(checkLinearizability(history, { model: MODELS[name]! }).verdict, name).toBe(late ? 'invalid' : 'valid')
      }
    }
    // Two hundred lost writes of one value, and of values that nobody reads, are as one and as none.
    const lost = Array.from({ length: 400 }, (_, i): readonly Step[] => [[i, 'invoke', 'write', i % 2 === 0 ? 'same' : `unread ${i}`], [i, 'info', 'write', null]]).flat()
    const reads = Array.from({ length: 20 }, (_, i) => [...alone(1_000, 'write', i % 3), ...alone(1_000, 'read', null, i % 4 === 0 ? 'same' : i % 3)]).flat()
    const result = checkLinearizability(historyOf(...lost, ...reads), { model: register })
    expect(result.verdict).toBe('valid')
    expect(result.explored.steps).toBeLessThan(1_000)
    const wrong = checkLinearizability(historyOf(...lost, ...reads, ...alone(1_000, 'read', null, 'nothing')), { model: register })
    expect(wrong.verdict).toBe('invalid')
    expect(wrong.explored.steps).toBeLessThan(5_000)
  })
})

describe('the checker', () => {
  it('tells what is wrong as a finding', () => {
    const history = historyOf(...alone(0, 'write', ['x', 1]), ...alone(0, 'write', ['x', 2]), ...alone(3, 'read', ['x', null], ['x', 1]), ...alone(3, 'read', ['y', null]))
    const result = linearizabilityChecker(register, { independent: true }).check(history, context)
    expect(result).toMatchObject({ checker: 'linearizable', verdict: 'invalid', counts: { nonlinearizable: 1 } })
    expect(result.findings).toHaveLength(1)
    expect(result.findings[0]).toMatchObject({
      anomaly: 'nonlinearizable', status: 'bad',
      title: 'The answer of "read -> 1" (process 3) on key "x" cannot be explained by any order.',
      evidence: { key: 'x', first: true, impossible: { index: 4 }, prefix: { length: 2, end: [0, 2] }, states: ['2'] },
    })
    expect(result.findings[0]!.steps.at(-1)).toEqual({ text: 'Process 3: read -> 1 returns, and no order explains it.', operation: 4 })
    expect(JSON.parse(JSON.stringify(result))).toEqual(result)
  })

  it('is silent of what is right', () => {
    expect(linearizabilityChecker(register).check(historyOf(...alone(0, 'write', 1), ...alone(0, 'read', null, 1)), context)).toMatchObject({ verdict: 'valid', findings: [], counts: {} })
  })
})
