/**
 * From a failing trial to its report: the shrunk plan is run once more with the trace on, and the digests must agree.
 */
import type { Finding } from '../../checkers/contract.ts'
import { buildReport, type ReportSize } from '../../reports/build-report.ts'
import type { ReportModel } from '../../reports/report-model.ts'
import { ReportRecorder } from '../../reports/report-recorder.ts'
import type { Workload } from '../../workloads/contract.ts'
import { TrialError } from '../base/trial-error.ts'
import type { Plan } from '../plan/plan.ts'
import type { RemainingElement } from '../plan/shrink.ts'
import { apiName } from '../protocol/api-keys.ts'
import { ColumnarTrace } from '../sim/columnar-trace.ts'
import { buildId } from '../trial/build-id.ts'
import { runExcused } from '../trial/judge-trial.ts'
import type { TrialResult } from '../trial/trial-result.ts'
import { TeeTrace } from './tee-trace.ts'

/** What is known of a trial before it is run again for its report. */
export interface ReportRequest {
  readonly plan: Plan
  readonly token: string | undefined
  /** The finding that the report is about; absent: the first bad one of the run. */
  readonly finding?: Finding
  /** Chooses the finding among those of the run, when it is not known beforehand. */
  readonly choose?: (findings: readonly Finding[]) => Finding | undefined
  /** Digests that the run must give. */
  readonly expected?: { readonly events: string; readonly history: string }
  readonly before: ReportSize
  readonly after: ReportSize
  readonly executions: number
  readonly cutShort: boolean
  readonly remaining: readonly RemainingElement[]
  readonly checkers?: readonly string[]
}

export interface TracedRun {
  readonly plan: Plan
  readonly token: string | undefined
  readonly result: TrialResult
  readonly finding: Finding | undefined
  readonly trace: ColumnarTrace
  readonly model: ReportModel
}

export const PLAN_FILE = 'repro.trial.json'

/** @throws TrialError('determinism') when the digests differ from the expected ones */
export async function traceRun(request: ReportRequest, workload: Workload): Promise<TracedRun> {
  const { plan, token, expected } = request
  const hosts = new Map(plan.cluster.servers.map(server => [server.nodeId, server.host]))
  const recorder = new ReportRecorder(id => hosts.get(id) ?? `broker-${id}`)
  const trace = new ColumnarTrace()
  const result = await runExcused(plan, workload, {
    trace: new TeeTrace([trace, recorder]), observers: [recorder],
    ...(request.checkers === undefined ? {} : { checkers: request.checkers }),
  })
  recorder.finish(result.virtualUs)
  if (expected !== undefined && (expected.events !== result.digests.events || expected.history !== result.digests.history)) {
    throw new TrialError('determinism', `running the plan again gave event digest ${result.digests.events} instead of ${expected.events}`, 'something outside the plan decided this run; try `trial run --verify-determinism`')
  }
  const finding = result.findings.find(other => request.finding !== undefined && other.anomaly === request.finding.anomaly && other.status === request.finding.status)
    ?? request.finding ?? request.choose?.(result.findings) ?? result.findings.find(({ status }) => status === 'bad')
  const model = buildReport({
    plan, finding, findings: result.findings, owed: result.owed, checkers: result.checkers, history: result.history, marks: result.marks,
    digests: result.digests, firedFaults: result.faults, token, planFile: PLAN_FILE, build: buildId(), reproduced: expected === undefined ? 1 : 2,
    before: request.before, after: request.after, executions: request.executions, cutShort: request.cutShort, remaining: request.remaining,
    recorder, apiName,
  })
  return { plan, token, result, finding, trace, model }
}
