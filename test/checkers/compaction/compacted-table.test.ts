/** Histories of a compacted topic, by hand: what must be found, and what only looks like it. One operation a millisecond. */
import { describe, expect, it } from 'vitest'
import { compactedTableChecker } from '../../../checkers/compaction/compacted-table-checker.ts'
import { guaranteesFor } from '../../../checkers/guarantees.ts'
import { kafkaLogChecker } from '../../../checkers/kafka-log/kafka-log-checker.ts'
import { validateHistory } from '../../../src/history/validate.ts'
import { type Answer, HistoryBuilder, KEY, type Setting, STRICT, summary } from '../history-fixture.ts'

const RETENTION_MS = 10

class Table extends HistoryBuilder {
  private sender = 100

  /** A value, or with `retention` a tombstone. */
  put(recordKey: string, value: string, answer: Answer, o: { retention?: number; key?: string } = {}): this {
    // A process of its own: one whose write has an unknown fate never speaks again.
    const process = this.sender++
    this.invoke(process, 'send', [['send', o.key ?? KEY, value]], { recordKey, ...(o.retention === undefined ? {} : { deleteRetentionMs: o.retention }) })
    return this.answer(process, answer, KEY)
  }

  remove(recordKey: string, value: string, answer: Answer): this {
    return this.put(recordKey, value, answer, { retention: RETENTION_MS })
  }

  /** Sends of one transaction, `key:value:offset` each. */
  transact(end: 'ok' | 'fail' | 'info', ...rows: readonly string[]): this {
    const process = this.sender++
    const parts = rows.map(row => row.split(':') as [string, string, string])
    this.invoke(process, 'txn', parts.map(([, value]) => ['send', KEY, value]), { recordKeys: parts.map(([key]) => key) })
    return end === 'ok' ? this.complete(process, 'ok', parts.map(([, value, offset]) => ['send', KEY, [Number(offset), value]])) : this.complete(process, end, undefined, 'FAILED')
  }

  wait(ms: number): this {
    for (let i = 0; i < ms; i++) this.add('nemesis', 'info', 'fault-start', { id: 1, text: 'nothing' })
    return this
  }

  read(records: string, process = 2): this {
    return this.poll(process, records)
  }

  fromStart(process = 2): this {
    return this.move(process, 'assign', KEY)
  }
}

interface Case extends Setting {
  readonly name: string
  readonly history: (t: Table) => HistoryBuilder
  readonly says?: string
}

const run = ({ history, config, drained = true, logStart = {} }: Case) => {
  const { operations } = history(new Table())
  validateHistory(operations)
  return compactedTableChecker.check(operations, { guarantees: guaranteesFor({ ...STRICT, cleanup: 'compact', ...config }), drained, logStart })
}

const LOST: readonly Case[] = [
  { name: 'an acknowledged value that the drain does not find', history: t => t.put('a', 'v1', 0).put('b', 'v2', 1).drain('1:v2'), says: 'The last record of key a in orders-0, v1, is gone.' },
  { name: 'at the end of the log', history: t => t.put('a', 'v1', 0).put('b', 'v2', 1).drain('0:v1') },
  { name: 'of a partition in which nothing is left', history: t => t.put('a', 'v1', 0).drain('') },
  { name: 'though an older one is there', history: t => t.put('a', 'v1', 0).put('a', 'v2', 1).put('b', 'v3', 2).drain('0:v1 2:v3') },
  { name: 'by a reader that passed it, though the drain finds it', history: t => t.fromStart().put('a', 'v1', 0).put('b', 'v2', 1).read('1:v2').drain('0:v1 1:v2') },
  { name: 'in the middle of one poll', history: t => t.put('a', 'v1', 0).put('b', 'v2', 1).put('c', 'v3', 2).read('0:v1 2:v3').drain('0:v1 1:v2 2:v3') },
  { name: 'superseded only by a write that surely failed', history: t => t.put('a', 'v1', 0).put('a', 'v2', 'fail').put('b', 'v3', 1).drain('1:v3') },
  { name: 'superseded only after the reader had passed', history: t => t.put('a', 'v1', 0).put('b', 'v2', 1).fromStart().read('1:v2').put('a', 'v3', 2).drain('1:v2 2:v3') },
  { name: 'the second row of a transaction', history: t => t.transact('ok', 'a:v1:0', 'b:v2:1').put('c', 'v3', 3).drain('0:v1 3:v3') },
  { name: 'superseded only by an aborted transaction', history: t => t.put('a', 'v1', 0).transact('fail', 'b:v2:1', 'a:v3:2').put('c', 'v4', 4).drain('4:v4') },
  { name: 'one that was only read', history: t => t.put('a', 'v1', 'info').fromStart().read('0:v1').put('b', 'v2', 1).drain('1:v2') },
]

const NOT_LOST: readonly Case[] = [
  { name: 'a value that is superseded', history: t => t.put('a', 'v1', 0).put('a', 'v2', 1).drain('1:v2') },
  { name: 'by one of unknown fate', history: t => t.put('a', 'v1', 0).put('a', 'v2', 'info').put('b', 'v3', 2).drain('2:v3') },
  { name: 'by one that nobody knows the partition of', history: t => t.put('a', 'v1', 0).put('a', 'v2', 'info', { key: 'orders' }).put('b', 'v3', 2).drain('2:v3') },
  { name: 'while the reader was on its way', history: t => t.put('a', 'v1', 0).put('b', 'v2', 1).fromStart().invoke(2, 'poll', [['poll']]).put('a', 'v3', 2).complete(2, 'ok', [['poll', { [KEY]: [[1, 'v2']] }]]).drain('1:v2 2:v3') },
  { name: 'by a row of a transaction', history: t => t.put('a', 'v1', 0).transact('ok', 'b:v2:1', 'a:v3:2').drain('1:v2 2:v3') },
  { name: 'by a row of a transaction of unknown fate', history: t => t.put('a', 'v1', 0).transact('info', 'b:v2:1', 'a:v3:2').put('c', 'v4', 4).drain('4:v4') },
  { name: 'by a tombstone that has gone', history: t => t.put('a', 'v1', 0).remove('a', 't2', 1).put('b', 'v3', 2).wait(RETENTION_MS).drain('2:v3') },
  { name: 'what lies below the log start', history: t => t.put('a', 'v1', 0).put('b', 'v2', 1).drain('1:v2'), logStart: { [KEY]: 1 } },
  { name: 'what a reader did not pass', history: t => t.put('a', 'v1', 0).put('b', 'v2', 1).move(2, 'subscribe').read('1:v2').drain('0:v1 1:v2') },
  { name: 'nor after a reset of its own', history: t => t.fromStart().put('z', 'v0', 0).read('0:v0').put('a', 'v1', 1).put('b', 'v2', 2).read('2:v2').move(2, 'reset', KEY).drain('0:v0 1:v1 2:v2') },
  { name: 'a write without an answer that nobody read', history: t => t.put('a', 'v1', 'info').put('b', 'v2', 1).drain('1:v2') },
  { name: 'at the end, without a drain', history: t => t.put('a', 'v1', 0).fromStart().read(''), drained: false },
  { name: 'sends without a key of a table', history: t => t.send(1, 'v1', 0).send(1, 'v2', 1).drain('1:v2') },
]

const MISSED: readonly Case[] = [
  { name: 'a tombstone that a reader passes at once', history: t => t.put('a', 'v1', 0).fromStart().read('0:v1').remove('a', 't2', 1).put('b', 'v3', 2).read('2:v3').drain('1:t2 2:v3'), says: 'process 2 never saw tombstone t2, which deletes key a of orders-0.' },
]

const NOT_MISSED: readonly Case[] = [
  { name: 'a reader that comes when delete.retention.ms is over', history: t => t.put('a', 'v1', 0).fromStart().read('0:v1').remove('a', 't2', 1).wait(RETENTION_MS).put('b', 'v3', 2).read('2:v3').drain('2:v3') },
  { name: 'a tombstone that a newer value supersedes', history: t => t.fromStart().remove('a', 't1', 0).put('a', 'v2', 1).read('1:v2').drain('1:v2') },
]

describe('lost-latest', () => {
  it.each(LOST.map(one => [one.name, one] as const))('is seen: %s', (_, one) => {
    expect(summary(run(one))).toMatchObject({ counts: { 'lost-latest': expect.any(Number) }, bad: { 'lost-latest': expect.any(Number) } })
    if (one.says !== undefined) expect(run(one).findings[0]!.title).toBe(one.says)
  })

  it.each(NOT_LOST.map(one => [one.name, one] as const))('near miss: %s', (_, one) => {
    expect(summary(run(one))).toEqual({ counts: {}, bad: {} })
  })
})

describe('tombstone-missed', () => {
  it.each(MISSED.map(one => [one.name, one] as const))('is seen: %s', (_, one) => {
    expect(summary(run(one)).bad).toEqual({ 'tombstone-missed': 1 })
    expect(run(one).findings[0]!.title).toBe(one.says)
  })

  it.each(NOT_MISSED.map(one => [one.name, one] as const))('near miss: %s', (_, one) => {
    expect(summary(run(one))).toEqual({ counts: {}, bad: {} })
  })
})

describe('what a configuration owes', () => {
  it('is the last value only where nothing acknowledged is lost and nothing is there twice', () => {
    for (const config of [{ acks: 1 }, { uncleanLeaderElection: true }, { idempotence: false }] as const) {
      const { counts, bad } = summary(run({ ...LOST[0]!, config }))
      expect([counts['lost-latest'], bad]).toEqual([1, {}])
    }
  })

  it('is the tombstone only where clocks agree', () => {
    expect(summary(run({ ...MISSED[0]!, config: { clocksDisagree: true } }))).toEqual({ counts: { 'tombstone-missed': 1 }, bad: {} })
  })

  it('is no longer, in a compacted topic, that readers skip nothing that others got', () => {
    const { operations } = new Table().put('a', 'v1', 0).put('a', 'v2', 1).read('0:v1').put('b', 'v3', 2).fromStart(3).read('2:v3', 3).read('1:v2 2:v3').drain('1:v2 2:v3')
    const judged = (cleanup: 'delete' | 'compact') => summary(kafkaLogChecker.check(operations, { guarantees: guaranteesFor({ ...STRICT, cleanup }), drained: true, logStart: {} })).bad
    expect(judged('compact')).toEqual({})
    expect(judged('delete')).toHaveProperty('vanished-read')
  })
})
