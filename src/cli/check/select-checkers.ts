/** The checkers that a request names, made with the options that it gives. */
import { amountOf } from '../../../checkers/collections/amount.ts'
import { bankChecker } from '../../../checkers/collections/bank-checker.ts'
import { exactlyOnceChecker } from '../../../checkers/collections/exactly-once-checker.ts'
import { queueChecker } from '../../../checkers/collections/queue-checker.ts'
import { setFullChecker } from '../../../checkers/collections/set-full-checker.ts'
import type { Checker } from '../../../checkers/contract.ts'
import { findChecker, HISTORY_CHECKERS, RECORDED_CHECKERS } from '../../../checkers/index.ts'
import { LINEARIZABLE, linearizabilityChecker } from '../../../checkers/linearizability/linearizability-checker.ts'
import type { Model } from '../../../checkers/linearizability/model.ts'
import { MODELS } from '../../../checkers/linearizability/models.ts'
import { TrialError } from '../../base/trial-error.ts'
import { oneOf } from '../suggest.ts'
import type { CheckRequest } from './check-request.ts'

export const DEFAULT_CHECKER = 'kafka-log'

/** Every name that `--checker` takes. */
export function checkerNames(): string[] {
  return ['kafka', ...[...HISTORY_CHECKERS, ...RECORDED_CHECKERS].map(({ name }) => name)]
}

/** @throws TrialError('usage') */
export function selectCheckers(request: CheckRequest): Checker[] {
  return request.checkers.map(name => {
    switch (oneOf('checker of histories', name, checkerNames())) {
      case 'bank': return bankChecker({ negativeBalances: request.negativeBalances, ...(request.total === undefined ? {} : { total: amountOf(`~n${request.total}`)! }), ...(request.accounts === undefined ? {} : { accounts: request.accounts }) })
      case LINEARIZABLE: return linearizabilityChecker(modelNamed(request.model), request.engine === undefined ? {} : { engine: request.engine })
      case 'set-full': return setFullChecker({ linearizable: request.linearizableSets })
      case 'exactly-once': return exactlyOnceChecker(request.semantics)
      case 'total-queue': return queueChecker({ duplicates: request.duplicates })
      default: return findChecker(name)
    }
  })
}

function modelNamed(name: string | undefined): Model {
  if (name === undefined) throw new TrialError('usage', 'The checker linearizable needs a model.', `Give --model with one of: ${Object.keys(MODELS).join(', ')}.`)
  return MODELS[oneOf('model', name, Object.keys(MODELS))]!
}
