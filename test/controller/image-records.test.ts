/**
 * An image and its records: what a snapshot holds builds the same image again, also in an image that was another one, of
 * which the delta then says what has changed.
 */
import { describe, expect, it } from 'vitest'
import { crcOfRecords, imageRecords } from '../../src/controller/image-records.ts'
import { MetadataDelta, MetadataImage } from '../../src/controller/metadata-image.ts'
import { metadataRecord, type MetadataRecord } from '../../src/protocol/metadata-records.ts'

const TOPICS = ['AAAAAAAAAAAAAAAAAAAAAA'.replace(/A$/, 'Q'), 'BBBBBBBBBBBBBBBBBBBBBQ', 'CCCCCCCCCCCCCCCCCCCCCQ'] as const
const DIRECTORY = 'DDDDDDDDDDDDDDDDDDDDDQ'

const topic = (index: number): MetadataRecord => metadataRecord('TopicRecord', { name: `t-${index}`, topicId: TOPICS[index]! })
const partition = (index: number, partitionId: number): MetadataRecord => metadataRecord('PartitionRecord', {
  partitionId, topicId: TOPICS[index]!, replicas: [1, 2, 3], isr: [1, 2], leader: 1, directories: [DIRECTORY, DIRECTORY, DIRECTORY], eligibleLeaderReplicas: [3], lastKnownElr: null, removingReplicas: [3], addingReplicas: [2],
})
const broker = (brokerId: number, fenced = true): MetadataRecord => metadataRecord('RegisterBrokerRecord', {
  brokerId, brokerEpoch: 10 + brokerId, incarnationId: DIRECTORY, endPoints: [{ name: 'PLAINTEXT', host: `broker-${brokerId}`, port: 9092, securityProtocol: 0 }],
  features: [{ name: 'metadata.version', minSupportedVersion: 7, maxSupportedVersion: 30 }], rack: 'a', fenced, inControlledShutdown: false, logDirs: [DIRECTORY],
})
const HISTORY: readonly MetadataRecord[] = [
  metadataRecord('FeatureLevelRecord', { name: 'metadata.version', featureLevel: 30 }), broker(1), broker(2), topic(0), partition(0, 0), partition(0, 1), topic(1), partition(1, 0),
  metadataRecord('UnfenceBrokerRecord', { id: 1, epoch: 11 }), metadataRecord('ConfigRecord', { resourceType: 2, resourceName: 't-0', name: 'retention.ms', value: '5' }),
  metadataRecord('ConfigRecord', { resourceType: 4, resourceName: '', name: 'min.insync.replicas', value: '2' }),
  metadataRecord('ClientQuotaRecord', { entity: [{ entityType: 'user', entityName: null }, { entityType: 'client-id', entityName: 'c' }], key: 'producer_byte_rate', value: 1_000, remove: false }),
  metadataRecord('PartitionChangeRecord', { partitionId: 0, topicId: TOPICS[0], leader: 2, isr: [2], leaderRecoveryState: 1 }),
  metadataRecord('BrokerRegistrationChangeRecord', { brokerId: 2, brokerEpoch: 12, inControlledShutdown: 1 }), metadataRecord('ProducerIdsRecord', { brokerId: 1, brokerEpoch: 11, nextProducerId: 3 }),
]
const imageOf = (records: readonly MetadataRecord[]): MetadataImage => MetadataImage.ofSnapshot({ endOffset: 20, epoch: 3, records })

describe('the records of an image', () => {
  it('build it again, in order', () => {
    const image = imageOf(HISTORY)
    const again = imageOf(imageRecords(image))
    expect(again).toEqual(image)
    for (const field of ['brokers', 'topics', 'topicIds', 'configs', 'quotas', 'features'] as const) expect([...again[field].keys()]).toEqual([...image[field].keys()])
    expect(crcOfRecords(imageRecords(again))).toBe(crcOfRecords(imageRecords(image)))
  })

  it('hold every field that an image has', () => {
    const image = imageOf(HISTORY)
    // A field that is empty here would be lost unseen.
    for (const [name, value] of Object.entries(image)) expect(value instanceof Map ? value.size : value, name).toBeGreaterThan(0)
  })

  it('differ when the images differ', () => {
    const sums = HISTORY.map((_, index) => crcOfRecords(imageRecords(imageOf(HISTORY.slice(0, index + 1)))))
    expect(new Set(sums).size).toBe(HISTORY.length)
  })
})

describe('loading a snapshot over an older image', () => {
  it('gives the snapshot\'s image and tells what differs', () => {
    const image = imageOf(HISTORY)
    const next = imageOf([...HISTORY, metadataRecord('RemoveTopicRecord', { topicId: TOPICS[1]! }), topic(2), partition(2, 0),
      metadataRecord('PartitionChangeRecord', { partitionId: 1, topicId: TOPICS[0]!, isr: [1] }), broker(3),
      metadataRecord('ConfigRecord', { resourceType: 2, resourceName: 't-0', name: 'retention.ms', value: null })])
    const delta = new MetadataDelta()
    delta.load(image, { endOffset: 40, epoch: 5, records: imageRecords(next) })
    expect(imageRecords(image)).toEqual(imageRecords(next))
    expect([image.offset, image.epoch]).toEqual([39, 5])
    expect([...delta.deletedTopics.keys()]).toEqual([TOPICS[1]])
    expect([...delta.createdTopics]).toEqual([TOPICS[2]])
    expect([...delta.changedTopics].map(([id, partitions]) => [id, [...partitions]])).toEqual([[TOPICS[0], [1]], [TOPICS[2], [0]]])
    expect([...delta.changedBrokers]).toEqual([3])
    expect([...delta.changedConfigs]).toEqual(['2-t-0'])
  })

  it('adds to what was not published yet', () => {
    const image = imageOf([])
    const delta = new MetadataDelta()
    for (const record of [topic(0), partition(0, 0), topic(1), partition(1, 0)]) delta.add(image, record)
    delta.load(image, { endOffset: 40, epoch: 5, records: imageRecords(imageOf([topic(0), partition(0, 0), partition(0, 1)])) })
    expect([...delta.changedTopics].map(([id, partitions]) => [id, [...partitions]])).toEqual([[TOPICS[0], [0, 1]]])
    expect([...delta.createdTopics]).toEqual([TOPICS[0]])
  })
})
