/**
 * The partitions that this broker hosts, and how metadata changes reach them (Kafka: ReplicaManager#applyDelta).
 *
 * One task, the metadata publisher, changes roles; request handlers and fetchers look partitions up at any time. A change
 * of several steps (role, fetcher, parked requests) is therefore seen half done by others, as in Kafka.
 */
import type { Task } from '../base/task.ts'
import { msToUs } from '../base/time.ts'
import type { ServerConfig } from '../config/cluster.ts'
import type { BrokerRegistration, MetadataDelta, MetadataImage, PartitionImage, TopicImage } from '../controller/metadata-image.ts'
import type { Env } from '../env/env.ts'
import { ApiError } from '../protocol/api-error.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { Log } from '../storage/log.ts'
import type { LogManager } from '../storage/log-manager.ts'
import { Partition } from './partition.ts'
import type { PartitionHost } from './partition-host.ts'
import { partitionName } from '../base/partition-name.ts'
import type { ReplicaFetchers } from './replica-fetchers.ts'

export type HostedLogs = Pick<LogManager, 'getOrCreate' | 'delete' | 'logs'>

interface LocalChange {
  readonly topic: TopicImage
  readonly index: number
  readonly registration: PartitionImage
}

export class Replicas {
  private readonly env: Env
  private readonly host: PartitionHost
  private readonly server: ServerConfig
  private readonly logs: HostedLogs
  private readonly fetchers: Pick<ReplicaFetchers, 'add' | 'remove' | 'keepFetching' | 'shutdownIdle'>
  private readonly partitions = new Map<string, Partition>()
  /** The same by topic name: one topic id at a time uses a name. */
  private readonly byName = new Map<string, Partition>()
  /** Since the controlled shutdown began, replicas without a leader or outside the ISR no longer fetch. */
  isInControlledShutdown = false

  constructor(host: PartitionHost, logs: HostedLogs, fetchers: Pick<ReplicaFetchers, 'add' | 'remove' | 'keepFetching' | 'shutdownIdle'>) {
    this.env = host.env
    this.host = host
    this.server = host.server
    this.logs = logs
    this.fetchers = fetchers
  }

  /** Starts the check that drops lagging followers from ISRs, every half `replica.lag.time.max.ms`. */
  start(): void {
    this.env.spawn('isr-expiration', this.expireIsrs())
  }

  get hosted(): Iterable<Partition> {
    return this.partitions.values()
  }

  /** Everything in the log directory, hosted or not. */
  get storedLogs(): Iterable<Log> {
    return this.logs.logs()
  }

  find(topicId: string, partition: number): Partition | undefined {
    return this.partitions.get(partitionName(topicId, partition))
  }

  /**
   * Throws NOT_LEADER_OR_FOLLOWER when the partition is elsewhere, UNKNOWN_TOPIC_OR_PARTITION when it is nowhere, and
   * `onMismatch` while its name still belongs to an earlier topic here: the image is ahead of the replicas.
   */
  require(topicId: string, partition: number, onMismatch: number = ErrorCode.INCONSISTENT_TOPIC_ID): Partition {
    const found = this.find(topicId, partition)
    if (found !== undefined) return found
    const topic = this.host.image.topics.get(topicId)
    if (topic !== undefined && this.byName.has(partitionName(topic.name, partition))) throw new ApiError(onMismatch)
    const exists = this.host.image.partition(topicId, partition) !== undefined
    throw new ApiError(exists ? ErrorCode.NOT_LEADER_OR_FOLLOWER : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  }

  /** For requests that know only the name: whichever topic of that name is here. Throws as `require`. */
  requireNamed(topic: string, partition: number): Partition {
    const found = this.byName.get(partitionName(topic, partition))
    if (found !== undefined) return found
    const exists = this.host.image.topicByName(topic)?.partitions.has(partition) === true
    throw new ApiError(exists ? ErrorCode.NOT_LEADER_OR_FOLLOWER : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  }

  /** Applies what changed: deletions, then leaders, then followers. */
  *apply(delta: MetadataDelta): Task<void> {
    const { image, brokerId } = this.host
    const deleted: Partition[] = []
    const leaders: LocalChange[] = []
    const followers: LocalChange[] = []
    for (const topicId of delta.deletedTopics.keys()) {
      for (const partition of this.partitions.values()) if (partition.topicId === topicId) deleted.push(partition)
    }
    for (const [topicId, indexes] of delta.changedTopics) {
      const topic = image.topics.get(topicId)
      if (topic === undefined) continue
      for (const index of indexes) {
        const registration = topic.partitions.get(index)
        if (registration === undefined) continue
        if (registration.replicas.includes(brokerId)) (registration.leader === brokerId ? leaders : followers).push({ topic, index, registration })
        else {
          const hosted = this.find(topicId, index)
          if (hosted !== undefined) deleted.push(hosted)
        }
      }
    }
    if (deleted.length > 0) yield* this.delete(deleted)
    if (leaders.length > 0) yield* this.becomeLeaders(leaders)
    if (followers.length > 0) yield* this.becomeFollowers(followers, image)
    if (deleted.length + leaders.length + followers.length > 0) this.fetchers.shutdownIdle()
  }

  /** Removes logs of partitions that left this broker while it was down. Called once, after the first image. */
  deleteStrayLogs(): void {
    for (const log of this.logs.logs()) {
      const registration = this.host.image.partition(log.topicId, log.partition)
      if (registration?.replicas.includes(this.host.brokerId) !== true) {
        this.env.observe({ kind: 'mark', name: 'stray-log-deleted' })
        this.logs.delete(log.topicId, log.partition)
      }
    }
  }

  /** Ends all reading and writing, before the logs are closed for good. */
  close(): void {
    for (const partition of this.partitions.values()) partition.close()
  }

  private *delete(partitions: readonly Partition[]): Task<void> {
    yield* this.fetchers.remove(partitions.map(partition => partition.key))
    for (const partition of partitions) {
      partition.close()
      this.partitions.delete(partition.key)
      this.byName.delete(partitionName(partition.topic, partition.partition))
      this.logs.delete(partition.topicId, partition.partition)
      partition.completeDelayedRequests()
    }
  }

  private *becomeLeaders(changes: readonly LocalChange[]): Task<void> {
    yield* this.fetchers.remove(changes.map(change => partitionName(change.topic.id, change.index)))
    for (const change of changes) {
      yield* this.env.pause('metadata-make-leader')
      this.getOrCreate(change).makeLeader(change.registration)
    }
  }

  /**
   * A new leader epoch restarts the fetcher whether or not the leader is another one: intermediate leaders may have been
   * missed, and with them the truncation that they call for (KAFKA-7164).
   */
  private *becomeFollowers(changes: readonly LocalChange[], image: MetadataImage): Task<void> {
    const restart: Partition[] = []
    const stop: string[] = []
    for (const change of changes) {
      yield* this.env.pause('metadata-make-follower')
      const { registration } = change
      const partition = this.getOrCreate(change)
      const previousLeader = partition.leaderId
      const isNewEpoch = partition.makeFollower(registration)
      const mustRestart = this.env.defects.has('KAFKA-7164') ? registration.leader !== previousLeader : isNewEpoch
      if (this.isInControlledShutdown && (registration.leader === -1 || !registration.isr.includes(this.host.brokerId))) stop.push(partition.key)
      else if (mustRestart) restart.push(partition)
      else this.fetchers.keepFetching(partition)
    }
    // Fetchers stop before the start offsets are taken, or the old leader's records could still arrive after that.
    yield* this.fetchers.remove([...stop, ...restart.map(partition => partition.key)])
    for (const [leader, partitions] of byLeader(restart, image)) yield* this.fetchers.add(leader, partitions)
    for (const partition of restart) partition.completeDelayedRequests()
  }

  private getOrCreate({ topic, index }: LocalChange): Partition {
    const existing = this.find(topic.id, index)
    if (existing !== undefined) return existing
    const log = this.logs.getOrCreate(topic.name, topic.id, index)
    const partition = new Partition(this.host, { topic: topic.name, topicId: topic.id, partition: index, log })
    this.partitions.set(partition.key, partition)
    this.byName.set(partitionName(topic.name, index), partition)
    return partition
  }

  private *expireIsrs(): Task<void> {
    for (;;) {
      yield* this.env.sleep(msToUs(this.server.replicaLagTimeMaxMs / 2)).wait()
      for (const partition of this.partitions.values()) yield* partition.maybeShrinkIsr()
    }
  }
}

/** Groups by leader; partitions whose leader is nobody or unregistered wait for the next metadata. */
function byLeader(partitions: readonly Partition[], image: MetadataImage): Map<BrokerRegistration, Partition[]> {
  const groups = new Map<BrokerRegistration, Partition[]>()
  for (const partition of partitions) {
    const leader = partition.leaderId === undefined ? undefined : image.brokers.get(partition.leaderId)
    if (leader === undefined) continue
    const group = groups.get(leader)
    if (group === undefined) groups.set(leader, [partition])
    else group.push(partition)
  }
  return groups
}
