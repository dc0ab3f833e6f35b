/** Every forced choice really changes the run, and none of them breaks a promise. */
import { describe, expect, it } from 'vitest'
import { BUGGIFY_SITES, type BuggifySite } from '../../src/config/buggify.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { readPlanFile } from '../../src/trial/plan-file.ts'
import { runPlan } from '../../src/trial/run-plan.ts'
import { produceConsume } from '../../workloads/produce-consume.ts'

const QUIET: Plan = { ...readPlanFile('test/corpus/corruption-outside-crc.trial.json').plan, faults: [], beyondBudget: false }
/** Here the scheduler takes the processor away from tasks. */
const INTERLEAVED: Plan = { ...QUIET, interleaving: { kind: 'random', probability: 0.05, depth: 0 }, choices: { mode: 'drawn', delay: 0, delayMaxUs: 1, break: 0, tornWrite: 0 } }
/** Needs a producer that bumps its epoch again and again; see the test of its idempotent state. */
const ELSEWHERE: readonly BuggifySite[] = ['few-epochs']

describe('a forced choice', () => {
  const plain = runPlan(QUIET, produceConsume, {})

  it.each(BUGGIFY_SITES.map(({ id }) => id as BuggifySite).filter(id => !ELSEWHERE.includes(id)))('%s', site => {
    const isOfScheduler = site === 'stalled-threads'
    const result = runPlan({ ...(isOfScheduler ? INTERLEAVED : QUIET), buggify: [site] }, produceConsume, {})
    expect([result.verdict, result.drained]).toEqual(['valid', true])
    expect(result.digests.events).not.toBe((isOfScheduler ? runPlan(INTERLEAVED, produceConsume, {}) : plain).digests.events)
  })

  it('that is not made costs nothing', () => {
    expect(runPlan({ ...QUIET, buggify: [] }, produceConsume, {}).digests).toEqual(plain.digests)
  })
})
