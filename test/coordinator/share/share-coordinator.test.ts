/** The share coordinator over a log in memory: what it keeps, whom it fences, and that a successor knows the same. */
import { expect, it } from 'vitest'
import { DEFAULT_SERVER_CONFIG } from '../../../src/config/cluster.ts'
import { MetadataDelta, MetadataImage } from '../../../src/controller/metadata-image.ts'
import { SHARE_GROUP_TOPIC } from '../../../src/coordinator/internal-topics.ts'
import { ShareCoordinator } from '../../../src/coordinator/share/share-coordinator.ts'
import type { StateToWrite } from '../../../src/coordinator/share/share-operations.ts'
import type { Future } from '../../../src/base/task.ts'
import { ApiError } from '../../../src/protocol/api-error.ts'
import { errorName } from '../../../src/protocol/errors.ts'
import { metadataRecord } from '../../../src/protocol/metadata-records.ts'
import { uuidFromDraws } from '../../../src/protocol/uuid.ts'
import { decodeCoordinatorRecord } from '../../../src/coordinator/coordinator-record.ts'
import { readRecords } from '../../../src/protocol/records/record-batch.ts'
import { FakeEnv } from '../../client/fake-env.ts'
import { MemoryStateLogs } from '../memory-state-logs.ts'

const TOPIC_ID = uuidFromDraws(1, 1, 1, 1)
const id = { groupId: 'g', topicId: TOPIC_ID, partition: 0 }

function build(updatesPerSnapshot = 500) {
  const env = new FakeEnv()
  const logs = new MemoryStateLogs()
  const image = new MetadataImage()
  MetadataDelta.applying(image, [metadataRecord('TopicRecord', { name: 't', topicId: TOPIC_ID }), metadataRecord('PartitionRecord', { topicId: TOPIC_ID, partitionId: 0, replicas: [1], isr: [1], leader: 1 })])
  const server = { ...DEFAULT_SERVER_CONFIG, share: { shareCoordinatorStateTopicNumPartitions: 1, shareCoordinatorSnapshotUpdateRecordsPerSnapshot: updatesPerSnapshot } }
  const coordinator = new ShareCoordinator(env, { server, image, logs })
  coordinator.onElection(0, logs.log(0).leaderEpoch)
  env.run(1)
  const ask = <T>(future: Future<T>): T | string => {
    env.run(1)
    try {
      return future.result()
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      return errorName(error.code)
    }
  }
  const write = (state: Partial<StateToWrite>) => ask(coordinator.writeState(id, { stateEpoch: 0, leaderEpoch: 1, startOffset: -1, deliveryCompleteCount: -1, batches: [], ...state }))
  return { env, logs, coordinator, ask, write }
}

const batch = (firstOffset: number, lastOffset: number, deliveryState: number, deliveryCount = 1) => ({ firstOffset, lastOffset, deliveryState, deliveryCount })

it('keeps nothing of what was not initialized', () => {
  const { coordinator, ask, write } = build()
  expect(write({})).toBe('INVALID_REQUEST')
  expect(ask(coordinator.readAndFence(id, 1))).toBe('INVALID_REQUEST')
  expect(ask(coordinator.initialize({ ...id, partition: 7 }, 0, -1))).toBe('UNKNOWN_TOPIC_OR_PARTITION')
})

it('reads what was written, and fences older leaders from then on', () => {
  const { coordinator, ask, write } = build()
  expect(ask(coordinator.initialize(id, 0, -1))).toBeUndefined()
  expect(ask(coordinator.readAndFence(id, 1))).toEqual({ stateEpoch: 0, startOffset: -1, batches: [] })
  expect(write({ startOffset: 3, batches: [batch(3, 5, 2), batch(7, 7, 0, 2)] })).toBeUndefined()
  expect(ask(coordinator.readAndFence(id, 2))).toEqual({ stateEpoch: 0, startOffset: 3, batches: [batch(3, 5, 2), batch(7, 7, 0, 2)] })
  expect(write({ batches: [batch(7, 7, 2, 2)] })).toBe('FENCED_LEADER_EPOCH')
  expect(ask(coordinator.readAndFence(id, 1))).toBe('FENCED_LEADER_EPOCH')
  expect(write({ leaderEpoch: 2, startOffset: 6, batches: [batch(7, 7, 2, 2)] })).toBeUndefined()
  expect(ask(coordinator.readAndFence(id, 2))).toEqual({ stateEpoch: 0, startOffset: 6, batches: [batch(7, 7, 2, 2)] })
})

it('begins anew with a newer state epoch only, and fences what was decided before', () => {
  const { coordinator, ask, write } = build()
  ask(coordinator.initialize(id, 1, 0))
  write({ stateEpoch: 1, startOffset: 2 })
  expect(ask(coordinator.initialize(id, 1, 0))).toBeUndefined()
  expect(ask(coordinator.readAndFence(id, 1))).toMatchObject({ startOffset: 2 })
  expect(ask(coordinator.initialize(id, 0, 0))).toBe('FENCED_STATE_EPOCH')
  ask(coordinator.initialize(id, 2, 9))
  expect(write({ stateEpoch: 1, startOffset: 4 })).toBe('FENCED_STATE_EPOCH')
  expect(ask(coordinator.readAndFence(id, 1))).toEqual({ stateEpoch: 2, startOffset: 9, batches: [] })
})

it('writes a snapshot after so many updates, and a successor reads the same from the log', () => {
  const { env, logs, coordinator, ask, write } = build(2)
  ask(coordinator.initialize(id, 0, 0))
  for (let n = 0; n < 7; n++) write({ startOffset: n, batches: [batch(n, n, 2), batch(n + 1, n + 1, 0)] })
  const types = logs.log(0).batches.flatMap(bytes => readRecords(bytes, 0).map(({ key, value }) => decodeCoordinatorRecord(SHARE_GROUP_TOPIC, key!, value)!.type))
  expect(types).toEqual(['ShareSnapshot', 'ShareUpdate', 'ShareUpdate', 'ShareSnapshot', 'ShareUpdate', 'ShareUpdate', 'ShareSnapshot', 'ShareUpdate'])
  const before = coordinator.runtime.read(0, shard => shard.state.describe())
  logs.loseLeadership(0)
  coordinator.onResignation(0, undefined)
  coordinator.onElection(0, logs.lead(0))
  env.run(1)
  expect(coordinator.runtime.read(0, shard => shard.state.describe())).toEqual(before)
  expect(before).toEqual([expect.stringContaining('start 6 6-6:2x1 7-7:0x1')])
  ask(coordinator.deleteState(id))
  expect(coordinator.summary(id)).toMatchObject({ startOffset: -1 })
})
