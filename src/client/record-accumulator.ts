/**
 * Batches that wait to be sent, a queue per partition (RecordAccumulator, BufferPool).
 *
 * A batch is ready when it is full, has lingered, memory is exhausted, or the producer flushes or closes; a retry when its
 * backoff is over or a newer leader became known. A node's partitions are drained in turn, from where the last drain
 * stopped, one batch a partition and request; as in Kafka, a partition that must wait ends the drain of its node.
 */
import { msToUs } from '../base/time.ts'
import type { Future } from '../base/task.ts'
import type { Micros } from '../base/time.ts'
import type { ProducerConfig } from '../config/client.ts'
import type { Env } from '../env/env.ts'
import type { RecordInput } from '../protocol/records/record-batch.ts'
import { Backoff } from './backoff.ts'
import { CompressionRatio } from './compression-ratio.ts'
import type { BrokerNode, ClusterMetadata } from './cluster-metadata.ts'
import type { ProducerSequences } from './producer-sequences.ts'
import { partitionName } from '../base/partition-name.ts'
import { ProducerBatch, upperBoundSize } from './producer-batch.ts'
import type { SendResult } from './send-result.ts'
import { StickyPartitioner } from './sticky-partitioner.ts'
import type { PartitionChoices } from './sticky-partitioner.ts'

interface PartitionQueue {
  readonly topic: string
  readonly partition: number
  readonly key: string
  readonly batches: ProducerBatch[]
  muted: boolean
}

export interface ReadyCheck {
  readonly nodes: ReadonlyMap<number, BrokerNode>
  /** When something may become ready. */
  readonly nextCheck: Micros
  readonly hasUnknownLeader: boolean
}

export class RecordAccumulator {
  isClosed = false
  flushesInProgress = 0
  /** A send waits for memory. */
  isExhausted = false

  private readonly env: Env
  private readonly config: ProducerConfig
  private readonly metadata: ClusterMetadata
  private readonly sequences: ProducerSequences | undefined
  private readonly backoff: Backoff
  private readonly compression: CompressionRatio
  private readonly queues = new Map<string, PartitionQueue>()
  private readonly byTopic = new Map<string, PartitionQueue[]>()
  private readonly partitioners = new Map<string, StickyPartitioner>()
  private readonly incomplete = new Set<ProducerBatch>()
  /** Key of the partition where the last drain of a node began its last step. */
  private readonly drainFrom = new Map<number, string>()
  private availableMemory: number

  constructor(env: Env, config: ProducerConfig, metadata: ClusterMetadata, sequences: ProducerSequences | undefined) {
    this.env = env
    this.config = config
    this.metadata = metadata
    this.sequences = sequences
    this.backoff = new Backoff(env, 'produce-backoff', config.retryBackoffMs, config.retryBackoffMaxMs)
    this.compression = new CompressionRatio(config.compressionType)
    this.availableMemory = config.bufferMemory
  }

  /**
   * Adds a record to the last batch of its partition or to a new one. `partition` undefined: the sticky choice.
   * `false`: no memory for a new batch. Otherwise where it went and whether the sender has a reason to look.
   */
  append(
    topic: string, partition: number | undefined, record: RecordInput, future: Future<SendResult>, choices: PartitionChoices,
  ): { readonly partition: number; readonly wakeSender: boolean } | false {
    const partitioner = this.partitioner(topic)
    for (;;) {
      const sticky = partition === undefined ? partitioner.peek(choices) : undefined
      const queue = this.queue(topic, sticky?.partition ?? partition!)
      const last = queue.batches[queue.batches.length - 1]
      if (sticky !== undefined && (last === undefined || last.isFull)) {
        // a switch that was held back while the batch was not full
        partitioner.produced(sticky, 0, choices, true)
        if (!partitioner.isCurrent(sticky)) continue
      }
      const before = last?.sizeInBytes ?? 0
      if (last !== undefined && last.tryAppend(record, future)) {
        if (sticky !== undefined) partitioner.produced(sticky, last.sizeInBytes - before, choices, last.isFull)
        return { partition: queue.partition, wakeSender: queue.batches.length > 1 || last.isFull }
      }
      const size = Math.max(this.config.batchSize, upperBoundSize(record))
      if (size > this.availableMemory) return false
      if (last !== undefined) last.isClosed = true
      this.availableMemory -= size
      const batch = new ProducerBatch(topic, queue.partition, this.env.now(), size, size, this.compression)
      batch.tryAppend(record, future)
      queue.batches.push(batch)
      this.incomplete.add(batch)
      if (sticky !== undefined) partitioner.produced(sticky, batch.sizeInBytes, choices, batch.isFull)
      return { partition: queue.partition, wakeSender: true }
    }
  }

  /** Which nodes have something to be sent now, and when to look again. */
  ready(now: Micros): ReadyCheck {
    const nodes = new Map<number, BrokerNode>()
    let nextCheck = Infinity
    let hasUnknownLeader = false
    const sendAll = this.isExhausted || this.isClosed || this.flushesInProgress > 0 || this.sequences?.sendsAll === true
    for (const [topic, queues] of this.byTopic) {
      const count = this.metadata.topic(topic)?.partitions.length ?? 0
      const load: { partition: number; length: number }[] | undefined = count > 1 && queues.length >= count ? [] : undefined
      for (const queue of queues) {
        const first = queue.batches[0]
        if (first === undefined && load === undefined) continue
        const { node, epoch } = this.metadata.leader(topic, queue.partition)
        if (node !== undefined) load?.push({ partition: queue.partition, length: queue.batches.length })
        if (first === undefined) continue
        first.observeLeaderEpoch(epoch)
        if (node === undefined) {
          hasUnknownLeader = true
          continue
        }
        if (nodes.has(node.id) || queue.muted) continue
        const retryAt = this.retryTime(first)
        const isRetryDue = retryAt <= now
        const isFull = queue.batches.length > 1 || first.isFull
        const readyAt = Math.max(retryAt, isFull || sendAll ? 0 : first.lastAttemptAt + msToUs(this.config.lingerMs))
        if (isRetryDue && readyAt <= now) nodes.set(node.id, node)
        else nextCheck = Math.min(nextCheck, readyAt)
      }
      if (this.config.partitioner === 'default') this.partitioners.get(topic)?.updateLoad(load)
    }
    return { nodes, nextCheck, hasUnknownLeader }
  }

  /** Takes at most one batch of each partition led by `node`, up to max.request.size, and numbers what is new. */
  drain(node: BrokerNode, now: Micros): ProducerBatch[] {
    const led: PartitionQueue[] = []
    for (const queue of this.queues.values()) {
      if (this.metadata.leader(queue.topic, queue.partition).node?.id === node.id) led.push(queue)
    }
    const from = this.drainFrom.get(node.id)
    const start = Math.max(0, led.findIndex(queue => queue.key === from))
    const drained: ProducerBatch[] = []
    let size = 0
    for (let i = 0; i < led.length; i++) {
      const queue = led[(start + i) % led.length]!
      this.drainFrom.set(node.id, queue.key)
      const first = queue.batches[0]
      if (queue.muted || first === undefined || this.retryTime(first) > now) continue
      if (size + first.sizeInBytes > this.config.maxRequestSize && drained.length > 0) break
      if (this.sequences !== undefined) {
        if (!this.sequences.mayDrain(first)) break
        first.isClosed = true
        if (!first.hasSequence) this.sequences.assign(first)
      }
      queue.batches.shift()
      size += first.close().length
      drained.push(first)
    }
    return drained
  }

  /** Puts a batch back for its retry: at the front, or by sequence. */
  reenqueue(batch: ProducerBatch, now: Micros): void {
    batch.reenqueued(now)
    this.insert(batch)
  }

  /** Puts a batch back that was drained but never left this machine. */
  giveBack(batch: ProducerBatch): void {
    this.insert(batch)
  }

  /** Divides a batch that a broker refused as too large and puts the parts back. */
  splitAndReenqueue(batch: ProducerBatch): void {
    const parts = batch.split(this.config.batchSize)
    for (const part of parts.reverse()) {
      this.incomplete.add(part)
      if (part.hasSequence) this.sequences?.track(part)
      this.insert(part)
    }
  }

  private insert(batch: ProducerBatch): void {
    const { batches } = this.queue(batch.topic, batch.partition)
    let index = 0
    if (this.sequences !== undefined) {
      while (index < batches.length && batches[index]!.hasSequence && batches[index]!.baseSequence < batch.baseSequence) index++
    }
    batches.splice(index, 0, batch)
  }

  /** Removes and returns the waiting batches past their delivery timeout. */
  expired(now: Micros): ProducerBatch[] {
    const expired: ProducerBatch[] = []
    for (const queue of this.queues.values()) {
      while (queue.batches.length > 0 && this.hasExpired(queue.batches[0]!, now)) expired.push(queue.batches.shift()!)
    }
    return expired
  }

  hasExpired(batch: ProducerBatch, now: Micros): boolean {
    return now - batch.createdAt >= msToUs(this.config.deliveryTimeoutMs)
  }

  /**
   * Earliest delivery timeout of the waiting batches that `expired` looks at: the first of each partition. One that is
   * older but stands behind a retried batch waits for it (RecordAccumulator#expiredBatches).
   */
  nextExpiry(): Micros {
    let earliest = Infinity
    for (const { batches } of this.queues.values()) {
      if (batches.length > 0) earliest = Math.min(earliest, batches[0]!.createdAt)
    }
    return earliest + msToUs(this.config.deliveryTimeoutMs)
  }

  /** The batch is done: its memory is free again. */
  release(batch: ProducerBatch): void {
    if (!this.incomplete.delete(batch)) return
    this.availableMemory += batch.reservedBytes
  }

  /** Takes a batch that was given up out of its queue. */
  remove(batch: ProducerBatch): void {
    const { batches } = this.queue(batch.topic, batch.partition)
    const index = batches.indexOf(batch)
    if (index >= 0) batches.splice(index, 1)
  }

  mute(batch: ProducerBatch, muted: boolean): void {
    this.queue(batch.topic, batch.partition).muted = muted
  }

  incompleteBatches(): ProducerBatch[] {
    return [...this.incomplete]
  }

  get hasIncomplete(): boolean {
    return this.incomplete.size > 0
  }

  private retryTime(batch: ProducerBatch): Micros {
    if (batch.attempts === 0 || batch.leaderChangedForThisRetry) return 0
    return batch.lastAttemptAt + this.backoff.delay(batch.attempts - 1, partitionName(batch.topic, batch.partition))
  }

  private partitioner(topic: string): StickyPartitioner {
    let partitioner = this.partitioners.get(topic)
    if (partitioner === undefined) {
      partitioner = new StickyPartitioner(this.env, topic, this.config.batchSize)
      this.partitioners.set(topic, partitioner)
    }
    return partitioner
  }

  private queue(topic: string, partition: number): PartitionQueue {
    const key = partitionName(topic, partition)
    let queue = this.queues.get(key)
    if (queue === undefined) {
      queue = { topic, partition, key, batches: [], muted: false }
      this.queues.set(key, queue)
      const siblings = this.byTopic.get(topic)
      if (siblings === undefined) this.byTopic.set(topic, [queue])
      else siblings.push(queue)
    }
    return queue
  }
}
