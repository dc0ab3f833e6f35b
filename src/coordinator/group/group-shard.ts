/**
 * What the roles of the group coordinator use of the state partition that they work on, and what is theirs beside the records:
 * live classic groups and when to look at the metadata again. It comes and goes with one leader epoch.
 */
import type { MetadataImage } from '../../controller/metadata-image.ts'
import type { Millis } from '../../base/time.ts'
import type { ServerConfig } from '../../config/cluster.ts'
import { shareSettings } from '../../config/share.ts'
import type { ShareSettings } from '../../config/share.ts'
import { uuidFromDraws } from '../../protocol/uuid.ts'
import type { Shard } from '../runtime/shard.ts'
import { sharePartitionKey } from '../share/share-partition-key.ts'
import type { SharePartitionId } from '../share/share-partition-key.ts'
import { ClassicGroups } from './classic/classic-groups.ts'
import { MetadataRefreshes } from './consumer/metadata-refreshes.ts'
import type { TopicHashes } from './consumer/subscription-metadata.ts'
import type { GroupState } from './group-state.ts'

export type GroupShard = Pick<Shard<GroupState>, 'env' | 'partition' | 'coordinatorEpoch' | 'state' | 'committed' | 'schedule' | 'cancel'>

/** Kafka's defaults of what older plans do not have. */
const DEFAULTS = { groupConsumerMaxSize: 2_147_483_647, groupConsumerAssignmentIntervalMs: 1_000, offsetMetadataMaxBytes: 4_096 }

export class GroupScope {
  readonly shard: GroupShard
  readonly settings: ServerConfig & Required<Pick<ServerConfig, keyof typeof DEFAULTS>>
  readonly share: ShareSettings
  /** Changes in place as metadata is published. */
  readonly image: MetadataImage
  readonly topicHashes: TopicHashes
  readonly classic: ClassicGroups
  readonly refreshes = new MetadataRefreshes()
  /** Offset of the metadata that last brought a new topic. */
  newestTopicOffset = -1
  /** It has inherited state, and nobody has committed yet. */
  isInherited = false
  private readonly initializing = new Set<string>()
  private drawn = 0

  constructor(shard: GroupShard, settings: ServerConfig, image: MetadataImage, topicHashes: TopicHashes) {
    this.shard = shard
    this.settings = { ...DEFAULTS, ...settings }
    this.share = shareSettings(settings)
    this.image = image
    this.topicHashes = topicHashes
    this.classic = new ClassicGroups(shard.state)
  }

  get state(): GroupState {
    return this.shard.state
  }

  nowMs(): Millis {
    return this.shard.env.wallClock()
  }

  /** Unique over all coordinators: a partition has one in each epoch. */
  drawMemberId(): string {
    const { env, partition, coordinatorEpoch } = this.shard
    const n = this.drawn++
    const draw = (part: number): number => env.draw('group-member-id', `${partition}-${coordinatorEpoch}-${part}`, n)
    return uuidFromDraws(draw(0), draw(1), draw(2), draw(3))
  }

  // ---- states of share-partitions that are being asked for ----

  isInitializing(groupId: string, topicId: string, partition: number): boolean {
    return this.initializing.has(sharePartitionKey({ groupId, topicId, partition }))
  }

  beginInitializing(id: SharePartitionId): void {
    this.initializing.add(sharePartitionKey(id))
  }

  endInitializing(id: SharePartitionId): void {
    this.initializing.delete(sharePartitionKey(id))
  }

  mark(name: string): void {
    this.shard.env.observe({ kind: 'mark', name })
  }
}
