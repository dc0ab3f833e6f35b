/**
 * A member of a classic group, as the polling thread sees it (AbstractCoordinator, ConsumerCoordinator).
 *
 *   unjoined -> preparing (JoinGroup) -> completing (SyncGroup) -> stable -> preparing ...
 *   any -> unjoined: fenced, unknown, of an old generation, or too slow at polling
 *
 * Joining happens inside poll: first what is owned is committed (auto-commit) and revoked (eager: all of it, cooperative:
 * what is not wanted any more), then JoinGroup, the leader's assignment, SyncGroup. Cooperative members revoke what they
 * lose after that, and join again. Membership that was lost is told as lost partitions.
 *
 * A rebalance is needed when the coordinator says so, the subscription has changed, or the leader sees other partition
 * counts than it assigned.
 */
import { msToUs } from '../../base/time.ts'
import type { Micros } from '../../base/time.ts'
import type { Task } from '../../base/task.ts'
import type { Assignor, RebalanceProtocol } from '../assignors/assignor.ts'
import { assignorsOf, rebalanceProtocolOf } from '../assignors/assignors.ts'
import { ApiKey } from '../../protocol/api-keys.ts'
import { ErrorCode, errorName, isRetriable } from '../../protocol/errors.ts'
import { Backoff } from '../backoff.ts'
import { sortedPartitions, without } from '../topic-partition.ts'
import type { TopicPartition } from '../topic-partition.ts'
import { ClassicJoin } from './classic-join.ts'
import { ClassicHeartbeat } from './classic-heartbeat.ts'
import { decodeAssignment } from './consumer-protocol.ts'
import type { GroupContext } from './group-context.ts'
import type { GroupMembership } from './group-membership.ts'
import type { GroupMetadata } from './group-metadata.ts'
import { NO_GENERATION } from './generation.ts'
import type { Generation } from './generation.ts'
import type { CommitOutcome } from './offset-commits.ts'
import { SubscribedTopics } from './subscribed-topics.ts'
import { tell } from './subscription.ts'
import type { Subscription } from './subscription.ts'

export type MemberState = 'unjoined' | 'preparing' | 'completing' | 'stable'

const NOTHING: Subscription = { topics: [], pattern: undefined, listener: {} }
/** After these the member joins again at once. */
const JOIN_AGAIN: ReadonlySet<number> = new Set([
  ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.ILLEGAL_GENERATION, ErrorCode.REBALANCE_IN_PROGRESS, ErrorCode.MEMBER_ID_REQUIRED,
])

export class ClassicMember implements GroupMembership {
  groupMetadata: GroupMetadata
  state: MemberState = 'unjoined'
  generation: Generation = NO_GENERATION
  readonly context: GroupContext
  readonly assignors: readonly Assignor[]
  readonly topics: SubscribedTopics
  readonly heartbeat: ClassicHeartbeat

  private readonly protocol: RebalanceProtocol
  private readonly backoff: Backoff
  private subscription: Subscription = NOTHING
  private rejoinNeeded = true
  private needsPreparation = true
  private join: ClassicJoin | undefined = undefined
  private failures = 0
  private retryAt: Micros = 0
  /** Until when a rebalance waits for the commit before it. */
  private prepareUntil: Micros | undefined = undefined
  private commitBefore: { outcome: CommitOutcome | undefined } | undefined = undefined

  constructor(context: GroupContext) {
    const { env, config } = context
    this.context = context
    this.assignors = assignorsOf(config.partitionAssignmentStrategy)
    this.protocol = rebalanceProtocolOf(this.assignors)
    this.topics = new SubscribedTopics(context.metadata)
    this.heartbeat = new ClassicHeartbeat(this)
    this.backoff = new Backoff(env, 'join-backoff', config.retryBackoffMs, config.retryBackoffMaxMs)
    this.groupMetadata = { groupId: context.coordinator.groupId, generationId: -1, memberId: '', groupInstanceId: config.groupInstanceId }
    context.coordinator.onFound(() => this.heartbeat.timer.resetSession())
  }

  subscribe(subscription: Subscription): void {
    this.subscription = subscription
    this.topics.subscribe(subscription)
  }

  commitIdentity(): GroupMetadata | { readonly refused: string } {
    if (this.state !== 'stable') {
      // Defect: asks twice, and the thread that reads answers may complete the rebalance in between.
      if (this.context.env.defects.has('KAFKA-19242')) this.context.answers.run()
      return { refused: this.isRebalancing ? 'REBALANCE_IN_PROGRESS' : 'COMMIT_FAILED' }
    }
    const { generationId, memberId } = this.generation
    return { ...this.groupMetadata, generationId, memberId }
  }

  commitRefused(errorCode: number, sent: GroupMetadata): string {
    const isUnchanged = this.isGeneration(sent)
    if (errorCode === ErrorCode.REBALANCE_IN_PROGRESS) {
      this.requestRejoin()
      return errorName(errorCode)
    }
    if (!isUnchanged && this.state === 'preparing') return 'REBALANCE_IN_PROGRESS'
    if (errorCode === ErrorCode.FENCED_INSTANCE_ID) return isUnchanged ? errorName(errorCode) : 'COMMIT_FAILED'
    // The member itself may still be known.
    this.reset(errorCode !== ErrorCode.ILLEGAL_GENERATION)
    return 'COMMIT_FAILED'
  }

  *poll(): Task<Micros> {
    const { coordinator, env } = this.context
    this.topics.update()
    this.heartbeat.polled()
    if (coordinator.node === undefined) {
      if (coordinator.fatalError !== undefined) this.fail(coordinator.fatalError)
      return coordinator.find()
    }
    if (this.topics.hasChangedSinceAssignment || this.topics.hasChangedSinceJoin) this.requestRejoin()
    while (this.rejoinNeeded || this.join !== undefined) {
      if (env.now() < this.retryAt) return this.retryAt
      if (!this.topics.canJoin) return Infinity
      if (coordinator.node === undefined) return coordinator.find()
      if (this.needsPreparation) {
        this.needsPreparation = false
        const wait = yield* this.prepare()
        if (wait !== undefined) {
          this.needsPreparation = true
          return wait
        }
        this.topics.forgetGroup()
      }
      if (this.join === undefined) {
        this.state = 'preparing'
        this.join = new ClassicJoin(this, coordinator.node)
      }
      this.join.turn()
      const { outcome } = this.join
      if (outcome === undefined) return Infinity
      if (outcome.ok) {
        if (this.state === 'stable' && this.generation.generationId !== -1) {
          yield* this.complete(outcome.assignment)
          this.needsPreparation = true
          this.failures = 0
        } else this.reset(true)
        this.join = undefined
        continue
      }
      this.join = undefined
      this.requestRejoin()
      if (JOIN_AGAIN.has(outcome.errorCode)) continue
      this.retryAt = env.now() + this.backoff.delay(this.failures++, 'join')
      if (!isRetriable(outcome.errorCode)) {
        this.fail(errorName(outcome.errorCode))
        return this.retryAt
      }
    }
    return Infinity
  }

  *leave(reason: string, deadline: Micros): Task<void> {
    const { assignment, env, wakeup } = this.context
    const { partitions } = assignment
    if (partitions.length > 0) {
      if (this.generation.generationId === -1 || this.isRebalancing) yield* this.lose(partitions)
      else yield* this.revoke(partitions)
      assignment.replace([])
    }
    const left = this.sendLeave(reason)
    if (left === undefined) return
    while (!left.isDone && env.now() < deadline) {
      yield* wakeup.waitUntil(deadline)
      this.context.answers.run()
    }
  }

  close(): void {
    this.heartbeat.close()
  }

  get isRebalancing(): boolean {
    return this.state === 'preparing' || this.state === 'completing'
  }

  get wanted(): Subscription {
    return this.subscription
  }

  isGeneration({ generationId, memberId }: { readonly generationId: number; readonly memberId: string }): boolean {
    return this.generation.generationId === generationId && this.generation.memberId === memberId
  }

  requestRejoin(): void {
    this.rejoinNeeded = true
  }

  /** SyncGroup has succeeded. */
  stabilize(): void {
    this.state = 'stable'
    this.rejoinNeeded = false
  }

  /** Membership is lost; the id is kept when it may still be known. */
  reset(forgetsId: boolean): void {
    this.state = 'unjoined'
    this.generation = { generationId: -1, memberId: forgetsId ? '' : this.generation.memberId, protocolName: null }
    this.requestRejoin()
    this.needsPreparation = true
  }

  /** Tells the coordinator, unless the member is static or none. */
  sendLeave(reason: string): { isDone: boolean } | undefined {
    const { answers, config, coordinator } = this.context
    const { memberId } = this.generation
    const { node } = coordinator
    const answer = { isDone: false }
    const isMember = config.groupInstanceId === null && node !== undefined && this.state !== 'unjoined' && memberId !== ''
    if (isMember) {
      const request = { groupId: coordinator.groupId, memberId, members: [{ memberId, groupInstanceId: null, reason }] }
      answers.ask(node, ApiKey.LeaveGroup, request, () => {
        answer.isDone = true
      })
    }
    this.reset(true)
    return isMember ? answer : undefined
  }

  fail(error: string): void {
    this.context.onError(error)
  }

  /** Before a rebalance. undefined: done; otherwise when to look again. */
  private *prepare(): Task<Micros | undefined> {
    const { assignment } = this.context
    const waiting = this.commitOwned()
    if (waiting !== undefined) return waiting
    const owned = assignment.partitions
    if (this.generation.generationId === -1 || this.generation.memberId === '') {
      if (owned.length > 0) {
        yield* this.lose(owned)
        assignment.replace([])
      }
    } else if (this.protocol === 'eager') {
      yield* this.revoke(owned)
      assignment.replace([])
    } else {
      const unwanted = owned.filter(({ topic }) => !this.subscription.topics.includes(topic))
      if (unwanted.length > 0) {
        yield* this.revoke(unwanted)
        assignment.replace(without(owned, unwanted))
      }
    }
    this.prepareUntil = undefined
    this.commitBefore = undefined
    return undefined
  }

  /**
   * Commits what is owned before it is revoked, and meanwhile hands out nothing more of it (KAFKA-14196). Retried until
   * max.poll.interval.ms; undefined: done or given up.
   */
  private commitOwned(): Micros | undefined {
    const { assignment, autoCommit, config, env } = this.context
    if (!autoCommit.isEnabled) return undefined
    this.prepareUntil ??= env.now() + msToUs(config.maxPollIntervalMs)
    if (this.commitBefore === undefined) {
      if (this.protocol === 'eager') assignment.markPendingRevocation(assignment.partitions)
      const commit: { outcome: CommitOutcome | undefined } = { outcome: undefined }
      this.commitBefore = commit
      autoCommit.begin(outcome => {
        commit.outcome = outcome
      })
    }
    if (env.now() >= this.prepareUntil) return undefined
    const { outcome } = this.commitBefore
    if (outcome === undefined) return this.prepareUntil
    if (outcome.ok || !outcome.isRetriable) return undefined
    this.commitBefore = undefined
    this.retryAt = env.now() + msToUs(config.retryBackoffMs)
    return this.retryAt
  }

  /** After SyncGroup: takes over what is assigned. */
  private *complete(bytes: Uint8Array): Task<void> {
    const { assignment, autoCommit } = this.context
    const { generationId, memberId } = this.generation
    this.groupMetadata = { ...this.groupMetadata, generationId, memberId }
    const assigned = sortedPartitions(decodeAssignment(bytes))
    if (!this.topics.matches(assigned)) return this.requestRejoin()
    const owned = assignment.partitions
    const added = without(assigned, owned)
    if (this.protocol === 'cooperative') {
      const lost = without(owned, assigned)
      if (lost.length > 0) {
        yield* this.revoke(lost)
        this.requestRejoin()
      }
    }
    this.topics.joinedWith(assigned)
    this.topics.rememberAssignment(assigned, generationId)
    if (autoCommit.isEnabled) autoCommit.restart()
    assignment.replace(assigned)
    this.observe('assigned', assigned)
    yield* tell(this.subscription.listener.onPartitionsAssigned?.(added))
  }

  private *revoke(partitions: readonly TopicPartition[]): Task<void> {
    if (partitions.length === 0) return
    this.observe('revoked', partitions)
    yield* tell(this.subscription.listener.onPartitionsRevoked?.(partitions))
  }

  private *lose(partitions: readonly TopicPartition[]): Task<void> {
    this.observe('lost', partitions)
    const { listener } = this.subscription
    yield* tell(listener.onPartitionsLost === undefined ? listener.onPartitionsRevoked?.(partitions) : listener.onPartitionsLost(partitions))
  }

  private observe(change: 'assigned' | 'revoked' | 'lost', partitions: readonly TopicPartition[]): void {
    const { env, coordinator: { groupId } } = this.context
    const { generationId, memberId } = this.generation
    env.observe({ kind: 'client-rebalance', groupId, memberId, generationId, change, partitions: partitions.map(({ topic, partition }) => ({ topic, partition })) })
  }
}
