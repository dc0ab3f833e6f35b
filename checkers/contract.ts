/**
 * The contract of checkers: what they are given, what they answer. Black-box checkers read a history only; white-box
 * monitors read observations while the trial runs. Both answer findings as data, never prose alone.
 */
import type { Observer } from '../src/env/observation.ts'
import type { History, Json, Operation } from '../src/history/operation.ts'
import type { GuaranteeSet } from './guarantees.ts'
import type { Limits } from './isolation/budget.ts'
import type { VersionOrder } from './isolation/register-versions.ts'

export type Verdict = 'valid' | 'invalid' | 'unknown'

/** One step of an explanation; `event` points into the trace or history when there is something to point at. */
export interface ExplanationStep {
  readonly text: string
  readonly operation?: number
  readonly time?: number
}

export interface Finding {
  /** Anomaly id of the catalogue (`checkers/anomalies.ts`): lost-write, duplicate, two-leaders-one-epoch, ... */
  readonly anomaly: string
  readonly checker: string
  /** `bad` fails the trial; `allowed` was seen but this configuration allows it; `known` is an excused Kafka behaviour. */
  readonly status: 'bad' | 'allowed' | 'known'
  /** One sentence: "Acknowledged record v17 on orders-0 disappeared." */
  readonly title: string
  /** Which guarantee it breaks (id in checkers/guarantees.ts), or null. */
  readonly guarantee: string | null
  readonly evidence: Json
  readonly steps: readonly ExplanationStep[]
  /** "A < B, because ...; however, ...": one or two sentences. */
  readonly contradiction: string
  /** `topic-partition` when it concerns one. */
  readonly key?: string
  readonly offset?: number
  readonly known?: { readonly mend: string; readonly link: string }
}

export interface CheckResult {
  readonly checker: string
  readonly verdict: Verdict
  /** The 8 most telling instances of each anomaly. */
  readonly findings: readonly Finding[]
  /** Every anomaly seen, bad or allowed, with its full count. */
  readonly counts: { readonly [anomaly: string]: number }
  /** Of those, how many this configuration forbids; 0: seen but allowed. Absent: count the findings. */
  readonly bad?: { readonly [anomaly: string]: number }
  /** Why `unknown`. */
  readonly reason?: string
  /** Isolation checkers: the weakest consistency models that do not hold, and the stronger ones. */
  readonly ruledOut?: { readonly not: readonly string[]; readonly alsoNot: readonly string[] }
}

/** All checkers of one trial together. */
export interface Judgement {
  readonly verdict: Verdict
  readonly results: readonly CheckResult[]
  /** Findings of all checkers: bad first, then known, then allowed. */
  readonly findings: readonly Finding[]
  readonly counts: { readonly [anomaly: string]: number }
  readonly bad: { readonly [anomaly: string]: number }
  readonly reasons: readonly string[]
}

export interface CheckContext {
  readonly guarantees: GuaranteeSet
  /** Did the workload drain every partition to its end after the faults stopped? Otherwise nothing can be `unseen`. */
  readonly drained: boolean
  /** Per key the offset below which retention, DeleteRecords or compaction may have removed records. */
  readonly logStart: { readonly [key: string]: number }
  /** What transactions are owed, for isolation checkers; `strict-serializable` when absent. */
  readonly consistencyModel?: string
  /** What may be assumed of the order in which registers take values, for `rw-register`. */
  readonly versionOrders?: readonly VersionOrder[]
  /** Values are `[key, value]` tuples, for a checker that takes keys apart itself. */
  readonly independent?: boolean
  /** What a search may spend. */
  readonly limits?: Limits
}

/** One history, taken operation by operation, in order. */
export interface HistoryCheck {
  /** Throws TrialError('input') at what the checker cannot understand. */
  add(operation: Operation): void
  finish(): CheckResult
}

/** A black-box checker. Pure. */
export interface Checker {
  readonly name: string
  readonly describes: string
  /** Which operations it understands; of the history of a trial it is shown only these. Absent: all. */
  concerns?(invocation: Operation): boolean
  check(history: History, context: CheckContext): CheckResult
  /** Of checkers that need not hold the history: the same, piece by piece. */
  begin?(context: CheckContext): HistoryCheck
}

/** A white-box monitor: subscribes to observations, remembers the first event at which an invariant broke. */
export interface Monitor extends Observer {
  readonly name: string
  /** Called once when the trial ends. */
  finish(): readonly Finding[]
}
