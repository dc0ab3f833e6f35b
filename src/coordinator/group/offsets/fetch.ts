/**
 * OffsetFetch of one group (OffsetMetadataManager#fetchOffsets, #fetchAllOffsets): what is committed, or, when only stable
 * offsets will do (KIP-447), the latest state, in which a partition with an open transaction has none yet.
 */
import { ApiError } from '../../../protocol/api-error.ts'
import { ErrorCode } from '../../../protocol/errors.ts'
import type { OffsetFetchRequestOffsetFetchRequestGroup, OffsetFetchResponseOffsetFetchResponseGroup, OffsetFetchResponseOffsetFetchResponsePartitions } from '../../../protocol/generated/types.ts'
import { ZERO_UUID } from '../../../protocol/uuid.ts'
import type { GroupState } from '../group-state.ts'

type Group = OffsetFetchRequestOffsetFetchRequestGroup
type Answer = OffsetFetchResponseOffsetFetchResponseGroup
type Partition = OffsetFetchResponseOffsetFetchResponsePartitions

/** `state`: of the committed records, or of all with `requireStable`. @throws ApiError UNKNOWN_MEMBER_ID, STALE_MEMBER_EPOCH */
export function fetchOffsets(state: GroupState, group: Group, requireStable: boolean): Answer {
  const { groupId } = group
  validate(state, group)
  const offsets = state.groups.has(groupId) ? state.offsets.ofGroup(groupId) : undefined
  const find = (topic: string, partitionIndex: number): Partition => {
    const none = { partitionIndex, committedOffset: -1, committedLeaderEpoch: -1, metadata: '' }
    if (requireStable && state.offsets.hasPending(groupId, topic, partitionIndex)) return { ...none, errorCode: ErrorCode.UNSTABLE_OFFSET_COMMIT }
    const known = offsets?.get(topic)?.get(partitionIndex)
    if (known === undefined) return { ...none, errorCode: ErrorCode.NONE }
    return { partitionIndex, committedOffset: known.offset, committedLeaderEpoch: known.leaderEpoch, metadata: known.metadata, errorCode: ErrorCode.NONE }
  }
  const asked = group.topics?.map(({ name, topicId, partitionIndexes }) => ({ name, topicId, partitionIndexes }))
    ?? [...(offsets ?? [])].map(([name, partitions]) => ({ name, topicId: ZERO_UUID, partitionIndexes: [...partitions.keys()] }))
  return {
    groupId, errorCode: ErrorCode.NONE,
    topics: asked.map(({ name, topicId, partitionIndexes }) => ({ name, topicId, partitions: partitionIndexes.map(index => find(name, index)) })),
  }
}

function validate(state: GroupState, { groupId, memberId, memberEpoch }: Group): void {
  const group = state.consumerGroup(groupId)
  // An administrator, or a client that does not say who it is.
  if (group === undefined || (memberId === null && memberEpoch < 0)) return
  const member = memberId === null ? undefined : group.members.get(memberId)
  if (member === undefined) throw new ApiError(ErrorCode.UNKNOWN_MEMBER_ID)
  if (member.memberEpoch !== memberEpoch) throw new ApiError(ErrorCode.STALE_MEMBER_EPOCH)
}
