/**
 * What `npm run bench:checkers` measures: a history, made in a process of its own and written as JSON Lines, and a checker
 * that takes it operation by operation. Reading the file is timed apart from checking.
 */
import type { Operation } from '../../src/history/operation.ts'
import type { Verdict } from '../../checkers/contract.ts'

/** Takes a history as it is read. One that needs the whole list keeps it. */
export interface CaseChecker {
  add(operation: Operation): void
  /** The verdict, with whatever witness or counterexample belongs to it, already built. */
  finish(): CaseAnswer
}

export interface CaseAnswer {
  readonly verdict: Verdict
  /** Shown in the row, such as the anomalies that were found or the steps that were taken. */
  readonly detail?: { readonly [key: string]: string | number }
}

export interface Case {
  /** Unique; `family/what/how many`. */
  readonly name: string
  /** How many operations (or transactions) the history has; invoke and completion count as one. */
  readonly operations: number
  /** The same history in every process. */
  readonly history: () => Iterable<Operation>
  readonly checker: () => CaseChecker
  /** Another verdict makes the bench fail. */
  readonly expect: Verdict
  /** From the table of what must be shown; a row that misses it says so. Milliseconds exclude parsing unless `endToEndMs`. */
  readonly aim?: { readonly medianMs?: number; readonly endToEndMs?: number; readonly peakMemoryMB?: number }
  /** The case that does the same in another way; the bench prints how many times as long this one takes. */
  readonly comparedWith?: string
  /** Rows of one series differ only in this; the bench prints how the time grows with it. */
  readonly series?: { readonly name: string; readonly by: 'operations' | 'clients' | 'indeterminate'; readonly at: number }
}
