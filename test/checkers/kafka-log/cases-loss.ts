/**
 * Missing records: lost-write, unseen, unconfirmed-loss, vanished-read. What may be missing (below the log start, in a
 * compacted topic, of unknown fate, without a drain) must not be missed.
 */
import type { Cases } from '../history-fixture.ts'
import { KEY } from '../history-fixture.ts'

const acks1 = { acks: 1 } as const
const unclean = { uncleanLeaderElection: true } as const

export const LOSS_CASES: Cases = {
  'lost-write': {
    shows: [
      { name: 'the drain passes over an acknowledged offset', history: h => h.sends('a b c').fault('broker 1 loses power').drain('0:a 2:c'), counts: { 'lost-write': 1 }, says: ['record b on orders-0 disappeared', 'broker 1 loses power', '"highestRead":2', 'found nothing there'] },
      { name: 'another record lies where it was acknowledged', history: h => h.send(1, 'a', 0).send(2, 'b', 'info').drain('0:b'), counts: { 'lost-write': 1, 'inconsistent-offsets': 1 }, says: ['found record b there'] },
      { name: 'without a drain a reader passes over it', history: h => h.sends('a b c').poll(2, '0:a').poll(2, '2:c'), counts: { 'lost-write': 1 }, says: ['"operation":9'] },
      {
        name: 'gaps of several readers overlap: each lost offset once',
        history: h => h.sends('a b c d e f').poll(2, '0:a 3:d').poll(3, '2:c 5:f'),
        counts: { 'lost-write': 2, 'int-poll-skip': 2 },
      },
      { name: 'the drain did not reach the end, but a reader passed', history: h => h.sends('a b c').drain('0:a 2:c'), drained: false, counts: { 'lost-write': 1 } },
      { name: 'above the log start', history: h => h.sends('a b c').drain('0:a 2:c'), logStart: { [KEY]: 1 }, counts: { 'lost-write': 1 } },
    ],
    passes: [
      { name: 'below the log start', history: h => h.sends('a b c').drain('1:b 2:c'), logStart: { [KEY]: 1 } },
      { name: 'acks=1 allows it', history: h => h.sends('a b c').drain('0:a 2:c'), config: acks1, counts: { 'lost-write': 1 }, allowed: ['lost-write'] },
      { name: 'more lossy crashes than the budget allow it', history: h => h.sends('a b c').drain('0:a 2:c'), config: { lossyCrashes: 2 }, counts: { 'lost-write': 1 }, allowed: ['lost-write'] },
      { name: 'as many lossy crashes as the budget do not', history: h => h.sends('a b c').drain('0:a 2:c'), config: { lossyCrashes: 1 }, counts: { 'lost-write': 1 } },
      { name: 'a compacted topic', history: h => h.sends('a b c').drain('0:a 2:c'), config: { cleanup: 'compact' } },
      { name: 'without a drain: beyond what readers saw', history: h => h.sends('a b c').poll(2, '0:a 1:b') },
      { name: 'without a drain: before where a reader began', history: h => h.sends('a b c').poll(2, '1:b 2:c') },
      { name: 'without a drain: the reader was reset in between', history: h => h.sends('a b c').poll(2, '0:a').poll(2, '2:c').move(2, 'reset', KEY) },
      { name: 'without a drain: the reader sought in between', history: h => h.sends('a b c').poll(2, '0:a').move(2, 'seek', KEY).poll(2, '2:c') },
      { name: 'without a drain: a gap of another partition', history: h => h.sends('a b c').send(2, 'x', 0, 'orders-1').send(2, 'z', 2, 'orders-1').poll(3, { 'orders-1': '0:x 2:z' }) },
      { name: 'a reader found it elsewhere', history: h => h.sends('a b').send(1, 'c', 2).drain('0:a 2:c 3:b'), counts: { duplicate: 1, reorder: 1 }, says: ['offsets 1 and 3'] },
      { name: 'the topic was deleted', history: h => h.sends('a b c').change(3, 'delete-topic', { topic: 'orders' }).drain('0:a 2:c') },
    ],
    indeterminate: [
      { name: 'a send of unknown fate is never missed', history: h => h.send(1, 'a', 0).send(2, 'b', 'info').send(1, 'c', 2).drain('0:a 2:c') },
      { name: 'nor one that is still open', history: h => h.send(1, 'a', 0).send(2, 'b', 'open').send(1, 'c', 2).drain('0:a 2:c') },
      { name: 'nor one that failed', history: h => h.send(1, 'a', 0).send(2, 'b', 'fail').send(1, 'c', 2).drain('0:a 2:c') },
      { name: 'a deletion of unknown fate may have happened', history: h => h.sends('a b c').change(3, 'delete-topic', { topic: 'orders' }, 'info').drain('0:a 2:c') },
      { name: 'a deletion that failed has not', history: h => h.sends('a b c').change(3, 'delete-topic', { topic: 'orders' }, 'fail').drain('0:a 2:c'), counts: { 'lost-write': 1 } },
      {
        name: 'what a poll of unknown fate returned was read',
        history: h => h.sends('a b c').poll(2, '0:a 2:c').invoke(3, 'poll', [['poll']]).complete(3, 'info', [['poll', { [KEY]: [[1, 'b']] }]], 'crashed'),
        counts: { 'int-poll-skip': 1 },
      },
    ],
  },
  unseen: {
    shows: [
      { name: 'the log ends before it', history: h => h.sends('a b').fault('every broker restarts').drain('0:a'), counts: { unseen: 1 }, says: ['record b on orders-0 was never seen', 'ends at offset 0', 'every broker restarts'] },
      { name: 'the partition is empty', history: h => h.sends('a').drain(''), counts: { unseen: 1 }, says: ['is empty'] },
      { name: 'the partition is not even mentioned by the drain', history: h => h.sends('a').drain({}), counts: { unseen: 1 } },
      { name: 'a whole tail', history: h => h.sends('a b c d').drain('0:a'), counts: { unseen: 3 } },
    ],
    passes: [
      { name: 'the drain did not reach the end', history: h => h.sends('a b').drain('0:a'), drained: false },
      { name: 'there was no drain', history: h => h.sends('a b').poll(2, '0:a') },
      { name: 'below the log start', history: h => h.sends('a b').drain(''), logStart: { [KEY]: 2 } },
      { name: 'the log start of another partition excuses nothing', history: h => h.sends('a b').drain('0:a'), logStart: { 'orders-1': 2 }, counts: { unseen: 1 } },
      { name: 'acks=1 allows it', history: h => h.sends('a b').drain('0:a'), config: acks1, counts: { unseen: 1 }, allowed: ['unseen'] },
      { name: 'unclean elections allow it', history: h => h.sends('a b').drain('0:a'), config: unclean, counts: { unseen: 1 }, allowed: ['unseen'] },
      { name: 'a compacted topic', history: h => h.sends('a b').drain('0:a'), config: { cleanup: 'compact' } },
      { name: 'a reader saw it once: it has vanished instead', history: h => h.sends('a b').poll(2, '0:a 1:b').drain('0:a'), counts: { 'vanished-read': 1 } },
    ],
    indeterminate: [
      { name: 'a tail of unknown fate', history: h => h.send(1, 'a', 0).send(1, 'b', 'info').drain('0:a') },
      { name: 'an open tail', history: h => h.send(1, 'a', 0).send(1, 'b', 'open').drain('0:a') },
      { name: 'the acknowledged one is missed, the others are not', history: h => h.send(1, 'a', 0).send(2, 'b', 'info').send(3, 'c', 'fail').send(1, 'd', 3).drain('0:a'), counts: { unseen: 1 } },
    ],
  },
  'unconfirmed-loss': {
    shows: [
      { name: 'sent with acks=0 and not there', history: h => h.send(1, 'a', 'acks=0').drain(''), counts: { 'unconfirmed-loss': 1 }, allowed: ['unconfirmed-loss'], says: ['acks=0 asks for no answer'] },
      { name: 'acknowledged without an offset and not there', history: h => h.send(1, 'a', null).drain(''), counts: { 'unconfirmed-loss': 1 }, allowed: ['unconfirmed-loss'] },
      { name: 'sent to a topic, the partition unknown', history: h => h.send(1, 'a', 'acks=0', 'orders').drain(''), counts: { 'unconfirmed-loss': 1 }, allowed: ['unconfirmed-loss'] },
    ],
    passes: [
      { name: 'it is there', history: h => h.send(1, 'a', 'acks=0').drain('0:a') },
      { name: 'there was no drain', history: h => h.send(1, 'a', 'acks=0').poll(2, '') },
      { name: 'the log start has moved', history: h => h.send(1, 'a', 'acks=0').drain(''), logStart: { [KEY]: 1 } },
      { name: 'the log start of some partition of its topic has moved', history: h => h.send(1, 'a', 'acks=0', 'orders').drain(''), logStart: { [KEY]: 1 } },
      { name: 'the log start of another partition of its topic has moved', history: h => h.send(1, 'a', 'acks=0').drain(''), logStart: { 'orders-1': 1 } },
      { name: 'the log start of another topic excuses nothing', history: h => h.send(1, 'a', 'acks=0').drain(''), logStart: { 'refunds-0': 1 }, counts: { 'unconfirmed-loss': 1 }, allowed: ['unconfirmed-loss'] },
      { name: 'a reader saw it: that must stay', history: h => h.send(1, 'a', 'acks=0').poll(2, '0:a').drain(''), counts: { 'vanished-read': 1 } },
    ],
    indeterminate: [
      { name: 'a time-out is no acks=0', history: h => h.send(1, 'a', 'info').send(2, 'b', 'open').drain('') },
      { name: 'an error is no acks=0', history: h => h.send(1, 'a', 'fail').drain('') },
    ],
  },
  'vanished-read': {
    shows: [
      { name: 'read, and not in the drain', history: h => h.sends('a').poll(2, '0:a').fault('broker 1 dies').drain(''), counts: { 'vanished-read': 1 }, says: ['Record a was read from orders-0 and is gone', 'finds nothing at offset 0', 'broker 1 dies'] },
      { name: 'another record has its offset', history: h => h.sends('a').send(2, 'b', 'info').poll(3, '0:a').drain('0:b'), counts: { 'vanished-read': 1, 'inconsistent-offsets': 1 }, says: ['"foundInstead":"b"', 'finds record b at offset 0'] },
      { name: 'acks=1 is no excuse: it was below the high watermark', history: h => h.sends('a').poll(2, '0:a').drain(''), config: acks1, counts: { 'vanished-read': 1 } },
    ],
    passes: [
      { name: 'still there', history: h => h.sends('a').poll(2, '0:a').drain('0:a') },
      { name: 'below the log start', history: h => h.sends('a b').poll(2, '0:a 1:b').drain('1:b'), logStart: { [KEY]: 1 } },
      { name: 'at the log start', history: h => h.sends('a b').poll(2, '0:a 1:b').drain('0:a'), logStart: { [KEY]: 1 }, counts: { 'vanished-read': 1 } },
      { name: 'unclean elections allow it', history: h => h.sends('a').poll(2, '0:a').drain(''), config: unclean, counts: { 'vanished-read': 1 }, allowed: ['vanished-read'] },
      { name: 'the drain did not reach the end', history: h => h.sends('a').poll(2, '0:a').drain(''), drained: false },
      { name: 'a compacted topic', history: h => h.sends('a').poll(2, '0:a').drain(''), config: { cleanup: 'compact' } },
      { name: 'moved to another offset: a duplicate, not a loss', history: h => h.send(1, 'a', 'info').poll(2, '0:a').drain('1:a'), counts: { duplicate: 1 } },
      { name: 'the topic was deleted', history: h => h.sends('a').poll(2, '0:a').change(3, 'delete-topic', { topic: 'orders' }).drain('') },
    ],
    indeterminate: [
      { name: 'whatever became of the send, it was read', history: h => h.send(1, 'a', 'info').poll(2, '0:a').drain(''), counts: { 'vanished-read': 1 }, says: ['"acknowledged":false', 'is unknown: TIMED_OUT'] },
      { name: 'whatever became of the poll, it returned it', history: h => h.sends('a').invoke(2, 'poll', [['poll']]).complete(2, 'info', [['poll', { [KEY]: [[0, 'a']] }]], 'crashed').drain(''), counts: { 'vanished-read': 1 } },
      { name: 'a poll of unknown fate that returned nothing read nothing', history: h => h.send(1, 'a', 'info').invoke(2, 'poll', [['poll']]).complete(2, 'info').drain('') },
    ],
  },
}
