/** What a log is told when it is opened, and why it may be truncated or begin later. */
import type { ServerConfig } from '../config/cluster.ts'
import type { TopicConfig } from '../config/topic.ts'
import type { ObservationOf } from '../env/observation.ts'

export interface LogOptions {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  /** Path of the log's own directory, `data/orders-0`. */
  readonly directory: string
  /** Asked at every use, so that changes of the topic's configuration take effect. */
  readonly config: () => TopicConfig
  readonly server: ServerConfig
  /** false: no observations and no producer state (the metadata log). */
  readonly observe?: boolean
  /**
   * Called after a truncation: recovery points must be checkpointed, or recovery would start beyond the log's end, and with
   * `segmentsWent` what the cleaner is doing with this log comes to nothing.
   */
  readonly onTruncated?: (segmentsWent: boolean) => void
}

export interface LoadOptions {
  readonly clean: boolean
  /** From the checkpoints; 0 when unknown. */
  readonly recoveryPoint: number
  readonly logStartOffset: number
  /** Only a hint; clamped to the log. */
  readonly highWatermark: number
}

export type TruncationReason = ObservationOf<'log-truncate'>['reason']
export type LogStartReason = ObservationOf<'log-start'>['reason']
