/**
 * Commits of a consumer (ConsumerCoordinator#sendOffsetCommitRequest, CommitRequestManager): one attempt for commitAsync,
 * repeated ones for commitSync. Topic ids are sent when all are known (KIP-848's OffsetCommit 10).
 *
 * Unlike Kafka, a commit that waits for the coordinator to be found goes on waiting when a lookup fails.
 */
import { msToUs } from '../../base/time.ts'
import type { Micros } from '../../base/time.ts'
import type { Task } from '../../base/task.ts'
import type { ConsumerConfig } from '../../config/client.ts'
import type { Env } from '../../env/env.ts'
import { ApiKey } from '../../protocol/api-keys.ts'
import { ErrorCode, errorName } from '../../protocol/errors.ts'
import type { OffsetCommitResponse } from '../../protocol/generated/types.ts'
import { ZERO_UUID } from '../../protocol/uuid.ts'
import type { RpcResult } from '../../rpc/rpc-client.ts'
import type { AnswerQueue } from '../answer-queue.ts'
import { Backoff } from '../backoff.ts'
import type { BrokerNode, ClusterMetadata } from '../cluster-metadata.ts'
import { byTopic } from '../topic-partition.ts'
import type { Wakeup } from '../wakeup.ts'
import type { GroupCoordinator } from './group-coordinator.ts'
import type { GroupMembership } from './group-membership.ts'
import type { GroupMetadata, OffsetToCommit } from './group-metadata.ts'

export type CommitOutcome =
  | { readonly ok: true }
  | { readonly ok: false; /** Kafka's name, COMMIT_FAILED, DISCONNECTED or TIMEOUT. */ readonly error: string; readonly isRetriable: boolean; /** Certainly not committed. */ readonly definite: boolean }

export const COMMITTED: CommitOutcome = Object.freeze({ ok: true })
/** Who commits without being a member: a consumer that assigns itself (Generation.NO_GENERATION). */
export function noMember(groupId: string): GroupMetadata {
  return { groupId, generationId: -1, memberId: '', groupInstanceId: null }
}

const NAMES_VERSION = 9

export class OffsetCommits {
  private readonly env: Env
  private readonly config: ConsumerConfig
  private readonly coordinator: GroupCoordinator
  private readonly metadata: ClusterMetadata
  private readonly answers: AnswerQueue
  private readonly wakeup: Wakeup
  private readonly membership: () => GroupMembership | undefined
  private readonly backoff: Backoff
  private waiting: { readonly offsets: readonly OffsetToCommit[]; readonly onDone: (outcome: CommitOutcome) => void }[] = []
  private inFlight = 0

  /** `membership`: undefined while the application assigns partitions itself. */
  constructor(
    env: Env, config: ConsumerConfig, coordinator: GroupCoordinator, metadata: ClusterMetadata, answers: AnswerQueue, wakeup: Wakeup,
    membership: () => GroupMembership | undefined,
  ) {
    this.env = env
    this.config = config
    this.coordinator = coordinator
    this.metadata = metadata
    this.answers = answers
    this.wakeup = wakeup
    this.membership = membership
    this.backoff = new Backoff(env, 'commit-backoff', config.retryBackoffMs, config.retryBackoffMaxMs)
  }

  /** Commits that were begun and have no outcome. */
  get hasPending(): boolean {
    return this.inFlight > 0 || this.waiting.length > 0
  }

  /** One attempt, as soon as the coordinator is known. `onDone` is called in a turn of the consumer. */
  commitAsync(offsets: readonly OffsetToCommit[], onDone: (outcome: CommitOutcome) => void): void {
    if (offsets.length === 0) return onDone(COMMITTED)
    this.waiting.push({ offsets, onDone })
    this.turn()
  }

  /** Sends what waited for the coordinator. Returns when to look again. */
  turn(): Micros {
    if (this.waiting.length === 0) return Infinity
    if (this.coordinator.node === undefined) return this.coordinator.find()
    const waiting = this.waiting
    this.waiting = []
    for (const { offsets, onDone } of waiting) this.attempt(offsets, onDone)
    return Infinity
  }

  /** Until it is committed, refused for good, or `deadline`. */
  *commitSync(offsets: readonly OffsetToCommit[], deadline: Micros): Task<CommitOutcome> {
    let mayHaveHappened = false
    for (let failures = 0; ; failures++) {
      let outcome: CommitOutcome | undefined
      this.commitAsync(offsets, done => {
        outcome = done
      })
      let next = this.turn()
      while (outcome === undefined) {
        if (this.env.now() >= deadline) return { ok: false, error: 'TIMEOUT', isRetriable: true, definite: false }
        yield* this.wakeup.waitUntil(Math.min(deadline, next))
        this.answers.run()
        next = this.turn()
      }
      if (outcome.ok) return outcome
      if (!outcome.definite) mayHaveHappened = true
      if (!outcome.isRetriable) return { ...outcome, definite: !mayHaveHappened }
      const delay = Math.min(this.backoff.delay(failures, 'sync'), deadline - this.env.now())
      if (delay <= 0) return { ...outcome, error: 'TIMEOUT', definite: !mayHaveHappened }
      yield* this.env.sleep(delay).wait()
    }
  }

  private attempt(offsets: readonly OffsetToCommit[], onDone: (outcome: CommitOutcome) => void): void {
    const node = this.coordinator.node!
    const membership = this.membership()
    const sender = membership?.commitIdentity() ?? noMember(this.coordinator.groupId)
    if ('refused' in sender) return onDone({ ok: false, error: sender.refused, isRetriable: false, definite: true })
    const topics = byTopic(offsets, ({ partition, offset, leaderEpoch = -1, metadata = '' }) => (
      { partitionIndex: partition, committedOffset: offset, committedLeaderEpoch: leaderEpoch, committedMetadata: metadata }
    )).map(([name, partitions]) => ({ name, topicId: this.metadata.topicId(name), partitions }))
    const { groupId, generationId, memberId, groupInstanceId } = sender
    const request = { groupId, generationIdOrMemberEpoch: generationId, memberId, groupInstanceId, topics }
    const options = topics.some(({ topicId }) => topicId === ZERO_UUID) ? { version: NAMES_VERSION } : undefined
    this.inFlight++
    this.answers.ask(node, ApiKey.OffsetCommit, request, result => {
      this.inFlight--
      onDone(this.outcomeOf(node, membership, sender, offsets, result))
    }, options)
  }

  private outcomeOf(
    node: BrokerNode, membership: GroupMembership | undefined, sender: GroupMetadata, offsets: readonly OffsetToCommit[], result: RpcResult,
  ): CommitOutcome {
    if (!result.ok) {
      this.coordinator.lost(node)
      const error = result.reason === 'timeout' ? 'TIMEOUT' : result.reason === 'disconnected' ? 'DISCONNECTED' : 'UNSUPPORTED_VERSION'
      return { ok: false, error, isRetriable: result.reason !== 'unsupported-version', definite: !result.sent }
    }
    // The first error decides, as in Kafka; partitions before it may have been committed.
    let committedBefore = false
    for (const { partitions } of (result.body as OffsetCommitResponse).topics) {
      for (const { errorCode } of partitions) {
        if (errorCode === ErrorCode.NONE) committedBefore = true
        else return this.refused(errorCode, node, membership, sender, committedBefore)
      }
    }
    const { groupId, memberId, generationId } = sender
    this.env.observe({
      kind: 'client-committed', groupId, memberId, generationId, offsets: offsets.map(({ topic, partition, offset }) => ({ topic, partition, offset })),
    })
    return COMMITTED
  }

  private refused(errorCode: number, node: BrokerNode, membership: GroupMembership | undefined, sender: GroupMetadata, committedBefore: boolean): CommitOutcome {
    const error = errorName(errorCode)
    switch (errorCode) {
      case ErrorCode.COORDINATOR_LOAD_IN_PROGRESS:
      case ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
      case ErrorCode.UNKNOWN_TOPIC_ID:
        return { ok: false, error, isRetriable: true, definite: !committedBefore }
      case ErrorCode.COORDINATOR_NOT_AVAILABLE:
      case ErrorCode.NOT_COORDINATOR:
      case ErrorCode.REQUEST_TIMED_OUT:
        // A coordinator answers these also after it has written.
        this.coordinator.lost(node)
        return { ok: false, error, isRetriable: true, definite: false }
      case ErrorCode.STALE_MEMBER_EPOCH:
      case ErrorCode.FENCED_INSTANCE_ID:
      case ErrorCode.REBALANCE_IN_PROGRESS:
      case ErrorCode.UNKNOWN_MEMBER_ID:
      case ErrorCode.ILLEGAL_GENERATION:
        return { ok: false, error: membership?.commitRefused(errorCode, sender) ?? error, isRetriable: false, definite: !committedBefore }
      default:
        return { ok: false, error, isRetriable: false, definite: errorCode !== ErrorCode.UNKNOWN_SERVER_ERROR && !committedBefore }
    }
  }

  /** No later than this may a call go on. */
  deadline(): Micros {
    return this.env.now() + msToUs(this.config.defaultApiTimeoutMs)
  }
}
