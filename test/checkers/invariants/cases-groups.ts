/** Coordinators of groups: their committed state, and who owns what. */
import type { ObservationOf } from '../../../src/env/observation.ts'
import type { ClusterTrace, TraceCase, TraceCases } from '../cluster-fixture.ts'

const state = (t: ClusterTrace, id: number, offset: number, digest: number, coordinatorEpoch = id, partition = 0): ClusterTrace =>
  t.see(id, { kind: 'coordinator-state', topic: '__consumer_offsets', partition, coordinatorEpoch, offset, digest })

type Assigned = Partial<Omit<ObservationOf<'member-assigned'>, 'kind' | 'memberId' | 'partitions'>>
const gives = (t: ClusterTrace, memberId: string, partitions: readonly string[], o: Assigned = {}): ClusterTrace =>
  t.see(1, { kind: 'member-assigned', groupId: 'g', memberId, epoch: 3, protocol: 'consumer', coordinatorEpoch: 1, partitions, releasing: [], ...o })
const forms = (t: ClusterTrace): ClusterTrace => t.see(1, { kind: 'group-state', groupId: 'g', from: 'PreparingRebalance', to: 'CompletingRebalance', epoch: 1, members: [], partition: 0, coordinatorEpoch: 1 })
const twice = (name: string, trace: TraceCase['trace']): TraceCase => ({ name, trace, counts: { 'two-owners': 1 }, says: ['orders-0 of group g has two owners', 'b has it, too'] })
type ShareChange = ObservationOf<'share-records'>['change']
const shares = (t: ClusterTrace, change: ShareChange, memberId: string, firstOffset: number, lastOffset: number, o: Partial<ObservationOf<'share-records'>> = {}): ClusterTrace =>
  t.see(1, { kind: 'share-records', groupId: 'g', topicId: 'id', topic: 'orders', partition: 0, leaderEpoch: 1, change, memberId, firstOffset, lastOffset, deliveryCount: 1, startOffset: 3, ...o })
const classic = { protocol: 'classic' } as const

export const GROUP_CASES: TraceCases = {
  'coordinator-state-mismatch': {
    shows: [
      { name: 'the next coordinator replays something else', trace: t => state(state(t, 1, 41, 7), 2, 41, 8), counts: { 'coordinator-state-mismatch': 1 }, says: ['broker-1 and broker-2', 'up to offset 41'] },
      { name: 'the same broker after a restart', trace: t => state(state(t, 1, 41, 7), 1, 41, 8, 3), counts: { 'coordinator-state-mismatch': 1 } },
      { name: 'an acknowledged state of a transactional id is forgotten', trace: t => t.coordinates(1, 'Ongoing', ['orders-0'], { offset: 4 }).coordinates(1, 'PrepareCommit', ['orders-0'], { offset: 5 }).coordinates(2, 'Ongoing', ['orders-0'], { offset: 4, coordinatorEpoch: 2 }), counts: { 'coordinator-state-mismatch': 1 }, says: ['has an older one'] },
      { name: 'its record says something else to the next coordinator', trace: t => t.coordinates(1, 'PrepareCommit', ['orders-0'], { offset: 5, nextProducerId: 9 }).coordinates(2, 'PrepareCommit', ['orders-0'], { offset: 5, coordinatorEpoch: 2 }), counts: { 'coordinator-state-mismatch': 1 }, says: ['then producer 9'] },
    ],
    passes: [
      { name: 'the next coordinator reads the last state of a transactional id, or one that was not acknowledged yet', trace: t => t.coordinates(1, 'Ongoing', ['orders-0', 'orders-1'], { offset: 4 }).coordinates(2, 'Ongoing', ['orders-1', 'orders-0'], { offset: 4, coordinatorEpoch: 2 }).coordinates(3, 'PrepareCommit', ['orders-0', 'orders-1'], { offset: 5, coordinatorEpoch: 3 }) },
      { name: 'what was read above the high watermark is lost', trace: t => t.coordinates(1, 'Ongoing', ['orders-0'], { offset: 4 }).coordinates(2, 'PrepareCommit', ['orders-0'], { offset: 5, coordinatorEpoch: 2, isReplicated: false }).coordinates(3, 'Ongoing', ['orders-0'], { offset: 4, coordinatorEpoch: 3 }).coordinates(3, 'PrepareAbort', ['orders-0'], { offset: 5, coordinatorEpoch: 3 }) },
      { name: 'what a deposed coordinator of transactions says', trace: t => t.coordinates(2, 'PrepareCommit', ['orders-0'], { offset: 5, coordinatorEpoch: 2 }).coordinates(1, 'Ongoing', ['orders-0'], { offset: 4 }) },
      { name: 'the same state', trace: t => state(state(t, 1, 41, 7), 2, 41, 7) },
      { name: 'of another offset or partition', trace: t => state(state(state(t, 1, 41, 7), 2, 42, 8), 2, 41, 9, 2, 1) },
    ],
  },
  'two-owners': {
    shows: [
      twice('two have it', t => gives(gives(t, 'a', ['orders-0']), 'b', ['orders-0'])),
      twice('one has yet to give it back', t => gives(gives(t, 'a', [], { releasing: ['orders-0'] }), 'b', ['orders-0'])),
      twice('an assignment names it twice', t => gives(gives(forms(t), 'a', ['orders-0'], classic), 'b', ['orders-0'], classic)),
    ],
    passes: [
      { name: 'it was given back', trace: t => gives(gives(gives(t, 'a', ['orders-0']), 'a', []), 'b', ['orders-0']) },
      { name: 'who had it is out', trace: t => gives(gives(gives(t, 'a', ['orders-0']), 'a', [], { epoch: -1 }), 'b', ['orders-0']) },
      { name: 'in another group', trace: t => gives(gives(t, 'a', ['orders-0']), 'b', ['orders-0'], { groupId: 'h' }) },
      { name: 'another coordinator did not know of the first owner', trace: t => gives(gives(t, 'a', ['orders-0']), 'b', ['orders-0'], { coordinatorEpoch: 2 }) },
      { name: 'a coordinator that was replaced says so', trace: t => gives(gives(t, 'a', ['orders-0'], { coordinatorEpoch: 2 }), 'b', ['orders-0']) },
      { name: 'in the next generation', trace: t => gives(gives(t, 'a', ['orders-0'], classic), 'b', ['orders-0'], { ...classic, epoch: 4 }) },
      { name: 'in a group that was made anew', trace: t => gives(forms(gives(forms(t), 'a', ['orders-0'], { ...classic, epoch: 1 })), 'b', ['orders-0'], { ...classic, epoch: 1 }) },
    ],
  },
  'two-holders': {
    shows: [
      { name: 'a record is given to somebody else', trace: t => shares(shares(t, 'acquired', 'a', 3, 5), 'acquired', 'b', 5, 6), counts: { 'two-holders': 1 }, says: ['offset 5 of orders-0', 'b is given it, too'] },
      { name: 'and again to the same member', trace: t => shares(shares(t, 'acquired', 'a', 3, 5), 'acquired', 'a', 4, 4), counts: { 'two-holders': 1 } },
    ],
    passes: [
      { name: 'it was released', trace: t => shares(shares(shares(t, 'acquired', 'a', 3, 5), 'released', 'a', 3, 5), 'acquired', 'b', 3, 5) },
      { name: 'a new leader does not know', trace: t => shares(shares(shares(t, 'acquired', 'a', 3, 5), 'initialized', '', 3, 2, { leaderEpoch: 2 }), 'acquired', 'b', 3, 5, { leaderEpoch: 2 }) },
      { name: 'a leader that was replaced goes on', trace: t => shares(shares(shares(t, 'initialized', '', 3, 2, { leaderEpoch: 2 }), 'acquired', 'b', 3, 5, { leaderEpoch: 2 }), 'acquired', 'a', 3, 5) },
      { name: 'in another group or partition', trace: t => shares(shares(shares(t, 'acquired', 'a', 3, 5), 'acquired', 'b', 3, 5, { groupId: 'h' }), 'acquired', 'b', 3, 5, { partition: 1 }) },
    ],
  },
  'decided-record-acquired': {
    shows: [
      { name: 'it was acknowledged', trace: t => shares(shares(shares(t, 'acquired', 'a', 3, 5), 'acknowledged', 'a', 3, 5), 'acquired', 'b', 5, 6), counts: { 'decided-record-acquired': 1 }, says: ['Offset 5 of orders-0', 'b is given it'] },
      { name: 'it was archived, and the next leader forgets', trace: t => shares(shares(shares(shares(t, 'acquired', 'a', 3, 3), 'archived', 'a', 3, 3), 'initialized', '', 3, 2, { leaderEpoch: 2 }), 'acquired', 'b', 3, 3, { leaderEpoch: 2 }), counts: { 'decided-record-acquired': 1 } },
      { name: 'a leader that was replaced has still been heard', trace: t => shares(shares(shares(shares(t, 'acquired', 'a', 3, 3), 'initialized', '', 3, 2, { leaderEpoch: 2 }), 'acknowledged', 'a', 3, 3), 'acquired', 'b', 3, 3, { leaderEpoch: 2 }), counts: { 'decided-record-acquired': 1 } },
    ],
    passes: [
      { name: 'others were', trace: t => shares(shares(shares(t, 'acquired', 'a', 3, 5), 'acknowledged', 'a', 3, 4), 'acquired', 'b', 6, 9) },
      { name: 'a leader that was replaced hands it out', trace: t => shares(shares(shares(shares(t, 'initialized', '', 3, 2, { leaderEpoch: 2 }), 'acquired', 'b', 3, 5, { leaderEpoch: 2 }), 'acknowledged', 'b', 3, 5, { leaderEpoch: 2 }), 'acquired', 'a', 3, 5) },
    ],
  },
}
