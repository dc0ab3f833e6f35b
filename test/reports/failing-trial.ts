/**
 * A trial that fails, with its trace: small plans with reads beyond the high watermark, the first of a fixed campaign that
 * clients see. Run once for all tests of this folder.
 */
import { type TracedRun, traceRun } from '../../src/artifacts/failure-report.ts'
import { DEFAULT_GENERATE_OPTIONS, type GenerateOptions } from '../../src/plan/generate-options.ts'
import { trialSeed } from '../../src/plan/seed-random.ts'
import { type Failure, judgeSeed } from '../../src/trial/judge-trial.ts'
import { findWorkload } from '../../workloads/index.ts'

export interface FailingTrial {
  readonly failure: Failure
  readonly run: TracedRun
}

const OPTIONS: GenerateOptions = { ...DEFAULT_GENERATE_OPTIONS, defects: ['reads-beyond-high-watermark'], profile: 'acks-1', families: ['partition', 'crash'], faultRate: 'high', operations: 40, chaosMs: 2_000, brokers: 3 }
const workload = findWorkload(OPTIONS.workload)!

async function find(): Promise<FailingTrial> {
  for (let index = 0; index < 60; index++) {
    const { failure } = await judgeSeed(trialSeed('d', index), OPTIONS, workload, { shrinkBudget: 12 })
    if (failure === undefined) continue
    const { plan, token, finding, before, after, executions, cutShort, remaining } = failure
    const run = await traceRun({ plan, token, finding, expected: failure.result.digests, before, after, executions, cutShort, remaining }, workload)
    return { failure, run }
  }
  throw new Error('none of sixty trials failed: has the defect lost its bite?')
}

let found: Promise<FailingTrial> | undefined

export function failingTrial(): Promise<FailingTrial> {
  return found ??= find()
}
