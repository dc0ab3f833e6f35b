/**
 * The checker of transactions over registers (Elle's rw-register). Writes must be unique per key. The order of versions is
 * mostly unknown, so less can be told than from lists: `versionOrders` of the context says what else may be assumed.
 */
import type { Operation } from '../../src/history/operation.ts'
import type { Checker, CheckContext, CheckResult, HistoryCheck } from '../contract.ts'
import { show } from '../show.ts'
import { Budget, Exhausted } from './budget.ts'
import { IsolationReport } from './isolation-report.ts'
import { addCyclicVersions, findRegisterAnomalies } from './register-anomalies.ts'
import { RegisterGraph } from './register-graph.ts'
import { RegisterHistory } from './register-history.ts'
import { orderVersions, type Versions } from './register-versions.ts'

export const RW_REGISTER = 'rw-register'

/** Takes a history operation by operation. */
export class RwRegisterCheck implements HistoryCheck {
  private readonly context: CheckContext
  private readonly report: IsolationReport
  private readonly history = new RegisterHistory()

  constructor(context: CheckContext) {
    this.context = context
    this.report = new IsolationReport(RW_REGISTER, context)
  }

  /** Throws TrialError('input') at what is no transaction over registers. */
  add(operation: Operation): void {
    this.history.take(operation)
  }

  finish(): CheckResult {
    const { context, history, report } = this
    const { repeated, transactions } = history
    if (transactions.count === 0) return report.result('There is no transaction in the history.')
    if (repeated !== undefined) return report.result(`${show(repeated.value)} was written to ${show(repeated.key)} twice: values of a key must be unique, otherwise nothing can be told of them.`)
    findRegisterAnomalies(history, report)
    let versions: Versions
    try {
      versions = orderVersions(history, context.versionOrders ?? [], new Budget(context.limits))
    } catch (error) {
      if (!(error instanceof Exhausted)) throw error
      return report.result(`The versions were not ordered to the end: ${error.message}.`)
    }
    for (const circle of versions.cyclic) addCyclicVersions(history, report, circle)
    const graph = new RegisterGraph(history, versions.graph)
    const { unfinished } = report.addCycles(graph.graph, {
      transactions,
      describe: transaction => history.describe(transaction),
      explain: (first, second, kind, firstName, secondName) => graph.explain(first, second, kind, firstName, secondName),
    })
    return report.result(unfinished === undefined ? undefined : `The search for cycles did not end: ${unfinished}.`)
  }
}

export function checkRwRegister(operations: Iterable<Operation>, context: CheckContext): CheckResult {
  const check = new RwRegisterCheck(context)
  for (const operation of operations) check.add(operation)
  return check.finish()
}

export const rwRegisterChecker: Checker = {
  name: RW_REGISTER,
  describes: 'transactions that read and write registers: cycles of dependencies, aborted and intermediate reads, lost updates',
  check: checkRwRegister,
  begin: context => new RwRegisterCheck(context),
}
