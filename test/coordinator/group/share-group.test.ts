/** Share groups at the group coordinator: joining, initializing, assigning to several members, leaving, and a successor. */
import { expect, it } from 'vitest'
import { Future } from '../../../src/base/task.ts'
import { assignmentOf } from '../../../src/coordinator/group/consumer/assignment.ts'
import { describeShareGroup, listGroups } from '../../../src/coordinator/group/describe.ts'
import { deleteGroups } from '../../../src/coordinator/group/offsets/remove.ts'
import { assignShares } from '../../../src/coordinator/group/share/simple-assignor.ts'
import { projectMessage } from '../../../src/protocol/codec.ts'
import { ErrorCode } from '../../../src/protocol/errors.ts'
import type { ShareGroupHeartbeatRequest } from '../../../src/protocol/generated/types.ts'
import { Coordinator, outcome } from './group-fixture.ts'

function build(initialize: () => Future<number> = () => Future.completed(ErrorCode.NONE)) {
  const coordinator = new Coordinator({ persister: { initialize } })
  const topicId = coordinator.topic('t', 2)
  const beat = (request: Partial<ShareGroupHeartbeatRequest>) => {
    const full = projectMessage<ShareGroupHeartbeatRequest>('ShareGroupHeartbeatRequest', 1, { groupId: 'g', memberId: 'a', ...request })
    const answer = coordinator.groups.shareGroupHeartbeat({ clientId: 'client', clientHost: 'client-1', apiVersion: 1 }, full)
    coordinator.env.run(1)
    return outcome(answer)
  }
  return { coordinator, topicId, beat, join: (memberId = 'a') => beat({ memberId, memberEpoch: 0, subscribedTopicNames: ['t'] }) }
}

it('assigns what is initialized, and lets several members read one partition', () => {
  const { topicId, beat, join } = build()
  expect(join()).toMatchObject({ memberEpoch: 1, assignment: { topicPartitions: [] } })
  expect(beat({ memberEpoch: 1 })).toMatchObject({ memberEpoch: 2, assignment: { topicPartitions: [{ topicId, partitions: [0, 1] }] } })
  expect(join('b')).toMatchObject({ memberEpoch: 3, assignment: { topicPartitions: [{ topicId, partitions: [1] }] } })
  expect(join('c')).toMatchObject({ memberEpoch: 4, assignment: { topicPartitions: [{ topicId, partitions: [0] }] } })
  // The answer may have been lost: the epoch before is still good; any other is not.
  expect(beat({ memberEpoch: 2 })).toMatchObject({ memberEpoch: 4, assignment: { topicPartitions: [{ topicId, partitions: [0] }] } })
  expect(beat({ memberEpoch: 2 })).toMatchObject({ memberEpoch: 4 })
  expect(beat({ memberEpoch: 1 })).toBe('FENCED_MEMBER_EPOCH')
  expect(beat({ memberId: 'x', memberEpoch: 3 })).toBe('UNKNOWN_MEMBER_ID')
})

it('asks again for what could not be initialized', () => {
  const answers = [ErrorCode.COORDINATOR_NOT_AVAILABLE, ErrorCode.COORDINATOR_NOT_AVAILABLE, ErrorCode.NONE, ErrorCode.NONE]
  const { topicId, beat, join } = build(() => Future.completed(answers.shift()!))
  join()
  expect(beat({ memberEpoch: 1 })).toMatchObject({ memberEpoch: 1, assignment: null })
  expect(beat({ memberEpoch: 1 })).toMatchObject({ memberEpoch: 2, assignment: { topicPartitions: [{ topicId, partitions: [0, 1] }] } })
})

it('takes out who leaves or does not heartbeat, and knows the same after a failover', () => {
  const { coordinator, beat, join } = build()
  join()
  join('b')
  beat({ memberEpoch: 1 })
  const described = () => coordinator.groups.readScope('g', scope => describeShareGroup(scope, 'g'))
  const before = coordinator.committed.describe()
  coordinator.failOver()
  expect(coordinator.committed.describe()).toEqual(before)
  expect(described()).toMatchObject({ groupState: 'Stable', assignorName: 'simple', members: [{ memberId: 'a' }, { memberId: 'b' }] })
  expect(coordinator.groups.readScope('g', scope => listGroups(scope, { states: [], types: ['share'] }))).toEqual([{ groupId: 'g', protocolType: 'share', groupState: 'Stable', groupType: 'Share' }])
  expect(beat({ memberId: 'b', memberEpoch: -1 })).toMatchObject({ errorCode: 0 })
  expect(described()).toMatchObject({ members: [{ memberId: 'a' }] })
  coordinator.env.run(50_000_000)
  expect(described()).toMatchObject({ groupState: 'Empty', members: [] })
  expect(coordinator.groups.readScope('g', scope => deleteGroups(scope, ['g']).response)).toEqual([{ groupId: 'g', errorCode: 0 }])
})

it('leaves groups of other types alone, and they leave it alone', () => {
  const { coordinator, join } = build()
  join()
  expect(outcome(coordinator.join({ memberId: '' }))).toMatchObject({ errorCode: ErrorCode.INCONSISTENT_GROUP_PROTOCOL })
  expect(outcome(coordinator.consumer({ memberId: 'k', memberEpoch: 0, rebalanceTimeoutMs: 1_000, subscribedTopicNames: ['t'], topicPartitions: [] }))).toBe('GROUP_ID_NOT_FOUND')
})

it('gives every partition a reader and every reader a partition', () => {
  const three = assignmentOf([{ topicId: 't', partitions: [0, 1, 2] }])
  const plain = (members: string[]) => Object.fromEntries([...assignShares(members.map(memberId => ({ memberId, topicIds: ['t'] })), three)].map(([memberId, assignment]) => [memberId, assignment.get('t')]))
  expect(plain(['a', 'b'])).toEqual({ a: [0, 2], b: [1] })
  expect(plain(['a', 'b', 'c', 'd'])).toEqual({ a: [0], b: [1], c: [2], d: [0] })
})
