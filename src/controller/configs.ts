/**
 * IncrementalAlterConfigs (Kafka: ConfigurationControlManager). A change of min.insync.replicas clears the ELR of what it
 * concerns: ELR members are justified only while the old value froze the high watermark (KIP-966, KAFKA-16540).
 *
 * Unlike Kafka: of the resources only topics and the cluster-wide broker default exist. As in Kafka, enabling unclean
 * election elects nobody by itself: the periodic run does.
 */
import { topicConfigProblem } from '../config/topic.ts'
import type { Observation } from '../env/observation.ts'
import { ErrorCode } from '../protocol/errors.ts'
import { metadataRecord } from '../protocol/metadata-records.ts'
import type { MetadataRecord } from '../protocol/metadata-records.ts'
import type { AlterConfigsRequest, AlterConfigsResponse, IncrementalAlterConfigsRequest, IncrementalAlterConfigsRequestAlterConfigsResource, IncrementalAlterConfigsResponse } from '../protocol/generated/types.ts'
import type { ControllerState } from './controller-state.ts'
import type { ControllerContext, Decision } from './decision.ts'
import { CLUSTER_DEFAULT, DYNAMIC_CLUSTER_CONFIGS, MIN_INSYNC_REPLICAS } from './effective-config.ts'
import { BROKER_RESOURCE, resourceKey, TOPIC_RESOURCE } from './metadata-image.ts'
import { NO_LEADER, withoutElr } from './partition-image.ts'

const SET = 0
const DELETE = 1
const MAX_VALUE_LENGTH = 32_767

export interface ConfigError {
  readonly errorCode: number
  readonly errorMessage: string | null
}

const OK: ConfigError = { errorCode: ErrorCode.NONE, errorMessage: null }

export function incrementalAlterConfigs(
  state: ControllerState,
  context: Pick<ControllerContext, 'defects' | 'mends'>,
  request: IncrementalAlterConfigsRequest,
): Decision<IncrementalAlterConfigsResponse> {
  const records: MetadataRecord[] = []
  const responses = request.resources.map(resource => {
    const { resourceType, resourceName } = resource
    return { ...alterResource(state, resource, records), resourceType, resourceName }
  })
  const cleared = clearElr(state, context, records)
  records.push(...cleared.records)
  return request.validateOnly ? { records: [], response: { throttleTimeMs: 0, responses } } : { records, response: { throttleTimeMs: 0, responses }, observations: cleared.observations }
}

/** AlterConfigs: the entries of a resource become exactly those given (ConfigurationControlManager#legacyAlterConfigs). */
export function legacyAlterConfigs(state: ControllerState, context: Pick<ControllerContext, 'defects' | 'mends'>, request: AlterConfigsRequest): Decision<AlterConfigsResponse> {
  const resources = request.resources.map(({ resourceType, resourceName, configs }) => {
    const given = new Set(configs.map(({ name }) => name))
    const dropped = [...state.image.configs.get(resourceKey(resourceType, resourceName))?.keys() ?? []].filter(name => !given.has(name))
    return {
      resourceType, resourceName,
      configs: [
        ...configs.map(({ name, value }) => ({ name, configOperation: SET, value })),
        ...dropped.map(name => ({ name, configOperation: DELETE, value: null })),
      ],
    }
  })
  return incrementalAlterConfigs(state, context, { resources, validateOnly: request.validateOnly })
}

/** ConfigRecords for a topic that is being created; adds nothing when it returns an error. */
export function configRecordsOfNewTopic(
  topic: string,
  configs: readonly { readonly name: string; readonly value: string | null }[],
  records: MetadataRecord[],
): ConfigError {
  for (const { name, value } of configs) {
    if (value === null) return invalid(`Null value not supported for topic configs: ${name}`)
    const problem = topicConfigProblem(name, value)
    if (problem !== undefined) return invalid(problem)
  }
  for (const { name, value } of configs) records.push(configRecord(TOPIC_RESOURCE, topic, name, value))
  return OK
}

function alterResource(
  state: ControllerState,
  resource: IncrementalAlterConfigsRequestAlterConfigsResource,
  records: MetadataRecord[],
): ConfigError {
  const { resourceType, resourceName, configs } = resource
  const isTopic = resourceType === TOPIC_RESOURCE
  if (!isTopic && !(resourceType === BROKER_RESOURCE && resourceName === CLUSTER_DEFAULT)) {
    return { errorCode: ErrorCode.INVALID_REQUEST, errorMessage: `Cannot alter resource ${resourceType} '${resourceName}'` }
  }
  const names = configs.map(config => config.name)
  if (new Set(names).size !== names.length) {
    return { errorCode: ErrorCode.INVALID_REQUEST, errorMessage: 'Error due to duplicate config keys' }
  }
  const current = state.image.configs.get(resourceKey(resourceType, resourceName))
  const drafted: MetadataRecord[] = []
  for (const { name, configOperation, value } of configs) {
    // The only list among the configs, cleanup.policy, is always set whole.
    if (configOperation !== SET && configOperation !== DELETE) return invalid(`Can't append to or subtract from key ${name}`)
    if (configOperation === SET && value === null) {
      return { errorCode: ErrorCode.INVALID_REQUEST, errorMessage: `Null value not supported for : ${name}` }
    }
    const wanted = configOperation === SET ? value : null
    if (wanted !== null && wanted.length > MAX_VALUE_LENGTH) return invalid('The configuration value exceeds the maximum size')
    const problem = isTopic ? topicConfigProblem(name, wanted) : clusterConfigProblem(state, name, wanted)
    if (problem !== undefined) return invalid(problem)
    // Broker configs are repeated even if unchanged, so that brokers reload them (KAFKA-14136).
    if ((current?.get(name) ?? null) !== wanted || !isTopic) drafted.push(configRecord(resourceType, resourceName, name, wanted))
  }
  if (isTopic && !state.image.topicIds.has(resourceName)) return { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, errorMessage: null }
  records.push(...drafted)
  return OK
}

function clusterConfigProblem(state: ControllerState, name: string, value: string | null): string | undefined {
  if (!DYNAMIC_CLUSTER_CONFIGS.includes(name)) return `Cannot update cluster-wide config ${name}`
  if (name === MIN_INSYNC_REPLICAS && value === null && state.elrEnabled) {
    return 'Cluster-level min.insync.replicas cannot be removed while ELR is enabled.'
  }
  return topicConfigProblem(name, value)
}

/**
 * The records that clear ELRs, and the partitions that are left without anybody to elect by it. Known behaviour
 * elr-cleared-without-leader: as in Kafka it is not asked whether a partition has a leader, though without one nothing is
 * committed that an eligible replica could lack. Its mend clears only where there is one.
 */
function clearElr(state: ControllerState, { defects, mends }: Pick<ControllerContext, 'defects' | 'mends'>, altered: readonly MetadataRecord[]): { records: MetadataRecord[]; observations: Observation[] } {
  const records: MetadataRecord[] = []
  const observations: Observation[] = []
  if (!state.elrEnabled || defects.has('KAFKA-16540')) return { records, observations }
  for (const record of altered) {
    if (record.type !== 'ConfigRecord' || record.data.name !== MIN_INSYNC_REPLICAS) continue
    const topicName = record.data.resourceType === TOPIC_RESOURCE ? record.data.resourceName : ''
    const stranded = [...state.partitions()].filter(({ topic, partition }) => (topicName === '' || topic.name === topicName) && partition.isr.length === 0 && partition.leader === NO_LEADER)
    if (stranded.length === 0 || !mends.has('elr-cleared-without-leader')) {
      records.push(metadataRecord('ClearElrRecord', { topicName }))
      for (const { topic, index } of stranded) observations.push({ kind: 'elr-cleared-without-leader', topicId: topic.id, topic: topic.name, partition: index })
      continue
    }
    for (const { topic, index, partition } of state.partitions()) {
      if ((topicName !== '' && topic.name !== topicName) || partition.isr.length === 0 || withoutElr(partition) === partition) continue
      records.push(metadataRecord('PartitionChangeRecord', { topicId: topic.id, partitionId: index, eligibleLeaderReplicas: [], lastKnownElr: [] }))
    }
  }
  return { records, observations }
}

function configRecord(resourceType: number, resourceName: string, name: string, value: string | null): MetadataRecord {
  return metadataRecord('ConfigRecord', { resourceType, resourceName, name, value })
}

function invalid(errorMessage: string): ConfigError {
  return { errorCode: ErrorCode.INVALID_CONFIG, errorMessage }
}
