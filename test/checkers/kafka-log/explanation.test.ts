/**
 * The story of a finding, whole: who did what, in the order of the history, with the faults that lie between. What a reader
 * of the report is given must be true, short and point at the operations.
 */
import { describe, expect, it } from 'vitest'
import { findingsOf, HistoryBuilder, judge } from '../history-fixture.ts'

function only(build: (h: HistoryBuilder) => HistoryBuilder, anomaly: string) {
  const { operations } = build(new HistoryBuilder())
  const [finding, ...others] = findingsOf(judge(operations), anomaly)
  expect(others).toEqual([])
  return finding!
}
const texts = (finding: ReturnType<typeof only>): string[] => finding.steps.map(({ text }) => text)

describe('an explanation', () => {
  it('of a lost record: sent, acknowledged, a fault, and what lies there instead', () => {
    const finding = only(h => h
      .op(1, 'send', [['send', 'orders-0', 'a']], [['send', 'orders-0', [0, 'a']]], { node: 'client-1', producer: 'client-1' })
      .fault('broker 1 loses power')
      .add('nemesis', 'info', 'fault-stop', { id: 1, text: 'broker 1 is back' })
      .send(2, 'b', 'info')
      .poll(3, '0:b', { node: 'client-3', drain: true }), 'lost-write')
    expect(finding).toEqual({
      anomaly: 'lost-write', checker: 'kafka-log', status: 'bad', guarantee: 'no-loss', key: 'orders-0', offset: 0,
      title: 'Acknowledged record a on orders-0 disappeared.',
      evidence: { value: 'a', producer: 'client-1', offsets: [0], highestRead: 0, foundInstead: 'b' },
      steps: [
        { operation: 0, time: 0, text: 'client-1 sends record a to orders-0.' },
        { operation: 1, time: 1_000, text: 'It is acknowledged at offset 0.' },
        { operation: 2, time: 2_000, text: 'Fault: broker 1 loses power.' },
        { operation: 7, time: 7_000, text: 'client-3 reads record b at offset 0 of orders-0.' },
        { operation: 7, time: 7_000, text: 'client-3 has read orders-0 past offset 0, to 0, and no reader ever got record a.' },
      ],
      contradiction: 'Record a was stored at offset 0 of orders-0, because that is what its acknowledgement says; however, readers passed that offset and found record b there.',
    })
  })

  it('tells of the first faults only, and of none before or after', () => {
    const finding = only(h => h.fault('too early').sends('a b c').fault('one').fault('two').fault('three').drain('0:a 2:c').fault('too late'), 'lost-write')
    expect(texts(finding).filter(text => text.startsWith('Fault'))).toEqual(['Fault: one.', 'Fault: two.'])
  })

  it('tells of faults of unknown text by their kind', () => {
    const finding = only(h => h.sends('a').add('nemesis', 'info', 'kill', 'broker 2').add('nemesis', 'info', 'partition', null).drain(''), 'unseen')
    expect(texts(finding).filter(text => text.startsWith('Fault'))).toEqual(['Fault: broker 2.', 'Fault: partition.'])
  })

  it('names processes where nodes are not known', () => {
    const finding = only(h => h.sends('a b c').poll(2, '0:a').poll(2, '2:c').poll(3, '1:b'), 'poll-skip')
    expect(finding.title).toBe('process 2 skipped offset 1 of orders-0.')
    expect(texts(finding)).toEqual([
      'process 2 polls and gets orders-0 up to offset 0.', 'process 2 polls and gets offset 2 next.', 'process 3 reads record b at offset 1 of orders-0.',
    ])
  })

  it('says how a send ended', () => {
    const aborted = only(h => h.send(1, 'a', 'fail').poll(2, '0:a'), 'aborted-read')
    expect(texts(aborted)[1]).toBe('The answer says that it was not written: MESSAGE_TOO_LARGE.')
    const unknown = only(h => h.send(1, 'a', 'info').poll(2, '0:a 1:a'), 'duplicate')
    expect(texts(unknown)[1]).toBe('Whether it was written is unknown: TIMED_OUT.')
    const open = only(h => h.send(1, 'a', 'open').poll(2, '0:a 1:a'), 'duplicate')
    expect(texts(open)).toEqual(['process 1 sends record a to orders-0.', 'process 2 reads record a at offset 0 of orders-0.', 'process 2 reads record a at offset 1 of orders-0.'])
  })

  it('tells each event once', () => {
    const finding = only(h => h.sends('a b c').poll(2, '0:a 2:c').poll(2, '1:b'), 'int-poll-skip')
    expect(new Set(texts(finding)).size).toBe(finding.steps.length)
    const same = only(h => h.compound(1, 'ok', ['a', 5], ['b', 4]), 'int-nonmonotonic-send')
    expect(texts(same)).toEqual(['process 1 sends record a to orders-0.', 'process 1 sends record b to orders-0.', 'It is acknowledged at offset 5.', 'It is acknowledged at offset 4.'])
  })

  it('shortens long records in sentences, not in the evidence', () => {
    const long = 'x'.repeat(500)
    const finding = only(h => h.send(1, long, 0).drain(''), 'unseen')
    expect(finding.title).toBe(`Acknowledged record ${'x'.repeat(37)}... on orders-0 was never seen.`)
    expect(finding.evidence).toMatchObject({ value: long })
  })

  it('points at the index that was recorded, not at the place in the list', () => {
    const { operations } = new HistoryBuilder().sends('a').drain('')
    const [finding] = findingsOf(judge(operations.map(operation => ({ ...operation, index: 1_000 + operation.index * 10 }))), 'unseen')
    expect(finding!.steps.map(({ operation }) => operation)).toEqual([1_000, 1_010, 1_030])
  })
})

describe('the instances that are kept', () => {
  it('are eight of a kind, all are counted, and a vanished record that was acknowledged is told before one that was not', () => {
    const h = new HistoryBuilder()
    for (let i = 0; i < 12; i++) h.send(1 + i, `u${i}`, i === 11 ? i : 'info')
    h.poll(50, Array.from({ length: 12 }, (_, i) => `${i}:u${i}`).join(' ')).drain('')
    const result = judge(h.operations)
    expect(result.counts).toEqual({ 'vanished-read': 12 })
    expect(result.bad).toEqual({ 'vanished-read': 12 })
    const vanished = findingsOf(result, 'vanished-read')
    expect(vanished.map(({ offset }) => offset)).toEqual([11, 0, 1, 2, 3, 4, 5, 6])
  })
})
