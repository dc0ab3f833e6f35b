/**
 * `kafka-trial/vitest`: campaigns and replays inside a test suite. Both throw an Error whose message is what the terminal
 * would show, with the token and the path of the report, so that a red test can be taken up with `trial replay`. They
 * need no particular test runner.
 */
import { findChecker, selectCheckers } from '../../checkers/index.ts'
import type { Workload } from '../../workloads/contract.ts'
import { WORKLOADS } from '../../workloads/index.ts'
import { reportFailure } from '../artifacts/report-failure.ts'
import { traceRun } from '../artifacts/failure-report.ts'
import { findReproduction } from '../artifacts/reproduction.ts'
import { DEFAULT_OUT, prepareOut, writeArtifacts } from '../artifacts/write-artifacts.ts'
import { terminalDigest } from '../../reports/text/terminal-digest.ts'
import { TrialError } from '../base/trial-error.ts'
import { DEFAULT_GENERATE_OPTIONS, type GenerateOptions } from '../plan/generate-options.ts'
import { type CampaignTotals, defaultJobs, runCampaign, type TrialSummary } from '../trial/campaign.ts'
import { missedFloors } from '../trial/coverage.ts'
import { sizeOf } from '../trial/judge-trial.ts'
import type { TrialResult } from '../trial/trial-result.ts'

export interface RunTrialsOptions extends Partial<Omit<GenerateOptions, 'workload'>> {
  /** One made with `defineWorkload`, or the name of one that ships. */
  readonly workload: Workload | string
  /** Number of trials; default 100. */
  readonly seeds?: number
  /** Base seed; the same one explores the same trials. Default: the workload's name. */
  readonly seed?: string
  /** Stop handing out seeds after so many milliseconds of wall time. */
  readonly timeMs?: number
  /** Checkers and groups; default: all. */
  readonly checkers?: readonly string[]
  /** Executions that shrinking the failure may take; default 200, 0: do not shrink. */
  readonly shrinkBudget?: number
  /** Where the report goes; default `reports/runs`. */
  readonly out?: string
  /** Marks and the least counts of them that these trials must reach. */
  readonly requireMarks?: { readonly [mark: string]: number }
}

/**
 * Explores seeds until the first failure. @returns totals of a campaign without one
 * @throws Error with the terminal digest of the failure; TrialError for what cannot be run
 */
export async function runTrials(options: RunTrialsOptions): Promise<CampaignTotals> {
  const { workload: asked, seeds = 100, timeMs = 0, shrinkBudget = 200, out = DEFAULT_OUT, checkers, requireMarks = {} } = options
  const workload = typeof asked === 'string' ? shipped(asked) : asked
  selectCheckers(checkers ?? ['all'])
  for (const name of workload.checkers) findChecker(name)
  const generate = { ...DEFAULT_GENERATE_OPTIONS, ...onlyGenerateOptions(options), workload: workload.name }
  let failed: TrialSummary | undefined
  const troubles: string[] = []
  const totals = await runCampaign({
    generate, shrinkBudget, verifyEvery: 0, baseSeed: options.seed ?? workload.name, trials: seeds, jobs: defaultJobs(), timeMs, maxFailures: 1,
    workloads: [workload.name],
    ...(WORKLOADS.includes(workload) ? {} : { ownWorkloads: [workload] }),
    ...(checkers === undefined ? {} : { checkers }),
    onResult: summary => {
      if (summary.failure !== undefined) failed ??= summary
      if (summary.verdict === 'unknown') troubles.push(`seed ${summary.seed}: ${summary.crash ?? summary.reason ?? 'undecided'}`)
    },
  })
  if (failed?.failure !== undefined) {
    prepareOut(out)
    const { text } = await reportFailure(failed.failure, workload, { out, write: true, trace: true, ...(checkers === undefined ? {} : { checkers }) })
    throw new Error(`${text}\n  seed    ${failed.seed}, trial ${failed.index} of base seed ${options.seed ?? workload.name}`)
  }
  if (troubles.length > 0) throw new Error(`${troubles.length} of ${totals.trials} trials are undecided; the first: ${troubles[0]!}`)
  const missed = missedFloors(totals.marks, requireMarks)
  if (missed.length > 0) throw new Error(missed.join('\n'))
  return totals
}

export interface ReplayOptions {
  /** `valid`, or the anomaly that the run must show. */
  readonly expect: string
  /** Workloads beside those that ship. */
  readonly workloads?: readonly Workload[]
  readonly out?: string
}

/**
 * Runs what a token, a `.trial.json` file or the folder of a run names, and verifies the digest when this build made it.
 * @throws Error when the run does not show what is expected or is not the run that was named; TrialError for a bad token
 */
export async function replayToken(tokenOrFile: string, { expect, workloads = [], out = DEFAULT_OUT }: ReplayOptions): Promise<TrialResult> {
  const reproduction = await findReproduction(tokenOrFile, [...WORKLOADS, ...workloads])
  const size = sizeOf(reproduction.plan, 0)
  const run = await traceRun({
    plan: reproduction.plan, token: reproduction.token, before: size, after: size, executions: 0, cutShort: false, remaining: [],
    choose: findings => findings.find(({ anomaly }) => anomaly === expect),
  }, reproduction.workload)
  const { result } = run
  if (reproduction.sameBuild === true && !(reproduction.matchesEvents(result.digests) && reproduction.matchesHistory(result.digests))) {
    throw new Error(`the run differs from what '${reproduction.name}' says: event digest ${result.digests.events}, expected ${reproduction.expectedEvents ?? 'another'}`)
  }
  if (expect === 'valid' ? result.verdict === 'valid' : result.findings.some(({ anomaly }) => anomaly === expect)) return result
  if (run.finding === undefined) throw new Error(`'${reproduction.name}' shows no ${expect}: the trial is ${result.verdict}`)
  prepareOut(out)
  throw new Error(`expected ${expect}\n${terminalDigest(run.model, writeArtifacts(run, out, { trace: true }))}`)
}

function shipped(name: string): Workload {
  const workload = WORKLOADS.find(one => one.name === name)
  if (workload === undefined) throw new TrialError('usage', `there is no workload called '${name}'`, `known: ${WORKLOADS.map(one => one.name).join(', ')}; give your own as an object`)
  return workload
}

function onlyGenerateOptions(options: RunTrialsOptions): Partial<GenerateOptions> {
  return Object.fromEntries(Object.keys(DEFAULT_GENERATE_OPTIONS).flatMap(key => (key !== 'workload' && Object.hasOwn(options, key) ? [[key, options[key as keyof RunTrialsOptions]]] : [])))
}
