/**
 * The digest of a history: the same after a journey through a file, another after any change, and of a fixed value, so that
 * it does not change between builds unnoticed.
 */
import { describe, expect, it } from 'vitest'
import { HistoryDigest, historyDigest } from '../../src/history/history-digest.ts'
import { parseHistory } from '../../src/history/history-reader.ts'
import { formatHistory } from '../../src/history/json-lines.ts'
import type { Json, Operation } from '../../src/history/operation.ts'
import { generateHistory } from '../checkers/kafka-log/generated-history.ts'

const OPERATION: Operation = { index: 3, time: 17, process: 2, type: 'ok', f: 'poll', value: [['poll', { 'orders-0': [[4, 'a']] }]], node: 'client-2' }
const ofValue = (value: Json): string => historyDigest([{ ...OPERATION, value }])

describe('the digest', () => {
  it('is 16 hexadecimal digits, of nothing too', () => {
    expect(historyDigest([])).toMatch(/^[0-9a-f]{16}$/)
    expect(historyDigest([OPERATION])).toMatch(/^[0-9a-f]{16}$/)
    expect(historyDigest([OPERATION])).not.toBe(historyDigest([]))
  })

  it('is what it has been', () => {
    expect(historyDigest([OPERATION])).toBe('c29f435c4263bfae')
  })

  it('survives a file', () => {
    const { operations } = generateHistory(3, 500)
    const odd: Operation[] = [{ ...OPERATION, index: 100_000, time: 1e12, process: 'nemesis', type: 'info', value: [-0, 1.5, 1e300, 2 ** 53, null, true, '\ud800', ''], error: 'x' }]
    const history = [...operations, ...odd]
    expect(historyDigest(parseHistory([...formatHistory(history)].join('')))).toBe(historyDigest(history))
  })

  it('does not depend on the order of fields, nor on fields that are undefined', () => {
    const { node, value, ...rest } = OPERATION
    expect(historyDigest([{ node, value, error: undefined, ...rest } as unknown as Operation])).toBe(historyDigest([OPERATION]))
    expect(ofValue({ a: 1, b: [2], c: 3 })).toBe(ofValue({ c: 3, b: [2], a: 1 }))
  })

  it('can be taken step by step', () => {
    const { operations } = generateHistory(4, 200)
    const digest = new HistoryDigest()
    const seen = new Set<string>([digest.hex])
    for (const operation of operations) {
      digest.add(operation)
      seen.add(digest.hex)
    }
    expect(digest.hex).toBe(historyDigest(operations))
    expect(seen.size).toBe(operations.length + 1)
  })

  it('changes with any field', () => {
    const changes: Partial<Operation>[] = [
      { index: 4 }, { time: 18 }, { process: 3 }, { process: 'nemesis' }, { type: 'info' }, { f: 'txn' }, { value: null }, { node: 'client-3' }, { error: '' }, { drain: true },
    ]
    const digests = [OPERATION, ...changes.map(change => ({ ...OPERATION, ...change }))].map(operation => historyDigest([operation]))
    expect(new Set(digests).size).toBe(digests.length)
  })

  it('tells apart values that look alike', () => {
    const values: Json[] = [
      null, false, true, 0, 1, -1, 4_294_967_296, 4_294_967_297, 1.5, '', '0', '1', 'null', 'true', '1.5', [], [null], [[]], [0], ['0'], {}, { a: null }, { a: [] }, ['a'], { a: 'a' }, ['a', 'a'],
      ['ab', 'c'], ['a', 'bc'], ['abc'], [[1], 2], [[1, 2]], [1, [2]], { a: { b: 1 } }, { a: 1, b: 1 }, { ab: 1 }, { b: 'a' },
    ]
    expect(new Set(values.map(ofValue)).size).toBe(values.length)
  })

  it('changes with the order of operations', () => {
    const other: Operation = { ...OPERATION, index: 4 }
    expect(historyDigest([OPERATION, other])).not.toBe(historyDigest([other, OPERATION]))
  })
})
