/**
 * A metadata image as the records that build it again (Kafka: MetadataImage#write): what a snapshot holds. Applying them to
 * an empty image gives an equal one, in the same order, so that equal images give equal bytes.
 */
import { crc32c } from '../base/crc32c.ts'
import { encodeMetadataRecord, metadataRecord, type MetadataRecord } from '../protocol/metadata-records.ts'
import { type MetadataImage } from './metadata-image.ts'
import { recoveryStateValue } from './partition-image.ts'

export function imageRecords(image: MetadataImage): MetadataRecord[] {
  const records: MetadataRecord[] = []
  for (const [name, featureLevel] of image.features) records.push(metadataRecord('FeatureLevelRecord', { name, featureLevel }))
  for (const broker of image.brokers.values()) {
    const { brokerId, brokerEpoch, incarnationId, host, port, rack, fenced, inControlledShutdown, logDirs, features } = broker
    records.push(metadataRecord('RegisterBrokerRecord', {
      brokerId, brokerEpoch, incarnationId, endPoints: [{ name: 'PLAINTEXT', host, port, securityProtocol: 0 }],
      features: features.map(feature => ({ ...feature })), rack, fenced, inControlledShutdown, logDirs: [...logDirs],
    }))
  }
  for (const topic of image.topics.values()) {
    records.push(metadataRecord('TopicRecord', { name: topic.name, topicId: topic.id }))
    for (const [partitionId, partition] of topic.partitions) {
      const { replicas, isr, elr, lastKnownElr, removingReplicas, addingReplicas, leader, leaderEpoch, partitionEpoch, leaderRecoveryState, directories } = partition
      records.push(metadataRecord('PartitionRecord', {
        partitionId, topicId: topic.id, replicas: [...replicas], isr: [...isr], removingReplicas: [...removingReplicas], addingReplicas: [...addingReplicas],
        leader, leaderEpoch, partitionEpoch, leaderRecoveryState: recoveryStateValue(leaderRecoveryState), directories: [...directories],
        eligibleLeaderReplicas: elr.length === 0 ? null : [...elr], lastKnownElr: lastKnownElr.length === 0 ? null : [...lastKnownElr],
      }))
    }
  }
  for (const [key, config] of image.configs) {
    const dash = key.indexOf('-')
    for (const [name, value] of config) {
      records.push(metadataRecord('ConfigRecord', { resourceType: Number(key.slice(0, dash)), resourceName: key.slice(dash + 1), name, value }))
    }
  }
  for (const { entity, values } of image.quotas.values()) for (const [key, value] of values) records.push(metadataRecord('ClientQuotaRecord', { entity: entity.map(part => ({ ...part })), key, value, remove: false }))
  if (image.nextProducerId > 0) records.push(metadataRecord('ProducerIdsRecord', { brokerId: -1, brokerEpoch: -1, nextProducerId: image.nextProducerId }))
  return records
}

/** Stands for the content of an image: equal for equal ones. */
export function crcOfRecords(records: readonly MetadataRecord[]): number {
  const encoded = records.map(encodeMetadataRecord)
  const all = new Uint8Array(encoded.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const bytes of encoded) {
    all.set(bytes, at)
    at += bytes.length
  }
  return crc32c(all)
}
