/**
 * What an admin asks about partitions: more of them, fewer records, other leaders, other replicas (KafkaAdminClient
 * #createPartitions, #deleteRecords, #electLeaders, #alterPartitionReassignments, #listPartitionReassignments).
 */
import { partitionName } from '../base/partition-name.ts'
import { ApiKey } from '../protocol/api-keys.ts'
import type {
  AlterPartitionReassignmentsResponse, CreatePartitionsResponse, DeleteRecordsResponse, ElectLeadersResponse, ListPartitionReassignmentsResponse,
} from '../protocol/generated/types.ts'
import type { AdminCall } from './admin-call.ts'
import type { BrokerNode, ClusterMetadata } from './cluster-metadata.ts'
import { byTopic } from './topic-partition.ts'

export interface PartitionReference {
  readonly topic: string
  readonly partition: number
}

export interface NewPartitions {
  readonly topic: string
  /** Partitions that the topic shall have. */
  readonly totalCount: number
  /** Broker ids of each new partition; absent: the controller places them. */
  readonly newAssignments?: readonly (readonly number[])[]
}

export interface RecordsToDelete extends PartitionReference {
  /** Delete what lies below this offset; -1: everything that is committed. */
  readonly beforeOffset: number
}

export interface Reassignment extends PartitionReference {
  /** Broker ids, preferred leader first; null cancels. */
  readonly replicas: readonly number[] | null
}

export interface ReassignmentInProgress extends PartitionReference {
  readonly replicas: readonly number[]
  readonly adding: readonly number[]
  readonly removing: readonly number[]
}

export type ElectionType = 'preferred' | 'unclean'

const nameOf = ({ topic, partition }: PartitionReference): string => partitionName(topic, partition)
const controllerOf = (metadata: ClusterMetadata) => (): BrokerNode | undefined => metadata.node(metadata.controllerId)

export function createPartitionsCall(metadata: ClusterMetadata): AdminCall<NewPartitions, null> {
  return {
    apiKey: ApiKey.CreatePartitions,
    isChange: true,
    retriesErrors: false,
    nameOf: ({ topic }) => topic,
    node: controllerOf(metadata),
    request: (items, timeoutMs) => ({
      timeoutMs,
      validateOnly: false,
      topics: items.map(({ topic, totalCount, newAssignments }) => ({
        name: topic, count: totalCount, assignments: newAssignments?.map(brokerIds => ({ brokerIds })) ?? null,
      })),
    }),
    *answers(response: CreatePartitionsResponse) {
      for (const { name, errorCode } of response.results) yield { name, errorCode, value: null }
    },
  }
}

export function deleteRecordsCall(metadata: ClusterMetadata): AdminCall<RecordsToDelete, number> {
  return {
    apiKey: ApiKey.DeleteRecords,
    isChange: true,
    retriesErrors: true,
    nameOf,
    node: ({ topic, partition }) => metadata.leader(topic, partition).node,
    request: (items, timeoutMs) => ({
      timeoutMs,
      topics: byTopic(items, ({ partition, beforeOffset }) => ({ partitionIndex: partition, offset: beforeOffset })).map(([name, partitions]) => ({ name, partitions })),
    }),
    *answers(response: DeleteRecordsResponse) {
      for (const { name, partitions } of response.topics) {
        for (const { partitionIndex, errorCode, lowWatermark } of partitions) yield { name: partitionName(name, partitionIndex), errorCode, value: lowWatermark }
      }
    },
  }
}

export function electLeadersCall(metadata: ClusterMetadata, type: ElectionType): AdminCall<PartitionReference, null> {
  return {
    apiKey: ApiKey.ElectLeaders,
    isChange: true,
    retriesErrors: false,
    nameOf,
    node: controllerOf(metadata),
    request: (items, timeoutMs) => ({
      timeoutMs,
      electionType: type === 'preferred' ? 0 : 1,
      topicPartitions: byTopic(items, ({ partition }) => partition).map(([topic, partitions]) => ({ topic, partitions })),
    }),
    overallError: ({ errorCode }: ElectLeadersResponse) => errorCode,
    *answers(response: ElectLeadersResponse) {
      for (const { topic, partitionResult } of response.replicaElectionResults) {
        for (const { partitionId, errorCode } of partitionResult) yield { name: partitionName(topic, partitionId), errorCode, value: null }
      }
    },
  }
}

export function reassignmentCall(metadata: ClusterMetadata): AdminCall<Reassignment, null> {
  return {
    apiKey: ApiKey.AlterPartitionReassignments,
    isChange: true,
    retriesErrors: false,
    nameOf,
    node: controllerOf(metadata),
    request: (items, timeoutMs) => ({
      timeoutMs,
      topics: byTopic(items, ({ partition, replicas }) => ({ partitionIndex: partition, replicas })).map(([name, partitions]) => ({ name, partitions })),
    }),
    overallError: ({ errorCode }: AlterPartitionReassignmentsResponse) => errorCode,
    *answers(response: AlterPartitionReassignmentsResponse) {
      for (const { name, partitions } of response.responses) {
        for (const { partitionIndex, errorCode } of partitions) yield { name: partitionName(name, partitionIndex), errorCode, value: null }
      }
    },
  }
}

export function listReassignmentsCall(metadata: ClusterMetadata): AdminCall<'reassignments', readonly ReassignmentInProgress[]> {
  return {
    apiKey: ApiKey.ListPartitionReassignments,
    isChange: false,
    retriesErrors: true,
    nameOf: name => name,
    node: controllerOf(metadata),
    request: (_, timeoutMs) => ({ timeoutMs, topics: null }),
    overallError: ({ errorCode }: ListPartitionReassignmentsResponse) => errorCode,
    *answers({ topics }: ListPartitionReassignmentsResponse) {
      const value = topics.flatMap(({ name, partitions }) => partitions.map(({ partitionIndex, replicas, addingReplicas, removingReplicas }) => (
        { topic: name, partition: partitionIndex, replicas, adding: addingReplicas, removing: removingReplicas }
      )))
      yield { name: 'reassignments', errorCode: 0, value }
    },
  }
}
