/**
 * From findings to one verdict: the collector's counts and choice of instances, merged results, and what a workload allows.
 */
import { describe, expect, it } from 'vitest'
import { allowAnomalies, compose, mergeVerdicts, runCheckers } from '../../checkers/compose.ts'
import type { Checker, CheckResult, Finding, Verdict } from '../../checkers/contract.ts'
import { FindingCollector, KEPT_INSTANCES, type FindingBody } from '../../checkers/finding-collector.ts'
import { guaranteesFor, type GuaranteeConfig } from '../../checkers/guarantees.ts'
import { STRICT } from './history-fixture.ts'

const body = (title: string): FindingBody => ({ title, evidence: null, steps: [], contradiction: '' })
const finding = (anomaly: string, status: Finding['status'], title = ''): Finding => ({ anomaly, checker: 'c', status, guarantee: null, ...body(title) })
const result = (verdict: Verdict, o: Partial<CheckResult> = {}): CheckResult => ({ checker: 'c', verdict, findings: [], counts: {}, ...o })
const collector = (config: Partial<GuaranteeConfig> = {}) => new FindingCollector('c', guaranteesFor({ ...STRICT, ...config }))

describe('a collector', () => {
  it('counts all, keeps eight, and builds only those', () => {
    const found = collector()
    let built = 0
    for (let i = 0; i < 100_000; i++) {
      found.add('duplicate', () => {
        built++
        return body(`number ${i}`)
      })
    }
    const { counts, bad, findings, verdict } = found.result()
    expect({ counts, bad, verdict }).toEqual({ counts: { duplicate: 100_000 }, bad: { duplicate: 100_000 }, verdict: 'invalid' })
    expect(findings.map(({ title }) => title)).toEqual(Array.from({ length: KEPT_INSTANCES }, (_, i) => `number ${i}`))
    expect(built).toBe(KEPT_INSTANCES)
  })

  it('keeps bad before allowed, rich before poor, early before late', () => {
    const found = collector()
    for (let i = 0; i < 10; i++) found.add('duplicate', () => body(`allowed ${i}`), 'never', 5)
    for (let i = 0; i < 3; i++) found.add('duplicate', () => body(`poor ${i}`), undefined, 0)
    for (let i = 0; i < 3; i++) found.add('duplicate', () => body(`rich ${i}`), undefined, 1)
    expect(found.findings().map(({ title }) => title)).toEqual(['rich 0', 'rich 1', 'rich 2', 'poor 0', 'poor 1', 'poor 2', 'allowed 0', 'allowed 1'])
    expect(found.result()).toMatchObject({ counts: { duplicate: 16 }, bad: { duplicate: 6 }, verdict: 'invalid' })
  })

  it('puts what is bad first, whatever was seen first', () => {
    const found = collector()
    found.add('unconfirmed-loss', () => body('allowed'))
    found.add('lost-write', () => body('bad'))
    expect(found.findings().map(({ title, status, guarantee }) => [title, status, guarantee])).toEqual([['bad', 'bad', 'no-loss'], ['allowed', 'allowed', null]])
    expect(found.anyBad).toBe(true)
  })

  it('judges by what the configuration owes, or by what the instance requires', () => {
    const found = collector({ acks: 1 })
    found.add('lost-write', () => body('as in the catalogue'))
    found.add('inconsistent-offsets', () => body('read'))
    found.add('inconsistent-offsets', () => body('acknowledged'), ['no-loss'])
    expect(found.findings().map(({ title, status, guarantee }) => [title, status, guarantee])).toEqual([
      ['read', 'bad', 'integrity'], ['as in the catalogue', 'allowed', 'no-loss'], ['acknowledged', 'allowed', 'no-loss'],
    ])
  })

  it('is unknown for a reason, unless something bad was found', () => {
    const found = collector()
    expect(found.result()).toEqual({ checker: 'c', verdict: 'valid', findings: [], counts: {}, bad: {} })
    found.add('unconfirmed-loss', () => body('allowed'))
    expect(found.result('too early')).toMatchObject({ verdict: 'unknown', reason: 'too early' })
    found.add('lost-write', () => body('bad'))
    expect(found.result('too early')).toMatchObject({ verdict: 'invalid', reason: 'too early' })
  })

  it('refuses an anomaly that is not in the catalogue', () => {
    expect(() => collector().add('no-such-thing', () => body(''))).toThrow(/no-such-thing/)
  })
})

describe('merging', () => {
  it('takes the worst verdict', () => {
    expect([[], ['valid'], ['unknown', 'valid'], ['valid', 'invalid', 'unknown']].map(verdicts => mergeVerdicts(verdicts as Verdict[]))).toEqual(['valid', 'valid', 'unknown', 'invalid'])
  })

  it('adds counts, orders findings and keeps reasons with the name of who gave them', () => {
    const first = result('unknown', { checker: 'one', counts: { duplicate: 2, reorder: 1 }, bad: { duplicate: 1, reorder: 0 }, findings: [finding('duplicate', 'allowed', 'a'), finding('duplicate', 'bad', 'b')], reason: 'too early' })
    const second = result('invalid', { checker: 'two', counts: { duplicate: 3 }, findings: [finding('duplicate', 'known', 'c'), finding('duplicate', 'bad', 'd')] })
    const judgement = compose([first, second])
    expect(judgement).toMatchObject({ verdict: 'invalid', counts: { duplicate: 5, reorder: 1 }, bad: { duplicate: 2, reorder: 0 }, reasons: ['one: too early'] })
    expect(judgement.findings.map(({ title }) => title)).toEqual(['b', 'd', 'c', 'a'])
    expect(judgement.results).toEqual([first, second])
    expect(compose([])).toEqual({ verdict: 'valid', results: [], findings: [], counts: {}, bad: {}, reasons: [] })
  })

  it('runs every checker over the same history', () => {
    const seen: unknown[] = []
    const checker = (name: string): Checker => ({ name, describes: '', check: (history, context) => (seen.push(name, history, context), result('valid', { checker: name })) })
    const context = { guarantees: guaranteesFor(STRICT), drained: true, logStart: {} }
    const history: never[] = []
    expect(runCheckers([checker('one'), checker('two')], history, context).map(one => one.checker)).toEqual(['one', 'two'])
    expect(seen).toEqual(['one', history, context, 'two', history, context])
  })
})

describe('what a workload allows', () => {
  const both = result('invalid', { counts: { duplicate: 2, reorder: 1 }, bad: { duplicate: 2, reorder: 1 }, findings: [finding('duplicate', 'bad'), finding('reorder', 'bad')] })

  it('is no longer bad; the rest is', () => {
    const allowed = allowAnomalies(both, ['duplicate'])
    expect(allowed).toMatchObject({ verdict: 'invalid', counts: { duplicate: 2, reorder: 1 }, bad: { duplicate: 0, reorder: 1 } })
    expect(allowed.findings.map(({ anomaly, status }) => [anomaly, status])).toEqual([['duplicate', 'allowed'], ['reorder', 'bad']])
    expect(both.bad).toEqual({ duplicate: 2, reorder: 1 })
  })

  it('leaves a result without bad ones valid, or unknown if it gave a reason', () => {
    expect(allowAnomalies(both, ['duplicate', 'reorder']).verdict).toBe('valid')
    expect(allowAnomalies({ ...both, reason: 'too early' }, ['duplicate', 'reorder']).verdict).toBe('unknown')
  })

  it('changes nothing where nothing bad was seen of it', () => {
    expect(allowAnomalies(both, ['unseen'])).toBe(both)
    expect(allowAnomalies(both, [])).toBe(both)
    const unknown = result('unknown', { reason: 'too early', counts: { unseen: 1 }, bad: { unseen: 0 } })
    expect(allowAnomalies(unknown, ['unseen'])).toBe(unknown)
  })

  it('counts the findings of a checker that does not tell how many are bad', () => {
    const { bad: _, ...untold } = both
    expect(allowAnomalies(untold, ['duplicate'])).toMatchObject({ verdict: 'invalid', bad: { duplicate: 0, reorder: 1 } })
    expect(allowAnomalies(untold, ['duplicate', 'reorder']).verdict).toBe('valid')
  })

  it('does not touch what is known', () => {
    const known = result('invalid', { counts: { duplicate: 2 }, findings: [finding('duplicate', 'known'), finding('duplicate', 'bad')] })
    expect(allowAnomalies(known, ['duplicate']).findings.map(({ status }) => status)).toEqual(['known', 'allowed'])
  })
})
