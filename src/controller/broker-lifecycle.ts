/**
 * Registration, fencing, unfencing, controlled shutdown and removal of brokers (Kafka: ClusterControlManager,
 * ReplicationControlManager#handleBroker*, #processBrokerHeartbeat).
 *
 *   event                                       | records, in this order
 *   --------------------------------------------|-------------------------------------------------------------------
 *   a new incarnation registers, clean shutdown | it leaves all ISRs (as if fenced); RegisterBroker, fenced
 *   a new incarnation registers, unclean, ELR   | it leaves all ISRs and ELRs; RegisterBroker, fenced
 *   the same incarnation registers again        | RegisterBroker with the same epoch, fenced as before
 *   unfenced                                    | RegistrationChange; elections for partitions without leader
 *   session expired, wants fence, may exit      | it leaves leaderships and ISRs; RegistrationChange
 *   wants a controlled shutdown                 | RegistrationChange; it leaves leaderships and ISRs
 *
 * A shutdown was clean if the epoch that the broker read from its clean-shutdown file is the registered one. The broker
 * epoch is the offset of the batch's first record, not of the registration itself.
 */
import type { Defects } from '../config/defects.ts'
import { ApiError } from '../protocol/api-error.ts'
import { ErrorCode } from '../protocol/errors.ts'
import { metadataRecord } from '../protocol/metadata-records.ts'
import type {
  BrokerHeartbeatRequest, BrokerHeartbeatResponse, BrokerRegistrationRequest, BrokerRegistrationResponse,
  UnregisterBrokerRequest, UnregisterBrokerResponse,
} from '../protocol/generated/types.ts'
import type { ControllerState } from './controller-state.ts'
import { DecisionDraft } from './decision.ts'
import type { ControllerContext, Decision } from './decision.ts'
import { checkBrokerFeatures } from './features.ts'
import type { BrokerRegistration } from './metadata-image.ts'
import { partitionsWithInElr, partitionsWithInIsr, partitionsWithoutLeader, updateLeadersAndIsrs } from './partition-updates.ts'

const FENCE = 1
const UNFENCE = -1

/** @throws ApiError STALE_BROKER_EPOCH */
export function checkBrokerEpoch(state: ControllerState, defects: Defects, brokerId: number, brokerEpoch: number): BrokerRegistration {
  const broker = state.image.brokers.get(brokerId)
  const isOfThisLife = defects.has('KIP-380') ? true : broker?.brokerEpoch === brokerEpoch
  if (broker === undefined || !isOfThisLife) throw new ApiError(ErrorCode.STALE_BROKER_EPOCH)
  return broker
}

/** @throws ApiError INCONSISTENT_CLUSTER_ID, DUPLICATE_BROKER_REGISTRATION, INVALID_REGISTRATION, UNSUPPORTED_VERSION */
export function registerBroker(
  state: ControllerState,
  context: ControllerContext,
  request: BrokerRegistrationRequest,
): Decision<BrokerRegistrationResponse> {
  const { brokerId } = request
  if (request.clusterId !== context.clusterId) throw new ApiError(ErrorCode.INCONSISTENT_CLUSTER_ID)
  const existing = state.image.brokers.get(brokerId)
  const isSameIncarnation = existing?.incarnationId === request.incarnationId
  if (existing !== undefined && !isSameIncarnation && context.heartbeats.hasValidSession(brokerId, existing.brokerEpoch, context.now)) {
    throw new ApiError(ErrorCode.DUPLICATE_BROKER_REGISTRATION)
  }
  checkLogDirs(state, request)
  checkBrokerFeatures(state.image.features, request.features)

  const draft = new DecisionDraft()
  let brokerEpoch = context.nextWriteOffset
  let fenced = true
  let inControlledShutdown = false
  if (isSameIncarnation && existing !== undefined) {
    ({ brokerEpoch, fenced, inControlledShutdown } = existing)
  } else {
    const isCleanShutdown = context.defects.has('KIP-966') ? true : request.previousBrokerEpoch === (existing?.brokerEpoch ?? NEVER_REGISTERED)
    removeDeadIncarnation(state, context, draft, brokerId, isCleanShutdown)
    draft.observations.push({ kind: 'broker-registered', brokerId, brokerEpoch, unclean: !isCleanShutdown })
  }
  draft.records.push(metadataRecord('RegisterBrokerRecord', {
    brokerId,
    incarnationId: request.incarnationId,
    brokerEpoch,
    endPoints: request.listeners,
    features: request.features,
    rack: request.rack,
    fenced,
    inControlledShutdown,
    logDirs: request.logDirs,
  }))
  if (!isSameIncarnation) context.heartbeats.remove(brokerId)
  context.heartbeats.register(brokerId, fenced)
  return draft.decide({ throttleTimeMs: 0, errorCode: ErrorCode.NONE, brokerEpoch })
}

/** Equals no previousBrokerEpoch (-1 when the broker knows none): a first registration counts as unclean. */
const NEVER_REGISTERED = -2

function removeDeadIncarnation(
  state: ControllerState,
  context: ControllerContext,
  draft: DecisionDraft,
  brokerId: number,
  isCleanShutdown: boolean,
): void {
  if (state.elrEnabled && !isCleanShutdown) {
    updateLeadersAndIsrs(state, context, draft, { uncleanShutdown: brokerId }, partitionsWithInIsr(state, brokerId))
    updateLeadersAndIsrs(state, context, draft, { uncleanShutdown: brokerId }, partitionsWithInElr(state, brokerId))
  } else {
    updateLeadersAndIsrs(state, context, draft, { leaving: brokerId }, partitionsWithInIsr(state, brokerId))
  }
}

function checkLogDirs(state: ControllerState, request: BrokerRegistrationRequest): void {
  const { logDirs } = request
  if (logDirs.length === 0 || new Set(logDirs).size !== logDirs.length) throw new ApiError(ErrorCode.INVALID_REGISTRATION)
  for (const other of state.image.brokers.values()) {
    if (other.brokerId !== request.brokerId && other.logDirs.some(dir => logDirs.includes(dir))) {
      throw new ApiError(ErrorCode.INVALID_REGISTRATION)
    }
  }
}

/** @throws ApiError STALE_BROKER_EPOCH */
export function processHeartbeat(
  state: ControllerState,
  context: ControllerContext,
  request: BrokerHeartbeatRequest,
): Decision<BrokerHeartbeatResponse> {
  const { brokerId, brokerEpoch, currentMetadataOffset } = request
  const { heartbeats } = context
  const registrationOffset = state.registrationOffsets.get(brokerId)
  if (registrationOffset === undefined) throw new ApiError(ErrorCode.STALE_BROKER_EPOCH)
  const broker = checkBrokerEpoch(state, context.defects, brokerId, brokerEpoch)
  const current = heartbeats.stateOf(brokerId)
  const next = heartbeats.nextState(request, registrationOffset, () => state.hasLeaderships(brokerId))
  const draft = new DecisionDraft()
  if (next !== current) {
    if (next === 'unfenced') unfence(state, context, draft, broker)
    else if (next === 'controlled-shutdown') enterControlledShutdown(state, context, draft, broker)
    else fence(state, context, draft, broker)
  }
  const fenced = next === 'fenced' || next === 'shutdown-now'
  heartbeats.touch(brokerId, fenced, currentMetadataOffset)
  const decision = draft.decide({
    throttleTimeMs: 0,
    errorCode: ErrorCode.NONE,
    isCaughtUp: currentMetadataOffset >= registrationOffset,
    isFenced: fenced,
    shouldShutDown: next === 'shutdown-now',
  })
  if (next !== 'controlled-shutdown') return decision
  return { ...decision, onAppended: offset => heartbeats.startControlledShutdown(brokerId, offset) }
}

/** Fences at most one broker whose session has expired, so that the next one sees the effects. `true`: look again. */
export function fenceOneStaleBroker(state: ControllerState, context: ControllerContext): Decision<boolean> {
  const expired = context.heartbeats.takeExpired(context.now)
  if (expired === undefined) return { records: [], response: false }
  const broker = state.image.brokers.get(expired.brokerId)
  if (broker === undefined) context.heartbeats.remove(expired.brokerId)
  if (broker === undefined || broker.brokerEpoch !== expired.brokerEpoch) return { records: [], response: true }
  const draft = new DecisionDraft()
  fence(state, context, draft, broker)
  return draft.decide(true)
}

/** @throws ApiError BROKER_ID_NOT_REGISTERED */
export function unregisterBroker(
  state: ControllerState,
  context: ControllerContext,
  { brokerId }: UnregisterBrokerRequest,
): Decision<UnregisterBrokerResponse> {
  const broker = state.image.brokers.get(brokerId)
  if (broker === undefined) throw new ApiError(ErrorCode.BROKER_ID_NOT_REGISTERED)
  const draft = new DecisionDraft()
  updateLeadersAndIsrs(state, context, draft, { leaving: brokerId }, partitionsWithInIsr(state, brokerId))
  updateLeadersAndIsrs(state, context, draft, { leaving: brokerId }, partitionsWithInElr(state, brokerId))
  draft.records.push(metadataRecord('UnregisterBrokerRecord', { brokerId, brokerEpoch: broker.brokerEpoch }))
  return draft.decide({ throttleTimeMs: 0, errorCode: ErrorCode.NONE, errorMessage: null })
}

function fence(state: ControllerState, context: ControllerContext, draft: DecisionDraft, { brokerId, brokerEpoch }: BrokerRegistration): void {
  updateLeadersAndIsrs(state, context, draft, { leaving: brokerId }, partitionsWithInIsr(state, brokerId))
  draft.records.push(metadataRecord('BrokerRegistrationChangeRecord', { brokerId, brokerEpoch, fenced: FENCE }))
}

function unfence(state: ControllerState, context: ControllerContext, draft: DecisionDraft, { brokerId, brokerEpoch }: BrokerRegistration): void {
  draft.records.push(metadataRecord('BrokerRegistrationChangeRecord', { brokerId, brokerEpoch, fenced: UNFENCE }))
  updateLeadersAndIsrs(state, context, draft, { joining: brokerId }, partitionsWithoutLeader(state))
}

function enterControlledShutdown(state: ControllerState, context: ControllerContext, draft: DecisionDraft, broker: BrokerRegistration): void {
  const { brokerId, brokerEpoch } = broker
  if (!broker.inControlledShutdown) {
    draft.records.push(metadataRecord('BrokerRegistrationChangeRecord', { brokerId, brokerEpoch, inControlledShutdown: 1 }))
  }
  updateLeadersAndIsrs(state, context, draft, { leaving: brokerId }, partitionsWithInIsr(state, brokerId))
}
