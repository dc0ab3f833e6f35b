import { describe, expect, it } from 'vitest'
import { alterPartition } from '../../src/controller/alter-partition.ts'
import { alterPartitionReassignments } from '../../src/controller/reassignments.ts'
import { projectMessage } from '../../src/protocol/codec.ts'
import type { AlterPartitionReassignmentsRequest, AlterPartitionRequest } from '../../src/protocol/generated/types.ts'
import { ErrorCode, errorName } from '../../src/protocol/errors.ts'
import { ControllerHarness } from './controller-harness.ts'

interface Proposal {
  readonly sender?: number
  readonly leaderEpoch?: number
  readonly partitionEpoch?: number
  readonly isr?: number[]
  /** Added to the right epoch of that broker. */
  readonly epochError?: Record<number, number>
  readonly recovering?: boolean
  readonly topicId?: string
  readonly partition?: number
}

/** t-0 on 1, 2, 3, led by 1 with ISR {1,2}; 3 is fenced. Epochs in a proposal are relative to the right ones. */
function propose(o: Proposal, harness = setup()): string {
  const { leaderEpoch, partitionEpoch } = harness.partition()
  const sender = o.sender ?? 1
  const request = projectMessage<AlterPartitionRequest>('AlterPartitionRequest', 3, {
    brokerId: sender,
    brokerEpoch: harness.epochOf(sender),
    topics: [{
      topicId: o.topicId ?? harness.image.topicIds.get('t')!,
      partitions: [{
        partitionIndex: o.partition ?? 0,
        leaderEpoch: leaderEpoch + (o.leaderEpoch ?? 0),
        partitionEpoch: partitionEpoch + (o.partitionEpoch ?? 0),
        newIsrWithEpochs: (o.isr ?? [1, 2]).map(brokerId => ({
          brokerId, brokerEpoch: (harness.image.brokers.get(brokerId)?.brokerEpoch ?? 0) + (o.epochError?.[brokerId] ?? 0),
        })),
        leaderRecoveryState: o.recovering === true ? 1 : 0,
      }],
    }],
  })
  return errorName(harness.call((state, context) => alterPartition(state, context, request)).topics[0]!.partitions[0]!.errorCode)
}

function setup(): ControllerHarness {
  const harness = ControllerHarness.active(3)
  harness.topicOn([1, 2, 3])
  harness.proposeIsr([1, 2])
  harness.setConfig('t', 'min.insync.replicas', '2')
  harness.heartbeat(3, { wantFence: true })
  return harness
}

describe('validation, in this order', () => {
  // Each row is wrong in all that the rows below it are wrong in, so the order of the checks is seen.
  it.each<[string, Proposal, string]>([
    ['unknown topic id', { topicId: 'AAAAAAAAAAAAAAAAAAAABg', partition: 9 }, 'UNKNOWN_TOPIC_ID'],
    ['unknown partition', { partition: 9, leaderEpoch: 1 }, 'UNKNOWN_TOPIC_OR_PARTITION'],
    ['leader epoch above ours', { leaderEpoch: 1, partitionEpoch: -1, sender: 2 }, 'NOT_CONTROLLER'],
    ['partition epoch above ours', { partitionEpoch: 1, leaderEpoch: -1, sender: 2 }, 'NOT_CONTROLLER'],
    ['leader epoch below ours', { leaderEpoch: -1, partitionEpoch: -1, sender: 2 }, 'FENCED_LEADER_EPOCH'],
    ['not the leader', { sender: 2, partitionEpoch: -1, isr: [9] }, 'INVALID_REQUEST'],
    ['partition epoch below ours', { partitionEpoch: -1, isr: [9] }, 'INVALID_UPDATE_VERSION'],
    ['no replica', { isr: [1, 9] }, 'INVALID_REQUEST'],
    ['a member twice', { isr: [1, 2, 2] }, 'INVALID_REQUEST'],
    ['without the leader', { isr: [2] }, 'INVALID_REQUEST'],
    ['recovering with others', { isr: [1, 2], recovering: true }, 'INVALID_REQUEST'],
    ['recovering after recovered', { isr: [1], recovering: true }, 'INVALID_REQUEST'],
    ['KIP-841: a fenced member', { isr: [1, 2, 3] }, 'INELIGIBLE_REPLICA'],
    ['KIP-903, KAFKA-14139: a member of an earlier incarnation', { isr: [1, 2], epochError: { 2: -1 } }, 'INELIGIBLE_REPLICA'],
    ['all is well', { isr: [1] }, 'NONE'],
  ])('%s', (_, proposal, expected) => {
    expect(propose(proposal)).toBe(expected)
  })

  it('refuses the whole request of a stale sender', () => {
    const harness = setup()
    const request = projectMessage<AlterPartitionRequest>('AlterPartitionRequest', 3, { brokerId: 1, brokerEpoch: harness.epochOf(1) - 1, topics: [] })
    expect(() => harness.call((state, context) => alterPartition(state, context, request))).toThrow('STALE_BROKER_EPOCH')
  })

  it('a member whose epoch the leader does not know is let in', () => {
    const harness = setup()
    expect(harness.proposeIsr([1, 2], { brokerEpochs: { 2: -1 } }).errorCode).toBe(ErrorCode.NONE)
  })
})

it('the reborn replica of KAFKA-14139 is refused when the delayed request arrives', () => {
  const harness = ControllerHarness.active(2)
  harness.topicOn([1, 2])
  harness.proposeIsr([1])
  const proofBefore = harness.epochOf(2)
  harness.expireAllBut(1)
  harness.register(2)
  harness.heartbeat(2)
  expect(harness.proposeIsr([1, 2], { brokerEpochs: { 2: proofBefore } }).errorCode).toBe(ErrorCode.INELIGIBLE_REPLICA)
  expect(harness.partition().isr).toEqual([1])
  expect(harness.observed('alter-partition-rejected').at(-1)).toMatchObject({ topic: 't', brokerId: 1, errorCode: ErrorCode.INELIGIBLE_REPLICA })
  expect(harness.proposeIsr([1, 2])).toMatchObject({ errorCode: 0, isr: [1, 2], leaderId: 1 })
})

it('answers with the partition as it will be; a repeat of the request comes too late', () => {
  const harness = ControllerHarness.active(2)
  harness.topicOn([1, 2])
  const before = harness.partition()
  expect(harness.proposeIsr([1])).toMatchObject({ isr: [1], partitionEpoch: before.partitionEpoch + 1, leaderEpoch: before.leaderEpoch })
  expect(propose({ isr: [1], partitionEpoch: -1 }, harness)).toBe('INVALID_UPDATE_VERSION')
})

it('an unclean leader clears RECOVERING before it may admit others', () => {
  const harness = ControllerHarness.active(2)
  harness.topicOn([1, 2], { 'unclean.leader.election.enable': 'true' })
  harness.proposeIsr([1])
  harness.expireAllBut(2)
  expect(harness.partition()).toMatchObject({ leader: 2, isr: [2], leaderRecoveryState: 'RECOVERING' })
  harness.register(1)
  harness.heartbeat(1)
  expect(harness.proposeIsr([1, 2], { recovering: true }).errorCode).toBe(ErrorCode.INVALID_REQUEST)
  expect(harness.proposeIsr([1, 2]).errorCode).toBe(ErrorCode.NONE)
  expect(harness.partition().leaderRecoveryState).toBe('RECOVERED')
})

it('a change that completes a reassignment tells the old leader NEW_LEADER_ELECTED and is written', () => {
  const harness = ControllerHarness.active(3)
  harness.topicOn([1, 2])
  const request = projectMessage<AlterPartitionReassignmentsRequest>('AlterPartitionReassignmentsRequest', 1, {
    topics: [{ name: 't', partitions: [{ partitionIndex: 0, replicas: [3, 2] }] }],
  })
  harness.call((state, context) => alterPartitionReassignments(state, context, request))
  expect(harness.partition()).toMatchObject({ replicas: [3, 2, 1], addingReplicas: [3], removingReplicas: [1], leader: 1 })
  expect(propose({ isr: [1, 2, 3] }, harness)).toBe('NEW_LEADER_ELECTED')
  expect(harness.partition()).toMatchObject({ replicas: [3, 2], isr: [2, 3], leader: 3, addingReplicas: [], removingReplicas: [] })
})
