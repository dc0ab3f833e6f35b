/**
 * The sparse time index of a segment (Kafka's TimeIndex): 12-byte entries (largest timestamp so far, offset of the batch
 * that has it, relative to the segment's base), written with offset index entries and when the segment is finished.
 * Timestamps and offsets increase, so everything before an entry's offset is not younger than its timestamp.
 */
import { invariant } from '../base/assert.ts'
import type { Task } from '../base/task.ts'
import type { Env } from '../env/env.ts'
import type { File } from '../env/disk.ts'

const ENTRY_SIZE = 12

export interface TimestampOffset {
  readonly timestamp: number
  readonly offset: number
}

export class TimeIndex {
  private readonly file: File
  /** Counts changes, and how many of them are durable. */
  private changes = 0
  private durableChanges = 0
  private readonly baseOffset: number
  private readonly maxEntries: number
  private readonly list: TimestampOffset[] = []

  constructor(env: Env, path: string, baseOffset: number, maxIndexSize: number) {
    this.file = env.disk.open(path)
    this.baseOffset = baseOffset
    this.maxEntries = Math.floor(maxIndexSize / ENTRY_SIZE)
    const bytes = this.file.view()
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    for (let at = 0; at + ENTRY_SIZE <= bytes.length; at += ENTRY_SIZE) {
      this.list.push({ timestamp: Number(view.getBigInt64(at)), offset: baseOffset + view.getUint32(at + 8) })
    }
  }

  get entries(): number {
    return this.list.length
  }

  /** One entry is kept free for the last one, written when the segment is finished. */
  get isFull(): boolean {
    return this.list.length >= this.maxEntries - 1
  }

  get isCorrupt(): boolean {
    if (this.file.size % ENTRY_SIZE !== 0) return true
    return this.list.some((entry, i) => i > 0 && entry.timestamp <= this.list[i - 1]!.timestamp)
  }

  get last(): TimestampOffset {
    return this.list.at(-1) ?? { timestamp: -1, offset: this.baseOffset }
  }

  /** The last entry with a timestamp at most `timestamp`. */
  lookup(timestamp: number): TimestampOffset {
    for (let i = this.list.length - 1; i >= 0; i--) {
      if (this.list[i]!.timestamp <= timestamp) return this.list[i]!
    }
    return { timestamp: -1, offset: this.baseOffset }
  }

  /** Adds an entry if its timestamp is larger than the last one's. */
  maybeAppend(timestamp: number, offset: number): void {
    const { last } = this
    if (timestamp <= last.timestamp) return
    invariant(this.entries === 0 || offset >= last.offset, 'time index offsets must not decrease')
    const entry = new Uint8Array(ENTRY_SIZE)
    const view = new DataView(entry.buffer)
    view.setBigInt64(0, BigInt(timestamp))
    view.setUint32(8, offset - this.baseOffset)
    this.file.append(entry)
    this.changes++
    this.list.push({ timestamp, offset })
  }

  /** Keeps the entries below `offset`. */
  truncateTo(offset: number): void {
    let length = this.entries
    while (length > 0 && this.list[length - 1]!.offset >= offset) length--
    this.list.length = length
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
