/**
 * Who answers whom: by process, whatever lies between, and by place in the list, whatever the indices say.
 */
import { expect, it } from 'vitest'
import type { History, OperationType } from '../../src/history/operation.ts'
import { pairOperations } from '../../src/history/pair.ts'

function history(text: string): History {
  return text.split(' ').map((word, place) => {
    const type = ({ '(': 'invoke', ')': 'ok', '!': 'fail', '?': 'info' } as const)[word.at(-1)!] as OperationType
    const process = word.startsWith('n') ? 'nemesis' as const : Number(word.slice(0, -1))
    return { index: 100 + place * 10, time: place, process, type, f: 'send', value: null }
  })
}

it.each([
  ['0( 0)', [1, 0]],
  ['0( 1( 1) 0)', [3, 2, 1, 0]],
  ['0( 0) 0( 0!', [1, 0, 3, 2]],
  ['0( 1( 0? 1?', [2, 3, 0, 1]],
  ['0( 1( 0)', [2, -1, 0]],
  ['0) 0( 0)', [-1, 2, 1]],
  ['0( n? 0) n?', [2, -1, 0, -1]],
  ['0( 0) 0)', [1, 0, -1]],
])('%s', (text, expected) => {
  expect([...pairOperations(history(text))]).toEqual(expected)
})

it('pairs nothing of an empty history', () => {
  expect(pairOperations([])).toHaveLength(0)
  expect([...pairOperations(history('7( 7)'))]).toEqual([1, 0])
})
