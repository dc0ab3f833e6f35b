/** What is to be checked and how, as plain data: it is sent to a worker thread. And what comes back. */
import type { DeliverySemantics } from '../../../checkers/collections/exactly-once-checker.ts'
import type { CheckResult, Verdict } from '../../../checkers/contract.ts'
import type { Engine } from '../../../checkers/linearizability/decide-partition.ts'
import type { GuaranteeConfig } from '../../../checkers/guarantees.ts'
import type { VersionOrder } from '../../../checkers/isolation/register-versions.ts'
import type { TrialErrorCode } from '../../base/trial-error.ts'
import type { HistoryFormat } from '../../history/history-reader.ts'

export interface CheckRequest {
  readonly path: string
  readonly format: HistoryFormat | undefined
  readonly times: 'rising' | 'any'
  readonly checkers: readonly string[]
  /** Of the checker `linearizable`. */
  readonly model: string | undefined
  readonly engine: Engine | undefined
  readonly steps: number | undefined
  /** Values are `[key, value]`; undefined: told by looking. */
  readonly independent: boolean | undefined
  readonly guarantees: GuaranteeConfig
  readonly consistencyModel: string | undefined
  readonly versionOrders: readonly VersionOrder[] | undefined
  readonly drained: boolean
  readonly logStart: { readonly [key: string]: number }
  readonly linearizableSets: boolean
  readonly duplicates: 'allowed' | 'forbidden'
  readonly semantics: DeliverySemantics
  /** Of the bank; a whole number of any size. */
  readonly total: string | undefined
  readonly accounts: readonly string[] | undefined
  readonly negativeBalances: boolean
  /** Make a page of what was found. */
  readonly page: boolean
}

export interface CheckOutcome {
  readonly verdict: Verdict
  /** Lines of the history, invocations and completions alike. */
  readonly operations: number
  readonly independent: boolean
  readonly results: readonly CheckResult[]
  /** Why the check ended early, and how far it came. */
  readonly cut?: { readonly why: 'time' | 'interrupt' | 'memory'; readonly doing: string }
  readonly page?: string
}

/** Where the work is, told now and then. */
export interface CheckProgress {
  readonly operations: number
  readonly doing: string
  /** What was decided already. */
  readonly results: readonly CheckResult[]
}

export type FromCheckWorker =
  | { readonly progress: CheckProgress }
  | { readonly outcome: CheckOutcome }
  | { readonly refusal: { readonly code: TrialErrorCode; readonly message: string; readonly hint: string | undefined } }
  | { readonly crash: { readonly message: string; readonly stack: string } }
