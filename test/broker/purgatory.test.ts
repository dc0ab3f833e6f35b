import { expect, test } from 'vitest'
import { Purgatory } from '../../src/broker/purgatory.ts'
import { FakeEnv } from '../storage/fake-env.ts'

function fixture() {
  const env = new FakeEnv()
  const purgatory = new Purgatory(env)
  const operation = { ready: false, completed: 0, isSatisfied: () => operation.ready, onComplete: () => void operation.completed++ }
  return { env, purgatory, operation }
}

test('completes at once when nothing is missing', () => {
  const { env, purgatory, operation } = fixture()
  operation.ready = true
  purgatory.completeElseWatch(operation, ['a'], 100)
  env.advance(200)
  expect([operation.completed, purgatory.watching('a')]).toEqual([1, 0])
})

test('waits for a change of any of its keys, then forgets them all', () => {
  const { env, purgatory, operation } = fixture()
  purgatory.completeElseWatch(operation, ['a', 'b'], 100)
  purgatory.checkAndComplete('a')
  operation.ready = true
  purgatory.checkAndComplete('c')
  expect(operation.completed).toBe(0)
  expect(purgatory.checkAndComplete('b')).toBe(1)
  env.advance(200)
  expect([operation.completed, purgatory.watching('a'), purgatory.watching('b')]).toEqual([1, 0, 0])
})

test('completes at its deadline', () => {
  const { env, purgatory, operation } = fixture()
  purgatory.completeElseWatch(operation, ['a'], 100)
  env.advance(99)
  expect(operation.completed).toBe(0)
  env.advance(1)
  operation.ready = true
  purgatory.checkAndComplete('a')
  expect(operation.completed).toBe(1)
})

test('a completion may park another operation under the same key', () => {
  const { purgatory, operation } = fixture()
  const first = { isSatisfied: () => operation.ready, onComplete: () => purgatory.completeElseWatch({ ...operation, isSatisfied: () => false }, ['a'], 100) }
  purgatory.completeElseWatch(first, ['a'], 100)
  operation.ready = true
  expect(purgatory.checkAndComplete('a')).toBe(1)
  expect(purgatory.watching('a')).toBe(1)
})
