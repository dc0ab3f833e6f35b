/** A few default trials of the faithful build on every test run; `npm run campaign` runs thousands. */
import { describe, expect, it } from 'vitest'
import { runTrials } from '../../src/vitest/index.ts'
import { WORKLOADS } from '../../workloads/index.ts'

describe('the faithful build', () => {
  // Clients of `offsets` produce nothing, and do not try again by themselves.
  const marksOf = (name: string): Record<string, number> => (name === 'offsets' ? { 'offset-commit-after-failover': 1 } : { 'client-retry': 5 })
  for (const { name } of WORKLOADS) {
    it(`is valid under ${name}, and things did happen`, async () => {
      const totals = await runTrials({ workload: name, seeds: 12, requireMarks: { 'isr-shrink': 1, 'broker-fenced': 1, ...marksOf(name) } })
      expect(totals.valid + totals.known).toBe(12)
    }, 120_000)
  }
})
