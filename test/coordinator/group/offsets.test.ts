/** Committed offsets: who may commit, what is read when, transactions, failover, retention and deletion. */
import { describe, expect, test } from 'vitest'
import { deleteGroups, deleteOffsets } from '../../../src/coordinator/group/offsets/remove.ts'
import { ErrorCode, errorName } from '../../../src/protocol/errors.ts'
import { Coordinator, form, joinNew, settled } from './group-fixture.ts'

function setUp(o: ConstructorParameters<typeof Coordinator>[0] = {}): Coordinator {
  const coordinator = new Coordinator(o)
  coordinator.topic('orders', 1)
  return coordinator
}

describe('OffsetCommit', () => {
  test('of nobody makes a simple group; what is read is what is committed', () => {
    const coordinator = setUp()
    coordinator.logs.commitsAtOnce = false
    coordinator.commit(7)
    expect(coordinator.fetch()).toBe(-1)
    coordinator.logs.commit(0)
    expect(coordinator.fetch()).toBe(7)
    coordinator.logs.commitsAtOnce = true
    coordinator.failOver()
    expect(coordinator.fetch()).toBe(7)
    expect(coordinator.commit(8)).toBe('NONE')
    expect(coordinator.fetch()).toBe(8)
  })

  test('that was not committed is lost with its coordinator', () => {
    const coordinator = setUp()
    coordinator.commit(7)
    coordinator.logs.commitsAtOnce = false
    coordinator.commit(8)
    coordinator.logs.commitsAtOnce = true
    coordinator.failOver()
    expect(coordinator.fetch()).toBe(7)
  })

  test('of a member needs the member and the generation to be right', () => {
    const coordinator = setUp()
    const { members: [memberId], generation } = form(coordinator, 1)
    const by = (generationIdOrMemberEpoch: number, id = memberId!) => ({ generationIdOrMemberEpoch, memberId: id })
    expect(coordinator.commit(1, by(generation))).toBe('NONE')
    expect(coordinator.commit(2, by(generation - 1))).toBe('ILLEGAL_GENERATION')
    expect(coordinator.commit(2, by(generation, 'ghost'))).toBe('UNKNOWN_MEMBER_ID')
    expect(coordinator.commit(2)).toBe('UNKNOWN_MEMBER_ID')
    expect(coordinator.commit(2, { ...by(5), groupId: 'none' })).toBe('GROUP_ID_NOT_FOUND')
    expect(coordinator.commit(2, { ...by(5), groupId: 'none' }, 'orders', 8)).toBe('ILLEGAL_GENERATION')
    expect(coordinator.fetch()).toBe(1)
  })

  test('is accepted while members join, not while they wait for the assignment', () => {
    const coordinator = setUp()
    const { members: [memberId] } = form(coordinator, 1)
    const second = joinNew(coordinator)
    expect(coordinator.commit(1, { generationIdOrMemberEpoch: 1, memberId: memberId! })).toBe('NONE')
    coordinator.join({ memberId: memberId! })
    expect(settled(second.answer).generationId).toBe(2)
    expect(coordinator.commit(2, { generationIdOrMemberEpoch: 2, memberId: memberId! })).toBe('REBALANCE_IN_PROGRESS')
    expect(coordinator.commit(2, { generationIdOrMemberEpoch: 1, memberId: memberId! })).toBe('ILLEGAL_GENERATION')
  })
})

describe('TxnOffsetCommit', () => {
  test('counts from the marker on, and not at all when it aborts; meanwhile the offset is unstable', () => {
    const coordinator = setUp()
    coordinator.commit(1)
    expect(coordinator.txnCommit(5, 77)).toBe('NONE')
    expect([coordinator.fetch(), coordinator.fetch({ requireStable: true })]).toEqual([1, 'UNSTABLE_OFFSET_COMMIT'])
    coordinator.failOver()
    expect(coordinator.fetch({ requireStable: true })).toBe('UNSTABLE_OFFSET_COMMIT')
    coordinator.endTransaction(77, true)
    expect([coordinator.fetch(), coordinator.fetch({ requireStable: true })]).toEqual([5, 5])
    coordinator.txnCommit(9, 77)
    coordinator.endTransaction(77, false)
    expect(coordinator.fetch({ requireStable: true })).toBe(5)
  })

  test('does not come back over a plain commit that was made after it', () => {
    const coordinator = setUp()
    coordinator.txnCommit(5, 77)
    coordinator.commit(6)
    coordinator.endTransaction(77, true)
    expect(coordinator.fetch()).toBe(6)
  })

  test('names its member and generation, which must be right (KIP-447)', () => {
    const coordinator = setUp()
    const { members: [memberId] } = form(coordinator, 1)
    expect(coordinator.txnCommit(5, 77, { memberId: memberId!, generationId: 1 })).toBe('NONE')
    expect(coordinator.txnCommit(5, 77, { memberId: memberId!, generationId: 0 })).toBe('ILLEGAL_GENERATION')
    expect(coordinator.txnCommit(5, 77, { memberId: 'ghost', generationId: 1 })).toBe('UNKNOWN_MEMBER_ID')
    // Older clients cannot say who they are.
    expect(coordinator.txnCommit(5, 77)).toBe('NONE')
    expect(coordinator.txnCommit(5, 77, { groupId: 'none', generationId: 3 })).toBe('ILLEGAL_GENERATION')
  })

  test('with the defect KIP-447 a zombie commits', () => {
    const coordinator = setUp({ defects: ['KIP-447'] })
    const { members: [memberId] } = form(coordinator, 1)
    expect(coordinator.txnCommit(5, 77, { memberId: memberId!, generationId: 0 })).toBe('NONE')
    expect(coordinator.commit(5, { memberId: memberId!, generationIdOrMemberEpoch: 0 })).toBe('ILLEGAL_GENERATION')
    const heartbeat = coordinator.consumer({ groupId: 'new', memberId: 'm', memberEpoch: 0, rebalanceTimeoutMs: 1_000, subscribedTopicNames: ['orders'], topicPartitions: [] })
    expect(settled(heartbeat).memberEpoch).toBe(1)
    expect(coordinator.txnCommit(5, 77, { groupId: 'new', memberId: 'm', generationId: 0 })).toBe('NONE')
    expect(coordinator.commit(5, { groupId: 'new', memberId: 'm', generationIdOrMemberEpoch: 0 })).toBe('STALE_MEMBER_EPOCH')
  })

  test('is accepted while the group waits for its assignment', () => {
    const coordinator = setUp()
    const { memberId } = joinNew(coordinator)
    coordinator.env.run(500)
    expect(coordinator.txnCommit(5, 77, { memberId, generationId: 1 })).toBe('NONE')
  })
})

describe('offsets go', () => {
  const RETENTION = { offsetsRetentionMs: 60_000, offsetsRetentionCheckIntervalMs: 10_000 }

  test('some time after the last commit of a simple group, and the group with them', () => {
    const coordinator = setUp({ server: RETENTION })
    coordinator.commit(1)
    coordinator.env.run(50_000)
    coordinator.commit(2)
    coordinator.env.run(50_000)
    expect(coordinator.fetch()).toBe(2)
    coordinator.env.run(20_000)
    expect([coordinator.fetch(), coordinator.state.groups.has('g')]).toEqual([-1, false])
  })

  test('never while a transaction on them is open', () => {
    const coordinator = setUp({ server: RETENTION })
    coordinator.commit(1)
    coordinator.txnCommit(2, 77)
    coordinator.env.run(200_000)
    expect(coordinator.fetch()).toBe(1)
    coordinator.endTransaction(77, false)
    coordinator.env.run(20_000)
    expect(coordinator.fetch()).toBe(-1)
  })

  test('of a group with members never, and counted from when it became empty', () => {
    const coordinator = setUp({ server: RETENTION })
    const { members: [memberId] } = form(coordinator, 1)
    coordinator.commit(1, { memberId: memberId!, generationIdOrMemberEpoch: 1 })
    // The subscription of this member cannot be read: it may consume anything.
    for (let i = 0; i < 20; i++) {
      coordinator.env.run(9_000)
      expect(coordinator.heartbeat(memberId!, 1)).toBe('NONE')
    }
    coordinator.leave({ memberId: memberId! })
    coordinator.env.run(50_000)
    expect(coordinator.fetch()).toBe(1)
    coordinator.env.run(20_000)
    expect(coordinator.fetch()).toBe(-1)
  })

  test('when their topic is deleted', () => {
    const coordinator = setUp()
    coordinator.topic('other', 1)
    coordinator.commit(1)
    coordinator.commit(2, {}, 'other')
    coordinator.deleteTopic('orders')
    expect([coordinator.fetch(), coordinator.fetch({ topic: 'other' })]).toEqual([-1, 2])
  })

  test('when they or their group are deleted, unless it has members', () => {
    const coordinator = setUp()
    coordinator.commit(1)
    const removal = coordinator.groups.write('g', 'delete', scope => deleteOffsets(scope, { groupId: 'g', topics: [{ name: 'orders', partitions: [{ partitionIndex: 0 }] }] }))
    coordinator.env.run(1)
    expect(settled(removal).topics).toEqual([{ name: 'orders', partitions: [{ partitionIndex: 0, errorCode: ErrorCode.NONE }] }])
    expect(coordinator.fetch()).toBe(-1)
    coordinator.commit(1)
    const deleted = (): string[] => {
      const answer = coordinator.groups.write('g', 'delete-groups', scope => deleteGroups(scope, ['g', 'none']))
      coordinator.env.run(1)
      return settled(answer).map(({ errorCode }) => errorName(errorCode))
    }
    expect(deleted()).toEqual(['NONE', 'GROUP_ID_NOT_FOUND'])
    expect([coordinator.fetch(), coordinator.state.groups.size]).toEqual([-1, 0])
    form(coordinator, 1)
    expect(deleted()).toEqual(['NON_EMPTY_GROUP', 'GROUP_ID_NOT_FOUND'])
  })
})
