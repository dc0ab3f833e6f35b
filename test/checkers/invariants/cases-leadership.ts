/**
 * Who may commit and who may lead: quorum-superset, two-leaders-one-epoch, and metadata-regression, the completeness of the
 * metadata quorum's own leaders.
 */
import type { ClusterTrace, TraceCases } from '../cluster-fixture.ts'

const singleVoter = { voters: 1, lossyVoterCrashes: 1 } as const
const full = (t: ClusterTrace): ClusterTrace => t.ready().replicate('0:a 1:b')
/** Controller 101 leads the quorum and has committed offsets 0 and 1. */
const committed = (t: ClusterTrace): ClusterTrace => t.raftAppend(101, '0:a 1:b').raftWatermark(101, 2)
const twoTopics = (t: ClusterTrace): ClusterTrace => {
  t.lead(1, 4).topicId = 'second'
  return t.lead(2, 4)
}
const twoPartitions = (t: ClusterTrace): ClusterTrace => {
  t.lead(1, 4).partition = 1
  return t.lead(2, 4)
}

export const LEADERSHIP_CASES: TraceCases = {
  'quorum-superset': {
    shows: [
      { name: 'the leader commits without a member of the controller\'s ISR', trace: t => full(t).watermark(1, 1, { maximalIsr: [1, 2] }), counts: { 'quorum-superset': 1 }, says: ['broker-1 commits offsets of orders-0 without asking replica 3', 'ISR [1 2 3]', 'by [1 2]'] },
      { name: 'once in an epoch', trace: t => full(t).watermark(1, 1, { maximalIsr: [1, 2] }).watermark(1, 2, { maximalIsr: [1, 2] }), counts: { 'quorum-superset': 1 } },
      { name: 'again in the next', trace: t => full(t).watermark(1, 1, { maximalIsr: [1, 2] }).register(101, { leaderEpoch: 2, partitionEpoch: 2 }).lead(1, 2).watermark(1, 2, { leaderEpoch: 2, maximalIsr: [1, 2] }), counts: { 'quorum-superset': 2 } },
    ],
    passes: [
      { name: 'by all of them', trace: t => full(t).watermark(1, 2) },
      { name: 'by more than the controller\'s', trace: t => full(t).register(101, { isr: [1, 2], partitionEpoch: 2 }).watermark(1, 2) },
      { name: 'by fewer than the controller\'s, of another epoch', trace: t => full(t).register(101, { leaderEpoch: 2, partitionEpoch: 2 }).watermark(1, 2, { maximalIsr: [1, 2] }) },
      { name: 'nothing new is committed', trace: t => full(t).watermark(1, 2).watermark(1, 2, { maximalIsr: [1, 2] }) },
      { name: 'a follower only learns', trace: t => full(t).learn(2, 2) },
      { name: 'what a deposed controller registered may never have been committed', trace: t => full(t).active(102, 2).watermark(1, 2, { maximalIsr: [1, 2] }) },
      { name: 'more lossy crashes than the budget', trace: t => full(t).watermark(1, 1, { maximalIsr: [1, 2] }), config: { lossyCrashes: 2 }, counts: { 'quorum-superset': 1 }, allowed: ['quorum-superset'] },
    ],
  },
  'two-leaders-one-epoch': {
    shows: [
      { name: 'of a partition', trace: t => t.lead(1, 4).lead(2, 4), counts: { 'two-leaders-one-epoch': 1 }, says: ['broker-1 and broker-2 both led orders-0 in epoch 4'] },
      { name: 'of the metadata quorum', trace: t => t.role(101, 'leader', 5).role(102, 'leader', 5), counts: { 'two-leaders-one-epoch': 1 }, says: ['controller-101 and controller-102 both led the metadata quorum in epoch 5'] },
      { name: 'long after', trace: t => t.lead(1, 4).lead(2, 5).lead(3, 4), counts: { 'two-leaders-one-epoch': 1 } },
      { name: 'once for each node', trace: t => t.lead(1, 4).lead(2, 4).lead(2, 4).lead(3, 4), counts: { 'two-leaders-one-epoch': 2 } },
    ],
    passes: [
      { name: 'two epochs', trace: t => t.lead(1, 4).lead(2, 5).role(101, 'leader', 5).role(102, 'leader', 6) },
      { name: 'the same node twice', trace: t => t.lead(1, 4).lead(1, 4).role(101, 'leader', 5).role(101, 'leader', 5) },
      { name: 'candidates and followers', trace: t => t.role(101, 'leader', 5).role(102, 'candidate', 5).role(103, 'follower', 5) },
      { name: 'leader and follower', trace: t => t.lead(1, 4).follow(2, 4) },
      { name: 'a topic that was created again', trace: twoTopics },
      { name: 'another partition', trace: twoPartitions },
      { name: 'a single voter that lost its vote', trace: t => t.lead(1, 4).lead(2, 4), config: singleVoter, counts: { 'two-leaders-one-epoch': 1 }, allowed: ['two-leaders-one-epoch'] },
    ],
  },
  'metadata-regression': {
    shows: [
      { name: 'a new leader lacks the end', trace: t => committed(t).raftAppend(102, '0:a').role(102, 'leader', 2), counts: { 'metadata-regression': 1 }, says: ['Committed metadata at offset 1 is lost or changed on controller-102', 'becomes leader of the metadata quorum in epoch 2 with a log that ends at 1'] },
      { name: 'a new leader holds something else', trace: t => committed(t).raftAppend(102, '0:a 1:x').role(102, 'leader', 2), counts: { 'metadata-regression': 1 } },
      { name: 'a follower truncates what is committed', trace: t => committed(t).raftAppend(102, '0:a 1:b').raftTruncate(102, 1), counts: { 'metadata-regression': 1 }, says: ['controller-102 truncates the metadata log'] },
      { name: 'the high watermark of a process goes back', trace: t => committed(t).raftWatermark(101, 1), counts: { 'metadata-regression': 1 }, says: ['went back from 2 to 1'] },
      { name: 'a follower applies something else', trace: t => committed(t).raftAppend(102, '0:a 1:x').raftWatermark(102, 2, { asLeader: false }).raftWatermark(102, 2, { asLeader: false }), counts: { 'metadata-regression': 1 }, says: ['moves its metadata high watermark to 2'] },
      { name: 'what a follower applies does not change what is committed', trace: t => committed(t).raftAppend(102, '0:a 1:x').raftWatermark(102, 2, { asLeader: false }).raftAppend(103, '0:a').role(103, 'leader', 2), counts: { 'metadata-regression': 2 } },
      { name: 'a leader commits something else', trace: t => committed(t).raftAppend(102, '0:a').raftAppend(102, '1:x', 2).raftWatermark(102, 2, { epoch: 2 }), counts: { 'metadata-regression': 1 } },
      { name: 'a voter lost on restart what makes it lead', trace: t => committed(t).raftAppend(102, '0:a 1:b').start(102).raftRecovered(102, '0:a').role(102, 'leader', 2), counts: { 'metadata-regression': 1 } },
      { name: 'told once for each node, and the new leader\'s log counts', trace: t => committed(t).raftAppend(102, '0:a').role(102, 'leader', 2).raftAppend(102, '1:x', 2).raftWatermark(102, 2, { epoch: 2 }).raftAppend(103, '0:a').raftAppend(103, '1:x', 2).raftWatermark(103, 2, { epoch: 2, asLeader: false }), counts: { 'metadata-regression': 1 } },
      { name: 'a follower of the new leader is not to blame', trace: t => committed(t).raftAppend(102, '0:a').role(102, 'leader', 2).raftAppend(103, '0:a').raftAppend(103, '1:x', 2).raftWatermark(103, 2, { epoch: 2, asLeader: false }), counts: { 'metadata-regression': 1 } },
    ],
    passes: [
      { name: 'a new leader holds everything', trace: t => committed(t).raftAppend(102, '0:a 1:b').role(102, 'leader', 2) },
      { name: 'a tail that was not committed is truncated', trace: t => committed(t).raftAppend(102, '0:a 1:b 2:x').raftTruncate(102, 2).raftAppend(102, '2:c').raftWatermark(102, 2, { asLeader: false }) },
      { name: 'a tail that contradicts what is committed is truncated', trace: t => committed(t).raftAppend(102, '0:a').raftAppend(102, '1:x', 0).raftTruncate(102, 1) },
      { name: 'a new leader lacks what was not committed', trace: t => t.raftAppend(101, '0:a 1:b').raftWatermark(101, 1).raftAppend(102, '0:a').role(102, 'leader', 2) },
      { name: 'a restarted process begins anew', trace: t => committed(t).start(101).raftRecovered(101, '0:a 1:b').raftWatermark(101, 1, { asLeader: false }) },
      { name: 'an empty replacement disk', trace: t => committed(t).raftAppend(102, '0:a 1:b').start(102, true).raftTruncate(102, 0) },
      { name: 'a follower that lacks it follows', trace: t => committed(t).raftAppend(102, '0:a').role(102, 'follower', 2) },
      { name: 'the leader of an epoch that is over', trace: t => committed(t).role(101, 'leader', 5).raftAppend(102, '0:a').role(102, 'leader', 4) },
      { name: 'a snapshot stands for what was before it', trace: t => t.raftAppend(101, '0-4:a 5:b').raftWatermark(101, 6).raftAppend(102, '5:b').raftWatermark(102, 6, { asLeader: false }).role(102, 'leader', 2) },
      { name: 'a snapshot takes the place of a tail that was not committed', trace: t => t.raftAppend(101, '0-4:a 5:b').raftWatermark(101, 6).raftAppend(102, '0-4:a 5:x 6:y', 0).see(102, { kind: 'raft-snapshot-loaded', endOffset: 5, epoch: 1, previousEnd: 7 }).raftAppend(102, '5:b').raftWatermark(102, 6, { asLeader: false }).role(102, 'leader', 2) },
      { name: 'a log that was recovered behind a snapshot', trace: t => t.raftAppend(101, '0-4:a 5:b').raftWatermark(101, 6).start(102).raftRecovered(102, '5:b').role(102, 'leader', 2) },
      { name: 'a single voter that lost unflushed data', trace: t => committed(t).start(101).raftRecovered(101, '0:a').role(101, 'leader', 2), config: singleVoter, counts: { 'metadata-regression': 1 }, allowed: ['metadata-regression'] },
    ],
  },
}
