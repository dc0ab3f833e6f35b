/**
 * The order of one producer's records: reorder, nonmonotonic-send, int-nonmonotonic-send, int-send-skip. A pipelining
 * producer has each operation under a process of its own and is told by the field `producer`.
 */
import type { Cases } from '../history-fixture.ts'
import { KEY } from '../history-fixture.ts'

const acks1 = { acks: 1 } as const
const pipelining = { idempotence: false, maxInFlight: 5 } as const
const oneInFlight = { idempotence: false, maxInFlight: 1 } as const
const unclean = { uncleanLeaderElection: true } as const

export const SEND_CASES: Cases = {
  reorder: {
    shows: [
      { name: 'the later record lies before the acknowledged earlier one', history: h => h.send(1, 'a', 5).send(1, 'b', 'info').poll(2, '4:b 5:a'), counts: { reorder: 1 }, says: ['Record b lies before record a in orders-0, but was sent after it', '"offsets":[5,4]'] },
      { name: 'both in flight at once, one producer', history: h => h.begin(1, 'a', 'p').begin(2, 'b', 'p').answer(2, 4).answer(1, 5).poll(3, '4:b 5:a'), counts: { reorder: 1, 'nonmonotonic-send': 1 } },
      { name: 'in the drained log', history: h => h.send(1, 'a', 1).send(1, 'b', 'info').drain('0:b 1:a'), counts: { reorder: 1 } },
      { name: 'one request in flight and nothing lost: it is owed without idempotence', history: h => h.send(1, 'a', 5).send(1, 'b', 'info').poll(2, '4:b 5:a'), config: oneInFlight, counts: { reorder: 1 } },
      { name: 'against the largest of all that came before', history: h => h.send(1, 'a', 7).send(1, 'b', 8).send(1, 'c', 'info').send(3, 'x', 'info').poll(2, '6:c 7:a 8:b 9:x'), counts: { reorder: 1 }, says: ['Record c lies before record b'] },
      { name: 'each later record once', history: h => h.send(1, 'a', 6).send(1, 'b', 4).send(1, 'c', 5).poll(2, '4:b 5:c 6:a'), counts: { reorder: 2, 'nonmonotonic-send': 2 } },
    ],
    passes: [
      { name: 'in order', history: h => h.begin(1, 'a', 'p').begin(2, 'b', 'p').answer(2, 5).answer(1, 4).poll(3, '4:a 5:b') },
      { name: 'two producers', history: h => h.begin(1, 'a', 'p').begin(2, 'b', 'q').answer(2, 4).answer(1, 5).poll(3, '4:b 5:a') },
      { name: 'two processes are two producers unless told otherwise', history: h => h.begin(1, 'a').begin(2, 'b').answer(2, 4).answer(1, 5).poll(3, '4:b 5:a') },
      { name: 'two partitions', history: h => h.send(1, 'a', 5).send(1, 'b', 4, 'orders-1').poll(3, { [KEY]: '5:a', 'orders-1': '4:b' }) },
      { name: 'several requests in flight without idempotence', history: h => h.send(1, 'a', 5).send(1, 'b', 'info').poll(2, '4:b 5:a'), config: pipelining, counts: { reorder: 1 }, allowed: ['reorder'] },
      { name: 'one in flight with retries, but acks=1: a lost first copy may come again', history: h => h.send(1, 'a', 5).send(1, 'b', 'info').poll(2, '4:b 5:a'), config: { ...oneInFlight, ...acks1 }, counts: { reorder: 1 }, allowed: ['reorder'] },
      { name: 'the drained log is in order, an older one was not', history: h => h.send(1, 'a', 1).send(1, 'b', 'info').poll(2, '0:b').drain('1:a 2:b'), config: unclean, counts: { duplicate: 1 }, allowed: ['duplicate'] },
      { name: 'the lowest copy of the drained log counts, in whatever order it was read', history: h => h.send(1, 'a', 0).send(1, 'b', 'info').drain('2:a').drain('0:a 1:b', 91), counts: { duplicate: 1 } },
      {
        name: 'the first copy has expired, what is left is a late retry',
        history: h => h.send(1, 'a', 1).send(1, 'b', 5).drain('5:b 7:a'), logStart: { [KEY]: 3 }, config: oneInFlight, counts: { duplicate: 1 }, allowed: ['duplicate'],
      },
      { name: 'the topic was deleted', history: h => h.send(1, 'a', 5).send(1, 'b', 'info').change(3, 'delete-topic', { topic: 'orders' }).poll(2, '4:b 5:a') },
    ],
    indeterminate: [
      { name: 'an earlier record of unknown fate behind a later one is allowed', history: h => h.begin(1, 'a', 'p').answer(1, 'info').begin(2, 'b', 'p').answer(2, 4).poll(3, '4:b 5:a'), counts: { reorder: 1 }, allowed: ['reorder'] },
      { name: 'an acknowledged one still counts next to it', history: h => h.begin(1, 'a', 'p').answer(1, 'info').begin(2, 'b', 'p').begin(3, 'c', 'p').answer(2, 5).answer(3, 4).poll(4, '4:c 5:b 6:a'), counts: { reorder: 2, 'nonmonotonic-send': 1 }, says: ['Record c lies before record b'], bad: { reorder: 1, 'nonmonotonic-send': 1 } },
      { name: 'unknown and not there', history: h => h.begin(1, 'a', 'p').answer(1, 'info').begin(2, 'b', 'p').answer(2, 4).poll(3, '4:b') },
    ],
  },
  'nonmonotonic-send': {
    shows: [
      { name: 'acknowledged offsets go back', history: h => h.send(1, 'a', 9).send(1, 'b', 6), counts: { 'nonmonotonic-send': 1 }, says: ['got offset 6 of orders-0 after offset 9'] },
      { name: 'of one pipelining producer', history: h => h.begin(1, 'a', 'p').begin(2, 'b', 'p').answer(1, 9).answer(2, 6), counts: { 'nonmonotonic-send': 1 }, says: ['p got offset 6'] },
      { name: 'two operations with several sends', history: h => h.compound(1, 'ok', ['a', 8], ['b', 9]).compound(1, 'ok', ['c', 6], ['d', 7]), counts: { 'nonmonotonic-send': 2, 'G0-process': 1 }, allowed: ['G0-process'] },
    ],
    passes: [
      { name: 'they rise', history: h => h.send(1, 'a', 6).send(1, 'b', 9) },
      { name: 'the answers came the other way round', history: h => h.begin(1, 'a', 'p').begin(2, 'b', 'p').answer(2, 9).answer(1, 6) },
      { name: 'two producers', history: h => h.begin(1, 'a', 'p').begin(2, 'b', 'q').answer(1, 9).answer(2, 6) },
      { name: 'two partitions', history: h => h.send(1, 'a', 9).send(1, 'b', 6, 'orders-1') },
      { name: 'acks=1: the tail may have been lost in between', history: h => h.send(1, 'a', 9).send(1, 'b', 6), config: acks1, counts: { 'nonmonotonic-send': 1 }, allowed: ['nonmonotonic-send'] },
      { name: 'several requests in flight without idempotence', history: h => h.send(1, 'a', 9).send(1, 'b', 6), config: pipelining, counts: { 'nonmonotonic-send': 1 }, allowed: ['nonmonotonic-send'] },
      { name: 'the topic was deleted and created again', history: h => h.send(1, 'a', 9).change(3, 'delete-topic', { topic: 'orders' }).send(1, 'b', 6) },
    ],
    indeterminate: [
      { name: 'an earlier one of unknown fate has no offset', history: h => h.begin(1, 'a', 'p').answer(1, 'info').begin(2, 'b', 'p').answer(2, 6).poll(3, '6:b') },
      { name: 'a later one that was read there was not acknowledged there', history: h => h.begin(1, 'a', 'p').answer(1, 9).begin(2, 'b', 'p').answer(2, 'info').poll(3, '6:b') },
      { name: 'one in between hides nothing', history: h => h.begin(1, 'a', 'p').answer(1, 9).begin(2, 'b', 'p').answer(2, 'info').begin(3, 'c', 'p').answer(3, 6), counts: { 'nonmonotonic-send': 1 } },
    ],
  },
  'int-nonmonotonic-send': {
    shows: [
      { name: 'inside one operation', history: h => h.compound(1, 'ok', ['a', 5], ['b', 4]), counts: { 'int-nonmonotonic-send': 1 }, says: ['got offset 4 of orders-0 after offset 5'] },
      { name: 'interleaved with another partition', history: h => h.compound(1, 'ok', ['a', 5], ['x', 1, 'orders-1'], ['b', 4]), counts: { 'int-nonmonotonic-send': 1 } },
    ],
    passes: [
      { name: 'they rise', history: h => h.compound(1, 'ok', ['a', 4], ['b', 5]) },
      { name: 'two partitions', history: h => h.compound(1, 'ok', ['a', 5], ['b', 4, 'orders-1']) },
      { name: 'acks=1 allows it', history: h => h.compound(1, 'ok', ['a', 5], ['b', 4]), config: acks1, counts: { 'int-nonmonotonic-send': 1 }, allowed: ['int-nonmonotonic-send'] },
    ],
    indeterminate: [
      { name: 'of unknown fate and read the other way round: only the log tells, and it is allowed', history: h => h.compound(1, 'info', ['a', 5], ['b', 4]).poll(2, '4:b 5:a'), counts: { reorder: 1 }, allowed: ['reorder'] },
    ],
  },
  'int-send-skip': {
    shows: [
      { name: 'somebody else lies between', history: h => h.compound(1, 'ok', ['a', 4], ['b', 6]).send(2, 'x', 5).poll(3, '4:a 5:x 6:b'), counts: { 'int-send-skip': 1, 'G0': 1 }, allowed: ['int-send-skip', 'G0'], says: ['offset 5 between them'] },
      { name: 'twice in one operation', history: h => h.compound(1, 'ok', ['a', 4], ['b', 6], ['c', 8]).send(2, 'x', 5).send(2, 'y', 7).poll(3, '4:a 5:x 6:b 7:y 8:c'), counts: { 'int-send-skip': 2, 'G0': 1 }, allowed: ['int-send-skip', 'G0'], says: ['"offsets":[4,5,6]', '"offsets":[6,7,8]'] },
    ],
    passes: [
      { name: 'the topic was deleted', history: h => h.compound(1, 'ok', ['a', 4], ['b', 6]).send(2, 'x', 5).change(5, 'delete-topic', { topic: 'orders' }).poll(3, '4:a 5:x 6:b') },
      { name: 'nothing lies between', history: h => h.compound(1, 'ok', ['a', 4], ['b', 5]).send(2, 'x', 6).poll(3, '4:a 5:b 6:x') },
      { name: 'a marker lies between', history: h => h.compound(1, 'ok', ['a', 4], ['b', 6]).poll(3, '4:a 6:b') },
      { name: 'between two operations', history: h => h.send(1, 'a', 4).send(1, 'b', 6).send(2, 'x', 5).poll(3, '4:a 5:x 6:b') },
      { name: 'in another partition', history: h => h.compound(1, 'ok', ['a', 4], ['b', 6]).send(2, 'x', 5, 'orders-1').poll(3, { [KEY]: '4:a 6:b', 'orders-1': '5:x' }) },
    ],
    indeterminate: [
      {
        name: 'one without an offset tells nothing',
        history: h => h.send(2, 'z', 0).op(1, 'txn', ['a', 'b', 'c'].map(value => ['send', KEY, value]), [['send', KEY, [4, 'a']], ['send', KEY, [null, 'b']], ['send', KEY, [6, 'c']]]).poll(3, '0:z 4:a 6:c'),
      },
      { name: 'of unknown fate, nobody knows what it got', history: h => h.compound(1, 'info', ['a', 4], ['b', 6]).send(2, 'x', 5).poll(3, '4:a 5:x 6:b'), counts: { G0: 1 }, allowed: ['G0'] },
      { name: 'a record of unknown fate between two known ones', history: h => h.compound(1, 'ok', ['a', 4], ['b', 6]).send(2, 'x', 'info').poll(3, '4:a 5:x 6:b'), counts: { 'int-send-skip': 1, 'G0': 1 }, allowed: ['int-send-skip', 'G0'] },
    ],
  },
}
