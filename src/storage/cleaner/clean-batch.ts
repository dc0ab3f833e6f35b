/**
 * What is left of one batch (MemoryRecords#filterTo with the filter of Cleaner#cleanInto):
 *
 * - of data, the records that are the last of their key, or lie beyond what the key map covers; a tombstone only until the
 *   batch's delete horizon has passed. Nothing of an aborted transaction;
 * - a marker until no batch of its transaction is left *and* its horizon has passed;
 * - the header alone, if nothing else, of the batch that holds its producer's last data offset, and of the round's last one:
 *   a replay must find how far producers got, and where the log went on.
 *
 * The first pass that keeps a tombstone, or finds a marker without its transaction, stamps the horizon: now and
 * `delete.retention.ms` (KIP-534).
 */
import type { Millis } from '../../base/time.ts'
import {
  batchSizeOf, deleteHorizonOf, isControlOf, lastOffsetOf, lastSequenceOf, type LogRecord, nextOffsetOf, producerEpochOf, producerIdOf, readRecords,
} from '../../protocol/records/record-batch.ts'
import { thinBatch } from '../../protocol/records/thin-batch.ts'
import { NO_PRODUCER_ID } from '../batch-header.ts'
import type { CleanedTransactions } from './cleaned-transactions.ts'
import type { LastRecord } from './last-records.ts'
import type { OffsetMap } from './offset-map.ts'

export interface CleaningRules {
  readonly map: OffsetMap
  readonly transactions: CleanedTransactions
  readonly lastRecords: ReadonlyMap<number, LastRecord>
  readonly now: Millis
  readonly deleteRetentionMs: Millis
  /** Where the round ends at the latest. */
  readonly upperBound: number
  /** KAFKA-8335: the last batch of a producer is told by its sequence and not by its offset. */
  readonly bySequence: boolean
  /** KAFKA-14055: markers have to be the last of their key, as data. */
  readonly markersByKey: boolean
}

/** The same bytes, other ones, or nothing. `mayRewrite` is asked before other ones are made of it. */
export function cleanBatch(bytes: Uint8Array, at: number, rules: CleaningRules, mayRewrite: () => void): Uint8Array | undefined {
  const { transactions, now } = rules
  const isControl = isControlOf(bytes, at)
  const horizon = deleteHorizonOf(bytes, at)
  const isDiscardable = isControl ? transactions.onControlBatch(bytes, at) : transactions.onDataBatch(bytes, at)
  const isDiscarded = isDiscardable && (!isControl || (horizon !== undefined && horizon <= now))
  const mustRemain = isLastOfProducer(bytes, at, rules) || nextOffsetOf(bytes, at) === rules.upperBound
  if (isDiscarded && !mustRemain) return undefined
  const records = readRecords(bytes, at)
  const kept = isDiscarded ? [] : isControl && !rules.markersByKey ? records : records.filter(record => isKept(record, horizon, rules))
  if (kept.length === 0) {
    if (!mustRemain) return undefined
    mayRewrite()
    return thinBatch(bytes, at, [], undefined)
  }
  const isDue = kept.some(({ value }) => value === null) || (isControl && isDiscardable)
  const isStamped = isDue && horizon === undefined
  if (kept.length === records.length && !isStamped) return bytes.slice(at, at + batchSizeOf(bytes, at))
  mayRewrite()
  return thinBatch(bytes, at, kept, isStamped ? now + rules.deleteRetentionMs : horizon)
}

function isKept({ offset, key, value }: LogRecord, horizon: Millis | undefined, { map, now }: CleaningRules): boolean {
  if (offset > map.latestOffset) return true
  if (key === null || offset < map.get(key)) return false
  return value !== null || horizon === undefined || now < horizon
}

function isLastOfProducer(bytes: Uint8Array, at: number, { lastRecords, bySequence }: CleaningRules): boolean {
  const producerId = producerIdOf(bytes, at)
  const last = producerId === NO_PRODUCER_ID ? undefined : lastRecords.get(producerId)
  if (last === undefined) return false
  if (bySequence) return lastSequenceOf(bytes, at) === last.lastSequence
  if (last.lastDataOffset !== undefined) return lastOffsetOf(bytes, at) === last.lastDataOffset
  return isControlOf(bytes, at) && producerEpochOf(bytes, at) === last.producerEpoch
}
