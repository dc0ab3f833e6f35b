/**
 * The disk of one machine as its processes see it: files behind a page cache. Writes are visible at once and survive a
 * process crash; a machine crash keeps of each file only what was synced plus some prefix of the later writes. Names
 * (create, rename, remove) live in directories and need `syncDirectory` to be durable.
 */
import type { Task } from '../base/task.ts'

/** The disk refused: what Kafka meets as an IOException. It kills a process that does not handle it. */
export class DiskError extends Error {
  readonly code: 'EIO' | 'ENOSPC'

  constructor(code: 'EIO' | 'ENOSPC', path: string) {
    super(`${code === 'EIO' ? 'input/output error' : 'no space left on the device'}: ${path}`)
    this.name = 'DiskError'
    this.code = code
  }
}

export interface File {
  readonly path: string
  /** Length in bytes. */
  readonly size: number
  /** Appends a copy of the bytes. @throws DiskError ENOSPC */
  append(bytes: Uint8Array): void
  /** Overwrites in place (may extend the file). @throws DiskError ENOSPC */
  write(position: number, bytes: Uint8Array): void
  /** A copy of up to `length` bytes from `position`; shorter at the end of the file. @throws DiskError EIO */
  read(position: number, length: number): Uint8Array
  /**
   * The whole content as a view of the page cache, valid only until the next write to this file. For scanning without
   * copying; never keep it and never write to it.
   */
  view(): Uint8Array
  truncate(size: number): void
  /** Makes all writes of this file so far durable; takes virtual time. @throws DiskError EIO */
  fsync(): Task<void>
}

export interface Disk {
  /** Identity of the medium (a Kafka Uuid string); a replacement disk has another. */
  readonly id: string
  /** Opens, creating an empty file when absent. Paths are `/`-separated without a leading slash; directories are implied. */
  open(path: string): File
  exists(path: string): boolean
  /** Names directly inside a directory (files and directories), sorted by code unit. */
  list(directory: string): string[]
  /** Atomically replaces `to`. Durable after syncDirectory of its directory. */
  rename(from: string, to: string): void
  /** Removes a file, or a directory with everything in it. No error when absent. */
  remove(path: string): void
  /** Makes creations, renames and removals in this directory durable; takes virtual time. */
  syncDirectory(directory: string): Task<void>
}
