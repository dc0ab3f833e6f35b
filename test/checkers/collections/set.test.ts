/**
 * Sets: for every anomaly a smallest history, near misses, operations of unknown fate on either side, and violations planted
 * in large histories. `set-full` also agrees with its definition, read by read, on small random histories.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { setChecker } from '../../../checkers/collections/set-checker.ts'
import { setFullChecker } from '../../../checkers/collections/set-full-checker.ts'
import type { Operation } from '../../../src/history/operation.ts'
import { type CollectionCase, h, judgeWith } from './recorded-history.ts'

/** Jepsen's own cases: checker_test.clj, set-test- and the definitions of set-full. */
const SET: readonly CollectionCase[] = [
  { name: 'what was added', history: h('1 add 1 ok', '2 add 2 ok', '1 read [2,1] ok'), verdict: 'valid' },
  { name: 'a set of EDN', history: h('1 add 1 ok', '1 read {"~#set":[1]} ok'), verdict: 'valid' },
  { name: 'nothing read', history: h('1 add 1 ok', '1 read [] info'), verdict: 'unknown' },
  { name: 'a loss', history: h('1 add 1 ok', '1 add 2 ok', '1 read [2] ok'), verdict: 'invalid', counts: { 'lost-element': 1 } },
  { name: 'a loss in an earlier read only', history: h('1 add 1 ok', '1 read [] ok', '1 read [1] ok'), verdict: 'valid' },
  { name: 'an addition that is acknowledged while the last read runs', history: h('1 add 1 invoke', '2 read invoke', '1 add 1 ok', '2 read [] ok'), verdict: 'valid' },
  { name: 'an addition acknowledged right before', history: h('1 add 1 invoke', '1 add 1 ok', '2 read [] ok'), verdict: 'invalid', counts: { 'lost-element': 1 } },
  { name: 'additions of unknown fate, one of them read', history: h('1 add 1 info', '2 add 2 info', '3 add 3 invoke', '4 read [2] ok'), verdict: 'valid' },
  { name: 'an element from nowhere', history: h('1 add 1 ok', '1 read [1,30] ok'), verdict: 'invalid', counts: { 'unexpected-element': 1 } },
  { name: 'an element that failed', history: h('1 add 1 fail', '1 read [1] ok'), verdict: 'invalid', counts: { 'unexpected-element': 1 } },
  { name: 'an element that failed and was added again', history: h('1 add 1 fail', '1 add 1 info', '2 read [1] ok'), verdict: 'valid' },
  { name: 'an element before its addition', history: h('1 read [1] ok', '1 add 1 ok'), verdict: 'invalid', counts: { 'unexpected-element': 1 } },
  { name: 'an element while it is added', history: h('1 read invoke', '2 add 1 invoke', '1 read [1] ok', '2 add 1 ok'), verdict: 'valid' },
  { name: 'an element twice', history: h('1 add 1 ok', '1 read [1,1] ok'), verdict: 'invalid', counts: { 'duplicate-element': 1 } },
  { name: 'one and "1"', history: h('1 add 1 ok', '1 add "1" ok', '1 read [1,"1"] ok'), verdict: 'valid' },
  { name: 'elements named like properties', history: h('1 add "__proto__" ok', '1 add "constructor" ok', '1 read ["__proto__"] ok'), verdict: 'invalid', counts: { 'lost-element': 1 } },
  {
    name: 'all at once, as Jepsen has it', verdict: 'invalid', counts: { 'lost-element': 1, 'unexpected-element': 2 },
    history: h('0 add 0 ok', '0 add 1 ok', '1 add 10 info', '3 add 11 info', '2 add 20 fail', '2 add 21 fail', '4 read [0,10,20,30] ok'),
  },
]

const FULL: readonly CollectionCase[] = [
  { name: 'never read', history: h('1 add 0 ok'), verdict: 'unknown', counts: { 'never-read-element': 1 } },
  { name: 'read before the addition only', history: h('1 read [] ok', '1 add 0 ok'), verdict: 'unknown', counts: { 'never-read-element': 1 } },
  { name: 'stable', history: h('1 add 0 ok', '1 read [0] ok'), verdict: 'valid' },
  { name: 'stable although never acknowledged', history: h('1 add 0 info', '2 read [0] ok'), verdict: 'valid' },
  { name: 'never acknowledged, never there', history: h('1 add 0 info', '3 add 1 ok', '2 read [1] ok'), verdict: 'valid', counts: { 'never-read-element': 1 } },
  { name: 'a failed addition', history: h('1 add 0 fail', '3 add 1 ok', '2 read [1] ok'), verdict: 'valid' },
  { name: 'lost', history: h('1 add 0 ok', '1 read [] ok'), verdict: 'invalid', counts: { 'lost-element': 1 } },
  { name: 'lost after it was seen', history: h('1 add 0 ok', '1 read [0] ok', '1 read [] ok'), verdict: 'invalid', counts: { 'lost-element': 1 } },
  { name: 'lost after it was seen, never acknowledged', history: h('1 add 0 info', '2 read [0] ok', '2 read [] ok'), verdict: 'invalid', counts: { 'lost-element': 1 } },
  { name: 'missing from a read that ran while it was added', history: h('1 add 0 invoke', '2 read invoke', '1 add 0 ok', '2 read [] ok'), verdict: 'unknown', counts: { 'never-read-element': 1 } },
  { name: 'seen by one and missed by another read, both while it was added', history: h('1 add 0 invoke', '2 read invoke', '3 read invoke', '2 read [0] ok', '3 read [] ok', '1 add 0 ok', '2 read [0] ok'), verdict: 'valid' },
  { name: 'stale, which is allowed', history: h('1 add 0 ok', '1 read [] ok', '1 read [0] ok'), verdict: 'valid', counts: { 'stale-element': 1 } },
  { name: 'read before and after its addition', history: h('1 read [] ok', '1 add 0 ok', '1 read [0] ok'), verdict: 'valid' },
  { name: 'twice in one read', history: h('1 add 0 ok', '1 read [0,0] ok', '1 read [0] ok'), verdict: 'invalid', counts: { 'duplicate-element': 1 } },
  { name: 'in two reads, once each', history: h('1 add 0 ok', '1 read [0] ok', '1 read [0] ok'), verdict: 'valid' },
  { name: 'from nowhere', history: h('1 add 0 ok', '1 read [0,1] ok'), verdict: 'invalid', counts: { 'unexpected-element': 1 } },
  { name: 'a fault in between', history: h('1 add 0 ok', 'nemesis kill null info', 'nemesis kill null info', '1 read [0] ok'), verdict: 'valid' },
  { name: 'a read without an answer', history: h('1 add 0 ok', '2 read [] info', '3 read [] fail', '1 read [0] ok'), verdict: 'valid' },
]

const nonZero = (counts: { readonly [anomaly: string]: number }): { [anomaly: string]: number } => Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0))

describe('set', () => {
  it.each(SET.map(one => [one.name, one] as const))('%s', (_, { history, verdict, counts = {} }) => {
    const result = judgeWith(setChecker, history)
    expect({ verdict: result.verdict, counts: nonZero(result.counts) }).toEqual({ verdict, counts })
  })
})

describe('set-full', () => {
  it.each(FULL.map(one => [one.name, one] as const))('%s', (_, { history, verdict, counts = {} }) => {
    const result = judgeWith(setFullChecker(), history)
    expect({ verdict: result.verdict, counts: nonZero(result.counts) }).toEqual({ verdict, counts })
  })

  it('forbids stale reads where the set is linearizable', () => {
    const stale = h('1 add 0 ok', '1 read [] ok', '1 read [0] ok')
    expect(judgeWith(setFullChecker({ linearizable: true }), stale)).toMatchObject({ verdict: 'invalid', bad: { 'stale-element': 1 } })
    expect(judgeWith(setFullChecker({ linearizable: true }), h('1 add 0 ok', '1 read [0] ok')).verdict).toBe('valid')
  })

  it('finds one loss among 6 000 operations, and nothing in the same history without it', () => {
    const lines = (lost: number | undefined): string[] => Array.from({ length: 3_000 }, (_, at) => {
      if (at % 100 !== 99) return `${at % 10} add ${at} ok`
      const read = Array.from({ length: at }, (__, element) => element).filter(element => element % 100 !== 99 && (element !== lost || at < 2_999))
      return `${at % 10} read ${JSON.stringify(read)} ok`
    })
    expect(judgeWith(setFullChecker(), h(...lines(undefined)))).toMatchObject({ verdict: 'valid', counts: {} })
    const found = judgeWith(setFullChecker(), h(...lines(1_321)))
    expect(found).toMatchObject({ verdict: 'invalid', counts: { 'lost-element': 1 } })
    expect(found.findings[0]!.title).toBe('Element 1321 was lost.')
    expect(found.findings[0]!.steps.map(({ text }) => text)).toEqual(['The addition of 1321 is acknowledged.', 'Of the reads that contain it this one began last.', 'A read begins that lacks it.'])
  })

  it('agrees with its definition', () => {
    // Each process adds an element or reads; answers come in any order and contain anything.
    const event = fc.record({ process: fc.integer({ min: 0, max: 2 }), add: fc.boolean(), element: fc.integer({ min: 0, max: 2 }), read: fc.subarray([0, 1, 2]), type: fc.constantFrom('ok' as const, 'ok' as const, 'fail' as const) })
    fc.assert(fc.property(fc.array(event, { maxLength: 14 }), events => {
      const history: Operation[] = []
      const open = new Map<number, Operation>()
      for (const { process, add, element, read, type } of events) {
        const before = open.get(process)
        const f = before?.f ?? (add ? 'add' : 'read')
        const value = before === undefined ? add ? element : null : f === 'add' ? before.value : read
        const operation: Operation = { index: history.length, time: history.length, process, type: before === undefined ? 'invoke' : type, f, value }
        history.push(operation)
        if (before === undefined) open.set(process, operation)
        else open.delete(process)
      }
      const { counts } = judgeWith(setFullChecker(), history)
      expect(nonZero({ lost: counts['lost-element'] ?? 0, stale: counts['stale-element'] ?? 0 })).toEqual(nonZero(byDefinition(history)))
    }), { numRuns: 3_000, seed: 11 })
  })
})

/** Lost and stale as the checker's file defines them, element by element and read by read. */
function byDefinition(history: readonly Operation[]): { lost: number; stale: number } {
  const invocationOf = (at: number): number => history.findLastIndex((one, place) => place < at && one.process === history[at]!.process && one.type === 'invoke')
  const reads = history.flatMap(({ f, type, value }, at) => (f === 'read' && type === 'ok' ? [{ invoked: invocationOf(at), completed: at, value: value as readonly number[] }] : []))
  const result = { lost: 0, stale: 0 }
  for (const element of [0, 1, 2]) {
    const attempts = history.flatMap(({ f, type, value }, at) => {
      const answer = history.findIndex((one, place) => place > at && one.process === history[at]!.process && one.type !== 'invoke')
      return f === 'add' && type === 'invoke' && value === element && (answer === -1 || history[answer]!.type === 'ok') ? [{ invoked: at, answered: answer === -1 ? Infinity : answer }] : []
    })
    if (attempts.length === 0) continue
    const begun = Math.min(...attempts.map(({ invoked }) => invoked))
    const known = Math.min(...attempts.map(({ answered }) => answered), ...reads.filter(({ value }) => value.includes(element)).map(({ completed }) => completed))
    const present = Math.max(-1, ...reads.filter(({ value }) => value.includes(element)).map(({ invoked }) => invoked))
    const absent = Math.max(-1, ...reads.filter(({ value, completed }) => !value.includes(element) && completed > begun).map(({ invoked }) => invoked))
    if (!(known < absent)) continue
    if (absent > present) result.lost++
    else result.stale++
  }
  return result
}
