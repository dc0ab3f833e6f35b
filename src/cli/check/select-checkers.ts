/** The checkers that a request names, made with the options that it gives. */
import { amountOf } from '../../../checkers/collections/amount.ts'
import { bankChecker } from '../../../checkers/collections/bank-checker.ts'
import { exactlyOnceChecker } from '../../../checkers/collections/exactly-once-checker.ts'
import { queueChecker } from '../../../checkers/collections/queue-checker.ts'
import { setFullChecker } from '../../../checkers/collections/set-full-checker.ts'
import type { Checker } from '../../../checkers/contract.ts'
import { findChecker, HISTORY_CHECKERS, RECORDED_CHECKERS } from '../../../checkers/index.ts'
import { LINEARIZABLE, linearizabilityChecker } from '../../../checkers/linearizability/linearizability-checker.ts'
import { MODELS } from '../../../checkers/linearizability/models.ts'
import { TrialError } from '../../base/trial-error.ts'
import type { Json, Operation } from '../../history/operation.ts'
import { oneOf } from '../suggest.ts'
import type { CheckRequest } from './check-request.ts'

export const DEFAULT_CHECKER = 'kafka-log'

/** `keys`: what it does with tuples `[key, value]`. Splits them itself, is run for each key, or has no use for them. */
export interface SelectedChecker {
  readonly keys: 'own' | 'apart' | 'none'
  readonly make: (independent: boolean) => Checker
}

/** Every name that `--checker` takes. */
export function checkerNames(): string[] {
  return ['kafka', ...[...HISTORY_CHECKERS, ...RECORDED_CHECKERS].map(({ name }) => name)]
}

/** @throws TrialError('usage') */
export function selectCheckers(request: CheckRequest, expired: () => boolean = () => false): SelectedChecker[] {
  return request.checkers.map((name): SelectedChecker => {
    switch (oneOf('checker of histories', name, checkerNames())) {
      case LINEARIZABLE: return { keys: 'own', make: independent => linearizable(request, expired, independent) }
      case 'kafka':
      case 'kafka-log': return { keys: 'none', make: () => findChecker(name) }
      case 'bank': return { keys: 'apart', make: () => bankChecker({ negativeBalances: request.negativeBalances, ...(request.total === undefined ? {} : { total: amountOf(`~n${request.total}`)! }), ...(request.accounts === undefined ? {} : { accounts: request.accounts }) }) }
      case 'set-full': return { keys: 'apart', make: () => setFullChecker({ linearizable: request.linearizableSets }) }
      case 'exactly-once': return { keys: 'none', make: () => exactlyOnceChecker(request.semantics) }
      case 'total-queue': return { keys: 'apart', make: () => queueChecker({ duplicates: request.duplicates }) }
      case 'set':
      case 'unique-ids':
      case 'counter': return { keys: 'apart', make: () => findChecker(name) }
      default: return { keys: 'none', make: () => findChecker(name) }
    }
  })
}

function linearizable({ model, engine, steps }: CheckRequest, deadline: () => boolean, independent: boolean): Checker {
  if (model === undefined) throw new TrialError('usage', 'the checker linearizable needs a model', `--model ${Object.keys(MODELS).join('|')}`)
  const name = oneOf('model', model, Object.keys(MODELS))
  const checker = linearizabilityChecker(MODELS[name]!, { independent, deadline, engine: engine ?? 'auto', ...(steps === undefined ? {} : { budget: steps }) })
  // Of an EDN history a set may be read as a set.
  if (name !== 'set') return checker
  return {
    ...checker,
    check: (history, context) => checker.check(history.map(withLists), context),
    begin(context) {
      const check = checker.begin!(context)
      return { add: operation => check.add(withLists(operation)), finish: () => check.finish() }
    },
  }
}

function withLists(operation: Operation): Operation {
  const { f, type, value } = operation
  if (f !== 'read' || type !== 'ok') return operation
  if (isSet(value)) return { ...operation, value: value['~#set'] }
  return Array.isArray(value) && value.length === 2 && isSet(value[1]) ? { ...operation, value: [value[0], value[1]['~#set']] } : operation
}

function isSet(value: Json): value is { readonly '~#set': Json } {
  return typeof value === 'object' && value !== null && Array.isArray((value as { readonly [key: string]: Json })['~#set'])
}
