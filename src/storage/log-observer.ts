/** What a log tells the observer. The metadata log of raft has none: it is told of by raft. */
import type { TopicConfig } from '../config/topic.ts'
import type { Env } from '../env/env.ts'
import type { BatchSummary, ObservationOf } from '../env/observation.ts'
import { batchSizeOf, isWholeBatchAt, lastOffsetOf } from '../protocol/records/record-batch.ts'
import { readBatchHeader, summaryOf } from './batch-header.ts'
import type { BatchHeader } from './batch-header.ts'
import type { LogStartReason } from './log-options.ts'
import { ProducerRejection } from './producer-append.ts'
import type { ProducerChanges } from './producer-check.ts'
import type { RememberedBatch } from './producer-entry.ts'
import type { ProducerState, SkippedEpoch } from './producer-state.ts'
import type { Segment } from './segment.ts'
import { NO_SEQUENCE, precedesSequence } from './sequence.ts'

interface Identity {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
}

export type RemovedSegment = ObservationOf<'log-start'>['removed'][number]

export interface ProducerDescription {
  readonly producerId: number
  readonly producerEpoch: number
  readonly lastSequence: number
  readonly lastTimestamp: number
  readonly coordinatorEpoch: number
  /** -1 when no transaction is open. */
  readonly currentTxnFirstOffset: number
}

export function describeProducers(producers: ProducerState): ProducerDescription[] {
  const descriptions: ProducerDescription[] = []
  for (const entry of producers.producers.values()) {
    descriptions.push({
      producerId: entry.producerId,
      producerEpoch: entry.epoch,
      lastSequence: entry.lastSequence,
      lastTimestamp: entry.lastTimestamp,
      coordinatorEpoch: entry.coordinatorEpoch,
      currentTxnFirstOffset: entry.currentTxnFirstOffset,
    })
  }
  return descriptions
}

/** Describes the first `count` segments, before they are removed. */
export function describeSegments(all: readonly Segment[], count: number, logEndOffset: number): RemovedSegment[] {
  return all.slice(0, count).map((segment, index) => ({
    baseOffset: segment.baseOffset,
    nextOffset: all[index + 1]?.baseOffset ?? logEndOffset,
    largestTimestamp: segment.largestTimestamp,
    sizeInBytes: segment.size,
  }))
}

export class LogObserver {
  private readonly env: Env
  private readonly identity: Identity
  private readonly config: () => TopicConfig

  constructor(env: Env, { topic, topicId, partition, config }: Identity & { readonly config: () => TopicConfig }) {
    this.env = env
    this.config = config
    this.identity = { topic, topicId, partition }
  }

  loaded(segments: readonly Segment[], event: Omit<ObservationOf<'log-loaded'>, 'kind' | keyof Identity | 'batches'>): void {
    const batches: BatchSummary[] = []
    for (const segment of segments) {
      const bytes = segment.log.view()
      for (let at = 0; isWholeBatchAt(bytes, at); at += batchSizeOf(bytes, at)) {
        if (lastOffsetOf(bytes, at) >= event.logStartOffset) batches.push(summaryOf(readBatchHeader(bytes, at)))
      }
    }
    this.env.observe({ kind: 'log-loaded', ...this.identity, ...event, batches })
  }

  producerState(producers: ProducerState, endOffset: number): void {
    this.env.observe({
      kind: 'producer-state', ...this.identity, producers: describeProducers(producers), endOffset, fromSnapshot: producers.isFromSnapshot,
    })
  }

  /** Also known behaviour KAFKA-14359: producers whose first batch was let in with a sequence other than 0. */
  appended(headers: readonly BatchHeader[], asLeader: boolean, changes: ProducerChanges): void {
    const { env, identity } = this
    const { topic, topicId, partition } = identity
    for (const header of headers) env.observe({ kind: 'log-append', topic, topicId, partition, asLeader, batch: summaryOf(header) })
    for (const { acceptedFirstSequence: firstSequence, updated } of changes.appends) {
      if (firstSequence === NO_SEQUENCE) continue
      const { producerId, epoch: producerEpoch } = updated
      env.observe({ kind: 'first-sequence-accepted', ...identity, producerId, producerEpoch, firstSequence })
    }
    if (asLeader) this.transactions(changes)
  }

  private transactions(changes: ProducerChanges): void {
    const { env, identity } = this
    for (const { startedTransactions, updated: { producerId, epoch: producerEpoch }, isGuarded: guarded } of changes.appends) {
      for (const firstOffset of startedTransactions) env.observe({ kind: 'transaction-opened', ...identity, producerId, producerEpoch, firstOffset, guarded })
    }
    for (const { header: { producerId, producerEpoch, baseOffset: offset }, marker, firstOffset, transactionVersion } of changes.markers) {
      env.observe({
        kind: 'marker-written', ...identity, producerId, producerEpoch, coordinatorEpoch: marker.coordinatorEpoch, commit: !marker.isAbort, offset, firstOffset, transactionVersion,
      })
    }
  }

  duplicate(header: BatchHeader, known: RememberedBatch): void {
    const { producerId, producerEpoch, baseSequence: firstSequence } = header
    const baseOffset = known.lastOffset - known.offsetDelta
    this.env.observe({ kind: 'duplicate-batch', ...this.identity, producerId, producerEpoch, firstSequence, baseOffset })
  }

  /** A refused sequence, and whether it is older than what a snapshot left of the producer (KAFKA-5494-snapshot). */
  rejected(header: BatchHeader, producers: ProducerState, error: unknown): void {
    if (!(error instanceof ProducerRejection)) return
    const { env, identity } = this
    const { producerId, producerEpoch, baseSequence: firstSequence, lastSequence } = header
    env.observe({
      kind: 'sequence-rejected', ...identity, producerId, producerEpoch, firstSequence, expected: error.expectedSequence, errorCode: error.code,
    })
    const entry = producers.entry(producerId)
    if (entry === undefined || !entry.isShortened || entry.epoch !== producerEpoch) return
    if (!precedesSequence(lastSequence, entry.firstSequence)) return
    env.observe({ kind: 'dedup-window-shrunk', ...identity, producerId, producerEpoch, keptBatches: entry.batches.length })
  }

  /** Known behaviour epoch-start-behind-gap. */
  epochBehindGap(leaderEpoch: number, offset: number, earliest: number): void {
    this.env.observe({ kind: 'epoch-behind-gap', ...this.identity, leaderEpoch, offset, earliest })
  }

  /** Known behaviour timestamp-below-log-start. */
  timestampHidden(timestamp: number): void {
    this.env.observe({ kind: 'timestamp-hidden', ...this.identity, timestamp })
  }

  /** Known behaviour producer-state-behind-log-start. */
  forgotten(producerIds: readonly number[]): void {
    for (const producerId of producerIds) this.env.observe({ kind: 'producer-forgotten', ...this.identity, producerId })
  }

  /** Known behaviour abort-index-hides-next. */
  abortHides(producerId: number, firstOffset: number): void {
    this.env.observe({ kind: 'abort-entry-hides', ...this.identity, producerId, firstOffset })
  }

  /** Known behaviour empty-marker-forgets-epoch. */
  epochsSkipped(skipped: readonly SkippedEpoch[]): void {
    for (const { producerId, producerEpoch } of skipped) this.env.observe({ kind: 'producer-epoch-skipped', ...this.identity, producerId, producerEpoch })
  }

  truncated(event: Omit<ObservationOf<'log-truncate'>, 'kind' | keyof Identity>): void {
    this.env.observe({ kind: 'log-truncate', ...this.identity, ...event })
  }

  startMoved({ logStartOffset: offset, highWatermark }: { readonly logStartOffset: number; readonly highWatermark: number }, previous: number, reason: LogStartReason, removed: readonly RemovedSegment[], sizeBefore: number): void {
    const { retentionMs, retentionBytes } = this.config()
    this.env.observe({ kind: 'log-start', ...this.identity, offset, previous, highWatermark, reason, removed, wallClock: this.env.wallClock(), retentionMs, retentionBytes, sizeBefore })
  }

  deleted(): void {
    this.env.observe({ kind: 'log-deleted', ...this.identity })
  }
}
