/**
 * A member of a KIP-848 group (ConsumerMembershipManager, AbstractMembershipManager). The broker assigns; the member
 * reconciles what it has with it, revoking first, and acknowledges by naming what it owns.
 *
 *   joining -> stable <-> reconciling -> acknowledging -> stable
 *   fenced (epoch not accepted any more), stale (too slow at polling): everything is lost, then joining with epoch 0
 *   leaving, fatal: no heartbeats
 *
 * Reconciliation happens inside poll: what goes away is not returned any more, is committed (auto-commit), and revoked; then
 * what came is taken over. What the broker assigns meanwhile is reconciled after that. A member that is fenced or leaves in
 * between takes nothing over.
 *
 * Unlike Kafka, topics of which the metadata does not know the name yet are waited for; the rest is not reconciled before.
 */
import { msToUs } from '../../base/time.ts'
import type { Micros } from '../../base/time.ts'
import type { Task } from '../../base/task.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { ConsumerGroupHeartbeatResponse } from '../../protocol/generated/types.ts'
import type { Env } from '../../env/env.ts'
import { uuidFromDraws } from '../../protocol/uuid.ts'
import { sortedPartitions, without } from '../topic-partition.ts'
import type { TopicPartition } from '../topic-partition.ts'
import { ConsumerHeartbeat } from './consumer-heartbeat.ts'
import type { GroupContext } from './group-context.ts'
import type { GroupMembership } from './group-membership.ts'
import type { GroupMetadata } from './group-metadata.ts'
import type { CommitOutcome } from './offset-commits.ts'
import { tell } from './subscription.ts'
import type { Subscription } from './subscription.ts'

type State = 'joining' | 'stable' | 'reconciling' | 'acknowledging' | 'fenced' | 'stale' | 'leaving' | 'fatal'

/** Partitions by topic id, with a text that is equal for equal sets. */
interface IdAssignment {
  readonly topics: readonly { readonly topicId: string; readonly partitions: readonly number[] }[]
  readonly key: string
}

const NOTHING: IdAssignment = { topics: [], key: '' }
const LEAVE = -1
const LEAVE_STATIC = -2

/** How many members a process has begun: two that begin at one moment are two. */
const membersOf = new WeakMap<Env, number>()

export class ConsumerMember implements GroupMembership {
  readonly context: GroupContext
  /** Chosen by the client (KIP-1082), kept for life. */
  readonly memberId: string
  memberEpoch = 0
  /** How often it has begun anew; answers to older heartbeats mean nothing. */
  joins = 0
  wanted: Subscription = { topics: [], pattern: undefined, listener: {} }
  /** What it has acknowledged, or is about to. */
  owned: IdAssignment = NOTHING

  private state: State = 'joining'
  private target: IdAssignment = NOTHING
  /** Being reconciled, whatever is assigned meanwhile. */
  private begun: IdAssignment | undefined = undefined
  private readonly heartbeat: ConsumerHeartbeat
  private hasNewSubscription = false
  private commitBefore: { outcome: CommitOutcome | undefined; readonly epoch: number } | undefined = undefined
  private reconcileUntil: Micros | undefined = undefined
  private retryAt: Micros = 0

  constructor(context: GroupContext) {
    const { env, coordinator: { groupId } } = context
    this.context = context
    const count = membersOf.get(env) ?? 0
    membersOf.set(env, count + 1)
    const draw = (part: number): number => env.draw('member-id', `${groupId} ${env.incarnation} ${env.now()} ${count}`, part)
    this.memberId = uuidFromDraws(draw(0), draw(1), draw(2), draw(3))
    this.heartbeat = new ConsumerHeartbeat(this)
  }

  get groupMetadata(): GroupMetadata {
    const { config, coordinator: { groupId } } = this.context
    return { groupId, generationId: this.memberEpoch, memberId: this.memberId, groupInstanceId: config.groupInstanceId }
  }

  /** Does it take part, so that its session must be kept? */
  get heartbeats(): boolean {
    return this.state === 'joining' || this.state === 'stable' || this.state === 'reconciling' || this.state === 'acknowledging'
  }

  /** Does the coordinator wait for something, or have to know something at once? */
  get hasNews(): boolean {
    return this.state === 'joining' || this.state === 'acknowledging' || this.hasNewSubscription
  }

  subscribe(subscription: Subscription): void {
    this.wanted = subscription
    this.hasNewSubscription = true
    if (subscription.pattern !== undefined) this.context.metadata.addAll()
    for (const topic of subscription.topics) this.context.metadata.add(topic)
    this.heartbeat.polled()
    this.heartbeat.wake()
  }

  commitIdentity(): GroupMetadata | { readonly refused: string } {
    return this.memberEpoch > 0 ? this.groupMetadata : { refused: 'COMMIT_FAILED' }
  }

  commitRefused(errorCode: number): string {
    return errorCode === ErrorCode.REBALANCE_IN_PROGRESS ? 'REBALANCE_IN_PROGRESS' : 'COMMIT_FAILED'
  }

  *poll(): Task<Micros> {
    const { assignment, coordinator } = this.context
    this.heartbeat.polled()
    if (this.state === 'fatal') return Infinity
    if (coordinator.fatalError !== undefined) {
      this.fail(coordinator.fatalError)
      return Infinity
    }
    if (this.state === 'fenced' || this.state === 'stale') {
      const lost = assignment.partitions
      if (lost.length > 0) yield* this.tellOf('lost', lost)
      this.owned = NOTHING
      this.target = NOTHING
      assignment.replace([])
      this.join()
    }
    this.heartbeat.wake()
    return this.state === 'reconciling' ? yield* this.reconcile() : Infinity
  }

  *leave(_reason: string, deadline: Micros): Task<void> {
    const { answers, assignment, config, env, wakeup } = this.context
    const { partitions } = assignment
    const wasMember = this.heartbeats && this.memberEpoch > 0
    this.state = 'leaving'
    if (partitions.length > 0) {
      yield* this.tellOf(wasMember ? 'revoked' : 'lost', partitions)
      assignment.replace([])
    }
    this.joins++
    if (!wasMember) return
    this.memberEpoch = config.groupInstanceId === null ? LEAVE : LEAVE_STATIC
    const left = this.heartbeat.leave()
    while (!left.isDone && env.now() < deadline) {
      yield* wakeup.waitUntil(deadline)
      answers.run()
    }
  }

  close(): void {
    this.heartbeat.close()
  }

  /** A heartbeat is on its way with all that was new. */
  heartbeatSent(): void {
    this.hasNewSubscription = false
    if (this.state === 'acknowledging') this.state = this.target.key === this.owned.key ? 'stable' : 'reconciling'
  }

  answered({ memberEpoch, assignment }: ConsumerGroupHeartbeatResponse): void {
    if (!this.heartbeats) return
    this.memberEpoch = memberEpoch
    if (assignment !== null) this.target = idAssignment(assignment.topicPartitions)
    if (this.state === 'acknowledging') return
    this.state = this.target.key === this.owned.key ? 'stable' : 'reconciling'
  }

  becomeFenced(): void {
    if (this.heartbeats) this.lose('fenced')
  }

  /** max.poll.interval.ms is over: leaves now, and loses everything in the next poll. */
  becomeStale(): void {
    this.lose('stale')
    this.memberEpoch = this.context.config.groupInstanceId === null ? LEAVE : LEAVE_STATIC
  }

  fail(error: string): void {
    this.lose('fatal')
    this.context.onError(error)
  }

  private lose(state: 'fenced' | 'stale' | 'fatal'): void {
    this.state = state
    this.memberEpoch = 0
    this.joins++
    this.endReconciliation()
  }

  private endReconciliation(): void {
    this.begun = undefined
    this.commitBefore = undefined
    this.reconcileUntil = undefined
  }

  private join(): void {
    this.state = 'joining'
    this.memberEpoch = 0
  }

  private *reconcile(): Task<Micros> {
    const { assignment, env, metadata } = this.context
    const { joins } = this
    const target = (this.begun ??= this.target)
    if (env.now() < this.retryAt) return this.retryAt
    const named: TopicPartition[] = []
    for (const { topicId, partitions } of target.topics) {
      const topic = metadata.topicName(topicId)
      if (topic === undefined) {
        this.begun = undefined
        metadata.requestUpdate()
        return Infinity
      }
      for (const partition of partitions) named.push({ topic, partition })
    }
    const assigned = sortedPartitions(named)
    const before = assignment.partitions
    const revoked = without(before, assigned)
    assignment.markPendingRevocation(revoked)
    const wait = this.commitOwned()
    if (wait !== undefined) return wait
    if (revoked.length > 0) yield* this.tellOf('revoked', revoked)
    if (this.state !== 'reconciling' || this.joins !== joins) return env.now()
    assignment.replace(assigned)
    this.context.autoCommit.restart()
    this.observe('assigned', assigned)
    yield* tell(this.wanted.listener.onPartitionsAssigned?.(without(assigned, before)))
    if (this.state !== 'reconciling' || this.joins !== joins) return env.now()
    this.endReconciliation()
    this.owned = target
    this.state = 'acknowledging'
    this.heartbeat.wake()
    return Infinity
  }

  /** Commits what is owned before anything is revoked, again under a newer epoch; undefined: done or given up. */
  private commitOwned(): Micros | undefined {
    const { autoCommit, config, env } = this.context
    if (!autoCommit.isEnabled || this.memberEpoch <= 0) return undefined
    this.reconcileUntil ??= env.now() + msToUs(config.maxPollIntervalMs)
    if (this.commitBefore === undefined) {
      const commit: { outcome: CommitOutcome | undefined; readonly epoch: number } = { outcome: undefined, epoch: this.memberEpoch }
      this.commitBefore = commit
      autoCommit.begin(outcome => {
        commit.outcome = outcome
      })
    }
    if (env.now() >= this.reconcileUntil) return undefined
    const { outcome, epoch } = this.commitBefore
    if (outcome === undefined) return this.reconcileUntil
    if (outcome.ok || (!outcome.isRetriable && epoch === this.memberEpoch)) return undefined
    this.commitBefore = undefined
    this.retryAt = env.now() + msToUs(config.retryBackoffMs)
    return this.retryAt
  }

  private *tellOf(change: 'revoked' | 'lost', partitions: readonly TopicPartition[]): Task<void> {
    this.observe(change, partitions)
    const { listener } = this.wanted
    const callback = change === 'lost' && listener.onPartitionsLost !== undefined ? listener.onPartitionsLost(partitions) : listener.onPartitionsRevoked?.(partitions)
    yield* tell(callback)
  }

  private observe(change: 'assigned' | 'revoked' | 'lost', partitions: readonly TopicPartition[]): void {
    const { env, coordinator: { groupId } } = this.context
    env.observe({ kind: 'client-rebalance', groupId, memberId: this.memberId, generationId: this.memberEpoch, change, partitions: partitions.map(({ topic, partition }) => ({ topic, partition })) })
  }
}

function idAssignment(topics: readonly { readonly topicId: string; readonly partitions: readonly number[] }[]): IdAssignment {
  const sorted = topics.filter(({ partitions }) => partitions.length > 0)
    .map(({ topicId, partitions }) => ({ topicId, partitions: [...partitions].sort((a, b) => a - b) }))
    .sort((a, b) => (a.topicId < b.topicId ? -1 : 1))
  return { topics: sorted, key: sorted.map(({ topicId, partitions }) => `${topicId}:${partitions.join('.')}`).join() }
}
