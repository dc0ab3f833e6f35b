/**
 * From a seed to a judged trial: run, excuse known behaviour of Kafka (only when the plan with the mend switched on no
 * longer shows the anomaly, or shows it only by a second known behaviour, found there by the same rule), and, when it still fails, shrink it to a minimal story with a token.
 */
import type { Finding } from '../../checkers/contract.ts'
import { asKnown, type Excuse, excusesFor, MechanismRecorder, type Mechanisms } from '../../checkers/known-behaviour.ts'
import type { Workload } from '../../workloads/contract.ts'
import { MENDS, type MendId } from '../config/defects.ts'
import type { GenerateOptions } from '../plan/generate-options.ts'
import { generatePlan } from '../plan/generate-plan.ts'
import type { Plan } from '../plan/plan.ts'
import { type RemainingElement, shrink } from '../plan/shrink.ts'
import { materialise, type PlanOrigin, tokenOf } from './resolve-token.ts'
import { type RunOptions, runTrial } from './run-plan.ts'
import { firstBad, sameAnomaly, type TrialResult } from './trial-result.ts'

/** A failing trial, reduced. Plain data: it crosses from worker to main thread. */
export interface Failure {
  readonly token: string | undefined
  readonly finding: Finding
  readonly plan: Plan
  readonly result: TrialResult
  readonly remaining: readonly RemainingElement[]
  readonly before: PlanSize
  readonly after: PlanSize
  readonly executions: number
  readonly cutShort: boolean
}

export interface PlanSize {
  readonly operations: number
  readonly faults: number
  readonly servers: number
  readonly partitions: number
  readonly virtualUs: number
}

export interface JudgeOptions extends RunOptions {
  /** Executions for shrinking; 0: do not shrink. */
  readonly shrinkBudget: number
  /** Told of every element that a shrink has removed. */
  readonly onProgress?: (kept: number, executions: number) => void
  /** Which finding to take for the failure; absent: the first bad one. */
  readonly select?: (result: TrialResult) => Finding | undefined
}

export async function judgeSeed(seed: string, options: GenerateOptions, workload: Workload, judge: JudgeOptions): Promise<{ result: TrialResult; failure: Failure | undefined }> {
  const plan = generatePlan(seed, options, workload)
  const first = await runExcused(plan, workload, judge)
  const finding = judge.select === undefined ? firstBad(first) : judge.select(first)
  if (finding === undefined) return { result: first, failure: undefined }
  return { result: first, failure: await reduce(plan, { options, seed, materialised: 'no' }, first, finding, workload, judge) }
}

/**
 * Runs a plan and turns bad findings that mends explain into `known` ones. The runs with mends are not traced: trace and
 * observers are told of the plan as it is and of nothing else.
 */
export async function runExcused(plan: Plan, workload: Workload, options: RunOptions): Promise<TrialResult> {
  const { trace: _trace, observers: _observers, ...untold } = options
  return excuse(await runObserved(plan, workload, options), workload, untold)
}

interface ObservedRun {
  readonly plan: Plan
  readonly result: TrialResult
  readonly seen: Mechanisms
  /** The mend that was added to the plan, which did not suffice. */
  readonly after?: MendId
}

async function runObserved(plan: Plan, workload: Workload, options: RunOptions): Promise<ObservedRun> {
  const recorder = new MechanismRecorder()
  const result = await runTrial(plan, workload, { ...options, observers: [...(options.observers ?? []), recorder] })
  return { plan, result, seen: recorder.seen }
}

/**
 * One mend where one suffices, else two: where one of two known behaviours leads to an anomaly when the other is mended,
 * neither mend alone removes it, so what a mended run still shows is judged by that run's own trace.
 */
async function excuse(run: ObservedRun, workload: Workload, options: RunOptions): Promise<TrialResult> {
  const { plan, result, after } = run
  if (result.verdict !== 'invalid') return result
  let { findings } = result
  const tried: (ObservedRun & { readonly after: MendId })[] = []
  for (const { id } of MENDS) {
    const mend = id as MendId
    if (plan.mends.includes(mend) || !findings.some(finding => excuseBy(mend, finding, run) !== undefined)) continue
    const mended = { ...await runObserved({ ...plan, mends: [...plan.mends, mend] }, workload, options), after: mend }
    tried.push(mended)
    findings = findings.map(finding => excuseWith(mend, finding, run, mended.result))
  }
  for (const mended of after === undefined ? tried : []) {
    if (!findings.some(finding => excuseBy(mended.after, finding, run) !== undefined)) continue
    const rest = await excuse(mended, workload, options)
    findings = findings.map(finding => excuseWith(mended.after, finding, run, rest))
  }
  return { ...result, findings, verdict: findings.some(finding => finding.status === 'bad') ? 'invalid' : 'valid' }
}

function excuseBy(mend: MendId, finding: Finding, { seen, after }: ObservedRun): Excuse | undefined {
  return excusesFor(finding, seen, after).find(one => one.mend === mend)
}

/** The finding as known, if this mend may excuse it and the run with it shows no such anomaly that is not excused. */
function excuseWith(mend: MendId, finding: Finding, run: ObservedRun, mended: TrialResult): Finding {
  const one = excuseBy(mend, finding, run)
  if (one === undefined || mended.findings.some(other => sameAnomaly(finding, other))) return finding
  const others = mended.findings.filter(other => sameAnomaly({ ...finding, status: 'known' }, other)).map(({ known }) => known!.mend)
  return asKnown(finding, one, [...new Set(others)])
}

export function sizeOf(plan: Plan, virtualUs: number): PlanSize {
  return {
    operations: plan.operations.length,
    faults: plan.faults.length + (plan.choices.mode === 'explicit' ? plan.choices.fired.length : 0),
    servers: plan.cluster.servers.length,
    partitions: plan.topics.reduce((sum, topic) => sum + topic.partitions, 0),
    virtualUs,
  }
}

/** Shrinks a failing plan. The answer always fails by the same anomaly under the same guarantee. */
/** `origin` undefined: no token can name the plan. */
export async function reduce(plan: Plan, origin: PlanOrigin | undefined, first: TrialResult, finding: Finding, workload: Workload, judge: JudgeOptions): Promise<Failure> {
  const before = { ...sizeOf(plan, first.virtualUs), faults: plan.faults.length + first.choicesFired.length }
  let executions = 0
  const select = (result: TrialResult): Finding | undefined => result.findings.find(other => sameAnomaly(finding, other))
  const run = async (candidate: Plan): Promise<TrialResult | undefined> => {
    executions++
    try {
      return await runTrial(candidate, workload, judge)
    } catch {
      return undefined
    }
  }
  const failing = async (candidate: Plan): Promise<boolean> => {
    const result = await run(candidate)
    return result !== undefined && select(result) !== undefined
  }
  const asIs = (): Failure => ({
    token: origin === undefined ? undefined : tokenOf(origin, first.digests, finding), finding, plan, result: first, remaining: [], before, after: before, executions, cutShort: judge.shrinkBudget > 0,
  })
  if (judge.shrinkBudget <= 0) return asIs()
  let base = plan
  let materialised: PlanOrigin['materialised'] = origin?.materialised ?? 'no'
  if (plan.choices.mode === 'drawn') {
    for (const latency of ['constant', 'drawn'] as const) {
      const candidate = materialise(plan, first.choicesFired, latency)
      if (!await failing(candidate)) continue
      base = candidate
      materialised = `${latency}-latency`
      break
    }
    if (materialised === 'no') return asIs()
  }
  const shrunk = await shrink(base, { budget: judge.shrinkBudget - executions, fails: failing, ...(judge.onProgress === undefined ? {} : { progress: judge.onProgress }) })
  const result = await run(shrunk.plan)
  const found = result === undefined ? undefined : select(result)
  if (result === undefined || found === undefined) return asIs()
  // A plan that was itself resolved from a token keeps a subset of a subset: map back to the original elements.
  const kept = origin?.kept === undefined ? shrunk.kept : composeKept(origin.kept, shrunk.kept)
  return {
    token: origin === undefined ? undefined : tokenOf({ ...origin, materialised, kept }, result.digests, found),
    finding: found, plan: shrunk.plan, result, remaining: shrunk.remaining,
    before, after: sizeOf(shrunk.plan, result.virtualUs), executions, cutShort: shrunk.cutShort,
  }
}

function composeKept(outer: readonly boolean[], inner: readonly boolean[]): boolean[] {
  let index = 0
  return outer.map(flag => flag && inner[index++] === true)
}

