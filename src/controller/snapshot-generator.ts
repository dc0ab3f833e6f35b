/**
 * When a server writes a metadata snapshot (KIP-630, Kafka: SnapshotGenerator and SnapshotEmitter): after so many bytes of
 * records, or after so long, since the last one that it wrote or read. Controllers and brokers alike, one a process.
 *
 * The image is turned into records at once, in between two batches; writing them takes its time. Each snapshot is checked
 * against what the disk holds: the snapshot before it and the log since. The observer is told both sums.
 */
import type { Task } from '../base/task.ts'
import { type Micros, msToUs } from '../base/time.ts'
import type { ServerConfig } from '../config/cluster.ts'
import type { Env } from '../env/env.ts'
import type { MetadataRecord } from '../protocol/metadata-records.ts'
import type { RaftClient } from '../raft/raft-client.ts'
import { crcOfRecords, imageRecords } from './image-records.ts'
import { MetadataImage } from './metadata-image.ts'

export class SnapshotGenerator {
  private readonly env: Env
  private readonly server: ServerConfig
  private readonly raft: RaftClient
  private bytesSince = 0
  private since: Micros
  private isWriting = false

  constructor(env: Env, server: ServerConfig, raft: RaftClient) {
    this.env = env
    this.server = server
    this.raft = raft
    this.since = env.now()
  }

  /** A snapshot was read: the next one is due only after as much again. */
  loaded(): void {
    this.reset()
  }

  /** `bytes` of committed batches, the last of them appended at `timestamp`, have made the image what it is. */
  committed(image: MetadataImage, bytes: number, timestamp: number): void {
    this.bytesSince += bytes
    const { metadataLogMaxRecordBytesBetweenSnapshots: most, metadataLogMaxSnapshotIntervalMs: longestMs } = this.server
    const isDue = this.bytesSince >= most || (longestMs > 0 && this.env.now() - this.since >= msToUs(longestMs))
    if (!isDue || this.isWriting) return
    this.reset()
    this.isWriting = true
    this.env.spawn('snapshot-generator', this.write({ endOffset: image.offset + 1, epoch: image.epoch }, timestamp, imageRecords(image)))
  }

  private reset(): void {
    this.bytesSince = 0
    this.since = this.env.now()
  }

  private *write(id: { readonly endOffset: number; readonly epoch: number }, lastContainedLogTimestamp: number, records: readonly MetadataRecord[]): Task<void> {
    yield* this.env.pause('snapshot-generator')
    const replayed = this.replay(id.endOffset)
    const isNew = yield* this.raft.writeSnapshot(id, { lastContainedLogTimestamp, records })
    this.isWriting = false
    if (isNew) this.env.observe({ kind: 'raft-snapshot', ...id, crc: crcOfRecords(records), replayed: replayed ?? -1 })
  }

  /** The sum of the state before `endOffset` by the disk; undefined when a newer snapshot has come in between. */
  private replay(endOffset: number): number | undefined {
    const { snapshot, batches } = this.raft.historyBefore(endOffset)
    if (snapshot !== undefined && snapshot.endOffset > endOffset) return undefined
    const image = new MetadataImage()
    for (const record of snapshot?.records ?? []) image.apply(record)
    for (const batch of batches) for (const record of batch.records) image.apply(record)
    return crcOfRecords(imageRecords(image))
  }
}
