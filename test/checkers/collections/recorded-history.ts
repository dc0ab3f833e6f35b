/**
 * Histories in shorthand: `h('1 add 7 ok', '2 read [6,7] ok')` is an invocation and its answer one after the other;
 * `'1 add 7 invoke'` opens, `'1 add 7 ok'` then closes. Values are JSON; an answer takes the value that is written there.
 */
import type { Checker, CheckContext, CheckResult } from '../../../checkers/contract.ts'
import { guaranteesFor } from '../../../checkers/guarantees.ts'
import type { Json, Operation, OperationType } from '../../../src/history/operation.ts'
import { validateHistory } from '../../../src/history/validate.ts'
import { STRICT } from '../history-fixture.ts'

/** What these functions are asked with: the value belongs to the answer. */
const ASKS_NOTHING = new Set(['read', 'dequeue', 'drain', 'generate', 'read-outputs', 'stable'])

export function h(...lines: readonly string[]): Operation[] {
  const operations: Operation[] = []
  const open = new Set<number>()
  const add = (process: number | 'nemesis', type: OperationType, f: string, value: Json): void => {
    operations.push({ index: operations.length, time: operations.length, process, type, f, value })
  }
  for (const line of lines) {
    const [, name, f, text, type] = /^(\w+) ([\w-]+) ?(.*) (invoke|ok|fail|info)$/.exec(line)!
    const value = (text === '' ? null : JSON.parse(text!)) as Json
    if (name === 'nemesis') {
      add('nemesis', type as OperationType, f!, value)
      continue
    }
    const process = Number(name)
    if (type === 'invoke' || !open.has(process)) add(process, 'invoke', f!, ASKS_NOTHING.has(f!) ? null : value)
    if (type === 'invoke') {
      open.add(process)
      continue
    }
    open.delete(process)
    add(process, type as OperationType, f!, value)
  }
  return operations
}

export function judgeWith(checker: Checker, operations: readonly Operation[], context: Partial<CheckContext> = {}): CheckResult {
  validateHistory(operations)
  return checker.check(operations, { guarantees: guaranteesFor(STRICT), drained: true, logStart: {}, ...context })
}

export interface CollectionCase {
  readonly name: string
  readonly history: readonly Operation[]
  readonly verdict: CheckResult['verdict']
  /** Every anomaly that is seen, with its count. */
  readonly counts?: { readonly [anomaly: string]: number }
}
