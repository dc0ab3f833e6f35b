/**
 * The cluster as the metadata log describes it up to some offset (Kafka: MetadataImage, and the controller's replay
 * methods, which are the same rules). Controllers and brokers share it; only records change it.
 *
 * Registrations, partitions and configuration maps are replaced, never mutated, so references taken from an image stay
 * pictures of the past, and `clone` copies only the maps. Topics and partitions iterate in order of creation.
 *
 * Unlike Kafka there is no persistent snapshot structure: whoever needs an older image keeps a clone.
 */
import { defined, invariant } from '../base/assert.ts'
import type { MetadataRecord } from './metadata-record.ts'
import { mergePartition, partitionFromRecord, withoutElr } from './partition-image.ts'
import type { PartitionImage } from './partition-image.ts'

export type { LeaderRecoveryState, PartitionImage } from './partition-image.ts'

/** Immutable. `host` and `port` are those of the first listener. */
export interface BrokerRegistration {
  readonly brokerId: number
  readonly brokerEpoch: number
  readonly incarnationId: string
  readonly host: string
  readonly port: number
  readonly rack: string | null
  readonly fenced: boolean
  readonly inControlledShutdown: boolean
  readonly logDirs: readonly string[]
}

export interface TopicImage {
  readonly id: string
  readonly name: string
  readonly partitions: Map<number, PartitionImage>
}

/** Resource types of ConfigRecord and the config APIs. */
export const TOPIC_RESOURCE = 2
export const BROKER_RESOURCE = 4

export function resourceKey(type: number, name: string): string {
  return `${type}-${name}`
}

/** A committed batch of the metadata log. */
export interface MetadataBatch {
  readonly baseOffset: number
  readonly lastOffset: number
  readonly epoch: number
  readonly records: readonly MetadataRecord[]
}

const NO_CONFIG: ReadonlyMap<string, string> = new Map()

export class MetadataImage {
  readonly brokers = new Map<number, BrokerRegistration>()
  /** By topic id. */
  readonly topics = new Map<string, TopicImage>()
  /** Topic id by name. */
  readonly topicIds = new Map<string, string>()
  /** By `resourceKey`; the inner maps are replaced on change. */
  readonly configs = new Map<string, ReadonlyMap<string, string>>()
  /** Finalized feature levels. */
  readonly features = new Map<string, number>()
  nextProducerId = 0
  /** Offset and epoch of the last applied batch; -1 before the first. */
  offset = -1
  epoch = -1

  /** Applies a batch and moves `offset` and `epoch`. Returns what changed. */
  applyBatch(batch: MetadataBatch): MetadataDelta {
    const delta = MetadataDelta.applying(this, batch.records)
    this.offset = batch.lastOffset
    this.epoch = batch.epoch
    return delta
  }

  topicByName(name: string): TopicImage | undefined {
    const id = this.topicIds.get(name)
    return id === undefined ? undefined : this.topics.get(id)
  }

  partition(topicId: string, partition: number): PartitionImage | undefined {
    return this.topics.get(topicId)?.partitions.get(partition)
  }

  /** The explicit entries of a topic. */
  topicConfig(name: string): ReadonlyMap<string, string> {
    return this.configs.get(resourceKey(TOPIC_RESOURCE, name)) ?? NO_CONFIG
  }

  /** Registered, unfenced and not shutting down (ClusterControlManager#isActive). */
  isActive(brokerId: number): boolean {
    const broker = this.brokers.get(brokerId)
    return broker !== undefined && !broker.fenced && !broker.inControlledShutdown
  }

  /** An independent copy; cost linear in brokers, partitions and configured resources. */
  clone(): MetadataImage {
    const copy = new MetadataImage()
    for (const [id, broker] of this.brokers) copy.brokers.set(id, broker)
    for (const [id, topic] of this.topics) copy.topics.set(id, { ...topic, partitions: new Map(topic.partitions) })
    for (const [name, id] of this.topicIds) copy.topicIds.set(name, id)
    for (const [key, config] of this.configs) copy.configs.set(key, config)
    for (const [name, level] of this.features) copy.features.set(name, level)
    copy.nextProducerId = this.nextProducerId
    copy.offset = this.offset
    copy.epoch = this.epoch
    return copy
  }

  /** Applies one record. Throws InvariantError for a record that no correct controller writes. */
  apply(record: MetadataRecord): void {
    switch (record.type) {
      case 'PartitionChangeRecord': {
        const topic = this.existingTopic(record.topicId)
        const old = defined(topic.partitions.get(record.partitionId), `change of unknown partition ${topic.name}-${record.partitionId}`)
        topic.partitions.set(record.partitionId, mergePartition(old, record))
        return
      }
      case 'PartitionRecord':
        this.existingTopic(record.topicId).partitions.set(record.partitionId, partitionFromRecord(record))
        return
      case 'TopicRecord':
        invariant(!this.topicIds.has(record.name), `topic ${record.name} exists already`)
        this.topics.set(record.topicId, { id: record.topicId, name: record.name, partitions: new Map() })
        this.topicIds.set(record.name, record.topicId)
        return
      case 'RemoveTopicRecord': {
        const { name } = this.existingTopic(record.topicId)
        this.topics.delete(record.topicId)
        this.topicIds.delete(name)
        this.configs.delete(resourceKey(TOPIC_RESOURCE, name))
        return
      }
      case 'RegisterBrokerRecord': {
        const endPoint = record.endPoints[0]
        this.brokers.set(record.brokerId, {
          brokerId: record.brokerId,
          brokerEpoch: record.brokerEpoch,
          incarnationId: record.incarnationId,
          host: endPoint?.host ?? '',
          port: endPoint?.port ?? -1,
          rack: record.rack,
          fenced: record.fenced,
          inControlledShutdown: record.inControlledShutdown,
          logDirs: record.logDirs,
        })
        return
      }
      case 'BrokerRegistrationChangeRecord': {
        const old = this.existingBroker(record.brokerId, record.brokerEpoch)
        this.brokers.set(record.brokerId, {
          ...old,
          fenced: record.fenced === 0 ? old.fenced : record.fenced === 1,
          inControlledShutdown: old.inControlledShutdown || record.inControlledShutdown === 1,
          logDirs: record.logDirs.length === 0 ? old.logDirs : record.logDirs,
        })
        return
      }
      case 'FenceBrokerRecord':
      case 'UnfenceBrokerRecord': {
        const old = this.existingBroker(record.id, record.epoch)
        this.brokers.set(record.id, { ...old, fenced: record.type === 'FenceBrokerRecord' })
        return
      }
      case 'UnregisterBrokerRecord':
        this.existingBroker(record.brokerId, record.brokerEpoch)
        this.brokers.delete(record.brokerId)
        return
      case 'ConfigRecord': {
        const key = resourceKey(record.resourceType, record.resourceName)
        const config = new Map(this.configs.get(key))
        if (record.value === null) config.delete(record.name)
        else config.set(record.name, record.value)
        if (config.size === 0) this.configs.delete(key)
        else this.configs.set(key, config)
        return
      }
      case 'ClearElrRecord':
        for (const topic of this.topicsOfClearElr(record.topicName)) {
          for (const [index, partition] of topic.partitions) topic.partitions.set(index, withoutElr(partition))
        }
        return
      case 'FeatureLevelRecord':
        if (record.featureLevel === 0) this.features.delete(record.name)
        else this.features.set(record.name, record.featureLevel)
        return
      case 'ProducerIdsRecord':
        invariant(record.nextProducerId > this.nextProducerId, 'producer ids must rise')
        this.nextProducerId = record.nextProducerId
        return
      case 'NoOpRecord':
        return
    }
  }

  /** The topics that a ClearElrRecord speaks of: one by name, or all for the empty name. */
  topicsOfClearElr(topicName: string): Iterable<TopicImage> {
    return topicName === '' ? this.topics.values() : [defined(this.topicByName(topicName), `no topic ${topicName} to clear the ELR of`)]
  }

  private existingTopic(topicId: string): TopicImage {
    return defined(this.topics.get(topicId), `record names unknown topic id ${topicId}`)
  }

  private existingBroker(brokerId: number, brokerEpoch: number): BrokerRegistration {
    const broker = defined(this.brokers.get(brokerId), `record names unknown broker ${brokerId}`)
    invariant(broker.brokerEpoch === brokerEpoch, `record for broker ${brokerId} names epoch ${brokerEpoch}, not ${broker.brokerEpoch}`)
    return broker
  }
}

/**
 * What a run of records changed, as keys into the image after them (Kafka: MetadataDelta, coalesced in the same way: a
 * reader sees only the last state of what changed several times).
 */
export class MetadataDelta {
  /** Topics that exist afterwards: which of their partitions were created or changed. */
  readonly changedTopics = new Map<string, Set<number>>()
  /** Ids of topics created and still there. */
  readonly createdTopics = new Set<string>()
  /** Topics that existed before or in between and are gone, as they last were. */
  readonly deletedTopics = new Map<string, TopicImage>()
  /** Registered, changed or unregistered (then absent from the image). */
  readonly changedBrokers = new Set<number>()
  /** Resource keys (`2-name`) whose entries changed. */
  readonly changedConfigs = new Set<string>()
  featuresChanged = false

  /** Applies `records` to `image` and tells what they changed. */
  static applying(image: MetadataImage, records: readonly MetadataRecord[]): MetadataDelta {
    const delta = new MetadataDelta()
    for (const record of records) delta.add(image, record)
    return delta
  }

  /** Applies one more record to `image` and adds what it changed. */
  add(image: MetadataImage, record: MetadataRecord): void {
    switch (record.type) {
      case 'RemoveTopicRecord': {
        const topic = image.topics.get(record.topicId)
        if (topic !== undefined) {
          this.deletedTopics.set(topic.id, topic)
          this.changedTopics.delete(topic.id)
          this.createdTopics.delete(topic.id)
          this.changedConfigs.add(resourceKey(TOPIC_RESOURCE, topic.name))
        }
        break
      }
      case 'TopicRecord':
        this.createdTopics.add(record.topicId)
        this.changedTopics.set(record.topicId, new Set())
        break
      case 'PartitionRecord':
      case 'PartitionChangeRecord':
        this.partitionChanged(record.topicId, record.partitionId)
        break
      case 'ClearElrRecord':
        for (const topic of image.topicsOfClearElr(record.topicName)) {
          for (const [index, partition] of topic.partitions) {
            if (withoutElr(partition) !== partition) this.partitionChanged(topic.id, index)
          }
        }
        break
      case 'RegisterBrokerRecord':
      case 'BrokerRegistrationChangeRecord':
      case 'UnregisterBrokerRecord':
        this.changedBrokers.add(record.brokerId)
        break
      case 'FenceBrokerRecord':
      case 'UnfenceBrokerRecord':
        this.changedBrokers.add(record.id)
        break
      case 'ConfigRecord':
        this.changedConfigs.add(resourceKey(record.resourceType, record.resourceName))
        break
      case 'FeatureLevelRecord':
        this.featuresChanged = true
        break
    }
    image.apply(record)
  }

  private partitionChanged(topicId: string, partition: number): void {
    const partitions = this.changedTopics.get(topicId)
    if (partitions === undefined) this.changedTopics.set(topicId, new Set([partition]))
    else partitions.add(partition)
  }
}
