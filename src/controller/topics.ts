/**
 * CreateTopics and DeleteTopics (Kafka: ReplicationControlManager#createTopics, #deleteTopics, and the request checks of
 * ControllerApis). All records of a request are one atomic batch; a topic that fails does not hinder the others.
 *
 * Unlike Kafka: no authorizer, quotas or create-topic policy, and answers keep the order of the request.
 */
import { ApiError } from '../protocol/api-error.ts'
import { ErrorCode } from '../protocol/errors.ts'
import { metadataRecord } from '../protocol/metadata-records.ts'
import type { MetadataRecord } from '../protocol/metadata-records.ts'
import type {
  CreateTopicsRequest, CreateTopicsRequestCreatableTopic, CreateTopicsResponse, CreateTopicsResponseCreatableTopicResult,
  DeleteTopicsRequest, DeleteTopicsResponse, DeleteTopicsResponseDeletableTopicResult,
} from '../protocol/generated/types.ts'
import { uuidFromDraws, ZERO_UUID } from '../protocol/uuid.ts'
import { effectiveTopicConfig } from './effective-config.ts'
import { configRecordsOfNewTopic } from './configs.ts'
import type { ControllerState } from './controller-state.ts'
import type { ControllerContext, Decision } from './decision.ts'
import { checkManualAssignment, newPartitionRecord, placeOnBrokers } from './partition-assignment.ts'
import { TOPIC_CONFIGS } from '../config/topic.ts'

const METADATA_TOPIC = '__cluster_metadata'
const MAX_NAME_LENGTH = 249
/** DescribeConfigs' sources. */
const DYNAMIC_TOPIC_CONFIG = 1
const DEFAULT_CONFIG = 5

export function createTopics(state: ControllerState, context: ControllerContext, request: CreateTopicsRequest): Decision<CreateTopicsResponse> {
  const records: MetadataRecord[] = []
  const duplicates = duplicatesOf(request.topics.map(topic => topic.name))
  const answered = new Set<string>()
  const topics: CreateTopicsResponseCreatableTopicResult[] = []
  for (const topic of request.topics) {
    if (duplicates.has(topic.name)) {
      if (!answered.has(topic.name)) topics.push(failure(topic.name, ErrorCode.INVALID_REQUEST, 'Duplicate topic name.'))
      answered.add(topic.name)
      continue
    }
    try {
      topics.push(createTopic(state, context, topic, records))
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      topics.push(failure(topic.name, error.code, error.message))
    }
  }
  return { records: request.validateOnly ? [] : records, response: { throttleTimeMs: 0, topics } }
}

/** Adds the records of one topic, all or none. @throws ApiError */
function createTopic(
  state: ControllerState,
  context: ControllerContext,
  topic: CreateTopicsRequestCreatableTopic,
  records: MetadataRecord[],
): CreateTopicsResponseCreatableTopicResult {
  const { name } = topic
  if (name === METADATA_TOPIC) throw new ApiError(ErrorCode.INVALID_REQUEST, `Creation of internal topic ${name} is prohibited.`)
  checkTopicName(state, name, records)
  if (state.image.topicIds.has(name)) throw new ApiError(ErrorCode.TOPIC_ALREADY_EXISTS, `Topic '${name}' already exists.`)

  const topicId = uuidFromDraws(...drawFour(context, `topic-id:${name}`))
  const drafted: MetadataRecord[] = [metadataRecord('TopicRecord', { name, topicId })]
  const configError = configRecordsOfNewTopic(name, topic.configs, drafted)
  if (configError.errorCode !== ErrorCode.NONE) throw new ApiError(configError.errorCode, configError.errorMessage ?? undefined)
  const assignments = topic.assignments.length > 0 ? manualAssignments(state, topic) : drawnAssignments(state, context, topic)
  assignments.forEach((replicas, index) => drafted.push(newPartitionRecord(state, topicId, index, replicas)))
  records.push(...drafted)
  return {
    name,
    topicId,
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    topicConfigErrorCode: ErrorCode.NONE,
    numPartitions: assignments.length,
    replicationFactor: assignments[0]!.length,
    configs: describeNewConfigs(state, context, topic),
  }
}

function manualAssignments(state: ControllerState, topic: CreateTopicsRequestCreatableTopic): number[][] {
  if (topic.replicationFactor !== -1) {
    throw new ApiError(ErrorCode.INVALID_REQUEST, 'A manual partition assignment was specified, but replication factor was not set to -1.')
  }
  if (topic.numPartitions !== -1) {
    throw new ApiError(ErrorCode.INVALID_REQUEST, 'A manual partition assignment was specified, but numPartitions was not set to -1.')
  }
  const byIndex = new Map<number, number[]>()
  let replicationFactor: number | undefined
  for (const { partitionIndex, brokerIds } of topic.assignments) {
    if (byIndex.has(partitionIndex)) {
      throw new ApiError(ErrorCode.INVALID_REPLICA_ASSIGNMENT, `Found multiple manual partition assignments for partition ${partitionIndex}`)
    }
    checkManualAssignment(state, brokerIds, replicationFactor)
    replicationFactor = brokerIds.length
    byIndex.set(partitionIndex, brokerIds)
  }
  return Array.from(byIndex, (_, index) => {
    const replicas = byIndex.get(index)
    if (replicas === undefined) throw new ApiError(ErrorCode.INVALID_REPLICA_ASSIGNMENT, 'partitions should be a consecutive 0-based integer sequence')
    return replicas
  })
}

function drawnAssignments(state: ControllerState, context: ControllerContext, topic: CreateTopicsRequestCreatableTopic): number[][] {
  if (topic.replicationFactor < -1 || topic.replicationFactor === 0) {
    throw new ApiError(ErrorCode.INVALID_REPLICATION_FACTOR, 'Replication factor must be larger than 0, or -1 to use the default value.')
  }
  if (topic.numPartitions < -1 || topic.numPartitions === 0) {
    throw new ApiError(ErrorCode.INVALID_PARTITIONS, 'Number of partitions was set to an invalid non-positive value.')
  }
  const partitions = topic.numPartitions === -1 ? context.server.numPartitions : topic.numPartitions
  const replicationFactor = topic.replicationFactor === -1 ? context.server.defaultReplicationFactor : topic.replicationFactor
  return placeOnBrokers(state, context, topic.name, partitions, replicationFactor)
}

/** Legal characters, and no name that differs from another only in `.` and `_`, which metrics cannot tell apart. */
function checkTopicName(state: ControllerState, name: string, drafted: readonly MetadataRecord[]): void {
  const problem = name === '' || name === '.' || name === '..' || name.length > MAX_NAME_LENGTH || !/^[a-zA-Z0-9._-]+$/.test(name)
  if (problem) throw new ApiError(ErrorCode.INVALID_TOPIC_EXCEPTION, `Topic name '${name}' is illegal`)
  if (!/[._]/.test(name)) return
  const unified = name.replaceAll('.', '_')
  const collides = (other: string): boolean => other !== name && other.replaceAll('.', '_') === unified
  for (const other of state.image.topicIds.keys()) {
    if (collides(other)) throw new ApiError(ErrorCode.INVALID_TOPIC_EXCEPTION, `Topic '${name}' collides with existing topic: ${other}`)
  }
  for (const record of drafted) {
    if (record.type === 'TopicRecord' && collides(record.data.name)) {
      throw new ApiError(ErrorCode.INVALID_TOPIC_EXCEPTION, `Topic '${name}' collides with ${record.data.name}`)
    }
  }
}

export function deleteTopics(state: ControllerState, request: DeleteTopicsRequest): Decision<DeleteTopicsResponse> {
  const records: MetadataRecord[] = []
  const responses: DeleteTopicsResponseDeletableTopicResult[] = []
  const result = (name: string | null, topicId: string, errorCode: number, errorMessage: string | null = null): void => {
    responses.push({ name, topicId, errorCode, errorMessage })
  }
  // Version 6 names topics by name or id, earlier ones by name.
  const wanted = [...request.topicNames.map(name => ({ name, topicId: ZERO_UUID })), ...request.topics]
  const duplicateNames = duplicatesOf(wanted.flatMap(topic => topic.name ?? []))
  const duplicateIds = duplicatesOf(wanted.flatMap(topic => (topic.topicId === ZERO_UUID ? [] : topic.topicId)))
  const deleted = new Set<string>()
  for (const { name, topicId } of wanted) {
    const byName = name !== null
    const byId = topicId !== ZERO_UUID
    if (byName === byId) {
      result(name, topicId, ErrorCode.INVALID_REQUEST, byName ? 'You may not specify both topic name and topic id.' : 'Neither topic name nor id were specified.')
    } else if (byName ? duplicateNames.has(name) : duplicateIds.has(topicId)) {
      result(name, topicId, ErrorCode.INVALID_REQUEST, 'Duplicate topic.')
    } else {
      const topic = byName ? state.image.topicByName(name) : state.image.topics.get(topicId)
      if (topic === undefined) {
        result(name, topicId, byName ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.UNKNOWN_TOPIC_ID)
      } else if (deleted.has(topic.id)) {
        result(topic.name, topic.id, ErrorCode.INVALID_REQUEST, 'The provided topic name maps to an ID that was already supplied.')
      } else {
        deleted.add(topic.id)
        records.push(metadataRecord('RemoveTopicRecord', { topicId: topic.id }))
        result(topic.name, topic.id, ErrorCode.NONE)
      }
    }
  }
  return { records, response: { throttleTimeMs: 0, responses } }
}

/** The effective configuration of a topic as it will be, for the response. */
function describeNewConfigs(state: ControllerState, context: ControllerContext, topic: CreateTopicsRequestCreatableTopic): CreateTopicsResponseCreatableTopicResult['configs'] {
  const own = new Map(topic.configs.map(config => [config.name, config.value]))
  const inherited = effectiveTopicConfig(state.image, context.server, topic.name)
  return Object.entries(TOPIC_CONFIGS).map(([name, { field }]) => ({
    name,
    value: own.get(name) ?? String(inherited[field]),
    readOnly: false,
    configSource: own.has(name) ? DYNAMIC_TOPIC_CONFIG : DEFAULT_CONFIG,
    isSensitive: false,
  }))
}

function failure(name: string, errorCode: number, errorMessage: string): CreateTopicsResponseCreatableTopicResult {
  return { name, topicId: ZERO_UUID, errorCode, errorMessage, topicConfigErrorCode: 0, numPartitions: -1, replicationFactor: -1, configs: [] }
}

function drawFour(context: ControllerContext, purpose: string): [number, number, number, number] {
  return [context.draw(purpose, 0), context.draw(purpose, 1), context.draw(purpose, 2), context.draw(purpose, 3)]
}

function duplicatesOf(names: readonly string[]): ReadonlySet<string> {
  const seen = new Set<string>()
  const twice = new Set<string>()
  for (const name of names) (seen.has(name) ? twice : seen).add(name)
  return twice
}
