/** The rows of `trial guarantees`: when one counts as witnessed, missing, proven or not. Trials are real, searches short. */
import { describe, expect, it } from 'vitest'
import type { GuaranteeRow } from '../../src/trial/guarantee-rows.ts'
import { GUARANTEE_ROWS } from '../../src/trial/guarantee-rows.ts'
import type { measureGuarantees as MeasureGuarantees, RowOutcome } from '../../src/trial/guarantees.ts'
import { PROFILES } from '../../src/plan/generate-options.ts'
import { ANOMALIES } from '../../checkers/anomalies.ts'

const { measureGuarantees } = await import('../../dist/src/trial/guarantees.js' as string) as { measureGuarantees: typeof MeasureGuarantees }
const row = (id: string): GuaranteeRow => GUARANTEE_ROWS.find(one => one.id === id)!

async function outcomeOf(asked: GuaranteeRow, timeMs = 500): Promise<RowOutcome> {
  const [outcome] = await measureGuarantees({ baseSeed: 'rows', rows: [asked], jobs: 2, timeMs, withoutMechanism: false, onProgress: () => undefined, onRow: () => undefined })
  return outcome!
}

describe('the table', () => {
  it('names configurations, anomalies and claims that exist', () => {
    expect(GUARANTEE_ROWS).toHaveLength(20)
    for (const { id, profile, witnesses, claim, expected, without } of GUARANTEE_ROWS) {
      expect(Object.keys(PROFILES), id).toContain(profile)
      for (const anomaly of [...witnesses, ...(without?.witnesses ?? [])]) expect(ANOMALIES.map(one => one.id), id).toContain(anomaly)
      expect(claim.length > 20 && expected.length > 5).toBe(true)
      expect(witnesses.length === 0, `${id} holds and says what it stands on, or is witnessed`).toBe(without !== undefined)
    }
  })
})

describe('a row', () => {
  it('is witnessed by a small counterexample with a token', async () => {
    const { verdict, witness, totals } = await outcomeOf(row('acks-0'))
    expect(verdict).toBe('witnessed')
    expect(witness!.token).toMatch(/^t2-/)
    expect(witness!.finding).toMatchObject({ anomaly: 'unconfirmed-loss', status: 'allowed' })
    expect(witness!.after.operations).toBeLessThan(witness!.before.operations)
    expect(witness!.executions).toBeLessThanOrEqual(62)
    expect(totals.trials).toBeGreaterThan(0)
  })

  it('misses its witness when there is none', async () => {
    const { verdict, witness } = await outcomeOf({ ...row('idempotent'), witnesses: ['duplicate'], marks: [] }, 200)
    expect(witness).toBeUndefined()
    expect(verdict).toBe('missing')
  })

  it('that holds is unproven when it never reached what it must', async () => {
    const { verdict, missedMarks } = await outcomeOf({ ...row('idempotent'), marks: ['client-retry', 'no-such-mark'] }, 200)
    expect(missedMarks).toContain('no-such-mark')
    expect(verdict).toBe('unproven')
  })
})
