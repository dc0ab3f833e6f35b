/**
 * What an admin asks about consumer groups (KafkaAdminClient#listGroups, #describeConsumerGroups, #deleteConsumerGroups,
 * #listConsumerGroupOffsets, #alterConsumerGroupOffsets, #deleteConsumerGroupOffsets). Each is asked of the group's
 * coordinator, lists of every broker.
 */
import { partitionName } from '../base/partition-name.ts'
import type { Task } from '../base/task.ts'
import { ApiKey } from '../protocol/api-keys.ts'
import type {
  ConsumerGroupDescribeResponse, DeleteGroupsResponse, DescribeGroupsResponse, ListGroupsResponse, OffsetCommitResponse, OffsetDeleteResponse, OffsetFetchResponse,
} from '../protocol/generated/types.ts'
import type { AdminCall, AdminCaller, AdminResult } from './admin-call.ts'
import type { BrokerRpc } from './broker-rpc.ts'
import type { ClusterMetadata } from './cluster-metadata.ts'
import { CoordinatorLocations } from './coordinator-locations.ts'
import type { CommittedOffset } from './group/committed-offsets.ts'
import { decodeAssignment } from './group/consumer-protocol.ts'
import type { OffsetToCommit } from './group/group-metadata.ts'
import { byTopic, nameOf } from './topic-partition.ts'
import type { TopicPartition } from './topic-partition.ts'

export interface ListedGroup {
  readonly groupId: string
  readonly protocolType: string
  /** Kafka's names: Empty, Stable, Assigning, ... */
  readonly state: string
  /** Kafka's names: Classic, Consumer, Share. */
  readonly type: string
}

export interface GroupDescription {
  readonly groupId: string
  readonly type: 'classic' | 'consumer'
  readonly state: string
  /** Assignor; empty when there is none. */
  readonly assignor: string
  readonly members: readonly {
    readonly memberId: string
    readonly groupInstanceId: string | null
    readonly clientId: string
    readonly assignment: readonly TopicPartition[]
  }[]
}

/** Names of topics and versions up to here: later ones take topic ids. */
const NAMES_VERSION = 9

export class GroupAdmin {
  private readonly metadata: ClusterMetadata
  private readonly caller: AdminCaller
  private readonly coordinators: CoordinatorLocations

  constructor(rpc: BrokerRpc, metadata: ClusterMetadata, caller: AdminCaller) {
    this.metadata = metadata
    this.caller = caller
    this.coordinators = new CoordinatorLocations('group', rpc, metadata)
  }

  /** Of each broker, by id: the groups that it coordinates. */
  *list(brokerIds: readonly number[]): Task<AdminResult<readonly ListedGroup[]>[]> {
    const call: AdminCall<number, readonly ListedGroup[]> = {
      apiKey: ApiKey.ListGroups, isChange: false, retriesErrors: true,
      // Each broker is asked by itself, so there is one item a request.
      nameOf: String,
      node: id => this.metadata.node(id),
      request: () => ({ statesFilter: [], typesFilter: [] }),
      *answers({ errorCode, groups }: ListGroupsResponse, [id]: readonly number[]) {
        yield { name: String(id), errorCode, value: groups.map(({ groupId, protocolType, groupState, groupType }) => ({ groupId, protocolType, state: groupState, type: groupType })) }
      },
    }
    return yield* this.caller.run(call, brokerIds)
  }

  /** As KIP-848 groups, and those that are none as classic groups (DescribeConsumerGroupsHandler). */
  *describe(groupIds: readonly string[]): Task<AdminResult<GroupDescription>[]> {
    const routing = this.coordinators.routing<string>(id => id, id => id)
    const asConsumer: AdminCall<string, GroupDescription> = {
      ...routing, apiKey: ApiKey.ConsumerGroupDescribe, isChange: false, retriesErrors: true,
      request: ids => ({ groupIds: ids, includeAuthorizedOperations: false }),
      *answers({ groups }: ConsumerGroupDescribeResponse) {
        for (const { errorCode, groupId, groupState, assignorName, members } of groups) {
          yield {
            name: groupId, errorCode,
            value: {
              groupId, type: 'consumer', state: groupState, assignor: assignorName,
              members: members.map(({ memberId, instanceId, clientId, assignment }) => ({
                memberId, groupInstanceId: instanceId, clientId,
                assignment: assignment.topicPartitions.flatMap(({ topicName, partitions }) => partitions.map(partition => ({ topic: topicName, partition }))),
              })),
            },
          }
        }
      },
    }
    const asClassic: AdminCall<string, GroupDescription> = {
      ...routing, apiKey: ApiKey.DescribeGroups, isChange: false, retriesErrors: true,
      request: ids => ({ groups: ids, includeAuthorizedOperations: false }),
      *answers({ groups }: DescribeGroupsResponse) {
        for (const { errorCode, groupId, groupState, protocolData, members } of groups) {
          yield {
            name: groupId, errorCode,
            value: {
              groupId, type: 'classic', state: groupState, assignor: protocolData,
              members: members.map(({ memberId, groupInstanceId, clientId, memberAssignment }) => ({ memberId, groupInstanceId, clientId, assignment: decodeAssignment(memberAssignment) })),
            },
          }
        }
      },
    }
    const results = yield* this.caller.run(asConsumer, groupIds)
    const others = groupIds.filter((_, index) => {
      const result = results[index]!
      return !result.ok && (result.error === 'GROUP_ID_NOT_FOUND' || result.error === 'UNSUPPORTED_VERSION')
    })
    const classic = new Map<string, AdminResult<GroupDescription>>()
    for (const [index, result] of (yield* this.caller.run(asClassic, others)).entries()) classic.set(others[index]!, result)
    return results.map((result, index) => classic.get(groupIds[index]!) ?? result)
  }

  /** Only groups without members can be deleted. */
  *delete(groupIds: readonly string[]): Task<AdminResult[]> {
    const call: AdminCall<string, null> = {
      ...this.coordinators.routing<string>(id => id, id => id), apiKey: ApiKey.DeleteGroups, isChange: true, retriesErrors: true,
      request: ids => ({ groupsNames: ids }),
      *answers({ results }: DeleteGroupsResponse) {
        for (const { groupId, errorCode } of results) yield { name: groupId, errorCode, value: null }
      },
    }
    return yield* this.caller.run(call, groupIds)
  }

  /** By partition name; `requireStable` waits for transactions that are not decided. */
  *listOffsets(groupId: string, requireStable = false): Task<AdminResult<ReadonlyMap<string, CommittedOffset>>> {
    const call: AdminCall<string, ReadonlyMap<string, CommittedOffset>> = {
      ...this.coordinators.routing<string>(id => id, id => id), apiKey: ApiKey.OffsetFetch, version: NAMES_VERSION, isChange: false, retriesErrors: true,
      request: () => ({ groupId, requireStable, topics: null, groups: [{ groupId, memberId: null, memberEpoch: -1, topics: null }] }),
      *answers({ groups }: OffsetFetchResponse) {
        for (const group of groups) {
          const offsets = new Map<string, CommittedOffset>()
          let errorCode = group.errorCode
          for (const { name, partitions } of group.topics) {
            for (const partition of partitions) {
              if (partition.errorCode !== 0) errorCode = partition.errorCode
              else if (partition.committedOffset >= 0) {
                offsets.set(partitionName(name, partition.partitionIndex), { offset: partition.committedOffset, leaderEpoch: partition.committedLeaderEpoch, metadata: partition.metadata ?? '' })
              }
            }
          }
          yield { name: group.groupId, errorCode, value: offsets }
        }
      },
    }
    return (yield* this.caller.run(call, [groupId]))[0]!
  }

  /** Commits for a group without members. */
  *alterOffsets(groupId: string, offsets: readonly OffsetToCommit[]): Task<AdminResult[]> {
    const call: AdminCall<OffsetToCommit, null> = {
      ...this.coordinators.routing<OffsetToCommit>(nameOf, () => groupId), apiKey: ApiKey.OffsetCommit, version: NAMES_VERSION, isChange: true, retriesErrors: true,
      request: items => ({
        groupId, generationIdOrMemberEpoch: -1, memberId: '', groupInstanceId: null,
        topics: byTopic(items, ({ partition, offset, leaderEpoch = -1, metadata = '' }) => (
          { partitionIndex: partition, committedOffset: offset, committedLeaderEpoch: leaderEpoch, committedMetadata: metadata }
        )).map(([name, partitions]) => ({ name, partitions })),
      }),
      *answers({ topics }: OffsetCommitResponse) {
        for (const { name, partitions } of topics) {
          for (const { partitionIndex, errorCode } of partitions) yield { name: partitionName(name, partitionIndex), errorCode, value: null }
        }
      },
    }
    return yield* this.caller.run(call, offsets)
  }

  /** Forgets committed offsets of topics that no member subscribes to. */
  *deleteOffsets(groupId: string, partitions: readonly TopicPartition[]): Task<AdminResult[]> {
    const call: AdminCall<TopicPartition, null> = {
      ...this.coordinators.routing<TopicPartition>(nameOf, () => groupId), apiKey: ApiKey.OffsetDelete, isChange: true, retriesErrors: true,
      request: items => ({ groupId, topics: byTopic(items, ({ partition }) => ({ partitionIndex: partition })).map(([name, indexes]) => ({ name, partitions: indexes })) }),
      overallError: ({ errorCode }: OffsetDeleteResponse) => errorCode,
      *answers({ topics }: OffsetDeleteResponse) {
        for (const topic of topics) {
          for (const { partitionIndex, errorCode } of topic.partitions) yield { name: partitionName(topic.name, partitionIndex), errorCode, value: null }
        }
      },
    }
    return yield* this.caller.run(call, partitions)
  }
}
