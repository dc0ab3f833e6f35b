/**
 * KAFKA-17754, in a whole cluster: a copy of EndTxn that was held up on its way arrives in the middle of the producer's next
 * transaction. Under version 1 it decides that one, under version 2 it is told apart by its epoch.
 */
import { expect, test } from 'vitest'
import type { DefectId, MendId } from '../../src/config/defects.ts'
import { MechanismRecorder } from '../../checkers/known-behaviour.ts'
import { SmallCluster } from './small-cluster.ts'
import { TransactionClient } from './transaction-client.ts'
import type { Producer } from './transaction-client.ts'

/** What the application was told of its second transaction, which it aborts, and what readers see of it. */
function lateCopy(version: 1 | 2, o: { defects?: readonly DefectId[]; mends?: readonly MendId[] } = {}): { late: string; values: string[]; cluster: SmallCluster } {
  const cluster = new SmallCluster({ ...o, server: { transactionStateLogNumPartitions: 1, transactionVersion: version } })
  cluster.client(clients => clients.createTopic('orders', [[1, 2, 3]]))
  const outcome = cluster.client(function* (clients) {
    const raw = new TransactionClient(clients.env, 'copier', version)
    const first = yield* raw.init()
    yield* raw.write(first, 'orders', 0, 'one')
    const ended = yield* raw.end(first, true)
    yield* raw.untilState('CompleteCommit')
    const second = typeof ended === 'object' ? ended : first
    yield* raw.write(second, 'orders', 0, 'two-a')
    const late = yield* raw.endOnce(first, true)
    if (typeof late === 'object') yield* raw.untilState('CompleteCommit')
    const after = isAnother(late, first) ? late : second
    yield* raw.write(after, 'orders', 0, 'two-b')
    yield* raw.end(after, false)
    yield* raw.untilState('CompleteAbort')
    return { late: typeof late === 'string' ? late : 'decided', values: (yield* clients.readAll('orders', 0, Infinity, { isolationLevel: 'read_committed' })).map(([, value]) => value) }
  })
  return { ...outcome, cluster }
}

function isAnother(answer: Producer | string, than: Producer): answer is Producer {
  return typeof answer === 'object' && answer.producerEpoch !== than.producerEpoch
}

test('under version 1 half of an aborted transaction is seen', () => {
  expect(lateCopy(1)).toMatchObject({ late: 'decided', values: ['one', 'two-a'] })
})

test('never under version 2, but for the defect', () => {
  expect(lateCopy(2)).toMatchObject({ late: 'PRODUCER_FENCED', values: ['one'] })
  expect(lateCopy(2, { defects: ['KAFKA-17754'] })).toMatchObject({ late: 'decided', values: ['one', 'two-a'] })
})

test('the trace shows the mechanism to whoever knows what the client meant', () => {
  const { cluster } = lateCopy(1)
  const recorder = new MechanismRecorder()
  const told = (phase: 'begin' | 'abort') => ({ kind: 'client-transaction', transactionalId: 'copier', phase, producerId: 0, producerEpoch: 0 }) as const
  const opened = cluster.events.filter(({ event }) => event.kind === 'transaction-state' && event.state === 'CompleteCommit')[0]!
  for (const { event, node, time } of cluster.events) {
    recorder.observe(event, node, 0, time)
    if (event === opened.event) recorder.observe(told('begin'), 'client-1', 0, time)
  }
  recorder.observe(told('abort'), 'client-1', 0, 0)
  expect(recorder.seen.list.map(({ mend, key }) => `${mend} ${key}`)).toEqual(['KAFKA-17754 orders-0', 'KAFKA-17754 '])
})
