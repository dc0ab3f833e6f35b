/**
 * The one error class for what a user did or gave: a code (becomes an exit code), one sentence and a hint.
 * The command line prints `message` and `hint` and no stack.
 */
export type TrialErrorCode = 'usage' | 'config' | 'token' | 'input' | 'determinism' | 'nothing-run' | 'internal'

export class TrialError extends Error {
  override readonly name = 'TrialError'
  readonly code: TrialErrorCode
  readonly hint: string | undefined

  constructor(code: TrialErrorCode, sentence: string, hint?: string) {
    super(sentence)
    this.code = code
    this.hint = hint
  }
}
