/**
 * What one trial gives: plain data, so that it can be saved, compared and reported.
 */
import type { CheckResult, Finding, Verdict } from '../../checkers/contract.ts'
import type { Operation } from '../history/operation.ts'
import type { FiredFault } from '../nemesis/nemesis.ts'
import type { MarkCounts } from './coverage.ts'

export interface Digests {
  /** Over every kernel event. */
  readonly events: string
  /** Over what clients saw. */
  readonly history: string
  readonly eventCount: number
}

export interface TrialResult {
  readonly verdict: Verdict
  readonly results: readonly CheckResult[]
  /** All findings of all checkers, bad ones first. */
  readonly findings: readonly Finding[]
  /** Ids of the guarantees that the configuration owes. */
  readonly owed: readonly string[]
  readonly history: readonly Operation[]
  readonly digests: Digests
  /** Digest after every 1 024 events. */
  readonly checkpoints: readonly string[]
  readonly marks: MarkCounts
  readonly faults: readonly FiredFault[]
  readonly skippedFaults: readonly { readonly id: number; readonly why: string }[]
  readonly choicesFired: readonly { readonly key: string; readonly value: number }[]
  readonly virtualUs: number
  readonly drained: boolean
  readonly checkers: readonly string[]
}

/** The finding that a trial failed by: the first bad one. */
export function firstBad(result: TrialResult): Finding | undefined {
  return result.findings.find(finding => finding.status === 'bad')
}

/** Do two findings tell of the same anomaly under the same guarantee? What shrinking must preserve. */
export function sameAnomaly(a: Finding, b: Finding): boolean {
  return a.anomaly === b.anomaly && a.guarantee === b.guarantee && a.status === b.status
}
