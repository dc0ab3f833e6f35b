/**
 * Runs several checkers over one history and merges what they say: invalid wins over unknown, unknown over valid.
 */
import type { History } from '../src/history/operation.ts'
import type { Checker, CheckContext, CheckResult, Finding, Judgement, Verdict } from './contract.ts'

const RANK: Readonly<Record<Verdict, number>> = { valid: 0, unknown: 1, invalid: 2 }

/** The worst; `valid` of none. */
export function mergeVerdicts(verdicts: Iterable<Verdict>): Verdict {
  let worst: Verdict = 'valid'
  for (const verdict of verdicts) if (RANK[verdict] > RANK[worst]) worst = verdict
  return worst
}

export function runCheckers(checkers: readonly Checker[], history: History, context: CheckContext): CheckResult[] {
  return checkers.map(checker => checker.check(history, context))
}

/** Anomalies that the workload allows are no longer bad; a result without bad ones left is valid, or unknown if it gave a reason. */
export function allowAnomalies(result: CheckResult, allowed: readonly string[]): CheckResult {
  const bad = { ...badOf(result) }
  if (!allowed.some(anomaly => (bad[anomaly] ?? 0) > 0)) return result
  for (const anomaly of allowed) if (bad[anomaly] !== undefined) bad[anomaly] = 0
  const findings = result.findings.map((finding): Finding => (finding.status === 'bad' && allowed.includes(finding.anomaly) ? { ...finding, status: 'allowed' } : finding))
  const anyBad = Object.values(bad).some(count => count > 0)
  return { ...result, bad, findings, verdict: anyBad ? 'invalid' : result.reason === undefined ? 'valid' : 'unknown' }
}

function badOf(result: CheckResult): { readonly [anomaly: string]: number } {
  if (result.bad !== undefined) return result.bad
  const bad: { [anomaly: string]: number } = {}
  for (const { anomaly, status } of result.findings) bad[anomaly] = (bad[anomaly] ?? 0) + (status === 'bad' ? 1 : 0)
  return bad
}

/** What several checkers said, as one judgement. */
export function compose(results: readonly CheckResult[]): Judgement {
  const counts: { [anomaly: string]: number } = {}
  const bad: { [anomaly: string]: number } = {}
  const findings: Finding[] = []
  const reasons: string[] = []
  for (const result of results) {
    for (const anomaly of Object.keys(result.counts)) counts[anomaly] = (counts[anomaly] ?? 0) + result.counts[anomaly]!
    const resultBad = badOf(result)
    for (const anomaly of Object.keys(resultBad)) bad[anomaly] = (bad[anomaly] ?? 0) + resultBad[anomaly]!
    findings.push(...result.findings)
    if (result.reason !== undefined) reasons.push(`${result.checker}: ${result.reason}`)
  }
  const of = (status: Finding['status']): Finding[] => findings.filter(finding => finding.status === status)
  return {
    verdict: mergeVerdicts(results.map(({ verdict }) => verdict)),
    results,
    findings: [...of('bad'), ...of('known'), ...of('allowed')],
    counts,
    bad,
    reasons,
  }
}
