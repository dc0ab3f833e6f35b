/**
 * The batches of one log in columns, in order of offsets. Grows by doubling; a batch costs 56 bytes, whatever the trial's
 * length. Identity of a batch: base offset, leader epoch and CRC (which covers everything else).
 */
export interface Batch {
  readonly baseOffset: number
  readonly lastOffset: number
  readonly leaderEpoch: number
  readonly crc: number
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly lastSequence?: number
  readonly maxTimestamp?: number
  /** 0: compaction has left its header only. */
  readonly recordCount?: number
}

export class BatchColumns {
  count = 0
  base = new Float64Array(8)
  last = new Float64Array(8)
  epoch = new Int32Array(8)
  crc = new Int32Array(8)
  producerId = new Float64Array(8)
  producerEpoch = new Int32Array(8)
  lastSequence = new Int32Array(8)
  maxTimestamp = new Float64Array(8)

  push(batch: Batch): void {
    if (this.count === this.base.length) this.grow()
    const i = this.count++
    this.base[i] = batch.baseOffset
    this.last[i] = batch.lastOffset
    this.epoch[i] = batch.leaderEpoch
    this.crc[i] = batch.crc | 0
    this.producerId[i] = batch.producerId ?? -1
    this.producerEpoch[i] = batch.producerEpoch ?? -1
    this.lastSequence[i] = batch.lastSequence ?? -1
    // Of no record.
    this.maxTimestamp[i] = batch.recordCount === 0 ? -1 : batch.maxTimestamp ?? -1
  }

  copyFrom(other: BatchColumns, i: number): void {
    if (this.count === this.base.length) this.grow()
    const to = this.count++
    this.base[to] = other.base[i]!
    this.last[to] = other.last[i]!
    this.epoch[to] = other.epoch[i]!
    this.crc[to] = other.crc[i]!
    this.producerId[to] = other.producerId[i]!
    this.producerEpoch[to] = other.producerEpoch[i]!
    this.lastSequence[to] = other.lastSequence[i]!
    this.maxTimestamp[to] = other.maxTimestamp[i]!
  }

  /** Removes every batch that reaches `endOffset` or beyond. */
  truncateTo(endOffset: number): void {
    while (this.count > 0 && this.last[this.count - 1]! >= endOffset) this.count--
  }

  /** Takes `batches` for those that begin in [from, to). */
  replace(from: number, to: number, batches: readonly Batch[]): void {
    const tail = new BatchColumns()
    let first = 0
    while (first < this.count && this.base[first]! < from) first++
    for (let i = first; i < this.count; i++) if (this.base[i]! >= to) tail.copyFrom(this, i)
    this.count = first
    for (const batch of batches) this.push(batch)
    for (let i = 0; i < tail.count; i++) this.copyFrom(tail, i)
  }

  /** Index of the first batch whose last offset is at or above `offset`; `count` if there is none. */
  find(offset: number): number {
    let low = 0
    let high = this.count
    if (high > 0 && this.last[high - 1]! < offset) return high
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.last[middle]! < offset) low = middle + 1
      else high = middle
    }
    return low
  }

  sameBatch(i: number, other: BatchColumns, j: number): boolean {
    return this.base[i] === other.base[j] && this.epoch[i] === other.epoch[j] && this.crc[i] === other.crc[j]
  }

  /** For sentences: "offsets 4-7 of epoch 3". */
  describe(i: number): string {
    const base = this.base[i]!
    const last = this.last[i]!
    return `${base === last ? `offset ${base}` : `offsets ${base}-${last}`} of epoch ${this.epoch[i]}`
  }

  private grow(): void {
    const size = this.base.length * 2
    const wide = (column: Float64Array): Float64Array<ArrayBuffer> => {
      const next = new Float64Array(size)
      next.set(column)
      return next
    }
    const narrow = (column: Int32Array): Int32Array<ArrayBuffer> => {
      const next = new Int32Array(size)
      next.set(column)
      return next
    }
    this.base = wide(this.base)
    this.last = wide(this.last)
    this.producerId = wide(this.producerId)
    this.maxTimestamp = wide(this.maxTimestamp)
    this.epoch = narrow(this.epoch)
    this.crc = narrow(this.crc)
    this.producerEpoch = narrow(this.producerEpoch)
    this.lastSequence = narrow(this.lastSequence)
  }
}
