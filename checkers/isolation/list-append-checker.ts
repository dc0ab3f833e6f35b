/**
 * The list-append checker: transactions of appends to and reads of lists, from which the order of versions can be read off
 * (Kingsbury and Alvaro, "Elle: Inferring Isolation Anomalies from Experimental Observations", VLDB 2020). Linear in the
 * history for what is serializable; memory follows transactions and distinct elements.
 */
import type { Operation } from '../../src/history/operation.ts'
import type { Checker, CheckContext, CheckResult, HistoryCheck } from '../contract.ts'
import { show } from '../show.ts'
import { IsolationReport } from './isolation-report.ts'
import { findListAppendAnomalies } from './list-append-anomalies.ts'
import { ListAppendGraph } from './list-append-graph.ts'
import { ListAppendHistory } from './list-append-history.ts'

export const LIST_APPEND = 'list-append'

/** Takes a history operation by operation. */
export class ListAppendCheck implements HistoryCheck {
  private readonly report: IsolationReport
  private readonly history = new ListAppendHistory()

  constructor(context: CheckContext) {
    this.report = new IsolationReport(LIST_APPEND, context)
  }

  /** Throws TrialError('input') at what is no list-append transaction. */
  add(operation: Operation): void {
    this.history.take(operation)
  }

  finish(): CheckResult {
    const { history, report } = this
    const { repeated } = history
    if (history.transactions.count === 0) return report.result('There is no transaction in the history.')
    if (repeated !== undefined) return report.result(`${show(repeated.value)} was appended to ${show(repeated.key)} twice: elements of a key must be unique, otherwise nothing can be told of them.`)
    history.finish()
    findListAppendAnomalies(history, report)
    const graph = new ListAppendGraph(history)
    const { unfinished } = report.addCycles(graph.graph, {
      transactions: history.transactions,
      describe: transaction => history.describe(transaction),
      explain: (first, second, kind, firstName, secondName) => graph.explain(first, second, kind, firstName, secondName),
    })
    return report.result(unfinished === undefined ? undefined : `The search for cycles did not end: ${unfinished}.`)
  }
}

export function checkListAppend(operations: Iterable<Operation>, context: CheckContext): CheckResult {
  const check = new ListAppendCheck(context)
  for (const operation of operations) check.add(operation)
  return check.finish()
}

export const listAppendChecker: Checker = {
  name: LIST_APPEND,
  describes: 'transactions that append to lists and read them: cycles of dependencies, dirty and lost updates, contradicting reads',
  check: checkListAppend,
  begin: context => new ListAppendCheck(context),
}
