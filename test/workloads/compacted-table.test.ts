/** The table is written, deleted, cleaned and read; what the cleaner must keep is missed when it does not. */
import { describe, expect, it } from 'vitest'
import { compactedTableChecker } from '../../checkers/compaction/compacted-table-checker.ts'
import { guaranteesFor } from '../../checkers/guarantees.ts'
import type { Json, Operation } from '../../src/history/operation.ts'
import { DEFAULT_GENERATE_OPTIONS } from '../../src/plan/generate-options.ts'
import { generatePlan } from '../../src/plan/generate-plan.ts'
import { trialSeed } from '../../src/plan/seed-random.ts'
import { readPlanFile } from '../../src/trial/plan-file.ts'
import { guaranteeConfigOf } from '../../src/trial/plan-guarantees.ts'
import { runPlan } from '../../src/trial/run-plan.ts'
import { compactedTable } from '../../workloads/compacted-table.ts'
import { produceConsume } from '../../workloads/produce-consume.ts'

const planOf = (index: number, o: Partial<typeof DEFAULT_GENERATE_OPTIONS> = {}) =>
  generatePlan(trialSeed('table', index), { ...DEFAULT_GENERATE_OPTIONS, profile: 'acks-all-min-2', families: [], ...o }, compactedTable)

const SHORT = { chaosMs: 2_500 }

describe('compacted-table', () => {
  it('is cleaned within seconds, deletes included, and valid', () => {
    const marks: { [mark: string]: number } = {}
    let transacted = 0
    for (let index = 0; index < 5; index++) {
      if (planOf(index, SHORT).operations.some(({ f }) => f === 'transact')) transacted++
      const result = runPlan(planOf(index, SHORT), compactedTable)
      expect([index, result.verdict, result.findings.filter(({ status }) => status !== 'allowed')]).toEqual([index, 'valid', []])
      for (const [mark, count] of Object.entries(result.marks)) marks[mark] = (marks[mark] ?? 0) + count
    }
    expect(marks['log-cleaned']).toBeGreaterThan(20)
    expect(marks['cleaned-value-removed']).toBeGreaterThan(20)
    expect(marks['cleaned-tombstone-expired']).toBeGreaterThan(0)
    expect(transacted).toBeGreaterThan(0)
    expect(marks['cleaned-between-data-and-marker']).toBeGreaterThan(0)
    expect(marks['cleaned-aborted-removed']).toBeGreaterThan(0)
  })

  it('misses whatever last value is taken out of what the drain has read', () => {
    const plan = planOf(1)
    const { history } = runPlan(plan, compactedTable, { checkers: ['compacted-table'] })
    const sends = new Map(history.filter(({ f, type }) => f === 'send' && type === 'invoke').map(send => [(send.value as [[string, string, number]])[0][2], send]))
    const drained = history.filter(one => one.f === 'poll' && one.type === 'ok' && one['drain'] === true && one['replica'] === undefined)
      .flatMap(({ value }) => Object.entries((value as unknown as [[string, { [key: string]: [number, number][] }]])[0][1])).flatMap(([key, records]) => records.map(([offset, id]) => ({ key, offset, id })))
    // Rows of transactions are left alone: the last of a key among the plain ones may not be the last of all.
    const transacted = new Set(history.filter(({ f }) => f === 'txn').flatMap(({ recordKeys }) => (recordKeys ?? []) as readonly string[]))
    const plain = drained.filter(({ id }) => sends.has(id) && !transacted.has(String(sends.get(id)!['recordKey'])))
    const last = new Map(plain.map(one => [`${one.key} ${String(sends.get(one.id)!['recordKey'])}`, one]))
    const context = { guarantees: guaranteesFor(guaranteeConfigOf(plan)), drained: true, logStart: {} }
    expect(compactedTableChecker.check(history, context).verdict).toBe('valid')
    let judged = 0
    for (const { id } of last.values()) {
      if (sends.get(id)!['deleteRetentionMs'] !== undefined) continue
      const found = compactedTableChecker.check(history.map(operation => without(operation, id)), context)
      expect([id, found.counts['lost-latest']]).toEqual([id, expect.any(Number)])
      judged++
    }
    expect(judged).toBeGreaterThan(2)
  })

  it('shows clients KAFKA-13727: aborted records come back when the cleaner has forgotten that they were', () => {
    const { plan } = readPlanFile('test/corpus/kafka-13727-abort-marker-removed.trial.json')
    expect(plan.defects).toEqual(['KAFKA-13727'])
    const seen = runPlan(plan, compactedTable, { checkers: ['black-box'] })
    expect(seen.findings.filter(({ status }) => status === 'bad').map(({ anomaly }) => anomaly)).toContain('aborted-read')
    expect(runPlan({ ...plan, defects: [] }, compactedTable).verdict).toBe('valid')
  })

  it('has a cleaner that other workloads know nothing of', () => {
    const plans = Array.from({ length: 30 }, (_, index) => planOf(index))
    expect(new Set(plans.map(({ cluster }) => cluster.server.logCleanerOffsetMapKeys)).size).toBe(3)
    for (const { cluster, swarm } of plans) expect([cluster.server.logCleanerBackoffMs <= 120, swarm.includes('log cleaner')]).toEqual([true, true])
    const crashing = Array.from({ length: 30 }, (_, index) => planOf(index, { families: ['crash'] })).map(({ faults, swarm }) => [faults.filter(({ when }) => 'on' in when && when.on.kind === 'log-cleaned').length, swarm.includes('crashes at swaps')] as const)
    expect(crashing.some(([count]) => count === 0)).toBe(true)
    expect(crashing.filter(([count]) => count > 0).length).toBeGreaterThan(10)
    for (const [count, isSaid] of crashing) expect(isSaid).toBe(count > 0)
    expect(plans.flatMap(({ faults }) => faults)).toEqual([])
    const other = generatePlan(trialSeed('table', 0), { ...DEFAULT_GENERATE_OPTIONS }, produceConsume)
    expect([other.cluster.server.logCleanerBackoffMs, other.swarm.includes('log cleaner')]).toEqual([15_000, false])
  })
})

/** The same history, in which no poll has brought record `id`. */
function without(operation: Operation, id: number): Operation {
  if (operation.f !== 'poll' || operation.type !== 'ok') return operation
  const [[poll, records]] = operation.value as unknown as [[string, { [key: string]: [number, Json][] }]]
  return { ...operation, value: [[poll, Object.fromEntries(Object.entries(records).map(([key, list]) => [key, list.filter(([, value]) => value !== id)]))]] }
}
