/** Smallest plans that show defects of coordinators to clients alone: invalid with the defect, valid without it. */
import { describe, expect, test } from 'vitest'
import type { DefectId } from '../../src/config/defects.ts'
import { expectationOf } from '../../src/cli/commands/corpus.ts'
import { runExcused } from '../../src/trial/judge-trial.ts'
import { readPlanFile } from '../../src/trial/plan-file.ts'
import { findWorkload } from '../../workloads/index.ts'

const SCENARIOS = [
  { defect: 'KAFKA-20031', file: 'kafka-20031-producer-id-twice', sees: 'lost-write' },
  { defect: 'KAFKA-18575', file: 'kafka-18575-next-transaction-unknown', sees: 'no-progress' },
  { defect: 'KAFKA-18464', file: 'kafka-18464-empty-abort-fences', sees: 'no-progress' },
] as const satisfies readonly { defect: DefectId; file: string; sees: string }[]

describe.each(SCENARIOS)('$defect', ({ defect, file, sees }) => {
  const { plan } = readPlanFile(`test/corpus/${file}.trial.json`)
  const workload = findWorkload(plan.workload)!

  test(`shows clients ${sees}`, async () => {
    expect(plan.defects).toEqual([defect])
    const result = await runExcused(plan, workload, { checkers: ['black-box'] })
    expect([result.verdict, result.skippedFaults]).toEqual(['invalid', []])
    expect(expectationOf(result).anomalies).toContain(sees)
  })

  test('switched off shows nothing', async () => {
    const result = await runExcused({ ...plan, defects: [] }, workload, {})
    expect([result.verdict, result.drained]).toEqual(['valid', true])
  })
})
