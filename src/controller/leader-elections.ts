/**
 * Elections that somebody asks for (ElectLeaders) and those of the clock: preferred leaders and, where the topic allows
 * it, unclean leaders for partitions without one (Kafka: ReplicationControlManager#electLeaders,
 * #maybeBalancePartitionLeaders, #maybeElectUncleanLeaders).
 */
import { ApiError } from '../protocol/api-error.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { ElectLeadersRequest, ElectLeadersResponse } from '../protocol/generated/types.ts'
import type { ControllerState, LocatedPartition } from './controller-state.ts'
import { DecisionDraft } from './decision.ts'
import type { ControllerContext, Decision } from './decision.ts'
import { hasPreferredLeader, NO_LEADER } from './partition-image.ts'
import { changePartition, isUncleanEnabled, partitionsWithoutLeader } from './partition-updates.ts'

/** Most elections of one periodic run (MAX_ELECTIONS_PER_IMBALANCE). */
const MAX_ELECTIONS = 1_000
const PREFERRED = 0
const UNCLEAN = 1

/** @throws ApiError INVALID_REQUEST for an unknown election type */
export function electLeaders(
  state: ControllerState,
  context: ControllerContext,
  request: ElectLeadersRequest,
): Decision<ElectLeadersResponse> {
  const { electionType } = request
  if (electionType !== PREFERRED && electionType !== UNCLEAN) throw new ApiError(ErrorCode.INVALID_REQUEST, 'Unknown election type')
  const draft = new DecisionDraft()
  const results: ElectLeadersResponse['replicaElectionResults'] = []
  const result = (partitionId: number, errorCode: number) => ({ partitionId, errorCode, errorMessage: null })
  if (request.topicPartitions === null) {
    // Everything: partitions that need no election are not mentioned.
    for (const topic of state.image.topics.values()) {
      const partitionResult = [...topic.partitions.keys()]
        .map(index => result(index, electOne(state, context, draft, topic.name, index, electionType)))
        .filter(each => each.errorCode !== ErrorCode.ELECTION_NOT_NEEDED)
      results.push({ topic: topic.name, partitionResult })
    }
  } else {
    for (const { topic, partitions } of request.topicPartitions) {
      const partitionResult = partitions.map(index => result(index, electOne(state, context, draft, topic, index, electionType)))
      results.push({ topic, partitionResult })
    }
  }
  return draft.decide({ throttleTimeMs: 0, errorCode: ErrorCode.NONE, replicaElectionResults: results })
}

/** Drafts a preferred election for every partition that is led by another replica. `true`: there may be more. */
export function balanceLeaders(state: ControllerState, context: ControllerContext): Decision<boolean> {
  const draft = new DecisionDraft()
  for (const located of state.partitions()) {
    if (draft.records.length >= MAX_ELECTIONS) break
    if (hasPreferredLeader(located.partition)) continue
    elect(state, context, draft, located, PREFERRED)
  }
  return draft.decide(draft.records.length >= MAX_ELECTIONS)
}

/** Drafts an unclean election for partitions without leader whose topics allow it. `true`: there may be more. */
export function electUncleanLeaders(state: ControllerState, context: ControllerContext): Decision<boolean> {
  const draft = new DecisionDraft()
  for (const located of partitionsWithoutLeader(state)) {
    if (draft.records.length >= MAX_ELECTIONS) break
    if (isUncleanEnabled(state, context, located.topic.name)) elect(state, context, draft, located, UNCLEAN)
  }
  return draft.decide(draft.records.length >= MAX_ELECTIONS)
}

function electOne(
  state: ControllerState,
  context: ControllerContext,
  draft: DecisionDraft,
  topicName: string,
  index: number,
  electionType: number,
): number {
  const topic = state.image.topicByName(topicName)
  const partition = topic?.partitions.get(index)
  if (topic === undefined || partition === undefined) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
  const isNeeded = electionType === PREFERRED ? !hasPreferredLeader(partition) : partition.leader === NO_LEADER
  if (!isNeeded) return ErrorCode.ELECTION_NOT_NEEDED
  if (elect(state, context, draft, { topic, index, partition }, electionType)) return ErrorCode.NONE
  return electionType === PREFERRED ? ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE : ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE
}

function elect(state: ControllerState, context: ControllerContext, draft: DecisionDraft, located: LocatedPartition, electionType: number): boolean {
  const change = changePartition(state, context, located, { election: electionType === PREFERRED ? 'preferred' : 'unclean' })
  if (change === undefined) return false
  draft.addPartitionChange(located.topic, located.index, located.partition, change)
  return true
}
