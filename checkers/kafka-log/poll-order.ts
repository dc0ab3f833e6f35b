/**
 * Successive polls of one reader. Between two polls of a partition the position may move only through an operation:
 * assign, subscribe, seek, or the consumer's own reset. A reset is recorded right after the poll during which it
 * happened, so what that poll seems to have done to those partitions is struck off again.
 */
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

interface Reader {
  readonly positions: Map<string, { offset: number; at: number }>
  /** Suspicious moves of the last poll: a reset that follows may explain them. */
  recent: Move[]
}

type Reads = readonly (readonly [string, readonly (readonly [number, unknown])[]])[]

export class PollOrder {
  /** To an offset not above the last one. */
  readonly backwards: Move[] = []
  /** Over at least one offset. Whether a record lies there is for the finder to say. */
  readonly gaps: Move[] = []
  private readonly readers = new Map<string | number, Reader>()

  poll(id: string | number, at: number, reads: Reads): void {
    const reader = this.reader(id)
    this.settle(reader)
    for (const [key, records] of reads) {
      let last = reader.positions.get(key)
      let from = last?.offset ?? -1
      let fromAt = last?.at ?? -1
      for (let i = 0; i < records.length; i++) {
        const offset = records[i]![0]
        if (fromAt !== -1 && offset !== from + 1) reader.recent.push({ key, from, fromAt, to: offset, at, internal: fromAt === at })
        from = offset
        fromAt = at
      }
      if (last === undefined) reader.positions.set(key, { offset: from, at: fromAt })
      else {
        last.offset = from
        last.at = fromAt
      }
    }
  }

  /** The reader's position moved legally; `keys` undefined: on every partition. */
  move(id: string | number, how: string, keys: readonly string[] | undefined): void {
    const reader = this.readers.get(id)
    if (reader === undefined) return
    if (how === 'reset') reader.recent = keys === undefined ? [] : reader.recent.filter(one => !keys.includes(one.key))
    if (keys === undefined) reader.positions.clear()
    else for (const key of keys) reader.positions.delete(key)
  }

  finish(): void {
    for (const reader of this.readers.values()) this.settle(reader)
  }

  private settle(reader: Reader): void {
    if (reader.recent.length === 0) return
    for (const move of reader.recent) (move.to <= move.from ? this.backwards : this.gaps).push(move)
    reader.recent = []
  }

  private reader(id: string | number): Reader {
    let reader = this.readers.get(id)
    if (reader === undefined) {
      reader = { positions: new Map(), recent: [] }
      this.readers.set(id, reader)
    }
    return reader
  }
}
