/**
 * A compacted topic as a table: the last record of each key must be there, whoever asks and whenever.
 *
 * Offsets give the order, so the rule is local: a reader whose position moves over the offset of a record must get that
 * record, unless a newer one of the same key may have been written by then. A tombstone is owed only to who passes it within
 * delete.retention.ms of its send (no cleaner can have said before that it may go). The final drain passes everything.
 *
 * Sends carry `recordKey`, and tombstones `deleteRetentionMs`; transactions carry `recordKeys`, one a send. Loss of what was acknowledged is judged under no-loss, of what
 * was only read under read-stays; a second copy of a record would supersede the first, so both need no-duplicate as well.
 */
import type { History, Json } from '../../src/history/operation.ts'
import type { Checker, CheckContext, CheckResult } from '../contract.ts'
import { FindingCollector } from '../finding-collector.ts'
import { logStartOf } from '../kafka-log/find-loss.ts'
import { Scan } from '../kafka-log/scan.ts'
import type { SendRecord } from '../kafka-log/send-table.ts'
import { Story } from '../kafka-log/story.ts'
import { topicOf } from '../kafka-log/values.ts'
import { show } from '../show.ts'
import { passagesOf, type Passage } from './passages.ts'

/** A part of delete.retention.ms within which clocks that run evenly, but not alike, cannot disagree on its end. */
const SURELY = 0.8

/** A record with a key at a known place. */
interface Row {
  readonly send: SendRecord
  readonly recordKey: string
  readonly offset: number
  readonly isAcknowledged: boolean
  /** undefined: a value. */
  readonly retentionUs: number | undefined
  /** Place of the first send that may have superseded it; Infinity: none. */
  supersededFrom: number
}

export const compactedTableChecker: Checker = {
  name: 'compacted-table',
  describes: 'the last record of each key of a compacted topic is there for every reader, tombstones for delete.retention.ms',
  check(history: History, context: CheckContext): CheckResult {
    const found = new FindingCollector('compacted-table', context.guarantees)
    const scan = Scan.of(history)
    const { repeated } = scan.sends
    if (repeated !== undefined) return found.result(`Value ${show(repeated)} was sent twice: values must be unique, otherwise nothing can be told of them.`)
    const story = new Story(scan)
    const tables = tablesOf(scan, history)
    const { passages, drain } = passagesOf(history)
    if (context.drained) for (const key of tables.keys()) passages.push({ key, from: drain.get(key) ?? 0, to: Infinity, at: history.length - 1, got: new Set() })
    for (const passage of passages) {
      const rows = tables.get(passage.key)
      if (rows === undefined || !scan.isJudged(passage.key)) continue
      const start = logStartOf(context, passage.key)
      for (let i = firstAt(rows, Math.max(start, passage.from)); i < rows.length && rows[i]!.offset <= passage.to; i++) judge(rows[i]!, passage, story, context, found)
    }
    return found.result()
  },
}

function judge(row: Row, passage: Passage, story: Story, context: CheckContext, found: FindingCollector): void {
  const { send, retentionUs, supersededFrom, isAcknowledged } = row
  if (passage.got.has(row.offset) || send.invoked > passage.at || supersededFrom < passage.at) return
  const age = story.time(passage.at) - story.time(send.invoked)
  if (retentionUs !== undefined && age >= retentionUs * SURELY) return
  const requires = isAcknowledged ? ['no-loss', 'no-duplicate'] as const : ['read-stays', 'no-duplicate'] as const
  if (retentionUs === undefined) found.add('lost-latest', () => body(row, passage, story), requires)
  else found.add('tombstone-missed', () => body(row, passage, story), context.guarantees.config.clocksDisagree === true ? 'never' : requires)
}

function body({ send, recordKey, offset, retentionUs, isAcknowledged }: Row, passage: Passage, story: Story) {
  const { key, at, from } = passage
  const value = show(send.value)
  const what = retentionUs === undefined ? `record ${value}` : `tombstone ${value}`
  // Keys need not be text.
  const named = recordKey < ' ' ? JSON.stringify(recordKey) : recordKey
  const seen = isAcknowledged ? [] : [story.read(send.seenAt, key, offset, send.value)]
  const reader = story.who(at)
  return {
    title: retentionUs === undefined ? `The last record of key ${named} in ${key}, ${value}, is gone.` : `${reader} never saw tombstone ${value}, which deletes key ${named} of ${key}.`,
    evidence: { value: send.value, recordKey, offsets: [offset], passedFrom: from, producer: send.producer } satisfies Json,
    steps: story.ordered(...story.sending(send), ...seen, ...story.faultsBetween(send.invoked, at, 2), story.step(at, `${reader} has read ${key} from offset ${from} past offset ${offset} and did not get it.`)),
    contradiction: `The newest record of key ${named} in ${key} is ${what} at offset ${offset}, because nobody has sent another one since; however, ${reader} passed that offset${retentionUs === undefined ? '' : ' within delete.retention.ms'} and did not get it.`,
    key,
    offset,
  }
}

/** Rows of each partition, by offset. */
function tablesOf(scan: Scan, history: History): Map<string, Row[]> {
  const tables = new Map<string, Row[]>()
  /** By `topic key`: sends that may have been written nobody knows where. */
  const adrift = new Map<string, number>()
  let nth = 0
  for (let number = 0; number < scan.sends.count; number++) {
    const send = scan.sends.record(number)
    nth = number > 0 && scan.sends.invoked[number - 1] === send.invoked ? nth + 1 : 0
    const { recordKey: only, recordKeys, deleteRetentionMs } = history[send.invoked]!
    const recordKey = Array.isArray(recordKeys) ? (recordKeys as readonly Json[])[nth] : only
    if (typeof recordKey !== 'string' || send.outcome === 'fail') continue
    const isAcknowledged = send.outcome === 'ok'
    const offset = isAcknowledged ? send.offset : send.seenOffset
    if (offset < 0 || send.key === undefined) {
      const id = `${topicOf(send.key ?? send.target)} ${recordKey}`
      adrift.set(id, Math.min(adrift.get(id) ?? Infinity, send.invoked))
      continue
    }
    let rows = tables.get(send.key)
    if (rows === undefined) tables.set(send.key, rows = [])
    rows.push({ send, recordKey, offset, isAcknowledged, retentionUs: typeof deleteRetentionMs === 'number' ? deleteRetentionMs * 1_000 : undefined, supersededFrom: Infinity })
  }
  for (const [key, rows] of tables) {
    rows.sort((a, b) => a.offset - b.offset)
    const newer = new Map<string, number>()
    for (const row of rows.toReversed()) {
      row.supersededFrom = Math.min(newer.get(row.recordKey) ?? Infinity, adrift.get(`${topicOf(key)} ${row.recordKey}`) ?? Infinity)
      newer.set(row.recordKey, Math.min(newer.get(row.recordKey) ?? Infinity, row.send.invoked))
    }
  }
  return tables
}

function firstAt(rows: readonly Row[], offset: number): number {
  let low = 0
  let high = rows.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (rows[middle]!.offset < offset) low = middle + 1
    else high = middle
  }
  return low
}
