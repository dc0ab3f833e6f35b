/**
 * Where to read: initial positions and resets by ListOffsets, validation of positions by OffsetForLeaderEpoch
 * (OffsetFetcherUtils, OffsetsForLeaderEpochUtils, SubscriptionState#maybeCompleteValidation).
 *
 * A position whose leader has less than it (truncation) goes to the end of the diverging epoch, or fails under
 * auto.offset.reset=none; an answer about a position that has moved meanwhile is dropped.
 */
import { msToUs } from '../base/time.ts'
import type { Micros } from '../base/time.ts'
import type { ConsumerConfig } from '../config/client.ts'
import type { Env } from '../env/env.ts'
import { ApiKey } from '../protocol/api-keys.ts'
import type { Draft } from '../protocol/codec.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { ListOffsetsRequest, ListOffsetsResponse, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse } from '../protocol/generated/types.ts'
import type { RpcResult } from '../rpc/rpc-client.ts'
import type { AnswerQueue } from './answer-queue.ts'
import type { BrokerNode, ClusterMetadata } from './cluster-metadata.ts'
import type { FetchPosition, FetchState, PendingReset, PositionReset } from './fetch-state.ts'
import { partitionName } from '../base/partition-name.ts'

const TIMESTAMPS = { latest: -1, earliest: -2 } as const
const CONSUMER_REPLICA_ID = -1

export class PositionResolver {
  private readonly env: Env
  private readonly config: ConsumerConfig
  private readonly metadata: ClusterMetadata
  private readonly answers: AnswerQueue
  private readonly onReset: (reset: PositionReset) => void
  private readonly onError: (error: string) => void
  private checkedVersion = -1

  /** `onReset`: a position moved by itself. `onError`: what the next poll must report. */
  constructor(
    env: Env, config: ConsumerConfig, metadata: ClusterMetadata, answers: AnswerQueue,
    onReset: (reset: PositionReset) => void, onError: (error: string) => void,
  ) {
    this.env = env
    this.config = config
    this.metadata = metadata
    this.answers = answers
    this.onReset = onReset
    this.onError = onError
  }

  /** Asks for what the positions need; returns when to look again. */
  update(states: ReadonlyMap<string, FetchState>): Micros {
    const now = this.env.now()
    if (this.checkedVersion !== this.metadata.updateVersion) {
      this.checkedVersion = this.metadata.updateVersion
      for (const state of states.values()) {
        state.observeLeader(this.metadata.currentLeader(state.topic, state.partition))
        state.nextFetchAt = 0
      }
    }
    let next = Infinity
    const resets = new Map<BrokerNode, FetchState[]>()
    const validations = new Map<BrokerNode, FetchState[]>()
    for (const state of states.values()) {
      if (state.phase === 'initializing' && !state.awaitsCommitted) this.initialize(state)
      if (this.env.defects.has('KAFKA-7747')) state.completeValidation()
      if (state.phase !== 'await-reset' && state.phase !== 'await-validation') continue
      if (state.nextRetryAt > now) {
        next = Math.min(next, state.nextRetryAt)
        continue
      }
      const isReset = state.phase === 'await-reset'
      const node = isReset ? this.metadata.currentLeader(state.topic, state.partition).node : state.position!.leader.node
      if (node === undefined) {
        this.metadata.requestUpdate()
        continue
      }
      const groups = isReset ? resets : validations
      const group = groups.get(node)
      if (group === undefined) groups.set(node, [state])
      else group.push(state)
    }
    for (const [node, group] of resets) this.listOffsets(node, group)
    for (const [node, group] of validations) this.validate(node, group)
    return next
  }

  /** The offset is not in the log of the leader (OFFSET_OUT_OF_RANGE). */
  outOfRange(state: FetchState): void {
    const from = state.position?.offset ?? -1
    const strategy = this.config.autoOffsetReset
    if (strategy === 'none') this.onError('OFFSET_OUT_OF_RANGE')
    else state.awaitReset({ strategy, from, reason: 'out-of-range' })
  }

  /** The leader's log ends before the position: at `endOffset` of `epoch`, or nobody knows where (-1). */
  truncated(state: FetchState, epoch: number, endOffset: number): void {
    const position = state.position!
    const strategy = this.config.autoOffsetReset
    this.env.observe({
      kind: 'client-truncation-detected', topic: state.topic, partition: state.partition, position: position.offset, divergence: endOffset,
    })
    if (strategy === 'none') return this.onError('LOG_TRUNCATION')
    if (epoch < 0 || endOffset < 0) return state.awaitReset({ strategy, from: position.offset, reason: 'truncation' })
    state.seek({ offset: endOffset, offsetEpoch: epoch, leader: position.leader })
    this.onReset({ topic: state.topic, partition: state.partition, from: position.offset, to: endOffset, reason: 'truncation' })
  }

  private initialize(state: FetchState): void {
    const strategy = this.config.autoOffsetReset
    if (strategy === 'none') this.onError('NO_OFFSET_FOR_PARTITION')
    else state.awaitReset({ strategy, from: -1, reason: 'initial' })
  }

  private listOffsets(node: BrokerNode, states: readonly FetchState[]): void {
    const asked = new Map<string, { state: FetchState; reset: PendingReset }>()
    const request: Draft<ListOffsetsRequest> = {
      replicaId: CONSUMER_REPLICA_ID,
      isolationLevel: this.config.isolationLevel === 'read_committed' ? 1 : 0,
      timeoutMs: this.config.requestTimeoutMs,
      topics: groupByTopic(states, (state, topic) => {
        const reset = state.reset!
        asked.set(state.key, { state, reset })
        this.holdBack(state, this.config.requestTimeoutMs)
        return {
          partitionIndex: state.partition,
          currentLeaderEpoch: this.metadata.currentLeader(topic, state.partition).epoch,
          timestamp: TIMESTAMPS[reset.strategy],
        }
      }).map(([name, partitions]) => ({ name, partitions })),
    }
    this.answers.ask(node, ApiKey.ListOffsets, request, result => {
      for (const answer of answersOf<ListOffsetsResponse>(result)) {
        for (const partition of answer.partitions) {
          const key = partitionName(answer.name, partition.partitionIndex)
          const question = asked.get(key)
          if (question === undefined || partition.errorCode !== ErrorCode.NONE) continue
          asked.delete(key)
          if (partition.offset >= 0) this.completeReset(question.state, question.reset, partition.offset, partition.leaderEpoch)
        }
      }
      this.retryLater([...asked.values()].filter(({ state, reset }) => state.reset === reset).map(({ state }) => state))
    })
  }

  private completeReset(state: FetchState, reset: PendingReset, offset: number, leaderEpoch: number): void {
    if (state.phase !== 'await-reset' || state.reset !== reset) return
    if (leaderEpoch >= 0) this.metadata.observeLeaderEpoch(state.topic, state.partition, leaderEpoch)
    // without an epoch of its own the position needs no validation
    state.seekUnvalidated({ offset, offsetEpoch: -1, leader: this.metadata.currentLeader(state.topic, state.partition) })
    if (reset.reason !== undefined) {
      this.onReset({ topic: state.topic, partition: state.partition, from: reset.from, to: offset, reason: reset.reason })
    }
  }

  private validate(node: BrokerNode, states: readonly FetchState[]): void {
    const asked = new Map<string, { state: FetchState; position: FetchPosition }>()
    const request: Draft<OffsetForLeaderEpochRequest> = {
      replicaId: CONSUMER_REPLICA_ID,
      topics: groupByTopic(states, state => {
        const position = state.position!
        asked.set(state.key, { state, position })
        this.holdBack(state, this.config.requestTimeoutMs)
        return { partition: state.partition, currentLeaderEpoch: position.leader.epoch, leaderEpoch: position.offsetEpoch }
      }).map(([topic, partitions]) => ({ topic, partitions })),
    }
    this.answers.ask(node, ApiKey.OffsetForLeaderEpoch, request, result => {
      for (const answer of answersOf<OffsetForLeaderEpochResponse>(result)) {
        for (const { partition, errorCode, leaderEpoch, endOffset } of answer.partitions) {
          const key = partitionName(answer.topic, partition)
          const question = asked.get(key)
          if (question === undefined || errorCode !== ErrorCode.NONE) continue
          asked.delete(key)
          const { state, position } = question
          if (state.phase !== 'await-validation' || state.position !== position) continue
          if (endOffset < 0 || leaderEpoch < 0 || endOffset < position.offset) this.truncated(state, leaderEpoch, endOffset)
          else state.completeValidation()
        }
      }
      this.retryLater([...asked.values()].filter(({ state, position }) => state.position === position).map(({ state }) => state))
    })
  }

  private retryLater(states: readonly FetchState[]): void {
    if (states.length === 0) return
    for (const state of states) this.holdBack(state, this.config.retryBackoffMs)
    this.metadata.requestUpdate()
  }

  private holdBack(state: FetchState, ms: number): void {
    state.nextRetryAt = this.env.now() + msToUs(ms)
  }
}

function answersOf<R extends { topics: readonly unknown[] }>(result: RpcResult): R['topics'] {
  return result.ok ? (result.body as R).topics : []
}

function groupByTopic<T>(states: readonly FetchState[], each: (state: FetchState, topic: string) => T): [string, T[]][] {
  const groups = new Map<string, T[]>()
  for (const state of states) {
    const item = each(state, state.topic)
    const group = groups.get(state.topic)
    if (group === undefined) groups.set(state.topic, [item])
    else group.push(item)
  }
  return [...groups]
}
