/**
 * What the records of one partition of `__consumer_offsets` make (Kafka: the replay methods of GroupCoordinatorShard,
 * GroupMetadataManager and OffsetMetadataManager): groups of all types and committed offsets. Nothing else changes it.
 *
 * Of a classic group it keeps the last record; the live group is soft state (see ClassicGroups). An offset of a group that
 * nothing else is known of makes a simple group: an empty classic one without a protocol.
 */
import { invariant, unreachable } from '../../base/assert.ts'
import type { GroupMetadataValue } from '../../protocol/generated/types.ts'
import type { CoordinatorRecord, CoordinatorRecordKey, CoordinatorRecordType, CoordinatorRecordValue } from '../coordinator-record.ts'
import type { RecordPosition } from '../load-state.ts'
import type { CoordinatorState } from '../runtime/shard.ts'
import { assignmentOf } from './consumer/assignment.ts'
import { ConsumerGroup } from './consumer/consumer-group.ts'
import { LEAVE_EPOCH, newMember, withCurrentAssignment, withMetadata, withoutAssignment } from './consumer/consumer-member.ts'
import { describeState, digestAround, digestOfOffsets } from './describe-state.ts'
import { OffsetStore } from './offsets/offset-store.ts'
import { ShareGroup } from './share/share-group.ts'
import { applyToShareGroup } from './share/share-records.ts'
import type { ShareGroupRecord } from './share/share-records.ts'

/** One object for the whole life of a group; its value is replaced by each record. */
export interface ClassicRecord {
  readonly kind: 'classic'
  value: GroupMetadataValue
}

export type GroupRecord = ClassicRecord | ConsumerGroup | ShareGroup

type Key<T extends CoordinatorRecordType> = CoordinatorRecordKey<T>
type Value<T extends CoordinatorRecordType> = CoordinatorRecordValue<T> | null

export class GroupState implements CoordinatorState {
  readonly groups = new Map<string, GroupRecord>()
  readonly offsets = new OffsetStore()

  /** Of all that is in it: equal states have equal digests, however they came about. */
  private sum = 0

  get digest(): number {
    return this.sum >>> 0
  }

  replay(record: CoordinatorRecord, at: RecordPosition): void {
    const before = digestAround(this, record)
    this.apply(record, at)
    this.sum = (this.sum - before + digestAround(this, record)) | 0
  }

  private apply(record: CoordinatorRecord, at: RecordPosition): void {
    switch (record.type) {
      case 'OffsetCommit': return this.replayOffset(record.key, record.value, at)
      case 'GroupMetadata': return this.replayClassic(record.key.group, record.value)
      case 'ConsumerGroupMetadata': return this.replayGroup(record.key, record.value)
      case 'ConsumerGroupMemberMetadata': return this.replayMember(record.key, record.value)
      case 'ConsumerGroupCurrentMemberAssignment': return this.replayCurrentAssignment(record.key, record.value)
      case 'ConsumerGroupTargetAssignmentMember': return this.replayTarget(record.key, record.value)
      case 'ConsumerGroupTargetAssignmentMetadata': return this.replayTargetEpoch(record.key, record.value)
      case 'ConsumerGroupRegularExpression': return this.replayRegex(record.key, record.value)
      case 'ShareGroupCurrentMemberAssignment': case 'ShareGroupMemberMetadata': case 'ShareGroupMetadata': case 'ShareGroupStatePartitionMetadata':
      case 'ShareGroupTargetAssignmentMember': case 'ShareGroupTargetAssignmentMetadata':
        return this.replayShare(record)
      case 'ShareSnapshot': case 'ShareUpdate': case 'TransactionLog':
        invariant(false, `${record.type} has no place among the records of groups`)
      // falls through: the line above throws
      default: unreachable(record)
    }
  }

  replayEndTransaction(producerId: number, _producerEpoch: number, commit: boolean, _offset: number): void {
    const partitions = this.offsets.pendingOf(producerId)
    const before = digestOfOffsets(this, partitions)
    this.offsets.endTransaction(producerId, commit)
    this.sum = (this.sum - before + digestOfOffsets(this, partitions)) | 0
  }

  consumerGroup(groupId: string): ConsumerGroup | undefined {
    const group = this.groups.get(groupId)
    return group?.kind === 'consumer' ? group : undefined
  }

  shareGroup(groupId: string): ShareGroup | undefined {
    const group = this.groups.get(groupId)
    return group?.kind === 'share' ? group : undefined
  }

  private replayShare(record: ShareGroupRecord): void {
    const { groupId } = record.key
    const known = this.shareGroup(groupId)
    if (record.type === 'ShareGroupMetadata' && record.value === null) {
      invariant(known === undefined || known.members.size === 0, `group ${groupId} goes when its members have gone`)
      if (known !== undefined) this.groups.delete(groupId)
      return
    }
    if (known === undefined && record.value === null) return
    const group = known ?? new ShareGroup(groupId)
    if (known === undefined) {
      invariant(!this.groups.has(groupId), `group ${groupId} does not become a share group`)
      this.groups.set(groupId, group)
    }
    applyToShareGroup(group, record)
  }

  private replayOffset(key: Key<'OffsetCommit'>, value: Value<'OffsetCommit'>, at: RecordPosition): void {
    const { group, topic, partition } = key
    if (value === null) {
      this.offsets.remove(group, topic, partition)
      return
    }
    if (!this.groups.has(group)) this.groups.set(group, { kind: 'classic', value: SIMPLE_GROUP })
    this.offsets.put(group, topic, partition, value, at)
  }

  private replayClassic(groupId: string, value: GroupMetadataValue | null): void {
    const group = this.groups.get(groupId)
    if (value === null) {
      if (group?.kind === 'classic') this.groups.delete(groupId)
      return
    }
    if (group?.kind === 'classic') group.value = value
    else this.groups.set(groupId, { kind: 'classic', value })
  }

  private replayGroup({ groupId }: Key<'ConsumerGroupMetadata'>, value: Value<'ConsumerGroupMetadata'>): void {
    if (value === null) {
      const group = this.consumerGroup(groupId)
      if (group === undefined) return
      invariant(group.members.size === 0 && group.targets.size === 0, `group ${groupId} goes when its members have gone`)
      this.groups.delete(groupId)
      return
    }
    const group = this.made(groupId)
    group.groupEpoch = value.epoch
    group.metadataHash = value.metadataHash
  }

  private replayMember({ groupId, memberId }: Key<'ConsumerGroupMemberMetadata'>, value: Value<'ConsumerGroupMemberMetadata'>): void {
    if (value !== null) {
      const group = this.made(groupId)
      group.put(withMetadata(group.members.get(memberId) ?? newMember(memberId), value))
      return
    }
    const group = this.consumerGroup(groupId)
    const member = group?.members.get(memberId)
    if (group === undefined || member === undefined) return
    invariant(member.memberEpoch === LEAVE_EPOCH && !group.targets.has(memberId), `the assignments of ${memberId} go before it does`)
    group.remove(memberId)
  }

  private replayCurrentAssignment({ groupId, memberId }: Key<'ConsumerGroupCurrentMemberAssignment'>, value: Value<'ConsumerGroupCurrentMemberAssignment'>): void {
    if (value !== null) {
      const group = this.made(groupId)
      group.put(withCurrentAssignment(group.members.get(memberId) ?? newMember(memberId), value))
      return
    }
    const group = this.consumerGroup(groupId)
    const member = group?.members.get(memberId)
    if (member !== undefined) group!.put(withoutAssignment(member))
  }

  private replayTarget({ groupId, memberId }: Key<'ConsumerGroupTargetAssignmentMember'>, value: Value<'ConsumerGroupTargetAssignmentMember'>): void {
    if (value === null) this.consumerGroup(groupId)?.targets.delete(memberId)
    else this.made(groupId).targets.set(memberId, assignmentOf(value.topicPartitions))
  }

  private replayTargetEpoch({ groupId }: Key<'ConsumerGroupTargetAssignmentMetadata'>, value: Value<'ConsumerGroupTargetAssignmentMetadata'>): void {
    const group = value === null ? this.consumerGroup(groupId) : this.made(groupId)
    if (group === undefined) return
    group.assignmentEpoch = value?.assignmentEpoch ?? -1
    group.assignmentTimestampMs = value?.assignmentTimestamp ?? 0
  }

  private replayRegex({ groupId, regularExpression }: Key<'ConsumerGroupRegularExpression'>, value: Value<'ConsumerGroupRegularExpression'>): void {
    if (value === null) this.consumerGroup(groupId)?.regexes.delete(regularExpression)
    else this.made(groupId).regexes.set(regularExpression, { topics: value.topics, version: value.version, timestampMs: value.timestamp })
  }

  /** The KIP-848 group of that id; one of offsets only gives way to it. */
  private made(groupId: string): ConsumerGroup {
    const known = this.groups.get(groupId)
    if (known?.kind === 'consumer') return known
    // A group that offsets alone have made, as after compaction, turns out to be of the new protocol.
    invariant(known === undefined || (known.kind === 'classic' && known.value.members.length === 0), `group ${groupId} changes its protocol when it is empty`)
    const group = new ConsumerGroup(groupId)
    this.groups.set(groupId, group)
    return group
  }

  /** As text, in an order that does not depend on how the state came about: for comparing two states. */
  describe(): string[] {
    return describeState(this)
  }
}

const SIMPLE_GROUP: GroupMetadataValue = { protocolType: '', generation: 0, protocol: null, leader: null, currentStateTimestamp: -1, members: [] }
