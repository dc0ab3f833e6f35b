/**
 * Histories as files: what is written comes back the same, whatever the sizes of the chunks; a malformed line is named by
 * number, with a hint.
 */
import { describe, expect, it } from 'vitest'
import { TrialError } from '../../src/base/trial-error.ts'
import { parseHistory } from '../../src/history/history-reader.ts'
import { formatHistory, formatOperation } from '../../src/history/json-lines.ts'
import type { History, Json, Operation } from '../../src/history/operation.ts'
import { MAX_VALUE_DEPTH } from '../../src/history/validate.ts'

const HISTORY: History = [
  { index: 0, time: 0, process: 0, type: 'invoke', f: 'send', value: [['send', 'orders-0', 'Größe \u2028 \ud83d\ude00']], node: 'client-1', producer: 'client-1', sequence: 0 },
  { index: 1, time: 5, process: 'nemesis', type: 'info', f: 'fault-start', value: { id: 1, text: 'broker 1 dies\n' } },
  { index: 2, time: 5, process: 0, type: 'info', f: 'send', value: [['send', 'orders-0', '\ud800 alone']], error: 'TIMED_OUT', node: 'client-1' },
  { index: 9, time: 1.5e15, process: 1, type: 'invoke', f: 'poll', value: null, drain: true },
]

const line = (fields: { readonly [key: string]: unknown }): string => JSON.stringify({ index: 0, time: 0, process: 0, type: 'invoke', f: 'send', value: null, ...fields })

/** The error, its hint included. */
function refusal(text: string): string {
  try {
    parseHistory(text)
  } catch (error) {
    expect(error).toBeInstanceOf(TrialError)
    expect((error as TrialError).code).toBe('input')
    return `${(error as TrialError).message} ${(error as TrialError).hint ?? ''}`
  }
  return 'accepted'
}

describe('writing and reading', () => {
  it('give the same history, extra fields included', () => {
    expect(parseHistory([...formatHistory(HISTORY)].join(''))).toEqual(HISTORY)
  })

  it('put the known fields first, then the others, one operation a line', () => {
    expect(formatOperation({ node: 'n', f: 'poll', type: 'invoke', value: null, process: 3, extra: [1], time: 2, index: 1 } as unknown as Operation))
      .toBe('{"index":1,"time":2,"process":3,"type":"invoke","f":"poll","value":null,"node":"n","extra":[1]}')
    expect([...formatHistory(HISTORY)].join('').split('\n')).toHaveLength(HISTORY.length + 1)
  })

  it('do not depend on the chunks', () => {
    const text = [...formatHistory(HISTORY)].join('')
    for (const chunk of [1, 2, 7, 64, text.length]) expect(parseHistory(text, { chunk })).toEqual(HISTORY)
  })

  it('write chunks of bounded size, and none for an empty history', () => {
    const many = Array.from({ length: 3_000 }, (_, index): Operation => ({ index, time: index, process: index, type: 'invoke', f: 'send', value: 'x'.repeat(50) }))
    const chunks = [...formatHistory(many)]
    expect(chunks.length).toBeGreaterThan(4)
    for (const chunk of chunks) {
      expect(chunk.endsWith('\n')).toBe(true)
      expect(chunk.length).toBeLessThan(70_000)
    }
    expect(parseHistory(chunks.join(''))).toEqual(many)
    expect([...formatHistory([])]).toEqual([])
    expect(parseHistory('')).toEqual([])
  })

  it('accept a byte order mark, carriage returns, blank lines and a missing last line break', () => {
    const text = `\uFEFF${line({})}\r\n\r\n   \n${line({ index: 1, process: 1 })}`
    expect(parseHistory(text).map(({ process }) => process)).toEqual([0, 1])
    expect(refusal(`${line({})}\n\uFEFF${line({ index: 1, process: 1 })}`)).toContain('line 2: not JSON')
  })

  it('number operations without an index, take an absent value for null, and an absent time for that before', () => {
    const parsed = parseHistory('{"time":0,"process":0,"type":"invoke","f":"poll"}\n\n{"time":1,"process":0,"type":"ok","f":"poll"}\n')
    expect(parsed.map(({ index, value }) => [index, value])).toEqual([[0, null], [1, null]])
    const untimed = parseHistory('{"process":0,"type":"invoke","f":"a"}\n{"time":7,"process":1,"type":"invoke","f":"a"}\n{"process":2,"type":"invoke","f":"a"}')
    expect(untimed.map(({ time }) => time)).toEqual([0, 7, 7])
  })

  it('keep a field named __proto__ a field', () => {
    const [operation] = parseHistory('{"index":0,"time":0,"process":0,"type":"invoke","f":"poll","value":null,"__proto__":{"type":"ok"}}')
    expect(operation!.type).toBe('invoke')
    expect(formatOperation(operation!)).toContain('"__proto__":{"type":"ok"}')
  })
})

describe('refusals', () => {
  it.each([
    ['text that is not JSON', `${line({})}\nnonsense`, 'line 2: not JSON: nonsense'],
    ['a line that is cut off', line({}).slice(0, -1), 'line 1: not JSON'],
    ['a list', '[1]', 'line 1: not an operation'],
    ['null', 'null', 'line 1: not an operation'],
    ['a number', '7', 'line 1: not an operation'],
    ['an index that is no integer', line({ index: 0.5 }), 'line 1: index is not an integer'],
    ['an index that is text', line({ index: '0' }), 'line 1: index is not an integer'],
    ['a time that is text', line({ time: '0' }), 'line 1: time is not a number'],
    ['a process that is a name', line({ process: 'client-1' }), 'line 1: process is neither'],
    ['a process that is a fraction', line({ process: 1.5 }), 'line 1: process is neither'],
    ['a field twice', line({}).replace('}', ',"type":"ok"}'), "line 1: 'type' occurs twice"],
    ['a key of a value twice', line({ value: 0 }).replace('"value":0', '"value":{"a":1,"a":2}'), "line 1: 'a' occurs twice in one object"],
    ['an unknown type', line({ type: 'done' }), 'line 1: type is not one of invoke, ok, fail, info'],
    ['an absent f', line({ f: undefined }), 'line 1: f is not a string'],
    ['what no history may contain', `${line({})}\n${line({ index: 1 })}`, 'line 2: process 0 invokes send while its send (index 0) is open'],
    ['time that runs backwards', `${line({ time: 5 })}\n${line({ index: 1, time: 4, process: 1 })}`, 'line 2: time goes backwards, from 5 to 4'],
  ])('%s', (_, text, expected) => {
    expect(refusal(text)).toContain(expected)
  })

  it('count blank lines, so that an editor finds the place', () => {
    expect(refusal(`\n\n${line({})}\n\n{`)).toContain('line 5:')
  })

  it('shorten a long line', () => {
    const told = refusal('x'.repeat(10_000))
    expect(told).toContain(`${'x'.repeat(60)}...`)
    expect(told.length).toBeLessThan(200)
  })

  it('of values that are too deep, whatever the field', () => {
    const nested = (depth: number): Json => (depth === 0 ? 1 : depth % 2 === 0 ? [nested(depth - 1)] : { a: nested(depth - 1) })
    expect(refusal(line({ value: nested(MAX_VALUE_DEPTH - 1) }))).toBe('accepted')
    expect(refusal(line({ value: nested(MAX_VALUE_DEPTH) }))).toContain('nested more than')
    expect(refusal(line({ extra: nested(MAX_VALUE_DEPTH) }))).toContain('nested more than')
    expect(refusal(`${'['.repeat(100_000)}${']'.repeat(100_000)}`)).toMatch(/line 1: not /)
  })
})
