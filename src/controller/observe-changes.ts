/**
 * Tells the observer what the active controller's uncommitted state has become.
 */
import type { Env } from '../env/env.ts'
import type { BrokerRegistration, MetadataDelta, MetadataImage, PartitionImage, TopicImage } from './metadata-image.ts'

/** After a batch: topics created and deleted, brokers fenced and unfenced, partitions registered anew or changed. */
export function observeChanges(
  env: Env,
  image: MetadataImage,
  brokersBefore: ReadonlyMap<number, BrokerRegistration>,
  delta: MetadataDelta,
): void {
  for (const { id, name } of delta.deletedTopics.values()) env.observe({ kind: 'topic-deleted', topic: name, topicId: id })
  for (const id of delta.createdTopics) {
    const topic = image.topics.get(id)!
    env.observe({ kind: 'topic-created', topic: topic.name, topicId: id, partitions: topic.partitions.size })
  }
  for (const [id, indexes] of delta.changedTopics) {
    const topic = image.topics.get(id)!
    for (const index of indexes) observePartition(env, topic, index, topic.partitions.get(index)!)
  }
  for (const brokerId of delta.changedBrokers) {
    const before = brokersBefore.get(brokerId)
    const after = image.brokers.get(brokerId)
    if (before === undefined || after === undefined || before.fenced === after.fenced) continue
    const { brokerEpoch } = after
    env.observe(after.fenced ? { kind: 'broker-fenced', brokerId, brokerEpoch } : { kind: 'broker-unfenced', brokerId, brokerEpoch })
  }
}

/** At activation: every partition as the new controller knows it, for what its predecessor left uncommitted is void. */
export function observePartitions(env: Env, image: MetadataImage): void {
  for (const topic of image.topics.values()) {
    for (const [index, partition] of topic.partitions) observePartition(env, topic, index, partition)
  }
}

function observePartition(env: Env, topic: TopicImage, index: number, partition: PartitionImage): void {
  env.observe({
    kind: 'partition-registered',
    topicId: topic.id,
    topic: topic.name,
    partition: index,
    leader: partition.leader,
    leaderEpoch: partition.leaderEpoch,
    partitionEpoch: partition.partitionEpoch,
    replicas: partition.replicas,
    isr: partition.isr,
    elr: partition.elr,
    lastKnownElr: partition.lastKnownElr,
    recovering: partition.leaderRecoveryState === 'RECOVERING',
  })
}
