/** The documented exit codes of `trial`. When several apply the precedence is 70, 1, 3, 2, 4, 0. */
import { TrialError } from '../base/trial-error.ts'

export const ExitCode = {
  Valid: 0,
  Invalid: 1,
  Unknown: 2,
  Determinism: 3,
  NothingRun: 4,
  Usage: 64,
  Internal: 70,
  Interrupted: 130,
  Terminated: 143,
} as const
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode]

export const EXIT_CODE_MEANINGS: Readonly<Record<number, string>> = {
  0: 'every run was valid',
  1: 'a property was violated: safety, liveness, or an assertion or crash of a simulated server',
  2: 'undecided: a checker ran out of budget, the history could not decide, or an expected witness was not found',
  3: 'determinism broken: a replay diverged, or a token did not reproduce',
  4: 'nothing was selected or run, or a campaign missed its coverage floors',
  64: 'bad arguments, configuration or input',
  70: 'internal error of the harness',
  130: 'interrupted; results so far are written',
  143: 'terminated; results so far are written',
}

const PRECEDENCE: readonly ExitCode[] = [ExitCode.Internal, ExitCode.Invalid, ExitCode.Determinism, ExitCode.Unknown, ExitCode.NothingRun, ExitCode.Valid]

/** The code that outranks the others. */
export function strongest(...codes: readonly ExitCode[]): ExitCode {
  return PRECEDENCE.find(code => codes.includes(code)) ?? ExitCode.Valid
}

export function exitCodeOf(error: unknown): ExitCode {
  if (!(error instanceof TrialError)) return ExitCode.Internal
  switch (error.code) {
    case 'determinism': return ExitCode.Determinism
    case 'nothing-run': return ExitCode.NothingRun
    case 'internal': return ExitCode.Internal
    default: return ExitCode.Usage
  }
}
