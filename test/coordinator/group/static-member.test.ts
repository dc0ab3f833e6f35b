/** Static members of the classic protocol (KIP-345, KIP-814): a restart takes one's former place. */
import { describe, expect, test } from 'vitest'
import { ErrorCode, errorName } from '../../../src/protocol/errors.ts'
import { Coordinator, outcome, settled } from './group-fixture.ts'

/** A stable group of `a` and `b`; returns their member ids. */
function formStatic(coordinator: Coordinator): { a: string; b: string } {
  const joined = ['a', 'b'].map(groupInstanceId => coordinator.join({ groupInstanceId }))
  coordinator.env.run(500)
  const [a, b] = joined.map(answer => settled(answer).memberId) as [string, string]
  const assignments = [{ memberId: a, assignment: Uint8Array.of(1) }, { memberId: b, assignment: Uint8Array.of(2) }]
  coordinator.sync({ memberId: a, generationId: 1, groupInstanceId: 'a', assignments })
  coordinator.sync({ memberId: b, generationId: 1, groupInstanceId: 'b' })
  return { a, b }
}

describe('a static member that comes back', () => {
  test('keeps its assignment under a new id, without a rebalance; its ghost is fenced', () => {
    const coordinator = new Coordinator()
    const { a, b } = formStatic(coordinator)
    expect([a.startsWith('a-'), b.startsWith('b-')]).toEqual([true, true])
    const back = settled(coordinator.join({ groupInstanceId: 'b' }))
    expect(back).toMatchObject({ errorCode: 0, generationId: 1, skipAssignment: false })
    expect(back.memberId).not.toBe(b)
    expect([...settled(coordinator.sync({ memberId: back.memberId, generationId: 1, groupInstanceId: 'b' })).assignment!]).toEqual([2])
    expect([coordinator.heartbeat(a, 1, 'a'), coordinator.heartbeat(b, 1, 'b'), coordinator.heartbeat(back.memberId, 1, 'b')]).toEqual(['NONE', 'FENCED_INSTANCE_ID', 'NONE'])
    expect(errorName(settled(coordinator.join({ memberId: b, groupInstanceId: 'b' })).errorCode)).toBe('FENCED_INSTANCE_ID')
    expect(coordinator.marks('group-static-rejoin')).toBe(1)
  })

  test('as leader is told to skip the assignment, if it understands that', () => {
    const coordinator = new Coordinator()
    formStatic(coordinator)
    const back = settled(coordinator.join({ groupInstanceId: 'a' }))
    expect(back).toMatchObject({ leader: back.memberId, skipAssignment: true })
    expect(back.members!.length).toBe(2)
    const old = settled(coordinator.join({ groupInstanceId: 'a' }, 8))
    expect([old.leader, old.skipAssignment]).toEqual([back.memberId, false])
  })

  test('is told only when its new id is committed, so that the next coordinator knows it (KAFKA-9801)', () => {
    const coordinator = new Coordinator()
    const { b } = formStatic(coordinator)
    coordinator.logs.commitsAtOnce = false
    const answer = coordinator.join({ groupInstanceId: 'b' })
    expect(outcome(answer)).toBe('waiting')
    coordinator.logs.commit(0)
    const { memberId } = settled(answer)
    coordinator.failOver()
    expect([coordinator.heartbeat(memberId, 1, 'b'), coordinator.heartbeat(b, 1, 'b')]).toEqual(['NONE', 'FENCED_INSTANCE_ID'])
  })

  test('with KAFKA-10284 is fenced by its ghost after a failover', () => {
    const coordinator = new Coordinator({ defects: ['KAFKA-10284'] })
    const { b } = formStatic(coordinator)
    const { memberId } = settled(coordinator.join({ groupInstanceId: 'b' }))
    coordinator.failOver()
    expect([coordinator.heartbeat(memberId, 1, 'b'), coordinator.heartbeat(b, 1, 'b')]).toEqual(['FENCED_INSTANCE_ID', 'NONE'])
  })

  test('is its former self again when the log refuses the new one', () => {
    const coordinator = new Coordinator()
    const { b } = formStatic(coordinator)
    coordinator.logs.log(0).refusal = ErrorCode.NOT_ENOUGH_REPLICAS
    expect(errorName(settled(coordinator.join({ groupInstanceId: 'b' })).errorCode)).toBe('COORDINATOR_NOT_AVAILABLE')
    coordinator.logs.log(0).refusal = ErrorCode.NONE
    expect(coordinator.heartbeat(b, 1, 'b')).toBe('NONE')
  })

  test('while the group completes its rebalance makes it begin anew, for the leader knows the former self', () => {
    const coordinator = new Coordinator()
    const joined = ['a', 'b'].map(groupInstanceId => coordinator.join({ groupInstanceId }))
    coordinator.env.run(500)
    const [a, b] = joined.map(answer => settled(answer).memberId) as [string, string]
    const waiting = coordinator.sync({ memberId: b, generationId: 1, groupInstanceId: 'b' })
    const back = coordinator.join({ groupInstanceId: 'b' })
    expect(errorName(settled(waiting).errorCode)).toBe('FENCED_INSTANCE_ID')
    expect(outcome(back)).toBe('waiting')
    const again = coordinator.join({ memberId: a, groupInstanceId: 'a' })
    expect([settled(again).generationId, settled(back).generationId]).toEqual([2, 2])
  })

  test('with another protocol, which changes what is chosen, rebalances', () => {
    const coordinator = new Coordinator()
    const only = coordinator.join({ groupInstanceId: 'a', protocols: [{ name: 'range', metadata: Uint8Array.of() }, { name: 'sticky', metadata: Uint8Array.of() }] })
    coordinator.env.run(500)
    coordinator.sync({ memberId: settled(only).memberId, generationId: 1, groupInstanceId: 'a', assignments: [] })
    const back = coordinator.join({ groupInstanceId: 'a', protocols: [{ name: 'sticky', metadata: Uint8Array.of() }, { name: 'range', metadata: Uint8Array.of() }] })
    expect(settled(back)).toMatchObject({ generationId: 2, protocolName: 'sticky' })
  })
})

test('a static member is not given up when it misses a rebalance, only when its session ends or somebody removes it', () => {
  const coordinator = new Coordinator()
  const { a, b } = formStatic(coordinator)
  const rejoined = coordinator.join({ memberId: a, groupInstanceId: 'a', rebalanceTimeoutMs: 1_000, protocols: [{ name: 'range', metadata: Uint8Array.of(0, 0, 0, 0, 0, 0, 1) }] })
  for (let i = 0; i < 4; i++) {
    coordinator.env.run(9_000)
    coordinator.heartbeat(b, 1, 'b')
  }
  expect(settled(rejoined)).toMatchObject({ generationId: 2 })
  expect(settled(rejoined).members!.map(member => member.groupInstanceId)).toEqual(['a', 'b'])
  const left = settled(coordinator.leave({ memberId: '', groupInstanceId: 'b' }, { memberId: '', groupInstanceId: 'nobody' }))
  expect(left.members.map(({ errorCode }) => errorName(errorCode))).toEqual(['NONE', 'UNKNOWN_MEMBER_ID'])
  expect(coordinator.heartbeat(b, 2, 'b')).toBe('UNKNOWN_MEMBER_ID')
})
