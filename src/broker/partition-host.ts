/**
 * What a partition stands on: its broker and its log.
 */
import type { ServerConfig } from '../config/cluster.ts'
import type { TopicConfig } from '../config/topic.ts'
import type { MetadataImage } from '../controller/metadata-image.ts'
import type { Env } from '../env/env.ts'
import type { Log } from '../storage/log.ts'
import type { IsrChange, IsrChangeReply } from './alter-partition-sender.ts'
import type { Purgatory } from './purgatory.ts'

/** What a partition uses of its broker. */
export interface PartitionHost {
  readonly env: Env
  readonly brokerId: number
  readonly server: ServerConfig
  readonly image: MetadataImage
  readonly delayedProduce: Purgatory
  readonly delayedFetch: Purgatory
  readonly delayedDeleteRecords: Purgatory
  brokerEpoch(): number
  topicConfig(topic: string): TopicConfig
  submitIsrChange(change: IsrChange, onReply: (reply: IsrChangeReply) => void): void
}

/** What a partition and its readers use of a log. */
export type ReplicaLog = Pick<
  Log,
  | 'logStartOffset' | 'logEndOffset' | 'highWatermark' | 'lastStableOffset' | 'lastStableOffsetFor' | 'latestEpoch'
  | 'appendAsLeader' | 'appendAsFollower' | 'read' | 'abortedTransactions' | 'endOffsetForEpoch' | 'assignEpochStart'
  | 'truncateTo' | 'truncateFullyAndStartAt' | 'updateHighWatermark' | 'maybeIncrementLogStartOffset'
  | 'offsetForTimestamp' | 'offsetOfMaxTimestamp' | 'epochAt' | 'producers'
>
