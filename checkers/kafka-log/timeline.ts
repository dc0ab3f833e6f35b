/**
 * The operations of a Kafka history as columns: what an explanation says of one (its index, its time, whose it was), so
 * that nothing else of it need be kept. Faults and answers with an error are few, and kept whole, as are the operations that
 * are no sends and polls: questions about topics, ends and configurations.
 *
 * Positions are places in the history, not the `index` field.
 */
import type { Json, Operation } from '../../src/history/operation.ts'
import { grown } from './columns.ts'

const FIRST_CAPACITY = 1_024

export interface PlacedOperation {
  readonly at: number
  readonly operation: Operation
}

export class Timeline {
  length = 0
  readonly faults: PlacedOperation[] = []
  /** Neither sends nor polls, nor what moves a reader. */
  readonly others: PlacedOperation[] = []
  private indices = new Float64Array(FIRST_CAPACITY)
  private times = new Float64Array(FIRST_CAPACITY)
  /** Number of the client's name; -1 - n: process n, as far as that fits. */
  private clients = new Int32Array(FIRST_CAPACITY)
  private readonly names: string[] = []
  private readonly numbers = new Map<string, number>()
  private readonly errors = new Map<number, Json>()

  /** Returns the position. */
  add(operation: Operation): number {
    const at = this.length++
    if (at === this.indices.length) this.grow()
    this.indices[at] = operation.index
    this.times[at] = operation.time
    this.clients[at] = this.clientOf(operation)
    if (operation.error !== undefined) this.errors.set(at, operation.error)
    return at
  }

  index(at: number): number {
    return this.indices[at]!
  }

  time(at: number): number {
    return this.times[at]!
  }

  error(at: number): Json | undefined {
    return this.errors.get(at)
  }

  who(at: number): string {
    const client = this.clients[at]!
    return client < 0 ? `process ${-1 - client}` : this.names[client]!
  }

  private clientOf(operation: Operation): number {
    const { node, process } = operation
    const producer = node === undefined ? operation['producer'] : undefined
    const name = node ?? (typeof producer === 'string' ? producer : undefined)
    if (name === undefined && typeof process === 'number' && process >= 0 && process < 0x7fffffff) return -1 - process
    return this.numberOf(name ?? `process ${process}`)
  }

  private numberOf(name: string): number {
    let number = this.numbers.get(name)
    if (number === undefined) {
      number = this.names.push(name) - 1
      this.numbers.set(name, number)
    }
    return number
  }

  private grow(): void {
    this.indices = grown(this.indices)
    this.times = grown(this.times)
    this.clients = grown(this.clients)
  }
}
