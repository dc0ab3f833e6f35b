/**
 * What one reader meets: polls that skip or go back, in one operation or between two, and answers about the end of a
 * partition that shrink. Moves that the reader or its group asked for are no anomalies.
 */
import type { Cases, LogCase } from '../history-fixture.ts'
import { KEY } from '../history-fixture.ts'

const abc = 'a b c d e'
/** Every legal way to move, and what it does to a reader that would otherwise have skipped or gone back. */
function moves(first: string, second: string): LogCase[] {
  return ['seek', 'assign', 'subscribe'].map((f): LogCase => ({ name: `after ${f}`, history: h => h.sends(abc).poll(2, first).move(2, f, KEY).poll(2, second).poll(3, '0:a 1:b 2:c 3:d 4:e') }))
}
const recreated = { name: 'the topic was deleted', history: h => h.sends(abc).change(5, 'delete-topic', { topic: 'orders' }).poll(2, '0:a 1:b').poll(2, '1:b 3:d').poll(3, '0:a 2:c') } satisfies LogCase

export const POLL_CASES: Cases = {
  'poll-skip': {
    shows: [
      { name: 'from one poll to the next', history: h => h.sends(abc).poll(2, '0:a').fault('the leader changes').poll(2, '2:c').poll(3, '1:b'), counts: { 'poll-skip': 1 }, says: ['skipped offset 1 of orders-0', 'the leader changes', 'reads record b at offset 1'] },
      { name: 'over what may have been a marker, where markers may be lost', history: h => h.sends(abc).compound(1, 'ok', ['z', 9]).poll(2, '0:a').poll(2, '2:c').poll(3, '1:b'), config: { uncleanLeaderElection: true }, counts: { 'poll-skip': 1 }, allowed: ['poll-skip'] },
      { name: 'over what may have been a marker, where none is lost', history: h => h.sends(abc).compound(1, 'ok', ['z', 9]).poll(2, '0:a').poll(2, '2:c').poll(3, '1:b'), counts: { 'poll-skip': 1 } },
      { name: 'an empty poll in between', history: h => h.sends(abc).poll(2, '0:a').poll(2, '').poll(2, '2:c').poll(3, '1:b'), counts: { 'poll-skip': 1 } },
      { name: 'a seek of another partition excuses nothing', history: h => h.sends(abc).poll(2, '0:a').move(2, 'seek', 'orders-1').poll(2, '2:c').poll(3, '1:b'), counts: { 'poll-skip': 1 } },
      { name: 'a reset of another partition excuses nothing', history: h => h.sends(abc).poll(2, '0:a').poll(2, '2:c').move(2, 'reset', 'orders-1').poll(3, '1:b'), counts: { 'poll-skip': 1 } },
      { name: 'a seek of another reader excuses nothing', history: h => h.sends(abc).poll(3, '1:b').poll(2, '0:a').move(3, 'seek', KEY).poll(2, '2:c'), counts: { 'poll-skip': 1 } },
      { name: 'a reset one poll later excuses nothing', history: h => h.sends(abc).poll(2, '0:a').poll(2, '2:c').poll(2, '3:d').move(2, 'reset', KEY).poll(3, '1:b'), counts: { 'poll-skip': 1 } },
      { name: 'one consumer under two processes', history: h => h.sends(abc).poll(2, '0:a', { consumer: 'c' }).poll(4, '2:c', { consumer: 'c' }).poll(3, '1:b'), counts: { 'poll-skip': 1 } },
      { name: 'over several records: once', history: h => h.sends(abc).poll(2, '0:a').poll(2, '4:e').poll(3, '1:b 2:c 3:d'), counts: { 'poll-skip': 1 }, says: ['[0,1,4]'] },
    ],
    passes: [
      { name: 'nobody has read anything there: a marker', history: h => h.send(1, 'a', 0).send(1, 'c', 2).poll(2, '0:a').poll(2, '2:c').poll(3, '0:a 2:c') },
      { name: 'nothing is skipped', history: h => h.sends(abc).poll(2, '0:a').poll(2, '1:b').poll(3, '0:a 1:b') },
      { name: 'a reset was recorded right after that poll', history: h => h.sends(abc).poll(3, '1:b').poll(2, '0:a').poll(2, '2:c').move(2, 'reset', KEY) },
      { name: 'two readers', history: h => h.sends(abc).poll(2, '0:a').poll(4, '2:c').poll(3, '1:b') },
      { name: 'two partitions', history: h => h.sends(abc).send(6, 'x', 2, 'orders-1').poll(2, '0:a').poll(2, { 'orders-1': '2:x' }).poll(3, '1:b') },
      ...moves('0:a', '2:c'),
      recreated,
    ],
    indeterminate: [
      { name: 'a poll of unknown fate that returned nothing', history: h => h.sends(abc).poll(2, '0:a', { consumer: 'c' }).invoke(4, 'poll', [['poll']], { consumer: 'c' }).complete(4, 'info').poll(5, '1:b', { consumer: 'c' }).poll(3, '0:a 1:b') },
      { name: 'the skipped record was of unknown fate, but it is there', history: h => h.send(1, 'a', 0).send(6, 'b', 'info').send(1, 'c', 2).poll(2, '0:a').poll(2, '2:c').poll(3, '1:b'), counts: { 'poll-skip': 1 } },
      { name: 'a failed poll moves nobody', history: h => h.sends(abc).poll(2, '0:a').invoke(2, 'poll', [['poll']]).complete(2, 'fail', undefined, 'TIMED_OUT').poll(2, '2:c').poll(3, '1:b'), counts: { 'poll-skip': 1 } },
    ],
  },
  'int-poll-skip': {
    shows: [
      { name: 'inside one poll', history: h => h.sends(abc).poll(2, '0:a 2:c').poll(3, '1:b'), counts: { 'int-poll-skip': 1 }, says: ['offset 0 of orders-0, then offset 2, in one operation', 'skipped offset 1'] },
      { name: 'two partitions in one poll', history: h => h.sends(abc).send(6, 'x', 0, 'orders-1').send(6, 'y', 1, 'orders-1').send(6, 'z', 2, 'orders-1').poll(2, { [KEY]: '0:a 2:c', 'orders-1': '0:x 2:z' }).poll(3, { [KEY]: '1:b', 'orders-1': '1:y' }), counts: { 'int-poll-skip': 2 } },
      { name: 'two polls of one transaction', history: h => h.sends(abc).op(2, 'txn', [['poll'], ['poll']], [['poll', { [KEY]: [[0, 'a']] }], ['poll', { [KEY]: [[2, 'c']] }]]).poll(3, '1:b'), counts: { 'int-poll-skip': 1 } },
    ],
    passes: [
      { name: 'nobody has read anything there', history: h => h.send(1, 'a', 0).send(1, 'c', 2).poll(2, '0:a 2:c').poll(3, '0:a 2:c') },
      { name: 'a reset during that poll', history: h => h.sends(abc).poll(3, '1:b').poll(2, '0:a 2:c').move(2, 'reset', KEY) },
      { name: 'the reset of one partition leaves the other', history: h => h.sends(abc).send(6, 'x', 0, 'orders-1').send(6, 'y', 1, 'orders-1').send(6, 'z', 2, 'orders-1').poll(2, { [KEY]: '0:a 2:c', 'orders-1': '0:x 2:z' }).move(2, 'reset', KEY).poll(3, { [KEY]: '1:b', 'orders-1': '1:y' }), counts: { 'int-poll-skip': 1 } },
      recreated,
    ],
    indeterminate: [
      { name: 'a poll of unknown fate has skipped in what it returned', history: h => h.sends(abc).invoke(2, 'poll', [['poll']]).complete(2, 'info', [['poll', { [KEY]: [[0, 'a'], [2, 'c']] }]]).poll(3, '1:b'), counts: { 'int-poll-skip': 1 } },
      { name: 'a record of unknown fate that nobody read was not skipped', history: h => h.send(1, 'a', 0).send(6, 'b', 'info').send(1, 'c', 2).poll(2, '0:a 2:c').poll(3, '0:a') },
    ],
  },
  'nonmonotonic-poll': {
    shows: [
      { name: 'the same offset again', history: h => h.sends(abc).poll(2, '0:a 1:b').poll(2, '1:b 2:c'), counts: { 'nonmonotonic-poll': 1 }, says: ['went back from offset 1 to 1 of orders-0'] },
      { name: 'an earlier offset', history: h => h.sends(abc).poll(2, '0:a 1:b 2:c').fault('the leader changes').poll(2, '0:a 1:b'), counts: { 'nonmonotonic-poll': 1 }, says: ['from offset 2 to 0', 'the leader changes'] },
      { name: 'a seek of another partition excuses nothing', history: h => h.sends(abc).poll(2, '0:a 1:b').move(2, 'seek', 'orders-1').poll(2, '0:a'), counts: { 'nonmonotonic-poll': 1 } },
      { name: 'no configuration allows it', history: h => h.sends(abc).poll(2, '0:a 1:b').poll(2, '1:b'), config: { uncleanLeaderElection: true, acks: 0, idempotence: false, lossyCrashes: 3 }, counts: { 'nonmonotonic-poll': 1 } },
    ],
    passes: [
      { name: 'it goes on', history: h => h.sends(abc).poll(2, '0:a 1:b').poll(2, '2:c') },
      { name: 'a reset was recorded right after that poll', history: h => h.sends(abc).poll(2, '0:a 1:b').poll(2, '1:b').move(2, 'reset', KEY) },
      { name: 'after a reset it starts afresh', history: h => h.sends(abc).poll(2, '0:a 1:b').move(2, 'reset', KEY).poll(2, '0:a') },
      { name: 'two readers', history: h => h.sends(abc).poll(2, '0:a 1:b').poll(3, '0:a 1:b') },
      ...moves('0:a 1:b', '1:b 2:c'),
      recreated,
    ],
    indeterminate: [
      { name: 'what a poll of unknown fate returned was not yet processed, yet it was returned', history: h => h.sends(abc).invoke(2, 'poll', [['poll']], { consumer: 'c' }).complete(2, 'info', [['poll', { [KEY]: [[0, 'a']] }]]).poll(4, '0:a', { consumer: 'c' }), counts: { 'nonmonotonic-poll': 1 } },
      { name: 'the process that follows one of unknown fate is another reader', history: h => h.sends(abc).poll(2, '0:a 1:b').invoke(2, 'poll', [['poll']]).complete(2, 'info').poll(4, '0:a 1:b') },
    ],
  },
  'int-nonmonotonic-poll': {
    shows: [
      { name: 'inside one poll', history: h => h.sends(abc).poll(2, '1:b 0:a'), counts: { 'int-nonmonotonic-poll': 1 }, says: ['went back from offset 1 to 0', 'in one operation'] },
      { name: 'one offset twice inside one poll', history: h => h.sends(abc).poll(2, '0:a 1:b 1:b 2:c'), counts: { 'int-nonmonotonic-poll': 1 } },
    ],
    passes: [
      { name: 'rising', history: h => h.sends(abc).poll(2, '0:a 1:b') },
      { name: 'partitions are apart', history: h => h.sends(abc).send(6, 'x', 0, 'orders-1').poll(2, { [KEY]: '3:d 4:e', 'orders-1': '0:x' }) },
      { name: 'a reset during that poll', history: h => h.sends(abc).poll(2, '1:b 0:a').move(2, 'reset', KEY) },
      recreated,
    ],
    indeterminate: [
      { name: 'a failed poll that returned something', history: h => h.sends(abc).invoke(2, 'poll', [['poll']]).complete(2, 'fail', [['poll', { [KEY]: [[1, 'b'], [0, 'a']] }]]), counts: { 'int-nonmonotonic-poll': 1 } },
    ],
  },
  'offset-regression': {
    shows: [
      { name: 'one client is told less', history: h => h.end(4, 10).fault('the leader changes').end(4, 8), counts: { 'offset-regression': 1 }, says: ['The end of orders-0 went back from 10 to 8', 'the leader changes'] },
      { name: 'one client under two processes', history: h => h.end(4, 10, { node: 'admin' }).end(5, 8, { node: 'admin' }), counts: { 'offset-regression': 1 } },
      { name: 'against the largest so far', history: h => h.end(4, 10).end(4, 8).end(4, 9).end(4, 10), counts: { 'offset-regression': 2 } },
    ],
    passes: [
      { name: 'the same, or more', history: h => h.end(4, 10).end(4, 10).end(4, 11) },
      { name: 'another client', history: h => h.end(4, 10).end(5, 8) },
      { name: 'asked before the first answer came', history: h => h.invoke(4, 'list-offsets', [KEY, 'latest'], { node: 'admin' }).invoke(5, 'list-offsets', [KEY, 'latest'], { node: 'admin' }).complete(4, 'ok', [KEY, 'latest', 10]).complete(5, 'ok', [KEY, 'latest', 8]) },
      { name: 'the start, not the end', history: h => h.op(4, 'list-offsets', [KEY, 'earliest'], [KEY, 'earliest', 10]).op(4, 'list-offsets', [KEY, 'earliest'], [KEY, 'earliest', 8]) },
      { name: 'of another partition', history: h => h.end(4, 10).op(4, 'list-offsets', ['orders-1', 'latest'], ['orders-1', 'latest', 8]) },
      { name: 'unclean elections allow it', history: h => h.end(4, 10).end(4, 8), config: { uncleanLeaderElection: true }, counts: { 'offset-regression': 1 }, allowed: ['offset-regression'] },
      { name: 'the topic was deleted and created again', history: h => h.end(4, 10).change(5, 'delete-topic', { topic: 'orders' }).end(4, 0) },
    ],
    indeterminate: [
      { name: 'a question that failed told nothing', history: h => h.invoke(4, 'list-offsets', [KEY, 'latest']).complete(4, 'fail', [KEY, 'latest', 10]).end(4, 8) },
      { name: 'a question of unknown fate told nothing', history: h => h.invoke(4, 'list-offsets', [KEY, 'latest'], { node: 'admin' }).complete(4, 'info', [KEY, 'latest', 10]).end(5, 8, { node: 'admin' }) },
      { name: 'and hides nothing', history: h => h.end(4, 10, { node: 'admin' }).invoke(4, 'list-offsets', [KEY, 'latest'], { node: 'admin' }).complete(4, 'info').end(5, 8, { node: 'admin' }), counts: { 'offset-regression': 1 } },
    ],
  },
}
