/**
 * OffsetCommit and TxnOffsetCommit (OffsetMetadataManager#commitOffset, #commitTransactionalOffset). A transactional commit is
 * the same records in a transactional batch: they count when the marker says so.
 */
import { ErrorCode } from '../../../protocol/errors.ts'
import type { OffsetCommitRequest, OffsetCommitResponse, TxnOffsetCommitRequest, TxnOffsetCommitResponse } from '../../../protocol/generated/types.ts'
import type { Draft } from '../../../protocol/codec.ts'
import { ZERO_UUID } from '../../../protocol/uuid.ts'
import { coordinatorRecord } from '../../coordinator-record.ts'
import type { CoordinatorRecord } from '../../coordinator-record.ts'
import type { Decision } from '../../runtime/coordinator-runtime.ts'
import { scheduleHeartbeat } from '../classic/rebalance.ts'
import type { Sender } from '../classic/messages.ts'
import type { GroupScope } from '../group-shard.ts'
import { validateCommit } from './validate-commit.ts'

/** Version 1 alone holds when an offset expires; 4 the topic id. */
const EXPIRING_VALUE_VERSION = 1
const VALUE_VERSION = 3
const TOPIC_ID_VALUE_VERSION = 4
const DEFAULT_RETENTION = -1

interface Committed {
  readonly partitionIndex: number
  readonly committedOffset: number
  readonly committedLeaderEpoch: number
  readonly committedMetadata: string | null
}

interface CommittedTopic {
  readonly name: string
  readonly topicId?: string
  readonly partitions: readonly Committed[]
}

/** @throws ApiError see validateCommit */
export function commitOffsets(scope: GroupScope, sender: Sender, request: OffsetCommitRequest): Decision<Draft<OffsetCommitResponse>> {
  const { groupId, memberId, groupInstanceId, generationIdOrMemberEpoch } = request
  validateCommit(scope, { groupId, memberId, groupInstanceId, generationId: generationIdOrMemberEpoch, isTransactional: false, apiVersion: sender.apiVersion }, partitionsOf(scope, request.topics))
  // Committing is a sign of life.
  const group = scope.classic.find(groupId)
  const member = group?.members.get(memberId)
  if (group !== undefined && member !== undefined && (group.state === 'Stable' || group.state === 'PreparingRebalance')) scheduleHeartbeat(scope, group, member)
  return decide(scope, groupId, request.topics, request.retentionTimeMs)
}

/** @throws ApiError see validateCommit */
export function commitTransactionalOffsets(scope: GroupScope, sender: Sender, request: TxnOffsetCommitRequest): Decision<Draft<TxnOffsetCommitResponse>> {
  const { groupId, memberId, groupInstanceId, generationId } = request
  validateCommit(scope, { groupId, memberId, groupInstanceId, generationId, isTransactional: true, apiVersion: sender.apiVersion }, partitionsOf(scope, request.topics))
  return decide(scope, groupId, request.topics, DEFAULT_RETENTION)
}

function partitionsOf(scope: GroupScope, topics: readonly CommittedTopic[]): { topicId: string | undefined; partition: number }[] {
  return topics.flatMap(({ name, topicId, partitions }) => {
    const id = topicId === undefined || topicId === ZERO_UUID ? scope.image.topicIds.get(name) : topicId
    return partitions.map(({ partitionIndex }) => ({ topicId: id, partition: partitionIndex }))
  })
}

function decide(scope: GroupScope, groupId: string, topics: readonly CommittedTopic[], retentionMs: number): Decision<Draft<OffsetCommitResponse>> {
  const nowMs = scope.nowMs()
  if (scope.isInherited) scope.mark('offset-commit-after-failover')
  scope.isInherited = false
  const records: CoordinatorRecord[] = []
  const answers = topics.map(topic => ({
    name: topic.name,
    topicId: topic.topicId ?? ZERO_UUID,
    partitions: topic.partitions.map(partition => {
      const { partitionIndex } = partition
      if ((partition.committedMetadata?.length ?? 0) > scope.settings.offsetMetadataMaxBytes) return { partitionIndex, errorCode: ErrorCode.OFFSET_METADATA_TOO_LARGE }
      records.push(offsetRecord(groupId, topic, partition, nowMs, retentionMs))
      return { partitionIndex, errorCode: ErrorCode.NONE }
    }),
  }))
  return { records, response: { topics: answers } }
}

function offsetRecord(groupId: string, { name, topicId = ZERO_UUID }: CommittedTopic, partition: Committed, nowMs: number, retentionMs: number): CoordinatorRecord {
  const version = retentionMs !== DEFAULT_RETENTION ? EXPIRING_VALUE_VERSION : topicId === ZERO_UUID ? VALUE_VERSION : TOPIC_ID_VALUE_VERSION
  const value = { offset: partition.committedOffset, metadata: partition.committedMetadata ?? '', commitTimestamp: nowMs }
  return coordinatorRecord('OffsetCommit', { group: groupId, topic: name, partition: partition.partitionIndex }, {
    ...value,
    ...(version === EXPIRING_VALUE_VERSION ? { expireTimestamp: nowMs + retentionMs } : { leaderEpoch: partition.committedLeaderEpoch }),
    ...(version === TOPIC_ID_VALUE_VERSION ? { topicId } : {}),
  }, version)
}

export function offsetTombstone(groupId: string, topic: string, partition: number): CoordinatorRecord {
  return coordinatorRecord('OffsetCommit', { group: groupId, topic, partition }, null)
}
