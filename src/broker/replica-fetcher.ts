/**
 * Fetches all partitions that this broker follows from one leader broker (Kafka: AbstractFetcherThread and
 * ReplicaFetcherThread): truncate where the logs diverge, append, take over high watermark and log start.
 *
 * A response is applied only to a partition whose fetch offset and leader epoch are still those of the request. Reading
 * and changing the fetch states happens under `lock` (partitionMapLock), which is kept even while the leader is asked
 * about an offset out of range: whoever adds or removes partitions then waits for the network, as in Kafka.
 */
import { Future, Lock } from '../base/task.ts'
import type { Task } from '../base/task.ts'
import { msToUs } from '../base/time.ts'
import type { Millis } from '../base/time.ts'
import type { Env } from '../env/env.ts'
import { ApiError } from '../protocol/api-error.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { FetchResponse, FetchResponsePartitionData } from '../protocol/generated/types.ts'
import { epochAfterAppend, epochForTruncation, initialFetchState, isReadyForFetch, movedTo } from './fetch-state.ts'
import type { FetchState } from './fetch-state.ts'
import { appendFetched } from './append-fetched.ts'
import type { LeaderEndpoint } from './leader-endpoint.ts'
import { partitionName } from '../base/partition-name.ts'
import type { Partition } from './partition.ts'
import { EARLIEST_TIMESTAMP, LATEST_TIMESTAMP, NO_OFFSET } from './partition-reads.ts'
import { reachesRung } from './truncation-ladder.ts'
import { truncationPoint } from './truncation-point.ts'
import type { EpochEndOffset } from './truncation-point.ts'

export interface ReplicaFetcherOptions {
  readonly leader: LeaderEndpoint
  readonly backoffMs: Millis
  /** Told after each round: consumers may be waiting for these partitions' high watermarks. */
  readonly onHighWatermarks: (keys: readonly string[]) => void
}

export class ReplicaFetcher {
  private readonly env: Env
  private readonly leader: LeaderEndpoint
  private readonly backoffMs: Millis
  private readonly onHighWatermarks: (keys: readonly string[]) => void
  private readonly lock = new Lock()
  /** By partition key, least recently served first. */
  private readonly states = new Map<string, FetchState>()
  private readonly newHighWatermarks: string[] = []
  private wake: Future<void> | undefined = undefined
  private isStopped = false

  constructor(env: Env, o: ReplicaFetcherOptions) {
    this.env = env
    this.leader = o.leader
    this.backoffMs = o.backoffMs
    this.onHighWatermarks = o.onHighWatermarks
    env.spawn(`replica-fetcher-${o.leader.leaderId}`, this.run())
  }

  get partitionCount(): number {
    return this.states.size
  }

  /** Starts fetching in the partitions' current leader epochs. A partition fetched in that epoch already stays as it is. */
  *add(partitions: readonly Partition[]): Task<void> {
    yield* this.lock.acquire()
    for (const partition of partitions) {
      if (this.states.get(partition.key)?.leaderEpoch !== partition.leaderEpoch) {
        this.states.set(partition.key, initialFetchState(this.env.defects, partition))
      }
    }
    this.lock.release()
    this.wake?.complete()
  }

  *remove(keys: readonly string[]): Task<void> {
    yield* this.lock.acquire()
    for (const key of keys) this.states.delete(key)
    this.lock.release()
  }

  /**
   * Goes on in a new leader epoch as if nothing had happened: no new start, and an offset without an epoch, as a fetch was
   * when brokers had the defect KAFKA-7164, which alone leads here with another epoch.
   */
  keepFetching(partition: Partition): void {
    const state = this.states.get(partition.key)
    if (state !== undefined && state.leaderEpoch !== partition.leaderEpoch) {
      this.states.set(partition.key, { ...state, leaderEpoch: partition.leaderEpoch, lastFetchedEpoch: undefined })
    }
  }

  shutdown(): void {
    this.isStopped = true
    this.leader.close()
    this.wake?.complete()
  }

  private *run(): Task<void> {
    while (!this.isStopped) {
      yield* this.truncateWithoutEpochs()
      const now = this.env.now()
      const ready: FetchState[] = []
      for (const state of this.states.values()) if (isReadyForFetch(state, now)) ready.push(state)
      if (ready.length === 0) yield* this.idle()
      else yield* this.fetch(ready)
    }
  }

  /** No active partition: look again after the backoff, or when one is added. */
  private *idle(): Task<void> {
    const wake = (this.wake = new Future<void>())
    const timer = this.env.timer(msToUs(this.backoffMs), () => wake.complete())
    yield* wake.wait()
    timer.cancel()
    this.wake = undefined
  }

  private *truncateWithoutEpochs(): Task<void> {
    let needed = false
    for (const state of this.states.values()) if (state.isTruncating) needed = true
    if (!needed) return
    yield* this.lock.acquire()
    for (const [key, state] of this.states) {
      if (!state.isTruncating) continue
      const { log } = state.partition
      if (log.logEndOffset > state.fetchOffset) this.mark('follower-truncated-to-high-watermark')
      log.truncateTo(state.fetchOffset, 'high-watermark')
      this.states.set(key, { ...state, isTruncating: false, lastFetchedEpoch: epochForTruncation(this.env.defects, log) })
    }
    this.lock.release()
  }

  private *fetch(requested: readonly FetchState[]): Task<void> {
    const response = yield* this.leader.fetch(requested)
    if (this.isStopped) return
    yield* this.env.pause('fetch-response')
    yield* this.lock.acquire()
    try {
      // A delayed partition moves to the end and is met again there, to no effect.
      if (response === undefined) for (const key of this.states.keys()) this.delay(key)
      else yield* this.process(requested, response)
    } finally {
      this.lock.release()
    }
    if (this.newHighWatermarks.length > 0) this.onHighWatermarks(this.newHighWatermarks.splice(0))
  }

  private *process(requested: readonly FetchState[], response: Pick<FetchResponse, 'responses'>): Task<void> {
    const asked = new Map<string, FetchState>()
    for (const state of requested) asked.set(state.partition.key, state)
    for (const topic of response.responses) {
      for (const data of topic.partitions) {
        const key = partitionName(topic.topicId, data.partitionIndex)
        const request = asked.get(key)
        const state = this.states.get(key)
        if (request === undefined || state === undefined) continue
        const isCurrent = state.fetchOffset === request.fetchOffset && state.leaderEpoch === request.leaderEpoch && isReadyForFetch(state, this.env.now())
        if (isCurrent) yield* this.processPartition(state, data)
        else this.mark('fetch-response-outdated')
      }
    }
  }

  private *processPartition(state: FetchState, data: FetchResponsePartitionData): Task<void> {
    const { key } = state.partition
    switch (data.errorCode) {
      case ErrorCode.NONE:
        if (data.divergingEpoch.epoch >= 0) this.truncate(state, data.divergingEpoch)
        else this.append(state, data)
        return
      case ErrorCode.OFFSET_OUT_OF_RANGE:
        yield* this.handleOutOfRange(state)
        return
      case ErrorCode.FENCED_LEADER_EPOCH:
        this.onFenced(state)
        return
      default:
        this.delay(key)
    }
  }

  private append(state: FetchState, data: FetchResponsePartitionData): void {
    const { partition } = state
    if (partition.isClosed || state.fetchOffset !== partition.log.logEndOffset) {
      this.fail(partition.key)
      return
    }
    try {
      const appended = appendFetched(this.env, state, data)
      if (appended.highWatermarkChanged) this.newHighWatermarks.push(partition.key)
      if (appended.nextOffset > state.fetchOffset) {
        this.moveToEnd(movedTo(state, appended.nextOffset, epochAfterAppend(this.env.defects, partition.log)))
      }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      // A corrupt batch may have been damaged on the way: ask again. Anything else stops this partition.
      if (error.code === ErrorCode.CORRUPT_MESSAGE || error.code === ErrorCode.INVALID_RECORD) {
        this.mark('corrupt-batch-refused-by-follower')
        this.delay(partition.key)
      }
      else this.fail(partition.key)
    }
  }

  /** Cuts the log; takes over no watermark, as that must wait until the logs agree. */
  private truncate(state: FetchState, diverging: EpochEndOffset): void {
    const { log } = state.partition
    // Answers without an offset come from a leader with KAFKA-7415, and then the high watermark is all there is to go by.
    if (diverging.endOffset === NO_OFFSET) return this.truncateToHighWatermark(state)
    // Before KIP-279 a follower took the leader's offset for whatever epoch it had itself.
    const own = reachesRung(this.env.defects, 'epoch-once') ? log.endOffsetForEpoch(diverging.epoch) : undefined
    const point = truncationPoint(diverging, own, log.logEndOffset)
    this.mark(point.isFinal ? 'follower-truncated' : 'follower-truncated-one-step')
    if (point.offset < log.highWatermark) this.mark('truncation-below-high-watermark')
    log.truncateTo(point.offset, 'diverging-epoch')
    this.moveToEnd(movedTo(state, point.offset, epochForTruncation(this.env.defects, log)))
  }

  /** And fetches on from there without an epoch: the leader has said that it knows nothing of it. */
  private truncateToHighWatermark(state: FetchState): void {
    const { log } = state.partition
    if (log.logEndOffset > log.highWatermark) this.mark('follower-truncated-to-high-watermark')
    log.truncateTo(log.highWatermark, 'high-watermark')
    this.moveToEnd({ ...state, fetchOffset: log.logEndOffset, lastFetchedEpoch: undefined })
  }

  /**
   * The leader does not have the offset (AbstractFetcherThread#fetchOffsetAndTruncate). Its log ends before ours: cut.
   * Ours ends before its log starts: start anew there. Neither: keep the log and fetch on from its end.
   */
  private *handleOutOfRange(state: FetchState): Task<void> {
    const { log, key } = state.partition
    this.mark('fetch-out-of-range')
    const latest = yield* this.leader.listOffset(state, LATEST_TIMESTAMP)
    if (!latest.ok) return this.onListOffsetError(state, latest.errorCode)
    if (latest.offset < log.logEndOffset) {
      log.truncateTo(latest.offset, 'out-of-range')
    } else {
      const earliest = yield* this.leader.listOffset(state, EARLIEST_TIMESTAMP)
      if (!earliest.ok) return this.onListOffsetError(state, earliest.errorCode)
      if (earliest.offset > log.logEndOffset) {
        this.mark('follower-restarted-at-leader-start')
        log.truncateFullyAndStartAt(earliest.offset)
        log.updateHighWatermark(earliest.offset)
      }
    }
    if (this.states.has(key)) {
      this.moveToEnd(movedTo(state, log.logEndOffset, epochForTruncation(this.env.defects, log)))
    }
  }

  private onListOffsetError(state: FetchState, errorCode: number): void {
    if (errorCode === ErrorCode.FENCED_LEADER_EPOCH) this.onFenced(state)
    else this.delay(state.partition.key)
  }

  /**
   * The leader has moved on. If this is our newest epoch, wait for metadata, which starts the partition again; otherwise
   * only the request was old. When the same leader in a new epoch was no reason to start again (KAFKA-7164), fetches
   * carried no epoch either, and one that came at the wrong time was simply repeated.
   */
  private onFenced(request: FetchState): void {
    const state = this.states.get(request.partition.key)
    if (state === undefined) return
    if (state.leaderEpoch === request.leaderEpoch && !this.env.defects.has('KAFKA-7164')) this.fail(request.partition.key)
    else this.delay(request.partition.key)
  }

  /** Stops fetching the partition until metadata starts it again. */
  private fail(key: string): void {
    this.mark('fetcher-partition-failed')
    this.states.delete(key)
  }

  private delay(key: string): void {
    const state = this.states.get(key)
    if (state === undefined || state.delayedUntil > this.env.now()) return
    this.moveToEnd({ ...state, delayedUntil: this.env.now() + msToUs(this.backoffMs) })
  }

  private moveToEnd(state: FetchState): void {
    this.states.delete(state.partition.key)
    this.states.set(state.partition.key, state)
  }

  private mark(name: string): void {
    this.env.observe({ kind: 'mark', name })
  }
}
