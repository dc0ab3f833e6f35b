/** KIP-848 at one coordinator: epochs, reconciliation, static members, patterns, timers, and what a new coordinator knows. */
import { describe, expect, test } from 'vitest'
import type { ConsumerGroupHeartbeatRequest } from '../../../src/protocol/generated/types.ts'
import { describeConsumerGroup } from '../../../src/coordinator/group/describe.ts'
import { ErrorCode } from '../../../src/protocol/errors.ts'
import { Coordinator, form, outcome, settled } from './group-fixture.ts'

type Owned = { topicId: string; partitions: number[] }[]

/** A member as a client would be: it remembers its epoch and owns what it was given last, once it says so. */
class Member {
  readonly memberId: string
  epoch = 0
  owned: Owned = []
  private readonly coordinator: Coordinator
  private readonly instanceId: string | null
  private readonly subscription: Partial<ConsumerGroupHeartbeatRequest>

  constructor(coordinator: Coordinator, memberId: string, o: Partial<ConsumerGroupHeartbeatRequest> = {}) {
    this.coordinator = coordinator
    this.memberId = memberId
    this.instanceId = o.instanceId ?? null
    this.subscription = { subscribedTopicNames: ['orders'], ...o }
  }

  join(): string {
    this.epoch = 0
    this.owned = []
    return this.send({ ...this.subscription, rebalanceTimeoutMs: 20_000, topicPartitions: [] })
  }

  /** A heartbeat that says what it owns; the answer's assignment is what it owns from then on. */
  beat(): string {
    return this.send({ topicPartitions: this.owned })
  }

  send(request: Partial<ConsumerGroupHeartbeatRequest>): string {
    const answer = this.coordinator.consumer({ memberId: this.memberId, memberEpoch: this.epoch, instanceId: this.instanceId, rebalanceTimeoutMs: -1, subscribedTopicNames: null, topicPartitions: null, ...request })
    const result = outcome(answer)
    if (typeof result === 'string') return result
    this.epoch = result.memberEpoch!
    if (result.assignment !== null && result.assignment !== undefined) this.owned = result.assignment.topicPartitions
    return 'NONE'
  }

  get partitions(): number[] {
    return this.owned.flatMap(({ partitions }) => partitions)
  }
}

function setUp(server: ConstructorParameters<typeof Coordinator>[0] = {}): Coordinator {
  const coordinator = new Coordinator({ ...server, server: { groupConsumerAssignmentIntervalMs: 0, ...server.server } })
  coordinator.topic('orders', 3)
  return coordinator
}

function joined(coordinator: Coordinator, memberId: string, o: Partial<ConsumerGroupHeartbeatRequest> = {}): Member {
  const member = new Member(coordinator, memberId, o)
  expect(member.join()).toBe('NONE')
  return member
}

const state = (coordinator: Coordinator) => coordinator.groups.readScope('g', scope => describeConsumerGroup(scope, 'g').groupState)

describe('reconciliation', () => {
  test('two share three partitions: the first gives back before the second gets', () => {
    const coordinator = setUp()
    const a = joined(coordinator, 'a')
    expect([a.epoch, a.partitions, state(coordinator)]).toEqual([1, [0, 1, 2], 'Stable'])
    const b = joined(coordinator, 'b')
    // The group has moved on, and nothing is free.
    expect([b.epoch, b.partitions, state(coordinator)]).toEqual([2, [], 'Reconciling'])
    const before = a.owned
    a.beat()
    expect([a.epoch, a.partitions]).toEqual([1, [0, 1]])
    b.beat()
    expect(b.partitions).toEqual([])
    // It still says that it owns all three, then that nothing has changed: both are no acknowledgement.
    a.owned = before
    a.beat()
    a.send({})
    b.beat()
    expect([a.epoch, b.partitions]).toEqual([1, []])
    a.owned = [{ topicId: before[0]!.topicId, partitions: [0, 1] }]
    a.beat()
    expect([a.epoch, a.partitions]).toEqual([2, [0, 1]])
    b.beat()
    expect([b.epoch, b.partitions, state(coordinator)]).toEqual([2, [2], 'Stable'])
    expect(coordinator.env.observed('member-assigned').at(-1)).toMatchObject({ memberId: 'b', epoch: 2 })
  })

  test('a member that leaves, or whose session ends, leaves all to the other', () => {
    const coordinator = setUp()
    const a = joined(coordinator, 'a')
    const b = joined(coordinator, 'b')
    for (let i = 0; i < 3; i++) for (const member of [a, b]) member.beat()
    expect([a.partitions.length, b.partitions.length]).toEqual([2, 1])
    for (let i = 0; i < 5; i++) {
      coordinator.env.run(10_000)
      a.beat()
    }
    expect([a.epoch, a.partitions, b.beat()]).toEqual([3, [0, 1, 2], 'UNKNOWN_MEMBER_ID'])
    expect(a.send({ memberEpoch: -1 })).toBe('NONE')
    expect(state(coordinator)).toBe('Empty')
  })

  test('who does not give partitions back in time is out', () => {
    const coordinator = setUp()
    const a = joined(coordinator, 'a')
    const b = joined(coordinator, 'b')
    a.beat()
    const stubborn = a.owned
    for (let i = 0; i < 5; i++) {
      coordinator.env.run(5_000)
      a.owned = [{ topicId: stubborn[0]!.topicId, partitions: [0, 1, 2] }]
      a.beat()
      b.beat()
    }
    expect([a.beat(), b.partitions]).toEqual(['UNKNOWN_MEMBER_ID', [0, 1, 2]])
    expect(coordinator.marks('consumer-group-revocation-expired')).toBe(1)
  })

  test('targets are not computed more often than the interval allows', () => {
    const coordinator = setUp({ server: { groupConsumerAssignmentIntervalMs: 1_000 } })
    const a = joined(coordinator, 'a')
    const b = joined(coordinator, 'b')
    expect([a.beat(), a.partitions, b.epoch, state(coordinator)]).toEqual(['NONE', [0, 1, 2], 1, 'Assigning'])
    coordinator.env.run(1_000)
    a.beat()
    expect(a.partitions).toEqual([0, 1])
  })
})

describe('a member epoch', () => {
  test('that is wrong fences; the one before is taken from who may not have heard', () => {
    const coordinator = setUp()
    const a = joined(coordinator, 'a')
    expect(a.send({ memberEpoch: 9 })).toBe('FENCED_MEMBER_EPOCH')
    // The answer to the join was lost: the same request again.
    expect(a.join()).toBe('NONE')
    expect([a.epoch, a.partitions]).toEqual([1, [0, 1, 2]])
    a.send({ subscribedTopicNames: ['orders', 'none'] })
    expect(a.epoch).toBe(2)
    expect(a.send({ memberEpoch: 1, topicPartitions: [{ topicId: a.owned[0]!.topicId, partitions: [0] }] })).toBe('NONE')
    expect(a.send({ memberEpoch: 1, topicPartitions: [{ topicId: a.owned[0]!.topicId, partitions: [7] }] })).toBe('FENCED_MEMBER_EPOCH')
    expect(a.send({ memberEpoch: 1 })).toBe('FENCED_MEMBER_EPOCH')
    expect(coordinator.marks('consumer-group-member-fenced')).toBe(3)
  })

  test('lets commits through as long as the partition has been its own (KIP-1251)', () => {
    const coordinator = setUp()
    const a = joined(coordinator, 'a')
    const commit = (generationIdOrMemberEpoch: number, memberId = 'a') => coordinator.commit(1, { memberId, generationIdOrMemberEpoch })
    a.send({ subscribedTopicNames: ['orders', 'none'] })
    expect([commit(2), commit(1), commit(0), commit(3), commit(2, 'ghost'), commit(-1, '')]).toEqual(['NONE', 'NONE', 'STALE_MEMBER_EPOCH', 'STALE_MEMBER_EPOCH', 'UNKNOWN_MEMBER_ID', 'UNKNOWN_MEMBER_ID'])
    expect([coordinator.txnCommit(1, 7, { memberId: 'a', generationId: 2 }), coordinator.txnCommit(1, 7, { memberId: 'a', generationId: 0 })]).toEqual(['NONE', 'ILLEGAL_GENERATION'])
    expect([coordinator.fetch(), coordinator.fetch({ memberId: 'a', memberEpoch: 2 }), coordinator.fetch({ memberId: 'a', memberEpoch: 1 })]).toEqual([1, 1, 'STALE_MEMBER_EPOCH'])
    expect(coordinator.commit(1, { memberId: 'a', generationIdOrMemberEpoch: 2 }, 'orders', 8)).toBe('UNSUPPORTED_VERSION')
  })
})

describe('metadata', () => {
  test('a topic that grows, comes or goes is a new group epoch', () => {
    const coordinator = setUp()
    const a = joined(coordinator, 'a', { subscribedTopicNames: ['orders', 'later'] })
    coordinator.topic('orders', 5)
    a.beat()
    expect([a.epoch, a.partitions]).toEqual([2, [0, 1, 2, 3, 4]])
    coordinator.topic('later', 2)
    a.beat()
    expect([a.epoch, a.partitions.length]).toEqual([3, 7])
    coordinator.deleteTopic('orders')
    a.beat()
    a.beat()
    expect([a.epoch, a.partitions]).toEqual([4, [0, 1]])
    coordinator.topic('unrelated', 1)
    a.beat()
    expect(a.epoch).toBe(4)
  })

  test('patterns are resolved by the coordinator, and again when topics have come', () => {
    const coordinator = setUp()
    coordinator.topic('payments', 1)
    const a = joined(coordinator, 'a', { subscribedTopicNames: null, subscribedTopicRegex: 'or.*|pay.*' })
    expect(a.partitions.length).toBe(4)
    coordinator.topic('orphans', 2)
    a.beat()
    expect(a.partitions.length).toBe(4)
    coordinator.env.run(10_000)
    a.beat()
    expect([a.epoch, a.partitions.length]).toEqual([2, 6])
    expect(a.send({ subscribedTopicRegex: 'pay.*', topicPartitions: a.owned })).toBe('NONE')
    expect([...coordinator.state.consumerGroup('g')!.regexes.keys()]).toEqual(['pay.*'])
    expect(new Member(coordinator, 'b', { subscribedTopicNames: null, subscribedTopicRegex: '(' }).join()).toBe('INVALID_REGULAR_EXPRESSION')
    a.send({ memberEpoch: -1 })
    expect(coordinator.state.consumerGroup('g')!.regexes.size).toBe(0)
  })
})

describe('a static member', () => {
  test('that left for a while comes back under another id, to its partitions, without a new epoch', () => {
    const coordinator = setUp()
    const a = joined(coordinator, 'a', { instanceId: 'one' })
    const b = joined(coordinator, 'b', { instanceId: 'two' })
    for (let i = 0; i < 3; i++) for (const member of [a, b]) member.beat()
    const had = a.partitions
    expect(new Member(coordinator, 'a2', { instanceId: 'one' }).join()).toBe('UNRELEASED_INSTANCE_ID')
    expect(a.send({ memberEpoch: -2 })).toBe('NONE')
    const back = joined(coordinator, 'a2', { instanceId: 'one' })
    expect([back.epoch, back.partitions]).toEqual([2, had])
    expect([a.send({ memberEpoch: 2 }), b.beat(), b.epoch]).toEqual(['FENCED_INSTANCE_ID', 'NONE', 2])
  })

  test('that stays away loses them when its session ends', () => {
    const coordinator = setUp()
    const a = joined(coordinator, 'a', { instanceId: 'one' })
    a.send({ memberEpoch: -2 })
    coordinator.env.run(46_000)
    expect(state(coordinator)).toBe('Empty')
  })
})

describe('a failover', () => {
  test('changes nothing for members, and commits below the high watermark make up the state', () => {
    const coordinator = setUp()
    const a = joined(coordinator, 'a')
    const b = joined(coordinator, 'b')
    for (let i = 0; i < 3; i++) for (const member of [a, b]) member.beat()
    const before = coordinator.state.describe()
    coordinator.failOver()
    expect(coordinator.state.describe()).toEqual(before)
    expect([a.beat(), b.beat(), a.epoch, b.partitions]).toEqual(['NONE', 'NONE', 2, [2]])
    coordinator.env.run(46_000)
    expect(state(coordinator)).toBe('Empty')
  })

  test('loses an epoch that was not committed, and fences who has heard of it', () => {
    const coordinator = setUp()
    const a = joined(coordinator, 'a')
    coordinator.logs.commitsAtOnce = false
    a.send({ subscribedTopicNames: ['orders', 'none'] })
    coordinator.logs.commitsAtOnce = true
    coordinator.failOver()
    expect([a.send({ memberEpoch: 2 }), a.send({ memberEpoch: 1 })]).toEqual(['FENCED_MEMBER_EPOCH', 'NONE'])
  })
})

test('a group changes its protocol only while it is empty', () => {
  const coordinator = setUp()
  const { members: [classic] } = form(coordinator, 1)
  expect(new Member(coordinator, 'a').join()).toBe('GROUP_ID_NOT_FOUND')
  coordinator.leave({ memberId: classic! })
  const a = joined(coordinator, 'a')
  expect(settled(coordinator.join({})).errorCode).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
  a.send({ memberEpoch: -1 })
  expect(form(coordinator, 1).generation).toBe(1)
  expect(coordinator.state.groups.get('g')!.kind).toBe('classic')
})

test('requests that say too little or too much are refused', () => {
  const coordinator = setUp({ server: { groupConsumerMaxSize: 1 } })
  const refused = (o: Partial<ConsumerGroupHeartbeatRequest>) => new Member(coordinator, 'a').send({ rebalanceTimeoutMs: 1_000, subscribedTopicNames: ['orders'], topicPartitions: [], ...o })
  expect([refused({ groupId: '' }), refused({ memberId: '' }), refused({ rebalanceTimeoutMs: -1 }), refused({ subscribedTopicNames: null }), refused({ topicPartitions: null }), refused({ memberEpoch: -3 }), refused({ memberEpoch: -2 })])
    .toEqual(Array.from({ length: 7 }, () => 'INVALID_REQUEST'))
  expect([refused({ serverAssignor: 'mine' }), refused({ memberEpoch: 3 })]).toEqual(['UNSUPPORTED_ASSIGNOR', 'GROUP_ID_NOT_FOUND'])
  joined(coordinator, 'a', { serverAssignor: 'range' })
  expect(new Member(coordinator, 'b').join()).toBe('GROUP_MAX_SIZE_REACHED')
})
