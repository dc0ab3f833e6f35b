/**
 * Invariants 1-7 of the cluster (section 10 of the semantics, names from Kafka's TLA+ specifications and from
 * RaftEventSimulationTest). Found by the monitors of `checkers/invariants`, which see every node's state.
 */
import type { Anomaly } from '../anomalies.ts'

const REPLICATION = 'https://cwiki.apache.org/confluence/display/KAFKA/KIP-101+-+Alter+Replication+Protocol+to+use+Leader+Epoch+rather+than+High+Watermark+for+Truncation'
const ELIGIBLE = 'https://cwiki.apache.org/confluence/display/KAFKA/KIP-966%3A+Eligible+Leader+Replicas'
const ALTER_ISR = 'https://cwiki.apache.org/confluence/display/KAFKA/KIP-497%3A+Add+inter-broker+API+to+alter+ISR'
const RAFT = 'https://cwiki.apache.org/confluence/display/KAFKA/KIP-595%3A+A+Raft+Protocol+for+the+Metadata+Quorum'
const IDEMPOTENCE = 'https://cwiki.apache.org/confluence/display/KAFKA/KIP-98+-+Exactly+Once+Delivery+and+Transactional+Messaging'

export const WHITE_BOX_ANOMALIES: readonly Anomaly[] = [
  {
    id: 'log-divergence',
    title: 'Replicas disagree',
    checker: 'log-divergence',
    definition: 'Two replicas hold different batches at an offset that both believe committed, or with the same offset and leader epoch.',
    forbiddenBy: ['read-stays'],
    example: ['broker 1: orders-0 offset 41, epoch 3, crc a1', 'broker 2: orders-0 offset 41, epoch 4, crc b2', 'broker 1: high watermark 42', 'broker 2: high watermark 42'],
    falseAlarm: 'Tails above the high watermark may differ until the follower truncates.',
    link: REPLICATION,
  },
  {
    id: 'leader-completeness',
    title: 'A leader lacks committed records',
    checker: 'leader-completeness',
    definition: 'A replica became leader without a record below the largest high watermark that any leader had published.',
    forbiddenBy: ['read-stays'],
    example: ['broker 1: leader of epoch 3, high watermark 10', 'broker 1 dies', 'broker 2: leader of epoch 4, log ends at 8'],
    falseAlarm: 'Unclean elections, and lossy crashes beyond the budget, elect such leaders by design.',
    link: ELIGIBLE,
  },
  {
    id: 'candidate-completeness',
    title: 'An electable replica lacks committed records',
    checker: 'candidate-completeness',
    definition: 'An unfenced member of the controller\'s ISR or ELR lacks a record below the largest published high watermark.',
    forbiddenBy: ['read-stays'],
    example: ['controller: orders-0 ISR [1 2 3]', 'broker 1: leader, high watermark 10', 'broker 3: log ends at 8'],
    falseAlarm: 'Between its restart and its registration a crashed member may be in the ISR without its tail: the controller has yet to drop it, and cannot elect it.',
    link: ELIGIBLE,
  },
  {
    id: 'quorum-superset',
    title: 'The leader counts fewer replicas than the controller could elect',
    checker: 'quorum-superset',
    definition: 'The ISR by which a leader moves its high watermark lacks a member of the controller\'s ISR for the same leader epoch.',
    forbiddenBy: ['read-stays'],
    example: ['controller: orders-0 epoch 3, ISR [1 2 3]', 'broker 1: leader of epoch 3, high watermark 10 by [1 2]', '', 'Replica 3 can be elected without what was just committed.'],
    falseAlarm: 'While a change is under way the leader counts more than the controller; that is the safe side.',
    link: ALTER_ISR,
  },
  {
    id: 'two-leaders-one-epoch',
    title: 'Two leaders in one epoch',
    checker: 'two-leaders-one-epoch',
    definition: 'Two nodes led one partition, or the metadata quorum, in the same leader epoch.',
    forbiddenBy: ['metadata-durable'],
    example: ['broker 1: leader of orders-0, epoch 4', 'broker 2: leader of orders-0, epoch 4'],
    falseAlarm: 'Two leaders at the same time in different epochs: the older is about to learn of its deposition.',
    link: RAFT,
  },
  {
    id: 'metadata-regression',
    title: 'Committed metadata changed',
    checker: 'metadata-regression',
    definition: 'A record of the metadata log below the quorum\'s high watermark was truncated, changed or is missing from a new leader, or the high watermark of one process went back.',
    forbiddenBy: ['metadata-durable'],
    example: ['controller 101: high watermark 40', 'controller 102: leader of epoch 7, log ends at 38'],
    falseAlarm: 'Uncommitted tails are truncated all the time; a single voter may lose what it had not flushed.',
    link: RAFT,
  },
  {
    id: 'epoch-regression',
    title: 'An epoch went back',
    checker: 'epoch-regression',
    definition: 'A leader, partition, broker, producer or quorum epoch decreased where it may only rise, or a voter changed its vote within an epoch.',
    forbiddenBy: ['metadata-durable'],
    example: ['controller 101: voted for 102 in epoch 5', 'controller 101 restarts', 'controller 101: voted for 103 in epoch 5'],
    falseAlarm: 'Changes that a deposed controller made and that never committed; a node with an empty new disk.',
    link: RAFT,
  },
  {
    id: 'hw-regression',
    title: 'A leader\'s high watermark went back',
    checker: 'hw-regression',
    definition: 'Within one leadership the high watermark of the leader decreased, or exceeded its log end.',
    forbiddenBy: ['integrity'],
    example: ['broker 1: leader of epoch 3, high watermark 10', 'broker 1: leader of epoch 3, high watermark 9'],
    falseAlarm: 'A follower\'s high watermark, and a new leader\'s, may lie below what the last leader published.',
    link: REPLICATION,
  },
  {
    id: 'log-start-regression',
    title: 'The start of a log went back',
    checker: 'log-start',
    definition: 'The log start offset of a running replica decreased, or passed its high watermark.',
    forbiddenBy: ['integrity'],
    example: ['broker 1: orders-0 log start 20', 'broker 1: orders-0 log start 10'],
    falseAlarm: 'After a restart the log start is a hint from a checkpoint and may be lower.',
  },
  {
    id: 'premature-removal',
    title: 'Retention removed too much',
    checker: 'log-start',
    definition: 'Retention removed a segment that neither retention.ms, by the node\'s own clock, nor retention.bytes permitted, or one that reached above the high watermark.',
    forbiddenBy: ['integrity'],
    example: ['orders-0: retention.ms 60000', 'broker 1: removes offsets 0-9, youngest record 20 s old'],
    falseAlarm: 'Segments expire by the largest timestamp that producers wrote and by the broker\'s wall clock: a clock that is ahead removes early, and may.',
  },
  {
    id: 'producer-state-mismatch',
    title: 'Producer state does not match the log',
    checker: 'producer-state',
    definition: 'What a replica remembers of a producer (epoch, last sequence number) differs from a replay of its own log.',
    forbiddenBy: ['no-duplicate'],
    example: ['orders-0: last batch of producer 7 ends with sequence 12', 'broker 2: leader, remembers sequence 9 of producer 7'],
    falseAlarm: 'Producers whose batches retention has removed; producers that have expired.',
    link: IDEMPOTENCE,
  },
  {
    id: 'broker-assertion',
    title: 'A server died of its own assertion',
    checker: 'broker-assertion',
    definition: 'A broker or controller met a state that its own code declares impossible, and stopped.',
    forbiddenBy: [],
    example: ['controller 102: truncation of committed metadata: to 38, high watermark 40', 'controller 102 stops'],
    falseAlarm: 'A process that the nemesis killed, or one that stopped on purpose.',
  },
]
