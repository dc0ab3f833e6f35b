/**
 * The register checker against the definitions on small random histories. The order of versions is mostly unknown, so what
 * it finds must be impossible, but it need not find everything; how much it finds is bounded from below.
 */
import { describe, expect, it } from 'vitest'
import { guaranteesFor } from '../../../checkers/guarantees.ts'
import { VERSION_ORDERS } from '../../../checkers/isolation/register-versions.ts'
import { checkRwRegister } from '../../../checkers/isolation/rw-register-checker.ts'
import { STRICT } from '../history-fixture.ts'
import { isSerializable, isSnapshotIsolated } from './brute-force.ts'
import { KeyedRandom } from './seeded.ts'
import { type Level, simulate } from './simulated-database.ts'

const LEVELS: readonly Level[] = ['strict', 'serializable', 'snapshot', 'read-committed', 'broken']
const EACH = Number(process.env['ISOLATION_HISTORIES'] ?? 5_000) / LEVELS.length
const guarantees = guaranteesFor(STRICT)

describe.each(LEVELS)('registers of a %s database', level => {
  it('are never accused of what the definitions allow', () => {
    const impossible = { 'serializable': 0, 'strict-serializable': 0 }
    const found = { 'serializable': 0, 'strict-serializable': 0 }
    for (let seed = 1; seed <= EACH; seed++) {
      const random = new KeyedRandom(seed + 1_000_000)
      const operations = simulate({ data: 'register', level, transactions: 2 + random.below(5), clients: 2 + random.below(2), keys: 1 + random.below(3), length: 3, failing: random.below(20), unknown: random.below(20) }, random)
      const context = { guarantees, drained: true, logStart: {} }
      const judge = (consistencyModel: string, holds: boolean, assumed: typeof VERSION_ORDERS | readonly []): boolean => {
        const { verdict, counts } = checkRwRegister(operations, { ...context, consistencyModel, versionOrders: assumed })
        if (verdict !== 'valid' && holds) expect.fail(`seed ${seed}: ${model(consistencyModel, assumed)} holds, but the checker says ${verdict}: ${JSON.stringify(counts)}\n${operations.map(one => JSON.stringify(one)).join('\n')}`)
        return verdict === 'invalid'
      }
      const serializable = isSerializable(operations, 'none')
      const strict = isSerializable(operations, 'realtime')
      // What strict serializability allows, it allows with every assumption about its registers.
      if (judge('strict-serializable', strict, VERSION_ORDERS)) found['strict-serializable']++
      if (judge('serializable', serializable, [])) found.serializable++
      judge('strong-session-serializable', isSerializable(operations, 'process'), [])
      if (seed % 8 === 0) judge('snapshot-isolation', isSnapshotIsolated(operations), [])
      if (!serializable) impossible.serializable++
      if (!strict) impossible['strict-serializable']++
    }
    if (level === 'strict') expect(impossible['strict-serializable']).toBe(0)
    else expect(found['strict-serializable']).toBeGreaterThan(impossible['strict-serializable'] * 0.6)
    if (level === 'broken' || level === 'read-committed') expect(found.serializable).toBeGreaterThan(impossible.serializable * 0.5)
  })
})

function model(name: string, assumed: readonly string[]): string {
  return assumed.length === 0 ? name : `${name} with ${assumed.join(', ')}`
}
