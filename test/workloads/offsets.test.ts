/** Committed offsets as registers: valid under faults, and an answer that goes back would be seen. */
import { expect, it } from 'vitest'
import { runCheckersOnTrial } from '../../checkers/compose.ts'
import { guaranteesFor } from '../../checkers/guarantees.ts'
import { committedOffsetsChecker } from '../../checkers/linearizability/committed-offsets-checker.ts'
import { DEFAULT_GENERATE_OPTIONS } from '../../src/plan/generate-options.ts'
import { generatePlan } from '../../src/plan/generate-plan.ts'
import { trialSeed } from '../../src/plan/seed-random.ts'
import { guaranteeConfigOf } from '../../src/trial/plan-guarantees.ts'
import { runPlan } from '../../src/trial/run-plan.ts'
import { offsets } from '../../workloads/offsets.ts'

const planOf = (index: number, families = DEFAULT_GENERATE_OPTIONS.families) => generatePlan(trialSeed('offsets', index), { ...DEFAULT_GENERATE_OPTIONS, workload: 'offsets', families, operations: 60 }, offsets)

it('commits are read back, and one that is read as nothing after it was acknowledged is seen', () => {
  const plan = planOf(1, [])
  const { history, verdict } = runPlan(plan, offsets)
  const judge = (judged: typeof history): readonly string[] => runCheckersOnTrial([committedOffsetsChecker], judged, { guarantees: guaranteesFor(guaranteeConfigOf(plan)), drained: true, logStart: {} })[0]!.findings.map(({ anomaly }) => anomaly)
  expect(verdict).toBe('valid')
  const fetched = history.findLast(({ f, type, value }) => f === 'fetch' && type === 'ok' && (value as [string, number | null])[1] !== null)!
  expect(fetched).toBeDefined()
  expect(judge(history)).toEqual([])
  expect(judge(history.map(operation => (operation === fetched ? { ...operation, value: [(operation.value as [string])[0], null] } : operation)))).toEqual(['nonlinearizable'])
})

it.each([2, 3, 4])('trial %s under faults is valid', index => {
  expect(runPlan(planOf(index), offsets).findings.filter(({ status }) => status === 'bad')).toEqual([])
})
