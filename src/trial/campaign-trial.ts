/**
 * One trial of a campaign, from job to summary. Runs inside a worker thread, or in process when run from source.
 */
import { WORKLOADS } from '../../workloads/index.ts'
import type { Workload } from '../../workloads/contract.ts'
import { TrialError } from '../base/trial-error.ts'
import { generatePlan } from '../plan/generate-plan.ts'
import type { CampaignJob, TrialSummary, WorkerOptions } from './campaign.ts'
import { judgeSeed, type JudgeOptions } from './judge-trial.ts'
import { loadConfiguredWorkloads } from './load-config.ts'
import { runTrial } from './run-plan.ts'
import { firstBad, type TrialResult } from './trial-result.ts'

export async function createTrialRunner(options: WorkerOptions, own: readonly Workload[] = []): Promise<(job: CampaignJob) => Promise<TrialSummary>> {
  const extra: readonly Workload[] = options.configFile === undefined ? [] : await loadConfiguredWorkloads(options.configFile)
  const workloads = [...WORKLOADS, ...extra, ...own]
  const named = (name: string): Workload => {
    const workload = workloads.find(one => one.name === name)
    if (workload === undefined) throw new TrialError('usage', `there is no workload called '${name}'`, `known: ${workloads.map(one => one.name).join(', ')}`)
    return workload
  }
  const { witnesses } = options
  const judge: JudgeOptions = {
    shrinkBudget: options.shrinkBudget,
    ...(options.checkers === undefined ? {} : { checkers: options.checkers }),
    ...(witnesses === undefined ? {} : { select: (result: TrialResult) => firstBad(result) ?? result.findings.find(({ anomaly }) => witnesses.includes(anomaly)) }),
  }
  return job => runJob(job, { ...options, generate: { ...options.generate, workload: job.workload } }, named(job.workload), judge)
}

async function runJob(job: CampaignJob, options: WorkerOptions, workload: Workload, judge: JudgeOptions): Promise<TrialSummary> {
  const started = performance.now()
  const empty = { ...job, marks: {}, anomalies: {}, known: [], owed: [] }
  try {
    const { result, failure } = await judgeSeed(job.seed, options.generate, workload, judge)
    const verify = options.verifyEvery > 0 && job.index % options.verifyEvery === 0
    const again = verify ? await runTrial(generatePlan(job.seed, options.generate, workload), workload, judge) : undefined
    const differs = again !== undefined && (again.digests.events !== result.digests.events || again.digests.history !== result.digests.history)
    const anomalies: { [name: string]: number } = {}
    for (const finding of result.findings) {
      const name = `${finding.anomaly}:${finding.status}`
      anomalies[name] = (anomalies[name] ?? 0) + 1
    }
    const reason = result.results.find(({ verdict }) => verdict === 'unknown')?.reason
    return {
      ...job,
      verdict: result.verdict,
      virtualUs: result.virtualUs,
      wallMs: performance.now() - started,
      events: result.digests.eventCount,
      digest: result.digests.events,
      marks: result.marks,
      anomalies,
      known: result.findings.flatMap(finding => (finding.known === undefined ? [] : [{ anomaly: finding.anomaly, ...finding.known }])),
      owed: result.owed,
      ...(reason === undefined ? {} : { reason }),
      ...(failure === undefined ? {} : { failure }),
      ...(differs ? { nondeterminism: { first: result.digests.events, second: again.digests.events, checkpoint: firstDifference(result.checkpoints, again.checkpoints) } } : {}),
    }
  } catch (error) {
    if (error instanceof TrialError && error.code !== 'internal') {
      return { ...empty, verdict: 'unknown', virtualUs: 0, wallMs: performance.now() - started, events: 0, digest: '', reason: `${error.message} (${error.hint ?? ''})` }
    }
    const crash = error instanceof Error ? (error.stack ?? error.message) : String(error)
    return { ...empty, verdict: 'unknown', virtualUs: 0, wallMs: performance.now() - started, events: 0, digest: '', reason: 'the harness failed', crash }
  }
}

/** Index of the first checkpoint that differs. */
export function firstDifference(a: readonly string[], b: readonly string[]): number {
  const length = Math.min(a.length, b.length)
  for (let index = 0; index < length; index++) if (a[index] !== b[index]) return index
  return length
}
