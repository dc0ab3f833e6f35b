/**
 * A file behind a page cache. The cache is the current content; a journal of what happened since the last fsync can undo
 * it, newest first, so that a machine crash can leave any prefix of the unsynced operations, the last one torn if need be.
 *
 * An append needs only its start in the journal (undoing it is cutting); overwriting and truncating keep what they destroy.
 */
import { invariant } from '../base/assert.ts'
import { Future, type Task } from '../base/task.ts'
import { DiskError, type File } from '../env/disk.ts'
import type { SimDirectory } from './sim-directory.ts'
import type { SimDisk } from './disk.ts'

const EMPTY = new Uint8Array(0)

/** What an overwrite or a truncation destroyed: the bytes from `position` on, and the size before. */
interface Destroyed {
  readonly position: number
  readonly bytes: Uint8Array
  readonly size: number
  /** Length of what was written; 0 for a truncation. */
  readonly written: number
}

export class SimFile implements File {
  /** Where it is filed; the disk changes these on rename. */
  parent: SimDirectory
  name: string
  /** A sector of it has gone bad: nobody can read it any more. */
  isUnreadable = false
  private readonly disk: SimDisk
  private buffer = EMPTY
  private length = 0
  private window: Uint8Array | undefined = undefined
  /** An append as the size before it; anything else as what it destroyed. */
  private journal: (number | Destroyed)[] = []
  /** Operations that were made durable; the journal begins after them. */
  private synced = 0
  private syncs = 0

  constructor(disk: SimDisk, parent: SimDirectory, name: string) {
    this.disk = disk
    this.parent = parent
    this.name = name
  }

  get path(): string {
    return this.parent.pathOf(this.name)
  }

  get size(): number {
    return this.length
  }

  get unsyncedOperations(): number {
    return this.journal.length
  }

  append(bytes: Uint8Array): void {
    this.disk.requireRoom(this.name)
    this.journal.push(this.length)
    this.put(this.length, bytes)
  }

  write(position: number, bytes: Uint8Array): void {
    invariant(position >= 0 && position <= this.length, `write at ${position} of a file of ${this.length} bytes`)
    if (position + bytes.length > this.length) this.disk.requireRoom(this.name)
    const end = Math.min(this.length, position + bytes.length)
    this.journal.push(position === this.length
      ? this.length
      : { position, bytes: this.buffer.slice(position, end), size: this.length, written: bytes.length })
    this.put(position, bytes)
  }

  read(position: number, length: number): Uint8Array {
    if (this.isUnreadable) throw new DiskError('EIO', this.path)
    return this.buffer.slice(position, Math.min(this.length, position + length))
  }

  view(): Uint8Array {
    if (this.isUnreadable) throw new DiskError('EIO', this.path)
    return (this.window ??= this.buffer.subarray(0, this.length))
  }

  /** A copy of what is stored, readable or not. */
  stored(): Uint8Array {
    return this.buffer.slice(0, this.length)
  }

  /** Changes what is stored without anybody having written it. */
  damage(position: number, bytes: Uint8Array): void {
    this.buffer.set(bytes.subarray(0, Math.max(0, this.length - position)), position)
  }

  truncate(size: number): void {
    invariant(size >= 0, 'negative file size')
    if (size >= this.length) return
    this.journal.push({ position: size, bytes: this.buffer.slice(size, this.length), size: this.length, written: 0 })
    this.length = size
    this.window = undefined
    this.disk.noteTruncate(size)
  }

  /** Covers what was written when it is called; a clean file costs nothing. */
  fsync(): Task<void> {
    if (this.journal.length === 0) return Future.completed<void>(undefined).wait()
    const upTo = this.synced + this.journal.length
    return this.disk.sync(this.path, this.name, ++this.syncs, () => this.markSynced(upTo)).wait()
  }

  /** Everything is on the medium, as after a crash. */
  markAllSynced(): void {
    this.markSynced(this.synced + this.journal.length)
  }

  /** Units of the journal: a byte written counts one, a truncation one. A crash keeps some number of them. */
  get units(): number {
    let total = 0
    for (let i = 0; i < this.journal.length; i++) total += this.unitsOf(i)
    return total
  }

  /** The largest sum of whole operations not above `units`. */
  wholeOperations(units: number): number {
    let total = 0
    for (let i = 0; i < this.journal.length; i++) {
      const next = total + this.unitsOf(i)
      if (next > units) break
      total = next
    }
    return total
  }

  /** Undoes all but the first `units` of the journal. Returns the number of operations that are not whole any more. */
  rollBack(units: number): number {
    let left = this.units
    let dropped = 0
    while (left > units) {
      const last = this.journal.length - 1
      const size = this.unitsOf(last)
      const kept = Math.max(0, units - (left - size))
      this.undo(last, kept)
      this.journal.pop()
      left -= size
      dropped++
    }
    this.window = undefined
    return dropped
  }

  private unitsOf(index: number): number {
    const entry = this.journal[index]!
    if (typeof entry !== 'number') return Math.max(1, entry.written)
    const after = this.journal[index + 1]
    const end = after === undefined ? this.length : typeof after === 'number' ? after : after.size
    return Math.max(1, end - entry)
  }

  /** Takes back the newest operation but for its first `kept` bytes. */
  private undo(index: number, kept: number): void {
    const entry = this.journal[index]!
    if (typeof entry === 'number') {
      this.length = Math.min(this.length, entry + kept)
      return
    }
    const { position, bytes, size, written } = entry
    const restored = written === 0 ? bytes : bytes.subarray(Math.min(kept, bytes.length))
    this.buffer.set(restored, position + bytes.length - restored.length)
    this.length = written === 0 ? size : Math.max(size, Math.min(this.length, position + kept))
  }

  private put(position: number, bytes: Uint8Array): void {
    const end = position + bytes.length
    if (end > this.buffer.length) {
      const grown = new Uint8Array(Math.max(256, end, this.buffer.length * 2))
      grown.set(this.window ?? this.buffer.subarray(0, this.length))
      this.buffer = grown
      this.window = undefined
    }
    this.buffer.set(bytes, position)
    if (end > this.length) {
      this.length = end
      this.window = undefined
    }
    this.disk.noteWrite(this.buffer, position, end)
  }

  private markSynced(upTo: number): void {
    const count = upTo - this.synced
    if (count <= 0) return
    this.journal = count >= this.journal.length ? [] : this.journal.slice(count)
    this.synced = upTo
  }
}
