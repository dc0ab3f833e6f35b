/**
 * Who may commit offsets of a group (ClassicGroup#validateOffsetCommit, ConsumerGroup#validateOffsetCommit; KIP-447, KIP-1251).
 *
 * | group    | sender                                | plain                              | transactional |
 * |----------|---------------------------------------|------------------------------------|---------------|
 * | none     | generation below 0                    | makes a simple group               | makes a simple group |
 * | classic  | says nothing of itself                | only while the group is empty      | accepted (before KIP-447 clients could not say more) |
 * | classic  | names member, instance or generation  | all must be right; not while the rebalance completes | all must be right |
 * | KIP-848  | below 0                               | only while the group has no members | the same |
 * | KIP-848  | a member, in its epoch                | accepted                           | accepted |
 * | KIP-848  | a member, in an older epoch           | if it has had each partition since then: its answer may still be on the way | the same |
 */
import { ApiError } from '../../../protocol/api-error.ts'
import { ErrorCode } from '../../../protocol/errors.ts'
import type { ClassicGroup } from '../classic/classic-group.ts'
import { UNKNOWN_MEMBER } from '../classic/messages.ts'
import type { ConsumerGroup } from '../consumer/consumer-group.ts'
import type { GroupScope } from '../group-shard.ts'

export interface Committer {
  readonly groupId: string
  readonly memberId: string
  readonly groupInstanceId: string | null
  /** Generation, or member epoch. */
  readonly generationId: number
  readonly isTransactional: boolean
  readonly apiVersion: number
}

export interface CommittedPartition {
  readonly topicId: string | undefined
  readonly partition: number
}

/** From this version of OffsetCommit on clients know KIP-848 and its errors. */
const CONSUMER_PROTOCOL_VERSION = 9

/** @throws ApiError UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION, FENCED_INSTANCE_ID, REBALANCE_IN_PROGRESS, STALE_MEMBER_EPOCH, GROUP_ID_NOT_FOUND, ... */
export function validateCommit(scope: GroupScope, committer: Committer, partitions: readonly CommittedPartition[]): void {
  const { groupId, generationId, isTransactional, apiVersion } = committer
  const consumerGroup = scope.state.consumerGroup(groupId)
  if (scope.state.shareGroup(groupId) !== undefined) throw new ApiError(ErrorCode.GROUP_ID_NOT_FOUND)
  const group = scope.classic.find(groupId)
  // Before KIP-447 a transaction could not say for whom it commits.
  if (isTransactional && (consumerGroup ?? group) !== undefined && scope.shard.env.defects.has('KIP-447')) return
  if (consumerGroup !== undefined) return validateConsumer(consumerGroup, committer, partitions)
  if (group !== undefined) return validateClassic(group, committer)
  if (generationId < 0) return
  throw new ApiError(!isTransactional && apiVersion >= CONSUMER_PROTOCOL_VERSION ? ErrorCode.GROUP_ID_NOT_FOUND : ErrorCode.ILLEGAL_GENERATION)
}

function validateClassic(group: ClassicGroup, { memberId, groupInstanceId, generationId, isTransactional }: Committer): void {
  if (group.state === 'Dead') throw new ApiError(ErrorCode.COORDINATOR_NOT_AVAILABLE)
  if (generationId < 0 && group.isEmpty) return
  if (generationId >= 0 || memberId !== UNKNOWN_MEMBER || groupInstanceId !== null) {
    group.validateMember(memberId, groupInstanceId)
    if (generationId !== group.generationId) throw new ApiError(ErrorCode.ILLEGAL_GENERATION)
  } else if (!isTransactional && !group.isEmpty) throw new ApiError(ErrorCode.UNKNOWN_MEMBER_ID)
  // Valid, and yet it cannot know its partitions: it should learn of the rebalance first.
  if (!isTransactional && group.state === 'CompletingRebalance') throw new ApiError(ErrorCode.REBALANCE_IN_PROGRESS)
}

function validateConsumer(group: ConsumerGroup, { memberId, generationId: epoch, isTransactional, apiVersion }: Committer, partitions: readonly CommittedPartition[]): void {
  if (epoch < 0 && group.isEmpty) return
  const member = group.members.get(memberId)
  if (member === undefined) throw new ApiError(ErrorCode.UNKNOWN_MEMBER_ID)
  if (!isTransactional && apiVersion < CONSUMER_PROTOCOL_VERSION) throw new ApiError(ErrorCode.UNSUPPORTED_VERSION)
  if (epoch === member.memberEpoch) return
  const stale = new ApiError(isTransactional ? ErrorCode.ILLEGAL_GENERATION : ErrorCode.STALE_MEMBER_EPOCH)
  if (epoch > member.memberEpoch) throw stale
  for (const { topicId, partition } of partitions) {
    const since = topicId === undefined ? undefined : member.assigned.get(topicId)?.get(partition) ?? member.pendingRevocation.get(topicId)?.get(partition)
    if (since === undefined || epoch < since) throw stale
  }
}
