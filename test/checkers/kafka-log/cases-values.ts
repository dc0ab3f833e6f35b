/**
 * What should not be there: inconsistent-offsets, duplicate, invented-value, aborted-read. Evidence decides which promise
 * is broken: what only an acknowledgement says, what readers saw, or what one drain saw.
 */
import type { Cases } from '../history-fixture.ts'
import { KEY } from '../history-fixture.ts'

const acks1 = { acks: 1 } as const
const unclean = { uncleanLeaderElection: true } as const
const retrying = { idempotence: false, retries: true } as const

export const VALUE_CASES: Cases = {
  'inconsistent-offsets': {
    shows: [
      { name: 'two readers disagree', history: h => h.send(1, 'a', 'info').send(2, 'b', 'info').poll(3, '4:a').fault('the leader changes').poll(4, '4:b'), counts: { 'inconsistent-offsets': 1 }, says: ['Offset 4 of orders-0 holds record a and record b', 'the leader changes'] },
      { name: 'an acknowledgement and a reader disagree', history: h => h.send(1, 'a', 4).send(2, 'b', 'info').poll(3, '4:b'), counts: { 'inconsistent-offsets': 1 }, says: ['was acknowledged for record a and holds record b'] },
      { name: 'two acknowledgements disagree', history: h => h.send(1, 'a', 4).send(2, 'b', 4), counts: { 'inconsistent-offsets': 1 }, says: ['was acknowledged for record a and for record b'] },
      { name: 'three values at one offset', history: h => h.send(1, 'a', 'info').send(2, 'b', 'info').send(3, 'c', 'info').poll(4, '4:a').poll(5, '4:b').poll(6, '4:c').poll(7, '4:c'), counts: { 'inconsistent-offsets': 2 } },
      { name: 'acks=1 is no excuse where readers disagree', history: h => h.send(1, 'a', 'info').send(2, 'b', 'info').poll(3, '4:a').poll(4, '4:b'), config: acks1, counts: { 'inconsistent-offsets': 1 } },
      { name: 'nothing excuses two values in the drained log', history: h => h.send(1, 'a', 'info').send(2, 'b', 'info').drain('4:a').drain('4:b', 91), config: { ...unclean, ...acks1 }, counts: { 'inconsistent-offsets': 1 } },
    ],
    passes: [
      { name: 'the same record, read twice', history: h => h.sends('a').poll(3, '0:a').poll(4, '0:a') },
      { name: 'the same offset of two partitions', history: h => h.sends('a').send(2, 'b', 0, 'orders-1').poll(3, { [KEY]: '0:a', 'orders-1': '0:b' }) },
      { name: 'equal records that are no strings', history: h => h.send(1, { id: 1 }, 0).op(2, 'poll', [['poll']], [['poll', { [KEY]: [[0, { id: 1 }]] }]]).op(3, 'poll', [['poll']], [['poll', { [KEY]: [[0, { id: 1 }]] }]]) },
      { name: 'unequal records that are no strings', history: h => h.send(1, { id: 1 }, 'info').send(2, { id: 2 }, 'info').op(3, 'poll', [['poll']], [['poll', { [KEY]: [[0, { id: 1 }]] }]]).op(4, 'poll', [['poll']], [['poll', { [KEY]: [[0, { id: 2 }]] }]]), counts: { 'inconsistent-offsets': 1 } },
      { name: 'unclean elections replace what was read', history: h => h.send(1, 'a', 'info').send(2, 'b', 'info').poll(3, '4:a').poll(4, '4:b'), config: unclean, counts: { 'inconsistent-offsets': 1 }, allowed: ['inconsistent-offsets'] },
      { name: 'acks=1: an acknowledged offset nobody had read is given away', history: h => h.send(1, 'a', 4).send(2, 'b', 'info').poll(3, '4:b'), config: acks1, counts: { 'inconsistent-offsets': 1 }, allowed: ['inconsistent-offsets'] },
      { name: 'acks=1: two acknowledgements', history: h => h.send(1, 'a', 4).send(2, 'b', 4), config: acks1, counts: { 'inconsistent-offsets': 1 }, allowed: ['inconsistent-offsets'] },
      { name: 'the topic was deleted and created again', history: h => h.send(1, 'a', 0).poll(3, '0:a').change(5, 'delete-topic', { topic: 'orders' }).change(5, 'create-topic', { topic: 'orders', partitions: 1 }).send(2, 'b', 0).poll(4, '0:b') },
    ],
    indeterminate: [
      { name: 'sends of unknown fate have no offset', history: h => h.send(1, 'a', 4).send(2, 'b', 'info').send(3, 'c', 'open').poll(4, '4:a') },
      { name: 'a deletion of unknown fate', history: h => h.send(1, 'a', 0).change(5, 'delete-topic', { topic: 'orders' }, 'open').poll(3, '0:a').send(2, 'b', 0) },
      { name: 'a deletion that failed', history: h => h.send(1, 'a', 0).change(5, 'delete-topic', { topic: 'orders' }, 'fail').send(2, 'b', 0), counts: { 'inconsistent-offsets': 1 } },
      { name: 'a poll of unknown fate has read what it returned', history: h => h.send(1, 'a', 4).send(2, 'b', 'info').invoke(3, 'poll', [['poll']]).complete(3, 'info', [['poll', { [KEY]: [[4, 'b']] }]]), counts: { 'inconsistent-offsets': 1 } },
    ],
  },
  duplicate: {
    shows: [
      { name: 'twice in one poll', history: h => h.send(1, 'a', 'info').poll(2, '4:a 5:a'), counts: { duplicate: 1 }, says: ['Record a lies at offsets 4 and 5 of orders-0', '"producer":1'] },
      { name: 'in polls of two readers', history: h => h.send(1, 'a', 5).poll(2, '4:a').poll(3, '5:a'), counts: { duplicate: 1 } },
      { name: 'acknowledged at one offset, read at another', history: h => h.send(1, 'a', 5).poll(2, '4:a'), counts: { duplicate: 1 }, says: ['acknowledged at offset 5', 'offset 4'] },
      { name: 'read before it is acknowledged at another', history: h => h.begin(1, 'a').poll(2, '4:a').answer(1, 5), counts: { duplicate: 1 } },
      { name: 'twice in the drained log, whatever was elected', history: h => h.send(1, 'a', 'info').drain('0:a 1:a'), config: unclean, counts: { duplicate: 1 } },
      { name: 'seen twice before, and twice in the drained log', history: h => h.send(1, 'a', 'info').poll(2, '4:a 5:a').drain('4:a 5:a'), config: unclean, counts: { duplicate: 1 } },
      { name: 'without retries', history: h => h.send(1, 'a', 'info').poll(2, '4:a 5:a'), config: { idempotence: false, retries: false }, counts: { duplicate: 1 } },
      { name: 'four copies are one duplicate', history: h => h.send(1, 'a', 'info').poll(2, '4:a 5:a 6:a 7:a'), counts: { duplicate: 1 }, says: ['offsets 4 and 5 and 6 and 7'] },
    ],
    passes: [
      { name: 'the same offset again, after a seek', history: h => h.sends('a b').poll(2, '0:a 1:b').move(2, 'seek', KEY).poll(2, '0:a 1:b') },
      { name: 'retries without idempotence', history: h => h.send(1, 'a', 'info').poll(2, '4:a 5:a'), config: retrying, counts: { duplicate: 1 }, allowed: ['duplicate'] },
      { name: 'unclean elections: an earlier log had it elsewhere', history: h => h.send(1, 'a', 'info').poll(2, '4:a').drain('5:a'), config: unclean, counts: { duplicate: 1 }, allowed: ['duplicate'] },
      { name: 'acks=1: the acknowledged copy was lost', history: h => h.send(1, 'a', 5).poll(2, '4:a'), config: acks1, counts: { duplicate: 1 }, allowed: ['duplicate'] },
      { name: 'equal offsets of two records', history: h => h.send(1, 'a', 0).send(1, 'b', 0, 'orders-1').poll(2, { [KEY]: '0:a', 'orders-1': '0:b' }) },
      { name: 'the topic was deleted', history: h => h.send(1, 'a', 'info').change(3, 'delete-topic', { topic: 'orders' }).poll(2, '4:a 5:a') },
    ],
    indeterminate: [
      { name: 'of unknown fate and there once', history: h => h.send(1, 'a', 'info').send(2, 'b', 'open').poll(3, '4:a 5:b') },
      { name: 'still open, and there twice', history: h => h.send(1, 'a', 'open').poll(3, '4:a 5:a'), counts: { duplicate: 1 } },
      { name: 'failed, and there twice', history: h => h.send(1, 'a', 'fail').poll(3, '4:a 5:a'), counts: { duplicate: 1, 'aborted-read': 1 } },
    ],
  },
  'invented-value': {
    shows: [
      { name: 'nobody sent it', history: h => h.poll(2, '4:ghost'), counts: { 'invented-value': 1 }, says: ['Record ghost was read from orders-0, but nobody ever sent it'] },
      { name: 'it was sent to another partition', history: h => h.send(1, 'a', 4, 'orders-1').poll(2, '4:a'), counts: { 'invented-value': 1 }, says: ['it was sent to orders-1'] },
      { name: 'it was sent only later', history: h => h.poll(2, '4:a').send(1, 'a', 4), counts: { 'invented-value': 1 }, says: ['it was sent only later'] },
      { name: 'sent to a topic, read in two partitions', history: h => h.send(1, 'a', 'info', 'orders').poll(2, { 'orders-1': '4:a' }).poll(3, '4:a'), counts: { 'invented-value': 1 } },
      { name: 'acknowledged in one partition after it was read in another', history: h => h.begin(1, 'a', undefined, 'orders').poll(2, { 'orders-1': '4:a' }).answer(1, 4, KEY), counts: { 'invented-value': 1 }, says: ['it was sent to orders-0'] },
      { name: 'no configuration allows it', history: h => h.poll(2, '4:ghost'), config: { ...unclean, acks: 0, idempotence: false, lossyCrashes: 3 }, counts: { 'invented-value': 1 } },
      { name: 'every read of it counts, one spoils nothing else', history: h => h.sends('a b').poll(2, '0:a 1:ghost').poll(3, '0:a 1:ghost').poll(4, '0:a 1:b'), counts: { 'invented-value': 2, 'inconsistent-offsets': 1 } },
    ],
    passes: [
      { name: 'sent to the topic, read in one of its partitions', history: h => h.begin(1, 'a', undefined, 'orders').answer(1, 4, KEY).poll(2, '4:a') },
      { name: 'read after it was invoked, before it is acknowledged', history: h => h.begin(1, 'a').poll(2, '4:a').answer(1, 4) },
      { name: 'a topic whose name has a dash', history: h => h.begin(1, 'a', undefined, 'my-orders').poll(2, { 'my-orders-0': '4:a' }).answer(1, 4, 'my-orders-0') },
      { name: 'numbers are not their texts', history: h => h.send(1, 17, 4).poll(2, '4:17'), counts: { 'invented-value': 1, 'inconsistent-offsets': 1 } },
    ],
    indeterminate: [
      { name: 'of unknown fate, it may be read', history: h => h.send(1, 'a', 'info').poll(2, '4:a') },
      { name: 'open, it may be read', history: h => h.send(1, 'a', 'open', 'orders').poll(2, '4:a') },
      { name: 'a poll of unknown fate invents as well', history: h => h.invoke(3, 'poll', [['poll']]).complete(3, 'info', [['poll', { [KEY]: [[4, 'ghost']] }]]), counts: { 'invented-value': 1 } },
    ],
  },
  'aborted-read': {
    shows: [
      { name: 'its writer was told that it failed', history: h => h.send(1, 'a', 'fail').poll(2, '4:a'), counts: { 'aborted-read': 1 }, says: ['although its write had failed', 'MESSAGE_TOO_LARGE'] },
      { name: 'a failed transaction, read_committed', history: h => h.compound(1, 'fail', ['a', 0], ['b', 1]).poll(2, '4:a'), counts: { 'aborted-read': 1 } },
      { name: 'read_uncommitted excuses only transactions', history: h => h.send(1, 'a', 'fail').poll(2, '4:a'), config: { isolation: 'read_uncommitted' }, counts: { 'aborted-read': 1 } },
      { name: 'a failed transaction, read by both', history: h => h.compound(1, 'fail', ['a', 0], ['b', 1]).poll(2, '4:a', { isolation: 'read_uncommitted' }).poll(3, '4:a'), counts: { 'aborted-read': 1 } },
      { name: 'read before it failed', history: h => h.begin(1, 'a').poll(2, '4:a').answer(1, 'fail'), counts: { 'aborted-read': 1 } },
    ],
    passes: [
      { name: 'failed and not read', history: h => h.send(1, 'a', 'fail').send(1, 'b', 0).poll(2, '0:b') },
      { name: 'a failed transaction whose abort marker may be lost, as with unclean elections', history: h => h.compound(1, 'fail', ['a', 0], ['b', 1]).poll(2, '4:a'), config: { uncleanLeaderElection: true }, counts: { 'aborted-read': 1 }, allowed: ['aborted-read'] },
      { name: 'a failed transaction, read_uncommitted: counted, not wrong', history: h => h.compound(1, 'fail', ['a', 0], ['b', 1]).poll(2, '4:a'), config: { isolation: 'read_uncommitted' }, counts: { 'aborted-read': 1 }, bad: {} },
      { name: 'a failed transaction, read by a read_uncommitted reader beside others', history: h => h.compound(1, 'fail', ['a', 0], ['b', 1]).poll(2, '4:a', { isolation: 'read_uncommitted' }), counts: { 'aborted-read': 1 }, bad: {} },
      { name: 'what a read_uncommitted reader got need not be in the end, and others pass over it', history: h => h.compound(7, 'info', ['a', 0], ['b', 1]).sends('c d').poll(2, '0:c 1:d 4:a', { isolation: 'read_uncommitted' }).poll(3, '0:c').poll(3, '1:d').drain('0:c 1:d') },
      { name: 'the topic was deleted', history: h => h.send(1, 'a', 'fail').change(3, 'delete-topic', { topic: 'orders' }).poll(2, '4:a') },
    ],
    indeterminate: [
      { name: 'a time-out is no failure', history: h => h.send(1, 'a', 'info').poll(2, '4:a') },
      { name: 'no answer is no failure', history: h => h.send(1, 'a', 'open').poll(2, '4:a') },
      { name: 'a transaction of unknown fate', history: h => h.compound(1, 'info', ['a', 0], ['b', 1]).poll(2, '4:a 5:b') },
      { name: 'acks=0 is no failure', history: h => h.send(1, 'a', 'acks=0').poll(2, '4:a') },
    ],
  },
}
