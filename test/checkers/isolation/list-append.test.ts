/**
 * What list-append histories show without a cycle: the smallest that shows each anomaly, near misses, transactions of unknown
 * fate. Counts are compared whole. Cycles of every kind are in `planted.test.ts`.
 */
import { describe, expect, it } from 'vitest'
import { lists, type Part, t, together } from './transaction-fixture.ts'

interface ListCase {
  readonly name: string
  readonly parts: readonly Part[]
  readonly counts: { readonly [anomaly: string]: number }
}

const SHOWS: { readonly [anomaly: string]: readonly ListCase[] } = {
  'G1a': [
    { name: 'of a transaction that failed', parts: [t('fail', 'append x 1'), t('ok', 'r x [1]')], counts: { G1a: 1 } },
    { name: 'in the middle of a list, with a dirty update', parts: [t('fail', 'append x 1'), t('ok', 'append x 2'), t('ok', 'r x [1 2]')], counts: { 'G1a': 1, 'dirty-update': 1 } },
    { name: 'by each reader', parts: [t('fail', 'append x 1'), together(t('ok', 'r x [1]'), t('ok', 'r x [1]'))], counts: { G1a: 2 } },
    { name: 'unknown fate is no failure', parts: [t('info', 'append x 1'), t('ok', 'r x [1]')], counts: {} },
    { name: 'nor is no answer', parts: [t('open', 'append x 1'), t('ok', 'r x [1]')], counts: {} },
    { name: 'the reader failed', parts: [t('fail', 'append x 1'), t('fail', 'r x [1]')], counts: {} },
  ],
  'G1b': [
    { name: 'of the first of two appends', parts: [together(t('ok', 'append x 1, append x 2'), t('ok', 'r x [1]'))], counts: { 'G1b': 1, 'G-single': 1 } },
    { name: 'by itself is right', parts: [t('ok', 'append x 1, r x [1], append x 2')], counts: {} },
    { name: 'the last is right', parts: [t('ok', 'append x 1, append x 2'), t('ok', 'r x [1 2]')], counts: {} },
    { name: 'appends to two keys', parts: [t('ok', 'append x 1, append y 2'), t('ok', 'r x [1]')], counts: {} },
    { name: 'of unknown fate, read in the middle', parts: [together(t('info', 'append x 1, append x 2'), t('ok', 'r x [1]'))], counts: { 'G1b': 1, 'G-single': 1 } },
  ],
  'internal': [
    { name: 'does not see its own append', parts: [t('ok', 'append x 1, r x []')], counts: { internal: 1 } },
    { name: 'reads two states', parts: [together(t('ok', 'append x 1'), t('ok', 'r x [], r x [1]'))], counts: { 'internal': 1, 'G-single': 1 } },
    { name: 'its append is not the last', parts: [together(t('ok', 'append x 1'), t('ok', 'append x 2, r x [2 1]'))], counts: { 'internal': 1, 'G1c': 1 } },
    { name: 'an append to a state that it did not know', parts: [t('ok', 'append x 1'), t('ok', 'append x 2, r x [1 2]')], counts: {} },
    { name: 'a read, an append, a read', parts: [t('ok', 'append x 1'), t('ok', 'r x [1], append x 2, append x 3, r x [1 2 3]')], counts: {} },
  ],
  'future-read': [
    { name: 'reads what it appends next', parts: [t('ok', 'r x [1], append x 1')], counts: { 'future-read': 1 } },
    { name: 'reads it afterwards', parts: [t('ok', 'append x 1, r x [1]')], counts: {} },
    { name: 'reads another', parts: [t('ok', 'append x 1'), t('ok', 'r x [1], append x 2')], counts: {} },
  ],
  'dirty-update': [
    { name: 'after a failed append', parts: [t('fail', 'append x 1'), t('ok', 'append x 2'), t('ok', 'r x [1 2]')], counts: { 'G1a': 1, 'dirty-update': 1 } },
    { name: 'with one of unknown fate between', parts: [t('fail', 'append x 1'), t('info', 'append x 2'), t('ok', 'append x 3'), t('ok', 'r x [1 2 3]')], counts: { 'G1a': 1, 'dirty-update': 1 } },
    { name: 'unknown fate is no failure', parts: [t('info', 'append x 1'), t('ok', 'append x 2'), t('ok', 'r x [1 2]')], counts: {} },
    { name: 'nothing was built on it', parts: [t('ok', 'append x 2'), t('fail', 'append x 1'), t('ok', 'r x [2 1]')], counts: { G1a: 1 } },
  ],
  'lost-update': [
    { name: 'both read nothing', parts: [together(t('ok', 'r x [], append x 1'), t('ok', 'r x [], append x 2'))], counts: { 'lost-update': 1, 'G2-item': 1 } },
    { name: 'and the order is known', parts: [together(t('ok', 'r x [], append x 1'), t('ok', 'r x [], append x 2')), t('ok', 'r x [1 2]')], counts: { 'lost-update': 1, 'G-single': 1 } },
    { name: 'one of them failed', parts: [together(t('fail', 'r x [], append x 1'), t('ok', 'r x [], append x 2'))], counts: {} },
    { name: 'one of them is of unknown fate', parts: [together(t('info', 'r x [], append x 1'), t('ok', 'r x [], append x 2'))], counts: {} },
    { name: 'one read what the other appended', parts: [together(t('ok', 'r x [], append x 1'), t('ok', 'r x [1], append x 2'))], counts: {} },
    { name: 'one appended before it read', parts: [together(t('ok', 'r x [], append x 1'), t('ok', 'append x 2, r x [1 2]'))], counts: {} },
    { name: 'they appended to other keys', parts: [together(t('ok', 'r x [], append y 1'), t('ok', 'r x [], append z 2'))], counts: {} },
  ],
  'duplicate-elements': [
    { name: 'one element twice', parts: [t('ok', 'append x 1'), t('ok', 'r x [1 1]')], counts: { 'duplicate-elements': 1 } },
    { name: 'with others between, and only in the longer read', parts: [t('ok', 'append x 1, append x 2'), t('ok', 'r x [1 2]'), t('ok', 'r x [1 2 1]')], counts: { 'duplicate-elements': 1, 'G1b': 1, 'G-single': 1 } },
    { name: 'the same in two lists', parts: [t('ok', 'append x 1, append y 1'), t('ok', 'r x [1], r y [1]')], counts: {} },
  ],
  'incompatible-order': [
    { name: 'neither begins with the other', parts: [together(t('ok', 'append x 1'), t('ok', 'append x 2')), together(t('ok', 'r x [1 2]'), t('ok', 'r x [2 1]'))], counts: { 'incompatible-order': 1 } },
    { name: 'a shorter one differs', parts: [together(t('ok', 'append x 1'), t('ok', 'append x 2')), together(t('ok', 'r x [2]'), t('ok', 'r x [1 2]'))], counts: { 'incompatible-order': 1 } },
    { name: 'the last read is longer than two that agree', parts: [together(t('ok', 'append x 1'), t('ok', 'append x 2'), t('ok', 'append x 3')), together(t('ok', 'r x [1]'), t('ok', 'r x [1 2]'), t('ok', 'r x [2 1 3]'))], counts: { 'incompatible-order': 1 } },
    { name: 'one begins with the other', parts: [together(t('ok', 'append x 1'), t('ok', 'append x 2'), t('ok', 'r x [1]'), t('ok', 'r x [1 2]'))], counts: {} },
    { name: 'the reader failed', parts: [together(t('ok', 'append x 1'), t('ok', 'append x 2')), together(t('ok', 'r x [1 2]'), t('fail', 'r x [2 1]'))], counts: {} },
    { name: 'the reader is of unknown fate', parts: [together(t('ok', 'append x 1'), t('ok', 'append x 2')), together(t('ok', 'r x [1 2]'), t('info', 'r x [2 1]'))], counts: {} },
  ],
  'garbage-read': [
    { name: 'a value that nobody appended', parts: [t('ok', 'append x 1'), t('ok', 'r x [1 7]')], counts: { 'garbage-read': 1 } },
    { name: 'to this key', parts: [t('ok', 'append y 7'), t('ok', 'r x [7]')], counts: { 'garbage-read': 1 } },
    { name: 'appended later, but appended', parts: [together(t('ok', 'r x [7]'), t('ok', 'append x 7'))], counts: {} },
  ],
}

describe.each(Object.keys(SHOWS))('%s', anomaly => {
  it.each(SHOWS[anomaly]!.map(one => [one.name, one] as const))('%s', (_, { parts, counts }) => {
    const result = lists(parts)
    expect(result.counts).toEqual(counts)
    expect(result.verdict).toBe(Object.keys(counts).length === 0 ? 'valid' : 'invalid')
    for (const { title, steps, contradiction } of result.findings) {
      expect(title).toMatch(/\.$/)
      expect(steps.length).toBeGreaterThan(0)
      expect(contradiction).toMatch(/however/)
    }
  })
})

describe('the required model', () => {
  const skew = [together(t('ok', 'r x [], append y 1'), t('ok', 'r y [], append x 1'))]

  it('decides what is bad, and the rest is still told', () => {
    expect(lists(skew)).toMatchObject({ verdict: 'invalid', counts: { 'G2-item': 1 }, bad: { 'G2-item': 1 }, ruledOut: { not: ['repeatable-read'] } })
    expect(lists(skew, { consistencyModel: 'snapshot-isolation' })).toMatchObject({ verdict: 'valid', counts: { 'G2-item': 1 }, bad: { 'G2-item': 0 }, ruledOut: { not: ['repeatable-read'] } })
    expect(lists(skew, { consistencyModel: 'snapshot-isolation' }).findings[0]).toMatchObject({ status: 'allowed', anomaly: 'G2-item' })
    expect(lists(skew, { consistencyModel: 'PL-2.99' }).verdict).toBe('invalid')
    expect(() => lists(skew, { consistencyModel: 'best-effort' })).toThrow(/no consistency model named best-effort/)
  })

  it('with sessions or real time forbids more', () => {
    const stale = [t('ok', 'append x 1', 1), t('ok', 'r x []', 1)]
    expect(lists(stale, { consistencyModel: 'serializable' }).verdict).toBe('valid')
    expect(lists(stale, { consistencyModel: 'strong-session-serializable' }).counts).toEqual({ 'G-single-process': 1 })
    expect(lists(stale, { consistencyModel: 'strong-session-serializable' }).verdict).toBe('invalid')
    const other = [t('ok', 'append x 1', 1), t('ok', 'r x []', 2)]
    expect(lists(other, { consistencyModel: 'strong-session-serializable' })).toMatchObject({ verdict: 'valid', counts: { 'G-single-realtime': 1 } })
    expect(lists(other).verdict).toBe('invalid')
  })
})

describe('an explanation', () => {
  it('says of each step why, and which contradicts the others', () => {
    const { findings } = lists([together(t('ok', 'append x 1, append y 1', 1), t('ok', 'r x [1], r y []', 2)), t('ok', 'r y [1]')])
    expect(findings).toMatchObject([{
      anomaly: 'G-single',
      title: '2 transactions each have to come before the other: rw, wr.',
      steps: [
        { text: 'T1 < T2, because T1 observed the initial (empty) state of y, to which T2 appended 1.', operation: 1 },
        { text: "However, T2 < T1, because T1 observed T2's append of 1 to x: a contradiction.", operation: 0 },
      ],
      evidence: {
        length: 2,
        transactions: [{ name: 'T1', process: 2, invoked: 1, completed: 3, value: [['r', 'x', [1]], ['r', 'y', []]] }, { name: 'T2', process: 1, value: [['append', 'x', 1], ['append', 'y', 1]] }],
        steps: [{ from: 'T1', to: 'T2', type: 'rw', key: 'y', value: null, next: 1 }, { from: 'T2', to: 'T1', type: 'wr', key: 'x', value: 1 }],
      },
    }])
  })
})
