/**
 * Committed offsets of a group, as its consumer reads them (ConsumerCoordinator#initWithCommittedOffsetsIfNeeded,
 * #fetchCommittedOffsets): where new partitions begin, and what `committed` answers. Always requireStable, as the Java
 * client: offsets of a transaction that is not decided are waited for (KIP-447).
 */
import { partitionName } from '../../base/partition-name.ts'
import type { Micros } from '../../base/time.ts'
import type { Task } from '../../base/task.ts'
import type { ConsumerConfig } from '../../config/client.ts'
import type { Env } from '../../env/env.ts'
import { ApiError } from '../../protocol/api-error.ts'
import { ApiKey } from '../../protocol/api-keys.ts'
import { ErrorCode, errorName, isRetriable } from '../../protocol/errors.ts'
import type { OffsetFetchResponse } from '../../protocol/generated/types.ts'
import { ZERO_UUID } from '../../protocol/uuid.ts'
import { failureCode } from '../../rpc/failure-code.ts'
import type { RpcResult } from '../../rpc/rpc-client.ts'
import type { AnswerQueue } from '../answer-queue.ts'
import { Backoff } from '../backoff.ts'
import type { ClusterMetadata } from '../cluster-metadata.ts'
import type { FetchState } from '../fetch-state.ts'
import { byTopic, nameOf } from '../topic-partition.ts'
import type { TopicPartition } from '../topic-partition.ts'
import type { Wakeup } from '../wakeup.ts'
import type { GroupCoordinator } from './group-coordinator.ts'

export interface CommittedOffset {
  readonly offset: number
  /** -1: not known. */
  readonly leaderEpoch: number
  readonly metadata: string
}

/** By partition name; null where nothing is committed. */
type Answer = { readonly ok: true; readonly offsets: ReadonlyMap<string, CommittedOffset | null> } | { readonly ok: false; readonly errorCode: number }

const NAMES_VERSION = 9

export class CommittedOffsets {
  private readonly env: Env
  private readonly config: ConsumerConfig
  private readonly coordinator: GroupCoordinator
  private readonly metadata: ClusterMetadata
  private readonly answers: AnswerQueue
  private readonly wakeup: Wakeup
  private readonly member: () => { readonly memberId: string | null; readonly memberEpoch: number }
  private readonly onError: (error: string) => void
  private readonly backoff: Backoff
  private isAsking = false
  private failures = 0
  private askAt: Micros = 0

  /** `member`: who asks, under KIP-848. */
  constructor(
    env: Env, config: ConsumerConfig, coordinator: GroupCoordinator, metadata: ClusterMetadata, answers: AnswerQueue, wakeup: Wakeup,
    member: () => { readonly memberId: string | null; readonly memberEpoch: number }, onError: (error: string) => void,
  ) {
    this.env = env
    this.config = config
    this.coordinator = coordinator
    this.metadata = metadata
    this.answers = answers
    this.wakeup = wakeup
    this.member = member
    this.onError = onError
    this.backoff = new Backoff(env, 'offset-fetch-backoff', config.retryBackoffMs, config.retryBackoffMaxMs)
  }

  /** Gives partitions that have no position yet their committed one. Returns when to look again. */
  initialize(states: ReadonlyMap<string, FetchState>): Micros {
    const asked = [...states.values()].filter(state => state.phase === 'initializing' && state.awaitsCommitted)
    if (asked.length === 0 || this.isAsking) return Infinity
    if (this.coordinator.node === undefined) return this.coordinator.find()
    if (this.env.now() < this.askAt) return this.askAt
    this.isAsking = true
    this.ask(asked, answer => {
      this.isAsking = false
      if (!answer.ok) {
        this.askAt = this.env.now() + this.backoff.delay(this.failures++, 'initialize')
        if (!isRetriable(answer.errorCode)) this.onError(errorName(answer.errorCode))
        return
      }
      this.failures = 0
      for (const state of asked) {
        if (states.get(state.key) !== state || state.phase !== 'initializing') continue
        const committed = answer.offsets.get(state.key)
        state.awaitsCommitted = false
        if (committed === undefined || committed === null) continue
        if (committed.leaderEpoch >= 0) this.metadata.observeLeaderEpoch(state.topic, state.partition, committed.leaderEpoch)
        state.seekUnvalidated({ offset: committed.offset, offsetEpoch: committed.leaderEpoch, leader: this.metadata.currentLeader(state.topic, state.partition) })
      }
    })
    return Infinity
  }

  /** @throws ApiError REQUEST_TIMED_OUT at `deadline`, or what the coordinator refuses for good */
  *committed(partitions: readonly TopicPartition[], deadline: Micros): Task<ReadonlyMap<string, CommittedOffset | null>> {
    for (let failures = 0; ; failures++) {
      let answer: Answer | undefined
      let isAsked = false
      while (answer === undefined) {
        let next = Infinity
        if (!isAsked && this.coordinator.node === undefined) next = this.coordinator.find()
        else if (!isAsked) {
          isAsked = true
          this.ask(partitions, result => {
            answer = result
          })
        }
        if (this.env.now() >= deadline) throw new ApiError(ErrorCode.REQUEST_TIMED_OUT)
        yield* this.wakeup.waitUntil(Math.min(deadline, next))
        this.answers.run()
      }
      const outcome: Answer = answer
      if (outcome.ok) return outcome.offsets
      if (!isRetriable(outcome.errorCode)) throw new ApiError(outcome.errorCode)
      const delay = Math.min(this.backoff.delay(failures, 'committed'), deadline - this.env.now())
      if (delay <= 0) throw new ApiError(ErrorCode.REQUEST_TIMED_OUT)
      yield* this.env.sleep(delay).wait()
    }
  }

  private ask(partitions: readonly TopicPartition[], onAnswer: (answer: Answer) => void): void {
    const node = this.coordinator.node!
    const { groupId } = this.coordinator
    const topics = byTopic(partitions, ({ partition }) => partition).map(([name, partitionIndexes]) => ({ name, topicId: this.metadata.topicId(name), partitionIndexes }))
    const names = new Map(topics.map(({ name, topicId }) => [topicId, name]))
    const request = { groupId, requireStable: true, topics, groups: [{ groupId, ...this.member(), topics }] }
    const options = names.has(ZERO_UUID) ? { version: NAMES_VERSION } : undefined
    this.answers.ask(node, ApiKey.OffsetFetch, request, result => {
      const answer = answerOf(result, names)
      if (!result.ok || (!answer.ok && (answer.errorCode === ErrorCode.NOT_COORDINATOR || answer.errorCode === ErrorCode.COORDINATOR_NOT_AVAILABLE))) {
        this.coordinator.lost(node)
      }
      if (answer.ok && partitions.some(partition => !answer.offsets.has(nameOf(partition)))) return onAnswer({ ok: false, errorCode: ErrorCode.UNKNOWN_SERVER_ERROR })
      onAnswer(answer)
    }, options)
  }
}

function answerOf(result: RpcResult, names: ReadonlyMap<string, string>): Answer {
  if (!result.ok) return { ok: false, errorCode: failureCode(result) }
  const response = result.body as OffsetFetchResponse
  const group = response.groups[0] ?? { errorCode: response.errorCode, topics: response.topics.map(topic => ({ ...topic, topicId: ZERO_UUID })) }
  if (group.errorCode !== ErrorCode.NONE) return { ok: false, errorCode: group.errorCode }
  const offsets = new Map<string, CommittedOffset | null>()
  let unstable = false
  for (const topic of group.topics) {
    const name = topic.name === '' ? (names.get(topic.topicId) ?? '') : topic.name
    for (const { partitionIndex, committedOffset, committedLeaderEpoch, metadata, errorCode } of topic.partitions) {
      if (errorCode === ErrorCode.UNSTABLE_OFFSET_COMMIT) unstable = true
      else if (errorCode !== ErrorCode.NONE) return { ok: false, errorCode }
      offsets.set(partitionName(name, partitionIndex), committedOffset < 0 ? null : { offset: committedOffset, leaderEpoch: committedLeaderEpoch, metadata: metadata ?? '' })
    }
  }
  return unstable ? { ok: false, errorCode: ErrorCode.UNSTABLE_OFFSET_COMMIT } : { ok: true, offsets }
}
