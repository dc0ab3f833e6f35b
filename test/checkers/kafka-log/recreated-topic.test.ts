/** A topic that was deleted and created anew is another log: the one that the drain found is judged, and only that one. */
import { describe, expect, it } from 'vitest'
import { HistoryBuilder, judge, summary } from '../history-fixture.ts'
import type { LogCase } from '../history-fixture.ts'

const OLD = 'orders@old-id-0'
const NEW = 'orders@new-id-0'
const drain = { drain: true }

/** Two records acknowledged by the first topic of the name, then it is created anew. */
function recreated(): HistoryBuilder {
  return new HistoryBuilder().begin(1, 'a').answer(1, 0, OLD).begin(1, 'b').answer(1, 1, OLD)
    .op(4, 'delete-topic', { topic: 'orders' }, null).op(4, 'create-topic', { topic: 'orders', partitions: 1 }, null)
}

function drained(h: HistoryBuilder, records: readonly (readonly [number, string])[], ids: object = { orders: 'new-id' }): HistoryBuilder {
  return h.op(9, 'assign', { 'orders-0': 'earliest' }, null, drain).op(9, 'poll', [['poll']], [['poll', { [NEW]: records }]] as never, drain).op(9, 'describe-topic-ids', null, ids as never, drain)
}

const count = (h: HistoryBuilder): object => summary(judge(h.operations, { name: '', history: () => h } as LogCase)).counts

describe('of a topic created anew', () => {
  it('what the first one held is not missed', () => {
    expect(count(drained(recreated().begin(1, 'c').answer(1, 0, NEW), [[0, 'c']]))).toEqual({})
  })

  it('an acknowledged record of the second one is', () => {
    expect(count(drained(recreated().begin(1, 'c').answer(1, 0, NEW).begin(1, 'd').answer(1, 1, NEW), [[0, 'c']]))).toEqual({ unseen: 1 })
    expect(count(drained(recreated().begin(1, 'c').answer(1, 0, NEW).begin(1, 'd').answer(1, 1, NEW), [[1, 'd']]))).toEqual({ 'lost-write': 1 })
  })

  it('one offset may hold a record in each, but not two in one', () => {
    const read = (key: string, value: string): HistoryBuilder => recreated().begin(1, 'c').answer(1, 0, NEW).op(2, 'poll', [['poll']], [['poll', { [key]: [[0, value]] }]] as never)
    expect(count(drained(read(OLD, 'a'), [[0, 'c']]))).toEqual({})
    expect(count(drained(read(NEW, 'a'), [[0, 'c']]))).toMatchObject({ 'inconsistent-offsets': 1 })
  })

  it('a retry may leave a record in both, once in each', () => {
    const sent = recreated().begin(1, 'c').answer(1, 'info')
    expect(count(drained(sent.op(2, 'poll', [['poll']], [['poll', { [OLD]: [[2, 'c']] }]] as never), [[0, 'c']]))).toEqual({})
    expect(count(drained(recreated().begin(1, 'c').answer(1, 'info'), [[0, 'c'], [1, 'c']]))).toEqual({ duplicate: 1 })
  })

  it('nothing is judged when nobody knows which one is there', () => {
    expect(count(drained(recreated().begin(1, 'c').answer(1, 5, NEW), [[0, 'c']], {}))).toEqual({})
  })

  it('the end that a client was told may go back', () => {
    const h = new HistoryBuilder().op(4, 'list-offsets', ['orders-0', 'latest'], ['orders-0', 'latest', 9])
      .op(4, 'delete-topic', { topic: 'orders' }, null).op(4, 'create-topic', { topic: 'orders', partitions: 1 }, null)
      .op(4, 'list-offsets', ['orders-0', 'latest'], ['orders-0', 'latest', 1])
    expect(count(drained(h, []))).toEqual({})
  })
})
