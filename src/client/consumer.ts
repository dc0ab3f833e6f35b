/**
 * The reference consumer (KafkaConsumer): assigned by the application, or by its group. Everything but the heartbeat happens
 * inside `poll` and other calls, as in the classic Java consumer: answers that arrive in between wait for the next call.
 */
import type { Task } from '../base/task.ts'
import { msToUs } from '../base/time.ts'
import type { Micros, Millis } from '../base/time.ts'
import { TrialError } from '../base/trial-error.ts'
import type { ConsumerConfig } from '../config/client.ts'
import type { Env } from '../env/env.ts'
import { ApiError } from '../protocol/api-error.ts'
import { ErrorCode } from '../protocol/errors.ts'
import { AnswerQueue } from './answer-queue.ts'
import type { BrokerRpc } from './broker-rpc.ts'
import { ClusterMetadata } from './cluster-metadata.ts'
import type { ConsumerRecord } from './completed-fetch.ts'
import { connectBrokers } from './connect.ts'
import type { FetchState, PositionReset } from './fetch-state.ts'
import { Fetcher } from './fetcher.ts'
import type { Collected } from './fetcher.ts'
import { partitionName } from '../base/partition-name.ts'
import { Assignment } from './group/assignment.ts'
import type { CommittedOffset } from './group/committed-offsets.ts'
import { GroupConsumer } from './group/group-consumer.ts'
import type { GroupMetadata, OffsetToCommit } from './group/group-metadata.ts'
import type { CommitOutcome } from './group/offset-commits.ts'
import type { RebalanceListener } from './group/subscription.ts'
import { PositionResolver } from './position-resolver.ts'
import type { TopicPartition } from './topic-partition.ts'
import { Wakeup } from './wakeup.ts'

export interface PollResult {
  readonly records: readonly ConsumerRecord[]
  /** Positions that moved by themselves since the last poll, in order. No record of such a partition is in this poll. */
  readonly resets: readonly PositionReset[]
  /** Never together with records. NO_OFFSET_FOR_PARTITION, OFFSET_OUT_OF_RANGE, LOG_TRUNCATION, CORRUPT_MESSAGE or Kafka's name of an error. */
  readonly error?: string
}

/** Fetches of a broker are one at a time; list-offsets and metadata requests go beside them. */
const MAX_IN_FLIGHT = 100
function* nothing(): Task<void> {}

const NOTHING: Collected = { records: [], advanced: false }

export class Consumer {
  private readonly env: Env
  private readonly config: ConsumerConfig
  private readonly rpc: BrokerRpc
  private readonly metadata: ClusterMetadata
  private readonly wakeup: Wakeup
  private readonly answers: AnswerQueue
  private readonly positions: PositionResolver
  private readonly fetcher: Fetcher
  private readonly assigned: Assignment
  private readonly states: ReadonlyMap<string, FetchState>
  private readonly group: GroupConsumer | undefined
  private resets: PositionReset[] = []
  private error: string | undefined = undefined
  private isPolling = false

  constructor(env: Env, config: ConsumerConfig, rpc: BrokerRpc = connectBrokers(env, config, MAX_IN_FLIGHT)) {
    this.env = env
    this.config = config
    this.rpc = rpc
    this.metadata = new ClusterMetadata(env, this.rpc, config)
    this.wakeup = new Wakeup(env)
    this.answers = new AnswerQueue(this.rpc, this.wakeup)
    const onError = (error: string): void => {
      this.error ??= error
    }
    this.positions = new PositionResolver(env, config, this.metadata, this.answers, reset => this.resets.push(reset), onError)
    this.fetcher = new Fetcher(env, config, this.rpc, this.metadata, this.answers, this.positions, onError)
    this.assigned = new Assignment(config.groupId !== null, () => this.fetcher.retain(this.states))
    this.states = this.assigned.states
    this.group = config.groupId === null ? undefined
      : new GroupConsumer(env, config, config.groupId, this.rpc, this.metadata, this.answers, this.wakeup, this.assigned, onError)
    this.metadata.onUpdate(() => this.wakeup.wake())
    this.metadata.start()
  }

  /** What is assigned, in order. */
  get assignment(): readonly TopicPartition[] {
    return this.assigned.partitions
  }

  /**
   * Replaces the assignment; partitions that stay keep their positions and what was fetched of them.
   * @throws TrialError while subscribed
   */
  assign(partitions: readonly TopicPartition[]): void {
    if (this.group?.isMember === true) throw new TrialError('usage', 'A consumer that is subscribed cannot be assigned partitions.')
    for (const { topic } of partitions) this.metadata.add(topic)
    this.assigned.replace(partitions)
  }

  /**
   * Joins the group in the next polls and lets it assign partitions of these topics, or of all whose whole name matches.
   * @throws TrialError without group.id
   */
  subscribe(topics: readonly string[] | RegExp, listener: RebalanceListener = {}): void {
    const pattern = topics instanceof RegExp ? new RegExp(`^(?:${topics.source})$`, topics.flags.replace('g', '')) : undefined
    this.member('subscribe').subscribe({ topics: topics instanceof RegExp ? [] : [...new Set(topics)], pattern, listener })
  }

  /** Leaves the group and gives up what is assigned. */
  *unsubscribe(): Task<void> {
    yield* this.group?.unsubscribe(this.apiDeadline()) ?? nothing()
    this.assigned.replace([])
  }

  /** Membership for `Producer#sendOffsetsToTransaction`. @throws TrialError without group.id */
  groupMetadata(): GroupMetadata {
    return this.member('groupMetadata').groupMetadata
  }

  /** Commits, without arguments the positions of all partitions, and waits at most default.api.timeout.ms. */
  *commitSync(offsets?: readonly OffsetToCommit[]): Task<CommitOutcome> {
    const { commits } = this.member('commitSync')
    // Defect: what has come is handled only between two looks at how far the rebalance is (ClassicMember#commitIdentity).
    if (!this.env.defects.has('KAFKA-19242')) this.answers.run()
    return yield* commits.commitSync(offsets ?? this.assigned.allConsumed(), this.apiDeadline())
  }

  /** One attempt to commit; `onDone` is called in a later call of this consumer, in order. */
  commitAsync(offsets?: readonly OffsetToCommit[], onDone: (outcome: CommitOutcome) => void = () => {}): void {
    this.member('commitAsync').commits.commitAsync(offsets ?? this.assigned.allConsumed(), onDone)
  }

  /** What is committed of each partition, by its name; null where nothing is. @throws ApiError */
  *committed(partitions: readonly TopicPartition[]): Task<ReadonlyMap<string, CommittedOffset | null>> {
    return yield* this.member('committed').committed.committed(partitions, this.apiDeadline())
  }

  /**
   * Records, or none after `timeoutMs`. Returns early when a position moved or something went wrong.
   * @throws TrialError when another task is in a poll of this consumer (a consumer is not for two threads)
   */
  *poll(timeoutMs: Millis): Task<PollResult> {
    if (this.isPolling) throw new TrialError('usage', 'Two polls of one consumer at a time: a consumer is not for two threads.')
    this.isPolling = true
    try {
      return yield* this.pollUntil(timeoutMs)
    } finally {
      this.isPolling = false
    }
  }

  private *pollUntil(timeoutMs: Millis): Task<PollResult> {
    const deadline = this.env.now() + msToUs(timeoutMs)
    for (;;) {
      this.answers.run()
      const checkGroupAt = this.group === undefined ? Infinity : yield* this.group.poll()
      if (!this.commitsTooMuch) this.group?.commitIfDue()
      const checkPositionsAt = Math.min(checkGroupAt, this.update())
      // an error is told by a poll of its own, so that no record is lost with it
      const { records, advanced } = this.error === undefined ? this.fetcher.collect(this.states) : NOTHING
      if (this.commitsTooMuch) this.group?.commitIfDue()
      const checkFetchesAt = this.fetcher.sendFetches(this.states)
      if (records.length > 0 || advanced) return { records, resets: this.takeResets() }
      const { error } = this
      if (error !== undefined) {
        this.error = undefined
        return { records, resets: this.takeResets(), error }
      }
      if (this.resets.length > 0 || this.env.now() >= deadline) return { records, resets: this.takeResets() }
      yield* this.wakeup.waitUntil(Math.min(deadline, checkPositionsAt, checkFetchesAt))
    }
  }

  /**
   * Next offset to be read. @throws ApiError REQUEST_TIMED_OUT after default.api.timeout.ms without a valid position,
   * OFFSET_OUT_OF_RANGE when there is none and auto.offset.reset is none
   */
  *position(topic: string, partition: number): Task<number> {
    const state = this.stateOf(topic, partition)
    const deadline = this.env.now() + msToUs(this.config.defaultApiTimeoutMs)
    for (;;) {
      const next = this.update()
      if (state.hasValidPosition) return state.position!.offset
      if (this.error !== undefined) {
        this.error = undefined
        throw new ApiError(ErrorCode.OFFSET_OUT_OF_RANGE)
      }
      if (this.env.now() >= deadline) throw new ApiError(ErrorCode.REQUEST_TIMED_OUT)
      yield* this.wakeup.waitUntil(Math.min(deadline, next))
    }
  }

  /** Next offset to be read as far as it is known now, without asking anybody. */
  currentPosition(topic: string, partition: number): number | undefined {
    const state = this.stateOf(topic, partition)
    return state.hasValidPosition ? state.position!.offset : undefined
  }

  /**
   * Continues at `offset`. With the leader epoch of the record before it, the position is validated first: by the leader that
   * is known now, even if the epoch says that there is a newer one (KafkaConsumer#seek looks it up before it notes the epoch).
   */
  seek(topic: string, partition: number, offset: number, leaderEpoch = -1): void {
    const leader = this.metadata.currentLeader(topic, partition)
    if (leaderEpoch >= 0) this.metadata.observeLeaderEpoch(topic, partition, leaderEpoch)
    this.stateOf(topic, partition).seekUnvalidated({ offset, offsetEpoch: leaderEpoch, leader })
  }

  seekToBeginning(topic: string, partition: number): void {
    this.seekTo(topic, partition, 'earliest')
  }

  seekToEnd(topic: string, partition: number): void {
    this.seekTo(topic, partition, 'latest')
  }

  pause(topic: string, partition: number): void {
    this.stateOf(topic, partition).isPaused = true
  }

  resume(topic: string, partition: number): void {
    this.stateOf(topic, partition).isPaused = false
  }

  /** Ends it at once: nothing is committed, and its group finds out by the session. See `shutDown`. */
  close(): void {
    this.group?.abandon()
    this.assigned.states.clear()
    this.metadata.close()
    this.rpc.close()
  }

  /** Commits (auto-commit), leaves the group unless static, and closes; waits at most `timeoutMs` (KafkaConsumer#close). */
  *shutDown(timeoutMs: Millis): Task<void> {
    yield* this.group?.close(this.env.now() + msToUs(timeoutMs)) ?? nothing()
    this.close()
  }

  private get commitsTooMuch(): boolean {
    return this.env.defects.has('KAFKA-18641')
  }

  private member(call: string): GroupConsumer {
    if (this.group === undefined) throw new TrialError('usage', `${call} needs a consumer with a group.id.`)
    return this.group
  }

  private apiDeadline(): Micros {
    return this.env.now() + msToUs(this.config.defaultApiTimeoutMs)
  }

  private takeResets(): PositionReset[] {
    const { resets } = this
    this.resets = []
    return resets
  }

  private seekTo(topic: string, partition: number, strategy: 'earliest' | 'latest'): void {
    const state = this.stateOf(topic, partition)
    state.awaitReset({ strategy, from: state.position?.offset ?? -1, reason: undefined })
  }

  private update(): Micros {
    this.answers.run()
    const committedAt = this.group?.committed.initialize(this.states) ?? Infinity
    return Math.min(committedAt, this.positions.update(this.states))
  }

  /** @throws TrialError when the partition is not assigned */
  private stateOf(topic: string, partition: number): FetchState {
    const state = this.states.get(partitionName(topic, partition))
    if (state === undefined) throw new TrialError('usage', `Partition ${partitionName(topic, partition)} is not assigned to this consumer.`)
    return state
  }
}
