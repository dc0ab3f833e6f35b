/** Offsets by timestamp. Three batches: offset 0 of time 10, 1 and 2 of time 30, 3 of time 20. */
import type { ClusterTrace, TraceCases } from '../cluster-fixture.ts'

const log = (t: ClusterTrace): ClusterTrace => t.lead(1, 1).appendAt(1, '0:a', 10).appendAt(1, '1-2:b', 30).appendAt(1, '3:c', 20)
const ask = (t: ClusterTrace, timestamp: number, offset: number, o: { found?: number; logStartOffset?: number; fetchable?: number } = {}): ClusterTrace =>
  t.askTime(1, { timestamp, offset, found: offset < 0 ? -1 : timestamp, logStartOffset: 0, fetchable: 4, ...o })

export const TIME_INDEX_CASES: TraceCases = {
  'wrong-offset-for-timestamp': {
    shows: [
      { name: 'a later record although an earlier one is young enough', trace: t => ask(log(t), 15, 3), counts: { 'wrong-offset-for-timestamp': 1 }, says: ['offsets 1-2 of epoch 1 is the first that is that young'] },
      { name: 'nothing although there is one', trace: t => ask(log(t), 25, -1), counts: { 'wrong-offset-for-timestamp': 1 }, says: ['answers nothing'] },
      { name: 'something although all are older', trace: t => ask(log(t), 31, 2), counts: { 'wrong-offset-for-timestamp': 1 } },
      { name: 'a record that is older', trace: t => ask(log(t), 30, 1, { found: 29 }), counts: { 'wrong-offset-for-timestamp': 1 }, says: ['the record there is of 29'] },
      { name: 'what retention has removed', trace: t => ask(log(t), 5, 0, { logStartOffset: 1 }), counts: { 'wrong-offset-for-timestamp': 1 } },
    ],
    passes: [
      { name: 'the first that is young enough, though a later one is older', trace: t => ask(log(t), 15, 1) },
      { name: 'any record of the batch', trace: t => ask(log(t), 30, 2) },
      { name: 'nothing when all are older', trace: t => ask(log(t), 31, -1) },
      { name: 'nothing when it lies beyond the bound', trace: t => ask(log(t), 30, -1, { fetchable: 1 }) },
      { name: 'nothing when its batch reaches beyond the bound', trace: t => ask(log(t), 30, -1, { fetchable: 2 }) },
      { name: 'the first after the log start', trace: t => ask(log(t), 5, 1, { logStartOffset: 1 }) },
    ],
  },
}
