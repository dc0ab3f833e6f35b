/**
 * One checker over a history that is being read. Checkers that take operations one by one hold no history; for the others
 * it is held. Whether values are tuples of keys, and each key is to be judged by itself, is known only in the end: where it
 * makes a difference the history is taken both ways, until an operation shows that it is none of keys.
 */
import { TrialError } from '../../base/trial-error.ts'
import type { CheckContext, CheckResult, HistoryCheck } from '../../../checkers/contract.ts'
import { independently } from '../../../checkers/independent.ts'
import type { History, Operation } from '../../history/operation.ts'
import type { SelectedChecker } from './select-checkers.ts'

export interface RunningCheck {
  readonly name: string
  /** Must the caller hold the history, for `finish`? */
  readonly needsHistory: boolean
  /** `keyed`: so far every value may be a tuple with a key. */
  add(operation: Operation, keyed: boolean): void
  finish(independent: boolean, history: History): CheckResult
}

/** `independent`: undefined when it is to be told by looking. */
export function beginCheck({ keys, make }: SelectedChecker, context: CheckContext, independent: boolean | undefined): RunningCheck {
  const checker = make(independent === true)
  const { name, begin } = checker
  if (begin === undefined || (keys === 'apart' && independent !== false)) {
    const held = (keyed: boolean) => (keyed && keys === 'apart' ? independently(make(keyed)) : make(keyed))
    return { name, needsHistory: true, add: () => undefined, finish: (keyed, history) => held(keyed).check(history, context) }
  }
  if (keys === 'none' || independent !== undefined) {
    const check = new Attempt(begin(context))
    return { name, needsHistory: false, add: operation => check.add(operation), finish: () => check.finish() }
  }
  const plain = new Attempt(begin(context))
  const apart = new Attempt(make(true).begin!(context))
  return {
    name,
    needsHistory: false,
    add(operation, keyed) {
      if (keyed) apart.add(operation)
      plain.add(operation)
    },
    finish: keyed => (keyed ? apart : plain).finish(),
  }
}

/**
 * What it cannot understand is told in the end: only if this is the right way to take the history, and only if that could
 * be read at all.
 */
class Attempt {
  private readonly check: HistoryCheck
  private error: TrialError | undefined = undefined

  constructor(check: HistoryCheck) {
    this.check = check
  }

  add(operation: Operation): void {
    if (this.error !== undefined) return
    try {
      this.check.add(operation)
    } catch (error) {
      if (!(error instanceof TrialError)) throw error
      this.error = error
    }
  }

  finish(): CheckResult {
    if (this.error !== undefined) throw this.error
    return this.check.finish()
  }
}
