/**
 * For every historical defect a smallest plan in test/corpus that shows it to clients alone: white-box invariants off,
 * invalid with the defect and valid without it. The plans are whole, so nothing that is drawn may change them.
 */
import { describe, expect, test } from 'vitest'
import { type DefectId, HISTORICAL_DEFECTS } from '../../src/config/defects.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { expectationOf } from '../../src/cli/commands/corpus.ts'
import { runExcused, sizeOf } from '../../src/trial/judge-trial.ts'
import { readPlanFile } from '../../src/trial/plan-file.ts'
import type { TrialResult } from '../../src/trial/trial-result.ts'
import { produceConsume } from '../../workloads/produce-consume.ts'

const SCENARIOS = [
  { defect: 'KAFKA-7128', file: 'kafka-7128-isr-below-epoch-start', sees: 'unseen' },
  { defect: 'KIP-101', file: 'kip-101-truncation-to-high-watermark', sees: 'unseen' },
  { defect: 'KIP-279', file: 'kip-279-fast-failover', sees: 'lost-write' },
  { defect: 'KIP-497', file: 'kip-497-unconfirmed-isr', sees: 'unseen' },
  { defect: 'KAFKA-12619', file: 'kafka-12619-raft-early-commit', sees: 'unseen' },
  { defect: 'KAFKA-7164', file: 'kafka-7164-missed-epoch', sees: 'lost-write' },
  { defect: 'KAFKA-7415', file: 'kafka-7415-epoch-start-not-recorded', sees: 'lost-write' },
  { defect: 'KAFKA-5494', file: 'kafka-5494-duplicate-window', sees: 'duplicate' },
  { defect: 'KIP-903', file: 'kip-903-reborn-replica-joins', sees: 'unseen' },
  { defect: 'KIP-966', file: 'kip-966-unclean-restart-stays-eligible', sees: 'lost-write' },
  { defect: 'KAFKA-16540', file: 'kafka-16540-elr-outlives-min-isr', sees: 'lost-write' },
] as const satisfies readonly { defect: DefectId; file: string; sees: string }[]

const fileOf = (name: string) => readPlanFile(`test/corpus/${name}.trial.json`)

function seenByClients(plan: Plan): Promise<TrialResult> {
  return runExcused(plan, produceConsume, { checkers: ['black-box'] })
}

describe.each(SCENARIOS)('$defect', ({ defect, file, sees }) => {
  const { plan, expect: expected } = fileOf(file)

  test('is what the plan is about, and nothing in it is left to chance', () => {
    expect(plan.defects).toEqual([defect])
    expect([plan.latency.kind, plan.fsync.kind, plan.choices.mode]).toEqual(['constant', 'constant', 'explicit'])
  })

  test(`shows clients ${sees}`, async () => {
    const result = await seenByClients(plan)
    expect([result.verdict, result.skippedFaults]).toEqual(['invalid', []])
    expect(expectationOf(result).anomalies).toContain(sees)
  })

  test('shows all checkers what the plan file says', async () => {
    expect(expectationOf(await runExcused(plan, produceConsume, {}))).toEqual(expected)
  })

  test('switched off shows nothing', async () => {
    const result = await runExcused({ ...plan, defects: [] }, produceConsume, {})
    expect([result.verdict, result.drained, expectationOf(result).known]).toEqual(['valid', true, []])
  })
})

/** This workload has neither groups nor transactions; the defects of those, and of consumers, are shown where they sit. */
const ELSEWHERE: readonly string[] = ['group', 'transaction', 'consumer']

/** No plan has shown them to clients yet; what they do to one log, partition or controller is shown by the tests of those. */
const NOT_YET: readonly string[] = ['KAFKA-5829', 'KIP-320', 'KAFKA-15221', 'Redpanda-5090', 'KAFKA-10471', 'KAFKA-14034']
/** Need a compacted topic: test/workloads/compacted-table.test.ts, test/storage/cleaner/transactions.test.ts. */
const COMPACTED: readonly string[] = ['KAFKA-13727', 'KAFKA-14055']

test('every historical defect that clients of this workload can see has its plan', () => {
  expect(SCENARIOS.map(({ defect }) => defect).sort()).toEqual(HISTORICAL_DEFECTS.filter(({ id, area, oracle }) => oracle === 'S' && !ELSEWHERE.includes(area) && ![...NOT_YET, ...COMPACTED].includes(id)).map(({ id }) => id).sort())
})

test('KAFKA-7128 takes four faults and ten operations at most', () => {
  const { operations, faults } = sizeOf(fileOf('kafka-7128-isr-below-epoch-start').plan, 0)
  expect(faults).toBeLessThanOrEqual(4)
  expect(operations).toBeLessThanOrEqual(10)
})
