/**
 * A directory: names of files and directories, and a journal of the name operations since it was last synced, each with
 * what undoes it. A machine crash leaves a prefix of them. A rename is one operation, atomic even then.
 */
import type { SimFile } from './sim-file.ts'

export type Entry = SimFile | SimDirectory

export interface NameOperation {
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
  private synced = 0
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

  log(operation: NameOperation): void {
    this.journal.push(operation)
  }

  get operations(): readonly NameOperation[] {
    return this.journal
  }

  /** A position in the history of name operations, for `markSynced`. */
  get position(): number {
    return this.synced + this.journal.length
  }

  markSynced(upTo: number): void {
    const count = upTo - this.synced
    if (count <= 0) return
    this.journal = this.journal.slice(count)
    this.synced = upTo
  }

  /** The creation of a directory in it became durable by itself (its own content was synced). */
  settle(created: SimDirectory): void {
    const at = this.journal.findIndex(operation => operation.created === created)
    // Its place in the journal stays taken, so that positions keep their meaning.
    if (at >= 0) this.journal[at] = { path: this.journal[at]!.path, created: undefined, undo() {} }
  }

  /** Undoes all but the first `kept` operations, newest first; returns those undone. */
  rollBack(kept: number): readonly NameOperation[] {
    const undone = this.journal.splice(kept).reverse()
    for (const operation of undone) operation.undo()
    return undone
  }
}
