import { expect, it } from 'vitest'
import { MetadataDelta, MetadataImage } from '../../src/controller/metadata-image.ts'
import { metadataRecord } from '../../src/protocol/metadata-records.ts'
import type { MetadataRecord } from '../../src/protocol/metadata-records.ts'
import { uuidFromDraws } from '../../src/protocol/uuid.ts'

const A = uuidFromDraws(1, 1, 1, 1)
const B = uuidFromDraws(2, 2, 2, 2)

const topic = (topicId: string, name: string): MetadataRecord => metadataRecord('TopicRecord', { topicId, name })
const partition = (topicId: string, partitionId: number): MetadataRecord =>
  metadataRecord('PartitionRecord', { topicId, partitionId, replicas: [1, 2], isr: [1, 2], leader: 1, leaderEpoch: 0, partitionEpoch: 0 })
const isr = (topicId: string, partitionId: number, members: number[], elr: number[] = []): MetadataRecord =>
  metadataRecord('PartitionChangeRecord', { topicId, partitionId, isr: members, eligibleLeaderReplicas: elr })
const config = (name: string, value: string | null): MetadataRecord =>
  metadataRecord('ConfigRecord', { resourceType: 2, resourceName: 'a', name, value })
const broker = (brokerEpoch: number): MetadataRecord => metadataRecord('RegisterBrokerRecord', {
  brokerId: 1, brokerEpoch, incarnationId: A, endPoints: [{ name: 'PLAINTEXT', host: 'broker-1', port: 9092, securityProtocol: 0 }], rack: 'r', fenced: true,
})

function imageOf(...records: MetadataRecord[]): MetadataImage {
  const image = new MetadataImage()
  for (const record of records) image.apply(record)
  return image
}

it('follows the records of a partition; a record names only what changes', () => {
  const image = imageOf(topic(A, 'a'), partition(A, 0))
  const before = image.partition(A, 0)!
  image.apply(isr(A, 0, [1], [2]))
  expect(image.partition(A, 0)).toMatchObject({ isr: [1], elr: [2], replicas: [1, 2], leader: 1, leaderEpoch: 0, partitionEpoch: 1 })
  image.apply(metadataRecord('PartitionChangeRecord', { topicId: A, partitionId: 0, leader: 1 }))
  expect(image.partition(A, 0)).toMatchObject({ leader: 1, leaderEpoch: 1, partitionEpoch: 2 })
  expect(before).toMatchObject({ isr: [1, 2], partitionEpoch: 0 })
})

it('a clone is independent in both directions', () => {
  const image = imageOf(topic(A, 'a'), partition(A, 0), config('retention.ms', '1'), broker(0))
  const copy = image.clone()
  copy.apply(isr(A, 0, [1]))
  copy.apply(config('retention.ms', '2'))
  copy.apply(metadataRecord('BrokerRegistrationChangeRecord', { brokerId: 1, brokerEpoch: 0, fenced: -1 }))
  copy.apply(topic(B, 'b'))
  image.apply(partition(A, 1))
  expect(image.partition(A, 0)!.isr).toEqual([1, 2])
  expect(image.topicConfig('a').get('retention.ms')).toBe('1')
  expect(image.isActive(1)).toBe(false)
  expect(copy.isActive(1)).toBe(true)
  expect(image.topicIds.has('b')).toBe(false)
  expect(copy.partition(A, 1)).toBeUndefined()
})

it('removing a topic removes its partitions and configs; the name is free again', () => {
  const image = imageOf(topic(A, 'a'), partition(A, 0), config('retention.ms', '1'), metadataRecord('RemoveTopicRecord', { topicId: A }), topic(B, 'a'))
  expect(image.topicByName('a')!.id).toBe(B)
  expect(image.partition(A, 0)).toBeUndefined()
  expect(image.topicConfig('a').size).toBe(0)
})

it('ClearElr touches the partitions with an ELR only', () => {
  const image = imageOf(topic(A, 'a'), partition(A, 0), partition(A, 1), topic(B, 'b'), partition(B, 0), isr(A, 0, [1], [2]), isr(B, 0, [1], [2]))
  const delta = MetadataDelta.applying(image, [metadataRecord('ClearElrRecord', { topicName: 'a' })])
  expect(image.partition(A, 0)).toMatchObject({ elr: [], partitionEpoch: 2 })
  expect(image.partition(B, 0)!.elr).toEqual([2])
  expect([...delta.changedTopics]).toEqual([[A, new Set([0])]])
  image.apply(metadataRecord('ClearElrRecord', { topicName: '' }))
  expect(image.partition(B, 0)!.elr).toEqual([])
})

it('a delta coalesces: the last state counts, and what came and went is only gone', () => {
  const image = imageOf(topic(A, 'a'), partition(A, 0), partition(A, 1))
  const delta = MetadataDelta.applying(image, [
    isr(A, 1, [1]), isr(A, 1, [1, 2]), topic(B, 'b'), partition(B, 0), broker(5), config('retention.ms', '1'),
    metadataRecord('RemoveTopicRecord', { topicId: B }),
  ])
  expect([...delta.changedTopics]).toEqual([[A, new Set([1])]])
  expect([...delta.createdTopics]).toEqual([])
  expect([...delta.deletedTopics.keys()]).toEqual([B])
  expect([...delta.changedBrokers]).toEqual([1])
  expect([...delta.changedConfigs]).toEqual(['2-a', '2-b'])
})

it('refuses records that no correct controller writes', () => {
  expect(() => imageOf(partition(A, 0))).toThrow('unknown topic')
  expect(() => imageOf(topic(A, 'a'), topic(B, 'a'))).toThrow('exists already')
  expect(() => imageOf(topic(A, 'a'), isr(A, 0, [1]))).toThrow('unknown partition')
  expect(() => imageOf(broker(4), metadataRecord('BrokerRegistrationChangeRecord', { brokerId: 1, brokerEpoch: 3, fenced: -1 }))).toThrow('another epoch')
})
