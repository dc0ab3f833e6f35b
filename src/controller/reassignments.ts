/**
 * AlterPartitionReassignments and ListPartitionReassignments (KIP-455; Kafka: ReplicationControlManager
 * #alterPartitionReassignment, #listPartitionReassignments). Starting sets replicas to the target plus those to remove;
 * AlterPartition completes it; null replicas cancel it.
 */
import { ApiError } from '../protocol/api-error.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type {
  AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse, ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse,
} from '../protocol/generated/types.ts'
import type { ControllerState, LocatedPartition } from './controller-state.ts'
import { DecisionDraft } from './decision.ts'
import type { ControllerContext, Decision } from './decision.ts'
import { checkManualAssignment } from './partition-assignment.ts'
import type { PartitionTarget } from './partition-change-builder.ts'
import { planReassignment } from './partition-reassignment.ts'
import { changePartition, isUncleanEnabled } from './partition-updates.ts'

export function alterPartitionReassignments(
  state: ControllerState,
  context: ControllerContext,
  request: AlterPartitionReassignmentsRequest,
): Decision<AlterPartitionReassignmentsResponse> {
  const draft = new DecisionDraft()
  const responses = request.topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex, replicas }) => {
      try {
        reassign(state, context, draft, name, partitionIndex, replicas, request.allowReplicationFactorChange)
        return { partitionIndex, errorCode: ErrorCode.NONE, errorMessage: null }
      } catch (error) {
        if (!(error instanceof ApiError)) throw error
        return { partitionIndex, errorCode: error.code, errorMessage: error.message }
      }
    }),
  }))
  const { allowReplicationFactorChange } = request
  return draft.decide({ throttleTimeMs: 0, allowReplicationFactorChange, errorCode: ErrorCode.NONE, errorMessage: null, responses })
}

/** All partitions under reassignment, or those of the ones asked for; others, also unknown ones, are not mentioned. */
export function listPartitionReassignments(state: ControllerState, request: ListPartitionReassignmentsRequest): Decision<ListPartitionReassignmentsResponse> {
  const topics: ListPartitionReassignmentsResponse['topics'] = []
  const asked = request.topics === null ? [...state.image.topics.values()].map(({ name, partitions }) => ({ name, partitionIndexes: [...partitions.keys()] })) : request.topics
  for (const { name, partitionIndexes } of asked) {
    const partitions = partitionIndexes.flatMap(partitionIndex => {
      const partition = state.image.topicByName(name)?.partitions.get(partitionIndex)
      if (partition === undefined || (partition.addingReplicas.length === 0 && partition.removingReplicas.length === 0)) return []
      return [{
        partitionIndex, replicas: [...partition.replicas], addingReplicas: [...partition.addingReplicas], removingReplicas: [...partition.removingReplicas],
      }]
    })
    if (partitions.length > 0) topics.push({ name, partitions })
  }
  return { records: [], response: { throttleTimeMs: 0, errorCode: ErrorCode.NONE, errorMessage: null, topics } }
}

function reassign(
  state: ControllerState,
  context: ControllerContext,
  draft: DecisionDraft,
  name: string,
  index: number,
  replicas: readonly number[] | null,
  allowReplicationFactorChange: boolean,
): void {
  const topic = state.image.topicByName(name)
  const partition = topic?.partitions.get(index)
  if (topic === undefined || partition === undefined) throw new ApiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  const located: LocatedPartition = { topic, index, partition }
  let target: PartitionTarget
  if (replicas === null) {
    target = cancellation(state, context, located)
  } else {
    checkManualAssignment(state, replicas, undefined)
    const original = partition.replicas.filter(replica => !partition.addingReplicas.includes(replica))
    if (!allowReplicationFactorChange && replicas.length !== original.length) {
      throw new ApiError(ErrorCode.INVALID_REPLICATION_FACTOR, 'The replication factor is changed, which was not allowed.')
    }
    // As in Kafka the election is not an unclean one, whatever the topic allows.
    target = { ...planReassignment(partition.replicas, replicas), election: 'online' }
  }
  const change = changePartition(state, context, located, target)
  if (change !== undefined) draft.addPartitionChange(topic, index, partition, change)
}

/** Back to the replicas before (PartitionReassignmentRevert). */
function cancellation(state: ControllerState, context: ControllerContext, { topic, partition }: LocatedPartition): PartitionTarget {
  const { addingReplicas, removingReplicas } = partition
  if (addingReplicas.length === 0 && removingReplicas.length === 0) throw new ApiError(ErrorCode.NO_REASSIGNMENT_IN_PROGRESS)
  const stays = (replica: number): boolean => !addingReplicas.includes(replica)
  const isr = partition.isr.filter(stays)
  const replicas = partition.replicas.filter(stays)
  if (isr.length > 0) return { isr, replicas, adding: [], removing: [] }
  if (!isUncleanEnabled(state, context, topic.name)) {
    throw new ApiError(ErrorCode.INVALID_REPLICA_ASSIGNMENT, 'Reverting would require an unclean leader election.')
  }
  return { isr: replicas.slice(0, 1), replicas, adding: [], removing: [] }
}
