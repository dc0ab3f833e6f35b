/**
 * Anomalies of data types (sets, queues, counters, ids, banks, as Jepsen's checkers name them), of pipelines and of groups. Found in histories that
 * were recorded anywhere; what they break is the promise of the data type, not one of Kafka's guarantees.
 */
import type { Anomaly } from '../anomalies.ts'

const JEPSEN = 'https://github.com/jepsen-io/jepsen/blob/main/jepsen/src/jepsen/checker.clj'
const BANK = 'https://github.com/jepsen-io/jepsen/blob/main/jepsen/src/jepsen/tests/bank.clj'
const EOS = 'https://cwiki.apache.org/confluence/display/KAFKA/KIP-98+-+Exactly+Once+Delivery+and+Transactional+Messaging'
const KIP932 = 'https://cwiki.apache.org/confluence/display/KAFKA/KIP-932%3A+Queues+for+Kafka'
const KIP848 = 'https://cwiki.apache.org/confluence/display/KAFKA/KIP-848%3A+The+Next+Generation+of+the+Consumer+Rebalance+Protocol'
const LINEARIZABLE = 'https://jepsen.io/consistency/models/linearizable'
const SNAPSHOT = 'https://jepsen.io/consistency/models/snapshot-isolation'

export const COLLECTION_ANOMALIES: readonly Anomaly[] = [
  {
    id: 'lost-element', title: 'Element of a set lost', checker: 'set-full',
    definition: 'An element was known to be in a set (its addition was acknowledged, or a read had it), and the last read that began after that lacks it.',
    forbiddenBy: [], promise: 'Durability: what was acknowledged stays.', link: JEPSEN,
    example: ['client 1: add 7             ok', 'client 2: read              ok, [6 7]', 'client 2: read              ok, [6]', '', '7 was known, and no read sees it any more.'],
    falseAlarm: 'Additions without an answer that nobody read; a read that began before the addition was acknowledged; a set from which elements are removed.',
  },
  {
    id: 'stale-element', title: 'Element of a set missing for a while', checker: 'set-full',
    definition: 'A read that began after an element was known lacks it, and a later read has it again.',
    forbiddenBy: [], promise: 'Linearizability: what was acknowledged is seen by everyone at once. Counted only, unless --linearizable is given.', link: LINEARIZABLE,
    example: ['client 1: add 7             ok', 'client 2: read              ok, [6]', 'client 2: read              ok, [6 7]'],
    falseAlarm: 'A set that promises to converge only; a read that ran while the addition did.',
  },
  {
    id: 'never-read-element', title: 'Element of a set never read', checker: 'set-full',
    definition: 'No read could tell whether an element is in the set: none began after it was known. Counted, never failed.',
    forbiddenBy: 'never',
    example: ['client 2: read              ok, [6]', 'client 1: add 7             ok', 'the history ends'],
    falseAlarm: 'It is never a failure; many of them mean that the history should end with a read.',
  },
  {
    id: 'unexpected-element', title: 'Element that nobody added', checker: 'set',
    definition: 'A read contains an element that nobody had begun to add when it was answered, or whose addition definitely failed.',
    forbiddenBy: [], promise: 'Integrity: a set holds only what was put into it.', link: JEPSEN,
    example: ['client 1: add 7             fail', 'client 2: read              ok, [6 7]', '', '7 failed, and is there.'],
    falseAlarm: 'A time-out recorded as a failure: its outcome is unknown, and `info` is the right type; a set that was not empty at the start.',
  },
  {
    id: 'duplicate-element', title: 'Element twice in a set', checker: 'set',
    definition: 'One read contains an element more than once.',
    forbiddenBy: [], promise: 'Sets: an element is in it or not.', link: JEPSEN,
    example: ['client 1: add 7             ok, after a retry', 'client 2: read              ok, [6 7 7]'],
    falseAlarm: 'A list or a log that is read as a set, where adding twice means having it twice.',
  },
  {
    id: 'lost-message', title: 'Message of a queue lost', checker: 'total-queue',
    definition: 'The enqueue of a message was acknowledged, the queue was emptied, and the message did not come out.',
    forbiddenBy: [], promise: 'Durability: what goes in comes out.', link: JEPSEN,
    example: ['client 1: enqueue 7         ok', 'client 1: enqueue 8         ok', 'client 2: drain             ok, [8]', '', '7 never came out.'],
    falseAlarm: 'A queue that was not emptied at the end; a dequeue whose answer was lost, which may have taken it (then the verdict is unknown).',
  },
  {
    id: 'unexpected-message', title: 'Message that nobody put in', checker: 'total-queue',
    definition: 'A message came out that nobody had begun to enqueue by then, or whose enqueue definitely failed.',
    forbiddenBy: [], promise: 'Integrity: a queue gives only what was put into it.', link: JEPSEN,
    example: ['client 2: dequeue           ok, 9', '', 'Nobody enqueued 9.'],
    falseAlarm: 'A queue that was not empty at the start; a time-out recorded as a failure.',
  },
  {
    id: 'duplicate-message', title: 'Message of a queue twice', checker: 'total-queue',
    definition: 'A message came out more often than it can have been put in.',
    forbiddenBy: [], promise: 'Delivery at most once. Allowed with --duplicates, for queues that deliver at least once.', link: JEPSEN,
    example: ['client 1: enqueue 7         ok', 'client 2: dequeue           ok, 7', 'client 3: dequeue           ok, 7'],
    falseAlarm: 'Equal messages that were enqueued by several clients; redelivery after a consumer died, which at-least-once queues promise.',
  },
  {
    id: 'recovered-message', title: 'Message of unknown fate that was there after all', checker: 'total-queue',
    definition: 'A message came out whose enqueue was never acknowledged. Counted, never failed.',
    forbiddenBy: 'never',
    example: ['client 1: enqueue 7         info, timeout', 'client 2: dequeue           ok, 7'],
    falseAlarm: 'It is never a failure: an enqueue without an answer may have happened.',
  },
  {
    id: 'duplicate-id', title: 'Id given out twice', checker: 'unique-ids',
    definition: 'Two calls of generate were answered with the same id.',
    forbiddenBy: [], promise: 'Uniqueness: an id is given out once.', link: JEPSEN,
    example: ['client 1: generate          ok, 17', 'client 2: generate          ok, 17'],
    falseAlarm: 'One answer recorded twice; an id whose answer was lost, and that is then given to somebody else.',
  },
  {
    id: 'counter-out-of-bounds', title: 'Counter outside of its bounds', checker: 'counter',
    definition: 'A read of a counter is less than what had surely been added when it began, or more than what may have been added when it was answered.',
    forbiddenBy: [], promise: 'Counting: every acknowledged addition counts once.', link: JEPSEN,
    example: ['client 1: add 1             ok', 'client 1: add 1             info, timeout', 'client 2: read              ok, 3', '', 'At least 1 and at most 2 was added.'],
    falseAlarm: 'A counter that does not start at 0; a time-out recorded as a failure.',
  },
  {
    id: 'wrong-total', title: 'Balances do not add up', checker: 'bank',
    definition: 'A read of all accounts does not add up to the total, which transfers never change.',
    forbiddenBy: [], promise: 'Snapshot isolation: a read sees all of a transfer or nothing of it.', link: SNAPSHOT,
    example: ['client 1: read              ok, a 10, b 10', 'client 2: transfer 5, a > b ok', 'client 1: read              ok, a 10, b 15', '', '25 instead of 20: one side of the transfer was seen without the other.'],
    falseAlarm: 'Deposits from outside; a read that is not of all accounts; a total given wrongly (--total).',
  },
  {
    id: 'negative-balance', title: 'Account overdrawn', checker: 'bank',
    definition: 'A read shows a balance below zero, where transfers are refused that the account does not cover.',
    forbiddenBy: [], promise: 'Serializability: two transfers do not spend the same money (write skew).', link: BANK,
    example: ['client 1: transfer 8, a > b  ok', 'client 2: transfer 8, a > c  ok', 'client 3: read               ok, a -6, b 8, c 8'],
    falseAlarm: 'Accounts that may be overdrawn (--negative-balances).',
  },
  {
    id: 'unexpected-account', title: 'Account that there is not', checker: 'bank',
    definition: 'A read shows an account that is not one of the accounts of the test.',
    forbiddenBy: [], promise: 'Integrity: transfers create no accounts.', link: BANK,
    example: ['client 1: read              ok, a 10, b 10', 'client 1: read              ok, a 10, b 10, z 0'],
    falseAlarm: 'Accounts that are opened during the test: name them all with --accounts.',
  },
  {
    id: 'missing-balance', title: 'Account without a balance', checker: 'bank',
    definition: 'A read shows an account whose balance is null.',
    forbiddenBy: [], promise: 'Integrity: every account has a balance at all times.', link: BANK,
    example: ['client 1: read              ok, a 10, b 10', 'client 1: read              ok, a nil, b 10'],
    falseAlarm: 'A client that writes null for accounts that it did not ask for.',
  },
  {
    id: 'missing-output', title: 'Input without an output', checker: 'exactly-once',
    definition: 'An input of a pipeline was acknowledged, everything has settled, and there is no committed output that comes from it.',
    forbiddenBy: [], promise: 'Exactly once: each input has one committed output. At-most-once delivery allows it.', link: EOS,
    example: ['client 1: input in-0 5        ok', 'pipeline: output in-0 5       fail, aborted', 'drain:    read-outputs        ok, []', '', 'The reader went past offset 5 without its output.'],
    falseAlarm: 'Outputs that were read before the pipeline had caught up; inputs that it filters out by design: leave them out of the history.',
  },
  {
    id: 'duplicate-output', title: 'Input with two outputs', checker: 'exactly-once',
    definition: 'Two committed outputs come from one input.',
    forbiddenBy: [], promise: 'Exactly once: each input has one committed output. At-least-once delivery allows it.', link: EOS,
    example: ['client 1: input in-0 5        ok', 'pipeline: output in-0 5       info, timeout', 'pipeline: output in-0 5       ok', 'drain:    read-outputs        ok, [[in-0 5] [in-0 5]]'],
    falseAlarm: 'Outputs read with read_uncommitted, where aborted ones are seen as well; one input that makes several outputs by design: give each a key of its own.',
  },
  {
    id: 'unexpected-output', title: 'Output that was aborted or never written', checker: 'exactly-once',
    definition: 'There is a committed output of an input although every attempt to write one was definitely aborted, or none was made.',
    forbiddenBy: [], promise: 'Atomicity: an aborted transaction leaves nothing to read.', link: EOS,
    example: ['pipeline: output in-0 5       fail, aborted', 'drain:    read-outputs        ok, [[in-0 5]]'],
    falseAlarm: 'An attempt of unknown outcome recorded as failed: an EndTxn without an answer is info; outputs from before the test.',
  },
  {
    id: 'double-ownership', title: 'Partition with two owners', checker: 'groups',
    definition: 'Two members of a group were assigned one partition in the same generation.',
    forbiddenBy: [], promise: 'Groups: a partition has at most one owner in a generation (member epoch under KIP-848).', link: KIP848,
    example: ['a: assign generation 7, orders-0   ok', 'b: assign generation 7, orders-0   ok'],
    falseAlarm: 'Owners of different generations: the old one may not have heard yet; groups of different names.',
  },
  {
    id: 'unassigned-partition', title: 'Partition without an owner in a stable group', checker: 'groups',
    definition: 'A group is stable, and one of the partitions that it subscribes to belongs to nobody.',
    forbiddenBy: [], promise: 'Groups: a stable group owns all its partitions.', link: KIP848,
    example: ['admin: stable                 ok, a: orders-0 of orders-0, orders-1'],
    falseAlarm: 'A description taken during a rebalance; partitions that were added a moment ago.',
  },
  {
    id: 'fenced-commit', title: 'Commit of a fenced member', checker: 'groups',
    definition: 'A commit in an old generation was acknowledged although it began after another member had been assigned the partition in a later one.',
    forbiddenBy: [], promise: 'Groups: commits of members of an earlier generation are refused.', link: 'https://cwiki.apache.org/confluence/display/KAFKA/KIP-345%3A+Introduce+static+membership+protocol+to+reduce+consumer+rebalances',
    example: ['a: assign generation 7, orders-0   ok', 'b: assign generation 8, orders-0   ok', 'a: commit generation 7, orders-0 5 ok', '', 'a was no longer the owner, and its commit overwrote that of b.'],
    falseAlarm: 'A commit that was under way when the partition moved; one that was refused, which is recorded as fail.',
  },
  {
    id: 'commit-regression', title: 'Committed offset went back', checker: 'groups',
    definition: 'A committed offset was read that is older than one acknowledged before the question, and no commit in between explains it.',
    forbiddenBy: [], promise: 'Groups: a committed offset stays until a later commit replaces it.', link: 'https://kafka.apache.org/documentation/#impl_offsettracking',
    example: ['a: commit orders-0 5          ok', 'a: commit orders-0 9          ok', 'the coordinator fails over', 'b: fetch orders-0             ok, 5'],
    falseAlarm: 'A commit of unknown fate, which may arrive late; a deliberate reset, which is a commit as well; offsets that expired with the group.',
  },
  {
    id: 'invented-commit', title: 'Committed offset from nowhere', checker: 'groups',
    definition: 'A committed offset was read that nobody had begun to commit.',
    forbiddenBy: [], promise: 'Integrity: only what was committed is read.', link: 'https://kafka.apache.org/documentation/#impl_offsettracking',
    example: ['a: commit orders-0 5          ok', 'b: fetch orders-0             ok, 7'],
    falseAlarm: 'Commits from before the test; a member that is not in the history.',
  },
  {
    id: 'undelivered-record', title: 'Record that a share group handed to nobody', checker: 'share-group',
    definition: 'All has settled, a share group has nothing left to hand out, and a record of the log was never handed to a member of it.',
    forbiddenBy: [], promise: 'Share groups deliver every record at least once.', link: KIP932,
    example: ['producer: send v7              ok, jobs-0 offset 4', 'a: acquire                     ok, offset 3', 'b: acquire                     ok, offset 5', '', 'Nobody was handed offset 4.'],
    falseAlarm: 'Records from before the group began, with share.auto.offset.reset=latest; records that a lock was lost on before the client saw the answer, and that were given up after too many deliveries.',
  },
  {
    id: 'redelivered-record', title: 'Record handed out after it was done with', checker: 'share-group',
    definition: 'A member asked for records after another had accepted or rejected one, or released it for the last time, and that was confirmed; and it was handed that record.',
    forbiddenBy: [], promise: 'Share groups: an acknowledgement that is confirmed is final.', link: KIP932,
    example: ['a: acquire                     ok, offset 4', 'a: acknowledge offset 4 accept ok', 'the leader of the partition fails over', 'b: acquire                     ok, offset 4'],
    falseAlarm: 'An acknowledgement of unknown fate; one that was refused; a group whose offsets an admin has reset.',
  },
  {
    id: 'repeated-delivery', title: 'Record of a share group handed out again', checker: 'share-group',
    definition: 'A record was handed out more often than members have released it. Counted, never failed.',
    forbiddenBy: 'never', link: KIP932,
    example: ['a: acquire                     ok, offset 4, delivery 1', 'a dies', 'b: acquire                     ok, offset 4, delivery 2'],
    falseAlarm: 'It is never a failure: share groups deliver at least once.',
  },
  {
    id: 'too-many-deliveries', title: 'Record delivered more often than the limit', checker: 'share-group',
    definition: 'A record was handed out with a delivery count above the limit of its group.',
    forbiddenBy: [], promise: 'Share groups archive a record after group.share.delivery.count.limit deliveries.', link: KIP932,
    example: ['limit 5', 'a: acquire                     ok, offset 4, delivery 6'],
    falseAlarm: 'A limit that was lowered while the record was in flight.',
  },
  {
    id: 'wrong-record', title: 'Share group hands out something else than the log holds', checker: 'share-group',
    definition: 'A member was handed a value at an offset where the log holds another one, or two members were handed different ones.',
    forbiddenBy: ['integrity'], link: KIP932,
    example: ['a: acquire                     ok, jobs-0 offset 4, v7', 'drain: jobs-0 offset 4, v9'],
    falseAlarm: 'A topic that was deleted and made anew between the two.',
  },
]
