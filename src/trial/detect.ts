/** How many trials it takes until a defect shows, by the same plans that the faithful build is judged by. */
import type { DefectId } from '../config/defects.ts'
import { DEFAULT_GENERATE_OPTIONS } from '../plan/generate-options.ts'
import { WORKLOADS } from '../../workloads/index.ts'
import { runCampaign } from './campaign.ts'
import type { Failure } from './judge-trial.ts'
import type { WorkerPool } from './worker-pool.ts'

/** The general workload, where close-ups cost least, has every other turn. */
const TURNS = WORKLOADS.flatMap(({ name }) => (name === DEFAULT_GENERATE_OPTIONS.workload ? [] : [DEFAULT_GENERATE_OPTIONS.workload, name]))

export interface DetectOptions {
  readonly baseSeed: string
  /** `['black-box']`: what clients see; `['invariants']`: white-box. */
  readonly checkers: readonly string[]
  /** Wall time at most; 0: no limit. */
  readonly timeMs: number
  readonly trials: number
  readonly jobs: number
  /** Executions for shrinking what is found; 0: none. */
  readonly shrinkBudget?: number
  readonly pool?: WorkerPool
  readonly onTrial?: (trials: number) => void
}

export interface Detection {
  /** 1-based number of the first failing trial; undefined: none failed. */
  readonly trials: number | undefined
  readonly tried: number
  readonly anomaly: string | undefined
  readonly failure: Failure | undefined
  /** Wall time of the trials themselves, summed over workers. */
  readonly busyMs: number
}

export async function detect(defect: DefectId, options: DetectOptions): Promise<Detection> {
  let first: { index: number; failure: Failure } | undefined
  let busyMs = 0
  const totals = await runCampaign({
    generate: { ...DEFAULT_GENERATE_OPTIONS, defects: [defect] }, workloads: TURNS,
    baseSeed: options.baseSeed, trials: options.trials, jobs: options.jobs, timeMs: options.timeMs, maxFailures: 1, checkers: options.checkers,
    shrinkBudget: options.shrinkBudget ?? 0, verifyEvery: 0,
    ...(options.pool === undefined ? {} : { pool: options.pool }),
    onResult: (summary, sums) => {
      busyMs += summary.wallMs
      options.onTrial?.(sums.trials)
      // Workers finish out of order: the smallest index counts.
      if (summary.failure !== undefined && (first === undefined || summary.index < first.index)) first = { index: summary.index, failure: summary.failure }
    },
  })
  return { trials: first === undefined ? undefined : first.index + 1, tried: totals.trials, anomaly: first?.failure.finding.anomaly, failure: first?.failure, busyMs }
}
