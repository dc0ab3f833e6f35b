/**
 * What the monitors know of the cluster, followed from observations: every replica's log, each partition's committed log,
 * the controller's registrations, which brokers are alive. Updated before the monitors see an event.
 *
 * Only the newest active controller is believed. Its registrations are uncommitted when observed: when another controller
 * takes over, those that no broker has acted upon may never have been committed, and are forgotten until the partition
 * changes again.
 */
import { partitionName } from '../../src/base/partition-name.ts'
import type { Observation, ObservationOf } from '../../src/env/observation.ts'
import { CommittedLog, type Mismatch, ShadowLog } from './shadow-log.ts'

/** The metadata log: replicated by the quorum, not by partition leaders. */
const METADATA_TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAQ'

export interface Moment {
  readonly time: number
  readonly text: string
}

/** The high watermark moves all the time, and its text is wanted only by a finding. */
class Commit implements Moment {
  readonly time: number
  private readonly node: string
  private readonly event: ObservationOf<'high-watermark'>

  constructor(time: number, node: string, event: ObservationOf<'high-watermark'>) {
    this.time = time
    this.node = node
    this.event = event
  }

  get text(): string {
    const { leaderEpoch, topic, partition, offset } = this.event
    return `${this.node}, leader of epoch ${leaderEpoch}, moves the high watermark of ${topic}-${partition} to ${offset}.`
  }
}

export class ReplicaShadow {
  readonly node: string
  readonly log = new ShadowLog()
  /** Producer epoch of the last batch of each producer. */
  readonly producers = new Map<number, { epoch: number }>()
  /** The last time that it lost something: a truncation or a restart. */
  lastLoss: Moment | undefined = undefined

  constructor(node: string) {
    this.node = node
  }

  followProducers(): void {
    this.producers.clear()
    const { batches } = this.log
    for (let i = 0; i < batches.count; i++) this.followProducer(batches.producerId[i]!, batches.producerEpoch[i]!)
  }

  followProducer(producerId: number, epoch: number): void {
    if (producerId < 0) return
    const state = this.producers.get(producerId)
    if (state === undefined) this.producers.set(producerId, { epoch })
    else state.epoch = epoch
  }
}

export interface Registration {
  readonly leader: number
  readonly leaderEpoch: number
  readonly partitionEpoch: number
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
  readonly elr: readonly number[]
  readonly time: number
}

export class PartitionShadow {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  readonly replicas = new Map<string, ReplicaShadow>()
  readonly committed = new CommittedLog()
  committedBy: Moment | undefined = undefined
  /** Largest leader epoch in which a broker has led, and who. */
  leaderEpoch = -1
  leader: string | undefined = undefined
  registration: Registration | undefined = undefined
  /** Largest partition epoch that a broker has acted upon: it is committed. */
  confirmedEpoch = -1

  constructor(topic: string, topicId: string, partition: number) {
    this.topic = topic
    this.topicId = topicId
    this.partition = partition
  }

  get key(): string {
    return `${this.topic}-${this.partition}`
  }

  replica(node: string): ReplicaShadow {
    let replica = this.replicas.get(node)
    if (replica === undefined) {
      replica = new ReplicaShadow(node)
      this.replicas.set(node, replica)
    }
    return replica
  }

  rebase(offset: number): void {
    this.committed.rebase(offset)
    for (const { log } of this.replicas.values()) if (log.verified > this.committed.end) log.verified = this.committed.end
  }
}

type ReplicaEvent = Extract<Observation, { readonly topicId: string; readonly topic: string; readonly partition: number }>

export class ClusterShadow {
  readonly partitions = new Map<string, PartitionShadow>()
  /** Brokers whose registered incarnation runs unfenced. */
  readonly unfenced = new Set<number>()
  controller: string | undefined = undefined
  controllerEpoch = -1
  /** Set while an event is handled: what the event's replica turned out to lack of the committed log. */
  mismatch: Mismatch | undefined = undefined
  /** Set while an event is handled: it moved the end of the committed log. */
  advanced = false
  /** Set while a `log-append` is handled: epoch of the producer's previous batch in that log. */
  previousProducerEpoch: number | undefined = undefined
  /** Largest registered broker epoch, and the largest whose process has ended. */
  private readonly registeredEpoch = new Map<number, number>()
  private readonly deadEpoch = new Map<number, number>()
  private readonly hostToId: ReadonlyMap<string, number>
  private readonly idToHost: ReadonlyMap<number, string>

  constructor(servers: readonly { readonly nodeId: number; readonly host: string }[]) {
    this.hostToId = new Map(servers.map(({ nodeId, host }) => [host, nodeId]))
    this.idToHost = new Map(servers.map(({ nodeId, host }) => [nodeId, host]))
  }

  hostOf(nodeId: number): string {
    return this.idToHost.get(nodeId) ?? `broker-${nodeId}`
  }

  idOf(host: string): number | undefined {
    return this.hostToId.get(host)
  }

  /** The partition of a replica observation; undefined for the metadata log. */
  partitionOf(event: { readonly topicId: string; readonly topic: string; readonly partition: number }): PartitionShadow | undefined {
    if (event.topicId === METADATA_TOPIC_ID) return undefined
    const id = partitionName(event.topicId, event.partition)
    let partition = this.partitions.get(id)
    if (partition === undefined) {
      partition = new PartitionShadow(event.topic, event.topicId, event.partition)
      this.partitions.set(id, partition)
    }
    return partition
  }

  observe(event: Observation, node: string, time: number): void {
    this.mismatch = undefined
    this.advanced = false
    switch (event.kind) {
      case 'controller-active': return this.controllerActive(event, node)
      case 'process-started':
        if (event.wiped) for (const partition of this.partitions.values()) partition.replicas.delete(node)
        return this.gone(node)
      case 'process-stopped': return this.gone(node)
      case 'topic-deleted':
        // Nobody can be elected for it any more; brokers remove its logs when they hear of it.
        if (node === this.controller) for (const partition of this.partitions.values()) if (partition.topicId === event.topicId) partition.registration = undefined
        return
      case 'broker-unfenced':
        // A late heartbeat of a dead process may unfence it; its successor registers before anything is asked of it.
        if (node === this.controller && event.brokerEpoch > (this.deadEpoch.get(event.brokerId) ?? -1)) this.unfenced.add(event.brokerId)
        return
      case 'broker-registered':
        this.registeredEpoch.set(event.brokerId, Math.max(event.brokerEpoch, this.registeredEpoch.get(event.brokerId) ?? -1))
        if (node === this.controller) this.unfenced.delete(event.brokerId)
        return
      case 'broker-fenced':
        if (node === this.controller) this.unfenced.delete(event.brokerId)
        return
      default:
        if ('topicId' in event && 'partition' in event) this.observeReplica(event, node, time)
    }
  }

  private controllerActive(event: ObservationOf<'controller-active'>, node: string): void {
    if (event.epoch <= this.controllerEpoch) return
    this.controller = node
    this.controllerEpoch = event.epoch
    for (const partition of this.partitions.values()) {
      if (partition.registration !== undefined && partition.registration.partitionEpoch > partition.confirmedEpoch) partition.registration = undefined
    }
  }

  /** Until it is unfenced again the controller cannot elect it, whatever it still says of the dead incarnation. */
  private gone(node: string): void {
    const id = this.idOf(node)
    if (id === undefined) return
    this.unfenced.delete(id)
    this.deadEpoch.set(id, this.registeredEpoch.get(id) ?? -1)
  }

  private observeReplica(event: ReplicaEvent, node: string, time: number): void {
    const partition = this.partitionOf(event)
    if (partition === undefined) return
    switch (event.kind) {
      case 'partition-registered': {
        if (node !== this.controller) return
        const { leader, leaderEpoch, partitionEpoch, replicas, isr, elr } = event
        partition.registration = { leader, leaderEpoch, partitionEpoch, replicas, isr, elr, time }
        return
      }
      case 'became-leader': {
        partition.confirmedEpoch = Math.max(partition.confirmedEpoch, event.partitionEpoch)
        // A broker that lags may lead an epoch that is over; it can commit nothing.
        if (event.leaderEpoch < partition.leaderEpoch) return
        partition.leaderEpoch = event.leaderEpoch
        partition.leader = node
        partition.committed.start = Math.max(partition.committed.start, partition.replica(node).log.logStart)
        this.verify(partition, partition.replica(node), partition.committed.end, true)
        return
      }
      case 'isr-committed':
        partition.confirmedEpoch = Math.max(partition.confirmedEpoch, event.partitionEpoch)
        return
      case 'high-watermark': {
        const replica = partition.replica(node)
        // A deposed leader may still be about to learn of it: it can lose an argument, never win one.
        const current = event.asLeader && event.leaderEpoch >= partition.leaderEpoch
        if (current) partition.leaderEpoch = event.leaderEpoch
        this.verify(partition, replica, event.offset, current)
        if (!event.asLeader || (this.mismatch !== undefined && !current)) return
        this.advanced = partition.committed.extend(replica.log, event.offset)
        if (this.advanced) partition.committedBy = new Commit(time, node, event)
        return
      }
      case 'log-append': {
        const replica = partition.replica(node)
        const { batch } = event
        replica.log.append(batch)
        this.previousProducerEpoch = replica.producers.get(batch.producerId)?.epoch
        replica.followProducer(batch.producerId, batch.producerEpoch)
        return
      }
      case 'log-truncate': {
        const replica = partition.replica(node)
        if (event.reason === 'full') replica.log.restartAt(event.endOffset)
        else replica.log.truncateTo(event.endOffset)
        replica.followProducers()
        replica.lastLoss = { time, text: `${node} truncates ${partition.key} from ${event.previousEnd} to ${event.endOffset} (${event.reason}).` }
        return
      }
      case 'log-start': {
        const { log } = partition.replica(node)
        if (event.reason === 'full') log.restartAt(event.offset)
        else log.logStart = event.offset
        if (node === partition.leader && event.offset > partition.committed.start) partition.committed.start = event.offset
        return
      }
      case 'log-cleaned':
        partition.replica(node).log.clean(event.from, event.to, event.batches)
        for (const { baseOffset, leaderEpoch } of event.changed) partition.committed.touch(baseOffset, leaderEpoch)
        return
      case 'log-loaded': {
        const replica = partition.replica(node)
        replica.log.reload(event.batches, event.logStartOffset, event.endOffset)
        replica.followProducers()
        replica.lastLoss = { time, text: `${node} restarts and finds ${partition.key} up to offset ${event.endOffset}${event.bytesDropped > 0 ? `, after dropping ${event.bytesDropped} bytes` : ''}.` }
        return
      }
      case 'log-deleted':
        partition.replicas.delete(node)
        return
      default:
    }
  }

  /** Compares; where a leader disagrees, its log is what counts from now on, so that the first event is told once. */
  private verify(partition: PartitionShadow, replica: ReplicaShadow, upTo: number, prevails: boolean): void {
    this.mismatch = partition.committed.verify(replica.log, upTo)
    if (this.mismatch !== undefined && prevails) partition.rebase(this.mismatch.offset)
  }
}
