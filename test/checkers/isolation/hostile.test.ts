/**
 * Histories that no honest client records: a verdict or an error that says what is wrong and where, never a crash, and never
 * a wrong verdict.
 */
import { describe, expect, it } from 'vitest'
import { TrialError } from '../../../src/base/trial-error.ts'
import type { Json, Operation, OperationType } from '../../../src/history/operation.ts'
import { judge } from '../history-fixture.ts'
import { listOperations, registerOperations } from './transaction-fixture.ts'

type Event = readonly [process: number, type: OperationType, value: Json]

function operations(events: readonly Event[], f = 'txn'): Operation[] {
  return events.map(([process, type, value], index) => ({ index, time: index, process, type, f, value }))
}

/** Appends (or writes) one value to one key, and reads it back; then reads nothing, which is wrong. */
function pair(key: Json, value: Json, write: 'append' | 'w', read: Json): Operation[] {
  return operations([
    [1, 'invoke', [[write, key, value]]], [1, 'ok', [[write, key, value]]],
    [2, 'invoke', [['r', key, null]]], [2, 'ok', [['r', key, read]]],
  ])
}

const nested = (depth: number): Json => (depth === 0 ? 1 : [nested(depth - 1)])
const STRANGE: readonly (readonly [string, Json])[] = [
  ['__proto__', '__proto__'], ['constructor', 'constructor'], ['a text of a number', '1'], ['an empty text', ''], ['a huge integer', Number.MAX_SAFE_INTEGER],
  ['a negative one', -5], ['a fraction', 0.5], ['an infinite one', 1e308 * 10], ['a boolean', false], ['a list', [1, [2, 'a']]], ['an object', { b: 1, a: [null] }],
  ['an object with __proto__', JSON.parse('{"__proto__": 1}') as Json], ['a text like a composite value', 'json:[1]'], ['60 levels', nested(60)], ['a long text', 'x'.repeat(100_000)],
]

describe.each(STRANGE)('%s', (_, strange) => {
  it('may be a key', () => {
    expect(listOperations(pair(strange, 1, 'append', [1]))).toMatchObject({ verdict: 'valid', counts: {} })
    expect(listOperations(pair(strange, 1, 'append', []))).toMatchObject({ verdict: 'invalid', counts: { 'G-single-realtime': 1 } })
    expect(registerOperations(pair(strange, 1, 'w', 1)).verdict).toBe('valid')
    expect(registerOperations(pair(strange, 1, 'w', null)).counts).toEqual({ 'G-single-realtime': 1 })
  })

  it('may be a value', () => {
    expect(listOperations(pair('x', strange, 'append', [strange]))).toMatchObject({ verdict: 'valid', counts: {} })
    expect(listOperations(pair('x', strange, 'append', [])).counts).toEqual({ 'G-single-realtime': 1 })
    expect(registerOperations(pair('x', strange, 'w', strange)).verdict).toBe('valid')
    expect(registerOperations(pair('x', strange, 'w', null)).counts).toEqual({ 'G-single-realtime': 1 })
  })
})

describe('values of different types', () => {
  it('are different', () => {
    for (const [one, other] of [[1, '1'], ['json:[1]', [1]], [[1], [[1]]], [{ a: 1 }, { a: '1' }], [false, 'false']] as const) {
      expect(listOperations(pair('x', one as Json, 'append', [other as Json])).counts).toHaveProperty('garbage-read')
      expect(listOperations(pair(one as Json, 1, 'append', [1]).concat(operations([[3, 'invoke', [['r', other as Json, null]]], [3, 'ok', [['r', other as Json, []]]]]).map(operation => ({ ...operation, index: operation.index + 4 })))).verdict).toBe('valid')
    }
  })

  it('are the same if only the keys of an object change places', () => {
    expect(listOperations(pair('x', { a: 1, b: 2 }, 'append', [{ b: 2, a: 1 }])).verdict).toBe('valid')
  })
})

describe('what is no transaction', () => {
  const bad: readonly (readonly [string, readonly Event[], RegExp])[] = [
    ['no list', [[1, 'invoke', 7]], /operation 0 is no .*no list of micro-operations/],
    ['a list of something', [[1, 'invoke', [7]]], /operation 0 is no .*a list of two or three/],
    ['another micro-operation', [[1, 'invoke', [['cas', 'x', 1]]]], /there is a micro-operation "cas"/],
    ['no key', [[1, 'invoke', [['r', null, null]]]], /key/],
    ['another completion', [[1, 'invoke', [['r', 'x', null]]], [1, 'ok', [['r', 'y', null]]]], /operation 1 completes another transaction/],
    ['a longer completion', [[1, 'invoke', [['r', 'x', null]]], [1, 'ok', [['r', 'x', null], ['r', 'x', null]]]], /operation 1 completes another transaction/],
    ['two at once', [[1, 'invoke', [['r', 'x', null]]], [1, 'invoke', [['r', 'x', null]]]], /process 1 begins a transaction while another is open/],
    ['too deep', [[1, 'invoke', [['r', nested(1_000), null]]]], /nested more than 64/],
  ]
  it.each(bad)('%s: an error that says where', (_, events, says) => {
    for (const check of [listOperations, registerOperations]) {
      expect(() => check(operations(events))).toThrow(TrialError)
      expect(() => check(operations(events))).toThrow(says)
    }
  })

  it('a read of no list, or an append of nil', () => {
    expect(() => listOperations(operations([[1, 'invoke', [['r', 'x', null]]], [1, 'ok', [['r', 'x', 7]]]]))).toThrow(/operation 1 .*a read returns a list/)
    expect(() => listOperations(operations([[1, 'invoke', [['append', 'x', null]]]]))).toThrow(/an element is missing/)
    expect(() => registerOperations(operations([[1, 'invoke', [['w', 'x', null]]]]))).toThrow(/nil is written/)
  })

  it('none at all: unknown', () => {
    expect(listOperations([])).toMatchObject({ verdict: 'unknown', reason: 'There is no transaction in the history.' })
    expect(registerOperations(operations([[1, 'invoke', null]], 'read')).verdict).toBe('unknown')
  })

  it('a value written twice: unknown, and it says which', () => {
    const twice: readonly Event[] = [[1, 'invoke', [['append', 'x', 7]]], [1, 'ok', [['append', 'x', 7]]], [2, 'invoke', [['append', 'x', 7]]]]
    expect(listOperations(operations(twice))).toMatchObject({ verdict: 'unknown', findings: [] })
    expect(listOperations(operations(twice)).reason).toContain('7 was appended to x twice')
  })

  it('a poll of something else', () => {
    expect(() => judge(operations([[1, 'invoke', [['poll']]], [1, 'ok', [['poll', { x: [7] }]]]], 'poll'))).toThrow(/a poll of x returned something else/)
  })
})

it('100 000 processes that all begin before any ends: realtime order stays linear', () => {
  const count = 100_000
  const events: Event[] = []
  for (let round = 0; round < 2; round++) {
    for (let process = 0; process < count; process++) events.push([round * count + process, 'invoke', [['r', 'x', null]]])
    for (let process = 0; process < count; process++) events.push([round * count + process, 'ok', [['r', 'x', []]]])
  }
  expect(listOperations(operations(events)).verdict).toBe('valid')
})

it('a transaction of 3 000 micro-operations on one key', () => {
  const micros = Array.from({ length: 3_000 }, (_, i): Json => ['append', 'x', i])
  const all = Array.from({ length: 3_000 }, (_, i) => i)
  expect(listOperations(operations([[1, 'invoke', micros], [1, 'ok', micros], [2, 'invoke', [['r', 'x', null]]], [2, 'ok', [['r', 'x', all]]]])).verdict).toBe('valid')
})
