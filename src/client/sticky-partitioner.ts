/**
 * Partitions for records without a key (KIP-794, BuiltInPartitioner): one partition until at least `batch.size` bytes were
 * produced to it, then another, drawn uniformly or weighted against the length of the queues.
 */
import { below } from '../base/random.ts'
import type { Env } from '../env/env.ts'

export interface PartitionChoices {
  /** Number of partitions of the topic. */
  readonly count: number
  /** Partitions with a leader. */
  available(): readonly number[]
}

/** The current choice; a new object at every switch, so that a holder can see that it changed. */
export interface StickyPartition {
  readonly partition: number
  producedBytes: number
}

export class StickyPartitioner {
  private readonly env: Env
  private readonly topic: string
  private readonly batchSize: number
  private current: StickyPartition | undefined = undefined
  private switches = 0
  /** Running sums of inverted queue lengths, and the partitions they stand for; undefined: uniform. */
  private load: { readonly sums: readonly number[]; readonly partitions: readonly number[] } | undefined = undefined

  constructor(env: Env, topic: string, batchSize: number) {
    this.env = env
    this.topic = topic
    this.batchSize = batchSize
  }

  peek(choices: PartitionChoices): StickyPartition {
    return (this.current ??= { partition: this.draw(choices), producedBytes: 0 })
  }

  /**
   * Counts bytes appended to the current choice. Switching is held back while the batch is not full (`maySwitch` false),
   * but not past twice the batch size.
   */
  produced(sticky: StickyPartition, bytes: number, choices: PartitionChoices, maySwitch: boolean): void {
    sticky.producedBytes += bytes
    if ((sticky.producedBytes >= this.batchSize && maySwitch) || sticky.producedBytes >= this.batchSize * 2) {
      this.current = { partition: this.draw(choices), producedBytes: 0 }
    }
  }

  isCurrent(sticky: StickyPartition): boolean {
    return this.current === sticky
  }

  /** Queue lengths of the partitions with a leader, or undefined when not every partition has a queue yet. */
  updateLoad(queues: readonly { readonly partition: number; readonly length: number }[] | undefined): void {
    this.load = undefined
    if (queues === undefined || queues.length < 2) return
    let longest = 0
    let shortest = Infinity
    for (const { length } of queues) {
      longest = Math.max(longest, length)
      shortest = Math.min(shortest, length)
    }
    if (longest === shortest) return
    const sums: number[] = []
    let sum = 0
    for (const { length } of queues) sums.push((sum += longest + 1 - length))
    this.load = { sums, partitions: queues.map(queue => queue.partition) }
  }

  private draw(choices: PartitionChoices): number {
    const draw = this.env.draw('sticky-partition', this.topic, this.switches++)
    if (this.load !== undefined) {
      const { sums, partitions } = this.load
      const point = below(draw, sums[sums.length - 1]!)
      return partitions[sums.findIndex(sum => sum > point)]!
    }
    const available = choices.available()
    return available.length > 0 ? available[below(draw, available.length)]! : below(draw, choices.count)
  }
}
