/**
 * Acquiring from the partitions of one share fetch, at once or when it leaves the purgatory (Kafka: DelayedShareFetch). It
 * waits until something may be acquired of one of them, or one cannot be served any more.
 */
import type { Millis } from '../../base/time.ts'
import { ApiError } from '../../protocol/api-error.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { NO_RECORDS } from '../partition-reads.ts'
import type { DelayedOperation } from '../purgatory.ts'
import type { SharePartition } from './share-partition.ts'
import type { AcquiredRange } from './share-window.ts'

export interface ShareFetchParams {
  readonly memberId: string
  readonly maxWaitMs: Millis
  readonly maxBytes: number
  readonly maxRecords: number
  /** Never more than maxRecords (KIP-1206), instead of whole batches. */
  readonly isStrict: boolean
}

export interface ShareTarget {
  readonly topicId: string
  readonly partition: number
  /** Or why there is none. */
  readonly share: SharePartition | number
}

export interface ShareFetchResult {
  readonly errorCode: number
  readonly records: Uint8Array
  readonly acquired: readonly AcquiredRange[]
}

export function acquireTargets({ memberId, maxBytes, maxRecords, isStrict }: ShareFetchParams, targets: readonly ShareTarget[]): ShareFetchResult[] {
  let bytesLeft = maxBytes
  let recordsLeft = maxRecords
  return targets.map(({ share }) => {
    if (typeof share === 'number') return failed(share)
    if (!share.isActive) return failed(ErrorCode.NOT_LEADER_OR_FOLLOWER)
    if (bytesLeft <= 0 || recordsLeft <= 0) return failed(ErrorCode.NONE)
    try {
      const { records, ranges } = share.acquire({ memberId, maxBytes: bytesLeft, maxRecords: recordsLeft, isStrict })
      bytesLeft -= records.length
      for (const { firstOffset, lastOffset } of ranges) recordsLeft -= lastOffset - firstOffset + 1
      return { errorCode: ErrorCode.NONE, records, acquired: ranges }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      return failed(error.code)
    }
  })
}

export class DelayedShareFetch implements DelayedOperation {
  private readonly targets: readonly ShareTarget[]
  private readonly complete: () => void

  constructor(targets: readonly ShareTarget[], complete: () => void) {
    this.targets = targets
    this.complete = complete
  }

  isSatisfied(): boolean {
    return this.targets.some(({ share }) => typeof share === 'number' || !share.isActive || share.hasAvailable())
  }

  onComplete(): void {
    this.complete()
  }
}

function failed(errorCode: number): ShareFetchResult {
  return { errorCode, records: NO_RECORDS, acquired: [] }
}
