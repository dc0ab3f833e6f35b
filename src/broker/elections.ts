/**
 * Tells coordinators what metadata means for them, after the replicas have taken up their roles (BrokerMetadataPublisher
 * #updateCoordinator): which state partitions this broker now leads, and which it has lost.
 */
import type { MetadataDelta, MetadataImage } from '../controller/metadata-image.ts'
import type { ElectedCoordinator } from '../coordinator/elected-coordinator.ts'

export function tellCoordinator(coordinator: ElectedCoordinator, image: MetadataImage, delta: MetadataDelta, brokerId: number): void {
  for (const topic of delta.deletedTopics.values()) {
    if (topic.name !== coordinator.topic) continue
    for (const partition of topic.partitions.keys()) coordinator.onResignation(partition, undefined)
  }
  const topic = image.topicByName(coordinator.topic)
  const changed = topic === undefined ? undefined : delta.changedTopics.get(topic.id)
  for (const partition of changed ?? []) {
    const registration = topic!.partitions.get(partition)
    if (registration === undefined) continue
    if (registration.leader === brokerId) coordinator.onElection(partition, registration.leaderEpoch)
    else coordinator.onResignation(partition, registration.replicas.includes(brokerId) ? registration.leaderEpoch : undefined)
  }
  coordinator.onMetadata(image, delta)
}
