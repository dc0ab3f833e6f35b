/**
 * What EndTxn does in each state (Kafka: TransactionCoordinator#endTransaction, #endTransactionWithTV1). Pure but for
 * marking the transition as pending.
 *
 * Version 1: the epoch must be the current one, so a copy of an old request that was held up somewhere can decide the
 * producer's next transaction (KAFKA-17754). The opposite decision is INVALID_TXN_STATE, the same one once more OK.
 *
 * Version 2 (KIP-890): each decision raises the epoch. A request of the epoch before is a retry, one of the current epoch
 * the next decision:
 *
 *                      abort               commit
 *                      retry   current     retry   current
 *     Empty            FENCED  raise       FENCED  INVALID
 *     CompleteAbort    OK      raise       INVALID INVALID
 *     CompleteCommit   INVALID raise       OK      INVALID
 *
 * While anything is pending the answer is CONCURRENT_TRANSACTIONS before all else: the producer may know an id and epoch
 * that this state has yet to reach (KAFKA-18464).
 */
import type { Defects } from '../../config/defects.ts'
import { ApiError } from '../../protocol/api-error.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { NO_PRODUCER_ID, supportsEpochBump } from './transaction-metadata.ts'
import type { TransactionFields, TransactionMetadata } from './transaction-metadata.ts'
import { isPrepared } from './transaction-state.ts'
import type { TransactionState } from './transaction-state.ts'

export interface EndRequest {
  readonly producerId: number
  readonly producerEpoch: number
  readonly commit: boolean
  /** false: a fence, by a newer instance or for the time-out. */
  readonly isFromClient: boolean
  readonly clientVersion: number
}

export interface EndContext {
  readonly now: number
  readonly defects: Defects
  /** @throws ApiError COORDINATOR_LOAD_IN_PROGRESS */
  readonly nextProducerId: () => number
}

/** A transition to write, or undefined: it is done already. @throws ApiError */
export function prepareEnd(metadata: TransactionMetadata, request: EndRequest, context: EndContext): TransactionFields | undefined {
  const raisesEpoch = context.defects.has('KAFKA-17754') ? !isDecisionInEpoch(metadata, request) : true
  return supportsEpochBump(request.clientVersion) && raisesEpoch ? endWithEpochBump(metadata, request, context) : endInEpoch(metadata, request, context)
}

/** What version 1 would decide, or has decided. */
function isDecisionInEpoch({ fields: { state, producerEpoch } }: TransactionMetadata, { commit, isFromClient, producerEpoch: epoch }: EndRequest): boolean {
  return isFromClient && (state === 'Ongoing' || (state === (commit ? 'CompleteCommit' : 'CompleteAbort') && epoch === producerEpoch))
}

function endInEpoch(metadata: TransactionMetadata, request: EndRequest, { now, defects }: EndContext): TransactionFields | undefined {
  const { fields: { producerId, producerEpoch, state }, pendingState } = metadata
  const { commit } = request
  if (producerId !== request.producerId) throw new ApiError(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
  const isOther = defects.has('KAFKA-9600') ? request.producerEpoch < producerEpoch : request.producerEpoch !== producerEpoch
  if ((request.isFromClient && isOther) || request.producerEpoch < producerEpoch) throw new ApiError(ErrorCode.PRODUCER_FENCED)
  if (pendingState !== undefined && pendingState !== 'PrepareEpochFence') throw new ApiError(ErrorCode.CONCURRENT_TRANSACTIONS)
  if (state === 'Ongoing') {
    refuseCommitUnderFence(pendingState, commit)
    if (!commit && pendingState === 'PrepareEpochFence') metadata.beginFencedAbort(request.producerEpoch)
    return metadata.prepareEnd(commit ? 'PrepareCommit' : 'PrepareAbort', { clientVersion: 0, nextProducerId: NO_PRODUCER_ID, now, wroteNothing: false, raisesEpoch: false })
  }
  if (state === (commit ? 'CompleteCommit' : 'CompleteAbort')) return undefined
  if (state === (commit ? 'PrepareCommit' : 'PrepareAbort')) throw new ApiError(ErrorCode.CONCURRENT_TRANSACTIONS)
  throw new ApiError(ErrorCode.INVALID_TXN_STATE, state)
}

function endWithEpochBump(metadata: TransactionMetadata, request: EndRequest, context: EndContext): TransactionFields | undefined {
  const { fields: { producerId, previousProducerId, producerEpoch, state }, pendingState } = metadata
  const { commit } = request
  const isFence = pendingState === 'PrepareEpochFence'
  const isPending = pendingState !== undefined && !isFence
  const isRetryBeforeRotation = !isFence && previousProducerId === request.producerId && metadata.isExhausted(request.producerEpoch) && producerEpoch === 0
  const isRetry = (!isFence && producerEpoch === request.producerEpoch + 1) || isRetryBeforeRotation
  const looksAtEpochFirst = context.defects.has('KAFKA-18464') ? true : false
  if (isPending && !looksAtEpochFirst) throw new ApiError(ErrorCode.CONCURRENT_TRANSACTIONS)
  if (producerId !== request.producerId && !isRetryBeforeRotation) throw new ApiError(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
  if (!isValidEpoch(metadata, request, isFence, isRetry)) throw new ApiError(ErrorCode.PRODUCER_FENCED)
  if (isPending) throw new ApiError(ErrorCode.CONCURRENT_TRANSACTIONS)
  switch (state) {
    case 'Ongoing':
      refuseCommitUnderFence(pendingState, commit)
      return endNow(metadata, request, context, { isFence, wroteNothing: false })
    case 'CompleteCommit':
    case 'CompleteAbort':
      if (isRetry && commit === (state === 'CompleteCommit')) return undefined
      if (isRetry || commit) throw new ApiError(ErrorCode.INVALID_TXN_STATE, state)
      return endNow(metadata, request, context, { isFence, wroteNothing: true })
    case 'Empty':
      if (commit) throw new ApiError(ErrorCode.INVALID_TXN_STATE, state)
      return endNow(metadata, request, context, { isFence, wroteNothing: true })
    default:
      throw new ApiError(commit === (state === 'PrepareCommit') ? ErrorCode.CONCURRENT_TRANSACTIONS : ErrorCode.INVALID_TXN_STATE, state)
  }
}

/**
 * Between a fence and its abort the lock is free, and the producer's own EndTxn may come first: an abort goes on in place of
 * the fence's, a commit meets an illegal state, which Kafka's request handler answers so.
 */
function refuseCommitUnderFence(pendingState: TransactionState | undefined, commit: boolean): void {
  if (commit && pendingState === 'PrepareEpochFence') throw new ApiError(ErrorCode.UNKNOWN_SERVER_ERROR, 'PrepareCommit while PrepareEpochFence is pending')
}

function isValidEpoch({ fields: { producerEpoch, state } }: TransactionMetadata, request: EndRequest, isFence: boolean, isRetry: boolean): boolean {
  if (isFence) return (!request.isFromClient || request.producerEpoch === producerEpoch) && request.producerEpoch >= producerEpoch
  if (isPrepared(state)) return isRetry
  const isCurrent = request.producerEpoch === producerEpoch
  return state === 'CompleteCommit' || state === 'CompleteAbort' ? isCurrent || isRetry : isCurrent
}

function endNow(metadata: TransactionMetadata, request: EndRequest, context: EndContext, o: { readonly isFence: boolean; readonly wroteNothing: boolean }): TransactionFields {
  if (o.isFence) metadata.beginFencedAbort(undefined)
  // Rotates in the fence, too: its abort uses the last epoch (KAFKA-20090).
  const nextProducerId = metadata.isEpochExhausted ? context.nextProducerId() : NO_PRODUCER_ID
  return metadata.prepareEnd(request.commit ? 'PrepareCommit' : 'PrepareAbort', {
    clientVersion: request.clientVersion, nextProducerId, now: context.now, wroteNothing: o.wroteNothing,
    raisesEpoch: true,
  })
}
