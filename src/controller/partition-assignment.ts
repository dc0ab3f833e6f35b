/**
 * First assignments of partitions: drawn or manual, and CreatePartitions (Kafka: ReplicationControlManager#createPartitions,
 * #validateManualPartitionAssignment). The first ISR are the replicas on active brokers, the first of them leads; a
 * partition that would have none is refused.
 */
import { ApiError } from '../protocol/api-error.ts'
import { ErrorCode } from '../protocol/errors.ts'
import { metadataRecord } from '../protocol/metadata-records.ts'
import type { MetadataRecord } from '../protocol/metadata-records.ts'
import type { CreatePartitionsRequest, CreatePartitionsRequestCreatePartitionsTopic, CreatePartitionsResponse } from '../protocol/generated/types.ts'
import { ZERO_UUID } from '../protocol/uuid.ts'
import type { ControllerState } from './controller-state.ts'
import type { ControllerContext, Decision } from './decision.ts'
import { placeReplicas } from './replica-placement.ts'

export function createPartitions(state: ControllerState, context: ControllerContext, request: CreatePartitionsRequest): Decision<CreatePartitionsResponse> {
  const records: MetadataRecord[] = []
  const names = request.topics.map(topic => topic.name)
  const results = request.topics.map(topic => {
    try {
      if (names.indexOf(topic.name) !== names.lastIndexOf(topic.name)) throw new ApiError(ErrorCode.INVALID_REQUEST, 'Duplicate topic name.')
      records.push(...newPartitions(state, context, topic))
      return { name: topic.name, errorCode: ErrorCode.NONE, errorMessage: null }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      return { name: topic.name, errorCode: error.code, errorMessage: error.message }
    }
  })
  return { records: request.validateOnly ? [] : records, response: { throttleTimeMs: 0, results } }
}

function newPartitions(state: ControllerState, context: ControllerContext, request: CreatePartitionsRequestCreatePartitionsTopic): MetadataRecord[] {
  const topic = state.image.topicByName(request.name)
  if (topic === undefined) throw new ApiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  const present = topic.partitions.size
  const additional = request.count - present
  if (additional <= 0) {
    throw new ApiError(ErrorCode.INVALID_PARTITIONS, `The topic ${topic.name} currently has ${present} partition(s); ${request.count} would not be an increase.`)
  }
  const replicationFactor = topic.partitions.get(0)!.replicas.length
  let assignments: number[][]
  if (request.assignments === null) {
    assignments = placeOnBrokers(state, context, topic.name, additional, replicationFactor)
  } else {
    assignments = request.assignments.map(assignment => assignment.brokerIds)
    if (assignments.length !== additional) {
      throw new ApiError(ErrorCode.INVALID_REPLICA_ASSIGNMENT, `Attempted to add ${additional} additional partition(s), but only ${assignments.length} assignment(s) were specified.`)
    }
    for (const replicas of assignments) checkManualAssignment(state, replicas, replicationFactor)
  }
  return assignments.map((replicas, i) => newPartitionRecord(state, topic.id, present + i, replicas))
}

/** @throws ApiError INVALID_REPLICATION_FACTOR */
export function placeOnBrokers(state: ControllerState, context: ControllerContext, topic: string, partitions: number, replicationFactor: number): number[][] {
  const usable = Array.from(context.heartbeats.usable(), broker => ({ ...broker, rack: state.image.brokers.get(broker.brokerId)?.rack ?? null }))
  const assignments = placeReplicas(usable, partitions, replicationFactor, n => context.draw(`placement:${topic}`, n))
  if (assignments.some(replicas => !replicas.some(replica => state.image.isActive(replica)))) {
    throw new ApiError(ErrorCode.INVALID_REPLICATION_FACTOR, 'All brokers are currently fenced or in controlled shutdown.')
  }
  return assignments
}

/** @throws ApiError INVALID_REPLICA_ASSIGNMENT */
export function checkManualAssignment(state: ControllerState, replicas: readonly number[], replicationFactor: number | undefined): void {
  const refuse = (why: string): never => {
    throw new ApiError(ErrorCode.INVALID_REPLICA_ASSIGNMENT, `The manual partition assignment includes ${why}`)
  }
  if (replicas.length === 0) refuse('an empty replica list.')
  for (const broker of replicas) if (!state.image.brokers.has(broker)) refuse(`broker ${broker}, but no such broker is registered.`)
  if (new Set(replicas).size !== replicas.length) refuse('a broker more than once.')
  if (replicationFactor !== undefined && replicas.length !== replicationFactor) {
    refuse(`a partition with ${replicas.length} replica(s), but others have ${replicationFactor}.`)
  }
}

/** @throws ApiError INVALID_REPLICA_ASSIGNMENT when no replica is active */
export function newPartitionRecord(state: ControllerState, topicId: string, partitionId: number, replicas: readonly number[]): MetadataRecord {
  const isr = replicas.filter(replica => state.image.isActive(replica))
  const leader = isr[0]
  if (leader === undefined) {
    throw new ApiError(ErrorCode.INVALID_REPLICA_ASSIGNMENT, `All brokers specified for partition ${partitionId} are fenced or in controlled shutdown.`)
  }
  return metadataRecord('PartitionRecord', {
    topicId,
    partitionId,
    replicas,
    isr,
    leader,
    leaderEpoch: 0,
    partitionEpoch: 0,
    directories: replicas.map(() => ZERO_UUID),
  })
}
