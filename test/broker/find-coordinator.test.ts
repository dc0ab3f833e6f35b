/** FindCoordinator in a whole cluster: the topic comes with the first question, and the answer follows its leaders. */
import { expect, test } from 'vitest'
import { partitionForId } from '../../src/base/java-hash.ts'
import type { Task } from '../../src/base/task.ts'
import { brokersOf } from '../../src/config/cluster.ts'
import { ApiKey } from '../../src/protocol/api-keys.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import type { FindCoordinatorResponse, FindCoordinatorResponseCoordinator, MetadataResponse } from '../../src/protocol/generated/types.ts'
import { type TestClient, World } from './simulated-cluster.ts'

const SERVER = { offsetsTopicNumPartitions: 5, transactionStateLogNumPartitions: 3 }

function* find(client: TestClient, keyType: number, key: string, isWanted: (nodeId: number) => boolean = () => true): Task<FindCoordinatorResponseCoordinator> {
  return yield* client.until<FindCoordinatorResponse, FindCoordinatorResponseCoordinator>(ApiKey.FindCoordinator, { keyType, coordinatorKeys: [key] }, ({ coordinators: [found] }) =>
    (found?.errorCode === ErrorCode.NONE && isWanted(found.nodeId) ? found : undefined))
}

test('the first question creates the topic, compacted and replicated; the leader of the id\'s partition is the coordinator', () => {
  const world = new World({ server: SERVER })
  const [first, found, topic] = world.client(function* (client) {
    yield* client.brokersUp(3)
    const answer = yield* client.until<FindCoordinatorResponse, number>(ApiKey.FindCoordinator, { keyType: 0, coordinatorKeys: ['analytics'] }, ({ coordinators }) => coordinators[0]?.errorCode)
    const coordinator = yield* find(client, 0, 'analytics')
    const described = yield* client.until<MetadataResponse, MetadataResponse['topics'][number]>(ApiKey.Metadata, { topics: [{ name: '__consumer_offsets' }] }, ({ topics }) => (topics[0]?.partitions.length === 5 ? topics[0] : undefined))
    return [answer, coordinator, described] as const
  })
  expect(first).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE)
  expect(topic.isInternal).toBe(true)
  const partition = topic.partitions.find(({ partitionIndex }) => partitionIndex === partitionForId('analytics', 5))!
  expect(found).toMatchObject({ key: 'analytics', nodeId: partition.leaderId, host: `broker-${partition.leaderId}` })
  expect(partition.replicaNodes).toHaveLength(3)
})

test('a coordinator that dies is followed by another replica; transactions have a topic of their own', () => {
  const world = new World({ server: SERVER })
  const before = world.client(function* (client) {
    yield* client.brokersUp(3)
    return yield* find(client, 1, 'payments')
  })
  world.simulation.machine(brokersOf(world.cluster).find(({ nodeId }) => nodeId === before.nodeId)!.host).crashProcess()
  const after = world.client(client => find(client, 1, 'payments', id => id !== before.nodeId))
  expect(after.nodeId).not.toBe(before.nodeId)
  expect(world.client(client => client.leaderOf('__transaction_state'))).toBeDefined()
})

test('a type of coordinator that nobody knows is a bad request', () => {
  const world = new World()
  const code = world.client(function* (client) {
    yield* client.brokersUp(3)
    return yield* client.until<FindCoordinatorResponse, number>(ApiKey.FindCoordinator, { keyType: 9, coordinatorKeys: ['x'] }, ({ coordinators }) => coordinators[0]?.errorCode)
  })
  expect(code).toBe(ErrorCode.INVALID_REQUEST)
})
