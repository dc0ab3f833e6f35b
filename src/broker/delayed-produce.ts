/**
 * An acks=all request that waits until its records are committed (Kafka: DelayedProduce). Each partition is settled once;
 * what is unsettled at the deadline answers REQUEST_TIMED_OUT. That, NOT_LEADER_OR_FOLLOWER and
 * NOT_ENOUGH_REPLICAS_AFTER_APPEND leave the fate of the records open: they are in this leader's log.
 */
import { ErrorCode } from '../protocol/errors.ts'
import type { DelayedOperation } from './purgatory.ts'

export interface PendingAppend {
  /** Offset after the last record. A duplicate waits for the offset of the original. */
  readonly requiredOffset: number
  /** Error code when settled, undefined while waiting. */
  readonly check: () => number | undefined
  /** Starts as REQUEST_TIMED_OUT, which is what remains if nothing settles it. */
  errorCode: number
  isPending: boolean
}

export function pendingAppend(requiredOffset: number, check: () => number | undefined): PendingAppend {
  return { requiredOffset, check, errorCode: ErrorCode.REQUEST_TIMED_OUT, isPending: true }
}

export class DelayedProduce implements DelayedOperation {
  private readonly appends: readonly PendingAppend[]
  private readonly respond: () => void

  constructor(appends: readonly PendingAppend[], respond: () => void) {
    this.appends = appends
    this.respond = respond
  }

  isSatisfied(): boolean {
    let isSatisfied = true
    for (const append of this.appends) {
      if (!append.isPending) continue
      const errorCode = append.check()
      if (errorCode === undefined) {
        isSatisfied = false
      } else {
        append.errorCode = errorCode
        append.isPending = false
      }
    }
    return isSatisfied
  }

  onComplete(): void {
    this.respond()
  }
}
