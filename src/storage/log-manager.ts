/**
 * All logs of a broker in its one log directory, with what concerns them together: checkpoints, retention, loading after a
 * clean or unclean end, deletion (Kafka's LogManager; high watermarks as ReplicaManager checkpoints them).
 *
 * The clean-shutdown marker is read and removed, durably, before any log is loaded: a crash while loading must not pass
 * for a clean end. Checkpoint files are keyed by topic name, logs by topic id; partition.metadata ties the two, and a
 * directory without it is a stray from before anything was written: it is removed.
 */
import { invariant } from '../base/assert.ts'
import { partitionName } from '../base/partition-name.ts'
import { msToUs } from '../base/time.ts'
import type { Millis } from '../base/time.ts'
import type { Task } from '../base/task.ts'
import type { ServerConfig } from '../config/cluster.ts'
import { isCompacted } from '../config/topic.ts'
import type { TopicConfig } from '../config/topic.ts'
import type { Env } from '../env/env.ts'
import { ApiError } from '../protocol/api-error.ts'
import { ErrorCode } from '../protocol/errors.ts'
import { CheckpointFile } from './checkpoint-file.ts'
import { CleanShutdownFile } from './clean-shutdown-file.ts'
import { LogCleaner } from './cleaner/log-cleaner.ts'
import {
  DELETED_DIRECTORY_SUFFIX, HIGH_WATERMARK_CHECKPOINT, LOG_START_CHECKPOINT, parsePartitionDirectory,
  partitionDirectoryName, PARTITION_METADATA, RECOVERY_POINT_CHECKPOINT,
} from './file-names.ts'
import { Log } from './log.ts'
import type { LoadOptions } from './log-options.ts'
import { OffsetCheckpoint } from './offset-checkpoint.ts'

/** How a broker's previous life ended. */
export interface PreviousShutdown {
  readonly cleanShutdown: boolean
  /** From the clean-shutdown file; -1 when unknown. */
  readonly previousBrokerEpoch: number
}

export class LogManager {
  readonly directory: string
  private readonly env: Env
  private readonly server: ServerConfig
  private readonly topicConfig: (topic: string) => TopicConfig
  /** By `topic-partition`, which is also the directory's name: one topic id at a time may use it. */
  private readonly byName = new Map<string, Log>()
  private readonly byId = new Map<string, Log>()
  private readonly recoveryPoints: OffsetCheckpoint
  private readonly logStarts: OffsetCheckpoint
  private readonly highWatermarks: OffsetCheckpoint
  private readonly cleanShutdownFile: CleanShutdownFile
  private readonly cleaner: LogCleaner
  private isStarted = false
  private deletions = 0
  private isShutDown = false

  /** `topicConfig` is asked at every append: it should be a lookup. */
  constructor(env: Env, server: ServerConfig, topicConfig: (topic: string) => TopicConfig, directory = 'data') {
    this.env = env
    this.server = server
    this.topicConfig = topicConfig
    this.directory = directory
    this.recoveryPoints = new OffsetCheckpoint(env, directory, RECOVERY_POINT_CHECKPOINT)
    this.logStarts = new OffsetCheckpoint(env, directory, LOG_START_CHECKPOINT)
    this.highWatermarks = new OffsetCheckpoint(env, directory, HIGH_WATERMARK_CHECKPOINT)
    this.cleanShutdownFile = new CleanShutdownFile(env, directory)
    this.cleaner = new LogCleaner(env, server, {
      directory,
      logs: () => this.byId.values(),
      has: log => this.get(log.topicId, log.partition) === log,
      makeDurable: (log, upTo) => this.makeDurable(log, upTo),
    })
  }

  /** Loads every log found; call once, before anything else. */
  *load(): Task<PreviousShutdown> {
    const previousBrokerEpoch = this.cleanShutdownFile.read()
    const cleanShutdown = previousBrokerEpoch !== undefined
    if (!this.env.defects.has('KAFKA-10471')) yield* this.cleanShutdownFile.remove()
    const recoveryPoints = this.recoveryPoints.read()
    const logStarts = this.logStarts.read()
    const highWatermarks = this.highWatermarks.read()
    for (const name of this.env.disk.list(this.directory)) {
      if (name.endsWith(DELETED_DIRECTORY_SUFFIX)) {
        this.env.disk.remove(`${this.directory}/${name}`)
        continue
      }
      const partition = parsePartitionDirectory(name)
      if (partition === undefined) continue
      yield* this.env.pause('log.load')
      const topicId = new CheckpointFile(this.env, `${this.directory}/${name}`, PARTITION_METADATA).read()?.[0]
      if (topicId === undefined) {
        this.removeDirectory(name)
        continue
      }
      this.open(partition.topic, topicId, partition.partition, {
        clean: cleanShutdown,
        recoveryPoint: recoveryPoints.get(name) ?? 0,
        logStartOffset: logStarts.get(name) ?? 0,
        highWatermark: highWatermarks.get(name) ?? 0,
      })
      // Recovered in the page cache, not flushed: if the server dies before the others are, it begins again.
      if (!cleanShutdown && this.server.logRecoveryMs > 0) yield* this.env.sleep(msToUs(this.server.logRecoveryMs)).wait()
    }
    if (this.env.defects.has('KAFKA-10471')) this.cleanShutdownFile.forget()
    return { cleanShutdown, previousBrokerEpoch: previousBrokerEpoch ?? -1 }
  }

  get(topicId: string, partition: number): Log | undefined {
    return this.byId.get(partitionName(topicId, partition))
  }

  /** In order of loading and creation. */
  logs(): Iterable<Log> {
    return this.byId.values()
  }

  /** @throws ApiError INCONSISTENT_TOPIC_ID when the directory still belongs to an earlier topic of this name */
  getOrCreate(topic: string, topicId: string, partition: number): Log {
    const name = partitionDirectoryName(topic, partition)
    const existing = this.byName.get(name)
    if (existing !== undefined) {
      if (existing.topicId === topicId) return existing
      throw new ApiError(ErrorCode.INCONSISTENT_TOPIC_ID, `${name} belongs to topic id ${existing.topicId}, not ${topicId}`)
    }
    return this.open(topic, topicId, partition, { clean: true, recoveryPoint: 0, logStartOffset: 0, highWatermark: 0 })
  }

  /**
   * Deletes a log: its name is free at once, its files go after `file.delete.delay.ms`. No error when there is none. Also for
   * strays, logs that the metadata no longer assigns to this broker.
   */
  delete(topicId: string, partition: number): void {
    const log = this.get(topicId, partition)
    if (log === undefined) return
    const name = partitionDirectoryName(log.topic, partition)
    this.byId.delete(partitionName(topicId, partition))
    this.byName.delete(name)
    this.cleaner.removed(log)
    log.delete()
    this.removeDirectory(name)
    // The next topic of this name must not inherit the offsets.
    this.checkpointRecoveryPoints()
    this.checkpointLogStarts()
  }

  /** Starts retention, producer expiry, the periodic checkpoints, and the cleaner once there is something for it. */
  start(): void {
    const { server } = this
    this.isStarted = true
    for (const log of this.byId.values()) this.cleanIfCompacted(log)
    this.every('log-retention', server.logRetentionCheckIntervalMs, () => this.applyRetention())
    this.every('producer-expiry', server.producerIdExpirationCheckIntervalMs, () => this.expireProducers())
    this.every('high-watermark-checkpoint', server.replicaHighWatermarkCheckpointIntervalMs, () => this.checkpointHighWatermarks())
    this.every('recovery-point-checkpoint', server.logFlushOffsetCheckpointIntervalMs, () => this.checkpoint(this.recoveryPoints))
    this.every('log-start-checkpoint', server.logFlushStartOffsetCheckpointIntervalMs, () => this.checkpoint(this.logStarts))
  }

  *checkpointHighWatermarks(): Task<void> {
    this.highWatermarks.write(this.offsets(log => log.highWatermark))
    yield* this.highWatermarks.flush()
  }

  /** A clean end: everything flushed and checkpointed, then the marker that says so. */
  *shutdown(brokerEpoch: number): Task<void> {
    invariant(!this.isShutDown, 'logs are shut down once')
    this.isShutDown = true
    this.cleaner.shutdown()
    yield* this.checkpointHighWatermarks()
    for (const log of this.byId.values()) yield* log.close()
    yield* this.checkpoint(this.recoveryPoints)
    yield* this.checkpoint(this.logStarts)
    yield* this.cleanShutdownFile.write(brokerEpoch)
  }

  private open(topic: string, topicId: string, partition: number, how: LoadOptions): Log {
    const name = partitionDirectoryName(topic, partition)
    const log = Log.load(this.env, {
      topic, topicId, partition,
      directory: `${this.directory}/${name}`,
      config: () => this.topicConfig(topic),
      server: this.server,
      onTruncated: segmentsWent => {
        this.checkpointRecoveryPoints()
        if (segmentsWent) this.cleaner.truncated(log)
      },
    }, how)
    this.byName.set(name, log)
    this.byId.set(partitionName(topicId, partition), log)
    if (this.isStarted) this.cleanIfCompacted(log)
    return log
  }

  /** Moves a directory out of the way, atomically, and removes it later. */
  private removeDirectory(name: string): void {
    const { disk, incarnation } = this.env
    const path = `${this.directory}/${name}`
    const moved = `${path}.${incarnation}-${this.deletions++}${DELETED_DIRECTORY_SUFFIX}`
    disk.rename(path, moved)
    this.env.timer(msToUs(this.server.logSegmentDeleteDelayMs), () => disk.remove(moved))
  }

  /** Of logs that are not compacted: the others are the cleaner's. */
  private *applyRetention(): Task<void> {
    for (const log of this.byId.values()) {
      yield* this.env.pause('log.retention')
      // It may have been deleted meanwhile.
      if (this.get(log.topicId, log.partition) !== log) continue
      if (isCompacted(log.config)) this.cleaner.ensureStarted()
      else if (!this.cleaner.isCleaning(log)) log.deleteOldSegments()
    }
  }

  /** The cleaner runs from the first compacted log on; configurations that change are seen by the next round of retention. */
  private cleanIfCompacted(log: Log): void {
    if (isCompacted(log.config)) this.cleaner.ensureStarted()
  }

  private *makeDurable(log: Log, upTo: number): Task<void> {
    yield* log.flush(upTo)
    this.checkpointRecoveryPoints()
    yield* this.recoveryPoints.flush()
  }

  private *expireProducers(): Task<void> {
    for (const log of this.byId.values()) log.producers.removeExpired()
  }

  private *checkpoint(file: OffsetCheckpoint): Task<void> {
    if (file === this.recoveryPoints) this.checkpointRecoveryPoints()
    else this.checkpointLogStarts()
    yield* file.flush()
  }

  private checkpointRecoveryPoints(): void {
    this.recoveryPoints.write(this.offsets(log => log.recoveryPoint))
  }

  /** Only those that the name of the first segment does not tell. */
  private checkpointLogStarts(): void {
    this.logStarts.write(this.offsets(log => (log.logStartOffset > log.segments[0]!.baseOffset ? log.logStartOffset : undefined)))
  }

  private *offsets(of: (log: Log) => number | undefined): Generator<{ topic: string; partition: number; offset: number }> {
    for (const log of this.byId.values()) {
      const offset = of(log)
      if (offset !== undefined) yield { topic: log.topic, partition: log.partition, offset }
    }
  }

  private every(name: string, intervalMs: Millis, round: () => Task<void>): void {
    this.env.spawn(name, this.repeat(intervalMs, round))
  }

  /** Unlike Kafka, the first round comes after one interval and not after 30 s. */
  private *repeat(intervalMs: Millis, round: () => Task<void>): Task<void> {
    while (!this.isShutDown) {
      yield* this.env.sleep(msToUs(intervalMs)).wait()
      if (!this.isShutDown) yield* round()
    }
  }
}
