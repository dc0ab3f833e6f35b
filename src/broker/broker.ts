/**
 * A broker: puts its parts together, starts them in order and shuts them down in order (Kafka: BrokerServer).
 *
 * Start: load the logs; register and follow the metadata, both at once; with the first image take up the replicas' roles
 * and start to listen; ask to be unfenced. Shutdown: hand leadership over, stop serving, make the logs clean.
 */
import type { Task } from '../base/task.ts'
import { msToUs } from '../base/time.ts'
import { BROKER_PORT } from '../config/cluster.ts'
import type { ClusterConfig, ServerSpec } from '../config/cluster.ts'
import { shareSettings } from '../config/share.ts'
import type { TopicConfig } from '../config/topic.ts'
import { effectiveTopicConfig } from '../controller/effective-config.ts'
import { TRANSACTION_VERSION_FEATURE } from '../controller/features.ts'
import type { MetadataDelta, MetadataImage } from '../controller/metadata-image.ts'
import type { SnapshotGenerator } from '../controller/snapshot-generator.ts'
import type { ElectedCoordinator } from '../coordinator/elected-coordinator.ts'
import { GroupCoordinator } from '../coordinator/group/group-coordinator.ts'
import type { StateLogs } from '../coordinator/state-logs.ts'
import { ShareCoordinator } from '../coordinator/share/share-coordinator.ts'
import { TransactionCoordinator } from '../coordinator/transaction/transaction-coordinator.ts'
import type { Env } from '../env/env.ts'
import type { RaftClient } from '../raft/raft-client.ts'
import { RpcServer } from '../rpc/rpc-server.ts'
import type { RpcRequest } from '../rpc/rpc-server.ts'
import { LogManager } from '../storage/log-manager.ts'
import { AddPartitionsSender } from './add-partitions-sender.ts'
import { AlterPartitionSender } from './alter-partition-sender.ts'
import type { IsrChange, IsrChangeReply } from './alter-partition-sender.ts'
import type { BrokerContext } from './broker-context.ts'
import { BrokerLifecycle } from './broker-lifecycle.ts'
import { ClientQuotas } from './client-quotas.ts'
import { ControllerChannel } from './controller-channel.ts'
import { tellCoordinator } from './elections.ts'
import { FetchSessionCache } from './fetch-session-cache.ts'
import { InternalTopicCreation } from './internal-topic-creation.ts'
import { MetadataPublisher } from './metadata-publisher.ts'
import type { PartitionHost } from './partition-host.ts'
import { ProducerIds } from './producer-ids.ts'
import { Purgatory } from './purgatory.ts'
import { ReplicaFetchers } from './replica-fetchers.ts'
import { ReplicaStateLogs } from './replica-state-logs.ts'
import { Replicas } from './replicas.ts'
import { routeRequest } from './request-router.ts'
import { closeShareSession } from './share/close-share-session.ts'
import { RemoteSharePersister } from './share/remote-share-persister.ts'
import { SharePartitions } from './share/share-partitions.ts'
import { ShareSessions } from './share/share-sessions.ts'

/** Defaults of max.incremental.fetch.session.cache.slots and min.incremental.fetch.session.eviction.ms */
const MAX_FETCH_SESSIONS = 1_000
const FETCH_SESSION_EVICTION_MS = 120_000
/** Defaults of quota.window.num and quota.window.size.seconds */
const QUOTA_WINDOWS = 11
const QUOTA_WINDOW_SECONDS = 1
const FORWARDING_TIMEOUT_MS = 60_000
const NO_TIMEOUT_MS = Number.MAX_SAFE_INTEGER
/** How long a controlled shutdown may take before the broker goes anyway. */
const CONTROLLED_SHUTDOWN_TIMEOUT_MS = 300_000

export class Broker implements PartitionHost, BrokerContext {
  readonly env: Env
  readonly cluster: ClusterConfig
  readonly brokerId: number
  readonly image: MetadataImage
  readonly replicas: Replicas
  readonly delayedProduce: Purgatory
  readonly delayedFetch: Purgatory
  readonly delayedDeleteRecords: Purgatory
  readonly fetchSessions: FetchSessionCache
  readonly producerIds: ProducerIds
  readonly produceQuotas: ClientQuotas
  readonly fetchQuotas: ClientQuotas
  readonly forwarding: ControllerChannel
  readonly internalTopics: InternalTopicCreation
  /** Where coordinators keep their state. */
  readonly stateLogs: StateLogs
  readonly groups: GroupCoordinator
  readonly shareCoordinator: ShareCoordinator
  readonly sharePartitions: SharePartitions
  readonly shareSessions: ShareSessions
  private readonly coordinators: readonly ElectedCoordinator[]
  readonly addPartitions: AddPartitionsSender
  readonly transactions: TransactionCoordinator
  private readonly spec: ServerSpec
  private readonly raft: RaftClient
  private readonly logs: LogManager
  private readonly publisher: MetadataPublisher
  private readonly fetchers: ReplicaFetchers
  private readonly isrChanges: AlterPartitionSender
  private readonly topicConfigs = new Map<string, TopicConfig>()
  private lifecycle: BrokerLifecycle | undefined = undefined
  private isServing = false
  private isShuttingDown = false

  /** Registers with `raft`, so construct it before raft starts. `snapshots`: unless the controller of this process writes them. */
  constructor(env: Env, cluster: ClusterConfig, spec: ServerSpec, raft: RaftClient, snapshots?: SnapshotGenerator) {
    this.env = env
    this.cluster = cluster
    this.spec = spec
    this.brokerId = spec.nodeId
    this.raft = raft
    this.logs = new LogManager(env, cluster.server, topic => this.topicConfig(topic))
    this.publisher = new MetadataPublisher(env, { brokerId: spec.nodeId, isComplete: () => this.hasReadOwnRegistration(), snapshots })
    this.image = this.publisher.image
    raft.register({ handleLoadSnapshot: snapshot => this.publisher.handleLoadSnapshot(snapshot), handleCommit: batches => this.publisher.handleCommit(batches), handleLeaderChange: () => {} })
    this.delayedProduce = new Purgatory(env)
    this.delayedFetch = new Purgatory(env)
    this.delayedDeleteRecords = new Purgatory(env)
    this.fetchSessions = new FetchSessionCache({
      maxSessions: cluster.server.maxIncrementalFetchSessionCacheSlots ?? MAX_FETCH_SESSIONS,
      evictionMs: cluster.server.minIncrementalFetchSessionEvictionMs ?? FETCH_SESSION_EVICTION_MS,
      drawId: attempt => env.draw('fetch-session-id', env.now(), attempt),
    })
    const windows = { samples: cluster.server.quotaWindowNum ?? QUOTA_WINDOWS, windowMs: (cluster.server.quotaWindowSizeSeconds ?? QUOTA_WINDOW_SECONDS) * 1_000 }
    this.produceQuotas = new ClientQuotas(env, { key: 'producer_byte_rate', image: this.image, windows })
    this.fetchQuotas = new ClientQuotas(env, { key: 'consumer_byte_rate', image: this.image, windows })
    const own = { brokerId: spec.nodeId, brokerEpoch: () => this.brokerEpoch() }
    this.fetchers = new ReplicaFetchers(env, { ...own, server: cluster.server, onHighWatermarks: keys => this.wakeConsumers(keys) })
    this.replicas = new Replicas(this, this.logs, this.fetchers)
    this.isrChanges = new AlterPartitionSender(env, { ...own, channel: this.channel('alter-partition', NO_TIMEOUT_MS) })
    this.forwarding = this.channel('forwarding', FORWARDING_TIMEOUT_MS)
    this.addPartitions = new AddPartitionsSender(env, { image: this.image, server: cluster.server })
    this.producerIds = new ProducerIds(env, { ...own, channel: this.forwarding })
    this.internalTopics = new InternalTopicCreation(cluster.server, this.forwarding)
    this.stateLogs = new ReplicaStateLogs(this)
    const persister = new RemoteSharePersister(env, { image: this.image, server: cluster.server, topics: this.internalTopics })
    this.groups = new GroupCoordinator(env, { server: cluster.server, image: this.image, logs: this.stateLogs, persister })
    this.shareCoordinator = new ShareCoordinator(env, { server: cluster.server, image: this.image, logs: this.stateLogs })
    this.sharePartitions = new SharePartitions({ env, settings: shareSettings(cluster.server), persister, replicas: this.replicas, delayedFetch: this.delayedFetch })
    this.shareSessions = new ShareSessions(shareSettings(cluster.server).groupShareMaxShareSessions)
    this.transactions = new TransactionCoordinator(env, {
      server: cluster.server, image: this.image, stateLogs: this.stateLogs, nextProducerId: () => this.producerIds.next(),
      transactionVersion: () => (env.mends.has('KAFKA-17754') ? 2 : this.image.features.get(TRANSACTION_VERSION_FEATURE) ?? 0),
    })
    this.coordinators = [this.groups, this.transactions, this.shareCoordinator]
  }

  get server(): ClusterConfig['server'] {
    return this.cluster.server
  }

  brokerEpoch(): number {
    return this.lifecycle?.brokerEpoch ?? -1
  }

  topicConfig(topic: string): TopicConfig {
    let config = this.topicConfigs.get(topic)
    if (config === undefined) this.topicConfigs.set(topic, config = effectiveTopicConfig(this.image, this.cluster.server, topic))
    return config
  }

  submitIsrChange(change: IsrChange, onReply: (reply: IsrChangeReply) => void): void {
    this.isrChanges.submit(change, onReply)
  }

  *start(): Task<void> {
    const { cleanShutdown, previousBrokerEpoch } = yield* this.logs.load()
    const lifecycle = (this.lifecycle = new BrokerLifecycle(this.env, {
      cluster: this.cluster,
      spec: this.spec,
      channel: this.channel('heartbeat', this.cluster.server.brokerSessionTimeoutMs / 2),
      previousBrokerEpoch,
      metadataOffset: () => this.publisher.publishedOffset,
    }))
    if (this.isShuttingDown) return
    lifecycle.mayShutDown.onSettled(() => this.env.spawn('shutdown', this.stop()))
    lifecycle.start()
    this.env.spawn('metadata-publisher', this.publisher.run({
      onFirstImage: () => this.onFirstImage(),
      apply: delta => this.applyMetadata(delta),
    }))
    yield* lifecycle.caughtUp.wait()
    yield* this.publisher.firstPublished.wait()
    this.isServing = true
    new RpcServer(this.env, BROKER_PORT, request => this.handle(request), connectionId => closeShareSession(this, connectionId))
    lifecycle.setReadyToUnfence()
    yield* lifecycle.unfenced.wait()
    this.env.observe({ kind: 'broker-started', brokerId: this.brokerId, cleanShutdown })
  }

  /** Starts a controlled shutdown, which ends in `env.halt`. */
  shutdown(): void {
    if (this.isShuttingDown) return
    this.isShuttingDown = true
    this.replicas.isInControlledShutdown = true
    if (this.lifecycle === undefined || !this.cluster.server.controlledShutdownEnable) {
      this.env.spawn('shutdown', this.stop())
      return
    }
    this.lifecycle.beginControlledShutdown()
    this.env.timer(msToUs(CONTROLLED_SHUTDOWN_TIMEOUT_MS), () => this.lifecycle?.mayShutDown.complete())
  }

  private *stop(): Task<void> {
    // Until here metadata was applied, however late (KAFKA-14296).
    this.isServing = false
    this.publisher.close()
    this.fetchers.shutdown()
    this.replicas.close()
    if (this.lifecycle !== undefined) yield* this.logs.shutdown(this.brokerEpoch())
    yield* this.raft.shutdown()
    this.env.halt('shutdown')
  }

  private handle(request: RpcRequest): void {
    if (this.isServing) routeRequest(this, request)
    else request.close()
  }

  private onFirstImage(): void {
    this.replicas.deleteStrayLogs()
    this.logs.start()
    this.replicas.start()
  }

  private *applyMetadata(delta: MetadataDelta): Task<void> {
    // A leader that is shutting down must still learn that it leads no more.
    if (this.isShuttingDown && this.env.defects.has('KAFKA-14296')) return
    for (const topic of delta.deletedTopics.values()) this.topicConfigs.delete(topic.name)
    yield* this.replicas.apply(delta)
    if (delta.changedConfigs.size > 0) this.topicConfigs.clear()
    for (const coordinator of this.coordinators) tellCoordinator(coordinator, this.image, delta, this.brokerId)
  }

  private hasReadOwnRegistration(): boolean {
    return this.lifecycle !== undefined && this.image.brokers.get(this.brokerId)?.incarnationId === this.lifecycle.incarnationId
  }

  private wakeConsumers(keys: readonly string[]): void {
    for (const key of keys) this.delayedFetch.checkAndComplete(key)
  }

  private channel(name: string, retryTimeoutMs: number): ControllerChannel {
    return new ControllerChannel(this.env, { name, locator: this.raft, requestTimeoutMs: this.cluster.server.replicaSocketTimeoutMs, connectionSetupTimeoutMs: this.cluster.server.socketConnectionSetupTimeoutMs, retryTimeoutMs })
  }
}
