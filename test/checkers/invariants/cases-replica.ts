/**
 * One replica alone: hw-regression, log-start-regression, premature-removal, producer-state-mismatch.
 */
import type { ObservationOf } from '../../../src/env/observation.ts'
import { of, type ClusterTrace, type TraceCases } from '../cluster-fixture.ts'

const NOW = 1_000_000
const segment = { baseOffset: 0, nextOffset: 10, largestTimestamp: NOW - 60_000, sizeInBytes: 400 }
const second = { ...segment, baseOffset: 10, nextOffset: 20 }
/** Broker 1 removes a segment whose youngest record is exactly 60 s old. */
function expire(t: ClusterTrace, o: Partial<ObservationOf<'log-start'>>): ClusterTrace {
  return t.logStart(1, 10, { reason: 'retention-time', wallClock: NOW, retentionMs: 59_999, removed: [segment], ...o })
}
function shrink(t: ClusterTrace, o: Partial<ObservationOf<'log-start'>>): ClusterTrace {
  return t.logStart(1, 10, { reason: 'retention-size', sizeBefore: 1_000, retentionBytes: 600, removed: [segment], ...o })
}
const written = (t: ClusterTrace): ClusterTrace => t.append(1, '0-4:a', 1, of(7, 0, 4)).append(1, '5-9:b', 1, of(7, 0, 9))

/** A producer's batch at offset 1 has been compacted away. */
const gap = (t: ClusterTrace): ClusterTrace => t.append(1, '0:a', 1, of(7, 0, 0)).append(1, '2:c')

export const REPLICA_CASES: TraceCases = {
  'hw-regression': {
    shows: [
      { name: 'back within one leadership', trace: t => t.append(1, '0:a 1:b').watermark(1, 2).watermark(1, 1), counts: { 'hw-regression': 1 }, says: ['went back from 2 to 1 within one leadership'] },
      { name: 'beyond the end of its log', trace: t => t.append(1, '0:a').watermark(1, 5), counts: { 'hw-regression': 1 }, says: ['The high watermark 5 of orders-0 lies beyond the leader\'s log end 1'] },
      { name: 'each once', trace: t => t.append(1, '0:a 1:b').watermark(1, 2).watermark(1, 1).watermark(1, 0).watermark(1, 5).watermark(1, 6), counts: { 'hw-regression': 2 } },
    ],
    passes: [
      { name: 'it stays or rises', trace: t => t.append(1, '0:a 1:b').watermark(1, 1).watermark(1, 1).watermark(1, 2) },
      { name: 'a new leadership begins lower', trace: t => t.append(1, '0:a 1:b').watermark(1, 2).watermark(1, 1, { leaderEpoch: 2 }) },
      { name: 'a restarted leader begins lower', trace: t => t.append(1, '0:a 1:b').watermark(1, 2).crash(1).start(1).load(1, '0:a 1:b').watermark(1, 1) },
      { name: 'another leader knows less', trace: t => t.append(1, '0:a 1:b').append(2, '0:a 1:b').watermark(1, 2).watermark(2, 1, { leaderEpoch: 2 }) },
      { name: 'a follower', trace: t => t.append(1, '0:a 1:b').learn(1, 2).learn(1, 1) },
      { name: 'at the end of its log', trace: t => t.append(1, '0:a').watermark(1, 1) },
    ],
  },
  'log-start-regression': {
    shows: [
      { name: 'back', trace: t => t.logStart(1, 20).logStart(1, 10), counts: { 'log-start-regression': 1 }, says: ['The log start of orders-0 on broker-1 moved back from 20 to 10'] },
      { name: 'above the high watermark', trace: t => t.logStart(1, 20, { highWatermark: 19 }), counts: { 'log-start-regression': 1 }, says: ['to 20, above the high watermark 19'] },
      { name: 'back, as the leader told it', trace: t => t.logStart(2, 20, { reason: 'leader' }).logStart(2, 10, { reason: 'leader' }), counts: { 'log-start-regression': 1 } },
    ],
    passes: [
      { name: 'it stays or rises', trace: t => t.logStart(1, 10).logStart(1, 10).logStart(1, 20) },
      { name: 'at the high watermark', trace: t => t.logStart(1, 20, { highWatermark: 20 }) },
      { name: 'another replica is behind', trace: t => t.logStart(1, 20).logStart(2, 10) },
      { name: 'after a restart it is a hint', trace: t => t.logStart(1, 20).crash(1).start(1).logStart(1, 10) },
      { name: 'a log that was loaded again', trace: t => t.logStart(1, 20).load(1, '10:a', { start: 10 }).logStart(1, 10) },
      { name: 'a log that was deleted', trace: t => t.logStart(1, 20).deleteLog(1).logStart(1, 10) },
      { name: 'a follower that starts over', trace: t => t.logStart(1, 20).logStart(1, 10, { reason: 'full', highWatermark: 0 }) },
    ],
  },
  'premature-removal': {
    shows: [
      { name: 'by time, one millisecond too early', trace: t => expire(t, { retentionMs: 60_000 }), counts: { 'premature-removal': 1 }, says: ['broker-1 removed offsets 0-9 of orders-0 too early', 'its youngest record is 60000 ms old and retention.ms is 60000'] },
      { name: 'by time, without a limit', trace: t => expire(t, { retentionMs: -1 }), counts: { 'premature-removal': 1 } },
      { name: 'by size, while less than the limit is left', trace: t => shrink(t, { retentionBytes: 601 }), counts: { 'premature-removal': 1 }, says: ['600 bytes are left and retention.bytes is 601'] },
      { name: 'by size, the second segment', trace: t => shrink(t, { removed: [segment, second], retentionBytes: 600 }), counts: { 'premature-removal': 1 }, says: ['offsets 10-19'] },
      { name: 'by size, without a limit', trace: t => shrink(t, { retentionBytes: -1 }), counts: { 'premature-removal': 1 } },
      { name: 'above the high watermark', trace: t => expire(t, { highWatermark: 9 }), counts: { 'premature-removal': 1, 'log-start-regression': 1 }, says: ['reaches offset 10, above the high watermark 9'] },
      { name: 'once for a replica', trace: t => expire(expire(t, { retentionMs: 60_000 }), { retentionMs: 60_000 }), counts: { 'premature-removal': 1 } },
    ],
    passes: [
      { name: 'by time, as soon as it may', trace: t => expire(t, {}) },
      { name: 'by size, as soon as it may', trace: t => shrink(t, {}) },
      { name: 'up to the high watermark', trace: t => expire(t, { highWatermark: 10 }) },
      { name: 'by DeleteRecords, whatever the age', trace: t => expire(t, { reason: 'delete-records', retentionMs: -1 }) },
      { name: 'a follower that starts over', trace: t => expire(t, { reason: 'full', retentionMs: -1, highWatermark: 0 }) },
    ],
  },
  'producer-state-mismatch': {
    shows: [
      { name: 'an older sequence', trace: t => written(t).remembers(1, 10, [7, 0, 4]), counts: { 'producer-state-mismatch': 1 }, says: ['broker-1 remembers epoch 0, sequence 4 of producer 7 on orders-0, its log says epoch 0, sequence 9'] },
      { name: 'another epoch', trace: t => written(t).remembers(1, 10, [7, 1, 9]), counts: { 'producer-state-mismatch': 1 } },
      { name: 'nothing', trace: t => written(t).remembers(1, 10), counts: { 'producer-state-mismatch': 1 }, says: ['remembers nothing of producer 7'] },
      { name: 'a producer that is not in the whole log', trace: t => written(t).remembers(1, 10, [7, 0, 9], [8, 0, 0]), counts: { 'producer-state-mismatch': 1 }, says: ['its log says nothing'] },
      { name: 'what was truncated', trace: t => written(t).truncate(1, 5).remembers(1, 5, [7, 0, 9]), counts: { 'producer-state-mismatch': 1 }, says: ['broker-1 truncates orders-0'] },
      { name: 'data before the only marker of a whole log', trace: t => t.append(1, '0:m', 1, of(7, 0, -1)).remembers(1, 1, [7, 0, 9]), counts: { 'producer-state-mismatch': 1 } },
      { name: 'another epoch than that of a marker whose data retention has removed', trace: t => t.load(1, '10:c', { start: 10 }).append(1, '11:m', 1, of(7, 1, -1)).remembers(1, 12, [7, 0, 9]), counts: { 'producer-state-mismatch': 1 } },
      { name: 'more than a log with a gap, without a snapshot', trace: t => gap(t).restores(1, 3, false, [7, 0, 1]), counts: { 'producer-state-mismatch': 1 } },
      { name: 'less than a log with a gap, with one', trace: t => gap(t).append(1, '3:d', 1, of(7, 0, 2)).restores(1, 4, true, [7, 0, 1]), counts: { 'producer-state-mismatch': 1 } },
      { name: 'more than a log whose gap lies before its last batch', trace: t => gap(t).append(1, '3:d', 1, of(7, 0, 2)).restores(1, 4, true, [7, 0, 3]), counts: { 'producer-state-mismatch': 1 } },
      { name: 'more than a log without a gap, with a snapshot', trace: t => written(t).restores(1, 10, true, [7, 0, 10]), counts: { 'producer-state-mismatch': 1 } },
      { name: 'each producer once', trace: t => written(t).remembers(1, 10, [8, 0, 0]).remembers(1, 10, [8, 0, 0]), counts: { 'producer-state-mismatch': 2 } },
    ],
    passes: [
      { name: 'a snapshot knows of a batch that compaction has removed, for one that a power cut has taken since', trace: t => gap(t).restores(1, 3, true, [7, 0, 1], [8, 0, 0]) },
      { name: 'what the log says', trace: t => written(t).append(1, '10:c', 1, of(8, 3, 0)).remembers(1, 11, [8, 3, 0], [7, 0, 9]) },
      { name: 'an end marker has no sequence', trace: t => written(t).append(1, '10:m', 1, of(7, 0, -1)).remembers(1, 11, [7, 0, 9]) },
      { name: 'an end marker whose data retention has removed', trace: t => t.load(1, '10:c', { start: 10 }).append(1, '11:m', 1, of(7, 0, -1)).remembers(1, 12, [7, 0, 9]) },
      { name: 'an end marker of a newer epoch, in which nothing is written yet', trace: t => written(t).append(1, '10:m', 1, of(7, 1, -1)).remembers(1, 11, [7, 1, -1]) },
      { name: 'producers whose batches retention has removed', trace: t => written(t).logStart(1, 10).append(1, '10:c').remembers(1, 11, [7, 0, 9]).remembers(1, 11) },
      { name: 'producers before the first batch of a log that begins later', trace: t => t.load(1, '10:c', { start: 10 }).remembers(1, 11, [7, 0, 9]) },
      { name: 'producers that have expired', trace: t => written(t).remembers(1, 10), producersExpire: true },
      { name: 'expiry does not change what is remembered', trace: t => written(t).remembers(1, 10, [7, 0, 4]), producersExpire: true, counts: { 'producer-state-mismatch': 1 } },
      { name: 'a state of another moment', trace: t => written(t).remembers(1, 5, [7, 0, 4]) },
      { name: 'records without a producer', trace: t => t.append(1, '0:a').remembers(1, 1) },
      { name: 'without idempotent producers nothing is promised', trace: t => written(t).remembers(1, 10), config: { idempotence: false }, counts: { 'producer-state-mismatch': 1 }, allowed: ['producer-state-mismatch'] },
    ],
  },
}
