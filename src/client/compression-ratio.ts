/**
 * How well a producer's batches compress, by topic (CompressionRatioEstimator): what a batch that is being filled will take is
 * guessed from it. The guess grows fast and shrinks slowly.
 *
 * Unlike Kafka, each producer learns by itself; Kafka's producers in one process share.
 */
import type { CompressionType } from '../base/compression-type.ts'

const INITIAL = 1
const IMPROVING_STEP = 0.005
const DETERIORATE_STEP = 0.05
/** The guess is raised by this much (MemoryRecordsBuilder#COMPRESSION_RATE_ESTIMATION_FACTOR). */
const MARGIN = 1.05

export class CompressionRatio {
  readonly type: CompressionType
  private readonly byTopic = new Map<string, number>()

  constructor(type: CompressionType) {
    this.type = type
  }

  /** By what to multiply the size of records to guess what they will take. */
  factor(topic: string): number {
    return this.type === 'none' ? 1 : this.estimate(topic) * MARGIN
  }

  /** A batch was closed: its records took `ratio` of their size. */
  observe(topic: string, ratio: number): void {
    if (this.type === 'none') return
    const estimate = this.estimate(topic)
    if (ratio > estimate) this.byTopic.set(topic, Math.max(estimate + DETERIORATE_STEP, ratio))
    else if (ratio < estimate) this.byTopic.set(topic, Math.max(estimate - IMPROVING_STEP, ratio))
  }

  /** A batch of this ratio was refused as too large (RecordAccumulator#splitAndReenqueue). */
  reset(topic: string, ratio: number): void {
    if (this.type !== 'none') this.byTopic.set(topic, Math.max(INITIAL, ratio))
  }

  private estimate(topic: string): number {
    return this.byTopic.get(topic) ?? INITIAL
  }
}
