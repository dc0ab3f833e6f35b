/**
 * Creates the coordinators' topics when somebody first looks for a coordinator (AutoTopicCreationManager): asks the
 * controller, and has one request a topic on the way at a time. Who asked is told to come back.
 */
import type { ServerConfig } from '../config/cluster.ts'
import { GROUP_TOPIC, SHARE_GROUP_TOPIC, TRANSACTION_TOPIC } from '../coordinator/internal-topics.ts'
import { shareSettings } from '../config/share.ts'
import { ApiKey } from '../protocol/api-keys.ts'
import type { ControllerChannel } from './controller-channel.ts'

interface TopicShape {
  readonly numPartitions: number
  readonly replicationFactor: number
  readonly configs: Readonly<Record<string, string>>
}

const REQUEST_TIMEOUT_MS = 30_000

export class InternalTopicCreation {
  private readonly server: ServerConfig
  private readonly channel: Pick<ControllerChannel, 'send'>
  private readonly inFlight = new Set<string>()

  constructor(server: ServerConfig, channel: Pick<ControllerChannel, 'send'>) {
    this.server = server
    this.channel = channel
  }

  create(topic: string): void {
    if (this.inFlight.has(topic)) return
    this.inFlight.add(topic)
    const { numPartitions, replicationFactor, configs } = shapeOf(topic, this.server)
    const reply = this.channel.send(ApiKey.CreateTopics, {
      timeoutMs: REQUEST_TIMEOUT_MS,
      topics: [{ name: topic, numPartitions, replicationFactor, configs: Object.entries(configs).map(([name, value]) => ({ name, value })) }],
    })
    reply.onSettled(() => void this.inFlight.delete(topic))
  }
}

/** GroupCoordinatorService#groupMetadataTopicConfigs, TransactionStateManager#transactionTopicConfigs, ShareCoordinatorService#shareGroupStateTopicConfigs. */
function shapeOf(topic: string, server: ServerConfig): TopicShape {
  switch (topic) {
    case GROUP_TOPIC: return {
      numPartitions: server.offsetsTopicNumPartitions,
      replicationFactor: server.offsetsTopicReplicationFactor,
      configs: { 'cleanup.policy': 'compact', 'compression.type': 'producer', 'segment.bytes': String(server.offsetsTopicSegmentBytes) },
    }
    case TRANSACTION_TOPIC: return {
      numPartitions: server.transactionStateLogNumPartitions,
      replicationFactor: server.transactionStateLogReplicationFactor,
      configs: {
        'unclean.leader.election.enable': 'false', 'compression.type': 'uncompressed', 'cleanup.policy': 'compact',
        'min.insync.replicas': String(server.transactionStateLogMinIsr), 'segment.bytes': String(server.transactionStateLogSegmentBytes),
      },
    }
    case SHARE_GROUP_TOPIC: {
      const share = shareSettings(server)
      return {
        numPartitions: share.shareCoordinatorStateTopicNumPartitions,
        replicationFactor: share.shareCoordinatorStateTopicReplicationFactor,
        configs: {
          'cleanup.policy': 'delete', 'retention.ms': '-1', 'compression.type': 'uncompressed',
          'min.insync.replicas': String(share.shareCoordinatorStateTopicMinIsr), 'segment.bytes': String(share.shareCoordinatorStateTopicSegmentBytes),
        },
      }
    }
    default: throw new RangeError(`${topic} is created by nobody`)
  }
}
