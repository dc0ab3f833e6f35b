/**
 * Histories that are handed on while they are read: the same answers as with the whole history at hand, whether its values
 * turn out to be tuples of keys or, at the very end, not; and nothing held that need not be.
 */
import { describe, expect, it } from 'vitest'
import type { CheckContext } from '../../checkers/contract.ts'
import { guaranteesFor } from '../../checkers/guarantees.ts'
import { IndependenceTest, isIndependent } from '../../checkers/independent.ts'
import { linearizabilityChecker } from '../../checkers/linearizability/linearizability-checker.ts'
import { MODELS } from '../../checkers/linearizability/models.ts'
import { findChecker } from '../../checkers/index.ts'
import { beginCheck } from '../../src/cli/check/running-check.ts'
import type { SelectedChecker } from '../../src/cli/check/select-checkers.ts'
import type { Json, Operation } from '../../src/history/operation.ts'
import { generateHistory } from '../checkers/kafka-log/generated-history.ts'

const CONTEXT: CheckContext = {
  guarantees: guaranteesFor({
    acks: -1, replicationFactor: 3, minInsyncReplicas: 2, uncleanLeaderElection: false, idempotence: true, retries: true, maxInFlight: 5,
    isolation: 'read_committed', followerReads: false, lossyCrashes: 0, cleanup: 'delete',
  }),
  drained: true,
  logStart: {},
}
const REGISTER: SelectedChecker = { keys: 'own', make: independent => linearizabilityChecker(MODELS['register']!, { independent }) }
const named = (name: string): SelectedChecker => ({ keys: 'none', make: () => findChecker(name) })

function streamed(selected: SelectedChecker, history: readonly Operation[], independent?: boolean) {
  const check = beginCheck(selected, CONTEXT, independent)
  const keys = new IndependenceTest()
  for (const operation of history) check.add(operation, keys.add(operation))
  return { needsHistory: check.needsHistory, result: check.finish(independent ?? keys.holds, history) }
}

function operations(...pairs: readonly (readonly [f: string, asked: Json, answered: Json])[]): Operation[] {
  return pairs.flatMap(([f, asked, answered], at): Operation[] => [
    { index: 2 * at, time: 2 * at, process: 0, type: 'invoke', f, value: asked },
    { index: 2 * at + 1, time: 2 * at + 1, process: 0, type: 'ok', f, value: answered },
  ])
}

/** Read with keys it is right, as one register it is not. */
const KEYED = operations(['write', ['x', 1], ['x', 1]], ['write', ['y', 2], ['y', 2]], ['read', ['x', null], ['x', 1]])
/** The other way round: two written values, and a read of the first key that as a tuple is right only of one register. */
const PLAIN = operations(['write', ['x', 1], ['x', 1]], ['write', ['x', 2], ['x', 2]], ['write', ['x', 3], ['x', 3]], ['read', null, ['x', 3]])

describe('a register whose values may be tuples', () => {
  it('is judged key by key where all of them are', () => {
    expect(isIndependent(KEYED)).toBe(true)
    expect(streamed(REGISTER, KEYED).result).toEqual(linearizabilityChecker(MODELS['register']!, { independent: true }).check(KEYED, CONTEXT))
    expect(streamed(REGISTER, KEYED).result.verdict).toBe('valid')
    expect(streamed(REGISTER, KEYED, true).result.verdict).toBe('valid')
    const stale = operations(['write', ['x', 1], ['x', 1]], ['write', ['y', 2], ['y', 2]], ['write', ['x', 3], ['x', 3]], ['read', ['x', null], ['x', 1]])
    expect(streamed(REGISTER, stale).result).toEqual(linearizabilityChecker(MODELS['register']!, { independent: true }).check(stale, CONTEXT))
    expect(streamed(REGISTER, stale).result.verdict).toBe('invalid')
  })

  it('is one register where the last operation shows that they are not', () => {
    expect(isIndependent(PLAIN)).toBe(false)
    expect(streamed(REGISTER, PLAIN).result.verdict).toBe('valid')
    const wrong = [...PLAIN.slice(0, -1), { ...PLAIN.at(-1)!, value: ['x', 1] }]
    expect(streamed(REGISTER, wrong).result).toEqual(linearizabilityChecker(MODELS['register']!).check(wrong, CONTEXT))
    expect(streamed(REGISTER, wrong).result.verdict).toBe('invalid')
  })

  it('refuses only what it cannot understand the way in which it is judged', () => {
    expect(() => streamed(REGISTER, operations(['cas', ['x', 1], ['x', 1]]), true)).toThrow(/no operation 'cas'/)
    expect(() => streamed(REGISTER, operations(['write', 1, 1]), true)).toThrow(/no \[key value\] tuple/)
    expect(streamed(REGISTER, operations(['write', 1, 1])).result.verdict).toBe('valid')
  })

  it('holds no history', () => {
    expect(streamed(REGISTER, KEYED).needsHistory).toBe(false)
    for (const name of ['kafka-log', 'list-append', 'rw-register']) expect(beginCheck(named(name), CONTEXT, undefined).needsHistory).toBe(false)
    expect(beginCheck({ keys: 'apart', make: () => findChecker('bank') }, CONTEXT, undefined).needsHistory).toBe(true)
  })
})

it('a Kafka log gets the same findings', () => {
  const { operations: history } = generateHistory(3, 2_000)
  const bent = history.map((one, at): Operation => (one.f === 'poll' && one.type === 'ok' && at % 7 === 0 ? { ...one, value: [['poll', {}]] } : one))
  expect(findChecker('kafka-log').check(bent, CONTEXT).verdict).toBe('invalid')
  for (const one of [history, bent]) expect(streamed(named('kafka-log'), one).result).toEqual(findChecker('kafka-log').check(one, CONTEXT))
})
