/** What the log cleaner may remove, and that the other invariants understand what it does. Wall clock: 10 days. */
import type { ObservationOf, RemovedRecord } from '../../../src/env/observation.ts'
import type { ClusterTrace, TraceCase, TraceCases } from '../cluster-fixture.ts'

const DAY = 86_400_000
const value: RemovedRecord = { offset: 3, key: 'a', what: 'value', horizon: -1, newer: 7, older: -1, data: -1 }
const tombstone: RemovedRecord = { ...value, what: 'tombstone', newer: -1, horizon: 10 * DAY }
const marker: RemovedRecord = { ...value, key: '', what: 'marker', newer: -1, horizon: 10 * DAY }

type Told = Partial<Omit<ObservationOf<'log-cleaned'>, 'changed'>>
const removes = (record: Partial<RemovedRecord> & Pick<RemovedRecord, 'what'>, o: Told = {}) => (t: ClusterTrace): ClusterTrace =>
  t.clean(1, 0, 9, '', { removed: [{ ...(record.what === 'marker' ? marker : record.what === 'tombstone' ? tombstone : value), ...record }], ...o })
const wrong = (name: string, trace: TraceCase['trace'], says: string): TraceCase => ({ name, trace, counts: { 'wrong-compaction': 1 }, says: [says] })

export const COMPACTION_CASES: TraceCases = {
  'wrong-compaction': {
    shows: [
      wrong('the newest value of a key', removes({ what: 'value', newer: -1 }), 'it is the newest record of its key'),
      wrong('a value whose tombstone is older', removes({ what: 'value', newer: -1 }, { removed: [{ ...value, newer: -1 }, { ...tombstone, offset: 2 }] }), 'it is the newest record'),
      wrong('a tombstone that was never stamped', removes({ what: 'tombstone', horizon: -1 }), 'no cleaning has said yet'),
      wrong('a tombstone that was never stamped, with an older one', removes({ what: 'tombstone', horizon: -1 }, { removed: [{ ...tombstone, offset: 2 }, { ...tombstone, horizon: -1 }] }), 'no cleaning has said yet'),
      wrong('a tombstone a millisecond before its horizon', removes({ what: 'tombstone', horizon: 10 * DAY + 1 }), `it may go only from ${10 * DAY + 1} on`),
      wrong('a tombstone before the value that it deletes', removes({ what: 'tombstone', older: 1 }), 'an older record of its key is left at offset 1'),
      wrong('a marker before its data', removes({ what: 'marker', data: 2 }), 'data of its transaction is left at offset 2'),
      wrong('a marker before its horizon', removes({ what: 'marker', horizon: 10 * DAY + 1 }), 'it may go only from'),
      wrong('at the high watermark', removes({ what: 'value' }, { highWatermark: 3 }), 'the high watermark is 3'),
      wrong('aborted data beyond the last stable offset', removes({ what: 'aborted' }, { lastStableOffset: 3 }), 'the last stable offset is 3'),
      wrong('the active segment', removes({ what: 'value' }, { activeBase: 3 }), 'the active segment begins at 3'),
      wrong('a record that was changed', t => t.clean(1, 0, 9, '', { altered: [4] }), 'changes offset 4'),
      wrong('a horizon that is too near', t => t.clean(1, 0, 9, '', { stamped: [{ baseOffset: 4, horizon: 11 * DAY - 1, data: -1 }] }), 'delete.retention.ms is 86400000'),
      wrong('a marker that is to go before its data', t => t.clean(1, 0, 9, '', { stamped: [{ baseOffset: 4, horizon: 11 * DAY, data: 3 }] }), 'data of its transaction is left at offset 3'),
      wrong('a producer that is forgotten', t => t.clean(1, 0, 9, '', { forgotten: [7] }), 'the last batch of producer 7'),
      wrong('an empty batch for nothing', t => t.clean(1, 0, 9, '', { needless: [4] }), 'it would stay for ever'),
      wrong('told once for a replica and a reason', t => removes({ what: 'value', newer: -1 })(removes({ what: 'value', newer: -1 })(t)), 'newest'),
      {
        name: 'one that another replica lacks without any cleaning', counts: { 'log-divergence': 1, 'wrong-compaction': 1 },
        trace: t => removes({ what: 'value', newer: -1 })(t.append(1, '0:a 1:b 2:c').watermark(1, 3).append(2, '0:a 2:c').learn(2, 3)),
      },
    ],
    passes: [
      { name: 'values that are superseded, tombstones and markers whose time has come', trace: t => t.clean(1, 0, 9, '', { removed: [value, tombstone, marker, { ...value, what: 'aborted', newer: -1 }] }) },
      { name: 'a value with its tombstone', trace: t => t.clean(1, 0, 9, '', { removed: [{ ...value, newer: -1 }, { ...tombstone, offset: 5 }] }) },
      { name: 'a tombstone that was never stamped, with a newer one whose time has come', trace: t => t.clean(1, 0, 9, '', { removed: [{ ...tombstone, horizon: -1 }, { ...tombstone, offset: 5 }] }) },
      { name: 'a tombstone that is superseded', trace: removes({ what: 'tombstone', horizon: -1, newer: 8 }) },
      { name: 'a horizon just far enough', trace: t => t.clean(1, 0, 9, '', { stamped: [{ baseOffset: 4, horizon: 11 * DAY, data: -1 }] }) },
      { name: 'replicas that are cleaned at different times', trace: t => t.ready().replicate('0:a 1:b 2-4:c 5:d').clean(1, 0, 5, '1:b 2-4:thin', { changed: [0, 2] }).watermark(1, 6).learn(2, 6).clean(2, 0, 2, '1:b', { changed: [0] }).settled() },
      { name: 'a follower that gets what its leader has left', trace: t => t.append(1, '0:a 1:b 2-4:c 5:d').watermark(1, 6).clean(1, 0, 5, '2-4:thin', { changed: [0, 1, 2] }).append(2, '2-4:thin 5:d').learn(2, 6).lead(2, 2) },
      { name: 'a cleaned log that is loaded again', trace: t => t.append(1, '0:a 1:b 2:c').watermark(1, 3).clean(1, 0, 2, '1:b', { changed: [0] }).crash(1).start(1).load(1, '1:b 2:c').lead(1, 2) },
      { name: 'another epoch at an offset that was cleaned', trace: t => t.append(1, '0:a 1:b').clean(1, 0, 1, '', { changed: [0] }).append(2, '0:x', 2).watermark(2, 1, { leaderEpoch: 2 }) },
    ],
  },
}
