/**
 * The sparse offset index of a segment (Kafka's OffsetIndex): 8-byte entries (last offset of a batch relative to the
 * segment's base, position of that batch), one about every `index.interval.bytes`. The file is the truth across restarts;
 * reads go to the copy in memory.
 *
 * Unlike Kafka, the file is not preallocated, so its size is the number of entries.
 */
import { invariant } from '../base/assert.ts'
import type { Task } from '../base/task.ts'
import type { Env } from '../env/env.ts'
import type { File } from '../env/disk.ts'

const ENTRY_SIZE = 8

export class OffsetIndex {
  private readonly file: File
  /** Counts changes, and how many of them are durable. */
  private changes = 0
  private durableChanges = 0
  private readonly baseOffset: number
  private readonly maxEntries: number
  private readonly offsets: number[] = []
  private readonly positions: number[] = []

  constructor(env: Env, path: string, baseOffset: number, maxIndexSize: number) {
    this.file = env.disk.open(path)
    this.baseOffset = baseOffset
    this.maxEntries = Math.floor(maxIndexSize / ENTRY_SIZE)
    const bytes = this.file.view()
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    for (let at = 0; at + ENTRY_SIZE <= bytes.length; at += ENTRY_SIZE) {
      this.offsets.push(baseOffset + view.getUint32(at))
      this.positions.push(view.getUint32(at + 4))
    }
  }

  get entries(): number {
    return this.offsets.length
  }

  get lastPosition(): number {
    return this.positions.at(-1) ?? 0
  }

  get isFull(): boolean {
    return this.offsets.length >= this.maxEntries
  }

  /** A torn file, or entries out of order: rebuild by scanning the segment. */
  get isCorrupt(): boolean {
    if (this.file.size % ENTRY_SIZE !== 0) return true
    return this.offsets.some((offset, i) => i > 0 && offset <= this.offsets[i - 1]!)
  }

  /** A position at or before the batch that contains `offset`. */
  positionBefore(offset: number): number {
    let low = 0
    let high = this.offsets.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.offsets[middle]! <= offset) low = middle + 1
      else high = middle
    }
    return low === 0 ? 0 : this.positions[low - 1]!
  }

  /** The largest indexed position at most `position`. */
  floorPosition(position: number): number {
    let low = 0
    let high = this.positions.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.positions[middle]! <= position) low = middle + 1
      else high = middle
    }
    return low === 0 ? 0 : this.positions[low - 1]!
  }

  append(lastOffset: number, position: number): void {
    invariant(this.entries === 0 || lastOffset > this.offsets.at(-1)!, 'offset index entries must increase')
    const entry = new Uint8Array(ENTRY_SIZE)
    const view = new DataView(entry.buffer)
    view.setUint32(0, lastOffset - this.baseOffset)
    view.setUint32(4, position)
    this.file.append(entry)
    this.changes++
    this.offsets.push(lastOffset)
    this.positions.push(position)
  }

  /** Keeps the entries below `offset`. */
  truncateTo(offset: number): void {
    let length = this.entries
    while (length > 0 && this.offsets[length - 1]! >= offset) length--
    this.offsets.length = length
    this.positions.length = length
    this.file.truncate(length * ENTRY_SIZE)
    this.changes++
  }

  reset(): void {
    this.truncateTo(this.baseOffset)
  }

  *flush(): Task<void> {
    const { changes } = this
    if (changes === this.durableChanges) return
    yield* this.file.fsync()
    this.durableChanges = changes
  }
}
