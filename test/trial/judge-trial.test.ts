/** Excuses that take two mends, on a plan where each of two known behaviours writes a batch twice when the other is mended. */
import { describe, expect, it } from 'vitest'
import type { MendId } from '../../src/config/defects.ts'
import { runExcused } from '../../src/trial/judge-trial.ts'
import { readPlanFile } from '../../src/trial/plan-file.ts'
import { runTrial } from '../../src/trial/run-plan.ts'
import { userActions } from '../../workloads/user-actions.ts'

const { plan } = readPlanFile('test/corpus/known-forgotten-then-shortened.trial.json')
const FORGOTTEN = 'producer-state-behind-log-start'
const SHORTENED = 'KAFKA-5494-snapshot'

describe('two known behaviours that lead to one anomaly', () => {
  it('excuse it together, though neither mend alone removes it', async () => {
    const left = async (mends: readonly MendId[]): Promise<number> =>
      (await runTrial({ ...plan, mends }, userActions, {})).findings.filter(({ anomaly, status }) => anomaly === 'duplicate' && status === 'bad').length
    for (const mends of [[], [FORGOTTEN], [SHORTENED]] as const) expect(await left(mends), mends.join()).toBeGreaterThan(0)
    expect(await left([FORGOTTEN, SHORTENED])).toBe(0)
    const { verdict, findings } = await runExcused(plan, userActions, {})
    expect(verdict).toBe('valid')
    expect([...new Set(findings.map(({ status, known }) => `${status} ${known?.mend}`))]).toEqual([`known ${FORGOTTEN}`])
    expect(findings[0]!.steps.at(-1)!.text).toBe(`With that mended, ${SHORTENED} still brings it about, and nothing else does.`)
  })

  it('are found in runs that observers are not told of', async () => {
    let starts = 0
    const observers = [{ observe: ({ kind }: { kind: string }) => void (starts += kind === 'process-started' ? 1 : 0) }]
    await runTrial(plan, userActions, { observers })
    const once = starts
    await runExcused(plan, userActions, { observers })
    expect(once).toBeGreaterThan(0)
    expect(starts).toBe(2 * once)
  })
})
