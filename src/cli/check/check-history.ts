/**
 * One check, start to end: reads the file, hands each operation to every checker, merges what they say. Runs in a worker
 * thread; `expired` tells when to stop, `tell` is told how far it is. The history is held only for checkers that need all of
 * it at once, and for the page that draws it.
 */
import { mergeVerdicts } from '../../../checkers/compose.ts'
import type { CheckContext, CheckResult } from '../../../checkers/contract.ts'
import { guaranteesFor } from '../../../checkers/guarantees.ts'
import { IndependenceTest } from '../../../checkers/independent.ts'
import { LINEARIZABLE } from '../../../checkers/linearizability/linearizability-checker.ts'
import { type HistoryReader, withHistoryFile } from '../../history/history-reader.ts'
import type { Operation } from '../../history/operation.ts'
import type { CheckOutcome, CheckProgress, CheckRequest } from './check-request.ts'
import { pageOf } from './page-of.ts'
import { beginCheck, type RunningCheck } from './running-check.ts'
import { selectCheckers } from './select-checkers.ts'

const OPERATIONS_BETWEEN_LOOKS = 1 << 16

export function checkHistory(request: CheckRequest, expired: () => boolean, tell: (progress: CheckProgress) => void): CheckOutcome {
  const selected = selectCheckers(request, expired)
  const context: CheckContext = {
    guarantees: guaranteesFor(request.guarantees), drained: request.drained, logStart: request.logStart,
    limits: { expired, ...(request.steps === undefined ? {} : { steps: request.steps }) },
    ...(request.versionOrders === undefined ? {} : { versionOrders: request.versionOrders }),
    ...(request.consistencyModel === undefined ? {} : { consistencyModel: request.consistencyModel }),
  }
  const checks = selected.map(one => beginCheck(one, context, request.independent))
  const results: CheckResult[] = []
  const { path, format, times } = request
  const holds = checks.some(({ needsHistory }) => needsHistory) || (request.page && request.checkers.includes(LINEARIZABLE))
  const { history, operations, isEmpty, isKeyed, whole } = withHistoryFile(path, { times, ...(format === undefined ? {} : { format }) }, reader => readInto(checks, holds, reader, expired, tell))
  if (!whole) return { verdict: 'unknown', operations, independent: false, results, cut: { why: 'time', doing: `reading the history: ${operations} operations so far` } }
  const independent = selected.some(({ keys }) => keys !== 'none') && (request.independent ?? isKeyed)
  const answer = (verdict: CheckOutcome['verdict']): CheckOutcome => ({ verdict, operations, independent, results })
  for (const check of checks) {
    const doing = `${check.name}: judging ${operations} operations`
    tell({ operations, doing, results })
    if (expired()) return { ...answer(mergeVerdicts([...results.map(({ verdict }) => verdict), 'unknown'])), cut: { why: 'time', doing } }
    results.push(isEmpty ? nothingToJudge(check.name) : check.finish(independent, history))
  }
  const outcome = answer(mergeVerdicts(results.map(({ verdict }) => verdict)))
  return request.page ? { ...outcome, page: pageOf(request, outcome, history) } : outcome
}

/** A file that was emptied, or a recorder that recorded nothing, proves nothing. */
function nothingToJudge(checker: string): CheckResult {
  return { checker, verdict: 'unknown', findings: [], counts: {}, bad: {}, reason: 'The history holds no operation of any client.' }
}

interface Read {
  /** Empty unless it is held. */
  readonly history: readonly Operation[]
  readonly operations: number
  /** No operation of any client. */
  readonly isEmpty: boolean
  /** Every value may be a tuple with a key. */
  readonly isKeyed: boolean
  readonly whole: boolean
}

function readInto(checks: readonly RunningCheck[], holds: boolean, reader: HistoryReader, expired: () => boolean, tell: (progress: CheckProgress) => void): Read {
  const history: Operation[] = []
  const keys = new IndependenceTest()
  let operations = 0
  let isEmpty = true
  for (let operation = reader.next(); operation !== undefined; operation = reader.next()) {
    operations++
    if (operation.process !== 'nemesis') isEmpty = false
    const keyed = keys.add(operation)
    for (let i = 0; i < checks.length; i++) checks[i]!.add(operation, keyed)
    if (holds) history.push(operation)
    if (operations % OPERATIONS_BETWEEN_LOOKS !== 0) continue
    tell({ operations, doing: 'reading the history', results: [] })
    if (expired()) return { history, operations, isEmpty, isKeyed: keys.holds, whole: false }
  }
  return { history, operations, isEmpty, isKeyed: keys.holds, whole: true }
}
