/**
 * One attempt to join a classic group: JoinGroup, the assignment if this member was made leader, SyncGroup
 * (JoinGroupResponseHandler, SyncGroupResponseHandler, ConsumerCoordinator#onLeaderElected). It ends with what is assigned
 * or with an error; the member decides what to do then.
 *
 * As in Kafka the leader waits until it knows every topic of the group, so that its assignment is made from fresh metadata.
 */
import { ApiKey } from '../../protocol/api-keys.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { JoinGroupResponse, SyncGroupResponse } from '../../protocol/generated/types.ts'
import { failureCode } from '../../rpc/failure-code.ts'
import type { RpcResult } from '../../rpc/rpc-client.ts'
import type { GroupMember } from '../assignors/assignor.ts'
import type { BrokerNode } from '../cluster-metadata.ts'
import type { ClassicMember } from './classic-member.ts'
import { decodeSubscription, encodeAssignment, encodeSubscription } from './consumer-protocol.ts'
import type { Generation } from './generation.ts'

export type JoinOutcome = { readonly ok: true; readonly assignment: Uint8Array } | { readonly ok: false; readonly errorCode: number }

const PROTOCOL_TYPE = 'consumer'
/** JoinGroup is answered only when all have joined, so that it may take longer than other requests. */
const JOIN_LAPSE_MS = 5_000

export class ClassicJoin {
  outcome: JoinOutcome | undefined = undefined
  private readonly member: ClassicMember
  private readonly node: BrokerNode
  /** Answered as leader; the assignment is not made yet. */
  private asLeader: JoinGroupResponse | undefined = undefined

  constructor(member: ClassicMember, node: BrokerNode) {
    this.member = member
    this.node = node
    const { context: { answers, config, coordinator: { groupId } }, generation } = member
    const request = {
      groupId,
      sessionTimeoutMs: config.sessionTimeoutMs,
      rebalanceTimeoutMs: config.maxPollIntervalMs,
      memberId: generation.memberId,
      groupInstanceId: config.groupInstanceId,
      protocolType: PROTOCOL_TYPE,
      protocols: this.protocols(),
      reason: null,
    }
    const timeoutMs = Math.max(config.requestTimeoutMs, config.maxPollIntervalMs + JOIN_LAPSE_MS)
    answers.ask(node, ApiKey.JoinGroup, request, result => this.joined(generation, result), { timeoutMs })
  }

  /** Goes on with what waits for metadata. */
  turn(): void {
    const { asLeader, member } = this
    if (asLeader === undefined || !member.topics.isKnown) return
    this.asLeader = undefined
    if (asLeader.skipAssignment) {
      // A static leader is back: everybody keeps what it has.
      member.topics.countsForAssignment()
      return this.sync([])
    }
    const assignor = member.assignors.find(({ name }) => name === asLeader.protocolName)
    if (assignor === undefined) return this.end(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    const shares = assignor.assign(member.topics.countsForAssignment(), membersOf(asLeader))
    this.sync([...shares].map(([memberId, partitions]) => ({ memberId, assignment: encodeAssignment(partitions) })))
  }

  private protocols(): { readonly name: string; readonly metadata: Uint8Array }[] {
    const { assignors, context: { assignment, config }, generation, topics } = this.member
    const wanted = topics.joining()
    const { lastAssignment } = topics
    return assignors.map(({ name, userData }) => ({
      name,
      metadata: encodeSubscription({
        topics: wanted,
        userData: userData?.(lastAssignment.partitions, lastAssignment.generationId) ?? null,
        ownedPartitions: assignment.partitions,
        generationId: generation.generationId,
        rackId: config.clientRack,
      }),
    }))
  }

  private joined(sent: Generation, result: RpcResult): void {
    const { member } = this
    if (!result.ok) return this.unanswered(result)
    const response = result.body as JoinGroupResponse
    switch (response.errorCode) {
      case ErrorCode.NONE: {
        // Meanwhile the member has left or was fenced.
        if (member.state !== 'preparing') return this.end(ErrorCode.REBALANCE_IN_PROGRESS)
        member.state = 'completing'
        member.generation = { generationId: response.generationId, memberId: response.memberId, protocolName: response.protocolName }
        member.heartbeat.enable()
        if (response.leader !== response.memberId) return this.sync([])
        this.asLeader = response
        member.topics.watch([...new Set(membersOf(response).flatMap(({ topics }) => topics))])
        return this.turn()
      }
      case ErrorCode.MEMBER_ID_REQUIRED:
        member.generation = { generationId: -1, memberId: response.memberId, protocolName: null }
        return this.end(response.errorCode)
      case ErrorCode.UNKNOWN_MEMBER_ID:
        if (member.isGeneration(sent)) member.reset(true)
        return this.end(response.errorCode)
      default:
        return this.refused(response.errorCode)
    }
  }

  private sync(assignments: readonly { readonly memberId: string; readonly assignment: Uint8Array }[]): void {
    const { context: { answers, config, coordinator }, generation } = this.member
    if (coordinator.node !== this.node) return this.end(ErrorCode.COORDINATOR_NOT_AVAILABLE)
    const request = {
      groupId: coordinator.groupId,
      generationId: generation.generationId,
      memberId: generation.memberId,
      groupInstanceId: config.groupInstanceId,
      protocolType: PROTOCOL_TYPE,
      protocolName: generation.protocolName,
      assignments,
    }
    answers.ask(this.node, ApiKey.SyncGroup, request, result => this.synced(generation, result))
  }

  private synced(sent: Generation, result: RpcResult): void {
    const { member } = this
    if (!result.ok) return this.unanswered(result)
    const { errorCode, assignment } = result.body as SyncGroupResponse
    if (errorCode === ErrorCode.NONE) {
      if (member.generation.protocolName === null || member.state !== 'completing') return this.end(ErrorCode.ILLEGAL_GENERATION)
      member.stabilize()
      this.outcome = { ok: true, assignment }
      return
    }
    if ((errorCode === ErrorCode.UNKNOWN_MEMBER_ID || errorCode === ErrorCode.ILLEGAL_GENERATION) && member.isGeneration(sent)) {
      member.reset(errorCode !== ErrorCode.ILLEGAL_GENERATION)
    }
    this.refused(errorCode)
  }

  private refused(errorCode: number): void {
    if (errorCode === ErrorCode.COORDINATOR_NOT_AVAILABLE || errorCode === ErrorCode.NOT_COORDINATOR) this.member.context.coordinator.lost(this.node)
    this.end(errorCode)
  }

  private unanswered(result: RpcResult & { readonly ok: false }): void {
    this.member.context.coordinator.lost(this.node)
    this.end(failureCode(result))
  }

  private end(errorCode: number): void {
    this.outcome = { ok: false, errorCode }
  }
}

function membersOf(response: JoinGroupResponse): GroupMember[] {
  return response.members.map(({ memberId, groupInstanceId, metadata }) => ({ memberId, groupInstanceId, ...decodeSubscription(metadata) }))
}
