/**
 * One check, start to end: reads the file, asks every checker, merges what they say. Runs in a worker thread; `expired`
 * tells when to stop, `tell` is told how far it is.
 */
import { mergeVerdicts } from '../../../checkers/compose.ts'
import type { CheckResult } from '../../../checkers/contract.ts'
import { guaranteesFor } from '../../../checkers/guarantees.ts'
import { independently, isIndependent } from '../../../checkers/independent.ts'
import { HISTORY_CHECKERS } from '../../../checkers/index.ts'
import { LINEARIZABLE } from '../../../checkers/linearizability/linearizability-checker.ts'
import { type HistoryReader, withHistoryFile } from '../../history/history-reader.ts'
import type { Operation } from '../../history/operation.ts'
import type { CheckOutcome, CheckProgress, CheckRequest } from './check-request.ts'
import { selectCheckers } from './select-checkers.ts'

const OPERATIONS_BETWEEN_LOOKS = 1 << 16

export function checkHistory(request: CheckRequest, expired: () => boolean, tell: (progress: CheckProgress) => void): CheckOutcome {
  const checkers = selectCheckers(request)
  const results: CheckResult[] = []
  const { path, format, times } = request
  const { history, whole } = withHistoryFile(path, { times, ...(format === undefined ? {} : { format }) }, reader => readAll(reader, expired, tell))
  const operations = history.length
  if (!whole) return { verdict: 'unknown', operations, independent: false, results, cut: { why: 'time', doing: `reading the history: ${operations} operations so far` } }
  const independent = request.independent ?? isIndependent(history)
  for (const checker of checkers) {
    const doing = `${checker.name}: judging ${operations} operations`
    tell({ operations, doing, results })
    if (expired()) return { verdict: mergeVerdicts([...results.map(({ verdict }) => verdict), 'unknown']), operations, independent, results, cut: { why: 'time', doing } }
    const context = {
      guarantees: guaranteesFor(request.guarantees), drained: request.drained, logStart: request.logStart,
      independent,
      limits: { expired, ...(request.steps === undefined ? {} : { steps: request.steps }) },
      ...(request.versionOrders === undefined ? {} : { versionOrders: request.versionOrders }),
      ...(request.consistencyModel === undefined ? {} : { consistencyModel: request.consistencyModel }),
    }
    // Keys of Kafka are part of its operations, `linearizable` takes keys apart itself; the other checkers know nothing of keys.
    const apart = independent && !HISTORY_CHECKERS.includes(checker) && checker.name !== LINEARIZABLE
    const result = history.some(({ process }) => process !== 'nemesis') ? (apart ? independently(checker) : checker).check(history, context) : nothingToJudge(checker.name)
    results.push(result)
  }
  return { verdict: mergeVerdicts(results.map(({ verdict }) => verdict)), operations, independent, results }
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
