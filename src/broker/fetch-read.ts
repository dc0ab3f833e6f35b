/**
 * Reading the partitions of one fetch, at once or when it leaves the purgatory (Kafka: ReplicaManager#readFromLog,
 * DelayedFetch).
 */
import type { Task } from '../base/task.ts'
import type { Millis } from '../base/time.ts'
import { ApiError } from '../protocol/api-error.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { FetchRequestFetchPartition } from '../protocol/generated/types.ts'
import type { BrokerContext } from './broker-context.ts'
import { preferredReadReplica } from './preferred-read-replica.ts'
import { NO_EPOCH, NO_RECORDS, divergence, endOffsetFor, readPartition, requireLog } from './partition-reads.ts'
import type { Isolation, PartitionRead } from './partition-reads.ts'
import type { Partition } from './partition.ts'
import type { DelayedOperation } from './purgatory.ts'
import type { EpochEndOffset } from './truncation-point.ts'

export interface FetchParams {
  /** A follower's broker id, or -1 for a consumer. */
  readonly replicaId: number
  readonly replicaEpoch: number
  readonly maxWaitMs: Millis
  readonly minBytes: number
  readonly maxBytes: number
  readonly isolation: Isolation
  /** Followers read from the leader only; so do consumers too old to know about follower reads. */
  readonly requireLeader: boolean
  /** undefined from clients that know nothing of follower reads. */
  readonly clientRack: string | undefined
}

export interface FetchTarget {
  readonly topicId: string
  readonly topic: string
  readonly fetch: FetchRequestFetchPartition
}

export interface FetchResult {
  readonly errorCode: number
  readonly records: Uint8Array
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly logStartOffset: number
  readonly divergingEpoch: EpochEndOffset | undefined
  readonly preferredReadReplica: number | undefined
}

const UNKNOWN = -1

export function failedFetch(errorCode: number): FetchResult {
  return { errorCode, records: NO_RECORDS, highWatermark: UNKNOWN, lastStableOffset: UNKNOWN, logStartOffset: UNKNOWN, divergingEpoch: undefined, preferredReadReplica: undefined }
}

/** Field by field: on this path an object spread costs more than the read itself. */
function found({ records, highWatermark, lastStableOffset, logStartOffset, divergingEpoch }: PartitionRead): FetchResult {
  return { errorCode: ErrorCode.NONE, records, highWatermark, lastStableOffset, logStartOffset, divergingEpoch, preferredReadReplica: undefined }
}

function isFromFollower(params: FetchParams): boolean {
  return params.replicaId >= 0
}

/** Bytes left for the rest of a response: the first data found may exceed the limits, or a large batch would block. */
class Allowance {
  private left: number
  minOneMessage = true

  constructor(maxBytes: number) {
    this.left = maxBytes
  }

  limitFor(target: FetchTarget): number {
    return Math.min(target.fetch.partitionMaxBytes, this.left)
  }

  spend(bytes: number): void {
    if (bytes > 0) this.minOneMessage = false
    this.left = Math.max(0, this.left - bytes)
  }
}

/** Reads without recording the follower's position: for parked fetches, whose arrival has been recorded. */
export function readTargets(context: BrokerContext, params: FetchParams, targets: readonly FetchTarget[]): FetchResult[] {
  const allowance = new Allowance(params.maxBytes)
  return targets.map(target => readTarget(context, params, target, allowance).result)
}

/** Reads, and for a follower records how far it has come. */
export function* readAndRecord(context: BrokerContext, params: FetchParams, targets: readonly FetchTarget[]): Task<FetchResult[]> {
  const allowance = new Allowance(params.maxBytes)
  const results: FetchResult[] = []
  for (const target of targets) {
    const seenHighWatermark = context.env.defects.has('KAFKA-9807') ? yield* readWatermarkFirst(context, target) : undefined
    const { result, partition, logEndOffset } = readTarget(context, params, target, allowance, seenHighWatermark)
    results.push(result)
    if (!isFromFollower(params) || partition === undefined || result.errorCode !== ErrorCode.NONE) continue
    if (result.divergingEpoch !== undefined) {
      context.env.observe({ kind: 'mark', name: 'fetch-diverging' })
      continue
    }
    const follower = partition.remoteReplica(params.replicaId)
    if (follower === undefined) continue
    yield* context.env.pause('fetch-read')
    try {
      yield* partition.recordFollowerFetch(follower, {
        fetchOffset: target.fetch.fetchOffset,
        logStartOffset: target.fetch.logStartOffset,
        timeMs: context.env.wallClock(),
        leaderEndOffset: logEndOffset,
        brokerEpoch: params.replicaEpoch,
      })
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      results[results.length - 1] = failedFetch(error.code)
    }
  }
  return results
}

/** The thread may lose the processor between the two looks at the high watermark, and then they differ. */
function* readWatermarkFirst(context: BrokerContext, { topicId, fetch }: FetchTarget): Task<number | undefined> {
  const seen = context.replicas.find(topicId, fetch.partition)?.log.highWatermark
  yield* context.env.pause('fetch-bounds')
  return seen
}

interface Reading {
  readonly result: FetchResult
  readonly partition: Partition | undefined
  readonly logEndOffset: number
}

function readTarget(context: BrokerContext, params: FetchParams, target: FetchTarget, allowance: Allowance, seenHighWatermark?: number): Reading {
  const { fetch } = target
  try {
    const partition = context.replicas.require(target.topicId, fetch.partition)
    const other = redirection(context, params, partition, fetch.fetchOffset)
    if (other !== undefined) {
      const log = requireLog(partition, fetch.currentLeaderEpoch, false)
      context.env.observe({ kind: 'mark', name: 'consumer-sent-to-follower' })
      const result = { ...failedFetch(ErrorCode.NONE), highWatermark: log.highWatermark, lastStableOffset: log.lastStableOffset, logStartOffset: log.logStartOffset, preferredReadReplica: other }
      return { result, partition, logEndOffset: log.logEndOffset }
    }
    requireLog(partition, fetch.currentLeaderEpoch, params.requireLeader)
    if (isFromFollower(params) && partition.remoteReplica(params.replicaId) === undefined) {
      // Perhaps a replica of an assignment that this broker has not heard of yet: it shall try again.
      throw new ApiError(fetch.currentLeaderEpoch === NO_EPOCH ? ErrorCode.NOT_LEADER_OR_FOLLOWER : ErrorCode.UNKNOWN_LEADER_EPOCH)
    }
    const read = readPartition(context.env.defects, partition, fetch, {
      isolation: params.isolation,
      requireLeader: params.requireLeader,
      maxBytes: allowance.limitFor(target),
      minOneMessage: allowance.minOneMessage,
      seenHighWatermark,
    })
    allowance.spend(read.records.length)
    return { result: found(read), partition, logEndOffset: read.logEndOffset }
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return { result: failedFetch(error.code), partition: undefined, logEndOffset: UNKNOWN }
  }
}

function redirection(context: BrokerContext, params: FetchParams, partition: Partition, fetchOffset: number): number | undefined {
  if (!context.cluster.server.rackAwareReplicaSelector || isFromFollower(params) || params.clientRack === undefined || !partition.isLeader) return undefined
  return preferredReadReplica(context.image, partition, params.clientRack, fetchOffset)
}

/** Whether a fetch must be answered at once instead of waiting for more data. */
export function isAnswerable(params: FetchParams, results: readonly FetchResult[]): boolean {
  if (params.maxWaitMs <= 0 || results.length === 0) return true
  let bytes = 0
  for (const result of results) {
    if (result.errorCode !== ErrorCode.NONE || result.divergingEpoch !== undefined || result.preferredReadReplica !== undefined) return true
    bytes += result.records.length
  }
  return bytes >= params.minBytes
}

/** A fetch that waits for data. */
export class DelayedFetch implements DelayedOperation {
  private readonly context: BrokerContext
  private readonly params: FetchParams
  private readonly targets: readonly FetchTarget[]
  private readonly respond: (results: FetchResult[]) => void

  constructor(context: BrokerContext, params: FetchParams, targets: readonly FetchTarget[], respond: (results: FetchResult[]) => void) {
    this.context = context
    this.params = params
    this.targets = targets
    this.respond = respond
  }

  /** Enough data, or something about a partition changed so that waiting makes no sense (DelayedFetch, cases A to H). */
  isSatisfied(): boolean {
    let bytes = 0
    for (const { topicId, fetch } of this.targets) {
      try {
        const partition = this.context.replicas.require(topicId, fetch.partition)
        const log = requireLog(partition, fetch.currentLeaderEpoch, this.params.requireLeader)
        const endOffset = endOffsetFor(log, this.params.isolation)
        // The leader was truncated, or a consumer asks beyond the high watermark.
        if (fetch.fetchOffset > endOffset) return true
        if (fetch.fetchOffset < endOffset) bytes += this.readableBytes(partition, fetch, endOffset)
        if (fetch.lastFetchedEpoch !== NO_EPOCH && divergence(this.context.env.defects, log, fetch.lastFetchedEpoch, fetch.fetchOffset, this.params.isolation) !== undefined) return true
      } catch (error) {
        if (!(error instanceof ApiError)) throw error
        return true
      }
    }
    return bytes >= this.params.minBytes
  }

  onComplete(): void {
    this.respond(readTargets(this.context, this.params, this.targets))
  }

  private readableBytes({ log }: Partition, fetch: FetchRequestFetchPartition, endOffset: number): number {
    if (this.params.minBytes <= 1) return 1
    return log.read(fetch.fetchOffset, fetch.partitionMaxBytes, endOffset, true).length
  }
}
