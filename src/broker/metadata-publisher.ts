/**
 * Turns committed metadata into this broker's view (Kafka: MetadataLoader and BrokerMetadataPublisher). One task takes all
 * batches that have been committed so far and publishes them as one change, so intermediate states may never be seen here
 * (a leader that came and went, an ISR that shrank and grew).
 *
 * The image is replaced first, then the replicas learn what changed: in between handlers see the new metadata with the old
 * roles.
 *
 * Unlike Kafka, which publishes as soon as it has read up to the high watermark that it knows of, nothing is published
 * before this broker has read its own registration: an earlier image could lack topics, and their logs would go as strays.
 */
import { below } from '../base/random.ts'
import { Future, Signal } from '../base/task.ts'
import type { Task } from '../base/task.ts'
import type { Micros } from '../base/time.ts'
import type { Env } from '../env/env.ts'
import { MetadataDelta, MetadataImage } from '../controller/metadata-image.ts'
import type { MetadataBatch } from '../controller/metadata-image.ts'

const LONGEST_LINGER_US: Micros = 200_000

export interface MetadataSubscriber {
  /** Called once, with the first complete image in place, before its `apply`. */
  onFirstImage(): void
  apply(delta: MetadataDelta): Task<void>
}

export class MetadataPublisher {
  readonly image = new MetadataImage()
  readonly firstPublished = new Future<void>()
  private readonly env: Env
  private readonly brokerId: number
  private readonly isComplete: () => boolean
  private readonly arrivals = new Signal()
  private waiting: MetadataBatch[] = []
  private published = -1
  private isClosed = false

  /** `isComplete` says whether the image may be published for the first time. */
  constructor(env: Env, o: { brokerId: number; isComplete: () => boolean }) {
    this.env = env
    this.brokerId = o.brokerId
    this.isComplete = o.isComplete
  }

  /** Last offset that has been published. */
  get publishedOffset(): number {
    return this.published
  }

  /** RaftListener: committed batches, in order. */
  handleCommit(batches: readonly MetadataBatch[]): void {
    for (const batch of batches) this.waiting.push(batch)
    this.arrivals.notifyAll()
  }

  /** Nothing that is committed from now on is applied. */
  close(): void {
    this.isClosed = true
  }

  *run(subscriber: MetadataSubscriber): Task<void> {
    let delta = new MetadataDelta()
    while (!this.isClosed) {
      while (this.waiting.length === 0) yield* this.arrivals.wait()
      yield* this.env.pause('metadata-publish')
      if (this.env.buggify.has('slow-publisher')) yield* this.linger()
      const batches = this.waiting
      this.waiting = []
      for (const batch of batches) this.replay(delta, batch)
      if (!this.firstPublished.isSettled) {
        if (!this.isComplete()) continue
        subscriber.onFirstImage()
      } else if (batches.length > 1) {
        this.env.observe({ kind: 'mark', name: 'metadata-published-in-one' })
      }
      const offset = this.image.offset
      yield* subscriber.apply(delta)
      delta = new MetadataDelta()
      this.published = offset
      this.env.observe({ kind: 'broker-metadata-applied', brokerId: this.brokerId, offset })
      this.firstPublished.complete()
    }
  }

  /** Two times in three up to a fifth of a second: what a broker with thousands of partitions takes. */
  private *linger(): Task<void> {
    const draw = this.env.draw('slow-publisher', this.image.offset)
    if (draw % 3 !== 0) yield* this.env.sleep(below(draw, LONGEST_LINGER_US)).wait()
  }

  private replay(delta: MetadataDelta, batch: MetadataBatch): void {
    for (const record of batch.records) delta.add(this.image, record)
    this.image.offset = batch.lastOffset
    this.image.epoch = batch.epoch
  }
}
