/**
 * Effective configuration of a topic: its own entries over the cluster-wide dynamic defaults over server.properties
 * (KafkaConfigSchema#resolveEffectiveTopicConfig). Controllers and brokers must agree on it.
 *
 * Unlike Kafka: of the dynamic broker configs only the cluster-wide min.insync.replicas and
 * unclean.leader.election.enable exist, and no per-broker ones.
 */
import type { ServerConfig } from '../config/cluster.ts'
import { resolveTopicConfig } from '../config/topic.ts'
import type { TopicConfig } from '../config/topic.ts'
import { BROKER_RESOURCE, resourceKey } from './metadata-image.ts'
import type { MetadataImage } from './metadata-image.ts'

/** Name of the resource that stands for all brokers. */
export const CLUSTER_DEFAULT = ''
export const MIN_INSYNC_REPLICAS = 'min.insync.replicas'
export const UNCLEAN_ELECTION_ENABLE = 'unclean.leader.election.enable'
export const DYNAMIC_CLUSTER_CONFIGS: readonly string[] = [MIN_INSYNC_REPLICAS, UNCLEAN_ELECTION_ENABLE]

export function effectiveTopicConfig(image: MetadataImage, server: ServerConfig, topic: string): TopicConfig {
  const clusterWide = image.configs.get(resourceKey(BROKER_RESOURCE, CLUSTER_DEFAULT))
  const own = image.topicConfig(topic)
  return resolveTopicConfig(server, clusterWide === undefined ? own : new Map([...clusterWide, ...own]))
}
