/**
 * What a client knows of the cluster: brokers, topics, leaders (Metadata, MetadataSnapshot, NetworkClient's updater).
 *
 * One task asks for the topics of interest when the metadata is old, when somebody found it wrong, and at once for new
 * topics; failures and answers that tell nothing new back off exponentially. If no known broker can be asked, the
 * bootstrap servers are (KIP-899).
 *
 * Invariant: the leader epoch of a partition never goes back while its topic id is the same (KAFKA-12257); answers from a
 * broker that is behind are ignored for that partition.
 *
 * Unlike Kafka, requests never allow auto-creation of topics and always name all topics of interest.
 */
import { below } from '../base/random.ts'
import { msToUs } from '../base/time.ts'
import { Future } from '../base/task.ts'
import type { Task } from '../base/task.ts'
import type { Micros, Millis } from '../base/time.ts'
import { BROKER_PORT } from '../config/cluster.ts'
import type { Env } from '../env/env.ts'
import { ApiKey } from '../protocol/api-keys.ts'
import { ErrorCode, refreshesMetadata } from '../protocol/errors.ts'
import type { MetadataRequest, MetadataResponse, MetadataResponseMetadataResponsePartition } from '../protocol/generated/types.ts'
import type { Draft } from '../protocol/codec.ts'
import { ZERO_UUID } from '../protocol/uuid.ts'
import { Backoff } from './backoff.ts'
import type { BrokerRpc } from './broker-rpc.ts'
import { partitionName } from '../base/partition-name.ts'
import { Wakeup } from './wakeup.ts'

export interface BrokerNode {
  readonly id: number
  readonly host: string
  readonly port: number
  readonly rack: string | null
}

export interface PartitionMetadata {
  readonly partition: number
  /** -1: none. */
  readonly leaderId: number
  readonly leaderEpoch: number
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
  readonly offlineReplicas: readonly number[]
}

export interface TopicMetadata {
  readonly name: string
  readonly id: string
  /** Indexed by partition; a hole where the broker told nothing. */
  readonly partitions: readonly (PartitionMetadata | undefined)[]
}

export interface LeaderAndEpoch {
  /** undefined: no leader, or not known where it is. */
  readonly node: BrokerNode | undefined
  /** -1: not known. */
  readonly epoch: number
}

export interface MetadataConfig {
  readonly bootstrapServers: readonly string[]
  readonly metadataMaxAgeMs: Millis
  readonly retryBackoffMs: Millis
  readonly retryBackoffMaxMs: Millis
  readonly reconnectBackoffMs: Millis
}

export class ClusterMetadata {
  /** Rises with every answer. */
  updateVersion = 0
  controllerId = -1

  private readonly env: Env
  private readonly rpc: BrokerRpc
  private readonly config: MetadataConfig
  private readonly backoff: Backoff
  private readonly bootstrap: readonly BrokerNode[]
  private readonly wakeup: Wakeup
  private readonly listeners: (() => void)[] = []
  private waiting: Future<void>[] = []
  private readonly interest = new Set<string>()
  private wantsAllTopics = false
  private interestVersion = 0

  private nodesById = new Map<number, BrokerNode>()
  private topics = new Map<string, TopicMetadata>()
  private topicNames = new Map<string, string>()
  private topicErrors = new Map<string, number>()
  private readonly lastSeenEpochs = new Map<string, number>()

  private needsUpdate = true
  private lastRefresh: Micros = -Infinity
  private lastSuccess: Micros = -Infinity
  private failures = 0
  /** Answers in a row that moved nothing. */
  private equivalentAnswers = 0
  private picks = 0
  private isClosed = false

  constructor(env: Env, rpc: BrokerRpc, config: MetadataConfig) {
    this.env = env
    this.rpc = rpc
    this.config = config
    this.backoff = new Backoff(env, 'metadata-backoff', config.retryBackoffMs, config.retryBackoffMaxMs)
    this.bootstrap = config.bootstrapServers.map((host, index) => ({ id: -1 - index, host, port: BROKER_PORT, rack: null }))
    this.wakeup = new Wakeup(env)
  }

  start(): void {
    this.env.spawn('client-metadata', this.run())
  }

  close(): void {
    this.isClosed = true
    this.wakeup.wake()
  }

  /** Called after every answer, and when none came: then a connection may be free again. */
  onUpdate(listener: () => void): void {
    this.listeners.push(listener)
  }

  /** Completes after the next answer, or after `delay`. */
  nextUpdate(delay: Micros): Future<void> {
    const future = new Future<void>()
    const timer = this.env.timer(delay, () => future.complete())
    this.waiting.push(future)
    future.onSettled(() => timer.cancel())
    return future
  }

  /** A topic to ask for from now on; asks at once when it is new. */
  add(topic: string): void {
    if (this.interest.has(topic)) return
    this.interest.add(topic)
    this.interestVersion++
    this.needsUpdate = true
    this.equivalentAnswers = 0
    this.lastRefresh = -Infinity
    this.wakeup.wake()
  }

  /** All topics from now on, for subscriptions by pattern. */
  addAll(): void {
    if (this.wantsAllTopics) return
    this.wantsAllTopics = true
    this.interestVersion++
    this.needsUpdate = true
    this.equivalentAnswers = 0
    this.lastRefresh = -Infinity
    this.wakeup.wake()
  }

  /** Nobody has asked for more since the last answer. */
  get isFresh(): boolean {
    return !this.needsUpdate
  }

  /** As far as they were asked for. */
  get knownTopics(): Iterable<string> {
    return this.topics.keys()
  }

  requestUpdate(): void {
    if (this.needsUpdate) return
    this.needsUpdate = true
    this.wakeup.wake()
  }

  get brokers(): Iterable<BrokerNode> {
    return this.nodesById.values()
  }

  node(id: number): BrokerNode | undefined {
    return this.nodesById.get(id)
  }

  topic(name: string): TopicMetadata | undefined {
    return this.topics.get(name)
  }

  topicId(name: string): string {
    return this.topics.get(name)?.id ?? ZERO_UUID
  }

  topicName(id: string): string | undefined {
    return this.topicNames.get(id)
  }

  /** Error of the last answer about this topic; NONE when there is none. */
  topicError(name: string): number {
    return this.topicErrors.get(name) ?? ErrorCode.NONE
  }

  partition(topic: string, partition: number): PartitionMetadata | undefined {
    return this.topics.get(topic)?.partitions[partition]
  }

  leader(topic: string, partition: number): LeaderAndEpoch {
    const known = this.partition(topic, partition)
    if (known === undefined) return { node: undefined, epoch: this.lastSeenEpochs.get(partitionName(topic, partition)) ?? -1 }
    return { node: known.leaderId < 0 ? undefined : this.nodesById.get(known.leaderId), epoch: known.leaderEpoch }
  }

  /** The same for who reads: nobody, when a newer epoch than that of the metadata has been seen elsewhere (Metadata#currentLeader). */
  currentLeader(topic: string, partition: number): LeaderAndEpoch {
    const known = this.leader(topic, partition)
    const lastSeen = this.lastSeenEpochs.get(partitionName(topic, partition)) ?? -1
    return lastSeen > known.epoch ? { node: undefined, epoch: lastSeen } : known
  }

  /** Partitions of a topic whose leader is known, ascending. */
  partitionsWithLeader(topic: string): number[] {
    const partitions: number[] = []
    for (const each of this.topics.get(topic)?.partitions ?? []) {
      if (each !== undefined && this.nodesById.has(each.leaderId)) partitions.push(each.partition)
    }
    return partitions
  }

  /**
   * An epoch seen elsewhere than in metadata. With a newer one nobody leads for who reads until an update has caught up,
   * which is asked for (Metadata#updateLastSeenEpochIfNewer).
   */
  observeLeaderEpoch(topic: string, partition: number, epoch: number): void {
    const key = partitionName(topic, partition)
    const known = this.lastSeenEpochs.get(key)
    if (known === undefined || epoch <= known) return
    this.lastSeenEpochs.set(key, epoch)
    this.requestUpdate()
  }

  /**
   * Leaders told by an error response (KIP-951). Takes only a newer epoch of a known partition whose node is known.
   * True when it changed something.
   */
  updateLeader(topic: string, partition: number, leaderId: number, leaderEpoch: number, endpoints: readonly BrokerEndpoint[]): boolean {
    const entry = this.topics.get(topic)
    const known = entry?.partitions[partition]
    if (entry === undefined || known === undefined || leaderId < 0 || leaderEpoch <= known.leaderEpoch) return false
    const endpoint = endpoints.find(each => each.nodeId === leaderId)
    if (endpoint !== undefined) this.nodesById.set(leaderId, { id: leaderId, host: endpoint.host, port: endpoint.port, rack: endpoint.rack })
    if (!this.nodesById.has(leaderId)) return false
    const partitions = entry.partitions.slice()
    partitions[partition] = { ...known, leaderId, leaderEpoch }
    this.topics.set(topic, { ...entry, partitions })
    this.lastSeenEpochs.set(partitionName(topic, partition), leaderEpoch)
    return true
  }

  /**
   * The broker with the fewest requests in flight that can take one now, preferring live connections, from a drawn start
   * (NetworkClient#leastLoadedNode). Bootstrap servers when no known broker can be reached. undefined: none.
   */
  leastLoadedNode(): BrokerNode | undefined {
    return this.leastLoadedOf([...this.nodesById.values()]) ?? this.leastLoadedOf(this.bootstrap)
  }

  private leastLoadedOf(nodes: readonly BrokerNode[]): BrokerNode | undefined {
    if (nodes.length === 0) return undefined
    const start = below(this.env.draw('least-loaded-node', this.picks++), nodes.length)
    let best: BrokerNode | undefined
    let bestLoad = Infinity
    for (let i = 0; i < nodes.length; i++) {
      const node = nodes[(start + i) % nodes.length]!
      if (!this.rpc.canSend(node.host, node.port)) continue
      const load = this.rpc.inFlight(node.host, node.port) + (this.rpc.isReady(node.host, node.port) ? 0 : 1_000)
      if (load < bestLoad) {
        best = node
        bestLoad = load
      }
    }
    return best
  }

  private *run(): Task<void> {
    while (!this.isClosed) {
      const due = this.nextUpdateTime()
      if (due > this.env.now()) {
        yield* this.wakeup.waitUntil(due)
        continue
      }
      const node = this.leastLoadedNode()
      if (node === undefined) {
        yield* this.env.sleep(msToUs(this.config.reconnectBackoffMs)).wait()
        continue
      }
      const askedVersion = this.interestVersion
      const request: Draft<MetadataRequest> = {
        topics: this.wantsAllTopics ? null : [...this.interest].map(name => ({ topicId: ZERO_UUID, name })),
        allowAutoTopicCreation: false,
      }
      const result = yield* this.rpc.send(node.host, node.port, ApiKey.Metadata, request).wait()
      const response = result.ok ? (result.body as MetadataResponse) : undefined
      this.lastRefresh = this.env.now()
      if (response === undefined || response.brokers.length === 0) {
        // a broker that is just starting answers with an empty cluster
        this.failures++
        this.notify()
        continue
      }
      this.needsUpdate = askedVersion < this.interestVersion
      if (this.needsUpdate) this.lastRefresh = -Infinity
      this.lastSuccess = this.env.now()
      this.failures = 0
      this.update(response)
    }
  }

  private nextUpdateTime(): Micros {
    const expiry = this.lastSuccess + msToUs(this.config.metadataMaxAgeMs)
    if (expiry <= this.env.now()) this.equivalentAnswers = 0
    const wanted = this.needsUpdate ? 0 : expiry
    if (this.lastRefresh === -Infinity) return wanted
    const afterFailure = this.lastRefresh + this.backoff.delay(Math.max(0, this.failures - 1), 'failure')
    const afterEquivalent = this.equivalentAnswers === 0 ? 0 : this.lastRefresh + this.backoff.delay(this.equivalentAnswers - 1, 'equivalent')
    return Math.max(wanted, afterFailure, afterEquivalent)
  }

  private update(response: MetadataResponse): void {
    this.updateVersion++
    this.equivalentAnswers++
    this.controllerId = response.controllerId
    this.nodesById = new Map()
    for (const { nodeId, host, port, rack } of response.brokers) this.nodesById.set(nodeId, { id: nodeId, host, port, rack })
    const topics = new Map<string, TopicMetadata>()
    this.topicNames = new Map()
    this.topicErrors = new Map()
    for (const topic of response.topics) {
      const name = topic.name
      if (name === null) continue
      if (topic.errorCode !== ErrorCode.NONE) {
        this.topicErrors.set(name, topic.errorCode)
        if (refreshesMetadata(topic.errorCode)) this.needsUpdate = true
        continue
      }
      const known = this.topics.get(name)
      const partitions: PartitionMetadata[] = []
      for (const partition of topic.partitions) {
        partitions[partition.partitionIndex] = this.newest(name, topic.topicId, known, partition)
        if (refreshesMetadata(partition.errorCode)) this.needsUpdate = true
      }
      topics.set(name, { name, id: topic.topicId, partitions })
      this.topicNames.set(topic.topicId, name)
    }
    this.topics = topics
    this.notify()
  }

  private notify(): void {
    for (const listener of this.listeners) listener()
    const waiting = this.waiting
    this.waiting = []
    for (const future of waiting) future.complete()
  }

  /** The answer about a partition, or what was known if that has a newer epoch of the same topic. */
  private newest(
    topic: string, topicId: string, known: TopicMetadata | undefined, answer: MetadataResponseMetadataResponsePartition,
  ): PartitionMetadata {
    const key = partitionName(topic, answer.partitionIndex)
    const lastSeen = this.lastSeenEpochs.get(key)
    const cached = known?.partitions[answer.partitionIndex]
    if (lastSeen !== undefined && known?.id === topicId && answer.leaderEpoch < lastSeen && cached !== undefined) return cached
    if (lastSeen === undefined || answer.leaderEpoch > lastSeen || known?.id !== topicId) this.equivalentAnswers = 0
    this.lastSeenEpochs.set(key, answer.leaderEpoch)
    return {
      partition: answer.partitionIndex,
      leaderId: answer.leaderId,
      leaderEpoch: answer.leaderEpoch,
      replicas: answer.replicaNodes,
      isr: answer.isrNodes,
      offlineReplicas: answer.offlineReplicas,
    }
  }
}

interface BrokerEndpoint {
  readonly nodeId: number
  readonly host: string
  readonly port: number
  readonly rack: string | null
}
