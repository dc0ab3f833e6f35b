/** Queues, ids, counters and banks: smallest histories, near misses, unknown fates on either side, planted violations. */
import { describe, expect, it } from 'vitest'
import { bankChecker } from '../../../checkers/collections/bank-checker.ts'
import { counterChecker } from '../../../checkers/collections/counter-checker.ts'
import { queueChecker } from '../../../checkers/collections/queue-checker.ts'
import { uniqueIdsChecker } from '../../../checkers/collections/unique-ids-checker.ts'
import type { Checker } from '../../../checkers/contract.ts'
import { type CollectionCase, h, judgeWith } from './recorded-history.ts'

const QUEUE: readonly CollectionCase[] = [
  { name: 'nothing', history: h(), verdict: 'valid' },
  { name: 'sane, as Jepsen has it', history: h('1 enqueue 1 invoke', '2 enqueue 2 invoke', '2 enqueue 2 ok', '3 dequeue 1 ok', '3 dequeue 2 ok'), verdict: 'valid', counts: { 'recovered-message': 1 } },
  {
    // Jepsen also counts "enqueued" as lost; here the dequeue that never ended may have taken it.
    name: 'pathological, as Jepsen has it', verdict: 'invalid', counts: { 'duplicate-message': 1, 'unexpected-message': 1 },
    history: h('1 enqueue "hung" invoke', '2 enqueue "enqueued" ok', '3 enqueue "dup" ok', '4 dequeue null invoke', '5 dequeue "wtf" ok', '6 dequeue "dup" ok', '7 dequeue "dup" ok'),
  },
  { name: 'a loss', history: h('1 enqueue 1 ok', '1 enqueue 2 ok', '2 drain [2] ok'), verdict: 'invalid', counts: { 'lost-message': 1 } },
  { name: 'two losses, and one dequeue of unknown outcome', history: h('1 enqueue 1 ok', '1 enqueue 2 ok', '3 dequeue null info', '2 drain [] ok'), verdict: 'invalid', counts: { 'lost-message': 2 } },
  { name: 'a loss that a dequeue of unknown outcome explains', history: h('1 enqueue 1 ok', '3 dequeue null info', '2 drain [] ok'), verdict: 'unknown' },
  { name: 'a loss after a drain of unknown outcome', history: h('1 enqueue 1 ok', '1 enqueue 2 ok', '3 drain null info', '2 drain [] ok'), verdict: 'unknown' },
  { name: 'a dequeue that failed, which took nothing', history: h('1 enqueue 1 ok', '3 dequeue null fail', '2 drain [] ok'), verdict: 'invalid', counts: { 'lost-message': 1 } },
  { name: 'an enqueue of unknown outcome', history: h('1 enqueue 1 info', '3 enqueue 2 invoke', '2 drain [] ok'), verdict: 'valid' },
  { name: 'the same message twice, both out', history: h('1 enqueue 1 ok', '1 enqueue 1 ok', '2 drain [1,1] ok'), verdict: 'valid' },
  { name: 'the same message twice, one out', history: h('1 enqueue 1 ok', '1 enqueue 1 ok', '2 drain [1] ok'), verdict: 'invalid', counts: { 'lost-message': 1 } },
  { name: 'a duplicate', history: h('1 enqueue 1 ok', '2 dequeue 1 ok', '3 dequeue 1 ok'), verdict: 'invalid', counts: { 'duplicate-message': 1 } },
  { name: 'no duplicate when a second enqueue may have happened', history: h('1 enqueue 1 ok', '4 enqueue 1 info', '2 dequeue 1 ok', '3 dequeue 1 ok'), verdict: 'valid', counts: { 'recovered-message': 1 } },
  { name: 'a duplicate when the second enqueue failed', history: h('1 enqueue 1 ok', '4 enqueue 1 fail', '2 dequeue 1 ok', '3 dequeue 1 ok'), verdict: 'invalid', counts: { 'duplicate-message': 1 } },
  { name: 'a message from nowhere', history: h('5 dequeue "wtf" ok'), verdict: 'invalid', counts: { 'unexpected-message': 1 } },
  { name: 'a message that failed', history: h('1 enqueue 1 fail', '5 dequeue 1 ok'), verdict: 'invalid', counts: { 'unexpected-message': 1 } },
  { name: 'a message before it was put in', history: h('5 dequeue 1 ok', '1 enqueue 1 ok'), verdict: 'invalid', counts: { 'unexpected-message': 1 } },
  { name: 'a message while it is put in', history: h('5 dequeue null invoke', '1 enqueue 1 invoke', '5 dequeue 1 ok', '1 enqueue 1 ok'), verdict: 'valid' },
  { name: 'an empty queue', history: h('1 dequeue null ok', '1 drain [] ok'), verdict: 'valid' },
]

const IDS: readonly CollectionCase[] = [
  { name: 'nothing', history: h(), verdict: 'valid' },
  { name: 'different ids', history: h('0 generate 0 ok', '1 generate 1 ok', '1 generate "1" ok'), verdict: 'valid' },
  { name: 'one id three times, as Jepsen has it', history: h('0 generate 0 ok', '1 generate 1 ok', '2 generate 0 ok', '3 generate 0 ok', '4 generate null info'), verdict: 'invalid', counts: { 'duplicate-id': 1 } },
  { name: 'an id that only one was told', history: h('0 generate 5 info', '1 generate 5 ok', '2 generate 5 fail'), verdict: 'valid' },
  { name: 'composite ids', history: h('0 generate {"a":1,"b":2} ok', '1 generate {"b":2,"a":1} ok'), verdict: 'invalid', counts: { 'duplicate-id': 1 } },
]

const COUNTER: readonly CollectionCase[] = [
  { name: 'never read', history: h('0 add 1 ok'), verdict: 'unknown' },
  { name: 'an initial read', history: h('0 read 0 ok'), verdict: 'valid' },
  { name: 'failed additions', history: h('0 add 1 fail', '0 read 0 ok'), verdict: 'valid' },
  { name: 'an addition that never ends', history: h('0 add 1 invoke', '1 read 0 ok', '1 read 1 ok'), verdict: 'valid' },
  { name: 'an addition of unknown fate', history: h('0 add 1 info', '1 read 0 ok', '1 read 1 ok', '1 read 2 ok'), verdict: 'invalid', counts: { 'counter-out-of-bounds': 1 } },
  { name: 'an initial read that is wrong', history: h('0 read 1 ok'), verdict: 'invalid', counts: { 'counter-out-of-bounds': 1 } },
  { name: 'a lost addition', history: h('0 add 1 ok', '0 read 0 ok'), verdict: 'invalid', counts: { 'counter-out-of-bounds': 1 } },
  { name: 'an addition that ends while the read runs', history: h('0 add 1 invoke', '1 read invoke', '0 add 1 ok', '1 read 0 ok'), verdict: 'valid' },
  {
    name: 'concurrent reads and writes, as Jepsen has it', verdict: 'invalid', counts: { 'counter-out-of-bounds': 1 },
    history: h('0 read invoke', '1 add 1 invoke', '2 read invoke', '3 add 2 invoke', '4 read invoke', '5 add 4 invoke', '6 read invoke', '7 add 8 invoke', '8 read invoke', '0 read 6 ok', '1 add 1 ok', '2 read 0 ok', '3 add 2 ok', '4 read 3 ok', '5 add 4 ok', '6 read 100 ok', '7 add 8 ok', '8 read 15 ok'),
  },
  { name: 'rolling reads, as Jepsen has it', history: h('0 read invoke', '1 add 1 invoke', '0 read 0 ok', '0 read invoke', '1 add 1 ok', '1 add 2 invoke', '0 read 3 ok', '0 read invoke', '1 add 2 ok', '0 read 5 ok'), verdict: 'invalid', counts: { 'counter-out-of-bounds': 1 } },
  { name: 'subtractions', history: h('0 add 5 ok', '0 add -3 ok', '0 read 2 ok', '1 add -1 info', '0 read 1 ok', '0 read 2 ok'), verdict: 'valid' },
  { name: 'a lost subtraction', history: h('0 add 5 ok', '0 add -3 ok', '0 read 5 ok'), verdict: 'invalid', counts: { 'counter-out-of-bounds': 1 } },
  { name: 'sums beyond 2^53, exactly', history: h('0 add 9007199254740991 ok', '0 add 2 ok', '0 read "~n9007199254740993" ok'), verdict: 'valid' },
  { name: 'sums beyond 2^53, off by one', history: h('0 add 9007199254740991 ok', '0 add 2 ok', '0 read 9007199254740992 ok'), verdict: 'invalid', counts: { 'counter-out-of-bounds': 1 } },
]

const BANK: readonly CollectionCase[] = [
  { name: 'never read', history: h('0 transfer {"from":"a","to":"b","amount":1} ok'), verdict: 'unknown' },
  { name: 'totals that agree', history: h('0 read {"a":10,"b":10} ok', '0 transfer {"from":"a","to":"b","amount":5} ok', '0 read {"a":5,"b":15} ok'), verdict: 'valid' },
  { name: 'half a transfer', history: h('0 read {"a":10,"b":10} ok', '0 read {"a":10,"b":10} ok', '0 read {"a":10,"b":15} ok'), verdict: 'invalid', counts: { 'wrong-total': 1 } },
  { name: 'half a transfer that nobody was told', history: h('0 read {"a":10,"b":10} ok', '1 read {"a":10,"b":15} info', '2 read {"a":10,"b":15} fail'), verdict: 'valid' },
  { name: 'transfers of unknown fate', history: h('0 read {"a":10,"b":10} ok', '1 transfer {"from":"a","to":"b","amount":5} info', '0 read {"a":5,"b":15} ok'), verdict: 'valid' },
  { name: 'an overdrawn account', history: h('0 read {"a":10,"b":10} ok', '0 read {"a":-1,"b":21} ok'), verdict: 'invalid', counts: { 'negative-balance': 1 } },
  { name: 'an account too many', history: h('0 read {"a":10,"b":10} ok', '0 read {"a":10,"b":10} ok', '0 read {"a":10,"b":10,"z":0} ok'), verdict: 'invalid', counts: { 'unexpected-account': 1 } },
  { name: 'a missing account', history: h('0 read {"a":10,"b":10} ok', '0 read {"a":10,"b":10} ok', '0 read {"a":10} ok'), verdict: 'invalid', counts: { 'wrong-total': 1 } },
  { name: 'a balance that is null', history: h('0 read {"a":10,"b":10} ok', '0 read {"a":null,"b":10} ok'), verdict: 'invalid', counts: { 'missing-balance': 1 } },
  { name: 'accounts named like properties', history: h('0 read {"__proto__":10,"constructor":10} ok', '0 read {"__proto__":10,"constructor":10} ok', '0 read {"__proto__":11,"constructor":10} ok'), verdict: 'invalid', counts: { 'wrong-total': 1 } },
  { name: 'balances beyond 2^53', history: h('0 read {"a":"~n9007199254740993","b":0} ok', '0 read {"a":9007199254740992,"b":1} ok', '0 read {"a":9007199254740992,"b":0} ok'), verdict: 'invalid', counts: { 'wrong-total': 1 } },
]

const nonZero = (counts: { readonly [anomaly: string]: number }): { [anomaly: string]: number } => Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0))

describe.each<readonly [string, Checker, readonly CollectionCase[]]>([['total-queue', queueChecker(), QUEUE], ['unique-ids', uniqueIdsChecker, IDS], ['counter', counterChecker, COUNTER], ['bank', bankChecker(), BANK]])('%s', (_, checker, cases) => {
  it.each(cases.map(one => [one.name, one] as const))('%s', (__, { history, verdict, counts = {} }) => {
    const result = judgeWith(checker, history)
    expect({ verdict: result.verdict, counts: nonZero(result.counts) }).toEqual({ verdict, counts })
    for (const finding of result.findings) expect(finding.steps.length).toBeGreaterThan(0)
  })
})

describe('options', () => {
  it('a queue may deliver twice, or may not have been emptied', () => {
    const twice = h('1 enqueue 1 ok', '2 dequeue 1 ok', '3 dequeue 1 ok')
    expect(judgeWith(queueChecker({ duplicates: 'allowed' }), twice)).toMatchObject({ verdict: 'valid', counts: { 'duplicate-message': 1 } })
    expect(judgeWith(queueChecker(), h('1 enqueue 1 ok', '2 dequeue null ok'), { drained: false }).verdict).toBe('unknown')
  })

  it('a bank may be overdrawn, and its total and accounts may be known', () => {
    const overdrawn = h('0 read {"a":10,"b":10} ok', '0 read {"a":-1,"b":21} ok')
    expect(judgeWith(bankChecker({ negativeBalances: true }), overdrawn).verdict).toBe('valid')
    const stolen = h('0 read {"a":10,"b":9} ok', '0 read {"a":10,"b":9} ok')
    expect(judgeWith(bankChecker(), stolen).verdict).toBe('valid')
    expect(judgeWith(bankChecker({ total: 20 }), stolen)).toMatchObject({ verdict: 'invalid', counts: { 'wrong-total': 2 } })
    expect(judgeWith(bankChecker({ accounts: ['a'] }), stolen)).toMatchObject({ verdict: 'invalid', counts: { 'unexpected-account': 2 } })
  })
})

describe('one violation in a large history', () => {
  const size = 5_000
  const range = Array.from({ length: size }, (_, at) => at)

  it('of a queue, and none in the same without it', () => {
    const lines = (...taken: readonly number[]): string[] => [...range.map(at => `${at % 7} enqueue ${at} ${at % 1_000 === 999 ? 'fail' : 'ok'}`), `9 drain ${JSON.stringify(taken)} ok`]
    const all = range.filter(at => at % 1_000 !== 999)
    expect(judgeWith(queueChecker(), h(...lines(...all))).verdict).toBe('valid')
    expect(judgeWith(queueChecker(), h(...lines(...all.filter(at => at !== 3_777)))).findings.map(({ title }) => title)).toEqual(['Message 3777 was lost.'])
    expect(judgeWith(queueChecker(), h(...lines(...all, 3_777))).findings.map(({ anomaly }) => anomaly)).toEqual(['duplicate-message'])
    expect(judgeWith(queueChecker(), h(...lines(...all, size))).findings.map(({ anomaly }) => anomaly)).toEqual(['unexpected-message'])
  })

  it('of a generator of ids', () => {
    const lines = (odd: number): string[] => range.map(at => `${at % 7} generate ${at === 4_000 ? odd : at} ok`)
    expect(judgeWith(uniqueIdsChecker, h(...lines(4_000))).verdict).toBe('valid')
    expect(judgeWith(uniqueIdsChecker, h(...lines(42))).findings[0]!.evidence).toEqual({ id: 42, operations: [85, 8_001] })
  })

  it('of a counter and a bank', () => {
    const counter = (at: number, odd: number): string => (at % 2 === 0 ? `${at % 7} add 2 ok` : `${at % 7} read ${at + 1 + odd} ok`)
    expect(judgeWith(counterChecker, h(...range.map(at => counter(at, 0)))).verdict).toBe('valid')
    expect(judgeWith(counterChecker, h(...range.map(at => counter(at, at === 3_345 ? 1 : 0))))).toMatchObject({ verdict: 'invalid', counts: { 'counter-out-of-bounds': 1 } })
    const bank = (at: number, odd: number): string => `${at % 7} read {"0":${at},"1":${size - at + odd}} ok`
    expect(judgeWith(bankChecker(), h(...range.map(at => bank(at, 0)))).verdict).toBe('valid')
    expect(judgeWith(bankChecker(), h(...range.map(at => bank(at, at === 3_345 ? 1 : 0))))).toMatchObject({ verdict: 'invalid', counts: { 'wrong-total': 1 } })
  })
})
