/** Metadata snapshots and changes of voters. */
import type { ClusterTrace, TraceCases } from '../cluster-fixture.ts'

const committed = (t: ClusterTrace): ClusterTrace => t.raftAppend(101, '0:a 1:b').raftWatermark(101, 2)
const snapshot = (t: ClusterTrace, id: number, endOffset: number, crc: number, replayed = crc): ClusterTrace => t.see(id, { kind: 'raft-snapshot', endOffset, epoch: 1, crc, replayed })
const voters = (t: ClusterTrace, o: { voters: readonly string[]; previous: readonly string[]; previousOffset: number; highWatermark: number }): ClusterTrace =>
  t.see(101, { kind: 'raft-voters', offset: 9, epoch: 1, ...o })

export const SNAPSHOT_CASES: TraceCases = {
  'metadata-snapshot-mismatch': {
    shows: [
      { name: 'a snapshot is not the state of its log', trace: t => snapshot(committed(t), 101, 2, 7, 8), counts: { 'metadata-snapshot-mismatch': 1 }, says: ['is not the state of its log'] },
      { name: 'two nodes write different ones of one offset', trace: t => snapshot(snapshot(committed(t), 101, 2, 7), 1, 2, 8), counts: { 'metadata-snapshot-mismatch': 1 }, says: ['The metadata snapshots of controller-101 and broker-1 at 2 differ'] },
      { name: 'a snapshot covers what is not committed', trace: t => snapshot(committed(t), 101, 3, 7), counts: { 'metadata-snapshot-mismatch': 1 }, says: ['beyond what is committed'] },
    ],
    passes: [
      { name: 'the same from everybody', trace: t => snapshot(snapshot(committed(t), 101, 2, 7), 1, 2, 7) },
      { name: 'other states at other offsets', trace: t => snapshot(snapshot(committed(t), 101, 1, 7), 1, 2, 8) },
      { name: 'one that could not be replayed', trace: t => snapshot(committed(t), 101, 2, 7, -1) },
    ],
  },
  'two-voter-changes': {
    shows: [
      { name: 'a change before the last one is committed', trace: t => voters(t, { voters: ['1-A', '2-B'], previous: ['1-A', '2-B', '3-C'], previousOffset: 5, highWatermark: 5 }), counts: { 'two-voter-changes': 1 }, says: ['while the change at 5 is not committed'] },
      { name: 'another disk in one step', trace: t => voters(t, { voters: ['1-A', '2-D'], previous: ['1-A', '2-B'], previousOffset: 5, highWatermark: 6 }), counts: { 'two-voter-changes': 1 }, says: ['changes 2 voters at once'] },
    ],
    passes: [
      { name: 'one is removed', trace: t => voters(t, { voters: ['1-A', '2-B'], previous: ['1-A', '2-B', '3-C'], previousOffset: 5, highWatermark: 6 }) },
      { name: 'one is added', trace: t => voters(t, { voters: ['1-A', '2-B', '3-C'], previous: ['1-A', '2-B'], previousOffset: -1, highWatermark: 6 }) },
    ],
  },
}
