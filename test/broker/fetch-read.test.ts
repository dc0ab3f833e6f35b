/** KAFKA-9807: the two looks at the high watermark between which the thread loses the processor. */
import { expect, test } from 'vitest'
import type { BrokerContext } from '../../src/broker/broker-context.ts'
import { readAndRecord } from '../../src/broker/fetch-read.ts'
import type { FetchResult } from '../../src/broker/fetch-read.ts'
import type { Task } from '../../src/base/task.ts'
import type { DefectId } from '../../src/config/defects.ts'
import { TOPIC_ID, batch, transactional } from '../storage/log-fixture.ts'
import { Fixture } from './partition-fixture.ts'

/** A committed record, then one of an open transaction; the high watermark passes it while a read_committed fetch is read. */
function stableOffsetOf(defects: readonly DefectId[]): number {
  const f = new Fixture({ defects })
  f.lead({ isr: [1] })
  f.log.appendAsLeader(batch(['committed']), 5, 'client')
  f.log.updateHighWatermark(1)
  transactional(f.log, 7, 0)
  f.env.pause = function* (label?: string) {
    if (label === 'fetch-bounds') f.log.updateHighWatermark(2)
  }
  const context = { env: f.env, cluster: { server: f.host.server }, image: f.image, replicas: { require: () => f.partition, find: () => f.partition } } as unknown as BrokerContext
  const fetch = { partition: 0, currentLeaderEpoch: 5, fetchOffset: 0, lastFetchedEpoch: -1, logStartOffset: 0, partitionMaxBytes: 1000, replicaDirectoryId: '', highWatermark: -1 }
  const params = { replicaId: -1, replicaEpoch: -1, maxWaitMs: 0, minBytes: 1, maxBytes: 1000, isolation: 'committed', requireLeader: true, clientRack: undefined } as const
  let results: FetchResult[] = []
  f.env.run((function* (): Task<void> {
    results = yield* readAndRecord(context, params, [{ topicId: TOPIC_ID, topic: 'orders', fetch }])
  })())
  return results[0]!.lastStableOffset
}

test('the last stable offset stays below an open transaction', () => {
  expect(stableOffsetOf([])).toBe(1)
})

test('KAFKA-9807 switched on: it passes the transaction when the high watermark does so between the looks', () => {
  expect(stableOffsetOf(['KAFKA-9807'])).toBe(2)
})
