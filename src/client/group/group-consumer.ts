/**
 * The group half of a consumer: its coordinator, membership, commits and committed offsets. A consumer without group.id has
 * none; one that assigns itself commits without being a member.
 */
import { TrialError } from '../../base/trial-error.ts'
import type { Micros } from '../../base/time.ts'
import type { Task } from '../../base/task.ts'
import type { ConsumerConfig } from '../../config/client.ts'
import type { Env } from '../../env/env.ts'
import type { AnswerQueue } from '../answer-queue.ts'
import type { BrokerRpc } from '../broker-rpc.ts'
import type { ClusterMetadata } from '../cluster-metadata.ts'
import type { Wakeup } from '../wakeup.ts'
import type { Assignment } from './assignment.ts'
import { AutoCommit } from './auto-commit.ts'
import { ClassicMember } from './classic-member.ts'
import { ConsumerMember } from './consumer-member.ts'
import { CommittedOffsets } from './committed-offsets.ts'
import type { GroupContext } from './group-context.ts'
import { GroupCoordinator } from './group-coordinator.ts'
import type { GroupMembership } from './group-membership.ts'
import type { GroupMetadata } from './group-metadata.ts'
import { OffsetCommits, noMember } from './offset-commits.ts'
import type { Subscription } from './subscription.ts'

export class GroupConsumer {
  readonly commits: OffsetCommits
  readonly committed: CommittedOffsets
  private readonly context: GroupContext
  private membership: GroupMembership | undefined = undefined

  constructor(
    env: Env, config: ConsumerConfig, groupId: string, rpc: BrokerRpc, metadata: ClusterMetadata, answers: AnswerQueue, wakeup: Wakeup,
    assignment: Assignment, onError: (error: string) => void,
  ) {
    if (config.groupProtocol === 'classic' && config.heartbeatIntervalMs >= config.sessionTimeoutMs) throw new TrialError('config', 'heartbeat.interval.ms must be lower than session.timeout.ms.')
    const coordinator = new GroupCoordinator(env, groupId, rpc, metadata, wakeup, config)
    this.commits = new OffsetCommits(env, config, coordinator, metadata, answers, wakeup, () => this.membership)
    const autoCommit = new AutoCommit(env, config, this.commits, assignment)
    this.committed = new CommittedOffsets(env, config, coordinator, metadata, answers, wakeup, () => this.reader, onError)
    this.context = { env, config, rpc, metadata, answers, wakeup, coordinator, assignment, commits: this.commits, autoCommit, onError }
  }

  /** Is the group to assign partitions? */
  get isMember(): boolean {
    return this.membership !== undefined
  }

  get groupMetadata(): GroupMetadata {
    return this.membership?.groupMetadata ?? noMember(this.context.coordinator.groupId)
  }

  subscribe(subscription: Subscription): void {
    this.membership ??= this.context.config.groupProtocol === 'consumer' ? new ConsumerMember(this.context) : new ClassicMember(this.context)
    this.membership.subscribe(subscription)
  }

  *unsubscribe(deadline: Micros): Task<void> {
    const { membership } = this
    if (membership === undefined) return
    yield* membership.leave('unsubscribed from all topics', deadline)
    membership.close()
    this.membership = undefined
  }

  /** The group's part of a turn of poll. Returns when to look again. */
  *poll(): Task<Micros> {
    const next = this.commits.turn()
    const joined = this.membership === undefined ? Infinity : yield* this.membership.poll()
    return Math.min(next, joined)
  }

  /** Auto-commit of what earlier polls have handed out. */
  commitIfDue(): void {
    this.context.autoCommit.poll()
  }

  /** Commits what was handed out, if that is done automatically, and leaves. */
  *close(deadline: Micros): Task<void> {
    const { answers, autoCommit, env, wakeup } = this.context
    yield* autoCommit.finish(deadline)
    while (this.commits.hasPending && env.now() < deadline) {
      yield* wakeup.waitUntil(Math.min(deadline, this.commits.turn()))
      answers.run()
    }
    if (this.membership !== undefined) yield* this.membership.leave('the consumer is being closed', deadline)
    this.membership?.close()
  }

  /** Ends without a word. */
  abandon(): void {
    this.membership?.close()
  }

  private get reader(): { readonly memberId: string | null; readonly memberEpoch: number } {
    const { config } = this.context
    const identity = config.groupProtocol === 'consumer' ? this.membership?.commitIdentity() : undefined
    return identity === undefined || 'refused' in identity ? { memberId: null, memberEpoch: -1 } : { memberId: identity.memberId, memberEpoch: identity.generationId }
  }
}
