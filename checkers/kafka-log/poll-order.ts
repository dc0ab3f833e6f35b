/**
 * Successive polls of one reader. Between two polls of a partition the position may move only through an operation:
 * assign, subscribe, seek, or the consumer's own reset. A reset is recorded right after the poll during which it
 * happened, so what that poll seems to have done to those partitions is struck off again.
 *
 * Moves that are not to the next offset are kept as columns: where transactions write markers every other one is such.
 */
import type { Json } from '../../src/history/operation.ts'
import { grown } from './columns.ts'
import type { NameTable } from './name-table.ts'

export interface Move {
  readonly key: string
  /** Offset returned before and its poll; offset returned next and its poll. */
  readonly from: number
  readonly fromAt: number
  readonly to: number
  readonly at: number
  /** Both lie in one operation. */
  readonly internal: boolean
}

export type Records = readonly (readonly [number, Json])[]

interface Reader {
  /** By number of the partition's name. */
  readonly positions: Map<number, { offset: number; at: number }>
  /** Moves of the last poll: a reset that follows may explain them. */
  recentFrom: number
  recentTo: number
}

const FIRST_CAPACITY = 256
const STRUCK_OFF = -1

export class PollOrder {
  /** Moves so far, those that were struck off included. */
  count = 0
  private keys = new Int32Array(FIRST_CAPACITY)
  private from = new Float64Array(FIRST_CAPACITY)
  private fromAt = new Int32Array(FIRST_CAPACITY)
  private to = new Float64Array(FIRST_CAPACITY)
  private at = new Int32Array(FIRST_CAPACITY)
  private readonly readers = new Map<string | number, Reader>()
  private readonly names: NameTable

  constructor(names: NameTable) {
    this.names = names
  }

  /** What one operation returned: of the first `count` of the partitions (by name) their records. */
  poll(id: string | number, at: number, keys: readonly number[], reads: readonly Records[], count: number): void {
    const reader = this.reader(id)
    reader.recentFrom = this.count
    for (let i = 0; i < count; i++) this.follow(reader, at, keys[i]!, reads[i]!)
    reader.recentTo = this.count
  }

  /** The reader's position moved legally; `keys` undefined: on every partition. */
  move(id: string | number, how: string, keys: readonly string[] | undefined): void {
    const reader = this.readers.get(id)
    if (reader === undefined) return
    const numbers = keys?.map(key => this.names.find(key))
    if (how === 'reset') {
      for (let move = reader.recentFrom; move < reader.recentTo; move++) if (numbers === undefined || numbers.includes(this.keys[move]!)) this.keys[move] = STRUCK_OFF
    }
    if (numbers === undefined) reader.positions.clear()
    else for (const number of numbers) reader.positions.delete(number)
  }

  /** The name of the partition, by number; -1: it was struck off. */
  key(move: number): number {
    return this.keys[move]!
  }

  /** To an offset not above the last one? Otherwise it is over at least one offset; whether a record lies there is for the finder to say. */
  isBackwards(move: number): boolean {
    return this.to[move]! <= this.from[move]!
  }

  low(move: number): number {
    return this.from[move]!
  }

  high(move: number): number {
    return this.to[move]!
  }

  of(move: number): Move {
    const [fromAt, at] = [this.fromAt[move]!, this.at[move]!]
    return { key: this.names.text(this.keys[move]!), from: this.from[move]!, fromAt, to: this.to[move]!, at, internal: fromAt === at }
  }

  private follow({ positions }: Reader, at: number, key: number, records: Records): void {
    const last = positions.get(key)
    let from = last === undefined ? -1 : last.offset
    let fromAt = last === undefined ? -1 : last.at
    for (let i = 0; i < records.length; i++) {
      const offset = records[i]![0]
      if (offset !== from + 1 && fromAt !== -1) this.add(key, from, fromAt, offset, at)
      from = offset
      fromAt = at
    }
    if (last === undefined) positions.set(key, { offset: from, at: fromAt })
    else {
      last.offset = from
      last.at = fromAt
    }
  }

  private add(key: number, from: number, fromAt: number, to: number, at: number): void {
    const move = this.count++
    if (move === this.keys.length) {
      this.keys = grown(this.keys)
      this.from = grown(this.from)
      this.fromAt = grown(this.fromAt)
      this.to = grown(this.to)
      this.at = grown(this.at)
    }
    this.keys[move] = key
    this.from[move] = from
    this.fromAt[move] = fromAt
    this.to[move] = to
    this.at[move] = at
  }

  private reader(id: string | number): Reader {
    let reader = this.readers.get(id)
    if (reader === undefined) {
      reader = { positions: new Map(), recentFrom: 0, recentTo: 0 }
      this.readers.set(id, reader)
    }
    return reader
  }
}
