/**
 * Histories of transactions by hand. `t('ok', 'r x [1 2], append y 3')` is a transaction of a client of its own that runs
 * when the one before it is over; `together` runs several at the same time.
 */
import type { CheckContext, CheckResult } from '../../../checkers/contract.ts'
import { guaranteesFor } from '../../../checkers/guarantees.ts'
import { checkListAppend } from '../../../checkers/isolation/list-append-checker.ts'
import { checkRwRegister } from '../../../checkers/isolation/rw-register-checker.ts'
import type { Json, Operation, OperationType } from '../../../src/history/operation.ts'
import { validateHistory } from '../../../src/history/validate.ts'
import { STRICT } from '../history-fixture.ts'

export type Fate = 'ok' | 'fail' | 'info' | 'open'

export interface Transaction {
  readonly fate: Fate
  readonly micros: readonly (readonly [string, Json, Json])[]
  readonly process?: number
}

/** `r x [1 2]`, `r x` (nothing was read), `append x 3`, `w x 3`; several with commas. */
export function t(fate: Fate, text: string, process?: number): Transaction {
  const micros = text.split(', ').map((one): readonly [string, Json, Json] => {
    const [f, key, ...rest] = one.split(' ')
    const value = rest.join(' ')
    const list = value.startsWith('[')
    return [f!, key!, value === '' ? null : list ? value.slice(1, -1).split(' ').filter(element => element !== '').map(Number) : Number(value)]
  })
  return { fate, micros, ...(process === undefined ? {} : { process }) }
}

export type Part = Transaction | readonly Transaction[]

export function together(...transactions: readonly Transaction[]): Part {
  return transactions
}

export function historyOf(parts: readonly Part[]): Operation[] {
  const operations: Operation[] = []
  let fresh = 100
  const add = (process: number, type: OperationType, micros: readonly (readonly [string, Json, Json])[]): void => {
    operations.push({ index: operations.length, time: operations.length, process, type, f: 'txn', value: micros.map(([f, key, value]): Json => [f, key, f === 'r' && type !== 'ok' ? null : value]) })
  }
  for (const part of parts) {
    const all = (Array.isArray(part) ? part as readonly Transaction[] : [part as Transaction]).map(one => ({ ...one, process: one.process ?? fresh++ }))
    for (const { process, micros } of all) add(process, 'invoke', micros)
    for (const { process, micros, fate } of all) if (fate !== 'open') add(process, fate, micros)
  }
  validateHistory(operations)
  return operations
}

const CONTEXT: CheckContext = { guarantees: guaranteesFor(STRICT), drained: true, logStart: {} }

export function lists(parts: readonly Part[], context: Partial<CheckContext> = {}): CheckResult {
  return checkListAppend(historyOf(parts), { ...CONTEXT, ...context })
}

export function registers(parts: readonly Part[], context: Partial<CheckContext> = {}): CheckResult {
  return checkRwRegister(historyOf(parts), { ...CONTEXT, ...context })
}

export function listOperations(operations: Iterable<Operation>, context: Partial<CheckContext> = {}): CheckResult {
  return checkListAppend(operations, { ...CONTEXT, ...context })
}

export function registerOperations(operations: Iterable<Operation>, context: Partial<CheckContext> = {}): CheckResult {
  return checkRwRegister(operations, { ...CONTEXT, ...context })
}
