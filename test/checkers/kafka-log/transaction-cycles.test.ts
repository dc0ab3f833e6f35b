/**
 * Cycles between transactions of a Kafka log: which kinds are seen, which are wrong, how they are told, and that memory
 * follows the records and not the offsets.
 */
import { describe, expect, it } from 'vitest'
import type { CheckResult } from '../../../checkers/contract.ts'
import { HistoryBuilder, judge, type Setting, summary } from '../history-fixture.ts'
import type { Json } from '../../../src/history/operation.ts'

const X = 'orders-0'
const Y = 'orders-1'
type Step = readonly ['send', string, string, number] | readonly ['poll', { readonly [key: string]: readonly (readonly [number, string])[] }]

interface Transaction {
  readonly process: number
  readonly steps: readonly Step[]
}

/** All at once unless `serial`: every transaction is invoked before the first is answered. */
function historyOf(transactions: readonly Transaction[], serial = false): HistoryBuilder {
  const h = new HistoryBuilder()
  const invoke = ({ process, steps }: Transaction): void => { h.invoke(process, 'txn', steps.map((step): Json => (step[0] === 'send' ? ['send', step[1], step[2]] : ['poll']))) }
  const complete = ({ process, steps }: Transaction): void => { h.complete(process, 'ok', steps.map((step): Json => (step[0] === 'send' ? ['send', step[1], [step[3], step[2]]] : ['poll', step[1] as unknown as Json]))) }
  for (const one of transactions) {
    invoke(one)
    if (serial) complete(one)
  }
  if (!serial) for (const one of transactions) complete(one)
  return h
}

function cyclesOf(transactions: readonly Transaction[], serial = false, setting: Setting = {}): CheckResult {
  return judge(historyOf(transactions, serial).operations, setting)
}

const readsRound: readonly Transaction[] = [
  { process: 1, steps: [['send', X, 'a', 0], ['poll', { [Y]: [[0, 'b']] }]] },
  { process: 2, steps: [['send', Y, 'b', 0], ['poll', { [X]: [[0, 'a']] }]] },
]

describe('cycles between transactions', () => {
  it('of reads alone are wrong where only committed records are read', () => {
    const result = cyclesOf(readsRound)
    expect(summary(result)).toEqual({ counts: { G1c: 1 }, bad: { G1c: 1 } })
    const [finding] = result.findings
    expect(finding!.guarantee).toBe('integrity')
    expect(finding!.steps.map(({ text }) => text)).toEqual([
      'T1 < T2, because T1 sent record b to orders-1, which T2 polled.',
      'However, T2 < T1, because T2 sent record a to orders-0, which T1 polled: a contradiction.',
    ])
    expect(finding!.evidence).toMatchObject({ length: 2, steps: [{ from: 'T1', to: 'T2', type: 'wr', value: 'b' }, { from: 'T2', to: 'T1', type: 'wr', value: 'a' }] })
    expect(summary(cyclesOf(readsRound, false, { config: { isolation: 'read_uncommitted' } }))).toEqual({ counts: { G1c: 1 }, bad: {} })
  })

  it('of writes are seen and allowed: transactions interleave in a partition', () => {
    const result = cyclesOf([
      { process: 1, steps: [['send', X, 'a', 0], ['send', Y, 'b', 1]] },
      { process: 2, steps: [['send', X, 'c', 1], ['send', Y, 'd', 0]] },
    ])
    expect(summary(result)).toEqual({ counts: { G0: 1 }, bad: {} })
    expect(result.findings[0]!.contradiction).toContain('at offset')
  })

  it('with a write and a read are seen and allowed', () => {
    expect(summary(cyclesOf([
      { process: 1, steps: [['send', X, 'a', 0], ['poll', { [Y]: [[0, 'd']] }]] },
      { process: 2, steps: [['send', X, 'c', 1], ['send', Y, 'd', 0]] },
    ]))).toEqual({ counts: { G1c: 1 }, bad: {} })
  })

  it('with polls that lag are counted: G-single and G2', () => {
    expect(summary(cyclesOf([
      { process: 1, steps: [['send', X, 'a', 0], ['send', Y, 'b', 1]] },
      { process: 2, steps: [['poll', { [X]: [[0, 'a']], [Y]: [[0, 'y']] }]] },
      { process: 3, steps: [['send', Y, 'y', 0]] },
    ]))).toEqual({ counts: { 'G-single': 1 }, bad: {} })
    const result = cyclesOf([
      { process: 1, steps: [['poll', { [X]: [[0, 'x']] }], ['send', Y, 'b', 1]] },
      { process: 2, steps: [['poll', { [Y]: [[0, 'y']] }], ['send', X, 'a', 1]] },
      { process: 3, steps: [['send', X, 'x', 0], ['send', Y, 'y', 0]] },
    ])
    expect(summary(result)).toEqual({ counts: { G2: 1 }, bad: {} })
    expect(result.findings[0]!.steps[0]!.text).toContain('polled orders-')
  })

  it('against the order that clients saw: writes do count, polls may lag', () => {
    expect(summary(cyclesOf([
      { process: 1, steps: [['send', X, 'a', 1], ['poll', {}]] },
      { process: 2, steps: [['send', X, 'b', 0], ['poll', {}]] },
    ], true))).toEqual({ counts: { 'G0-realtime': 1 }, bad: {} })
    expect(summary(cyclesOf([
      { process: 1, steps: [['send', X, 'a', 0], ['send', Y, 'b', 0]] },
      { process: 2, steps: [['send', X, 'c', 1], ['send', Y, 'd', 1]] },
      { process: 3, steps: [['poll', { [X]: [[0, 'a']] }], ['poll', {}]] },
    ], true))).toEqual({ counts: {}, bad: {} })
  })

  it('of reads against real time are wrong: what was polled had not been sent yet by whom it depends on', () => {
    // T1 polled what T2 sent, T2 polled what T3 sent, and T3 began when T1 was over.
    const h = new HistoryBuilder()
    h.invoke(2, 'txn', [['send', Y, 'b'], ['poll']]).invoke(1, 'txn', [['poll'], ['send', X, 'a']])
    h.complete(1, 'ok', [['poll', { [Y]: [[0, 'b']] }], ['send', X, [0, 'a']]])
    h.invoke(3, 'txn', [['send', 'orders-2', 'c'], ['poll']]).complete(3, 'ok', [['send', 'orders-2', [0, 'c']], ['poll', {}]])
    h.complete(2, 'ok', [['send', Y, [0, 'b']], ['poll', { 'orders-2': [[0, 'c']] }]])
    expect(summary(judge(h.operations))).toEqual({ counts: { 'G1c-realtime': 1 }, bad: { 'G1c-realtime': 1 } })
  })

  it('are not seen where there are none', () => {
    expect(summary(cyclesOf(readsRound.slice(0, 1).concat({ process: 2, steps: [['send', Y, 'b', 0], ['poll', {}]] })))).toEqual({ counts: {}, bad: {} })
    expect(summary(cyclesOf([
      { process: 1, steps: [['send', X, 'a', 0], ['send', Y, 'b', 0]] },
      { process: 2, steps: [['send', X, 'c', 1], ['send', Y, 'd', 1]] },
      { process: 3, steps: [['poll', { [X]: [[0, 'a'], [1, 'c']] }], ['poll', { [Y]: [[0, 'b'], [1, 'd']] }]] },
    ], true))).toEqual({ counts: {}, bad: {} })
  })

  it('take a transaction of unknown fate only for what was seen of it', () => {
    const h = new HistoryBuilder()
    h.invoke(1, 'txn', [['send', X, 'a'], ['send', Y, 'b']]).complete(1, 'info')
    h.invoke(2, 'txn', [['send', X, 'c'], ['send', Y, 'd']]).complete(2, 'ok', [['send', X, [1, 'c']], ['send', Y, [0, 'd']]])
    expect(summary(judge([...h.operations])).counts).toEqual({})
    h.poll(3, { [X]: '0:a 1:c', [Y]: '0:d 1:b' })
    expect(summary(judge(h.operations)).counts).toEqual({ G0: 1 })
  })

  it('end with the budget, and say so', () => {
    const result = judge(historyOf(readsRound).operations, { limits: { steps: 3 } })
    expect(result.verdict).toBe('unknown')
    expect(result.reason).toMatch(/The search for cycles did not end: the budget of 3 steps was used up/)
  })
})

describe('a rebalance', () => {
  const polled = (extra: { readonly [key: string]: Json }) => summary(judge(new HistoryBuilder().sends('a b c d').poll(2, '2:c').poll(2, '1:b 3:d 0:a', extra).poll(2, '2:c').operations)).counts

  it('excuses the keys that it moved, within the operation and after it', () => {
    expect(polled({})).toEqual({ 'nonmonotonic-poll': 1, 'int-poll-skip': 1, 'int-nonmonotonic-poll': 1, 'poll-skip': 1 })
    expect(polled({ rebalances: [{ keys: [X] }] })).toEqual({})
    expect(polled({ 'rebalance-log': [{ keys: [X] }] })).toEqual({})
    expect(polled({ rebalances: [{ keys: [Y] }] })).toEqual(polled({}))
  })
})

describe('what a read_uncommitted reader got first', () => {
  const uncommitted = { isolation: 'read_uncommitted' }
  const skipped = (build: (h: HistoryBuilder) => HistoryBuilder) => summary(judge(build(new HistoryBuilder().sends('a b c').poll(2, '0:a 1:b 2:c', uncommitted)).poll(4, '0:a').poll(4, '2:c').operations)).counts['poll-skip']

  it('may be skipped, until somebody else gets it', () => {
    expect(skipped(h => h)).toBeUndefined()
    expect(skipped(h => h.poll(3, '0:a 1:b 2:c'))).toBe(1)
    expect(skipped(h => h.poll(3, '0:a 1:b 2:c', uncommitted))).toBeUndefined()
  })
})

it('offsets may be as large as they like: memory follows the records', () => {
  const far = Number.MAX_SAFE_INTEGER - 10
  const h = new HistoryBuilder().send(1, 'a', far).send(1, 'b', far + 5).drain({ [X]: `${far}:a ${far + 5}:b` })
  expect(summary(judge(h.operations))).toEqual({ counts: {}, bad: {} })
  h.poll(3, { [X]: `${far}:b` })
  expect(summary(judge(h.operations)).counts).toHaveProperty('inconsistent-offsets')
})
