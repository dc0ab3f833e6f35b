/**
 * The cluster as the metadata log describes it up to some offset (Kafka: MetadataImage, and the controller's replay
 * methods, which are the same rules). Controllers and brokers share it; only records change it.
 *
 * Registrations, partitions and configuration maps are replaced, never mutated, so references taken from an image stay
 * pictures of the past, and `clone` copies only the maps. Topics and partitions iterate in order of creation.
 *
 * Unlike Kafka there is no persistent snapshot structure: whoever needs an older image keeps a clone.
 */
import { InvariantError, defined, invariant } from '../base/assert.ts'
import type { MetadataRecord } from '../protocol/metadata-records.ts'
import { applyQuotaRecord } from './client-quota-image.ts'
import type { ClientQuota } from './client-quota-image.ts'
import { brokerFromRecord, mergeBroker } from './broker-registration.ts'
import type { BrokerRegistration } from './broker-registration.ts'
import { mergePartition, partitionFromRecord, withoutElr } from './partition-image.ts'
import type { PartitionImage } from './partition-image.ts'

export type { BrokerRegistration } from './broker-registration.ts'
export type { LeaderRecoveryState, PartitionImage } from './partition-image.ts'

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

/** The state before `endOffset`, as the records that build it. */
export interface MetadataSnapshot {
  readonly endOffset: number
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
  /** By the entity's key. */
  readonly quotas = new Map<string, ClientQuota>()
  /** Finalized feature levels. */
  readonly features = new Map<string, number>()
  nextProducerId = 0
  /** Offset and epoch of the last applied batch; -1 before the first. */
  offset = -1
  epoch = -1

  static ofSnapshot({ endOffset, epoch, records }: MetadataSnapshot): MetadataImage {
    const image = new MetadataImage()
    for (const record of records) image.apply(record)
    image.offset = endOffset - 1
    image.epoch = epoch
    return image
  }

  /** Becomes what the other one is. */
  replaceBy(other: MetadataImage): void {
    refill(this.brokers, other.brokers)
    refill(this.topics, other.topics)
    refill(this.topicIds, other.topicIds)
    refill(this.configs, other.configs)
    refill(this.features, other.features)
    refill(this.quotas, other.quotas)
    this.nextProducerId = other.nextProducerId
    this.offset = other.offset
    this.epoch = other.epoch
  }

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
    for (const [key, quota] of this.quotas) copy.quotas.set(key, quota)
    copy.nextProducerId = this.nextProducerId
    copy.offset = this.offset
    copy.epoch = this.epoch
    return copy
  }

  /** Applies one record. Throws InvariantError for a record that no correct controller writes. */
  apply(record: MetadataRecord): void {
    switch (record.type) {
      case 'PartitionChangeRecord': {
        const { data } = record
        const topic = this.existingTopic(data.topicId)
        const old = topic.partitions.get(data.partitionId)
        invariant(old !== undefined, 'change of an unknown partition')
        topic.partitions.set(data.partitionId, mergePartition(old, data))
        return
      }
      case 'PartitionRecord':
        this.existingTopic(record.data.topicId).partitions.set(record.data.partitionId, partitionFromRecord(record.data))
        return
      case 'TopicRecord': {
        const { name, topicId } = record.data
        invariant(!this.topicIds.has(name), `topic ${name} exists already`)
        this.topics.set(topicId, { id: topicId, name, partitions: new Map() })
        this.topicIds.set(name, topicId)
        return
      }
      case 'RemoveTopicRecord': {
        const { id, name } = this.existingTopic(record.data.topicId)
        this.topics.delete(id)
        this.topicIds.delete(name)
        this.configs.delete(resourceKey(TOPIC_RESOURCE, name))
        return
      }
      case 'RegisterBrokerRecord':
        this.brokers.set(record.data.brokerId, brokerFromRecord(record.data))
        return
      case 'BrokerRegistrationChangeRecord': {
        const { data } = record
        this.brokers.set(data.brokerId, mergeBroker(this.existingBroker(data.brokerId, data.brokerEpoch), data))
        return
      }
      case 'FenceBrokerRecord':
      case 'UnfenceBrokerRecord': {
        const { id, epoch } = record.data
        this.brokers.set(id, { ...this.existingBroker(id, epoch), fenced: record.type === 'FenceBrokerRecord' })
        return
      }
      case 'UnregisterBrokerRecord':
        this.brokers.delete(this.existingBroker(record.data.brokerId, record.data.brokerEpoch).brokerId)
        return
      case 'ConfigRecord': {
        const { resourceType, resourceName, name, value } = record.data
        const key = resourceKey(resourceType, resourceName)
        const config = new Map(this.configs.get(key))
        if (value === null) config.delete(name)
        else config.set(name, value)
        if (config.size === 0) this.configs.delete(key)
        else this.configs.set(key, config)
        return
      }
      case 'ClearElrRecord':
        for (const topic of this.topicsOfClearElr(record.data.topicName)) {
          for (const [index, partition] of topic.partitions) topic.partitions.set(index, withoutElr(partition))
        }
        return
      case 'ClientQuotaRecord':
        applyQuotaRecord(this.quotas, record.data)
        return
      case 'FeatureLevelRecord':
        if (record.data.featureLevel === 0) this.features.delete(record.data.name)
        else this.features.set(record.data.name, record.data.featureLevel)
        return
      case 'ProducerIdsRecord':
        invariant(record.data.nextProducerId > this.nextProducerId, 'producer ids must rise')
        this.nextProducerId = record.data.nextProducerId
        return
      case 'NoOpRecord':
      case 'RegisterControllerRecord':
        return
      default:
        throw new InvariantError(`a ${record.type} has no place in this cluster's metadata`)
    }
  }

  /** The topics that a ClearElrRecord speaks of: one by name, or all for the empty name. */
  topicsOfClearElr(topicName: string): Iterable<TopicImage> {
    return topicName === '' ? this.topics.values() : [defined(this.topicByName(topicName), `no topic ${topicName} to clear the ELR of`)]
  }

  private existingTopic(topicId: string): TopicImage {
    return defined(this.topics.get(topicId), 'record names an unknown topic id')
  }

  private existingBroker(brokerId: number, brokerEpoch: number): BrokerRegistration {
    const broker = defined(this.brokers.get(brokerId), 'record names an unknown broker')
    invariant(broker.brokerEpoch === brokerEpoch, 'record names another epoch of its broker')
    return broker
  }
}

function refill<K, V>(map: Map<K, V>, from: ReadonlyMap<K, V>): void {
  map.clear()
  for (const [key, value] of from) map.set(key, value)
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
        const topic = image.topics.get(record.data.topicId)
        if (topic !== undefined) {
          this.deletedTopics.set(topic.id, topic)
          this.changedTopics.delete(topic.id)
          this.createdTopics.delete(topic.id)
          this.changedConfigs.add(resourceKey(TOPIC_RESOURCE, topic.name))
        }
        break
      }
      case 'TopicRecord':
        this.createdTopics.add(record.data.topicId)
        this.changedTopics.set(record.data.topicId, new Set())
        break
      case 'PartitionRecord':
      case 'PartitionChangeRecord':
        this.partitionChanged(record.data.topicId, record.data.partitionId)
        break
      case 'ClearElrRecord':
        for (const topic of image.topicsOfClearElr(record.data.topicName)) {
          for (const [index, partition] of topic.partitions) {
            if (withoutElr(partition) !== partition) this.partitionChanged(topic.id, index)
          }
        }
        break
      case 'RegisterBrokerRecord':
      case 'BrokerRegistrationChangeRecord':
      case 'UnregisterBrokerRecord':
        this.changedBrokers.add(record.data.brokerId)
        break
      case 'FenceBrokerRecord':
      case 'UnfenceBrokerRecord':
        this.changedBrokers.add(record.data.id)
        break
      case 'ConfigRecord':
        this.changedConfigs.add(resourceKey(record.data.resourceType, record.data.resourceName))
        break
      case 'FeatureLevelRecord':
        this.featuresChanged = true
        break
    }
    image.apply(record)
  }

  /**
   * Turns `image` into the state of a snapshot and adds what that changes (Kafka: the deletions that MetadataDelta's
   * finishSnapshot finds). What is in between, or has come and gone again, is seen by nobody.
   */
  load(image: MetadataImage, snapshot: MetadataSnapshot): void {
    const next = MetadataImage.ofSnapshot(snapshot)
    for (const topic of image.topics.values()) {
      if (next.topics.has(topic.id)) continue
      this.deletedTopics.set(topic.id, topic)
      this.changedTopics.delete(topic.id)
      this.createdTopics.delete(topic.id)
    }
    for (const topic of next.topics.values()) {
      const before = image.topics.get(topic.id)
      if (before === undefined) {
        this.createdTopics.add(topic.id)
        if (!this.changedTopics.has(topic.id)) this.changedTopics.set(topic.id, new Set())
      }
      for (const [index, partition] of topic.partitions) {
        if (before?.partitions.get(index)?.partitionEpoch !== partition.partitionEpoch) this.partitionChanged(topic.id, index)
      }
    }
    for (const id of new Set([...image.brokers.keys(), ...next.brokers.keys()])) {
      const [before, after] = [image.brokers.get(id), next.brokers.get(id)]
      if (before?.brokerEpoch !== after?.brokerEpoch || before?.fenced !== after?.fenced || before?.inControlledShutdown !== after?.inControlledShutdown) this.changedBrokers.add(id)
    }
    for (const key of new Set([...image.configs.keys(), ...next.configs.keys()])) if (!isSameMap(image.configs.get(key), next.configs.get(key))) this.changedConfigs.add(key)
    if (!isSameMap(image.features, next.features)) this.featuresChanged = true
    image.replaceBy(next)
  }

  private partitionChanged(topicId: string, partition: number): void {
    const partitions = this.changedTopics.get(topicId)
    if (partitions === undefined) this.changedTopics.set(topicId, new Set([partition]))
    else partitions.add(partition)
  }
}

function isSameMap<V>(a: ReadonlyMap<string, V> | undefined, b: ReadonlyMap<string, V> | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return a.size === b.size && Array.from(a).every(([key, value]) => b.get(key) === value)
}
