/**
 * Fetch requests of a consumer and the data that waits to be polled (AbstractFetch, FetchBuffer, FetchCollector).
 *
 * At most one request in flight a broker; a partition is fetched when its position is valid and nothing of it is buffered.
 * Data whose offset is not the position any more (after a seek, a reset, a truncation) is thrown away. Reads go to the
 * preferred replica while it lasts (KIP-392); any error sends them back to the leader.
 *
 * As in Kafka a consumer sends no lastFetchedEpoch (a follower that is behind would look like a truncation); a diverging
 * epoch in an answer of the leader is honoured all the same. Unlike Kafka, a partition that was answered with an error is
 * fetched again only after retry.backoff.ms or new metadata.
 */
import { msToUs } from '../base/time.ts'
import type { Micros } from '../base/time.ts'
import type { ConsumerConfig } from '../config/client.ts'
import type { Env } from '../env/env.ts'
import { ApiKey } from '../protocol/api-keys.ts'
import type { Draft } from '../protocol/codec.ts'
import { ErrorCode, errorName } from '../protocol/errors.ts'
import type { FetchRequest, FetchResponse } from '../protocol/generated/types.ts'
import { ZERO_UUID } from '../protocol/uuid.ts'
import { FetchSessionHandler } from '../rpc/fetch-session-handler.ts'
import type { FetchTarget } from '../rpc/fetch-session-handler.ts'
import type { RpcResult } from '../rpc/rpc-client.ts'
import type { AnswerQueue } from './answer-queue.ts'
import type { BrokerRpc } from './broker-rpc.ts'
import type { BrokerNode, ClusterMetadata } from './cluster-metadata.ts'
import { CompletedFetch, CorruptBatchError } from './completed-fetch.ts'
import type { ConsumerRecord } from './completed-fetch.ts'
import type { FetchState } from './fetch-state.ts'
import { partitionName } from '../base/partition-name.ts'
import type { PositionResolver } from './position-resolver.ts'

const CONSUMER_REPLICA_ID = -1

export interface Collected {
  readonly records: ConsumerRecord[]
  /** A position moved, perhaps over nothing but gaps. */
  readonly advanced: boolean
}

export class Fetcher {
  private readonly env: Env
  private readonly config: ConsumerConfig
  private readonly rpc: BrokerRpc
  private readonly metadata: ClusterMetadata
  private readonly answers: AnswerQueue
  private readonly positions: PositionResolver
  private readonly onError: (error: string) => void
  private readonly sessions = new Map<number, FetchSessionHandler>()
  private readonly pendingNodes = new Set<number>()
  private buffer: CompletedFetch[] = []

  constructor(
    env: Env, config: ConsumerConfig, rpc: BrokerRpc, metadata: ClusterMetadata, answers: AnswerQueue, positions: PositionResolver,
    onError: (error: string) => void,
  ) {
    this.env = env
    this.config = config
    this.rpc = rpc
    this.metadata = metadata
    this.answers = answers
    this.positions = positions
    this.onError = onError
  }

  /** Sends what can be sent; returns when to look again. */
  sendFetches(states: ReadonlyMap<string, FetchState>): Micros {
    const now = this.env.now()
    let next = Infinity
    const buffered = new Set<string>()
    for (const fetch of this.buffer) buffered.add(fetch.key)
    // By id: two partitions may know one broker by different objects, one of metadata, one of a leader's answer.
    const byNode = new Map<number, { readonly node: BrokerNode; readonly targets: FetchTarget[] }>()
    for (const state of states.values()) {
      if (!state.isFetchable || buffered.has(state.key)) continue
      const position = state.position!
      if (position.leader.node === undefined) {
        this.metadata.requestUpdate()
        state.observeLeader(this.metadata.currentLeader(state.topic, state.partition))
        continue
      }
      if (state.nextFetchAt > now) {
        next = Math.min(next, state.nextFetchAt)
        continue
      }
      const node = this.readReplica(state, position.leader.node, now)
      if (this.pendingNodes.has(node.id)) continue
      if (!this.rpc.canSend(node.host, node.port)) {
        next = Math.min(next, now + Math.max(this.rpc.backoffLeft(node.host, node.port), msToUs(1)))
        continue
      }
      const { topic, partition, key } = state
      const target: FetchTarget = {
        key, topic, partition, topicId: this.metadata.topicId(topic), fetchOffset: position.offset, currentLeaderEpoch: position.leader.epoch,
        lastFetchedEpoch: -1, logStartOffset: -1,
      }
      const fetch = byNode.get(node.id)
      if (fetch === undefined) byNode.set(node.id, { node, targets: [target] })
      else fetch.targets.push(target)
    }
    for (const { node, targets } of byNode.values()) this.send(node, targets, states)
    return next
  }

  /** Throws away what was fetched of partitions that are assigned no more (FetchBuffer#retainAll). */
  retain(states: ReadonlyMap<string, FetchState>): void {
    this.buffer = this.buffer.filter(({ key }) => states.has(key))
  }

  /** At most max.poll.records of what is buffered; positions move past what is returned. */
  collect(states: ReadonlyMap<string, FetchState>): Collected {
    const records: ConsumerRecord[] = []
    const later: CompletedFetch[] = []
    let advanced = false
    while (records.length < this.config.maxPollRecords && this.buffer.length > 0) {
      const fetch = this.buffer[0]!
      const state = states.get(fetch.key)
      if (state?.isPaused === true) {
        later.push(this.buffer.shift()!)
        continue
      }
      if (state === undefined || !state.isFetchable || state.position!.offset !== fetch.nextFetchOffset || !this.initialize(state, fetch)) {
        this.buffer.shift()
        continue
      }
      try {
        const taken = fetch.take(this.config.maxPollRecords - records.length)
        for (const record of taken) records.push(record)
      } catch (error) {
        if (!(error instanceof CorruptBatchError)) throw error
        this.env.observe({ kind: 'mark', name: 'corrupt-batch-refused-by-consumer' })
        if (records.length === 0) this.onError('CORRUPT_MESSAGE')
        break
      }
      if (fetch.nextFetchOffset > state.position!.offset) {
        const epoch = fetch.lastEpoch >= 0 ? fetch.lastEpoch : state.position!.offsetEpoch
        state.position = { offset: fetch.nextFetchOffset, offsetEpoch: epoch, leader: state.position!.leader }
        advanced = true
      }
      if (fetch.isConsumed) this.buffer.shift()
    }
    this.buffer.push(...later)
    return { records, advanced }
  }

  private readReplica(state: FetchState, leader: BrokerNode, now: Micros): BrokerNode {
    const preferred = this.config.readReplica ?? state.preferredReadReplica(now)
    if (preferred === -1) return leader
    const node = this.metadata.node(preferred)
    const isOffline = this.metadata.partition(state.topic, state.partition)?.offlineReplicas.includes(preferred) ?? true
    if (node !== undefined && !isOffline) return node
    this.backToLeader(state)
    return leader
  }

  private send(node: BrokerNode, targets: readonly FetchTarget[], states: ReadonlyMap<string, FetchState>): void {
    let session = this.sessions.get(node.id)
    if (session === undefined) this.sessions.set(node.id, (session = new FetchSessionHandler()))
    const { sessionId, sessionEpoch, topics, forgottenTopicsData } = session.request(targets, this.config.maxPartitionFetchBytes)
    const request: Draft<FetchRequest> = {
      replicaId: CONSUMER_REPLICA_ID,
      maxWaitMs: this.config.fetchMaxWaitMs,
      minBytes: this.config.fetchMinBytes,
      maxBytes: this.config.fetchMaxBytes,
      isolationLevel: this.config.isolationLevel === 'read_committed' ? 1 : 0,
      rackId: this.config.clientRack ?? '',
      sessionId, sessionEpoch, topics, forgottenTopicsData,
    }
    // topic ids appear in version 13
    const options = targets.some(target => target.topicId === ZERO_UUID) ? { version: 12 } : undefined
    this.pendingNodes.add(node.id)
    this.answers.ask(node, ApiKey.Fetch, request, result => {
      this.pendingNodes.delete(node.id)
      this.handle(node, session, result, states)
    }, options)
  }

  private handle(node: BrokerNode, session: FetchSessionHandler, result: RpcResult, states: ReadonlyMap<string, FetchState>): void {
    if (!result.ok) {
      session.fail()
      for (const target of session.targets()) states.get(target.key)?.clearPreferredReadReplica()
      this.metadata.requestUpdate()
      return
    }
    const response = result.body as FetchResponse
    const names = new Map<string, string>()
    for (const target of session.targets()) names.set(target.topicId, target.topic)
    const fetches: CompletedFetch[] = []
    const keys: string[] = []
    const options = { checkCrcs: this.config.checkCrcs, readCommitted: this.config.isolationLevel === 'read_committed' }
    for (const topicData of response.responses) {
      const topic = topicData.topic === '' ? (names.get(topicData.topicId) ?? '') : topicData.topic
      for (const data of topicData.partitions) {
        const key = partitionName(topic, data.partitionIndex)
        keys.push(key)
        const target = session.target(key)
        if (target !== undefined) fetches.push(new CompletedFetch(topic, topicData.topicId, key, data, target.fetchOffset, node.id, options))
      }
    }
    if (!session.accept(response, keys)) {
      if (response.errorCode === ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR) this.metadata.requestUpdate()
      return
    }
    for (const fetch of fetches) {
      this.buffer.push(fetch)
      const { leaderId, leaderEpoch } = fetch.data.currentLeader
      const isStale = fetch.data.errorCode === ErrorCode.NOT_LEADER_OR_FOLLOWER || fetch.data.errorCode === ErrorCode.FENCED_LEADER_EPOCH
      if (!isStale || leaderId < 0 || leaderEpoch < 0) continue
      if (this.metadata.updateLeader(fetch.topic, fetch.partition, leaderId, leaderEpoch, response.nodeEndpoints)) {
        states.get(fetch.key)?.observeLeader(this.metadata.currentLeader(fetch.topic, fetch.partition))
      }
    }
  }

  /** First look at an answer whose offset is the position; false when there is nothing to read in it. */
  private initialize(state: FetchState, fetch: CompletedFetch): boolean {
    if (fetch.isInitialized) return true
    const { data } = fetch
    if (data.errorCode !== ErrorCode.NONE) {
      this.handleError(state, fetch)
      return false
    }
    if (data.divergingEpoch.epoch >= 0 && data.divergingEpoch.endOffset >= 0) {
      if (state.position!.leader.node?.id === fetch.nodeId) this.positions.truncated(state, data.divergingEpoch.epoch, data.divergingEpoch.endOffset)
      return false
    }
    if (data.preferredReadReplica >= 0) {
      state.preferReadReplica(data.preferredReadReplica, this.env.now() + msToUs(this.config.metadataMaxAgeMs))
    }
    fetch.isInitialized = true
    return true
  }

  private handleError(state: FetchState, fetch: CompletedFetch): void {
    const code = fetch.data.errorCode
    state.nextFetchAt = this.env.now() + msToUs(this.config.retryBackoffMs)
    switch (code) {
      case ErrorCode.NOT_LEADER_OR_FOLLOWER:
      case ErrorCode.REPLICA_NOT_AVAILABLE:
      case ErrorCode.KAFKA_STORAGE_ERROR:
      case ErrorCode.FENCED_LEADER_EPOCH:
      case ErrorCode.OFFSET_NOT_AVAILABLE:
      case ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
      case ErrorCode.UNKNOWN_TOPIC_ID:
      case ErrorCode.INCONSISTENT_TOPIC_ID:
        return this.backToLeader(state)
      case ErrorCode.OFFSET_OUT_OF_RANGE:
        // A follower may simply be behind: ask the leader before believing it.
        state.nextFetchAt = 0
        if (state.clearPreferredReadReplica() === -1) this.positions.outOfRange(state)
        return
      case ErrorCode.UNKNOWN_LEADER_EPOCH:
      case ErrorCode.UNKNOWN_SERVER_ERROR:
        return
      default:
        this.onError(errorName(code))
    }
  }

  private backToLeader(state: FetchState): void {
    state.clearPreferredReadReplica()
    this.metadata.requestUpdate()
  }
}
