/**
 * The metadata log: raft's view of one storage log (KafkaRaftLog). Knows which prefix is flushed, and turns batches back
 * into metadata records for the listeners.
 *
 * Invariant: nothing below the high watermark is ever truncated (that is fatal, KAFKA-12460).
 */
import { invariant } from '../base/assert.ts'
import type { Task } from '../base/task.ts'
import type { ServerConfig } from '../config/cluster.ts'
import { resolveTopicConfig } from '../config/topic.ts'
import type { Env } from '../env/env.ts'
import { decodeMetadataRecord, encodeMetadataRecord, type MetadataRecord } from '../protocol/metadata-records.ts'
import { buildLeaderChange } from '../protocol/records/control-records.ts'
import {
  baseOffsetOf, baseTimestampOf, batchPositions, buildBatch, crcOf, isControlOf, lastOffsetOf, leaderEpochOf, readRecords,
} from '../protocol/records/record-batch.ts'
import { METADATA_TOPIC_ID } from '../protocol/uuid.ts'
import { Log } from '../storage/log.ts'

export const METADATA_DIRECTORY = 'meta/__cluster_metadata-0'
const SEGMENT_BYTES = 1_073_741_824
const READ_BYTES = 1_048_576

/** A committed batch of metadata records, as listeners get it. Control batches are not handed out. */
export interface MetadataBatch {
  readonly baseOffset: number
  readonly lastOffset: number
  readonly epoch: number
  readonly timestamp: number
  readonly records: readonly MetadataRecord[]
}

export class MetadataLog {
  private readonly env: Env
  private readonly log: Log

  constructor(env: Env, server: ServerConfig) {
    this.env = env
    const config = { ...resolveTopicConfig(server, new Map()), segmentBytes: SEGMENT_BYTES, retentionMs: -1, retentionBytes: -1, maxMessageBytes: SEGMENT_BYTES }
    this.log = Log.load(env, {
      topic: '__cluster_metadata', topicId: METADATA_TOPIC_ID, partition: 0, directory: METADATA_DIRECTORY, config: () => config, server, observe: false,
    }, { clean: false, recoveryPoint: 0, logStartOffset: 0, highWatermark: 0 })
    this.observeRecovered()
  }

  get endOffset(): number {
    return this.log.logEndOffset
  }

  get lastEpoch(): number {
    return this.log.latestEpoch ?? 0
  }

  /** Everything below is durable. */
  get flushedOffset(): number {
    return this.log.recoveryPoint
  }

  get highWatermark(): number {
    return this.log.highWatermark
  }

  updateHighWatermark(offset: number): void {
    invariant(offset >= this.log.highWatermark, `metadata high watermark from ${this.log.highWatermark} back to ${offset}`)
    this.log.updateHighWatermark(offset)
  }

  /** Appends one atomic batch; returns the offset of its last record. */
  appendRecords(epoch: number, records: readonly MetadataRecord[]): number {
    const timestamp = this.env.wallClock()
    return this.appendBatch(epoch, buildBatch({ records: records.map(record => ({ timestamp, key: null, value: encodeMetadataRecord(record) })) }))
  }

  appendLeaderChange(epoch: number, leaderId: number, voters: readonly number[], granting: readonly number[]): number {
    return this.appendBatch(epoch, buildLeaderChange({
      timestamp: this.env.wallClock(), baseOffset: this.endOffset, leaderEpoch: epoch,
      message: { leaderId, voters: voters.map(voterId => ({ voterId })), grantingVoters: granting.map(voterId => ({ voterId })) },
    }))
  }

  private appendBatch(epoch: number, batch: Uint8Array): number {
    const info = this.log.appendAsLeader(batch, epoch, 'raft')
    this.observeAppended(this.log.read(info.firstOffset, READ_BYTES, info.lastOffset + 1, true), true)
    return info.lastOffset
  }

  appendFetched(records: Uint8Array, epoch: number): void {
    const before = this.endOffset
    this.log.appendAsFollower(records, epoch)
    if (this.endOffset > before) this.observeAppended(records, false)
  }

  read(offset: number): Uint8Array {
    return this.log.read(offset, READ_BYTES, this.endOffset, true)
  }

  *flush(): Task<void> {
    const end = this.endOffset
    if (end > this.flushedOffset) yield* this.log.flush(end)
  }

  /** The leader's answer to "is this the end of epoch e in your log?"; undefined: yes, no divergence. */
  divergence(fetchOffset: number, lastFetchedEpoch: number): { readonly epoch: number; readonly endOffset: number } | undefined {
    if (fetchOffset === 0 && lastFetchedEpoch === 0) return undefined
    const end = this.log.endOffsetForEpoch(lastFetchedEpoch) ?? { epoch: 0, endOffset: 0 }
    return end.epoch !== lastFetchedEpoch || end.endOffset < fetchOffset ? { epoch: end.epoch, endOffset: end.endOffset } : undefined
  }

  /** Truncates to where this log and the leader's agree at the latest (KafkaRaftLog#truncateToEndOffset). */
  truncateTo(leader: { readonly epoch: number; readonly endOffset: number }): void {
    const own = this.log.endOffsetForEpoch(leader.epoch)
    const target = own === undefined ? 0 : own.epoch === leader.epoch ? Math.min(own.endOffset, leader.endOffset) : own.endOffset
    invariant(target >= this.log.highWatermark, `truncation of committed metadata: to ${target}, high watermark ${this.log.highWatermark}`)
    const previousEnd = this.endOffset
    this.env.observe({ kind: 'raft-truncate', endOffset: target, previousEnd, highWatermark: this.log.highWatermark })
    this.log.truncateTo(target, 'diverging-epoch')
  }

  /** Batches of records in [from, to), decoded. `next` is where to go on. */
  committedBatches(from: number, to: number): { readonly batches: MetadataBatch[]; readonly next: number } {
    const batches: MetadataBatch[] = []
    let next = from
    while (next < to) {
      const bytes = this.log.read(next, READ_BYTES, to, true)
      if (bytes.length === 0) break
      for (const at of batchPositions(bytes)) {
        next = lastOffsetOf(bytes, at) + 1
        if (isControlOf(bytes, at)) continue
        batches.push({
          baseOffset: baseOffsetOf(bytes, at), lastOffset: next - 1, epoch: leaderEpochOf(bytes, at), timestamp: baseTimestampOf(bytes, at),
          records: readRecords(bytes, at).map(record => decodeMetadataRecord(record.value ?? new Uint8Array(0))),
        })
      }
    }
    return { batches, next }
  }

  private observeAppended(bytes: Uint8Array, asLeader: boolean): void {
    for (const at of batchPositions(bytes)) {
      this.env.observe({ kind: 'raft-append', baseOffset: baseOffsetOf(bytes, at), lastOffset: lastOffsetOf(bytes, at), epoch: leaderEpochOf(bytes, at), crc: crcOf(bytes, at), asLeader })
    }
  }

  private observeRecovered(): void {
    const batches: { baseOffset: number; lastOffset: number; epoch: number; crc: number }[] = []
    for (let next = 0; next < this.endOffset;) {
      const bytes = this.log.read(next, READ_BYTES, this.endOffset, true)
      for (const at of batchPositions(bytes)) {
        batches.push({ baseOffset: baseOffsetOf(bytes, at), lastOffset: lastOffsetOf(bytes, at), epoch: leaderEpochOf(bytes, at), crc: crcOf(bytes, at) })
        next = lastOffsetOf(bytes, at) + 1
      }
      if (bytes.length === 0) break
    }
    this.env.observe({ kind: 'raft-recovered', endOffset: this.endOffset, batches })
  }
}
