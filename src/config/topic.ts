/**
 * Topic configuration as Kafka keeps it: string entries in ConfigRecords over the servers' defaults (LogConfig).
 */
import type { ServerConfig } from './cluster.ts'
import type { BrokerCompressionType } from '../base/compression-type.ts'

/** The effective configuration of one topic. */
export interface TopicConfig {
  readonly minInsyncReplicas: number
  readonly uncleanLeaderElectionEnable: boolean
  readonly retentionMs: number
  readonly retentionBytes: number
  readonly segmentBytes: number
  readonly segmentMs: number
  readonly cleanupPolicy: 'delete' | 'compact' | 'compact,delete'
  readonly messageTimestampType: 'CreateTime' | 'LogAppendTime'
  readonly compressionType: BrokerCompressionType
  readonly maxMessageBytes: number
  readonly indexIntervalBytes: number
  readonly segmentIndexBytes: number
  readonly fileDeleteDelayMs: number
  /** Share of dirty bytes above which a compacted log is worth cleaning, 0 to 1. */
  readonly minCleanableDirtyRatio: number
  /** How long a tombstone or transaction marker stays after the first cleaning that might have removed it. */
  readonly deleteRetentionMs: number
  readonly minCompactionLagMs: number
  readonly maxCompactionLagMs: number
}

export const isCompacted = ({ cleanupPolicy }: TopicConfig): boolean => cleanupPolicy !== 'delete'

type Parser = { readonly field: keyof TopicConfig; readonly parse: (text: string) => unknown }

const integer = (minimum: number) => (text: string): number | undefined => {
  const value = Number(text)
  return text.trim() !== '' && Number.isSafeInteger(value) && value >= minimum ? value : undefined
}
const ratio = (text: string): number | undefined => {
  const value = Number(text)
  return text.trim() !== '' && value >= 0 && value <= 1 ? value : undefined
}
const boolean = (text: string): boolean | undefined => (text === 'true' ? true : text === 'false' ? false : undefined)
const oneOf = (...values: readonly string[]) => (text: string): string | undefined => (values.includes(text) ? text : undefined)

/** Kafka's config names, in the order in which DescribeConfigs lists them. */
export const TOPIC_CONFIGS: Readonly<Record<string, Parser>> = Object.freeze({
  'cleanup.policy': { field: 'cleanupPolicy', parse: oneOf('delete', 'compact', 'compact,delete') },
  'compression.type': { field: 'compressionType', parse: oneOf('uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer') },
  'delete.retention.ms': { field: 'deleteRetentionMs', parse: integer(0) },
  'file.delete.delay.ms': { field: 'fileDeleteDelayMs', parse: integer(0) },
  'index.interval.bytes': { field: 'indexIntervalBytes', parse: integer(0) },
  'max.compaction.lag.ms': { field: 'maxCompactionLagMs', parse: integer(1) },
  'max.message.bytes': { field: 'maxMessageBytes', parse: integer(0) },
  'message.timestamp.type': { field: 'messageTimestampType', parse: oneOf('CreateTime', 'LogAppendTime') },
  'min.cleanable.dirty.ratio': { field: 'minCleanableDirtyRatio', parse: ratio },
  'min.compaction.lag.ms': { field: 'minCompactionLagMs', parse: integer(0) },
  'min.insync.replicas': { field: 'minInsyncReplicas', parse: integer(1) },
  'retention.bytes': { field: 'retentionBytes', parse: integer(-1) },
  'retention.ms': { field: 'retentionMs', parse: integer(-1) },
  'segment.bytes': { field: 'segmentBytes', parse: integer(14) },
  'segment.index.bytes': { field: 'segmentIndexBytes', parse: integer(4) },
  'segment.ms': { field: 'segmentMs', parse: integer(1) },
  'unclean.leader.election.enable': { field: 'uncleanLeaderElectionEnable', parse: boolean },
})

/** Why an entry is not acceptable, or undefined when it is. */
export function topicConfigProblem(name: string, value: string | null): string | undefined {
  const known = TOPIC_CONFIGS[name]
  if (known === undefined) return `Unknown topic config name: ${name}`
  if (value !== null && known.parse(value) === undefined) return `Invalid value ${value} for configuration ${name}`
  return undefined
}

/** Entries over server defaults. Entries are expected to have passed `topicConfigProblem`; bad ones are ignored. */
export function resolveTopicConfig(server: ServerConfig, entries: ReadonlyMap<string, string>): TopicConfig {
  const config: Record<string, unknown> = {
    minInsyncReplicas: server.minInsyncReplicas,
    uncleanLeaderElectionEnable: server.uncleanLeaderElectionEnable,
    retentionMs: server.logRetentionMs,
    retentionBytes: server.logRetentionBytes,
    segmentBytes: server.logSegmentBytes,
    segmentMs: server.logRollMs,
    cleanupPolicy: 'delete',
    messageTimestampType: 'CreateTime',
    compressionType: 'producer',
    maxMessageBytes: server.messageMaxBytes,
    indexIntervalBytes: server.logIndexIntervalBytes,
    segmentIndexBytes: server.logIndexSizeMaxBytes,
    fileDeleteDelayMs: server.logSegmentDeleteDelayMs,
    minCleanableDirtyRatio: server.logCleanerMinCleanablePercent / 100,
    deleteRetentionMs: server.logCleanerDeleteRetentionMs,
    minCompactionLagMs: server.logCleanerMinCompactionLagMs,
    maxCompactionLagMs: server.logCleanerMaxCompactionLagMs,
  } satisfies TopicConfig
  for (const [name, text] of entries) {
    const known = TOPIC_CONFIGS[name]
    const value = known?.parse(text)
    if (known !== undefined && value !== undefined) config[known.field] = value
  }
  return config as unknown as TopicConfig
}
