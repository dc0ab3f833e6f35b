/**
 * Names of the files of a log directory, as in Kafka's LogFileUtils: a segment is named after its base offset, padded to
 * 20 digits so that names sort as offsets do.
 */
export const LOG_SUFFIX = '.log'
export const OFFSET_INDEX_SUFFIX = '.index'
export const TIME_INDEX_SUFFIX = '.timeindex'
export const ABORT_INDEX_SUFFIX = '.txnindex'
export const SNAPSHOT_SUFFIX = '.snapshot'
export const DELETED_SUFFIX = '.deleted'
/** A segment that the cleaner is writing. */
export const CLEANED_SUFFIX = '.cleaned'
/** A segment that the cleaner has written, about to take the place of those that it was made of. */
export const SWAP_SUFFIX = '.swap'
export const DELETED_DIRECTORY_SUFFIX = '-delete'

export const LEADER_EPOCH_CHECKPOINT = 'leader-epoch-checkpoint'
export const PARTITION_METADATA = 'partition.metadata'
export const CLEAN_SHUTDOWN_FILE = '.kafka_cleanshutdown'
export const RECOVERY_POINT_CHECKPOINT = 'recovery-point-offset-checkpoint'
export const LOG_START_CHECKPOINT = 'log-start-offset-checkpoint'
export const HIGH_WATERMARK_CHECKPOINT = 'replication-offset-checkpoint'
export const CLEANER_CHECKPOINT = 'cleaner-offset-checkpoint'

export function offsetFileName(offset: number, suffix: string): string {
  return String(offset).padStart(20, '0') + suffix
}

/** The offset in the name of a file with this suffix, or undefined when it is some other file. */
export function offsetOfFile(name: string, suffix: string): number | undefined {
  if (name.length !== 20 + suffix.length || !name.endsWith(suffix)) return undefined
  const offset = Number(name.slice(0, 20))
  return Number.isSafeInteger(offset) ? offset : undefined
}

/** `topic-partition`; topic names may contain dashes, partitions may not. */
export function partitionDirectoryName(topic: string, partition: number): string {
  return `${topic}-${partition}`
}

export function parsePartitionDirectory(name: string): { topic: string; partition: number } | undefined {
  const dash = name.lastIndexOf('-')
  const digits = name.slice(dash + 1)
  if (dash <= 0 || !/^\d+$/.test(digits)) return undefined
  return { topic: name.slice(0, dash), partition: Number(digits) }
}
