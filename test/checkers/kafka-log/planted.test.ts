/**
 * Long generated histories are valid whatever the seed; and one defect planted into a long one is found, alone, where it
 * was planted. Neither follows from the smallest histories: here the anomaly hides among thousands of healthy operations.
 */
import { describe, expect, it } from 'vitest'
import type { Operation } from '../../../src/history/operation.ts'
import { findingsOf, judge, summary } from '../history-fixture.ts'
import { generateHistory, readersOf, rewriteReads, sendOf } from './generated-history.ts'

const KEY = 'orders-1'
const { operations, logs, dropped } = generateHistory(7, 6_000)
const log = logs[KEY]!

/** The first offset from `from` on that is as wanted. */
function offsetWhere(from: number, wanted: (offset: number) => boolean): number {
  for (let offset = from; offset < log.length - 1; offset++) if (wanted(offset)) return offset
  throw new Error('no such offset: change the seed')
}

const acknowledged = (offset: number): boolean => log[offset]!.acknowledged
const middle = Math.floor(log.length / 2)
const withoutOffset = (offset: number, only: (poll: Operation) => boolean = () => true) =>
  rewriteReads(operations, KEY, (records, poll) => only(poll) ? records.filter(([one]) => one !== offset) : records)

/** Exactly these anomalies; the first has an instance that names the place. */
function expectFound(history: readonly Operation[], counts: { readonly [anomaly: string]: number }, offset: number, key = KEY): void {
  const result = judge(history)
  expect(summary(result)).toEqual({ counts, bad: counts })
  const [finding] = findingsOf(result, Object.keys(counts)[0]!)
  expect(finding).toMatchObject({ key, offset, status: 'bad' })
}

describe('generated histories', () => {
  it('are valid', () => {
    for (let seed = 1; seed <= 30; seed++) expect(summary(judge(generateHistory(seed, 400).operations)).counts, `seed ${seed}`).toEqual({})
    const result = judge(operations)
    expect(result.verdict).toBe('valid')
    expect(result.counts).toEqual({})
  })

  it('are long, and contain every fate', () => {
    expect(operations.length).toBeGreaterThan(10_000)
    expect(log.length).toBeGreaterThan(800)
    expect(dropped.length).toBeGreaterThan(100)
    expect(log.filter(one => !one.acknowledged).length).toBeGreaterThan(50)
    expect(operations.filter(({ type }) => type === 'fail').length).toBeGreaterThan(100)
    // With none of them read, each acknowledged record is missed: what keeps the history valid is that it was read.
    const unread = rewriteReads(operations, KEY, () => [])
    expect(judge(unread).counts).toEqual({ unseen: log.filter(one => one.acknowledged).length })
  })
})

describe('planted', () => {
  it('loss: no reader ever gets one acknowledged record', () => {
    const offset = offsetWhere(middle, acknowledged)
    expectFound(withoutOffset(offset), { 'lost-write': 1 }, offset)
  })

  it('loss, judged without a drain', () => {
    const offset = offsetWhere(middle, acknowledged)
    const history = withoutOffset(offset).filter(operation => operation['drain'] !== true)
    expect(summary(judge(history)).counts).toEqual({ 'lost-write': 1 })
    expect(summary(judge(operations.filter(operation => operation['drain'] !== true))).counts).toEqual({})
  })

  it('loss of the tail', () => {
    const tail = log.length - 1
    const from = tail - 3
    const lost = [...log.keys()].filter(offset => offset >= from && acknowledged(offset))
    expect(lost.length).toBeGreaterThan(0)
    const history = rewriteReads(operations, KEY, records => records.filter(([offset]) => offset < from))
    expectFound(history, { unseen: lost.length }, lost[0]!)
  })

  it('no loss when the record was of unknown fate', () => {
    const offset = offsetWhere(middle, one => !acknowledged(one))
    expect(judge(withoutOffset(offset)).counts).toEqual({})
  })

  it('a record that readers saw and the drained log lacks', () => {
    const drains = (one: number): number | undefined => readersOf(operations, KEY, one).findLast(at => operations[at]!['drain'] === true)
    const offset = offsetWhere(middle, one => readersOf(operations, KEY, one).length > 1 && drains(one - 1) === drains(one + 1))
    expectFound(withoutOffset(offset, poll => poll['drain'] === true), { 'vanished-read': 1, 'int-poll-skip': 1 }, offset)
  })

  it('a duplicate: one record once more at the end of the log', () => {
    const { value } = log[middle]!
    const end = log.length
    const history = rewriteReads(operations, KEY, (records, poll) => poll['drain'] === true && records.at(-1)![0] === end - 1 ? [...records, [end, value]] : records)
    expectFound(history, { duplicate: 1 }, middle)
  })

  it('a duplicate: acknowledged at another offset than where it lies', () => {
    const offset = offsetWhere(middle, acknowledged)
    const at = sendOf(operations, log[offset]!.value, 'ok')
    const moved = operations.map((operation, index) => index === at ? { ...operation, value: JSON.parse(JSON.stringify(operation.value).replace(`[${offset},`, `[${log.length},`)) } : operation)
    const { counts, bad } = summary(judge(moved))
    expect(counts).toHaveProperty('duplicate', 1)
    // To the producer it looks like a jump ahead, after which every offset of it is a step back.
    expect(Object.keys(bad).sort()).toEqual(['duplicate', 'nonmonotonic-send'])
  })

  it('a reorder: two neighbours of one producer change places, in the log and in their answers', () => {
    const offset = offsetWhere(middle, one => {
      const [a, b] = [log[one]!, log[one + 1]!]
      return a.acknowledged && b.acknowledged && a.producer === b.producer && readersOf(operations, KEY, one).every(at => at > sendOf(operations, b.value))
    })
    const [a, b] = [log[offset]!.value, log[offset + 1]!.value]
    const other = (value: unknown): string => (value === a ? b : a)
    const answers = [sendOf(operations, a, 'ok'), sendOf(operations, b, 'ok')]
    const swapped = rewriteReads(operations, KEY, records => records.map(([one, value]) => [one, one === offset || one === offset + 1 ? other(value) : value]))
      .map((operation, index) => answers.includes(index) ? { ...operation, value: [['send', KEY, index === answers[0] ? [offset + 1, a] : [offset, b]]] } : operation)
    expectFound(swapped, { reorder: 1, 'nonmonotonic-send': 1 }, offset)
  })

  it('offset reuse: one reader got another record from an offset', () => {
    const offset = offsetWhere(middle, one => readersOf(operations, KEY, one).length > 2)
    const [at] = readersOf(operations, KEY, offset)
    const value = dropped.find(one => sendOf(operations, one) < at! && JSON.stringify(operations[sendOf(operations, one)]!.value).includes(`"${KEY}"`))!
    const history = rewriteReads(operations, KEY, (records, poll) => poll.index === at ? records.map(([one, old]) => [one, one === offset ? value : old]) : records)
    expectFound(history, { 'inconsistent-offsets': 1, 'vanished-read': 1 }, offset)
  })

  it('offset reuse: one offset is acknowledged for two records', () => {
    const offset = offsetWhere(middle, acknowledged)
    // By a new producer, so that no order is broken.
    const end = operations.length
    const time = operations.at(-1)!.time
    const history = [...operations, { index: end, time, process: 100_000, type: 'invoke' as const, f: 'send', value: [['send', KEY, 'late']] }, { index: end + 1, time, process: 100_000, type: 'ok' as const, f: 'send', value: [['send', KEY, [offset, 'late']]] }]
    expectFound(history, { 'inconsistent-offsets': 1, 'lost-write': 1 }, offset)
  })

  it('a phantom: garbage in place of a record of unknown fate', () => {
    const offset = offsetWhere(middle, one => !acknowledged(one))
    const history = rewriteReads(operations, KEY, records => records.map(([one, value]) => [one, one === offset ? '\u0000garbage' : value]))
    expectFound(history, { 'invented-value': readersOf(operations, KEY, offset).length }, offset)
  })

  it('a phantom: a record of another partition', () => {
    const offset = log.length
    const { value } = logs['refunds-0']![3]!
    const history = rewriteReads(operations, KEY, (records, poll) => poll['drain'] === true && records.at(-1)![0] === offset - 1 ? [...records, [offset, value]] : records)
    expectFound(history, { 'invented-value': 1 }, offset)
  })

  it('a record of a failed send', () => {
    const failed = operations.findLastIndex(({ type, value }) => type === 'fail' && JSON.stringify(value).includes(`"${KEY}"`))
    const value = (operations[failed]!.value as unknown as [[string, string, string]])[0][2]
    const offset = log.length
    const history = rewriteReads(operations, KEY, (records, poll) => poll['drain'] === true && records.at(-1)![0] === offset - 1 ? [...records, [offset, value]] : records)
    const result = judge(history)
    expect(summary(result).bad).toEqual({ 'aborted-read': 1 })
    expect(findingsOf(result, 'aborted-read')).toMatchObject([{ key: KEY, offset, evidence: { value } }])
  })

  it('poll order: one reader skips a record that others got', () => {
    const offset = offsetWhere(middle, one => readersOf(operations, KEY, one).length > 2)
    const [at] = readersOf(operations, KEY, offset)
    const history = withoutOffset(offset, poll => poll.index === at)
    const name = Object.keys(judge(history).counts)[0]!
    expect(['poll-skip', 'int-poll-skip']).toContain(name)
    expectFound(history, { [name]: 1 }, offset)
  })

  it('poll order: one reader gets its last record again', () => {
    const [at] = readersOf(operations, KEY, middle)
    const last = (operations[at!]!.value as unknown as [[string, { [key: string]: [number, string][] }]])[0][1][KEY]!.at(-1)!
    const next = operations.findIndex((operation, index) => index > at! && operation.process === operations[at!]!.process && operation.type === 'ok' && JSON.stringify(operation.value).includes(`"${KEY}"`))
    const history = rewriteReads(operations, KEY, (records, poll) => poll.index === next ? [last, ...records] : records)
    expectFound(history, { 'nonmonotonic-poll': 1 }, last[0])
  })

  it('poll order: two records of one poll change places', () => {
    const offset = offsetWhere(middle, one => {
      const [a, b] = [readersOf(operations, KEY, one)[0], readersOf(operations, KEY, one + 1)[0]]
      return a !== undefined && a === b
    })
    const [at] = readersOf(operations, KEY, offset)
    const history = rewriteReads(operations, KEY, (records, poll) => {
      if (poll.index !== at) return records
      const i = records.findIndex(([one]) => one === offset)
      return records.toSpliced(i, 2, records[i + 1]!, records[i]!)
    })
    const { counts } = judge(history)
    expect(counts).toMatchObject({ 'int-nonmonotonic-poll': 1 })
    expect(Object.keys(counts).every(name => name.includes('poll'))).toBe(true)
  })

  it('the end of the partition goes back', () => {
    const ends = operations.filter(({ f, type, value }) => f === 'list-offsets' && type === 'ok' && JSON.stringify(value).includes(`"${KEY}"`))
    const at = ends[Math.floor(ends.length / 2)]!.index
    const history = operations.map((operation, index) => index === at ? { ...operation, value: [KEY, 'latest', 1] } : operation)
    expectFound(history, { 'offset-regression': 1 }, 1)
  })
})
