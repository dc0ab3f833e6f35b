/**
 * The share-partitions of this broker (Kafka: SharePartitionManager), made when they are first asked for and anew in each
 * leader epoch.
 */
import { partitionName } from '../../base/partition-name.ts'
import type { ShareSettings } from '../../config/share.ts'
import type { SharePersister } from '../../coordinator/share/share-persister.ts'
import { sharePartitionKey } from '../../coordinator/share/share-partition-key.ts'
import type { Env } from '../../env/env.ts'
import { ApiError } from '../../protocol/api-error.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { requireLog } from '../partition-reads.ts'
import type { Purgatory } from '../purgatory.ts'
import type { Replicas } from '../replicas.ts'
import { SharePartition } from './share-partition.ts'
import type { SharePartitionHost } from './share-partition.ts'

export class SharePartitions {
  readonly settings: ShareSettings
  private readonly replicas: Pick<Replicas, 'require'>
  private readonly host: SharePartitionHost
  private readonly shares = new Map<string, SharePartition>()

  constructor(o: { readonly env: Env; readonly settings: ShareSettings; readonly persister: SharePersister; readonly replicas: Pick<Replicas, 'require'>; readonly delayedFetch: Purgatory }) {
    this.settings = o.settings
    this.replicas = o.replicas
    this.host = { env: o.env, settings: o.settings, persister: o.persister, onAvailable: ({ id }) => void o.delayedFetch.checkAndComplete(watchKey(id.groupId, id.topicId, id.partition)) }
  }

  /** The one of the present leader epoch, being initialized perhaps. @throws ApiError when this broker does not lead */
  open(groupId: string, topicId: string, partition: number): SharePartition {
    const led = this.replicas.require(topicId, partition)
    requireLog(led, -1, true)
    const key = sharePartitionKey({ groupId, topicId, partition })
    const known = this.shares.get(key)
    if (known?.isCurrent === true) return known
    known?.fence()
    const share = new SharePartition(this.host, groupId, led)
    this.shares.set(key, share)
    share.initialize()
    return share
  }

  /** One that is active already. @throws ApiError as for a partition of which nothing was acquired here */
  find(groupId: string, topicId: string, partition: number): SharePartition {
    requireLog(this.replicas.require(topicId, partition), -1, true)
    const known = this.shares.get(sharePartitionKey({ groupId, topicId, partition }))
    if (known === undefined) throw new ApiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    if (!known.isActive) throw new ApiError(ErrorCode.NOT_LEADER_OR_FOLLOWER)
    return known
  }
}

/** In the purgatory of fetches, beside the keys of partitions. */
export function watchKey(groupId: string, topicId: string, partition: number): string {
  return `share ${groupId} ${partitionName(topicId, partition)}`
}
