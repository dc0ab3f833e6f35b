/**
 * epoch-regression: every kind of epoch and vote may only rise, within the life of who tells it. A restart, another active
 * controller or an empty disk may know less.
 */
import { of, type TraceCase, type TraceCases } from '../cluster-fixture.ts'

const once = { 'epoch-regression': 1 }

const partitions: { shows: TraceCase[]; passes: TraceCase[] } = {
  shows: [
    { name: 'a broker follows in an older epoch than it led', trace: t => t.lead(1, 4).follow(1, 3), counts: once, says: ['The leader epoch of orders-0 went back from 4 to 3 on broker-1'] },
    { name: 'a broker leads in an older epoch than it followed', trace: t => t.follow(1, 4).lead(1, 3), counts: once },
    { name: 'the controller registers an older leader epoch', trace: t => t.ready().register(101, { leaderEpoch: 5, partitionEpoch: 5 }).register(101, { leaderEpoch: 4, partitionEpoch: 6 }), counts: once, says: ['registered leader epoch'] },
    { name: 'the controller registers an older partition epoch', trace: t => t.ready().register(101, { leaderEpoch: 5, partitionEpoch: 5 }).register(101, { leaderEpoch: 5, partitionEpoch: 4 }), counts: once, says: ['The partition epoch of orders-0 went back from 5 to 4'] },
    { name: 'the next controller registers an older partition epoch than a broker has used', trace: t => t.ready().register(101, { partitionEpoch: 5 }).lead(1, 1, 5).active(102, 2).register(102, { partitionEpoch: 4 }), counts: once },
    { name: 'a broker is registered with an older epoch', trace: t => t.ready().registerBroker(101, 3, 10).registerBroker(101, 3, 9), counts: once, says: ['epoch of broker 3'] },
    { name: 'each kind once for a node', trace: t => t.lead(1, 4).follow(1, 3).follow(1, 2).follow(2, 4).follow(2, 1), counts: { 'epoch-regression': 2 } },
  ],
  passes: [
    { name: 'epochs stay or rise', trace: t => t.ready().lead(1, 3, 1).lead(1, 3, 1).follow(1, 4).register(101, { partitionEpoch: 1 }).register(101, { leaderEpoch: 4, partitionEpoch: 2 }).registerBroker(101, 3, 9).registerBroker(101, 3, 10) },
    { name: 'another broker lags', trace: t => t.lead(1, 4).follow(2, 3) },
    { name: 'a restarted broker replays old metadata', trace: t => t.lead(1, 4).crash(1).start(1).follow(1, 3) },
    { name: 'the next controller has lost what was not committed', trace: t => t.ready().register(101, { leaderEpoch: 5, partitionEpoch: 5 }).registerBroker(101, 3, 10).active(102, 2).register(102, { leaderEpoch: 4, partitionEpoch: 4 }).registerBroker(102, 3, 9) },
    { name: 'what a controller that is not active says does not count', trace: t => t.ready().register(101, { leaderEpoch: 5, partitionEpoch: 5 }).registerBroker(101, 3, 10).register(102, { leaderEpoch: 4, partitionEpoch: 4 }).registerBroker(102, 3, 9) },
    { name: 'another broker is older', trace: t => t.ready().registerBroker(101, 3, 10).registerBroker(101, 2, 9) },
    { name: 'a single voter that lost unflushed data', trace: t => t.lead(1, 4).follow(1, 3), config: { voters: 1, lossyVoterCrashes: 1 }, counts: once, allowed: ['epoch-regression'] },
  ],
}

const producers: { shows: TraceCase[]; passes: TraceCase[] } = {
  shows: [
    { name: 'a log takes an older epoch of a producer', trace: t => t.append(1, '0:a', 1, of(7, 2, 0)).append(1, '1:b', 1, of(7, 1, 0)), counts: once, says: ['epoch of producer 7'] },
    { name: 'an older one than was loaded', trace: t => t.load(1, '0:a', { writer: of(7, 2, 0) }).append(1, '1:b', 1, of(7, 1, 0)), counts: once },
  ],
  passes: [
    { name: 'a producer\'s epoch rises', trace: t => t.append(1, '0:a', 1, of(7, 1, 0)).append(1, '1:b', 1, of(7, 2, 0)) },
    { name: 'another producer', trace: t => t.append(1, '0:a', 1, of(7, 2, 0)).append(1, '1:b', 1, of(8, 1, 0)) },
    { name: 'another replica', trace: t => t.append(1, '0:a', 1, of(7, 2, 0)).append(2, '0:x', 0, of(7, 1, 0)) },
    { name: 'records without a producer', trace: t => t.append(1, '0:a', 1, of(7, 2, 0)).append(1, '1:b', 1, of(-1, -1, -1)) },
    { name: 'the newer epoch was truncated', trace: t => t.append(1, '0:a', 1, of(7, 1, 0)).append(1, '1:b', 1, of(7, 2, 0)).truncate(1, 1).append(1, '1:c', 2, of(7, 1, 1)) },
    { name: 'the newer epoch was lost in a crash', trace: t => t.append(1, '0:a', 1, of(7, 2, 0)).crash(1).start(1).load(1, '').append(1, '0:b', 2, of(7, 1, 0)) },
  ],
}

const votes: { shows: TraceCase[]; passes: TraceCase[] } = {
  shows: [
    { name: 'a voter votes twice', trace: t => t.role(101, 'unattached', 5, 102).role(101, 'unattached', 5, 103), counts: once, says: ['controller-101 voted for 102 and for 103 in quorum epoch 5'] },
    { name: 'a vote stays given when the leader becomes known', trace: t => t.role(101, 'unattached', 5, 102).role(101, 'follower', 5).role(101, 'unattached', 5, 103), counts: once },
    { name: 'a voter that restarts votes again', trace: t => t.role(101, 'unattached', 5, 102).role(101, 'follower', 5, 102).crash(101).start(101).role(101, 'unattached', 5, 103), counts: once },
    { name: 'the quorum epoch goes back', trace: t => t.role(101, 'follower', 5).role(101, 'follower', 4), counts: once, says: ['The quorum epoch went back from 5 to 4'] },
    { name: 'the quorum epoch goes back over a restart', trace: t => t.role(101, 'follower', 5).role(101, 'follower', 5).crash(101).start(101).role(101, 'unattached', 4), counts: once },
  ],
  passes: [
    { name: 'the same vote again', trace: t => t.role(101, 'unattached', 5, 102).role(101, 'unattached', 5, 102) },
    { name: 'another vote in another epoch', trace: t => t.role(101, 'unattached', 5, 102).role(101, 'unattached', 6, 103) },
    { name: 'two voters', trace: t => t.role(101, 'unattached', 5, 102).role(103, 'unattached', 5, 103) },
    { name: 'a vote that was told before it was durable, and lost', trace: t => t.role(101, 'unattached', 4).role(101, 'unattached', 5, 102).crash(101).start(101).role(101, 'unattached', 5, 103) },
    { name: 'an epoch that was told before it was durable, and lost', trace: t => t.role(101, 'unattached', 4).role(101, 'unattached', 5).crash(101).start(101).role(101, 'unattached', 4) },
    { name: 'an empty replacement disk', trace: t => t.role(101, 'unattached', 5, 102).role(101, 'follower', 5, 102).start(101, true).role(101, 'unattached', 4, 103) },
    { name: 'an observer has no vote', trace: t => t.role(1, 'follower', 5, -1, false).role(1, 'unattached', 4, -1, false) },
  ],
}

export const EPOCH_CASES: TraceCases = {
  'epoch-regression': { shows: [...partitions.shows, ...producers.shows, ...votes.shows], passes: [...partitions.passes, ...producers.passes, ...votes.passes] },
}
