/**
 * AlterPartition: a leader proposes a new ISR (Kafka: ReplicationControlManager#alterPartition, #validateAlterPartitionData;
 * KIP-497, KIP-841, KIP-903).
 *
 *   checked in this order                                                 | error
 *   ----------------------------------------------------------------------|---------------------------
 *   the sender's broker epoch (whole request)                             | STALE_BROKER_EPOCH
 *   the topic id, the partition                                           | UNKNOWN_TOPIC_ID, UNKNOWN_TOPIC_OR_PARTITION
 *   a leader epoch or partition epoch above ours: we are deposed          | NOT_CONTROLLER
 *   a leader epoch below ours                                             | FENCED_LEADER_EPOCH
 *   the sender leads                                                      | INVALID_REQUEST
 *   a partition epoch below ours                                          | INVALID_UPDATE_VERSION
 *   the ISR: distinct replicas, with the leader                           | INVALID_REQUEST
 *   RECOVERING with more than one member, or after RECOVERED              | INVALID_REQUEST
 *   a member that is fenced, leaving, or of another incarnation           | INELIGIBLE_REPLICA
 *
 * A change that completes a reassignment may move the leadership away from the sender, which is told NEW_LEADER_ELECTED
 * although the records are written.
 */
import type { Defects } from '../config/defects.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type {
  AlterPartitionRequest, AlterPartitionRequestBrokerState, AlterPartitionRequestPartitionData, AlterPartitionResponse,
  AlterPartitionResponsePartitionData,
} from '../protocol/generated/types.ts'
import { checkBrokerEpoch } from './broker-lifecycle.ts'
import { mayJoinIsr } from './broker-registration.ts'
import type { ControllerState, LocatedPartition } from './controller-state.ts'
import { DecisionDraft } from './decision.ts'
import type { ControllerContext, Decision } from './decision.ts'
import type { PartitionImage, TopicImage } from './metadata-image.ts'
import { mergePartition, NO_LEADER_CHANGE, recoveryStateOf, recoveryStateValue } from './partition-image.ts'
import { changePartition } from './partition-updates.ts'

/** The epoch of a broker that does not know its followers' epochs: not checked. */
const UNKNOWN_BROKER_EPOCH = -1

/** @throws ApiError STALE_BROKER_EPOCH */
export function alterPartition(
  state: ControllerState,
  context: ControllerContext,
  request: AlterPartitionRequest,
): Decision<AlterPartitionResponse> {
  checkBrokerEpoch(state, context.defects, request.brokerId, request.brokerEpoch)
  const draft = new DecisionDraft()
  const topics: AlterPartitionResponse['topics'] = []
  for (const { topicId, partitions } of request.topics) {
    const topic = state.image.topics.get(topicId)
    topics.push({
      topicId,
      partitions: partitions.map(data => {
        if (topic === undefined) return rejection(data.partitionIndex, ErrorCode.UNKNOWN_TOPIC_ID)
        return alterOne(state, context, draft, topic, request.brokerId, data)
      }),
    })
  }
  return draft.decide({ throttleTimeMs: 0, errorCode: ErrorCode.NONE, topics })
}

function alterOne(
  state: ControllerState,
  context: ControllerContext,
  draft: DecisionDraft,
  topic: TopicImage,
  brokerId: number,
  data: AlterPartitionRequestPartitionData,
): AlterPartitionResponsePartitionData {
  const index = data.partitionIndex
  const partition = topic.partitions.get(index)
  const members = membersOf(data)
  const errorCode = partition === undefined
    ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    : validateAlterPartition(state, context.defects, brokerId, partition, data, members)
  if (partition === undefined || errorCode !== ErrorCode.NONE) {
    draft.observations.push({ kind: 'alter-partition-rejected', topicId: topic.id, topic: topic.name, partition: index, brokerId, errorCode })
    return rejection(index, errorCode)
  }
  const located: LocatedPartition = { topic, index, partition }
  const change = changePartition(state, context, located, {
    isr: members.map(member => member.brokerId),
    leaderRecoveryState: recoveryStateOf(data.leaderRecoveryState),
  })
  if (change === undefined) return success(index, partition)
  draft.addPartitionChange(topic, index, partition, change)
  if (change.leader !== NO_LEADER_CHANGE && change.leader !== brokerId) return rejection(index, ErrorCode.NEW_LEADER_ELECTED)
  return success(index, change.record.type === 'PartitionChangeRecord' ? mergePartition(partition, change.record.data) : partition)
}

/** Exported for tests. Returns an error code. */
export function validateAlterPartition(
  state: ControllerState,
  defects: Defects,
  brokerId: number,
  partition: PartitionImage,
  data: AlterPartitionRequestPartitionData,
  members: readonly AlterPartitionRequestBrokerState[],
): number {
  if (data.leaderEpoch > partition.leaderEpoch) return ErrorCode.NOT_CONTROLLER
  if (data.partitionEpoch > partition.partitionEpoch) return ErrorCode.NOT_CONTROLLER
  if (data.leaderEpoch < partition.leaderEpoch) return ErrorCode.FENCED_LEADER_EPOCH
  if (brokerId !== partition.leader) return ErrorCode.INVALID_REQUEST
  if (data.partitionEpoch < partition.partitionEpoch) return ErrorCode.INVALID_UPDATE_VERSION

  const isr = members.map(member => member.brokerId)
  if (new Set(isr).size !== isr.length || isr.some(id => !partition.replicas.includes(id))) return ErrorCode.INVALID_REQUEST
  if (!isr.includes(partition.leader)) return ErrorCode.INVALID_REQUEST
  const recovering = recoveryStateOf(data.leaderRecoveryState) === 'RECOVERING'
  if (recovering && isr.length > 1) return ErrorCode.INVALID_REQUEST
  if (recovering && partition.leaderRecoveryState === 'RECOVERED') return ErrorCode.INVALID_REQUEST
  return members.every(member => isEligibleForIsr(state, defects, member)) ? ErrorCode.NONE : ErrorCode.INELIGIBLE_REPLICA
}

function isEligibleForIsr(state: ControllerState, defects: Defects, member: AlterPartitionRequestBrokerState): boolean {
  const broker = state.image.brokers.get(member.brokerId)
  if (broker === undefined || !mayJoinIsr(defects, broker)) return false
  return member.brokerEpoch === UNKNOWN_BROKER_EPOCH || member.brokerEpoch === broker.brokerEpoch // KIP-903
}

/** Version 2 carries bare ids, version 3 ids with epochs. */
function membersOf(data: AlterPartitionRequestPartitionData): readonly AlterPartitionRequestBrokerState[] {
  if (data.newIsrWithEpochs.length > 0 || data.newIsr.length === 0) return data.newIsrWithEpochs
  return data.newIsr.map(brokerId => ({ brokerId, brokerEpoch: UNKNOWN_BROKER_EPOCH }))
}

function rejection(partitionIndex: number, errorCode: number): AlterPartitionResponsePartitionData {
  return { partitionIndex, errorCode, leaderId: 0, leaderEpoch: 0, isr: [], leaderRecoveryState: 0, partitionEpoch: 0 }
}

function success(partitionIndex: number, partition: PartitionImage): AlterPartitionResponsePartitionData {
  return {
    partitionIndex,
    errorCode: ErrorCode.NONE,
    leaderId: partition.leader,
    leaderEpoch: partition.leaderEpoch,
    isr: [...partition.isr],
    leaderRecoveryState: recoveryStateValue(partition.leaderRecoveryState),
    partitionEpoch: partition.partitionEpoch,
  }
}
