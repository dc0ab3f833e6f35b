/**
 * DeleteRecords on leaders (Kafka: Partition#deleteRecordsOnLeader, DelayedDeleteRecords): the leader moves its log start up
 * at once and answers when every live follower has told, in a fetch, that its log starts there too. The low watermark is
 * the smallest log start among the leader and the live followers; nothing says that it never falls, for a log start is
 * durable only at the next checkpoint.
 */
import type { MetadataImage } from '../controller/metadata-image.ts'
import { ApiError } from '../protocol/api-error.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { Partition } from './partition.ts'
import type { DelayedOperation } from './purgatory.ts'

/** In a request: whatever the high watermark is. */
const UP_TO_HIGH_WATERMARK = -1
export const NO_LOW_WATERMARK = -1

export interface Deletion {
  /** undefined when the partition is no longer here */
  readonly partition: () => Partition | undefined
  readonly requiredOffset: number
  /** REQUEST_TIMED_OUT while it is pending: what remains if the followers never tell. */
  errorCode: number
  lowWatermark: number
  isPending: boolean
}

/** Moves the log start of a leader; returns the offset that was meant. Throws ApiError. */
export function deleteRecordsOnLeader(partition: Partition, offset: number, cleanupPolicy: string): number {
  if (!partition.isLeader) throw new ApiError(ErrorCode.NOT_LEADER_OR_FOLLOWER)
  if (!cleanupPolicy.includes('delete')) throw new ApiError(ErrorCode.POLICY_VIOLATION, `Records of ${partition.key} can not be deleted due to the configured policy`)
  const { log } = partition
  const wanted = offset === UP_TO_HIGH_WATERMARK ? log.highWatermark : offset
  if (wanted < 0) throw new ApiError(ErrorCode.OFFSET_OUT_OF_RANGE, `The offset ${wanted} is not valid`)
  log.maybeIncrementLogStartOffset(wanted, 'delete-records')
  return wanted
}

/** Fenced followers do not count; a live one that has not fetched yet counts as knowing nothing. */
export function lowWatermark(image: MetadataImage, partition: Partition): number {
  let lowest = partition.log.logStartOffset
  for (const { brokerId, state } of partition.remoteReplicas) {
    if (state.logStartOffset < lowest && image.brokers.get(brokerId)?.fenced === false) lowest = state.logStartOffset
  }
  return lowest
}

export class DelayedDeleteRecords implements DelayedOperation {
  private readonly image: MetadataImage
  private readonly deletions: readonly Deletion[]
  private readonly respond: () => void

  constructor(image: MetadataImage, deletions: readonly Deletion[], respond: () => void) {
    this.image = image
    this.deletions = deletions
    this.respond = respond
  }

  isSatisfied(): boolean {
    let isSatisfied = true
    for (const deletion of this.deletions) {
      if (!deletion.isPending) continue
      const partition = deletion.partition()
      if (partition === undefined) this.settle(deletion, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, NO_LOW_WATERMARK)
      else if (!partition.isLeader) this.settle(deletion, ErrorCode.NOT_LEADER_OR_FOLLOWER, NO_LOW_WATERMARK)
      else {
        const lowest = lowWatermark(this.image, partition)
        if (lowest >= deletion.requiredOffset) this.settle(deletion, ErrorCode.NONE, lowest)
        else isSatisfied = false
      }
    }
    return isSatisfied
  }

  onComplete(): void {
    this.respond()
  }

  private settle(deletion: Deletion, errorCode: number, lowest: number): void {
    deletion.isPending = false
    deletion.errorCode = errorCode
    deletion.lowWatermark = lowest
  }
}
