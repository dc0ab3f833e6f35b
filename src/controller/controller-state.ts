/**
 * The replicated state of a controller: the image, and the offset of each broker's registration record (which a broker
 * must have read before it is unfenced). Changed by `apply` alone; everything else here reads.
 */
import type { ServerConfig } from '../config/cluster.ts'
import { effectiveTopicConfig } from './effective-config.ts'
import { MetadataImage } from './metadata-image.ts'
import type { MetadataBatch, MetadataDelta, MetadataSnapshot, PartitionImage, TopicImage } from './metadata-image.ts'

export const ELR_FEATURE = 'eligible.leader.replicas.version'

/** A partition with its place. */
export interface LocatedPartition {
  readonly topic: TopicImage
  readonly index: number
  readonly partition: PartitionImage
}

export class ControllerState {
  readonly image: MetadataImage
  /** Offset of the latest RegisterBrokerRecord, by broker id. */
  readonly registrationOffsets: Map<number, number>

  constructor(image = new MetadataImage(), registrationOffsets = new Map<number, number>()) {
    this.image = image
    this.registrationOffsets = registrationOffsets
  }

  /** The state of a snapshot; brokers count as registered by its last record (ClusterControlManager#replay). */
  static ofSnapshot(snapshot: MetadataSnapshot): ControllerState {
    const state = new ControllerState(MetadataImage.ofSnapshot(snapshot))
    for (const brokerId of state.image.brokers.keys()) state.registrationOffsets.set(brokerId, snapshot.endOffset - 1)
    return state
  }

  clone(): ControllerState {
    return new ControllerState(this.image.clone(), new Map(this.registrationOffsets))
  }

  apply(batch: MetadataBatch): MetadataDelta {
    let offset = batch.baseOffset
    for (const record of batch.records) {
      if (record.type === 'RegisterBrokerRecord') this.registrationOffsets.set(record.data.brokerId, offset)
      else if (record.type === 'UnregisterBrokerRecord') this.registrationOffsets.delete(record.data.brokerId)
      offset++
    }
    return this.image.applyBatch(batch)
  }

  get elrEnabled(): boolean {
    return (this.image.features.get(ELR_FEATURE) ?? 0) > 0
  }

  /** min.insync.replicas, but not above the replication factor (ReplicationControlManager#getTopicEffectiveMinIsr). */
  minIsr(server: ServerConfig, topic: TopicImage): number {
    const replicationFactor = topic.partitions.get(0)?.replicas.length ?? 1
    return Math.min(effectiveTopicConfig(this.image, server, topic.name).minInsyncReplicas, replicationFactor)
  }

  hasLeaderships(brokerId: number): boolean {
    for (const { partition } of this.partitions()) if (partition.leader === brokerId) return true
    return false
  }

  /** Partitions in order of creation. */
  *partitions(): Generator<LocatedPartition> {
    for (const topic of this.image.topics.values()) {
      for (const [index, partition] of topic.partitions) yield { topic, index, partition }
    }
  }
}
