/**
 * A cycle of each kind planted into 100 000 valid transactions: each is named, told with its transactions, and the shortest.
 * Their near misses are not reported, and a stale read that is very late hides none of the others.
 */
import { describe, expect, it } from 'vitest'
import { listAppendHistory } from '../../../bench/checkers/transaction-histories.ts'
import { PLANTS, plantCycles } from '../../../bench/checkers/planted-cycles.ts'
import type { CheckResult } from '../../../checkers/contract.ts'
import { guaranteesFor } from '../../../checkers/guarantees.ts'
import { checkListAppend } from '../../../checkers/isolation/list-append-checker.ts'
import type { Operation } from '../../../src/history/operation.ts'
import { STRICT } from '../history-fixture.ts'

const context = { guarantees: guaranteesFor(STRICT), drained: true, logStart: {} }
const check = (operations: Iterable<Operation>): CheckResult => checkListAppend(operations, context)
const base = (transactions: number) => listAppendHistory({ transactions, clients: 20, length: 4, elements: 32 })

describe('100 000 transactions', () => {
  it('with a cycle of each kind: each is named, explained and the shortest', () => {
    const { counts, bad, findings, verdict, ruledOut } = check(plantCycles(base(100_000), PLANTS))
    expect(counts).toEqual(Object.fromEntries(PLANTS.map(({ anomaly }) => [anomaly, 1])))
    expect(bad).toEqual(counts)
    expect(verdict).toBe('invalid')
    expect(ruledOut!.not).toEqual(['read-uncommitted'])
    for (const { anomaly, length, transactions } of PLANTS) {
      const finding = findings.find(one => one.anomaly === anomaly)!
      const evidence = finding.evidence as { readonly length: number; readonly transactions: readonly { readonly process: number }[]; readonly steps: readonly { readonly because: string }[] }
      expect(evidence.length, anomaly).toBe(length)
      expect(evidence.length).toBeLessThanOrEqual(Object.keys(transactions).length)
      // Only transactions of the plant.
      expect(evidence.transactions.every(({ process }) => process >= 1_000_000), anomaly).toBe(true)
      expect(finding.steps.map(({ text }) => text), anomaly).toHaveLength(length)
      expect(finding.steps.at(-1)!.text, anomaly).toMatch(/^However, T\d < T1, because .*: a contradiction\.$/)
      for (const { because } of evidence.steps) expect(because, anomaly).toMatch(/appended|observe|executed|completed/)
    }
  })

  it('of which near misses report nothing', () => {
    expect(check(plantCycles(base(100_000), PLANTS, { near: true }))).toMatchObject({ verdict: 'valid', counts: {}, findings: [] })
  })
})

describe('a stale read of what was written long ago', () => {
  const stale = PLANTS.filter(({ anomaly }) => anomaly === 'G-single-realtime')
  const others = PLANTS.filter(({ anomaly }) => anomaly !== 'G-single-realtime')

  it('is a cycle of two, whatever lies between', () => {
    const { counts, findings } = check(plantCycles(base(20_000), stale, { spread: 12_000 }))
    expect(counts).toEqual({ 'G-single-realtime': 1 })
    expect(findings[0]!.steps.map(({ text }) => text)).toEqual([
      'T1 < T2, because T1 observed the initial (empty) state of x-G-single-realtime-0, to which T2 appended 1.',
      expect.stringMatching(/^However, T2 < T1, because T2 completed \(operation \d+\) before T1 was invoked \(operation \d+\): a contradiction\.$/),
    ])
  })

  it('hides no other cycle', () => {
    const { counts } = check(plantCycles(plantCycles(base(20_000), others, { spread: 200, firstAt: 8_000 }), stale, { spread: 12_000, firstProcess: 2_000_000 }))
    expect(counts).toEqual(Object.fromEntries(PLANTS.map(({ anomaly }) => [anomaly, 1])))
  })
})
