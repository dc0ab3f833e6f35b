/** Which ConsumerGroupHeartbeat is well-formed, and from whom it may come (GroupMetadataManager#throwIfConsumerGroupHeartbeatRequestIsInvalid and others). */
import { ApiError } from '../../../protocol/api-error.ts'
import { ErrorCode } from '../../../protocol/errors.ts'
import type { ConsumerGroupHeartbeatRequest } from '../../../protocol/generated/types.ts'
import type { TopicPartitions } from './assignment.ts'
import { LEAVE_EPOCH, STATIC_LEAVE_EPOCH } from './consumer-member.ts'
import type { ConsumerMember } from './consumer-member.ts'
import { ASSIGNORS } from './target-assignment.ts'

/** Since version 1 members choose their ids (KIP-1082). */
const CLIENT_MEMBER_ID_VERSION = 1

/** @throws ApiError INVALID_REQUEST, UNSUPPORTED_ASSIGNOR */
export function validateHeartbeat(request: ConsumerGroupHeartbeatRequest, apiVersion: number): void {
  const { memberEpoch, memberId, instanceId, rackId, serverAssignor } = request
  const refuse = (message: string): never => {
    throw new ApiError(ErrorCode.INVALID_REQUEST, message)
  }
  if (request.groupId === '') refuse("GroupId can't be empty.")
  if (instanceId === '') refuse("InstanceId can't be empty.")
  if (rackId === '') refuse("RackId can't be empty.")
  if (memberId === '' && (memberEpoch !== 0 || apiVersion >= CLIENT_MEMBER_ID_VERSION)) refuse("MemberId can't be empty.")
  if (memberEpoch < STATIC_LEAVE_EPOCH) refuse('MemberEpoch is invalid.')
  if (memberEpoch === STATIC_LEAVE_EPOCH && instanceId === null) refuse("InstanceId can't be null.")
  if (memberEpoch === 0) {
    if (request.rebalanceTimeoutMs === -1) refuse('RebalanceTimeoutMs must be provided in first request.')
    if (request.topicPartitions === null || request.topicPartitions.length > 0) refuse('TopicPartitions must be empty when (re-)joining.')
    const hasNames = request.subscribedTopicNames !== null && request.subscribedTopicNames.length > 0
    if (!hasNames && (request.subscribedTopicRegex ?? '') === '') refuse('Either SubscribedTopicNames or SubscribedTopicRegex must be set in first request.')
  }
  if (serverAssignor !== null && !ASSIGNORS.some(({ name }) => name === serverAssignor)) throw new ApiError(ErrorCode.UNSUPPORTED_ASSIGNOR, `ServerAssignor ${serverAssignor} is not supported.`)
}

export function isLeaving(memberEpoch: number): boolean {
  return memberEpoch === LEAVE_EPOCH || memberEpoch === STATIC_LEAVE_EPOCH
}

/**
 * The epoch that a member says must be its own. The one before is accepted from a member that owns nothing it should not: the
 * answer with the newer one may have been lost. Epoch 0 always is: it begins anew (KAFKA-19233).
 * @throws ApiError FENCED_MEMBER_EPOCH
 */
export function validateMemberEpoch(member: ConsumerMember, memberEpoch: number, owned: readonly TopicPartitions[] | null): void {
  if (memberEpoch === member.memberEpoch || memberEpoch === 0) return
  const isRetry = memberEpoch < member.memberEpoch && memberEpoch === member.previousMemberEpoch && owned !== null
    && owned.every(({ topicId, partitions }) => partitions.every(partition => member.assigned.get(topicId)?.has(partition) === true))
  if (!isRetry) throw new ApiError(ErrorCode.FENCED_MEMBER_EPOCH, `The member epoch ${memberEpoch} is not ${member.memberEpoch}. The member must abandon all its partitions and rejoin.`)
}
