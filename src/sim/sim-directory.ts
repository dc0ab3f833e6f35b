/**
 * A directory: names of files and directories, and a journal of the name operations since it was last synced, each with
 * what undoes it. A machine crash leaves a prefix of them. A rename is one operation, atomic even then.
 */
import type { SimFile } from './sim-file.ts'

export type Entry = SimFile | SimDirectory

export interface NameOperation {
  /** Which operation on this directory it was, from 0. */
  readonly position: number
  /** Full path that the operation was about, for reports. */
  readonly path: string
  /** The directory that the operation created, if it did. */
  readonly created: SimDirectory | undefined
  undo(): void
}

export class SimDirectory {
  readonly entries = new Map<string, Entry>()
  parent: SimDirectory | undefined
  name: string
  private journal: NameOperation[] = []
  private logged = 0
  syncs = 0

  constructor(parent: SimDirectory | undefined, name: string) {
    this.parent = parent
    this.name = name
  }

  get path(): string {
    return this.parent === undefined ? '' : this.parent.pathOf(this.name)
  }

  pathOf(name: string): string {
    const own = this.path
    return own === '' ? name : `${own}/${name}`
  }

  /** Files an entry under a name (or clears the name) and tells it where it is. */
  put(name: string, entry: Entry | undefined): void {
    if (entry === undefined) {
      this.entries.delete(name)
      return
    }
    this.entries.set(name, entry)
    entry.parent = this
    entry.name = name
  }

  log(path: string, created: SimDirectory | undefined, undo: () => void): void {
    this.journal.push({ position: this.logged++, path, created, undo })
  }

  /** Name operations that are not durable yet. */
  get operations(): readonly NameOperation[] {
    return this.journal
  }

  /** Operations so far, for `markSynced`. */
  get position(): number {
    return this.logged
  }

  markSynced(upTo: number): void {
    this.journal = this.journal.filter(operation => operation.position >= upTo)
  }

  /** The creation of a directory in it became durable by itself (its own content was synced). */
  settle(created: SimDirectory): void {
    if (this.journal.length > 0) this.journal = this.journal.filter(operation => operation.created !== created)
  }

  /** Undoes all but the first `kept` operations, newest first; returns those undone. */
  rollBack(kept: number): readonly NameOperation[] {
    const undone = this.journal.splice(kept).reverse()
    for (const operation of undone) operation.undo()
    return undone
  }
}
