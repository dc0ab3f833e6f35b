/** The bank: transfers are transactions, the reader sees the total conserved at their boundaries, and a lost half would show. */
import { describe, expect, it } from 'vitest'
import { bankChecker } from '../../checkers/collections/bank-checker.ts'
import { runCheckersOnTrial } from '../../checkers/compose.ts'
import { guaranteesFor } from '../../checkers/guarantees.ts'
import { DEFAULT_GENERATE_OPTIONS } from '../../src/plan/generate-options.ts'
import { generatePlan } from '../../src/plan/generate-plan.ts'
import { trialSeed } from '../../src/plan/seed-random.ts'
import { guaranteeConfigOf } from '../../src/trial/plan-guarantees.ts'
import { runPlan } from '../../src/trial/run-plan.ts'
import { bank, BANK_TOTAL } from '../../workloads/bank.ts'

const planOf = (index: number, families = DEFAULT_GENERATE_OPTIONS.families) => generatePlan(trialSeed('bank', index), { ...DEFAULT_GENERATE_OPTIONS, workload: 'bank', families }, bank)

describe('a trial without faults', () => {
  const plan = planOf(1, [])
  const result = runPlan(plan, bank)
  const reads = result.history.filter(({ f, type }) => f === 'read' && type === 'ok')

  it('adds up at many boundaries, and money has moved', () => {
    expect(result.verdict).toBe('valid')
    expect(result.checkers).toContain('bank')
    expect(reads.length).toBeGreaterThan(5)
    for (const { value } of reads) expect(Object.values(value as Record<string, number>).reduce((sum, one) => sum + one, 0)).toBe(BANK_TOTAL)
    expect(reads.at(-1)!.value).not.toEqual(reads[0]!.value)
  })

  it('does not when one half of a transfer is missing', () => {
    const last = reads.at(-1)!
    const history = result.history.map(operation => (operation === last ? { ...operation, value: { ...(last.value as Record<string, number>), ann: 7_000 } } : operation))
    const [judged] = runCheckersOnTrial([bankChecker({ negativeBalances: true })], history, { guarantees: guaranteesFor(guaranteeConfigOf(plan)), drained: true, logStart: {} })
    expect(judged!.counts).toEqual({ 'wrong-total': 1 })
  })
})

it.each([2, 3, 4])('trial %s under faults is valid', index => {
  expect(runPlan(planOf(index), bank).findings.filter(({ status }) => status === 'bad')).toEqual([])
})
