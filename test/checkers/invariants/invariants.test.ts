/**
 * Every white-box invariant: runs of events that break it, and near misses. Counts are compared whole, so each case also
 * says which other monitors must keep silent. What dies of an assertion (`broker-assertion`) is told by the trial runner.
 */
import { describe, expect, it } from 'vitest'
import { WHITE_BOX_ANOMALIES } from '../../../checkers/catalogue/white-box.ts'
import { MONITORS } from '../../../checkers/invariants/invariants.ts'
import { ClusterTrace, type TraceCase } from '../cluster-fixture.ts'
import { COMPACTION_CASES } from './cases-compaction.ts'
import { EPOCH_CASES } from './cases-epochs.ts'
import { GROUP_CASES } from './cases-groups.ts'
import { LEADERSHIP_CASES } from './cases-leadership.ts'
import { LOG_CASES } from './cases-logs.ts'
import { REPLICA_CASES } from './cases-replica.ts'
import { SNAPSHOT_CASES } from './cases-snapshots.ts'
import { TIME_INDEX_CASES } from './cases-time-index.ts'
import { TRANSACTION_CASES } from './cases-transactions.ts'

const CASES = { ...LOG_CASES, ...LEADERSHIP_CASES, ...EPOCH_CASES, ...REPLICA_CASES, ...SNAPSHOT_CASES, ...TIME_INDEX_CASES, ...COMPACTION_CASES, ...TRANSACTION_CASES, ...GROUP_CASES }
const OURS = WHITE_BOX_ANOMALIES.filter(({ id }) => id !== 'broker-assertion')

const nonZero = (counts: { readonly [anomaly: string]: number }) => Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0))

function run(one: TraceCase): ClusterTrace {
  return one.trace(new ClusterTrace(one))
}

function expectCase(one: TraceCase): void {
  const trace = run(one)
  const judgement = trace.judge()
  const { counts = {}, allowed = [], says = [] } = one
  const bad = Object.fromEntries(Object.entries(counts).filter(([anomaly]) => !allowed.includes(anomaly)))
  expect({ counts: nonZero(judgement.counts), bad: nonZero(judgement.bad) }).toEqual({ counts, bad })
  expect(judgement.verdict).toBe(Object.keys(bad).length > 0 ? 'invalid' : 'valid')
  for (const { anomaly, checker, title, evidence, steps, contradiction, key } of judgement.findings) {
    expect(checker).toBe(WHITE_BOX_ANOMALIES.find(({ id }) => id === anomaly)!.checker)
    expect(title).toMatch(/\.$/)
    expect(contradiction).toContain('however')
    const times = steps.map(({ time }) => time ?? -1)
    expect(times).toEqual([...times].sort((a, b) => a - b))
    expect((evidence as { time: number }).time).toBe(times.at(-1))
    expect(times.at(-1)).toBeLessThanOrEqual(trace.time)
    if (key !== undefined) expect(key).toMatch(/^orders-\d$/)
  }
  const told = judgement.findings.map(one => JSON.stringify(one)).join('\n')
  for (const text of says) expect(told).toContain(text)
}

describe.each(OURS.map(({ id }) => id))('%s', anomaly => {
  const { shows, passes } = CASES[anomaly]!
  it.each(shows.map(one => [one.name, one] as const))('is seen: %s', (_, one) => {
    expect(one.counts?.[anomaly]).toBeGreaterThan(0)
    expectCase(one)
  })

  it.each(passes.map(one => [one.name, one] as const))('near miss: %s', (_, one) => {
    expect(nonZero(run(shows[0]!).judge().counts)).toHaveProperty(anomaly)
    expectCase(one)
  })
})

describe('the monitors', () => {
  it('have cases for every invariant of the catalogue', () => {
    expect(Object.keys(CASES).sort()).toEqual(OURS.map(({ id }) => id).sort())
    expect(OURS.filter(({ id }) => CASES[id]!.shows.length === 0 || CASES[id]!.passes.length === 0)).toEqual([])
    expect([...new Set(OURS.map(({ checker }) => checker))].sort()).toEqual(MONITORS.map(({ name }) => name).sort())
  })

  it('look alone: each sees what is its own, and nothing when it is left out', () => {
    for (const { id, checker } of OURS) {
      const one = CASES[id]!.shows[0]!
      expect(nonZero(run({ ...one, monitors: [checker] }).judge().counts), id).toEqual({ [id]: one.counts![id] })
      const others = MONITORS.map(({ name }) => name).filter(name => name !== checker)
      expect(run({ ...one, monitors: others }).judge().counts[id] ?? 0, id).toBe(0)
    }
  })

  it('name the first event that broke it, and keep telling of that one', () => {
    const trace = new ClusterTrace().ready().replicate('0:a').append(1, '1:b').append(2, '1:b').watermark(1, 2)
    const { time } = trace
    trace.append(1, '2:c').append(2, '2:c').watermark(1, 3).register(101, { partitionEpoch: 2 })
    expect(trace.judge().findings.map(({ evidence }) => (evidence as { time: number }).time)).toEqual([time])
  })

  it('name the guarantee that was broken, and the one whose absence allows it', () => {
    const guaranteeOf = (one: TraceCase): string | null => run(one).judge().findings[0]!.guarantee
    const [first] = LOG_CASES['leader-completeness']!.shows
    expect(guaranteeOf(first!)).toBe('read-stays')
    expect(guaranteeOf({ ...first!, config: { lossyCrashes: 2 } })).toBe('read-stays')
    expect(guaranteeOf({ ...first!, unclean: true })).toBe(null)
  })
})
