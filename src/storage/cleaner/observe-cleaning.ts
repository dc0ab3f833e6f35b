/**
 * Tells the observer what a swap has removed from a log, by comparing what lay there with what lies there now. Nothing here
 * asks the cleaner why: the facts are read off the log, so that a monitor can judge.
 */
import type { Millis } from '../../base/time.ts'
import type { Env } from '../../env/env.ts'
import type { BatchSummary, RemovedRecord } from '../../env/observation.ts'
import { baseOffsetOf, batchSizeOf, deleteHorizonOf, isWholeBatchAt, type LogRecord, readRecords } from '../../protocol/records/record-batch.ts'
import { DecodeError } from '../../protocol/wire.ts'
import { summaryOf, readBatchHeader } from '../batch-header.ts'
import type { BatchHeader } from '../batch-header.ts'
import type { Segment } from '../segment.ts'
import type { LastRecord } from './last-records.ts'
import type { LogToClean } from './log-to-clean.ts'
import { keyText } from './offset-map.ts'

interface Seen {
  readonly header: BatchHeader
  readonly horizon: number
  readonly records: readonly LogRecord[]
}

const NONE = -1

export class CleaningObserver {
  private readonly env: Env
  private readonly cleanable: LogToClean
  private readonly now: Millis

  constructor(env: Env, cleanable: LogToClean, now: Millis) {
    this.env = env
    this.cleanable = cleanable
    this.now = now
  }

  /** Known behaviour cleaner-trusts-crc. */
  trusted(bytes: Uint8Array, at: number): void {
    const { topic, topicId, partition } = this.cleanable.log
    this.env.observe({ kind: 'cleaner-trusted-crc', topic, topicId, partition, baseOffset: baseOffsetOf(bytes, at) })
  }

  /** Does the swap, and tells of it. `lastRecords`: as they were when the cleaning of these segments began. */
  swap(cleaned: Segment, old: readonly Segment[], lastRecords: ReadonlyMap<number, LastRecord>, replace: () => void): void {
    const { log } = this.cleanable
    const before = old.flatMap(batchesIn)
    const from = old[0]!.baseOffset
    const aborted = log.abortedTransactions(from, log.logEndOffset)
    replace()
    const after = batchesIn(cleaned)
    const to = log.segments.find(({ baseOffset }) => baseOffset > from)!.baseOffset
    const kept = new Map(after.map(batch => [batch.header.baseOffset, batch]))
    const changed = before.filter(({ header }) => kept.get(header.baseOffset)?.header.crc !== header.crc)
    // Transactions of several producers lie one through the other: each has its own.
    const isAbortedAt = (producerId: number, offset: number): boolean => aborted.some(one => one.producerId === producerId && one.firstOffset <= offset && offset < one.lastOffset)
    const rest = new Rest(log.segments, ({ producerId, baseOffset }) => isAbortedAt(producerId, baseOffset), log.lastStableOffset)
    const removed: RemovedRecord[] = []
    const altered: number[] = []
    for (const batch of changed) {
      const left = new Map(kept.get(batch.header.baseOffset)?.records.map(record => [record.offset, record]))
      for (const record of batch.records) {
        const same = left.get(record.offset)
        if (same === undefined) {
          const isAborted = batch.header.isTransactional && !batch.header.isControl && isAbortedAt(batch.header.producerId, record.offset)
          removed.push(this.describe(batch, record, isAborted, rest))
        } else if (!isSame(record, same)) altered.push(record.offset)
      }
    }
    const { topic, topicId, partition } = log
    this.env.observe({
      kind: 'log-cleaned', topic, topicId, partition, from, to, removed, altered,
      firstDirty: this.cleanable.firstDirtyOffset, highWatermark: log.highWatermark, lastStableOffset: log.lastStableOffset,
      activeBase: log.segments.at(-1)!.baseOffset, wallClock: this.now, deleteRetentionMs: log.config.deleteRetentionMs,
      batches: after.map(({ header }): BatchSummary => summaryOf(header)),
      changed: changed.map(({ header: { baseOffset, leaderEpoch } }) => ({ baseOffset, leaderEpoch })),
      stamped: after.filter(({ header, horizon }) => horizon !== NONE && before.some(old => old.header.baseOffset === header.baseOffset && old.horizon === NONE))
        .map(({ header: { baseOffset, isControl, producerId }, horizon }) => ({ baseOffset, horizon, data: isControl ? rest.dataBefore(producerId, baseOffset) : NONE })),
      needless: after.filter(({ header, records }) => records.length === 0 && !this.isNeeded(header, lastRecords)).map(({ header }) => header.baseOffset),
      forgotten: forgottenProducers(before, after, lastRecords),
    })
    this.markWhat(removed, changed, after, rest)
  }

  private describe({ header, horizon }: Seen, { offset, key, value }: LogRecord, isAborted: boolean, rest: Rest): RemovedRecord {
    if (header.isControl) return { offset, key: '', what: 'marker', horizon, newer: NONE, older: NONE, data: rest.dataBefore(header.producerId, offset) }
    const text = key === null ? '' : keyText(key)
    return { offset, key: text, what: isAborted ? 'aborted' : value === null ? 'tombstone' : 'value', horizon, newer: rest.newerThan(text, offset), older: rest.olderThan(text, offset), data: NONE }
  }

  private isNeeded(header: BatchHeader, lastRecords: ReadonlyMap<number, LastRecord>): boolean {
    if (header.lastOffset + 1 === this.cleanable.firstUncleanableOffset) return true
    const last = lastRecords.get(header.producerId)
    if (last === undefined) return false
    return last.lastDataOffset === undefined ? header.isControl && header.producerEpoch === last.producerEpoch : header.lastOffset === last.lastDataOffset
  }

  private markWhat(removed: readonly RemovedRecord[], changed: readonly Seen[], after: readonly Seen[], rest: Rest): void {
    const mark = (name: string, isReached: boolean): void => {
      if (isReached) this.env.observe({ kind: 'mark', name })
    }
    mark('log-cleaned', changed.length > 0)
    mark('cleaned-value-removed', removed.some(({ what }) => what === 'value'))
    mark('cleaned-tombstone-expired', removed.some(({ what, newer }) => what === 'tombstone' && newer === NONE))
    mark('cleaned-marker-removed', removed.some(({ what }) => what === 'marker'))
    mark('cleaned-aborted-removed', removed.some(({ what }) => what === 'aborted'))
    mark('cleaned-empty-batch-kept', after.some(({ records }) => records.length === 0))
    mark('cleaned-between-data-and-marker', changed.some(({ header }) => header.isTransactional && !header.isControl && rest.endsBeyond(header.producerId, header.lastOffset, after)))
  }
}

/** What is left of the log, read once after a swap. */
class Rest {
  /** Offsets of committed records by key, ascending. */
  private readonly byKey = new Map<string, number[]>()
  private readonly transactional: BatchHeader[] = []

  constructor(segments: readonly Segment[], isAborted: (header: BatchHeader) => boolean, lastStableOffset: number) {
    for (const segment of segments) {
      for (const { header, records } of batchesIn(segment)) {
        if (header.isTransactional) this.transactional.push(header)
        if (header.isControl || header.lastOffset >= lastStableOffset || (header.isTransactional && isAborted(header))) continue
        for (const { key, offset } of records) {
          if (key === null) continue
          const text = keyText(key)
          const offsets = this.byKey.get(text)
          if (offsets === undefined) this.byKey.set(text, [offset])
          else offsets.push(offset)
        }
      }
    }
  }

  newerThan(key: string, offset: number): number {
    const last = this.byKey.get(key)?.at(-1) ?? NONE
    return last > offset ? last : NONE
  }

  olderThan(key: string, offset: number): number {
    return this.byKey.get(key)?.findLast(other => other < offset) ?? NONE
  }

  /** Data of the transaction that a marker at `offset` ended. */
  dataBefore(producerId: number, offset: number): number {
    const last = this.transactional.findLast(header => header.producerId === producerId && header.baseOffset < offset)
    return last === undefined || last.isControl ? NONE : last.baseOffset
  }

  /** Does the marker of a transaction with data at `offset` lie in a later segment than those of `cleaned`? */
  endsBeyond(producerId: number, offset: number, cleaned: readonly Seen[]): boolean {
    const marker = this.transactional.find(header => header.producerId === producerId && header.isControl && header.baseOffset > offset)
    return marker !== undefined && !cleaned.some(({ header }) => header.baseOffset === marker.baseOffset)
  }
}

function batchesIn(segment: Segment): Seen[] {
  const bytes = segment.log.view()
  const found: Seen[] = []
  for (let at = 0; isWholeBatchAt(bytes, at); at += batchSizeOf(bytes, at)) {
    found.push({ header: readBatchHeader(bytes, at), horizon: deleteHorizonOf(bytes, at) ?? NONE, records: recordsOf(bytes, at) })
  }
  return found
}

/** Nothing, where the disk has been spoiled. */
function recordsOf(bytes: Uint8Array, at: number): readonly LogRecord[] {
  try {
    return readRecords(bytes, at)
  } catch (error) {
    if (error instanceof DecodeError) return []
    throw error
  }
}

function isSame(a: LogRecord, b: LogRecord): boolean {
  return a.timestamp === b.timestamp && isEqual(a.key, b.key) && isEqual(a.value, b.value) && a.headers.length === b.headers.length
    && a.headers.every((header, index) => header.key === b.headers[index]!.key && isEqual(header.value, b.headers[index]!.value))
}

function isEqual(a: Uint8Array | null, b: Uint8Array | null): boolean {
  if (a === null || b === null) return a === b
  return a.length === b.length && a.every((byte, index) => byte === b[index])
}

/** Producers whose last batch lay there and lies there no more. */
function forgottenProducers(before: readonly Seen[], after: readonly Seen[], lastRecords: ReadonlyMap<number, LastRecord>): number[] {
  const isLast = ({ header }: Seen): boolean => lastRecords.get(header.producerId)?.lastDataOffset === header.lastOffset && !header.isControl
  const there = new Set(after.filter(isLast).map(({ header }) => header.producerId))
  return before.filter(isLast).map(({ header }) => header.producerId).filter(producerId => !there.has(producerId))
}
