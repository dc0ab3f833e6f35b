/**
 * The same plan gives the same digest: again, watched or not, in another process, and whether messages travel as objects
 * or as bytes. And the digest sees everything: a flipped message, disk write or draw changes it.
 */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { DEFAULT_GENERATE_OPTIONS, type GenerateOptions } from '../../src/plan/generate-options.ts'
import { generatePlan } from '../../src/plan/generate-plan.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { trialSeed } from '../../src/plan/seed-random.ts'
import { ColumnarTrace } from '../../src/sim/columnar-trace.ts'
import { type RunOptions, runPlan } from '../../src/trial/run-plan.ts'
import type { TrialResult } from '../../src/trial/trial-result.ts'
import type { Workload } from '../../workloads/contract.ts'
import { WORKLOADS } from '../../workloads/index.ts'

interface Sample {
  readonly seed: string
  readonly workload: Workload
}

const SAMPLES: readonly Sample[] = Array.from({ length: 8 }, (_, index) => ({ seed: trialSeed('determinism', index), workload: WORKLOADS[index % WORKLOADS.length]! }))
const nameOf = ({ seed, workload }: Sample): string => `${seed}:${workload.name}`
const planOf = ({ seed, workload }: Sample, options: Partial<GenerateOptions> = {}): Plan => generatePlan(seed, { ...DEFAULT_GENERATE_OPTIONS, ...options, workload: workload.name }, workload)
const run = (sample: Sample, options: RunOptions = {}, generate: Partial<GenerateOptions> = {}): TrialResult => runPlan(planOf(sample, generate), sample.workload, options)

const first = new Map<string, TrialResult>()
function firstRun(sample: Sample): TrialResult {
  const known = first.get(nameOf(sample))
  if (known !== undefined) return known
  const result = run(sample)
  first.set(nameOf(sample), result)
  return result
}

describe('the same plan', { timeout: 300_000 }, () => {
  it('gives the same digests again, watched by a trace, observers and no checkers at all', () => {
    for (const sample of SAMPLES) {
      const expected = firstRun(sample)
      let events = 0
      const watched = run(sample, { trace: new ColumnarTrace(), observers: [{ observe: () => void events++ }], checkers: [] })
      expect(events).toBeGreaterThan(100)
      expect(watched.digests, nameOf(sample)).toEqual(expected.digests)
      expect(watched.checkpoints).toEqual(expected.checkpoints)
    }
  })

  it('gives the same digests in another process', () => {
    const lines = execFileSync(process.execPath, [fileURLToPath(new URL('./digests.mjs', import.meta.url)), ...SAMPLES.map(nameOf)], { encoding: 'utf8' }).trim().split('\n')
    expect(lines).toEqual(SAMPLES.map(sample => {
      const { digests, verdict } = firstRun(sample)
      return `${nameOf(sample)} ${digests.events} ${digests.history} ${verdict}`
    }))
  })

  it('gives the same digests when every message is encoded and decoded', () => {
    for (const sample of SAMPLES.slice(0, 4)) {
      const bytes = run(sample, {}, { wire: 'bytes' })
      expect(bytes.digests, nameOf(sample)).toEqual(firstRun(sample).digests)
      expect(bytes.verdict).toBe(firstRun(sample).verdict)
    }
  })

  it('survives JSON', () => {
    const sample = SAMPLES[1]!
    const copy = JSON.parse(JSON.stringify(planOf(sample))) as Plan
    expect(runPlan(copy, sample.workload).digests).toEqual(firstRun(sample).digests)
  })

  it('gives another digest with another seed, and with another fault', () => {
    const [one, , two] = SAMPLES
    expect(firstRun(one!).digests.events).not.toBe(firstRun(two!).digests.events)
    const plan = planOf(one!)
    expect(plan.faults.length).toBeGreaterThan(0)
    expect(runPlan({ ...plan, faults: plan.faults.slice(1) }, one!.workload).digests.events).not.toBe(firstRun(one!).digests.events)
  })
})

describe('the event digest', { timeout: 300_000 }, () => {
  // Long, and with configured voters: the 300th write must come, and the first writes of a quorum that records its voters are
  // what it is formatted with; spoiled it never comes up.
  const sample = Array.from({ length: 8 }, (_, index): Sample => ({ seed: trialSeed('flipped', index), workload: WORKLOADS[0]! }))
    .filter(one => planOf(one).cluster.server.quorumKraftVersion === 0)
    .reduce((a, b) => (planOf(b).timing.chaosUs > planOf(a).timing.chaosUs ? b : a))
  for (const kind of ['frame', 'disk', 'draw'] as const) {
    it(`changes when one ${kind} is flipped, early or late`, () => {
      const { digests } = firstRun(sample)
      const seen = new Set([digests.events])
      for (const nth of [1, 7, 60, 300]) {
        const flipped = run(sample, { flip: { kind, nth } })
        expect(seen.has(flipped.digests.events), `${kind} ${nth}`).toBe(false)
        // A message is spoiled only for the digest; a write and a draw really are another.
        if (kind === 'frame') expect(flipped.digests.history).toBe(digests.history)
        seen.add(flipped.digests.events)
      }
    })
  }

  it('does not change when what would be flipped never comes', () => {
    expect(run(sample, { flip: { kind: 'frame', nth: 100_000_000 } }).digests).toEqual(firstRun(sample).digests)
  })

  it('has checkpoints that name the first difference', () => {
    const { checkpoints } = firstRun(sample)
    const flipped = run(sample, { flip: { kind: 'frame', nth: 60 } })
    const differs = checkpoints.findIndex((checkpoint, index) => checkpoint !== flipped.checkpoints[index])
    expect(differs).toBeGreaterThanOrEqual(0)
    const late = run(sample, { flip: { kind: 'frame', nth: 400 } })
    expect(checkpoints.findIndex((checkpoint, index) => checkpoint !== late.checkpoints[index])).toBeGreaterThanOrEqual(differs)
  })
})
