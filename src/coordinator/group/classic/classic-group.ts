/**
 * The live state of one classic group (Kafka: ClassicGroup, KIP-62, KIP-345, KIP-394).
 *
 * | from \ to            | PreparingRebalance | CompletingRebalance | Stable | Empty | Dead |
 * |----------------------|--------------------|---------------------|--------|-------|------|
 * | Empty                | a member joins     |                     |        |       | unloaded or deleted |
 * | PreparingRebalance   |                    | all have joined, or the rebalance timed out | | nobody is left | unloaded |
 * | CompletingRebalance  | a member joins anew, leaves, dies or does not sync | | the leader's assignment is committed | | unloaded |
 * | Stable               | a member joins, leaves, dies or changes its metadata | | | | unloaded |
 *
 * Unlike in a KIP-848 group most of this is lost with its coordinator: records are written only when a generation has got its
 * assignment, when the group becomes empty and when a static member is replaced while the group is stable. A new coordinator
 * finds the group Stable (or Empty) in the generation of the last record, and members that have gone on from there rejoin.
 */
import { invariant } from '../../../base/assert.ts'
import { ApiError } from '../../../protocol/api-error.ts'
import { ErrorCode } from '../../../protocol/errors.ts'
import type { JoinGroupResponseJoinGroupResponseMember } from '../../../protocol/generated/types.ts'
import { ClassicMember } from './classic-member.ts'
import type { JoinAnswer, JoinProtocol, SyncAnswer } from './messages.ts'
import type { Future } from '../../../base/task.ts'
import { subscribedTopicsOf } from './consumer-protocol.ts'

export type ClassicState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead'

const PREVIOUS: Readonly<Record<ClassicState, readonly ClassicState[]>> = {
  Empty: ['PreparingRebalance'],
  PreparingRebalance: ['Stable', 'CompletingRebalance', 'Empty'],
  CompletingRebalance: ['PreparingRebalance'],
  Stable: ['CompletingRebalance'],
  Dead: ['Empty', 'PreparingRebalance', 'CompletingRebalance', 'Stable', 'Dead'],
}

export const CONSUMER_PROTOCOL_TYPE = 'consumer'

export interface ClassicGroupInit {
  readonly state: ClassicState
  readonly generationId: number
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly leaderId: string | null
  readonly stateTimestampMs: number
}

export class ClassicGroup {
  readonly groupId: string
  state: ClassicState
  previousState: ClassicState = 'Dead'
  /** When it came into its state, by the wall clock; -1 unknown. */
  stateTimestampMs: number
  protocolType: string | null
  protocolName: string | null
  generationId: number
  leaderId: string | null
  /** In order of joining. */
  readonly members = new Map<string, ClassicMember>()
  /** Member id by instance id. */
  readonly staticMembers = new Map<string, string>()
  /** Ids that were given out and have not joined yet (KIP-394). */
  readonly pendingJoin = new Set<string>()
  /** Members that have not sent SyncGroup in this generation. */
  readonly pendingSync = new Set<string>()
  /** Topics that the members consume; undefined when that cannot be told. */
  subscribedTopics: ReadonlySet<string> | undefined = undefined
  /** During the initial delay of an empty group: prolong it once more. */
  newMemberAdded = false

  constructor(groupId: string, init: ClassicGroupInit) {
    this.groupId = groupId
    this.state = init.state
    this.generationId = init.generationId
    this.protocolType = init.protocolType
    this.protocolName = init.protocolName
    this.leaderId = init.leaderId
    this.stateTimestampMs = init.stateTimestampMs
  }

  get isEmpty(): boolean {
    return this.state === 'Empty'
  }

  get usesConsumerProtocol(): boolean {
    return this.protocolType === CONSUMER_PROTOCOL_TYPE
  }

  get canRebalance(): boolean {
    return PREVIOUS.PreparingRebalance.includes(this.state)
  }

  get awaitingJoinCount(): number {
    let count = 0
    for (const member of this.members.values()) if (member.awaitingJoin !== undefined) count++
    return count
  }

  get hasAllMembersJoined(): boolean {
    return this.pendingJoin.size === 0 && this.awaitingJoinCount === this.members.size
  }

  get rebalanceTimeoutMs(): number {
    let longest = 0
    for (const member of this.members.values()) longest = Math.max(longest, member.rebalanceTimeoutMs)
    return longest
  }

  transitionTo(state: ClassicState, nowMs: number): void {
    invariant(PREVIOUS[state].includes(this.state), `a classic group goes from ${this.state} to ${state}`)
    this.previousState = this.state
    this.state = state
    this.stateTimestampMs = nowMs
  }

  member(memberId: string): ClassicMember {
    const member = this.members.get(memberId)
    invariant(member !== undefined, 'a member of the group')
    return member
  }

  isLeader(memberId: string): boolean {
    return this.leaderId === memberId
  }

  add(member: ClassicMember, awaitingJoin?: Future<JoinAnswer>): void {
    if (member.groupInstanceId !== null) {
      invariant(!this.staticMembers.has(member.groupInstanceId), 'one member an instance id')
      this.staticMembers.set(member.groupInstanceId, member.memberId)
    }
    if (this.members.size === 0) this.protocolType = member.protocolType
    this.leaderId ??= member.memberId
    this.members.set(member.memberId, member)
    member.awaitingJoin = awaitingJoin
    this.pendingJoin.delete(member.memberId)
  }

  remove(memberId: string): void {
    const member = this.members.get(memberId)
    this.members.delete(memberId)
    if (member !== undefined && member.groupInstanceId !== null) this.staticMembers.delete(member.groupInstanceId)
    if (this.isLeader(memberId)) this.leaderId = this.members.keys().next().value ?? null
    this.pendingJoin.delete(memberId)
    this.pendingSync.delete(memberId)
  }

  /** A leader that has not rejoined in time gives its office to a member that has. False: nobody has. */
  electJoinedLeader(): boolean {
    if (this.leaderId === null) return false
    if (this.member(this.leaderId).awaitingJoin !== undefined) return true
    for (const member of this.members.values()) {
      if (member.awaitingJoin === undefined) continue
      this.leaderId = member.memberId
      return true
    }
    return false
  }

  /** A restarted static member takes the place of its former self, who is fenced if it still waits. */
  replaceStatic(instanceId: string, oldMemberId: string, newMemberId: string): ClassicMember {
    const old = this.member(oldMemberId)
    answerJoin(old, { errorCode: ErrorCode.FENCED_INSTANCE_ID, memberId: oldMemberId, leader: '', protocolName: null, protocolType: null })
    answerSync(old, { errorCode: ErrorCode.FENCED_INSTANCE_ID, protocolName: null, protocolType: null })
    const replacement = new ClassicMember({ ...old, memberId: newMemberId })
    this.members.delete(oldMemberId)
    this.members.set(newMemberId, replacement)
    if (this.isLeader(oldMemberId)) this.leaderId = newMemberId
    this.staticMembers.set(instanceId, newMemberId)
    return replacement
  }

  update(member: ClassicMember, to: { protocols: readonly JoinProtocol[]; rebalanceTimeoutMs: number; sessionTimeoutMs: number }, awaitingJoin?: Future<JoinAnswer>): void {
    member.protocols = to.protocols
    member.rebalanceTimeoutMs = to.rebalanceTimeoutMs
    member.sessionTimeoutMs = to.sessionTimeoutMs
    member.awaitingJoin = awaitingJoin
  }

  /** @throws ApiError UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID */
  validateMember(memberId: string, instanceId: string | null): void {
    if (instanceId !== null) {
      const holder = this.staticMembers.get(instanceId)
      if (holder === undefined) throw new ApiError(ErrorCode.UNKNOWN_MEMBER_ID)
      if (holder !== memberId) throw new ApiError(ErrorCode.FENCED_INSTANCE_ID)
    }
    if (!this.members.has(memberId)) throw new ApiError(ErrorCode.UNKNOWN_MEMBER_ID)
  }

  supportsProtocols(protocolType: string, protocols: readonly JoinProtocol[]): boolean {
    if (this.state === 'Empty') return protocolType !== '' && protocols.length > 0
    return this.protocolType === protocolType && protocols.some(({ name }) => this.isCandidate(name))
  }

  /** The protocol that most members prefer among those that all support; of equals the one voted for first. */
  selectProtocol(): string {
    const candidates = new Set<string>()
    for (const member of this.members.values()) for (const { name } of member.protocols) if (this.isCandidate(name)) candidates.add(name)
    const votes = new Map<string, number>()
    for (const member of this.members.values()) {
      const name = member.vote(candidates)
      invariant(name !== undefined, 'members of one group have a protocol in common')
      votes.set(name, (votes.get(name) ?? 0) + 1)
    }
    let winner: string | undefined
    for (const [name, count] of votes) if (winner === undefined || count > votes.get(winner)!) winner = name
    invariant(winner !== undefined, 'a group without members has no protocol')
    return winner
  }

  initNextGeneration(nowMs: number): void {
    this.generationId++
    this.protocolName = this.members.size > 0 ? this.selectProtocol() : null
    this.computeSubscribedTopics()
    this.transitionTo(this.members.size > 0 ? 'CompletingRebalance' : 'Empty', nowMs)
    this.pendingSync.clear()
  }

  computeSubscribedTopics(): void {
    if (!this.usesConsumerProtocol) this.subscribedTopics = undefined
    else if (this.members.size === 0) this.subscribedTopics = new Set()
    else if (this.protocolName === null) this.subscribedTopics = undefined
    else this.subscribedTopics = subscribedTopicsOf([...this.members.values()].map(member => member.metadata(this.protocolName)))
  }

  isSubscribedTo(topic: string): boolean {
    return this.subscribedTopics?.has(topic) ?? this.usesConsumerProtocol
  }

  /** For the leader, which assigns. */
  joinedMembers(): JoinGroupResponseJoinGroupResponseMember[] {
    return [...this.members.values()].map(member => ({ memberId: member.memberId, groupInstanceId: member.groupInstanceId, metadata: member.metadata(this.protocolName) }))
  }

  private isCandidate(protocol: string): boolean {
    for (const member of this.members.values()) if (!member.protocols.some(({ name }) => name === protocol)) return false
    return true
  }
}

export function answerJoin(member: ClassicMember, answer: JoinAnswer): boolean {
  const waiting = member.awaitingJoin
  member.awaitingJoin = undefined
  return waiting?.complete(answer) ?? false
}

export function answerSync(member: ClassicMember, answer: SyncAnswer): boolean {
  const waiting = member.awaitingSync
  member.awaitingSync = undefined
  return waiting?.complete(answer) ?? false
}
