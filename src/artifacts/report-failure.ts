/** From a judged failure to what people and machines are told of it: digest, command, token, and the report on disk. */
import { join } from 'node:path'
import { terminalDigest } from '../../reports/text/terminal-digest.ts'
import type { Workload } from '../../workloads/contract.ts'
import type { Failure } from '../trial/judge-trial.ts'
import { PLAN_FILE, traceRun } from './failure-report.ts'
import { writeArtifacts } from './write-artifacts.ts'

/** A failing trial as reporters see it. */
export interface ReportedFailure {
  readonly token: string | null
  readonly anomaly: string
  readonly digest: string
  readonly title: string
  readonly key: string | null
  readonly workload: string
  readonly seed: string
  readonly command: string
  /** Path of the HTML report; null when none was written. */
  readonly report: string | null
  /** What the terminal shows. */
  readonly text: string
}

export interface ReportOptions {
  readonly out: string
  /** Write the report; otherwise only say what happened. */
  readonly write: boolean
  readonly trace: boolean
  readonly checkers?: readonly string[]
}

/** Runs the reduced plan once more with the trace on. @throws TrialError('determinism' | 'usage') */
export async function reportFailure(failure: Failure, workload: Workload, { out, write, trace, checkers }: ReportOptions): Promise<ReportedFailure> {
  const { token, finding, plan } = failure
  const traced = await traceRun({
    plan, token, finding, expected: failure.result.digests, before: failure.before, after: failure.after, executions: failure.executions,
    cutShort: failure.cutShort, remaining: failure.remaining, ...(checkers === undefined ? {} : { checkers }),
  }, workload)
  const report = write ? writeArtifacts(traced, out, { trace }) : null
  const folder = join(out, token ?? `seed-${plan.seed}`)
  return {
    token: token ?? null, anomaly: finding.anomaly, digest: failure.result.digests.events, title: finding.title, key: finding.key ?? null,
    workload: plan.workload, seed: plan.seed, report,
    command: `trial replay ${token ?? folder}`,
    text: terminalDigest(traced.model, report ?? '(not written)').replace(PLAN_FILE, join(folder, PLAN_FILE)),
  }
}
