/**
 * What takes offsets and groups away: OffsetDelete, DeleteGroups, topics that are deleted, and retention (OffsetMetadataManager,
 * GroupCoordinatorShard#cleanupGroupMetadata).
 *
 * Retention counts from when a group became empty, or for a topic that nobody consumes any more from the commit; never while a
 * transaction on the offset is open. A group without members and offsets goes.
 */
import { ApiError } from '../../../protocol/api-error.ts'
import type { Draft } from '../../../protocol/codec.ts'
import { ErrorCode } from '../../../protocol/errors.ts'
import type { OffsetDeleteRequest, OffsetDeleteResponse } from '../../../protocol/generated/types.ts'
import type { CoordinatorRecord } from '../../coordinator-record.ts'
import type { Decision } from '../../runtime/coordinator-runtime.ts'
import { groupTombstone } from '../classic/classic-records.ts'
import { groupTombstones } from '../consumer/consumer-records.ts'
import type { GroupScope } from '../group-shard.ts'
import { groupTombstones as shareGroupTombstones } from '../share/share-records.ts'
import { offsetTombstone } from './commit.ts'
import type { CommittedOffset } from './offset-store.ts'

/** @throws ApiError GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP */
export function deleteOffsets(scope: GroupScope, { groupId, topics }: OffsetDeleteRequest): Decision<Draft<OffsetDeleteResponse>> {
  const isSubscribed = subscription(scope, groupId)
  if (isSubscribed === undefined) throw new ApiError(ErrorCode.GROUP_ID_NOT_FOUND)
  const classic = scope.classic.find(groupId)
  if (classic !== undefined && !classic.isEmpty && !classic.usesConsumerProtocol) throw new ApiError(ErrorCode.NON_EMPTY_GROUP)
  const records: CoordinatorRecord[] = []
  const answers = topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex }) => {
      if (isSubscribed(name)) return { partitionIndex, errorCode: ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC }
      const { offsets } = scope.state
      if (offsets.find(groupId, name, partitionIndex) !== undefined || offsets.hasPending(groupId, name, partitionIndex)) records.push(offsetTombstone(groupId, name, partitionIndex))
      return { partitionIndex, errorCode: ErrorCode.NONE }
    }),
  }))
  return { records, response: { errorCode: ErrorCode.NONE, topics: answers } }
}

/** Each group by itself: one that has members stays. */
export function deleteGroups(scope: GroupScope, groupIds: readonly string[]): Decision<{ groupId: string; errorCode: number }[]> {
  const records: CoordinatorRecord[] = []
  const response = groupIds.map(groupId => {
    const errorCode = deletionProblem(scope, groupId)
    if (errorCode === ErrorCode.NONE) {
      for (const [topic, partition] of scope.state.offsets.partitionsOf(groupId)) records.push(offsetTombstone(groupId, topic, partition))
      records.push(...tombstonesOf(scope, groupId))
    }
    return { groupId, errorCode }
  })
  return { records, response }
}

function deletionProblem(scope: GroupScope, groupId: string): number {
  const group = scope.state.groups.get(groupId)
  if (group === undefined) return ErrorCode.GROUP_ID_NOT_FOUND
  return isEmpty(scope, groupId) ? ErrorCode.NONE : ErrorCode.NON_EMPTY_GROUP
}

/** Offsets of topics that are gone. */
export function forgetTopics(scope: GroupScope, topics: ReadonlySet<string>): CoordinatorRecord[] {
  return scope.state.offsets.holdersOf(topics).map(([groupId, topic, partition]) => offsetTombstone(groupId, topic, partition))
}

/** What retention takes now. */
export function expire(scope: GroupScope): CoordinatorRecord[] {
  const records: CoordinatorRecord[] = []
  for (const [groupId, { kind }] of scope.state.groups) {
    // Share groups have no offsets here and stay (ShareGroup#shouldExpire).
    if (kind === 'share') continue
    const before = records.length
    const isBare = expireOffsets(scope, groupId, records)
    if (records.length > before) scope.mark('offsets-expired')
    if (isBare && isEmpty(scope, groupId)) records.push(...tombstonesOf(scope, groupId))
  }
  return records
}

/** True when no offset of the group is left and none is pending. */
function expireOffsets(scope: GroupScope, groupId: string, records: CoordinatorRecord[]): boolean {
  const { offsets } = scope.state
  const topics = offsets.ofGroup(groupId)
  if (topics === undefined) return !offsets.hasOpenTransactions(groupId)
  const since = retentionBase(scope, groupId)
  const isSubscribed = subscription(scope, groupId)!
  if (since === undefined) return false
  let isBare = true
  for (const [topic, partitions] of topics) {
    for (const [partition, offset] of partitions) {
      if (!isSubscribed(topic) && isExpired(scope, offset, since(offset)) && !offsets.hasPending(groupId, topic, partition)) records.push(offsetTombstone(groupId, topic, partition))
      else isBare = false
    }
  }
  return isBare && !offsets.hasOpenTransactions(groupId)
}

function isExpired(scope: GroupScope, { expireTimestampMs }: CommittedOffset, sinceMs: number): boolean {
  const nowMs = scope.nowMs()
  return expireTimestampMs === -1 ? nowMs - sinceMs >= scope.settings.offsetsRetentionMs : nowMs >= expireTimestampMs
}

/** From when retention counts; undefined: nothing of this group expires now. */
function retentionBase(scope: GroupScope, groupId: string): ((offset: CommittedOffset) => number) | undefined {
  const byCommit = ({ commitTimestampMs }: CommittedOffset): number => commitTimestampMs
  const group = scope.classic.find(groupId)
  if (group === undefined || group.protocolType === null) return byCommit
  if (group.isEmpty) return offset => (group.stateTimestampMs === -1 ? offset.commitTimestampMs : group.stateTimestampMs)
  return group.usesConsumerProtocol && group.subscribedTopics !== undefined && group.state === 'Stable' ? byCommit : undefined
}

function subscription(scope: GroupScope, groupId: string): ((topic: string) => boolean) | undefined {
  const consumerGroup = scope.state.consumerGroup(groupId)
  if (consumerGroup !== undefined) {
    const topics = consumerGroup.subscribedTopics()
    return topic => topics.has(topic)
  }
  const group = scope.classic.find(groupId)
  return group === undefined ? undefined : topic => group.isSubscribedTo(topic)
}

function isEmpty(scope: GroupScope, groupId: string): boolean {
  return scope.state.consumerGroup(groupId)?.isEmpty ?? scope.state.shareGroup(groupId)?.isEmpty ?? scope.classic.find(groupId)?.isEmpty ?? false
}

function tombstonesOf(scope: GroupScope, groupId: string): CoordinatorRecord[] {
  const consumerGroup = scope.state.consumerGroup(groupId)
  if (consumerGroup !== undefined) return groupTombstones(consumerGroup)
  const shareGroup = scope.state.shareGroup(groupId)
  return shareGroup === undefined ? [groupTombstone(groupId)] : shareGroupTombstones(shareGroup)
}
