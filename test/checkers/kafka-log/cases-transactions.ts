/**
 * Transactions that are not whole: torn-transaction and precommitted-read. Near misses show what is no tear: a failed
 * transaction, retention, a configuration that may lose records.
 */
import type { Json } from '../../../src/history/operation.ts'
import { type Cases, type HistoryBuilder, KEY } from '../history-fixture.ts'

const OTHER = 'orders-1'
const uncommitted = { isolation: 'read_uncommitted' } as const

/** One transaction that sends `a` to KEY and polls. */
function sendAndPoll(h: HistoryBuilder, type: 'ok' | 'fail' | 'info', polled: { [key: string]: Json }): HistoryBuilder {
  h.invoke(1, 'txn', [['send', KEY, 'a'], ['poll']])
  return h.complete(1, type, [['send', KEY, type === 'ok' ? [0, 'a'] : 'a'], ['poll', polled]])
}

export const TRANSACTION_CASES: Cases = {
  'torn-transaction': {
    shows: [
      { name: 'one record of two is not there', history: h => h.compound(1, 'ok', ['a', 0], ['b', 0, OTHER]).drain({ [KEY]: '0:a' }), counts: { 'torn-transaction': 1, 'unseen': 1 }, says: ['Of one transaction record a is in orders-0, and record b is not in orders-1.'] },
      { name: 'records of both are there, and one is passed over', history: h => h.compound(1, 'ok', ['a', 0], ['b', 0, OTHER]).send(2, 'c', 1, OTHER).drain({ [KEY]: '0:a', [OTHER]: '1:c' }), counts: { 'torn-transaction': 1, 'lost-write': 1 } },
    ],
    passes: [
      { name: 'both are there', history: h => h.compound(1, 'ok', ['a', 0], ['b', 0, OTHER]).drain({ [KEY]: '0:a', [OTHER]: '0:b' }) },
      { name: 'none is there: lost, not torn', history: h => h.compound(1, 'ok', ['a', 0], ['b', 0, OTHER]).drain({}), counts: { unseen: 2 } },
      { name: 'retention removed the other', history: h => h.compound(1, 'ok', ['a', 0], ['b', 0, OTHER]).drain({ [KEY]: '0:a' }), logStart: { [OTHER]: 1 } },
      { name: 'acks=1 may lose a part', history: h => h.compound(1, 'ok', ['a', 0], ['b', 0, OTHER]).drain({ [KEY]: '0:a' }), config: { acks: 1 }, counts: { 'torn-transaction': 1, 'unseen': 1 }, allowed: ['torn-transaction', 'unseen'] },
      { name: 'without a drain nothing is missing', history: h => h.compound(1, 'ok', ['a', 0], ['b', 0, OTHER]).poll(2, { [KEY]: '0:a' }), drained: false },
      { name: 'two transactions', history: h => h.send(1, 'a', 0).send(1, 'b', 0, OTHER).drain({ [KEY]: '0:a' }), counts: { unseen: 1 } },
      { name: 'what is read of a failed one was aborted', history: h => h.compound(1, 'fail', ['a', 0], ['b', 0, OTHER]).drain({ [KEY]: '0:a' }), counts: { 'aborted-read': 1 } },
    ],
    indeterminate: [
      { name: 'half of a transaction of unknown fate', history: h => h.compound(1, 'info', ['a', 0], ['b', 0, OTHER]).drain({ [KEY]: '0:a' }), counts: { 'torn-transaction': 1 } },
      { name: 'none of it is there', history: h => h.compound(1, 'info', ['a', 0], ['b', 0, OTHER]).drain({}) },
      { name: 'all of it is there', history: h => h.compound(1, 'info', ['a', 0], ['b', 0, OTHER]).drain({ [KEY]: '0:a', [OTHER]: '0:b' }) },
      { name: 'its other half may have lain below the log start', history: h => h.compound(1, 'info', ['a', 0], ['b', 0, OTHER]).drain({ [KEY]: '0:a' }), logStart: { [OTHER]: 1 } },
    ],
  },
  'precommitted-read': {
    shows: [
      { name: 'a transaction polls what it sent', history: h => sendAndPoll(h, 'ok', { [KEY]: [[0, 'a']] }), counts: { 'precommitted-read': 1 }, says: ['which it had itself sent'] },
    ],
    passes: [
      { name: 'another one polls it', history: h => sendAndPoll(h, 'ok', {}).poll(2, '0:a') },
      { name: 'the same client polls it in its next transaction', history: h => sendAndPoll(h, 'ok', {}).poll(1, '0:a') },
      { name: 'read_uncommitted sees open transactions', history: h => sendAndPoll(h, 'ok', { [KEY]: [[0, 'a']] }), config: uncommitted, counts: { 'precommitted-read': 1 }, allowed: ['precommitted-read'] },
    ],
    indeterminate: [
      { name: 'of unknown fate: it polled before anybody could know', history: h => sendAndPoll(h, 'info', { [KEY]: [[0, 'a']] }), counts: { 'precommitted-read': 1 } },
    ],
  },
}
