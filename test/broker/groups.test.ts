/** Groups in a whole cluster, by raw requests: members come and die, coordinators die, zombies are fenced. */
import { describe, expect, test } from 'vitest'
import { partitionForId } from '../../src/base/java-hash.ts'
import type { Task } from '../../src/base/task.ts'
import { msToUs } from '../../src/base/time.ts'
import { brokersOf } from '../../src/config/cluster.ts'
import { ApiKey } from '../../src/protocol/api-keys.ts'
import { ErrorCode, errorName } from '../../src/protocol/errors.ts'
import type {
  ConsumerGroupDescribeResponse, ConsumerGroupHeartbeatResponse, DeleteGroupsResponse, DescribeGroupsResponse, FindCoordinatorResponse, HeartbeatResponse, JoinGroupResponse,
  LeaveGroupResponse, ListGroupsResponse, OffsetCommitResponse, OffsetDeleteResponse, OffsetFetchResponse, SyncGroupResponse, TxnOffsetCommitResponse,
} from '../../src/protocol/generated/types.ts'
import { TransactionClient } from '../scenarios/transaction-client.ts'
import type { Producer } from '../scenarios/transaction-client.ts'
import { TestClient, World } from './simulated-cluster.ts'

const SERVER = { offsetsTopicNumPartitions: 3, groupInitialRebalanceDelayMs: 200, groupMinSessionTimeoutMs: 500, groupConsumerSessionTimeoutMs: 2_000, groupConsumerAssignmentIntervalMs: 0 }
const RETRIED: readonly number[] = [ErrorCode.COORDINATOR_NOT_AVAILABLE, ErrorCode.NOT_COORDINATOR, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, ErrorCode.CONCURRENT_TRANSACTIONS]

/** Asks the coordinator of group `g`, whoever that is, until it has an answer of its own. */
function* ask<T>(client: TestClient, apiKey: number, body: object, codeOf: (response: T) => number | undefined, version?: number): Task<T> {
  for (;;) {
    const host = yield* client.until<FindCoordinatorResponse, string>(ApiKey.FindCoordinator, { keyType: 0, coordinatorKeys: ['g'] }, ({ coordinators: [found] }) => (found?.errorCode === 0 ? found.host : undefined))
    const response = yield* client.ask<T>(host, apiKey, body, version)
    const code = response === undefined ? undefined : codeOf(response) ?? ErrorCode.NONE
    if (response !== undefined && !RETRIED.includes(code!)) return response
    yield* client.env.sleep(msToUs(50)).wait()
  }
}

function* join(client: TestClient, memberId: string, groupInstanceId: string | null = null): Task<JoinGroupResponse> {
  const body = { groupId: 'g', sessionTimeoutMs: 1_000, rebalanceTimeoutMs: 3_000, memberId, groupInstanceId, protocolType: 'consumer', protocols: [{ name: 'range', metadata: Uint8Array.of(0, 0, 0, 0, 0, 0) }] }
  return yield* ask<JoinGroupResponse>(client, ApiKey.JoinGroup, body, response => response.errorCode)
}

function* sync(client: TestClient, memberId: string, generationId: number, assignments: object[] = []): Task<SyncGroupResponse> {
  return yield* ask<SyncGroupResponse>(client, ApiKey.SyncGroup, { groupId: 'g', memberId, generationId, protocolType: 'consumer', protocolName: 'range', assignments }, response => response.errorCode)
}

function* heartbeat(client: TestClient, memberId: string, generationId: number): Task<string> {
  return errorName((yield* ask<HeartbeatResponse>(client, ApiKey.Heartbeat, { groupId: 'g', memberId, generationId }, response => response.errorCode)).errorCode)
}

function* commit(client: TestClient, offset: number, by: object = { generationIdOrMemberEpoch: -1 }): Task<string> {
  const { topicId } = yield* client.leaderOf('orders')
  const body = { groupId: 'g', ...by, topics: [{ topicId, partitions: [{ partitionIndex: 0, committedOffset: offset, committedMetadata: '' }] }] }
  const codeOf = ({ topics }: OffsetCommitResponse) => topics[0]?.partitions[0]?.errorCode
  return errorName(codeOf(yield* ask<OffsetCommitResponse>(client, ApiKey.OffsetCommit, body, codeOf))!)
}

function* fetch(client: TestClient, requireStable = false): Task<number | string> {
  const { topicId } = yield* client.leaderOf('orders')
  const body = { groups: [{ groupId: 'g', memberId: null, memberEpoch: -1, topics: [{ topicId, partitionIndexes: [0] }] }], requireStable }
  const response = yield* ask<OffsetFetchResponse>(client, ApiKey.OffsetFetch, body, ({ groups }) => groups[0]?.errorCode)
  const { committedOffset, errorCode } = response.groups[0]!.topics[0]!.partitions[0]!
  return errorCode === 0 ? committedOffset : errorName(errorCode)
}

interface Formed {
  readonly members: [string, string]
  readonly generation: number
}

/** Two members that have joined, each over a connection of its own, and got their assignment. */
function form(world: World): Formed {
  return world.client(client => forming(client, world))
}

function* forming(client: TestClient, world: World): Task<Formed> {
  const members: string[] = []
  for (let i = 0; i < 2; i++) members.push((yield* join(client, '')).memberId)
  const answers: JoinGroupResponse[] = []
  for (const memberId of members) client.env.spawn('member', (function* () { answers.push(yield* join(new TestClient(client.env, world.cluster), memberId)) })())
  while (answers.length < 2) yield* client.env.sleep(msToUs(20)).wait()
  const { leader, generationId } = answers[0]!
  const assignments = members.map((memberId, i) => ({ memberId, assignment: Uint8Array.of(i + 1) }))
  const assigned: number[] = []
  for (const memberId of [leader, ...members.filter(one => one !== leader)]) assigned.push((yield* sync(client, memberId, generationId, memberId === leader ? assignments : [])).assignment[0]!)
  expect(assigned.sort()).toEqual([1, 2])
  return { members: members as [string, string], generation: generationId }
}

function* setUp(client: TestClient): Task<void> {
  yield* client.brokersUp(3)
  yield* client.createTopic('orders', {})
}

function coordinatorHost(world: World): string {
  return world.client(client => client.until<FindCoordinatorResponse, string>(ApiKey.FindCoordinator, { keyType: 0, coordinatorKeys: ['g'] }, ({ coordinators: [found] }) => (found?.errorCode === 0 ? found.host : undefined)))
}

describe('the classic protocol', () => {
  test('two share the work, one dies, the other takes all; the dead one is fenced when it wakes', () => {
    const world = new World({ server: SERVER, interleaving: 'random' })
    world.client(setUp)
    const outcome = world.client(function* (client) {
      const { members: [first, second], generation } = yield* forming(client, world)
      let code = 'NONE'
      while (code === 'NONE') {
        yield* client.env.sleep(msToUs(300)).wait()
        code = yield* heartbeat(client, first, generation)
      }
      const alone = yield* join(client, first)
      yield* sync(client, first, alone.generationId, [{ memberId: first, assignment: Uint8Array.of(9) }])
      return [code, alone.generationId, alone.members.length, yield* heartbeat(client, second, generation), yield* commit(client, 5, { memberId: second, generationIdOrMemberEpoch: generation }), yield* commit(client, 6, { memberId: first, generationIdOrMemberEpoch: generation }), yield* commit(client, 7, { memberId: first, generationIdOrMemberEpoch: alone.generationId }), yield* fetch(client)]
    })
    expect(outcome).toEqual(['REBALANCE_IN_PROGRESS', 2, 1, 'UNKNOWN_MEMBER_ID', 'UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'NONE', 7])
    expect(world.events.some(({ event }) => event.kind === 'offset-committed' && event.offsets[0]?.offset === 7)).toBe(true)
  })

  test('a coordinator that dies takes nothing with it: members, generation and offsets are there, and no rebalance', () => {
    const world = new World({ server: SERVER })
    world.client(setUp)
    const formed = form(world)
    expect(world.client(client => commit(client, 3, { memberId: formed.members[0], generationIdOrMemberEpoch: formed.generation }))).toBe('NONE')
    world.simulation.machine(coordinatorHost(world)).crashProcess()
    const after = world.client(function* (client) {
      return [yield* heartbeat(client, formed.members[0], formed.generation), yield* heartbeat(client, formed.members[1], formed.generation), yield* fetch(client), yield* commit(client, 4, { memberId: formed.members[1], generationIdOrMemberEpoch: formed.generation }), yield* fetch(client)]
    })
    expect(after).toEqual(['NONE', 'NONE', 3, 'NONE', 4])
    expect(world.marks('group-rebalance')).toBe(0)
    expect(world.marks('offset-commit-after-failover')).toBe(1)
    expect(world.marks('group-loaded-with-members')).toBeGreaterThan(0)
  })

  test('groups are listed, described, left and deleted', () => {
    const world = new World({ server: SERVER })
    world.client(setUp)
    const seen = world.client(function* (client) {
      const { members: [first, second], generation } = yield* forming(client, world)
      yield* commit(client, 1, { memberId: first, generationIdOrMemberEpoch: generation })
      const described = yield* ask<DescribeGroupsResponse>(client, ApiKey.DescribeGroups, { groups: ['g'] }, ({ groups }) => groups[0]?.errorCode)
      const listed = yield* ask<ListGroupsResponse>(client, ApiKey.ListGroups, { statesFilter: ['Stable'] }, response => response.errorCode)
      const gone = { topics: [{ name: 'orders', partitions: [{ partitionIndex: 0 }] }], groupId: 'g' }
      const subscribed = yield* ask<OffsetDeleteResponse>(client, ApiKey.OffsetDelete, gone, response => response.errorCode)
      const refused = yield* ask<DeleteGroupsResponse>(client, ApiKey.DeleteGroups, { groupsNames: ['g'] }, ({ results }) => results[0]?.errorCode)
      const left = yield* ask<LeaveGroupResponse>(client, ApiKey.LeaveGroup, { groupId: 'g', members: [{ memberId: first }, { memberId: second }] }, response => response.errorCode)
      const removed = yield* ask<OffsetDeleteResponse>(client, ApiKey.OffsetDelete, gone, response => response.errorCode)
      const deleted = yield* ask<DeleteGroupsResponse>(client, ApiKey.DeleteGroups, { groupsNames: ['g'] }, ({ results }) => results[0]?.errorCode)
      const after = yield* ask<ListGroupsResponse>(client, ApiKey.ListGroups, {}, response => response.errorCode)
      return {
        described: described.groups.map(group => [group.groupState, group.members.length]), listed: listed.groups, left: left.members.map(({ errorCode }) => errorCode),
        codes: [subscribed.topics[0]!.partitions[0]!.errorCode, refused.results[0]!.errorCode, removed.topics[0]!.partitions[0]!.errorCode, deleted.results[0]!.errorCode].map(errorName), after: after.groups, offset: yield* fetch(client),
      }
    })
    expect(seen).toEqual({
      described: [['Stable', 2]], listed: [{ groupId: 'g', protocolType: 'consumer', groupState: 'Stable', groupType: 'Classic' }], left: [0, 0],
      // A subscription that cannot be read may be to any topic.
      codes: ['GROUP_SUBSCRIBED_TO_TOPIC', 'NON_EMPTY_GROUP', 'NONE', 'NONE'], after: [], offset: -1,
    })
  })
})

describe.each([1, 2] as const)('a transaction (version %d)', version => {
  /** Sends offset 8 as a member of this generation, in the transaction. */
  function* send(client: TestClient, transaction: TransactionClient, producer: Producer, memberId: string, generationId: number): Task<string> {
    if (version === 1) yield* transaction.addOffsets(producer, 'g')
    const body = { transactionalId: 't', groupId: 'g', ...producer, generationId, memberId, topics: [{ name: 'orders', partitions: [{ partitionIndex: 0, committedOffset: 8, committedMetadata: '' }] }] }
    const codeOf = ({ topics }: TxnOffsetCommitResponse) => topics[0]?.partitions[0]?.errorCode
    return errorName(codeOf(yield* ask<TxnOffsetCommitResponse>(client, ApiKey.TxnOffsetCommit, body, codeOf, version === 1 ? 3 : 5))!)
  }

  test('brings its offsets with its marker, over a failover of the coordinator; who is no member any more cannot send them', () => {
    const world = new World({ server: { ...SERVER, transactionVersion: version, transactionStateLogNumPartitions: 2 } })
    world.client(setUp)
    const { members: [memberId], generation } = form(world)
    const started = world.client(function* (client) {
      const transaction = new TransactionClient(client.env, 't', version)
      const producer = yield* transaction.init()
      const codes = [yield* send(client, transaction, producer, memberId, generation - 1), yield* send(client, transaction, producer, memberId, generation), yield* fetch(client), yield* fetch(client, true)]
      return { producer, codes }
    })
    expect(started.codes).toEqual(['ILLEGAL_GENERATION', 'NONE', -1, 'UNSTABLE_OFFSET_COMMIT'])
    world.simulation.machine(coordinatorHost(world)).crashProcess()
    const ended = world.client(function* (client) {
      const before = yield* fetch(client, true)
      const transaction = new TransactionClient(client.env, 't', version)
      const next = yield* transaction.end(started.producer, true)
      let offset = yield* fetch(client, true)
      while (offset === 'UNSTABLE_OFFSET_COMMIT') offset = yield* fetch(client, true)
      if (typeof next === 'string') throw new Error(next)
      yield* transaction.untilState('CompleteCommit')
      return [before, offset, yield* send(client, transaction, { producerId: 999, producerEpoch: 0 }, memberId, generation)]
    })
    expect(ended).toEqual(['UNSTABLE_OFFSET_COMMIT', 8, 'INVALID_PRODUCER_ID_MAPPING'])
  })
})

describe('KIP-848', () => {
  function* beat(client: TestClient, memberId: string, memberEpoch: number, more: object = {}): Task<ConsumerGroupHeartbeatResponse> {
    return yield* ask<ConsumerGroupHeartbeatResponse>(client, ApiKey.ConsumerGroupHeartbeat, { groupId: 'g', memberId, memberEpoch, rebalanceTimeoutMs: -1, subscribedTopicNames: null, topicPartitions: null, ...more }, response => response.errorCode)
  }

  test('a member joins, its coordinator dies, it goes on; the next takes over when it dies itself', () => {
    const world = new World({ server: SERVER, interleaving: 'random' })
    world.client(setUp)
    const joining = { rebalanceTimeoutMs: 5_000, subscribedTopicNames: ['orders'], topicPartitions: [] }
    const first = world.client(client => beat(client, 'a', 0, joining))
    expect(first).toMatchObject({ errorCode: 0, memberEpoch: 1, heartbeatIntervalMs: 5_000, assignment: { topicPartitions: [{ partitions: [0] }] } })
    world.simulation.machine(coordinatorHost(world)).crashProcess()
    const after = world.client(function* (client) {
      const going = yield* beat(client, 'a', 1)
      let second = yield* beat(client, 'b', 0, joining)
      const shared = second.assignment
      while (second.assignment === null || second.assignment.topicPartitions.length === 0) {
        yield* client.env.sleep(msToUs(300)).wait()
        second = yield* beat(client, 'b', second.memberEpoch)
      }
      const ghost = yield* beat(client, 'a', 2)
      const described = yield* ask<ConsumerGroupDescribeResponse>(client, ApiKey.ConsumerGroupDescribe, { groupIds: ['g'] }, ({ groups }) => groups[0]?.errorCode)
      return { going, shared, second, ghost: errorName(ghost.errorCode), described: described.groups.map(group => [group.groupState, group.members.map(member => member.memberId)]), commit: yield* commit(client, 2, { memberId: 'b', generationIdOrMemberEpoch: second.memberEpoch }), offset: yield* fetch(client) }
    })
    expect(after.going).toMatchObject({ errorCode: 0, memberEpoch: 1, assignment: null })
    expect(after.shared).toEqual({ topicPartitions: [] })
    expect(after).toMatchObject({ ghost: 'UNKNOWN_MEMBER_ID', described: [['Stable', ['b']]], commit: 'NONE', offset: 2 })
  })
})

test('a commit that too few replicas have is not acknowledged, and counts once they are back', () => {
  const world = new World({ server: { ...SERVER, minInsyncReplicas: 2, offsetCommitTimeoutMs: 800 } })
  world.client(setUp)
  expect(world.client(client => commit(client, 1))).toBe('NONE')
  const host = coordinatorHost(world)
  const others = brokersOf(world.cluster).map(broker => broker.host).filter(one => one !== host)
  for (const one of others) world.simulation.machine(one).crashProcess()
  const code = world.client(function* (client) {
    // Until the ISR has shrunk to the coordinator alone.
    yield* client.env.sleep(msToUs(4_000)).wait()
    const body = { groupId: 'g', generationIdOrMemberEpoch: -1, topics: [{ name: 'orders', partitions: [{ partitionIndex: 0, committedOffset: 2, committedMetadata: '' }] }] }
    return errorName((yield* client.ask<OffsetCommitResponse>(host, ApiKey.OffsetCommit, body, 9))!.topics[0]!.partitions[0]!.errorCode)
  })
  expect(code).toBe('COORDINATOR_NOT_AVAILABLE')
  expect(world.marks('produce-refused-below-min-isr')).toBe(0)
  for (const one of others) world.start(one)
  const offset = world.client(function* (client) {
    for (;;) {
      const found = yield* fetch(client)
      if (found === 2) return found
      yield* client.env.sleep(msToUs(100)).wait()
    }
  })
  expect(offset).toBe(2)
})

test('the same requests do the same things twice', () => {
  const digest = (): string => {
    const world = new World({ server: SERVER, interleaving: 'random' })
    world.client(setUp)
    form(world)
    world.simulation.machine(coordinatorHost(world)).crashProcess()
    world.client(client => commit(client, 1))
    expect(brokersOf(world.cluster).length > partitionForId('g', 3)).toBe(true)
    return JSON.stringify(world.events.map(({ event, node, time }) => [time, node, event.kind]))
  }
  expect(digest()).toBe(digest())
})
