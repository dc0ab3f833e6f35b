/**
 * One check, start to end: reads the file, asks every checker, merges what they say. Runs in a worker thread; `expired`
 * tells when to stop, `tell` is told how far it is.
 */
import { mergeVerdicts } from '../../../checkers/compose.ts'
import type { CheckResult } from '../../../checkers/contract.ts'
import { guaranteesFor } from '../../../checkers/guarantees.ts'
import { independently, isIndependent } from '../../../checkers/independent.ts'
import { type HistoryReader, withHistoryFile } from '../../history/history-reader.ts'
import type { Operation } from '../../history/operation.ts'
import type { CheckOutcome, CheckProgress, CheckRequest } from './check-request.ts'
import { pageOf } from './page-of.ts'
import { selectCheckers } from './select-checkers.ts'

const OPERATIONS_BETWEEN_LOOKS = 1 << 16

export function checkHistory(request: CheckRequest, expired: () => boolean, tell: (progress: CheckProgress) => void): CheckOutcome {
  const checkers = selectCheckers(request, expired)
  const results: CheckResult[] = []
  const { path, format, times } = request
  const { history, whole } = withHistoryFile(path, { times, ...(format === undefined ? {} : { format }) }, reader => readAll(reader, expired, tell))
  const operations = history.length
  if (!whole) return { verdict: 'unknown', operations, independent: false, results, cut: { why: 'time', doing: `reading the history: ${operations} operations so far` } }
  const concerned = checkers.some(({ keys }) => keys !== 'none')
  const independent = concerned && (request.independent ?? isIndependent(history))
  const answer = (verdict: CheckOutcome['verdict']): CheckOutcome => ({ verdict, operations, independent, results })
  const context = {
    guarantees: guaranteesFor(request.guarantees), drained: request.drained, logStart: request.logStart,
    limits: { expired, ...(request.steps === undefined ? {} : { steps: request.steps }) },
    ...(request.versionOrders === undefined ? {} : { versionOrders: request.versionOrders }),
    ...(request.consistencyModel === undefined ? {} : { consistencyModel: request.consistencyModel }),
  }
  for (const { keys, make } of checkers) {
    const checker = make(independent)
    const doing = `${checker.name}: judging ${operations} operations`
    tell({ operations, doing, results })
    if (expired()) return { ...answer(mergeVerdicts([...results.map(({ verdict }) => verdict), 'unknown'])), cut: { why: 'time', doing } }
    const apart = independent && keys === 'apart'
    results.push(history.some(({ process }) => process !== 'nemesis') ? (apart ? independently(checker) : checker).check(history, context) : nothingToJudge(checker.name))
  }
  const outcome = answer(mergeVerdicts(results.map(({ verdict }) => verdict)))
  return request.page ? { ...outcome, page: pageOf(request, outcome, history) } : outcome
}

/** A file that was emptied, or a recorder that recorded nothing, proves nothing. */
function nothingToJudge(checker: string): CheckResult {
  return { checker, verdict: 'unknown', findings: [], counts: {}, bad: {}, reason: 'The history holds no operation of any client.' }
}

function readAll(reader: HistoryReader, expired: () => boolean, tell: (progress: CheckProgress) => void): { readonly history: readonly Operation[]; readonly whole: boolean } {
  const history: Operation[] = []
  for (let operation = reader.next(); operation !== undefined; operation = reader.next()) {
    history.push(operation)
    if (history.length % OPERATIONS_BETWEEN_LOOKS !== 0) continue
    tell({ operations: history.length, doing: 'reading the history', results: [] })
    if (expired()) return { history, whole: false }
  }
  return { history, whole: true }
}
