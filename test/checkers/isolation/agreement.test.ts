/**
 * The list-append checker against the definitions of the levels, tried out in full, on small random histories of simulated
 * databases of every quality. With list-append both directions hold: what the checker finds is impossible, and what is
 * impossible it finds.
 */
import { describe, expect, it } from 'vitest'
import type { CheckResult } from '../../../checkers/contract.ts'
import { guaranteesFor } from '../../../checkers/guarantees.ts'
import { checkListAppend } from '../../../checkers/isolation/list-append-checker.ts'
import type { Json, Operation } from '../../../src/history/operation.ts'
import { STRICT } from '../history-fixture.ts'
import { isSerializable, isSnapshotIsolated } from './brute-force.ts'
import { KeyedRandom } from './seeded.ts'
import { type Level, simulate } from './simulated-database.ts'

const LEVELS: readonly Level[] = ['strict', 'serializable', 'snapshot', 'read-committed', 'broken']
const EACH = Number(process.env['ISOLATION_HISTORIES'] ?? 10_000) / LEVELS.length
const guarantees = guaranteesFor(STRICT)

function check(operations: readonly Operation[], consistencyModel: string): CheckResult {
  return checkListAppend(operations, { guarantees, drained: true, logStart: {}, consistencyModel })
}

function everyAppendWasRead(operations: readonly Operation[]): boolean {
  const read = new Set<string>()
  for (const { type, value } of operations) {
    if (type === 'ok') for (const [f, key, list] of value as unknown as [string, Json, Json[]][]) if (f === 'r') for (const element of list) read.add(`${key} ${element}`)
  }
  return operations.every(({ type, value }) => type === 'invoke' || type === 'fail' || (value as unknown as [string, Json, Json][]).every(([f, key, element]) => f === 'r' || read.has(`${key} ${element}`)))
}

describe.each(LEVELS)('a %s database', level => {
  it('is judged as the definitions judge it', () => {
    const seen = { serializable: 0, strict: 0, not: 0 }
    for (let seed = 1; seed <= EACH; seed++) {
      const random = new KeyedRandom(seed)
      const operations = simulate({ data: 'list', level, transactions: 2 + random.below(5), clients: 2 + random.below(2), keys: 1 + random.below(3), length: 3, failing: random.below(20), unknown: random.below(20) }, random)
      const cases = [
        ['serializable', isSerializable(operations, 'none')],
        ['strong-session-serializable', isSerializable(operations, 'process')],
        ['strict-serializable', isSerializable(operations, 'realtime')],
        ...(seed % 8 === 0 ? [['snapshot-isolation', isSnapshotIsolated(operations)] as const] : []),
      ] as const
      for (const [model, holds] of cases) {
        const { verdict, counts } = check(operations, model)
        // The order of appends that nobody read is unknown, and for snapshot isolation it matters.
        if (model === 'snapshot-isolation' && !holds && !everyAppendWasRead(operations)) continue
        if ((verdict === 'valid') !== holds) expect.fail(`seed ${seed}: ${model} ${holds ? 'holds' : 'does not hold'}, but the checker says ${verdict}: ${JSON.stringify(counts)}\n${operations.map(one => JSON.stringify(one)).join('\n')}`)
      }
      if (cases[2][1]) seen.strict++
      else if (cases[0][1]) seen.serializable++
      else seen.not++
    }
    expect(seen.strict).toBeGreaterThan(0)
    if (level === 'strict') expect(seen.strict).toBe(EACH)
    else if (level === 'serializable') expect(seen.serializable).toBeGreaterThan(0)
    else expect(seen.not).toBeGreaterThan(EACH / 50)
  })
})
