/**
 * Logs and what is committed: log-divergence, leader-completeness, candidate-completeness, no-convergence. Mostly broker 1
 * leads and commits, and another replica holds something else where it may or may not.
 */
import { METADATA_TOPIC_ID } from '../../../src/protocol/uuid.ts'
import type { ClusterTrace, TraceCases } from '../cluster-fixture.ts'

const beyondBudget = { lossyCrashes: 2 } as const

function again(t: ClusterTrace, topicId: string): ClusterTrace {
  t.topicId = topicId
  return t
}

/** Broker 1 leads and has committed offsets 0 to 2; nobody else has anything. */
const committed = (t: ClusterTrace): ClusterTrace => t.lead(1, 1).append(1, '0:a 1:b 2:c').watermark(1, 3)
/** All are in sync, broker 3 lacks offset 1, and broker 1 commits it. */
const behind = (t: ClusterTrace): ClusterTrace => t.ready().replicate('0:a').append(1, '1:b').append(2, '1:b').watermark(1, 2)
/** All hold both, both are committed. */
const full = (t: ClusterTrace): ClusterTrace => t.ready().replicate('0:a 1:b').watermark(1, 2)

export const LOG_CASES: TraceCases = {
  'log-divergence': {
    shows: [
      { name: 'a follower holds something else below its high watermark', trace: t => committed(t).append(2, '0:a').append(2, '1:x', 0).learn(2, 3), counts: { 'log-divergence': 1 }, says: ['broker-2 disagrees with what was committed at offset 1 of orders-0', 'holds offset 1 of epoch 0 where offset 1 of epoch 1 was committed', 'broker-1, leader of epoch 1, moves the high watermark'] },
      { name: 'a follower holds nothing below its high watermark', trace: t => committed(t).append(2, '0:a').learn(2, 3), counts: { 'log-divergence': 1 }, says: ['holds nothing'] },
      { name: 'two batches at one offset of one epoch', trace: t => t.append(1, '0:a').append(2, '0:x'), counts: { 'log-divergence': 1 }, says: ['broker-2 and broker-1 hold different batches at offset 0 of orders-0, both of epoch 1'] },
      { name: 'two batches of one epoch, whatever elections are allowed', trace: t => t.append(1, '0:a').append(2, '0:x'), unclean: true, counts: { 'log-divergence': 1 } },
      { name: 'a deposed leader commits something else', trace: t => t.lead(1, 1).replicate('0:a').append(1, '1:b').watermark(1, 1).lead(2, 2).append(2, '1:x', 2).watermark(2, 2, { leaderEpoch: 2 }).watermark(1, 2).learn(2, 2), counts: { 'log-divergence': 1 }, says: ['broker-1 disagrees'] },
      {
        name: 'a deposed leader that disagrees commits nothing more',
        trace: t => t.lead(1, 1).replicate('0:a').append(1, '1:b 2:c').watermark(1, 1).lead(2, 2).append(2, '1:x', 2).watermark(2, 2, { leaderEpoch: 2 }).watermark(1, 3).append(2, '2:y', 2).watermark(2, 3, { leaderEpoch: 2 }),
        counts: { 'log-divergence': 1 }, says: ['broker-1 disagrees'],
      },
      {
        name: 'a follower of the old leader, once another log counts',
        trace: t => committed(t).append(3, '0:a 1:b 2:c').learn(3, 3).append(2, '0:a').lead(2, 2).append(2, '1:x 2:y', 2).watermark(2, 3, { leaderEpoch: 2 }).learn(3, 3),
        counts: { 'log-divergence': 1, 'leader-completeness': 1 }, says: ['broker-3 disagrees'],
      },
      { name: 'once for each replica', trace: t => committed(t).append(2, '0:a').learn(2, 2).learn(2, 3).append(3, '0:a').learn(3, 3), counts: { 'log-divergence': 2 } },
      { name: 'the steps tell of the truncation before', trace: t => committed(t).append(2, '0:a 1:b').truncate(2, 1).learn(2, 2), counts: { 'log-divergence': 1 }, says: ['broker-2 truncates orders-0'] },
    ],
    passes: [
      { name: 'tails above the high watermark', trace: t => t.lead(1, 1).append(1, '0:a 1:b').append(2, '0:a').append(2, '1:x', 0).watermark(1, 1).learn(2, 1) },
      { name: 'the follower truncates first', trace: t => committed(t).append(2, '0:a').append(2, '1:x', 0).truncate(2, 1).append(2, '1:b 2:c').learn(2, 3) },
      { name: 'the follower learns of less', trace: t => committed(t).append(2, '0:a').append(2, '1:x', 0).learn(2, 1) },
      { name: 'below the follower\'s log start', trace: t => committed(t).logStart(2, 2, { reason: 'full' }).append(2, '2:c').learn(2, 3) },
      { name: 'all of it was truncated, to begin anew', trace: t => committed(t).append(2, '0:x 1:y', 0).truncate(2, 2, 'full').append(2, '2:c').learn(2, 3) },
      { name: 'below the log start with which a new leader begins', trace: t => committed(t).logStart(2, 2, { reason: 'full' }).append(2, '2:c').lead(2, 2).append(3, '0:x 1:y', 0).append(3, '2:c').learn(3, 3) },
      { name: 'below the leader\'s log start', trace: t => committed(t).logStart(1, 2).append(2, '0:x 1:y', 0).append(2, '2:c').learn(2, 3) },
      { name: 'the same offset and epoch after a truncation', trace: t => t.append(1, '0:a 1:b').truncate(1, 1).append(2, '0:a 1:x') },
      { name: 'a topic that was created again', trace: t => again(again(t, 'first').append(1, '0:a'), 'second').append(2, '0:x') },
      { name: 'the metadata log has its own rules', trace: t => again(t, METADATA_TOPIC_ID).append(1, '0:a').append(2, '0:x') },
      { name: 'a log that was deleted', trace: t => t.append(1, '0:a').deleteLog(1).append(2, '0:x') },
      { name: 'an empty replacement disk', trace: t => t.append(1, '0:a').start(1, true).append(2, '0:x') },
      { name: 'unclean elections', trace: t => committed(t).append(2, '0:a').append(2, '1:x', 0).learn(2, 3), unclean: true, counts: { 'log-divergence': 1 }, allowed: ['log-divergence'] },
      { name: 'more lossy crashes than the budget', trace: t => committed(t).append(2, '0:a').append(2, '1:x', 0).learn(2, 3), config: beyondBudget, counts: { 'log-divergence': 1 }, allowed: ['log-divergence'] },
    ],
  },
  'leader-completeness': {
    shows: [
      { name: 'a new leader lacks the end', trace: t => committed(t).append(2, '0:a 1:b').lead(2, 2), counts: { 'leader-completeness': 1 }, says: ['broker-2 leads orders-0 in epoch 2 without committed offset 2', 'holds nothing where offset 2 of epoch 1 was committed'] },
      { name: 'a new leader holds something else', trace: t => committed(t).append(2, '0:a').append(2, '1-2:x', 0).lead(2, 2), counts: { 'leader-completeness': 1 }, says: ['offsets 1-2 of epoch 0'] },
      { name: 'a leader that restarted without its tail', trace: t => committed(t).crash(1).start(1).load(1, '0:a').lead(1, 2), counts: { 'leader-completeness': 1 }, says: ['broker-1 restarts and finds orders-0 up to offset 1'] },
      { name: 'told once: from then on the new leader\'s log counts', trace: t => committed(t).append(2, '0:a').lead(2, 2).append(2, '1:x', 2).watermark(2, 2, { leaderEpoch: 2 }).append(3, '0:a').append(3, '1:x', 2).learn(3, 2), counts: { 'leader-completeness': 1 } },
      { name: 'the next leader is held against the new log', trace: t => committed(t).append(2, '0:a').lead(2, 2).append(2, '1:x', 2).watermark(2, 2, { leaderEpoch: 2 }).append(3, '0:a').lead(3, 3), counts: { 'leader-completeness': 2 } },
    ],
    passes: [
      { name: 'it holds everything', trace: t => committed(t).append(2, '0:a 1:b 2:c').lead(2, 2) },
      { name: 'it lacks what was not committed', trace: t => committed(t).append(1, '3:d').append(2, '0:a 1:b 2:c').lead(2, 2) },
      { name: 'a broker that lags leads an epoch that is over', trace: t => t.lead(1, 3).append(1, '0:a 1:b').watermark(1, 2, { leaderEpoch: 3 }).append(2, '0:a').lead(2, 2) },
      { name: 'what it lacks lies below the last leader\'s log start', trace: t => committed(t).logStart(1, 2).logStart(2, 2, { reason: 'full' }).append(2, '2:c').lead(2, 2) },
      { name: 'what only a follower believes is not committed', trace: t => t.lead(1, 1).append(1, '0:a 1:b').learn(1, 2).append(2, '0:a').lead(2, 2) },
      { name: 'unclean elections', trace: t => committed(t).lead(2, 2), unclean: true, counts: { 'leader-completeness': 1 }, allowed: ['leader-completeness'] },
      { name: 'more lossy crashes than the budget', trace: t => committed(t).lead(2, 2), config: beyondBudget, counts: { 'leader-completeness': 1 }, allowed: ['leader-completeness'] },
    ],
  },
  'candidate-completeness': {
    shows: [
      { name: 'the leader commits what a member of the ISR lacks', trace: behind, counts: { 'candidate-completeness': 1 }, says: ['broker-3 is in the ISR of orders-0 without committed offset 1', 'The controller registers orders-0'] },
      { name: 'the controller adds a replica that lacks it', trace: t => t.ready().register(101, { isr: [1, 2], partitionEpoch: 2 }).replicate('0:a').append(1, '1:b').append(2, '1:b').watermark(1, 2).register(101, { isr: [1, 2, 3], partitionEpoch: 3 }), counts: { 'candidate-completeness': 1 } },
      { name: 'the controller adds it to the ELR', trace: t => t.ready().register(101, { isr: [1], elr: [2, 3], partitionEpoch: 2 }).replicate('0:a').append(1, '1:b').append(2, '1:b').watermark(1, 2), counts: { 'candidate-completeness': 1 }, says: ['broker-3 is in the ELR'] },
      { name: 'a member truncates', trace: t => full(t).truncate(3, 1), counts: { 'candidate-completeness': 1 }, says: ['broker-3 truncates orders-0'] },
      { name: 'a member that lost its tail is unfenced', trace: t => full(t).crash(3).start(3).load(3, '0:a').unfence(101, 3), counts: { 'candidate-completeness': 1 }, says: ['broker-3 restarts'] },
      { name: 'once for each replica', trace: t => behind(t).append(1, '2:c').append(2, '2:c').watermark(1, 3).truncate(3, 0).truncate(2, 1), counts: { 'candidate-completeness': 2 } },
      { name: 'a registration that a leader has acted upon outlives its controller', trace: t => t.ready().lead(1, 1, 1).replicate('0:a').active(102, 2).append(1, '1:b').append(2, '1:b').watermark(1, 2), counts: { 'candidate-completeness': 1 } },
      { name: 'or one by which an ISR change was committed', trace: t => t.ready().isrCommitted(1, 1).replicate('0:a').active(102, 2).append(1, '1:b').append(2, '1:b').watermark(1, 2), counts: { 'candidate-completeness': 1 } },
      { name: 'a successor of a dead process is unfenced', trace: t => full(t).registerBroker(101, 3, 5).crash(3).start(3).load(3, '0:a').registerBroker(101, 3, 6).unfence(101, 3, 6), counts: { 'candidate-completeness': 1 } },
    ],
    passes: [
      { name: 'all hold it', trace: full },
      { name: 'the one that lacks it is fenced', trace: t => t.ready().fence(101, 3).replicate('0:a').append(1, '1:b').append(2, '1:b').watermark(1, 2) },
      { name: 'or was never unfenced', trace: t => t.active(101, 1).unfence(101, 1).unfence(101, 2).register(101).replicate('0:a').append(1, '1:b').append(2, '1:b').watermark(1, 2) },
      { name: 'the one that lacks it is neither in the ISR nor in the ELR', trace: t => t.ready().register(101, { isr: [1, 2], partitionEpoch: 2 }).replicate('0:a').append(1, '1:b').append(2, '1:b').watermark(1, 2) },
      { name: 'it crashed and has not been unfenced since', trace: t => full(t).crash(3).start(3).load(3, '0:a').append(1, '2:c').append(2, '2:c').watermark(1, 3) },
      { name: 'a late heartbeat of its dead process unfences nothing', trace: t => full(t).registerBroker(101, 3, 5).unfence(101, 3, 5).crash(3).start(3).load(3, '0:a').unfence(101, 3, 5) },
      { name: 'it has registered and is still fenced', trace: t => t.ready().registerBroker(101, 3, 5).replicate('0:a').append(1, '1:b').append(2, '1:b').watermark(1, 2) },
      { name: 'what a deposed controller registered may never have been committed', trace: t => t.ready().replicate('0:a').active(102, 2).append(1, '1:b').append(2, '1:b').watermark(1, 2) },
      { name: 'what another controller says does not count', trace: t => t.ready().register(101, { isr: [1, 2], partitionEpoch: 2 }).replicate('0:a').append(1, '1:b').append(2, '1:b').watermark(1, 2).register(102, { isr: [1, 2, 3], partitionEpoch: 3 }).append(1, '2:c').append(2, '2:c').watermark(1, 3) },
      { name: 'an older controller does not become active again', trace: t => t.ready().register(101, { isr: [1, 2], partitionEpoch: 2 }).active(102, 0).replicate('0:a').append(1, '1:b').append(2, '1:b').watermark(1, 2).register(102, { isr: [1, 2, 3], partitionEpoch: 3 }) },
      { name: 'unclean elections', trace: behind, unclean: true, counts: { 'candidate-completeness': 1 }, allowed: ['candidate-completeness'] },
      { name: 'more lossy crashes than the budget', trace: behind, config: beyondBudget, counts: { 'candidate-completeness': 1 }, allowed: ['candidate-completeness'] },
    ],
  },
  'no-convergence': {
    shows: [
      { name: 'in the end two members of the ISR differ', trace: t => t.ready().append(1, '0:a 1:b').append(2, '0:a').append(2, '1:x', 0).settled(), counts: { 'no-convergence': 1 }, says: ['broker-1 and broker-2, both in sync, hold different logs of orders-0 from offset 1 on'] },
      { name: 'unclean elections are no excuse', trace: t => t.ready().append(1, '0:a 1:b').append(2, '0:a').append(2, '1:x', 0).settled(), unclean: true, config: { uncleanLeaderElection: true, ...beyondBudget }, counts: { 'no-convergence': 1 } },
      { name: 'other bounds of the batches', trace: t => t.ready().append(1, '0:a 1:b').append(2, '0-1:ab', 0).settled(), counts: { 'no-convergence': 1 }, says: ['"offset":0'] },
      { name: 'once for each replica', trace: t => t.ready().append(1, '0:a 1:b').append(2, '0:x 1:y', 0).append(3, '0:a').append(3, '1:z', 2).settled(), counts: { 'no-convergence': 2 } },
    ],
    passes: [
      { name: 'they hold the same', trace: t => t.ready().replicate('0:a 1:b').settled() },
      { name: 'it has not settled', trace: t => t.ready().append(1, '0:a 1:b').append(2, '0:a').append(2, '1:x', 0) },
      { name: 'one is still catching up', trace: t => t.ready().append(1, '0:a 1:b').append(2, '0:a').settled() },
      { name: 'one has a shorter history', trace: t => t.ready().append(1, '0:a 1:b').logStart(2, 1, { reason: 'full' }).append(2, '1:b').settled() },
      { name: 'one lies below the other\'s log start', trace: t => t.ready().append(1, '0:a 1:b 2:c').logStart(1, 2).append(2, '0:x 1:y', 0).append(2, '2:c').settled() },
      { name: 'one is not in sync', trace: t => t.ready().register(101, { isr: [1, 3], partitionEpoch: 2 }).append(1, '0:a').append(2, '0:x', 0).settled() },
      { name: 'one does not run', trace: t => t.ready().append(1, '0:a').append(2, '0:x', 0).settled(2) },
      { name: 'the leader does not run', trace: t => t.ready().append(1, '0:a').append(2, '0:x', 0).settled(1) },
      { name: 'there is no leader', trace: t => t.ready().register(101, { leader: -1, partitionEpoch: 2 }).append(1, '0:a').append(2, '0:x', 0).settled() },
    ],
  },
}
