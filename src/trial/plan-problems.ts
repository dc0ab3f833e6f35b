/**
 * What is wrong with the parts of a plan that comes from a file: every value that running it relies on has the right type
 * and names things that exist, so that a damaged file is refused by name instead of breaking the harness.
 */
import { isBuggifySite } from '../config/buggify.ts'
import { DEFAULT_SERVER_CONFIG, type ServerConfig } from '../config/cluster.ts'
import { DEFAULT_SHARE_SETTINGS } from '../config/share.ts'
import { isDefectId, isMendId } from '../config/defects.ts'
import type { PlanOperation } from '../config/workload.ts'
import { FAULT_KINDS, type FaultKind, MOMENTARY_KINDS, PARTITION_SHAPES } from '../nemesis/fault.ts'

type Fields = Readonly<Record<string, unknown>>

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)
const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value)
const isOneOf = (...values: readonly unknown[]) => (value: unknown): boolean => values.includes(value)
const isNullOr = (check: (value: unknown) => boolean) => (value: unknown): boolean => value === null || check(value)
const isListOf = (check: (value: unknown) => boolean) => (value: unknown): boolean => Array.isArray(value) && value.every(check)
const isShaped = (shape: Readonly<Record<string, (value: unknown) => boolean>>) => (value: unknown): value is Fields =>
  isFields(value) && Object.entries(shape).every(([field, check]) => check(value[field]))

const isServer = isShaped({ nodeId: isCount, host: isText, roles: isListOf(isOneOf('broker', 'controller')), rack: isNullOr(isText) })
const isTopic = isShaped({ name: isText, partitions: value => isCount(value) && value > 0, replicationFactor: value => isCount(value) && value > 0, configs: isFields })
const isApp = isShaped({ kind: isOneOf('app'), producer: isFields, consumer: isFields, withoutGroupMetadata: isOneOf(undefined, true, false) })
const isShare = isShaped({ kind: isOneOf('share'), deliveryLimit: isCount, lockMs: isCount, isReadCommitted: isOneOf(true, false) })
const isClient = (value: unknown): boolean => isShaped({ host: isText, config: isFields })(value) && (isOneOf('producer', 'consumer', 'admin')((value as Fields)['kind']) || isApp(value) || (isShare(value) && isText(((value as Fields)['config'] as Fields)['groupId'])))

const OPERATIONS: Readonly<Record<PlanOperation['f'], (value: unknown) => boolean>> = {
  'send': isShaped({ topic: isText, partition: isNullOr(isCount), key: isNullOr(value => typeof value === 'string'), size: isCount, tombstone: isOneOf(undefined, true) }),
  'consume': isShaped({ topic: isText, partitions: isListOf(isCount), from: isOneOf('earliest', 'latest') }),
  'rewind': isShaped({ topic: isText }),
  'run': isShaped({ script: isText, forUs: value => value === undefined || isCount(value), workUs: value => value === undefined || isCount(value), commitsEach: isOneOf(undefined, true) }),
  'transact': isShaped({ sends: isListOf(isShaped({ topic: isText, partition: isCount, key: isNullOr(value => typeof value === 'string') })), end: isOneOf('commit', 'abort'), openUs: isCount, late: value => value === undefined || isCount(value) }),
  'transfer': isShaped({ from: isText, to: isText, amount: isCount }),
  'commit-offset': isShaped({ group: isText, topic: isText, partition: isCount, offset: isCount }),
  'fetch-offset': isShaped({ group: isText, topic: isText, partition: isCount }),
  'list-offsets': isShaped({ topic: isText, partition: isCount, which: value => isOneOf('earliest', 'latest')(value) || isNumber(value) }),
  'create-topic': isShaped({ spec: isTopic }),
  'delete-topic': isShaped({ topic: isText }),
  'recreate-topic': isShaped({ topic: isText }),
  'create-partitions': isShaped({ topic: isText, count: isCount }),
  'delete-records': isShaped({ topic: isText, partition: isCount, before: Number.isSafeInteger }),
  'reassign': isShaped({ topic: isText, partition: isCount, replicas: isNullOr(isListOf(isCount)) }),
  'elect-leader': isShaped({ topic: isText, partition: isCount, election: isOneOf('preferred', 'unclean') }),
  'alter-config': isShaped({ topic: isText, name: isText, value: value => typeof value === 'string' }),
}

const ROLES = ['subject', 'other-end', 'leader', 'isr-follower', 'out-of-isr', 'newest-isr-member', 'active-controller', 'standby-controller', 'any-broker', 'any-server', 'any-client']
const isTarget = (value: unknown): boolean => isFields(value) && (isText(value['host']) || (isOneOf(...ROLES)(value['role']) && isCount(value['pick'])))
const isTrigger = (value: unknown): boolean => isFields(value) && (isCount(value['at']) || isShaped({ on: isShaped({ kind: isText }), nth: isCount, after: isCount })(value))

function isAction(value: unknown): boolean {
  if (!isFields(value) || !isOneOf(...FAULT_KINDS)(value['kind'])) return false
  const { kind } = value
  if (!MOMENTARY_KINDS.has(kind as FaultKind) && !isCount(value['durationUs'])) return false
  if (kind === 'swizzle') return isCount(value['hosts']) && isCount(value['pick']) && isCount(value['spacingUs'])
  if (kind === 'outage') return isOneOf('rack', 'all')(value['scope']) && isCount(value['pick']) && typeof value['machine'] === 'boolean'
  if (kind === 'alter-config') return isText(value['topic']) && isText(value['name']) && isText(value['value']) && (value['former'] === null || isText(value['former']))
  if (kind === 'clog') return isTarget(value['from']) && isTarget(value['to'])
  if (!isTarget(value['target'])) return false
  switch (kind) {
    case 'partition': return isOneOf(...PARTITION_SHAPES)(value['shape']) && isOneOf('both', 'out', 'in')(value['direction'])
    case 'disk-slow':
    case 'slow': return isCount(value['extraUs'])
    case 'rolling-restart': return isFields(value['server']) && isCount(value['metadataVersion'])
    case 'crash': return typeof value['machine'] === 'boolean'
    case 'bit-flip': return isCount(value['pick']) && typeof value['covered'] === 'boolean'
    case 'misdirected-write':
    case 'bad-sector': return isCount(value['pick'])
    case 'clock-strobe': return isNumber(value['stepMs']) && isCount(value['periodUs']) && (value['periodUs'] as number) > 0
    case 'clock-step': return isNumber(value['stepMs'])
    case 'clock-drift': return Number.isInteger(value['driftPpm'])
    default: return true
  }
}

const isModel = isShaped({ kind: isOneOf('constant', 'drawn', 'per-path'), minUs: isCount, maxUs: isCount })
const isChoices = (value: unknown): boolean => isShaped({ mode: isOneOf('drawn'), delay: isNumber, delayMaxUs: isCount, break: isNumber, tornWrite: isNumber })(value)
  || isShaped({ mode: isOneOf('explicit'), fired: isListOf(isShaped({ key: isText, value: isNumber })) })(value)

/** Plans of earlier versions lack them, and get the default (see World). */
const LATER_SETTINGS: ReadonlySet<string> = new Set<keyof ServerConfig>([
  'quorumKraftVersion', 'quorumFetchSnapshotMaxBytes', 'metadataLogMaxRecordBytesBetweenSnapshots', 'metadataLogMaxSnapshotIntervalMs', 'metadataLogSegmentBytes',
  'metadataLogSegmentMs', 'metadataMaxRetentionBytes', 'metadataMaxRetentionMs', 'metadataLogCleanIntervalMs', 'metadataVersion', 'metadataVersionSupported', 'logRecoveryMs',
  'logCleanerBackoffMs', 'logCleanerMinCleanablePercent', 'logCleanerDeleteRetentionMs', 'logCleanerMinCompactionLagMs', 'logCleanerMaxCompactionLagMs', 'logCleanerOffsetMapKeys', 'logCleanerReadMs',
  'offsetsTopicNumPartitions', 'offsetsTopicReplicationFactor', 'offsetsTopicSegmentBytes', 'offsetsRetentionMs', 'offsetsRetentionCheckIntervalMs', 'offsetCommitTimeoutMs',
  'groupInitialRebalanceDelayMs', 'groupMinSessionTimeoutMs', 'groupMaxSessionTimeoutMs', 'groupMaxSize', 'groupConsumerSessionTimeoutMs', 'groupConsumerHeartbeatIntervalMs',
  'transactionStateLogNumPartitions', 'transactionStateLogReplicationFactor', 'transactionStateLogMinIsr', 'transactionStateLogSegmentBytes', 'transactionMaxTimeoutMs',
  'transactionAbortTimedOutTransactionCleanupIntervalMs', 'transactionalIdExpirationMs', 'transactionRemoveExpiredTransactionCleanupIntervalMs', 'transactionPartitionVerificationEnable',
  'coordinatorLoadMs', 'transactionVersion', 'socketConnectionSetupTimeoutMs',
])

/** Each that is there is of the type of its default. */
const isShareSettings = (value: unknown): boolean => isFields(value) && Object.entries(DEFAULT_SHARE_SETTINGS).every(([name, standard]) => value[name] === undefined || typeof value[name] === typeof standard)

/** The first part that is wrong, in words. `plan` has the lists and objects of a plan. */
export function partProblem(plan: Fields): string | undefined {
  const list = (field: string): readonly unknown[] => plan[field] as readonly unknown[]
  const wrong = (field: string, check: (value: unknown) => boolean): string | undefined => {
    const index = list(field).findIndex(part => !check(part))
    return index < 0 ? undefined : `plan.${field}[${index}] is not sound`
  }
  const cluster = plan['cluster'] as Fields
  const servers = cluster['servers'] as readonly unknown[]
  const badServer = servers.findIndex(server => !isServer(server))
  if (badServer >= 0) return `plan.cluster.servers[${badServer}] is not sound`
  for (const [name, value] of Object.entries(DEFAULT_SERVER_CONFIG)) {
    if (LATER_SETTINGS.has(name) && isFields(cluster['server']) && cluster['server'][name] === undefined) continue
    if (!isFields(cluster['server']) || typeof cluster['server'][name] !== typeof value) return `plan.cluster.server.${name} is not a ${typeof value}`
  }
  const share = (cluster['server'] as Fields)['share']
  if (share !== undefined && !isShareSettings(share)) return 'plan.cluster.server.share is not sound'
  const having = (role: string): number => servers.filter(server => ((server as Fields)['roles'] as readonly unknown[]).includes(role)).length
  if (having('broker') === 0 || having('controller') === 0) return 'plan.cluster.servers has no broker or no controller'
  const problem = wrong('topics', isTopic) ?? wrong('clients', isClient)
  if (problem !== undefined) return problem
  if (list('topics').length === 0) return 'plan.topics is empty'
  const hosts = new Set(list('clients').map(client => (client as Fields)['host']))
  return wrong('topics', topic => ((topic as Fields)['replicationFactor'] as number) <= having('broker'))
    ?? wrong('operations', operation => isShaped({ id: isCount, at: isCount, client: client => hosts.has(client), f: f => isText(f) && Object.hasOwn(OPERATIONS, f) })(operation) && OPERATIONS[operation['f'] as PlanOperation['f']](operation))
    ?? wrong('faults', isShaped({ id: isCount, when: isTrigger, action: isAction }))
    ?? wrong('defects', id => isText(id) && isDefectId(id))
    ?? wrong('mends', id => isText(id) && isMendId(id))
    ?? (plan['buggify'] === undefined || isListOf(id => isText(id) && isBuggifySite(id))(plan['buggify']) ? undefined : 'plan.buggify names a site that does not exist')
    ?? (isModel(plan['latency']) && isModel(plan['fsync']) ? undefined : 'plan.latency or plan.fsync is not sound')
    ?? (isShaped({ kind: isOneOf('off', 'random', 'pct'), probability: isNumber, depth: isCount })(plan['interleaving']) ? undefined : 'plan.interleaving is not sound')
    ?? (isChoices(plan['choices']) ? undefined : 'plan.choices is not sound')
    ?? (isShaped({ startUs: isCount, chaosUs: isCount, settleUs: isCount })(plan['timing']) ? undefined : 'plan.timing is not sound')
    ?? (isOneOf('objects', 'bytes')(plan['wire']) ? undefined : 'plan.wire is neither objects nor bytes')
}
