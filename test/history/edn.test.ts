/**
 * Jepsen's EDN: every shape in which it is written, every value without loss, every mistake by its line. Reading does not
 * depend on where the chunks end.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TrialError } from '../../src/base/trial-error.ts'
import { formatEdn, formatEdnOperation } from '../../src/history/edn-format.ts'
import { parseHistory } from '../../src/history/history-reader.ts'
import { formatHistory } from '../../src/history/json-lines.ts'
import type { Json } from '../../src/history/operation.ts'
import { MAX_VALUE_DEPTH } from '../../src/history/validate.ts'

const op = (value: string, rest = ''): string => `{:index 0, :time 0, :process 0, :type :invoke, :f :read, :value ${value}${rest}}`

function valueOf(text: string): Json {
  const [operation] = parseHistory(op(text))
  return operation!.value
}

function refusal(text: string): string {
  try {
    parseHistory(text, { format: 'edn' })
  } catch (error) {
    expect(error).toBeInstanceOf(TrialError)
    expect((error as TrialError).code).toBe('input')
    return (error as TrialError).message
  }
  return 'accepted'
}

const LINES = [
  '{:type :invoke, :f :txn, :value [[:append 3 1] [:r 3 nil]], :process 0, :time 12345678901234, :index 0}',
  '{:type :info, :f :start-partition, :value [:isolated {"n1" #{"n3" "n2"}}], :process :nemesis, :time 12345678901235, :index 1}',
  '{:type :ok, :f :txn, :value [[:append 3 1] [:r 3 [1 2]]], :process 0, :time 12345678901236, :index 2, :error [:timeout "x"], :node "n1"}',
]
const OPERATIONS = [
  { index: 0, time: 12345678901234, process: 0, type: 'invoke', f: 'txn', value: [['append', 3, 1], ['r', 3, null]] },
  { index: 1, time: 12345678901235, process: 'nemesis', type: 'info', f: 'start-partition', value: ['~:isolated', { n1: { '~#set': ['n2', 'n3'] } }] },
  { index: 2, time: 12345678901236, process: 0, type: 'ok', f: 'txn', value: [['append', 3, 1], ['r', 3, [1, 2]]], error: ['~:timeout', 'x'], node: 'n1' },
]

describe('a history in EDN', () => {
  it.each([
    ['one map a line', LINES.join('\n')],
    ['a vector', `[${LINES.join('\n ')}]\n`],
    ['a list', `(${LINES.join('\n')})`],
    ['records of Jepsen', LINES.map(line => `#jepsen.history.Op${line}`).join('\n')],
    ['all on one line', `[${LINES.join(' ')}]`],
    ['comments and discarded forms', `; recorded by hand\n[${LINES[0]} ; first\n #_{:not [an operation]} ${LINES[1]}\n#_ #_ 1 2 ${LINES[2]}]\n;; the end`],
    ['a byte order mark and carriage returns', `\uFEFF${LINES.join('\r\n')}\r\n`],
    ['fields over several lines', LINES.join('\n').replaceAll(', ', ',\n   ')],
  ])('may be %s', (_, text) => {
    expect(parseHistory(text)).toEqual(OPERATIONS)
  })

  it('is the same whatever the chunks', () => {
    const text = `; a\n[${LINES.join('\n ;b\n#_[1 "]"] ')}]\n`
    for (const chunk of [1, 2, 3, 7, 50, 1000]) expect(parseHistory(text, { chunk })).toEqual(OPERATIONS)
  })

  it('may lack index and time, as those of Knossos do', () => {
    const parsed = parseHistory('[{:process 4, :type :invoke, :f :write, :value 2}\n {:process 4, :type :ok, :f :write, :value 2}]')
    expect(parsed.map(({ index, time }) => [index, time])).toEqual([[0, 0], [1, 0]])
  })

  it('may be empty', () => {
    for (const text of ['[]', '()', '; nothing\n', '[ #_{:a 1} ]']) expect(parseHistory(text)).toEqual([])
  })

  it('keeps unknown fields, even those with odd names', () => {
    const [operation] = parseHistory(op('nil', ', :jepsen/extra 1, :__proto__ {:type :ok}, :constructor 2'))
    expect(operation!.type).toBe('invoke')
    expect(Object.keys(operation!)).toEqual(['index', 'time', 'process', 'type', 'f', 'value', 'jepsen/extra', '__proto__', 'constructor'])
  })
})

describe('values', () => {
  it.each<[string, Json]>([
    ['nil', null], ['true', true], ['-7', -7], ['+7', 7], ['-0', 0], ['0', 0], ['7N', 7], ['1.5', 1.5], ['-1e3', -1000], ['1.', 1], ['2.50M', '~f2.50M'], ['0x1F', 31],
    ['9007199254740991', 9007199254740991], ['9007199254740993', '~n9007199254740993'], ['123456789012345678901234567890', '~n123456789012345678901234567890'],
    ['-9007199254740993N', '~n-9007199254740993'], ['2/4', '~r1/2'], ['4/2', 2], ['-1/3', '~r-1/3'], ['9007199254740993.0', '~f9007199254740993.0'], ['1e999', '~f1e999'],
    ['##NaN', '~zNaN'], ['##-Inf', '~z-Inf'], [':ok', '~:ok'], [':a/b.c', '~:a/b.c'], [':append', 'append'], ['"append"', '~=append'], ['"a"', 'a'], ['"~a"', '~~a'], ['sym/bol', '~$sym/bol'], ['-', '~$-'],
    ['"a\\n\\"\\\\\\u00e9\\t"', 'a\n"\\é\t'], ['"Größe 😀"', 'Größe 😀'], ['\\a', '~ca'], ['\\newline', '~cnewline'], ['\\(', '~c('], ['\\é', '~cé'],
    ['[]', []], ['(1 2)', [1, 2]], ['[1,2,,3]', [1, 2, 3]], ['[1 2 3 4 5 6]', [1, 2, 3, 4, 5, 6]], ['#{3 1 2}', { '~#set': [1, 2, 3] }], ['#{:b "b" [1] 2}', { '~#set': [2, 'b', '~:b', [1]] }],
    ['{0 [[0 1]], "orders-0" 2, :x 3}', { '0': [[0, 1]], 'orders-0': 2, '~:x': 3 }], ['{[1 2] 3, nil 4}', { '~#cmap': [null, 4, [1, 2], 3] }], ['#:a{:b 1, :c/d 2}', { '~:a/b': 1, '~:c/d': 2 }],
    ['#inst "2020-01-01T00:00:00Z"', '~t2020-01-01T00:00:00Z'], ['#uuid "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"', '~uf81d4fae-7dec-11d0-a765-00a0c91e6bf6'],
    ['#object[java.lang.Thread 0x10 "x"]', { '~#object': ['~$java.lang.Thread', 16, 'x'] }],
  ])('%s', (text, value) => {
    expect(valueOf(text)).toEqual(value)
    // And back: the text may differ, the value may not.
    expect(valueOf(formatEdn(value))).toEqual(value)
  })

  it('that are equal sets or maps are equal values', () => {
    expect(JSON.stringify(valueOf('#{[1 2] {:b 1 :a 2} "x"}'))).toBe(JSON.stringify(valueOf('#{"x" {:b 1 :a 2} [1 2]}')))
    expect(JSON.stringify(valueOf('{[1] 1 [0] 2}'))).toBe(JSON.stringify(valueOf('{[0] 2 [1] 1}')))
  })

  it('survive the way to JSON Lines, to EDN and back', () => {
    const text = LINES.join('\n')
    const jsonl = [...formatHistory(parseHistory(text))].join('')
    expect(parseHistory(jsonl)).toEqual(OPERATIONS)
    const edn = parseHistory(jsonl).map(formatEdnOperation).join('\n')
    expect(parseHistory(edn)).toEqual(OPERATIONS)
    expect(edn.split('\n')[0]).toBe('{:index 0, :time 12345678901234, :process 0, :type :invoke, :f :txn, :value [[:append 3 1] [:r 3 nil]]}')
    expect(edn).toContain(':value [:isolated {"n1" #{"n2" "n3"}}]')
    expect(edn).toContain(':error [:timeout "x"], :node "n1"')
  })

  it('of any kind survive as EDN, whatever the text in them', () => {
    const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 8 }), fc.constantFrom('~:a', '~:a b', '~n12', '~nx', '~$x y', '~~', '~', '~zNaN', '~c ', '~#set', 'append', '~=append', '"', '\\'))
    const json = fc.letrec(tie => ({
      value: fc.oneof({ maxDepth: 4 }, fc.constant(null), fc.boolean(), fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }).map(x => x + 0), text, fc.array(tie('value'), { maxLength: 4 }), fc.dictionary(text.filter(key => !key.startsWith('~')), tie('value'), { maxKeys: 3 })),
    })).value
    fc.assert(fc.property(json, value => {
      const once = valueOf(formatEdn(value as Json))
      expect(valueOf(formatEdn(once))).toEqual(once)
      if (!/["[,:]~/.test(JSON.stringify([value]))) expect(JSON.stringify(once)).toBe(JSON.stringify(value))
    }), { numRuns: 500, seed: 7 })
  })
})

describe('refusals', () => {
  it.each([
    ['a form that is cut off', `${LINES[0]}\n${LINES[2]!.slice(0, -9)}`, 'line 2: it ends in the middle of an operation'],
    ['a vector that is cut off', `[${LINES[0]}\n`, "line 2: it ends before its closing ']'"],
    ['something after the vector', `[${LINES[0]}]\n${LINES[1]}`, "line 2: '{:type :info"],
    ['a wrong bracket', op('[1 2}'), 'line 1: not EDN: }'],
    ['what is no map', '[1 2]', 'line 1: not an operation, a map is expected: 1 2]'],
    ['a field twice', op('1', ', :value 2'), 'line 1: :value occurs twice'],
    ['a key twice', op('{:a 1 :a 2}'), "line 1: the key '~:a' occurs twice in one map"],
    ['a string and a number as one key', op('{0 1 "0" 2}'), "line 1: the key '0' occurs twice in one map"],
    ['an element twice', op('#{1 1}'), 'line 1: an element occurs twice in one set'],
    ['a key without a value', op('{nil}'), 'line 1: a map has a key without a value'],
    ['a number that Clojure reads otherwise', op('017'), "line 1: '017' is no number"],
    ['a number with letters', op('12ab'), "line 1: '12ab' is no number"],
    ['a fraction of nothing', op('1/0'), "line 1: '1/0' is no number"],
    ['an unknown escape', op('"\\q"'), 'line 1: there is no escape \\q'],
    ['an unknown character', op('\\abc'), 'line 1: there is no character \\abc'],
    ['a reader macro', op("'a"), "line 1: not EDN: 'a}"],
    ['an unknown type', op('1').replace(':invoke', ':done'), 'line 1: type is not one of'],
    ['a process of that name', op('1').replace(':process 0', ':process :client'), 'line 1: process is neither'],
    ['an operation that was never invoked', '\n\n' + op('1').replace(':invoke', ':ok'), 'line 3: process 0 completes read that it never invoked'],
    ['time that goes back', `${LINES[2]!.replace(':ok', ':invoke').replace(':index 2', ':index 0')}\n${LINES[0]!.replace(':index 0', ':index 1').replace(':process 0', ':process 1')}`, 'line 2: time goes backwards'],
  ])('%s', (_, text, expected) => {
    expect(refusal(text)).toContain(expected)
  })

  it('of values that are too deep, without running out of stack', () => {
    const nested = (depth: number): string => op(`${'['.repeat(depth)}${']'.repeat(depth)}`)
    expect(refusal(nested(MAX_VALUE_DEPTH - 1))).toBe('accepted')
    expect(refusal(nested(MAX_VALUE_DEPTH))).toContain('nested more than')
    for (const open of ['[', '(', '{:a ', '#{', '#a ', '#_[', '{[', '#_ ']) expect(refusal(op(open.repeat(100_000))), open).toMatch(/nested more than|ends in the middle/)
    expect(refusal('['.repeat(100_000))).toContain('not an operation')
  })

  it('of bytes that are no UTF-8, wherever they are', () => {
    const bytes = (hex: string): Uint8Array => Buffer.concat([Buffer.from(`${LINES[0]}\n{:index 1, :time 99999999999999, :process 1, :type :invoke, :f :read, :value "`), Buffer.from(hex, 'hex'), Buffer.from('"}')])
    expect(parseHistory(bytes('c3a9'))[1]!.value).toBe('é')
    for (const hex of ['c3', 'ff', 'eda080', 'c0af', 'f5808080']) expect(() => parseHistory(bytes(hex)), hex).toThrow('line 2: not UTF-8')
    expect(() => parseHistory(Buffer.from(op('é'), 'latin1'))).toThrow('not UTF-8')
  })
})
