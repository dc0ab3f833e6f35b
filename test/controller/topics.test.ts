import { describe, expect, it } from 'vitest'
import { draw32 } from '../../src/base/random.ts'
import { electLeaders } from '../../src/controller/leader-elections.ts'
import { createPartitions } from '../../src/controller/partition-assignment.ts'
import { allocateProducerIds } from '../../src/controller/producer-ids.ts'
import { placeReplicas } from '../../src/controller/replica-placement.ts'
import { projectMessage } from '../../src/protocol/codec.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import type { CreatePartitionsRequest, ElectLeadersRequest } from '../../src/protocol/generated/types.ts'
import { ControllerHarness } from './controller-harness.ts'

describe('creating topics', () => {
  it('places replicas on distinct brokers; the first of them leads an ISR of all', () => {
    const harness = ControllerHarness.active(4)
    const result = harness.createTopic({ name: 'orders', numPartitions: 8, replicationFactor: 3, configs: [{ name: 'min.insync.replicas', value: '2' }] })
    expect(result).toMatchObject({ errorCode: 0, numPartitions: 8, replicationFactor: 3 })
    const topic = harness.image.topicByName('orders')!
    expect(topic.id).toBe(result.topicId)
    expect([...topic.partitions.keys()]).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    for (const partition of topic.partitions.values()) {
      expect(new Set(partition.replicas).size).toBe(3)
      expect(partition).toMatchObject({ isr: partition.replicas, leader: partition.replicas[0], leaderEpoch: 0, partitionEpoch: 0 })
    }
    expect(harness.image.topicConfig('orders').get('min.insync.replicas')).toBe('2')
    expect(harness.observed('topic-created')).toMatchObject([{ topic: 'orders', partitions: 8 }])
    expect(harness.observed('partition-registered')).toHaveLength(8)
  })

  it('leaves fenced brokers out of the ISR, and refuses a partition with none', () => {
    const harness = ControllerHarness.active(2)
    harness.heartbeat(2, { wantFence: true })
    harness.topicOn([2, 1])
    expect(harness.partition()).toMatchObject({ replicas: [2, 1], isr: [1], leader: 1 })
    expect(harness.createTopic({ name: 'u', assignments: [{ partitionIndex: 0, brokerIds: [2] }] }).errorCode).toBe(ErrorCode.INVALID_REPLICA_ASSIGNMENT)
  })

  it.each([
    ['exists', { name: 't' }, ErrorCode.TOPIC_ALREADY_EXISTS],
    ['empty', { name: '' }, ErrorCode.INVALID_TOPIC_EXCEPTION],
    ['illegal', { name: 'a/b' }, ErrorCode.INVALID_TOPIC_EXCEPTION],
    ['the metadata log', { name: '__cluster_metadata' }, ErrorCode.INVALID_REQUEST],
    ['too many replicas', { name: 'u', replicationFactor: 4 }, ErrorCode.INVALID_REPLICATION_FACTOR],
    ['no replicas', { name: 'u', replicationFactor: 0 }, ErrorCode.INVALID_REPLICATION_FACTOR],
    ['no partitions', { name: 'u', numPartitions: 0 }, ErrorCode.INVALID_PARTITIONS],
    ['unknown config', { name: 'u', configs: [{ name: 'x', value: '1' }] }, ErrorCode.INVALID_CONFIG],
    ['bad config', { name: 'u', configs: [{ name: 'min.insync.replicas', value: '0' }] }, ErrorCode.INVALID_CONFIG],
    ['null config', { name: 'u', configs: [{ name: 'min.insync.replicas', value: null }] }, ErrorCode.INVALID_CONFIG],
    ['unknown broker', { name: 'u', assignments: [{ partitionIndex: 0, brokerIds: [1, 9] }] }, ErrorCode.INVALID_REPLICA_ASSIGNMENT],
    ['broker twice', { name: 'u', assignments: [{ partitionIndex: 0, brokerIds: [1, 1] }] }, ErrorCode.INVALID_REPLICA_ASSIGNMENT],
    ['a gap', { name: 'u', assignments: [{ partitionIndex: 1, brokerIds: [1] }] }, ErrorCode.INVALID_REPLICA_ASSIGNMENT],
    ['uneven', { name: 'u', assignments: [{ partitionIndex: 0, brokerIds: [1] }, { partitionIndex: 1, brokerIds: [1, 2] }] }, ErrorCode.INVALID_REPLICA_ASSIGNMENT],
    ['assignment and number', { name: 'u', numPartitions: 1, assignments: [{ partitionIndex: 0, brokerIds: [1] }] }, ErrorCode.INVALID_REQUEST],
  ])('refuses: %s', (_, topic, errorCode) => {
    const harness = ControllerHarness.active(3)
    harness.topicOn([1])
    expect(harness.createTopic(topic).errorCode).toBe(errorCode)
    expect([...harness.image.topicIds.keys()]).toEqual(['t'])
    expect([...harness.image.configs.keys()]).toEqual(['4-'])
  })

  it('refuses names that metrics cannot tell apart', () => {
    const harness = ControllerHarness.active(1)
    expect(harness.createTopic({ name: 'a.b' }).errorCode).toBe(0)
    expect(harness.createTopic({ name: 'a_b' }).errorCode).toBe(ErrorCode.INVALID_TOPIC_EXCEPTION)
  })

  it('a topic deleted and created again is another topic, without the old configs', () => {
    const harness = ControllerHarness.active(1)
    harness.topicOn([1], { 'retention.ms': '5' })
    const old = harness.image.topicIds.get('t')
    expect(harness.deleteTopic('t')).toBe(0)
    expect(harness.deleteTopic('t')).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    harness.topicOn([1])
    expect(harness.image.topicIds.get('t')).not.toBe(old)
    expect(harness.image.topicConfig('t').size).toBe(0)
    expect(harness.observed('topic-deleted')).toMatchObject([{ topic: 't', topicId: old }])
  })

  it('adds partitions with the same replication factor', () => {
    const harness = ControllerHarness.active(3)
    harness.topicOn([1, 2])
    const grow = (count: number): number => {
      const request = projectMessage<CreatePartitionsRequest>('CreatePartitionsRequest', 3, { topics: [{ name: 't', count, assignments: null }] })
      return harness.call((state, context) => createPartitions(state, context, request)).results[0]!.errorCode
    }
    expect(grow(1)).toBe(ErrorCode.INVALID_PARTITIONS)
    expect(grow(3)).toBe(0)
    expect([0, 1, 2].map(index => harness.partition('t', index).replicas.length)).toEqual([2, 2, 2])
  })
})

describe('striped placement', () => {
  const draw = (seed: number) => (n: number) => draw32(seed, 'placement', n)
  const brokers = [1, 2, 3, 4, 5, 6].map(brokerId => ({ brokerId, rack: 'abc'[brokerId % 3]!, fenced: brokerId === 6 }))

  it.each([1, 2, 3, 4, 5])('spreads over racks and brokers, leaders on unfenced ones (draw %i)', seed => {
    const placed = placeReplicas(brokers, 30, 3, draw(seed))
    const leaders = new Map<number, number>()
    for (const replicas of placed) {
      expect(new Set(replicas.map(id => brokers[id - 1]!.rack)).size).toBe(3)
      leaders.set(replicas[0]!, (leaders.get(replicas[0]!) ?? 0) + 1)
    }
    expect(leaders.has(6)).toBe(false)
    expect(Math.min(...leaders.values())).toBeGreaterThanOrEqual(3)
    expect(leaders.size).toBe(5)
  })

  it('may use fenced brokers, but not only them', () => {
    expect(placeReplicas(brokers.slice(4), 1, 2, draw(1))).toEqual([[5, 6]])
    expect(() => placeReplicas(brokers.slice(5), 1, 1, draw(1))).toThrow('INVALID_REPLICATION_FACTOR')
  })
})

describe('configs', () => {
  it('KAFKA-16540: a change of min.insync.replicas clears the ELR, another change does not', () => {
    const harness = ControllerHarness.active(2)
    harness.topicOn([1, 2], { 'min.insync.replicas': '2' })
    harness.proposeIsr([1])
    expect(harness.partition().elr).toEqual([2])
    const { partitionEpoch } = harness.partition()
    expect(harness.setConfig('t', 'retention.ms', '7').errorCode).toBe(0)
    expect(harness.partition()).toMatchObject({ elr: [2], partitionEpoch })
    expect(harness.setConfig('t', 'min.insync.replicas', '1').errorCode).toBe(0)
    expect(harness.partition()).toMatchObject({ elr: [], isr: [1], partitionEpoch: partitionEpoch + 1 })
    expect(harness.observed('partition-registered').at(-1)!.elr).toEqual([])
    // So a replica that lacks what 1 alone has acknowledged since is not elected.
    harness.expireAllBut(2)
    expect(harness.partition().leader).toBe(-1)
  })

  it('refuses nonsense and leaves everything as it was', () => {
    const harness = ControllerHarness.active(1)
    harness.topicOn([1])
    const records = harness.raft.nextWriteOffset
    expect(harness.setConfig('t', 'min.insync.replicas', 'two').errorCode).toBe(ErrorCode.INVALID_CONFIG)
    expect(harness.setConfig('t', 'colour', 'red').errorCode).toBe(ErrorCode.INVALID_CONFIG)
    expect(harness.setConfig('nowhere', 'retention.ms', '1').errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    expect(harness.raft.nextWriteOffset).toBe(records)
  })

  it('enabling unclean election elects at the next periodic run', () => {
    const harness = ControllerHarness.active(2, { uncleanLeaderElectionIntervalMs: 3_000 })
    harness.topicOn([1, 2])
    harness.proposeIsr([1])
    harness.expireAllBut(2)
    expect(harness.partition().leader).toBe(-1)
    harness.heartbeat(2)
    harness.setConfig('t', 'unclean.leader.election.enable', 'true')
    expect(harness.partition().leader).toBe(-1)
    harness.advanceMs(3_001)
    expect(harness.partition()).toMatchObject({ leader: 2, isr: [2], leaderRecoveryState: 'RECOVERING' })
  })
})

describe('elections', () => {
  it('preferred leaders by request and by the clock', () => {
    const harness = ControllerHarness.active(2, { leaderImbalanceCheckIntervalMs: 2_000 })
    harness.topicOn([1, 2])
    const elect = (): number => {
      const request = projectMessage<ElectLeadersRequest>('ElectLeadersRequest', 2, { electionType: 0, topicPartitions: [{ topic: 't', partitions: [0] }] })
      return harness.call((state, context) => electLeaders(state, context, request)).replicaElectionResults[0]!.partitionResult[0]!.errorCode
    }
    expect(elect()).toBe(ErrorCode.ELECTION_NOT_NEEDED)
    harness.heartbeat(1, { wantFence: true })
    expect(elect()).toBe(ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE)
    harness.heartbeat(1)
    harness.proposeIsr([1, 2])
    expect(harness.partition().leader).toBe(2)
    expect(elect()).toBe(0)
    expect(harness.partition().leader).toBe(1)
    harness.heartbeat(1, { wantFence: true })
    harness.heartbeat(1)
    harness.proposeIsr([1, 2])
    expect(harness.partition().leader).toBe(2)
    harness.advanceMs(2_001)
    expect(harness.partition().leader).toBe(1)
    expect(harness.observed('leader-elected').at(-1)!.reason).toBe('preferred')
  })
})

it('producer ids are handed out in blocks, to live incarnations only', () => {
  const harness = ControllerHarness.active(1, { producerIdBlockSize: 3 })
  const allocate = (brokerEpoch: number) => harness.call((state, context) => allocateProducerIds(state, context, { brokerId: 1, brokerEpoch }))
  expect([allocate(harness.epochOf(1)), allocate(harness.epochOf(1))]).toMatchObject([{ producerIdStart: 0, producerIdLen: 3 }, { producerIdStart: 3, producerIdLen: 3 }])
  expect(() => allocate(harness.epochOf(1) - 1)).toThrow('STALE_BROKER_EPOCH')
})
