/**
 * The record state of one share group (KIP-932; Kafka: ShareGroup, ShareGroupMember).
 *
 *   group epoch       bumped when a subscription, the metadata of a subscribed topic or what is initialized changes
 *   assignment epoch  group epoch that the target assignment was computed for
 *   member epoch      assignment epoch that a member has been told of; nothing need be given back first, as a partition may
 *                     be read by several members
 *
 * A partition is assigned when the share coordinator keeps its state: initializing, from when that was asked for, then
 * initialized.
 */
import type { ShareGroupStatePartitionMetadataValue } from '../../../protocol/generated/types.ts'
import { assignmentOf, NO_PARTITIONS } from '../consumer/assignment.ts'
import type { Assignment } from '../consumer/assignment.ts'

/** Exactly what its records say. Replaced, never changed. */
export interface ShareMember {
  readonly memberId: string
  readonly memberEpoch: number
  readonly previousMemberEpoch: number
  readonly rackId: string | null
  readonly clientId: string
  readonly clientHost: string
  /** Sorted. */
  readonly subscribedTopicNames: readonly string[]
  readonly assigned: Assignment
}

export type ShareGroupState = 'Empty' | 'Stable'

export function newShareMember(memberId: string): ShareMember {
  return { memberId, memberEpoch: 0, previousMemberEpoch: -1, rackId: null, clientId: '', clientHost: '', subscribedTopicNames: [], assigned: NO_PARTITIONS }
}

export class ShareGroup {
  readonly kind = 'share'
  readonly groupId: string
  groupEpoch = 0
  metadataHash = 0
  assignmentEpoch = 0
  /** In order of joining. */
  readonly members = new Map<string, ShareMember>()
  readonly targets = new Map<string, Assignment>()
  initializing: Assignment = NO_PARTITIONS
  initialized: Assignment = NO_PARTITIONS

  constructor(groupId: string) {
    this.groupId = groupId
  }

  get state(): ShareGroupState {
    return this.isEmpty ? 'Empty' : 'Stable'
  }

  get isEmpty(): boolean {
    return this.members.size === 0
  }

  target(memberId: string): Assignment {
    return this.targets.get(memberId) ?? NO_PARTITIONS
  }

  subscribedTopics(): Set<string> {
    const names = new Set<string>()
    for (const { subscribedTopicNames } of this.members.values()) for (const name of subscribedTopicNames) names.add(name)
    return names
  }

  setPartitions(value: ShareGroupStatePartitionMetadataValue | null): void {
    this.initializing = value === null ? NO_PARTITIONS : assignmentOf(value.initializingTopics)
    this.initialized = value === null ? NO_PARTITIONS : assignmentOf(value.initializedTopics)
  }
}
