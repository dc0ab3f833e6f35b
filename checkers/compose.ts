/**
 * Runs several checkers over one history and merges what they say: invalid wins over unknown, unknown over valid.
 */
import type { History, Operation } from '../src/history/operation.ts'
import type { GuaranteeId, GuaranteeSet } from './guarantees.ts'
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

/** The same over the history of a trial, in which several checkers find what concerns them. */
export function runCheckersOnTrial(checkers: readonly Checker[], history: History, context: CheckContext): CheckResult[] {
  return checkers.map(checker => checker.check(viewOf(checker, history), context))
}

/** The operations that concern a checker, with their completions, and the faults. */
function viewOf(checker: Checker, history: History): History {
  if (checker.concerns === undefined) return history
  const open = new Set<Operation['process']>()
  return history.filter(operation => {
    const { process, type } = operation
    if (process === 'nemesis') return true
    if (type !== 'invoke') return open.delete(process)
    if (!checker.concerns!(operation)) return false
    open.add(process)
    return true
  })
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

/** What a checker of another data type found counts only where the cluster owes what it stands on. */
export function requireGuarantees(result: CheckResult, requires: readonly GuaranteeId[], { owed }: GuaranteeSet): CheckResult {
  const missing = requires.find(one => !owed.has(one))
  if (missing === undefined || result.verdict === 'valid') return result
  const findings = result.findings.map((finding): Finding => (finding.status === 'bad' ? { ...finding, status: 'allowed', guarantee: missing } : finding))
  const bad = Object.fromEntries(Object.keys(badOf(result)).map(anomaly => [anomaly, 0]))
  return { ...result, bad, findings, verdict: result.reason === undefined ? 'valid' : 'unknown' }
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
