/**
 * Aborted transactions whose marker lies in a segment (Kafka's TransactionIndex, `.txnindex`): 34-byte entries (version,
 * producer id, first offset, offset of the marker, last stable offset when it was written), in order of markers. The file
 * exists only once a transaction was aborted.
 */
import type { Task } from '../base/task.ts'
import type { Env } from '../env/env.ts'
import type { File } from '../env/disk.ts'

const ENTRY_SIZE = 34
const VERSION = 0

export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
  /** Offset of the abort marker. */
  readonly lastOffset: number
  readonly lastStableOffset: number
}

export class AbortIndex {
  private readonly env: Env
  private path: string
  private opened: File | undefined = undefined
  private readonly list: AbortedTransaction[] = []

  constructor(env: Env, path: string) {
    this.env = env
    this.path = path
    if (!env.disk.exists(path)) return
    this.opened = env.disk.open(path)
    const bytes = this.opened.view()
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    for (let at = 0; at + ENTRY_SIZE <= bytes.length; at += ENTRY_SIZE) {
      this.list.push({
        producerId: Number(view.getBigInt64(at + 2)),
        firstOffset: Number(view.getBigInt64(at + 10)),
        lastOffset: Number(view.getBigInt64(at + 18)),
        lastStableOffset: Number(view.getBigInt64(at + 26)),
      })
    }
  }

  /** Its file, if there is one yet, has been renamed. */
  moved(path: string): void {
    this.path = path
  }

  get isCorrupt(): boolean {
    return this.opened !== undefined && this.opened.size % ENTRY_SIZE !== 0
  }

  append(aborted: AbortedTransaction): void {
    const entry = new Uint8Array(ENTRY_SIZE)
    const view = new DataView(entry.buffer)
    view.setInt16(0, VERSION)
    view.setBigInt64(2, BigInt(aborted.producerId))
    view.setBigInt64(10, BigInt(aborted.firstOffset))
    view.setBigInt64(18, BigInt(aborted.lastOffset))
    view.setBigInt64(26, BigInt(aborted.lastStableOffset))
    this.opened ??= this.env.disk.open(this.path)
    this.opened.append(entry)
    this.list.push(aborted)
  }

  /**
   * Adds to `found` the transactions that overlap [from, to). Returns true when no later segment can hold another one:
   * a transaction completed after the entry began at or beyond the entry's last stable offset.
   */
  collect(from: number, to: number, found: AbortedTransaction[]): boolean {
    for (const aborted of this.list) {
      if (aborted.lastOffset >= from && aborted.firstOffset < to) found.push(aborted)
      if (aborted.lastStableOffset >= to) return true
    }
    return false
  }

  /** Keeps the entries whose marker lies below `offset`. */
  truncateTo(offset: number): void {
    let length = this.list.length
    while (length > 0 && this.list[length - 1]!.lastOffset >= offset) length--
    this.list.length = length
    this.opened?.truncate(length * ENTRY_SIZE)
  }

  reset(): void {
    this.truncateTo(0)
  }

  *flush(): Task<void> {
    if (this.opened !== undefined) yield* this.opened.fsync()
  }
}
