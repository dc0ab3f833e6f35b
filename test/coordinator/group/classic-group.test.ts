/** The classic protocol at one coordinator: joining, assigning, staying alive, leaving, and what a new coordinator knows. */
import { describe, expect, test } from 'vitest'
import { describeClassicGroup, listGroups } from '../../../src/coordinator/group/describe.ts'
import { ErrorCode, errorName } from '../../../src/protocol/errors.ts'
import { Coordinator, form, joinNew, outcome, settled } from './group-fixture.ts'

describe('JoinGroup', () => {
  test('a new member gets an id first, then waits for the initial delay, which further members prolong', () => {
    const coordinator = new Coordinator({ server: { groupInitialRebalanceDelayMs: 1_000 } })
    const first = settled(coordinator.join({}))
    expect([errorName(first.errorCode), first.memberId.startsWith('client-')]).toEqual(['MEMBER_ID_REQUIRED', true])
    const one = coordinator.join({ memberId: first.memberId })
    coordinator.env.run(900)
    const two = joinNew(coordinator)
    coordinator.env.run(900)
    expect(outcome(one)).toBe('waiting')
    coordinator.env.run(200)
    expect(settled(one)).toMatchObject({ errorCode: 0, generationId: 1, protocolName: 'range', leader: first.memberId })
    expect(settled(one).members!.map(member => member.memberId)).toEqual([first.memberId, two.memberId])
    expect(settled(two.answer)).toMatchObject({ generationId: 1, leader: first.memberId, members: [] })
  })

  test('clients before member ids were required join at once', () => {
    const coordinator = new Coordinator()
    const answer = coordinator.join({}, 3)
    coordinator.env.run(200)
    expect(settled(answer)).toMatchObject({ errorCode: 0, generationId: 1 })
  })

  test('an unknown id, a strange protocol and a session that is too short are refused', () => {
    const coordinator = new Coordinator()
    form(coordinator, 1)
    expect(errorName(settled(coordinator.join({ memberId: 'ghost' })).errorCode)).toBe('UNKNOWN_MEMBER_ID')
    expect(errorName(settled(coordinator.join({ protocols: [{ name: 'other', metadata: Uint8Array.of() }] })).errorCode)).toBe('INCONSISTENT_GROUP_PROTOCOL')
    expect(errorName(settled(coordinator.join({ sessionTimeoutMs: 10 })).errorCode)).toBe('INVALID_SESSION_TIMEOUT')
    expect(errorName(settled(coordinator.join({ groupId: '' })).errorCode)).toBe('INVALID_GROUP_ID')
    expect(errorName(settled(coordinator.join({ groupId: 'none', memberId: 'x' })).errorCode)).toBe('UNKNOWN_MEMBER_ID')
  })

  test('the protocol is the one that most prefer among those that all know', () => {
    const coordinator = new Coordinator()
    const protocols = (...names: string[]) => ({ protocols: names.map(name => ({ name, metadata: Uint8Array.of() })) })
    const members = [protocols('a', 'b', 'c'), protocols('b', 'c'), protocols('c', 'b')].map(request => joinNew(coordinator, request))
    coordinator.env.run(500)
    expect(settled(members[0]!.answer).protocolName).toBe('b')
  })

  test('a group is full at group.max.size', () => {
    const coordinator = new Coordinator({ server: { groupMaxSize: 2 } })
    form(coordinator, 2)
    expect(errorName(settled(coordinator.join({})).errorCode)).toBe('GROUP_MAX_SIZE_REACHED')
  })

  test('when the log refuses the first record there is no group', () => {
    const coordinator = new Coordinator()
    coordinator.logs.log(0).refusal = ErrorCode.NOT_ENOUGH_REPLICAS
    const { memberId } = settled(coordinator.join({}))
    coordinator.logs.log(0).refusal = ErrorCode.NONE
    expect(errorName(settled(coordinator.join({ memberId })).errorCode)).toBe('UNKNOWN_MEMBER_ID')
  })
})

describe('SyncGroup', () => {
  test('everybody gets what the leader says when it is committed, not before', () => {
    const coordinator = new Coordinator()
    const joined = [joinNew(coordinator), joinNew(coordinator)]
    coordinator.env.run(500)
    const [leader, other] = joined.map(({ memberId }) => memberId) as [string, string]
    const waiting = coordinator.sync({ memberId: other, generationId: 1 })
    coordinator.logs.commitsAtOnce = false
    const leading = coordinator.sync({ memberId: leader, generationId: 1, assignments: [{ memberId: leader, assignment: Uint8Array.of(1) }, { memberId: other, assignment: Uint8Array.of(2) }] })
    expect([outcome(leading), outcome(waiting)]).toEqual(['waiting', 'waiting'])
    coordinator.logs.commit(0)
    expect([[...settled(leading).assignment!], [...settled(waiting).assignment!]]).toEqual([[1], [2]])
    expect(coordinator.heartbeat(other, 1)).toBe('NONE')
    // Whoever missed the answer asks again.
    expect([...settled(coordinator.sync({ memberId: other, generationId: 1 })).assignment!]).toEqual([2])
  })

  test('a wrong generation, member or protocol is refused; a rebalance sends everybody back', () => {
    const coordinator = new Coordinator()
    const { members: [first], generation } = form(coordinator, 1)
    const code = (request: object) => errorName(settled(coordinator.sync({ memberId: first!, generationId: generation, ...request })).errorCode)
    expect(code({ generationId: generation - 1 })).toBe('ILLEGAL_GENERATION')
    expect(code({ memberId: 'ghost' })).toBe('UNKNOWN_MEMBER_ID')
    expect(code({ protocolName: 'other' })).toBe('INCONSISTENT_GROUP_PROTOCOL')
    joinNew(coordinator)
    expect(code({})).toBe('REBALANCE_IN_PROGRESS')
  })

  test('when the assignment cannot be written, nobody gets one and all join again', () => {
    const coordinator = new Coordinator()
    const { memberId } = joinNew(coordinator)
    coordinator.env.run(500)
    coordinator.logs.log(0).refusal = ErrorCode.NOT_ENOUGH_REPLICAS
    const answer = coordinator.sync({ memberId, generationId: 1, assignments: [{ memberId, assignment: Uint8Array.of(1) }] })
    expect(errorName(settled(answer).errorCode)).toBe('COORDINATOR_NOT_AVAILABLE')
    expect(coordinator.heartbeat(memberId, 1)).toBe('REBALANCE_IN_PROGRESS')
  })

  test('a member that never syncs is given up after the rebalance timeout', () => {
    const coordinator = new Coordinator()
    const joined = [joinNew(coordinator, { rebalanceTimeoutMs: 2_000 }), joinNew(coordinator, { rebalanceTimeoutMs: 2_000 })]
    coordinator.env.run(500)
    const [leader, lazy] = joined.map(({ memberId }) => memberId) as [string, string]
    coordinator.sync({ memberId: leader, generationId: 1, assignments: [] })
    coordinator.env.run(2_000)
    expect(coordinator.heartbeat(lazy, 1)).toBe('UNKNOWN_MEMBER_ID')
    expect(coordinator.heartbeat(leader, 1)).toBe('REBALANCE_IN_PROGRESS')
  })
})

describe('a stable group', () => {
  test('rebalances when a member joins, and again when one dies: the other is alone', () => {
    const coordinator = new Coordinator()
    const { members: [first] } = form(coordinator, 1)
    const second = joinNew(coordinator)
    expect(coordinator.heartbeat(first!, 1)).toBe('REBALANCE_IN_PROGRESS')
    const rejoined = coordinator.join({ memberId: first! })
    expect([settled(rejoined).generationId, settled(second.answer).generationId]).toEqual([2, 2])
    coordinator.sync({ memberId: first!, generationId: 2, assignments: [] })
    coordinator.sync({ memberId: second.memberId, generationId: 2 })
    for (let i = 0; i < 3; i++) {
      coordinator.env.run(4_000)
      coordinator.heartbeat(first!, 2)
    }
    expect(coordinator.heartbeat(second.memberId, 2)).toBe('UNKNOWN_MEMBER_ID')
    expect(coordinator.heartbeat(first!, 2)).toBe('REBALANCE_IN_PROGRESS')
    const alone = settled(coordinator.join({ memberId: first! }))
    expect([alone.generationId, alone.members!.length]).toEqual([3, 1])
  })

  test('who does not rejoin within the rebalance timeout is out, and another leads', () => {
    const coordinator = new Coordinator()
    const { members: [leader, other] } = form(coordinator, 2)
    coordinator.leave({ memberId: 'nobody' })
    const changed = coordinator.join({ memberId: other!, protocols: [{ name: 'range', metadata: Uint8Array.of(0, 0, 0, 0, 0, 0, 9) }], rebalanceTimeoutMs: 1_000 })
    for (let i = 0; i < 4; i++) {
      coordinator.env.run(9_000)
      coordinator.heartbeat(leader!, 1)
    }
    expect(settled(changed)).toMatchObject({ generationId: 2, leader: other })
    expect(coordinator.heartbeat(leader!, 1)).toBe('UNKNOWN_MEMBER_ID')
  })

  test('a batch leaves; the last one leaves the group empty, in a new generation that is written down', () => {
    const coordinator = new Coordinator()
    const { members: [first, second] } = form(coordinator, 2)
    const answer = settled(coordinator.leave({ memberId: first! }, { memberId: 'ghost' }, { memberId: second! }))
    expect(answer.members.map(member => errorName(member.errorCode))).toEqual(['NONE', 'UNKNOWN_MEMBER_ID', 'NONE'])
    expect(coordinator.committed.groups.get('g')).toMatchObject({ value: { generation: 2, members: [] } })
    expect(coordinator.groups.allScopes().flatMap(scope => listGroups(scope, { states: ['EMPTY'], types: ['classic'] }))).toEqual([{ groupId: 'g', protocolType: 'consumer', groupState: 'Empty', groupType: 'Classic' }])
  })

  test('the leader may ask for a rebalance, a follower that changes nothing is told what it knows', () => {
    const coordinator = new Coordinator()
    const { members: [leader, follower] } = form(coordinator, 2)
    expect(settled(coordinator.join({ memberId: follower! }))).toMatchObject({ generationId: 1, members: [] })
    expect(outcome(coordinator.join({ memberId: leader! }))).toBe('waiting')
    expect(coordinator.heartbeat(follower!, 1)).toBe('REBALANCE_IN_PROGRESS')
  })

  test('is described with metadata and assignments only while it is stable', () => {
    const coordinator = new Coordinator()
    form(coordinator, 1)
    const describe = () => coordinator.groups.readScope('g', scope => describeClassicGroup(scope, 'g', 6))
    expect(describe()).toMatchObject({ groupState: 'Stable', protocolData: 'range', members: [{ memberAssignment: Uint8Array.of(1) }] })
    joinNew(coordinator)
    expect(describe()).toMatchObject({ groupState: 'PreparingRebalance', protocolData: '' })
    expect(coordinator.groups.readScope('x', scope => describeClassicGroup(scope, 'x', 6))).toMatchObject({ groupState: 'Dead', errorCode: ErrorCode.GROUP_ID_NOT_FOUND })
  })
})

describe('after a failover', () => {
  test('the group is stable in its generation, members go on with heartbeats and get their assignments again', () => {
    const coordinator = new Coordinator()
    const { members: [first, second], generation } = form(coordinator, 2)
    coordinator.failOver()
    expect(coordinator.heartbeat(first!, generation)).toBe('NONE')
    expect([...settled(coordinator.sync({ memberId: second!, generationId: generation })).assignment!]).toEqual([2])
    // Sessions begin anew, and end.
    coordinator.env.run(9_000)
    expect(coordinator.heartbeat(first!, generation)).toBe('NONE')
    coordinator.env.run(9_000)
    expect(coordinator.heartbeat(second!, generation)).toBe('UNKNOWN_MEMBER_ID')
  })

  test('who waited is told to look for the new coordinator, and a generation that nobody wrote down is gone', () => {
    const coordinator = new Coordinator()
    const { members: [first] } = form(coordinator, 1)
    const second = joinNew(coordinator)
    coordinator.failOver()
    expect(errorName(settled(second.answer).errorCode)).toBe('NOT_COORDINATOR')
    expect(errorName(settled(coordinator.join({ memberId: second.memberId })).errorCode)).toBe('UNKNOWN_MEMBER_ID')
    expect(coordinator.heartbeat(first!, 1)).toBe('NONE')
  })
})
