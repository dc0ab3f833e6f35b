/**
 * Every anomaly of the Kafka log checker: the smallest histories that show it, near misses, operations of unknown fate.
 * Counts are compared whole, so a case also says what else must not be seen. A near miss proves nothing about a checker
 * that is blind: it is judged next to a history that shows the anomaly.
 */
import { describe, expect, it } from 'vitest'
import { BLACK_BOX_ANOMALIES } from '../../../checkers/catalogue/black-box.ts'
import type { CheckResult, Finding } from '../../../checkers/contract.ts'
import { type AnomalyCases, HistoryBuilder, judge, type LogCase, summary } from '../history-fixture.ts'
import { LOSS_CASES } from './cases-loss.ts'
import { METADATA_CASES } from './cases-metadata.ts'
import { POLL_CASES } from './cases-polls.ts'
import { SEND_CASES } from './cases-sends.ts'
import { TRANSACTION_CASES } from './cases-transactions.ts'
import { VALUE_CASES } from './cases-values.ts'

const CASES: { readonly [anomaly: string]: AnomalyCases } = { ...LOSS_CASES, ...VALUE_CASES, ...SEND_CASES, ...POLL_CASES, ...METADATA_CASES, ...TRANSACTION_CASES }
const OURS = BLACK_BOX_ANOMALIES.filter(({ checker }) => checker === 'kafka-log')

function run(one: LogCase): { result: CheckResult; operations: number } {
  const { operations } = one.history(new HistoryBuilder())
  return { result: judge(operations, one), operations: operations.length }
}

function expectCase(one: LogCase): void {
  const { result, operations } = run(one)
  const { counts = {}, allowed = [], says = [] } = one
  const { bad = Object.fromEntries(Object.entries(counts).filter(([anomaly]) => !allowed.includes(anomaly))) } = one
  expect(summary(result)).toEqual({ counts, bad })
  expect(result.verdict).toBe(Object.keys(bad).length > 0 ? 'invalid' : 'valid')
  for (const finding of result.findings) expectExplained(finding, operations)
  const told = result.findings.map(({ title, evidence, steps, contradiction }) => `${title}\n${JSON.stringify(evidence)}\n${JSON.stringify(steps)}\n${contradiction}`).join('\n')
  for (const text of says) expect(told).toContain(text)
}

/** A sentence, a story in the order of the history, and why it cannot be. */
function expectExplained(finding: Finding, operations: number): void {
  expect(finding.checker).toBe('kafka-log')
  expect(finding.title).toMatch(/\.$/)
  expect(finding.contradiction).toMatch(/(however|between them)/)
  expect(finding.steps.length).toBeGreaterThan(0)
  const places = finding.steps.map(step => step.operation ?? -1)
  // A cycle is told round, anything else in the order of the history.
  const isCycle = finding.anomaly.startsWith('G')
  if (!isCycle) expect(places).toEqual([...places].sort((a, b) => a - b))
  expect(places[0]).toBeGreaterThanOrEqual(0)
  expect(places.at(-1)).toBeLessThan(operations)
  if (finding.anomaly === 'lost-metadata') return
  expect(finding.key).toMatch(/^orders(-\d)?$/)
}

describe.each(OURS.map(({ id }) => id))('%s', anomaly => {
  const { shows, passes, indeterminate } = CASES[anomaly]!
  it.each(shows.map(one => [one.name, one] as const))('is seen: %s', (_, one) => {
    expect(one.counts?.[anomaly]).toBeGreaterThan(0)
    expectCase(one)
  })

  it.each(passes.map(one => [one.name, one] as const))('near miss: %s', (_, one) => {
    expect(summary(run(shows[0]!).result).counts).toHaveProperty(anomaly)
    expectCase(one)
  })

  it.each(indeterminate.map(one => [one.name, one] as const))('of unknown fate: %s', (_, one) => {
    expect(summary(run(shows[0]!).result).counts).toHaveProperty(anomaly)
    expectCase(one)
  })
})

describe('a history that cannot be judged', () => {
  const judged = (build: (h: HistoryBuilder) => HistoryBuilder): CheckResult => judge(build(new HistoryBuilder()).operations)

  it('has one value twice: unknown, whatever else it shows, and it says which', () => {
    const result = judged(h => h.send(1, 'a', 0).send(1, 'a', 1).send(1, 'b', 2).drain('0:a'))
    expect(result).toMatchObject({ verdict: 'unknown', findings: [], counts: {} })
    expect(result.reason).toContain('Value a was sent twice')
    expect(judged(h => h.compound(1, 'ok', ['a', 0], ['a', 1])).verdict).toBe('unknown')
    expect(judged(h => h.send(1, 'a', 'fail').send(1, 'a', 0)).verdict).toBe('unknown')
    expect(judged(h => h.send(1, { b: 1 }, 'open').send(2, { b: 1 }, 0)).verdict).toBe('unknown')
  })

  it('is not one whose values only look alike', () => {
    expect(judged(h => h.send(1, 17, 0).send(1, '17', 1).send(1, { b: 1 }, 2).send(1, { b: 2 }, 3)).verdict).toBe('valid')
  })

  it('shortens the value', () => {
    expect(judged(h => h.send(1, 'x'.repeat(1_000), 0).send(1, 'x'.repeat(1_000), 1)).reason!.length).toBeLessThan(200)
  })
})

describe('the cases', () => {
  it('cover the catalogue: each anomaly is shown, missed and met with unknown fates', () => {
    const lacking = OURS.filter(({ id }) => {
      const cases = CASES[id]
      return cases === undefined || cases.shows.length === 0 || cases.passes.length === 0 || cases.indeterminate.length === 0
    })
    expect(lacking.map(({ id }) => id)).toEqual([])
    expect(Object.keys(CASES).sort()).toEqual(OURS.map(({ id }) => id).sort())
  })

  it('judge each anomaly as the catalogue says: forbidden where its guarantees are owed', () => {
    for (const { id, forbiddenBy } of OURS) {
      const { bad } = summary(run(CASES[id]!.shows[0]!).result)
      expect(Object.hasOwn(bad, id), id).toBe(forbiddenBy !== 'never')
    }
  })
})
