/**
 * The metadata log: raft's view of one storage log and its snapshots (KafkaMetadataLog). Knows which prefix is flushed and
 * who votes by it, and turns batches back into metadata records for the listeners.
 *
 * Invariants: nothing below the high watermark is ever truncated (that is fatal, KAFKA-12460), but a durable snapshot may
 * take its place; the log starts at 0 or under a durable snapshot, at the boundary of a batch.
 */
import { invariant } from '../base/assert.ts'
import type { Task } from '../base/task.ts'
import type { ServerConfig } from '../config/cluster.ts'
import { resolveTopicConfig } from '../config/topic.ts'
import type { Env } from '../env/env.ts'
import { decodeMetadataRecord, encodeMetadataRecord, type MetadataRecord } from '../protocol/metadata-records.ts'
import { buildRaftControlBatch, type RaftControlRecord, readRaftControls } from '../protocol/records/raft-control-records.ts'
import {
  baseOffsetOf, baseTimestampOf, batchPositions, batchSizeOf, buildBatch, crcOf, isControlOf, lastOffsetOf, leaderEpochOf, readRecords,
} from '../protocol/records/record-batch.ts'
import { METADATA_TOPIC_ID } from '../protocol/uuid.ts'
import { Log } from '../storage/log.ts'
import { METADATA_DIRECTORY } from './metadata-directory.ts'
import { BOOTSTRAP_SNAPSHOT, controlsOfSnapshot, encodeSnapshot, lastContainedLogTimestamp, recordsOfSnapshot, type SnapshotContent, type SnapshotId } from './snapshot-content.ts'
import { isSameSnapshot, SnapshotStore, type SnapshotWriter } from './snapshot-store.ts'
import { VoterHistory } from './voter-history.ts'
import type { VoterSet } from './voter-set.ts'

const MAX_BATCH_BYTES = 1_073_741_824
const READ_BYTES = 1_048_576

/** A committed batch of metadata records, as listeners get it. Control batches are not handed out. */
export interface MetadataBatch {
  readonly baseOffset: number
  readonly lastOffset: number
  readonly epoch: number
  readonly timestamp: number
  readonly sizeInBytes: number
  readonly records: readonly MetadataRecord[]
}

/** The state that a snapshot holds, as listeners get it. */
export interface MetadataSnapshot extends SnapshotId {
  readonly lastContainedLogTimestamp: number
  readonly records: readonly MetadataRecord[]
}

/** What a leader tells a follower that asks from (offset, epoch) on. */
export type FetchCheck =
  | { readonly kind: 'valid' }
  | { readonly kind: 'diverging'; readonly epoch: number; readonly endOffset: number }
  | { readonly kind: 'snapshot'; readonly id: SnapshotId }

export class MetadataLog {
  readonly snapshots: SnapshotStore
  readonly voters: VoterHistory
  private readonly env: Env
  private readonly server: ServerConfig
  private readonly log: Log

  /** `configured`: the voters of a quorum that does not record them. */
  constructor(env: Env, server: ServerConfig, configured: VoterSet) {
    this.env = env
    this.server = server
    this.voters = new VoterHistory(configured)
    const config = {
      ...resolveTopicConfig(server, new Map()), maxMessageBytes: MAX_BATCH_BYTES,
      segmentBytes: server.metadataLogSegmentBytes, segmentMs: server.metadataLogSegmentMs, fileDeleteDelayMs: server.logSegmentDeleteDelayMs,
      // Only what a snapshot covers may go (KAFKA-14238).
      retentionMs: env.defects.has('KAFKA-14238') ? server.metadataMaxRetentionMs : -1, retentionBytes: -1,
    }
    this.log = Log.load(env, {
      topic: '__cluster_metadata', topicId: METADATA_TOPIC_ID, partition: 0, directory: METADATA_DIRECTORY, config: () => config, server, observe: false,
    }, { clean: false, recoveryPoint: 0, logStartOffset: 0, highWatermark: 0 })
    this.snapshots = new SnapshotStore(env, METADATA_DIRECTORY, { logStartOffset: this.log.logStartOffset, deleteDelayMs: server.logSegmentDeleteDelayMs })
    // The machine may have died between a download and the truncation that belongs to it.
    this.truncateToLatestSnapshot()
    if (env.mends.has('metadata-log-start-forgotten')) this.startAtEarliestSnapshot()
    this.readVoters()
    this.observeRecovered()
  }

  get startOffset(): number {
    return this.log.logStartOffset
  }

  get endOffset(): number {
    return this.log.logEndOffset
  }

  /** Epoch of the last record, which may lie in the snapshot before an empty log. */
  get lastEpoch(): number {
    const { latestEpoch } = this.log
    if (latestEpoch !== undefined) return latestEpoch
    const { latest } = this.snapshots
    if (latest === undefined) return 0
    invariant(latest.endOffset === this.endOffset && latest.endOffset === this.startOffset, `a metadata log without epochs ends at ${this.endOffset}, its snapshot at ${latest.endOffset}`)
    return latest.epoch
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

  /** Appends one batch of raft's own; what it says of the voters holds at once. Returns the offset of its last record. */
  appendControls(epoch: number, records: readonly RaftControlRecord[]): number {
    return this.appendBatch(epoch, buildRaftControlBatch({ timestamp: this.env.wallClock(), baseOffset: this.endOffset, leaderEpoch: epoch, records }))
  }

  private appendBatch(epoch: number, batch: Uint8Array): number {
    const info = this.log.appendAsLeader(batch, epoch, 'raft')
    const bytes = this.log.read(info.firstOffset, READ_BYTES, info.lastOffset + 1, true)
    this.noteVoters(bytes)
    this.observeAppended(bytes, true)
    return info.lastOffset
  }

  appendFetched(records: Uint8Array, epoch: number): void {
    const before = this.endOffset
    this.log.appendAsFollower(records, epoch)
    if (this.endOffset === before) return
    this.noteVoters(records, this.endOffset)
    this.observeAppended(records, false)
  }

  read(offset: number): Uint8Array {
    return this.log.read(offset, READ_BYTES, this.endOffset, true)
  }

  *flush(): Task<void> {
    const end = this.endOffset
    if (end > this.flushedOffset) yield* this.log.flush(end)
  }

  /** The leader's answer to "does your log hold mine, up to `offset`, where `epoch` was the last?" (validateOffsetAndEpoch). */
  checkFetch(offset: number, epoch: number): FetchCheck {
    const { earliest, latest } = this.snapshots
    // Who has nothing begins with the newest snapshot, and not with the history that it stands for.
    if (offset === 0 && latest !== undefined && !isSameSnapshot(latest, BOOTSTRAP_SNAPSHOT)) return { kind: 'snapshot', id: latest }
    if (offset === 0 && this.startOffset === 0) return { kind: 'valid' }
    if (earliest !== undefined && latest !== undefined && (offset < this.startOffset || (offset === this.startOffset && epoch !== earliest.epoch) || epoch < earliest.epoch)) {
      return { kind: 'snapshot', id: latest }
    }
    const end = this.endOffsetForEpoch(epoch)
    return end.epoch !== epoch || end.endOffset < offset ? { kind: 'diverging', ...end } : { kind: 'valid' }
  }

  private endOffsetForEpoch(epoch: number): SnapshotId {
    const own = this.log.endOffsetForEpoch(epoch)
    const { earliest } = this.snapshots
    if (own === undefined) return { endOffset: this.endOffset, epoch: this.lastEpoch }
    // Below the first epoch of the log: its start is the end of what the snapshot covers.
    return earliest !== undefined && own.endOffset === earliest.endOffset && own.epoch === epoch ? earliest : own
  }

  /** Truncates to where this log and the leader's agree at the latest (KafkaRaftLog#truncateToEndOffset). */
  truncateTo(leader: { readonly epoch: number; readonly endOffset: number }): void {
    const own = this.endOffsetForEpoch(leader.epoch)
    const target = Math.min(this.endOffset, leader.epoch === 0 ? leader.endOffset : own.epoch === leader.epoch ? Math.min(own.endOffset, leader.endOffset) : own.endOffset)
    invariant(target >= this.log.highWatermark, `truncation of committed metadata: to ${target}, high watermark ${this.log.highWatermark}`)
    const previousEnd = this.endOffset
    this.env.observe({ kind: 'raft-truncate', endOffset: target, previousEnd, highWatermark: this.log.highWatermark })
    this.log.truncateTo(target, 'diverging-epoch')
    this.voters.truncate(target)
    if (this.log.latestEpoch === undefined && this.endOffset > this.startOffset) {
      this.env.observe({ kind: 'raft-epochs-lost', startOffset: this.startOffset, endOffset: this.endOffset })
    }
  }

  /**
   * Mend of metadata-log-start-forgotten. The start of the log is not kept (KafkaRaftLog#createLog loads it from 0, which is
   * the first segment), the epoch cache is, and it was cut at the start: below the earliest snapshot it knows nothing. A
   * truncation to there takes its last entry away, and KafkaRaftLog#lastFetchedEpoch throws, for the log is not empty.
   */
  private startAtEarliestSnapshot(): void {
    const { earliest } = this.snapshots
    if (earliest === undefined || earliest.endOffset > this.endOffset || this.log.epochAt(earliest.endOffset - 1) !== undefined) return
    this.log.updateHighWatermark(Math.max(this.log.highWatermark, earliest.endOffset))
    this.log.maybeIncrementLogStartOffset(earliest.endOffset, 'retention-size')
  }

  // ---- snapshots ----

  /**
   * Starts a snapshot of the committed state before `id.endOffset`; undefined when there is one, or the log starts beyond
   * (KafkaMetadataLog#createNewSnapshot). Whoever asks must have read exactly that much.
   */
  createSnapshot(id: SnapshotId): SnapshotWriter | undefined {
    if (id.endOffset < this.startOffset) return undefined
    invariant(id.endOffset <= this.log.highWatermark, `a snapshot of uncommitted metadata: ${id.endOffset}, high watermark ${this.log.highWatermark}`)
    if (this.snapshots.has(id)) return undefined
    const end = this.endOffsetForEpoch(id.epoch)
    invariant(end.epoch === id.epoch && id.endOffset <= end.endOffset, `epoch ${id.epoch} ends at ${end.endOffset}, before the snapshot at ${id.endOffset}`)
    invariant(this.isBatchBoundary(id.endOffset), `a snapshot at ${id.endOffset}, inside a batch (KAFKA-14619)`)
    return this.snapshots.create(id)
  }

  /** The bytes of a snapshot, with what the log knows of the voters at its end. */
  encode(id: SnapshotId, content: Omit<SnapshotContent, 'quorum'>): Uint8Array[] {
    return encodeSnapshot(id, { ...content, quorum: this.voters.at(id.endOffset) })
  }

  /** The latest snapshot's state; undefined when there is none. */
  latestState(): MetadataSnapshot | undefined {
    const { latest } = this.snapshots
    const bytes = latest === undefined ? undefined : this.snapshots.read(latest)
    if (latest === undefined || bytes === undefined) return undefined
    controlsOfSnapshot(bytes)
    return { ...latest, lastContainedLogTimestamp: lastContainedLogTimestamp(bytes), records: recordsOfSnapshot(bytes) }
  }

  /**
   * If the latest snapshot knows more than the log, the log goes on, empty, behind it.
   *
   * Unlike Kafka, which goes by the epoch first: a node that still has an uncommitted tail of a later epoch than the last
   * record in the snapshot finds the tail newer, and stops for good at "Full log truncation expected but didn't happen"
   * (KafkaRaftClient#handleFetchSnapshotResponse, KafkaMetadataLog#truncateToLatestSnapshot). A snapshot holds committed
   * records only, so what it contradicts is void.
   */
  truncateToLatestSnapshot(isDownloaded = false): boolean {
    const { latest } = this.snapshots
    if (latest === undefined) return false
    const knowsMore = latest.epoch > (this.log.latestEpoch ?? 0) || latest.endOffset > this.endOffset
    if (!knowsMore && !(isDownloaded && latest.endOffset > this.highWatermark)) return false
    this.log.truncateFullyAndStartAt(latest.endOffset)
    this.snapshots.forgetBefore(latest)
    return true
  }

  /** A downloaded snapshot takes the place of the log. */
  loadLatestSnapshot(): void {
    const previousEnd = this.endOffset
    invariant(this.truncateToLatestSnapshot(true), 'a fetched snapshot must reach beyond the log')
    this.readVoters()
    this.env.observe({ kind: 'raft-snapshot-loaded', endOffset: this.endOffset, epoch: this.lastEpoch, previousEnd })
  }

  /** Gives up snapshots and the log below the next one, by size and by age (KafkaMetadataLog#maybeClean). */
  clean(): void {
    const { metadataMaxRetentionBytes: mostBytes, metadataMaxRetentionMs: longestMs } = this.server
    if (mostBytes >= 0) {
      let snapshotBytes = this.snapshots.all.reduce((sum, id) => sum + this.snapshots.sizeOf(id), 0)
      this.cleanWhile(id => {
        if (this.log.sizeInBytes + snapshotBytes <= mostBytes) return false
        snapshotBytes -= this.snapshots.sizeOf(id)
        return true
      })
    }
    if (longestMs >= 0) this.cleanWhile(id => this.env.wallClock() - lastContainedLogTimestamp(this.snapshots.read(id)!) > longestMs)
  }

  private cleanWhile(isOld: (id: SnapshotId) => boolean): void {
    const ids = this.snapshots.all
    for (const [index, id] of ids.entries()) {
      const next = ids[index + 1]
      if (next === undefined || !isOld(id) || !this.deleteBefore(next)) return
    }
  }

  private deleteBefore(id: SnapshotId): boolean {
    if (!this.snapshots.has(id) || this.startOffset >= id.endOffset || id.endOffset > this.log.highWatermark) return false
    if (!this.log.maybeIncrementLogStartOffset(id.endOffset, 'retention-size')) return false
    const segments = this.log.deleteOldSegments()
    const snapshots = this.snapshots.forgetBefore(id)
    this.voters.trim(this.startOffset)
    this.env.observe({ kind: 'raft-log-start', offset: this.startOffset, segments, snapshots })
    return true
  }

  private isBatchBoundary(offset: number): boolean {
    if (offset === this.endOffset || offset === this.startOffset) return true
    const bytes = this.log.read(offset, 1, this.endOffset, true)
    return bytes.length > 0 && baseOffsetOf(bytes, 0) === offset
  }

  // ---- voters ----

  private readVoters(): void {
    this.voters.restart()
    const { latest } = this.snapshots
    const bytes = latest === undefined ? undefined : this.snapshots.read(latest)
    if (latest !== undefined && bytes !== undefined) for (const record of controlsOfSnapshot(bytes)) this.voters.note(record, latest.endOffset - 1)
    for (const batches of this.scan(Math.max(this.startOffset, latest?.endOffset ?? 0))) this.noteVoters(batches)
  }

  private noteVoters(bytes: Uint8Array, endOffset = Number.MAX_SAFE_INTEGER): void {
    for (const at of batchPositions(bytes)) for (const record of readRaftControls(bytes, at)) if (record.offset < endOffset) this.voters.note(record, record.offset)
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
          baseOffset: baseOffsetOf(bytes, at), lastOffset: next - 1, epoch: leaderEpochOf(bytes, at), timestamp: baseTimestampOf(bytes, at), sizeInBytes: batchSizeOf(bytes, at),
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
    for (const bytes of this.scan(this.startOffset)) {
      for (const at of batchPositions(bytes)) batches.push({ baseOffset: baseOffsetOf(bytes, at), lastOffset: lastOffsetOf(bytes, at), epoch: leaderEpochOf(bytes, at), crc: crcOf(bytes, at) })
    }
    this.env.observe({ kind: 'raft-recovered', endOffset: this.endOffset, batches })
  }

  /** The log from `from` on, in pieces of whole batches. */
  private *scan(from: number): Generator<Uint8Array> {
    for (let next = from; next < this.endOffset;) {
      const bytes = this.log.read(next, READ_BYTES, this.endOffset, true)
      const last = batchPositions(bytes).at(-1)
      if (last === undefined) return
      yield bytes
      next = lastOffsetOf(bytes, last) + 1
    }
  }
}
