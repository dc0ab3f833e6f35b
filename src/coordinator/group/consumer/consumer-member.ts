/**
 * A member of a KIP-848 group, exactly what its records say (Kafka: ConsumerGroupMember). Replaced, never changed.
 */
import type { ConsumerGroupCurrentMemberAssignmentValue, ConsumerGroupMemberMetadataValue } from '../../../protocol/generated/types.ts'
import { NOTHING_OWNED, ownedOf, sameOwned } from './assignment.ts'
import type { OwnedPartitions } from './assignment.ts'

export type MemberState = 'stable' | 'unrevoked-partitions' | 'unreleased-partitions' | 'unknown'

/** Values in records (Kafka: MemberState). */
const STATES: readonly [number, MemberState][] = [[0, 'stable'], [1, 'unrevoked-partitions'], [2, 'unreleased-partitions'], [127, 'unknown']]

export const LEAVE_EPOCH = -1
/** A static member has left and may come back. */
export const STATIC_LEAVE_EPOCH = -2

export interface ConsumerMember {
  readonly memberId: string
  readonly memberEpoch: number
  readonly previousMemberEpoch: number
  readonly instanceId: string | null
  readonly rackId: string | null
  readonly rebalanceTimeoutMs: number
  readonly clientId: string
  readonly clientHost: string
  /** Sorted. */
  readonly subscribedTopicNames: readonly string[]
  readonly subscribedTopicRegex: string
  readonly serverAssignor: string | null
  readonly state: MemberState
  readonly assigned: OwnedPartitions
  readonly pendingRevocation: OwnedPartitions
}

export function newMember(memberId: string): ConsumerMember {
  return {
    memberId, memberEpoch: 0, previousMemberEpoch: -1, instanceId: null, rackId: null, rebalanceTimeoutMs: -1, clientId: '', clientHost: '',
    subscribedTopicNames: [], subscribedTopicRegex: '', serverAssignor: null, state: 'stable', assigned: NOTHING_OWNED, pendingRevocation: NOTHING_OWNED,
  }
}

export function withMetadata(member: ConsumerMember, value: ConsumerGroupMemberMetadataValue): ConsumerMember {
  return {
    ...member, instanceId: value.instanceId, rackId: value.rackId, clientId: value.clientId, clientHost: value.clientHost,
    subscribedTopicNames: sortedNames(value.subscribedTopicNames), subscribedTopicRegex: value.subscribedTopicRegex ?? '',
    rebalanceTimeoutMs: value.rebalanceTimeoutMs, serverAssignor: value.serverAssignor,
  }
}

export function withCurrentAssignment(member: ConsumerMember, value: ConsumerGroupCurrentMemberAssignmentValue): ConsumerMember {
  const { memberEpoch } = value
  const owned = (topics: ConsumerGroupCurrentMemberAssignmentValue['assignedPartitions']): OwnedPartitions =>
    ownedOf(topics.flatMap(({ topicId, partitions, assignmentEpochs }) => partitions.map((partition, i) => [topicId, partition, assignmentEpochs?.[i] ?? memberEpoch] as const)))
  return {
    ...member, memberEpoch, previousMemberEpoch: value.previousMemberEpoch, state: STATES.find(([code]) => code === value.state)?.[1] ?? 'unknown',
    assigned: owned(value.assignedPartitions), pendingRevocation: owned(value.partitionsPendingRevocation),
  }
}

/** What is left when the record of its current assignment has gone: it owns nothing and its own record goes next. */
export function withoutAssignment(member: ConsumerMember): ConsumerMember {
  return { ...member, memberEpoch: LEAVE_EPOCH, previousMemberEpoch: LEAVE_EPOCH, assigned: NOTHING_OWNED, pendingRevocation: NOTHING_OWNED }
}

export function isReconciledTo(member: ConsumerMember, targetEpoch: number): boolean {
  return member.state === 'stable' && member.memberEpoch === targetEpoch
}

/** Do the metadata records of the two differ? */
export function sameMetadata(a: ConsumerMember, b: ConsumerMember): boolean {
  return a.instanceId === b.instanceId && a.rackId === b.rackId && a.rebalanceTimeoutMs === b.rebalanceTimeoutMs && a.clientId === b.clientId
    && a.clientHost === b.clientHost && a.subscribedTopicRegex === b.subscribedTopicRegex && a.serverAssignor === b.serverAssignor && sameNames(a.subscribedTopicNames, b.subscribedTopicNames)
}

export function sameCurrentAssignment(a: ConsumerMember, b: ConsumerMember): boolean {
  return a.memberEpoch === b.memberEpoch && a.previousMemberEpoch === b.previousMemberEpoch && a.state === b.state
    && sameOwned(a.assigned, b.assigned) && sameOwned(a.pendingRevocation, b.pendingRevocation)
}

export function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, i) => name === b[i])
}

export function sortedNames(names: readonly string[]): string[] {
  return [...new Set(names)].sort()
}

export function stateCode(state: MemberState): number {
  return STATES.find(([, name]) => name === state)![0]
}
