/**
 * The disk of one machine. Files and directories each keep their own journal of unsynced operations; a machine crash leaves
 * of each an independently drawn prefix. Syncing a directory also settles that it and those above it exist, as a journalling
 * file system does when it commits.
 */
import { defined, invariant } from '../base/assert.ts'
import { below, draw32 } from '../base/random.ts'
import { Future, type Task } from '../base/task.ts'
import type { Micros } from '../base/time.ts'
import { type Disk, DiskError } from '../env/disk.ts'
import { DigestKind } from './digest.ts'
import { diskId } from './disk-id.ts'
import type { Kernel } from './kernel.ts'
import { type Entry, SimDirectory } from './sim-directory.ts'
import { SimFile } from './sim-file.ts'

export class SimDisk implements Disk {
  readonly id: string
  private readonly kernel: Kernel
  private readonly host: string
  private readonly machineIndex: number
  private readonly key: number
  private readonly root = new SimDirectory(undefined, '')
  private crashes = 0
  private isFull = false
  private isSyncFailing = false
  private extraSyncUs: Micros = 0

  /** `replacement` is 0 for the first disk of a machine, then 1, 2, ... */
  constructor(kernel: Kernel, host: string, machineIndex: number, replacement: number) {
    this.kernel = kernel
    this.host = host
    this.machineIndex = machineIndex
    this.id = diskId(kernel.rootKey, host, replacement)
    this.key = draw32(kernel.rootKey, 'disk', host, replacement)
  }

  open(path: string): SimFile {
    const { directory, name } = this.place(path)
    const known = directory.entries.get(name)
    if (known !== undefined) {
      invariant(known instanceof SimFile, `${path} is a directory`)
      return known
    }
    const file = new SimFile(this, directory, name)
    directory.put(name, file)
    this.logName(directory, path, undefined, () => directory.put(name, undefined))
    return file
  }

  exists(path: string): boolean {
    return this.find(path) !== undefined
  }

  list(directory: string): string[] {
    const entry = this.find(directory)
    return entry instanceof SimDirectory ? [...entry.entries.keys()].sort() : []
  }

  rename(from: string, to: string): void {
    const entry = defined(this.find(from), `no such file: ${from}`)
    if (from === to) return
    const source = defined(entry.parent, 'the root is not renamed')
    const oldName = entry.name
    const { directory, name } = this.place(to)
    const replaced = directory.entries.get(name)
    source.put(oldName, undefined)
    directory.put(name, entry)
    this.logName(directory, to, undefined, () => {
      directory.put(name, replaced)
      source.put(oldName, entry)
    })
  }

  remove(path: string): void {
    const entry = this.find(path)
    if (entry === undefined) return
    const directory = defined(entry.parent, 'the root is not removed')
    const { name } = entry
    directory.put(name, undefined)
    this.logName(directory, path, undefined, () => directory.put(name, entry))
  }

  syncDirectory(path: string): Task<void> {
    const directory = this.find(path)
    if (!(directory instanceof SimDirectory)) return Future.completed<void>(undefined).wait()
    const upTo = directory.position
    return this.sync(`${directory.path}/`, `${directory.name}/`, ++directory.syncs, () => {
      directory.markSynced(upTo)
      for (let child = directory; child.parent !== undefined; child = child.parent) child.parent.settle(child)
    }).wait()
  }

  /** Takes the time of an fsync, then calls `durable` unless the power went off in between. Outlives the process. */
  sync(path: string, name: string, nth: number, durable: () => void): Future<void> {
    const { kernel } = this
    const { fsyncMinUs, fsyncMaxUs } = kernel.options.disk
    const drawn = fsyncMaxUs > fsyncMinUs ? fsyncMinUs + below(kernel.draw(this.key, 'fsync', name, nth), fsyncMaxUs - fsyncMinUs + 1) : fsyncMinUs
    const latency = drawn + this.extraSyncUs
    const done = new Future<void>()
    const crash = this.crashes
    kernel.schedule(latency, () => {
      if (crash !== this.crashes) return
      if (this.isSyncFailing) {
        kernel.digest.event(DigestKind.DiskFault, kernel.now, this.machineIndex)
        done.fail(new DiskError('EIO', path))
        return
      }
      durable()
      kernel.digest.event(DigestKind.Fsync, kernel.now, this.machineIndex)
      kernel.trace?.fsync(kernel.now, this.host, path, latency)
      done.complete()
    })
    return done
  }

  setFull(on: boolean): void {
    this.isFull = on
    this.noteFault(on ? 1 : 0)
  }

  setFailingSync(on: boolean): void {
    this.isSyncFailing = on
    this.noteFault(on ? 3 : 2)
  }

  slowSync(extraUs: Micros): void {
    this.extraSyncUs = extraUs
    this.noteFault(extraUs)
  }

  files(): string[] {
    const found: string[] = []
    const visit = (directory: SimDirectory): void => {
      for (const entry of directory.entries.values()) {
        if (entry instanceof SimDirectory) visit(entry)
        else found.push(entry.path)
      }
    }
    visit(this.root)
    return found.sort()
  }

  read(path: string): Uint8Array {
    return this.fileAt(path).stored()
  }

  damage(path: string, position: number, bytes: Uint8Array): void {
    this.fileAt(path).damage(position, bytes)
    this.noteFault(position)
    this.kernel.digest.addBytes(bytes, 0, bytes.length)
  }

  spoil(path: string): void {
    this.fileAt(path).isUnreadable = true
    this.noteFault(4)
    this.kernel.digest.addText(path)
  }

  /** @throws DiskError ENOSPC when there is no room for more */
  requireRoom(path: string): void {
    if (this.isFull) throw new DiskError('ENOSPC', path)
  }

  noteWrite(buffer: Uint8Array, start: number, end: number): void {
    const { digest } = this.kernel
    if (start < end && digest.isFlipped('disk')) buffer[start] = buffer[start]! ^ 1
    digest.event(DigestKind.Write, start, this.machineIndex)
    digest.addBytes(buffer, start, end)
  }

  noteTruncate(size: number): void {
    this.kernel.digest.event(DigestKind.Truncate, size, this.machineIndex)
  }

  /** The power went off: every file and directory keeps a prefix of its unsynced operations. */
  crash(): void {
    this.crashes++
    const directories: SimDirectory[] = []
    this.crashWithin(this.root, directories)
    for (const directory of directories) this.crashNames(directory)
  }

  private crashWithin(directory: SimDirectory, directories: SimDirectory[]): void {
    if (directory.operations.length > 0) directories.push(directory)
    for (const entry of directory.entries.values()) {
      if (entry instanceof SimDirectory) this.crashWithin(entry, directories)
      else if (entry.unsyncedOperations > 0) this.crashFile(entry)
    }
  }

  private crashFile(file: SimFile): void {
    const { path, units, size } = file
    const kept = this.kept(path, units, drawn => this.isTorn(path) ? drawn : file.wholeOperations(drawn))
    if (kept < units) {
      const operationsDropped = file.rollBack(kept)
      this.observeLoss(path, Math.max(0, size - file.size), operationsDropped)
    }
    file.markAllSynced()
  }

  private crashNames(directory: SimDirectory): void {
    const path = `${directory.path}/`
    const count = directory.operations.length
    const kept = this.kept(path, count, drawn => drawn)
    if (kept < count) for (const operation of directory.rollBack(kept)) this.observeLoss(operation.path, 0, 1)
    directory.markSynced(directory.position)
  }

  /** How many of `units` survive: listed or drawn; a quarter of the draws keeps all, a quarter nothing. */
  private kept(path: string, units: number, cut: (drawn: number) => number): number {
    const { kernel } = this
    const { choices } = kernel
    const key = `lossy:${this.host}:${path}:${this.crashes}`
    let kept: number
    if (choices.isExplicit) kept = Math.min(units, choices.explicitValue(key) ?? units)
    else {
      const draw = draw32(this.key, 'lossy', path, this.crashes)
      const quarter = draw & 3
      kept = quarter === 0 ? units : quarter === 1 ? 0 : cut(below(draw, units + 1))
    }
    if (kept < units) kernel.fire(key, kept)
    return kept
  }

  private isTorn(path: string): boolean {
    const { model } = this.kernel.choices
    return model.mode === 'drawn' && draw32(this.key, 'torn', path, this.crashes) < model.tornWrite * 0x100000000
  }

  private observeLoss(path: string, bytesDropped: number, operationsDropped: number): void {
    const { kernel } = this
    kernel.digest.add(bytesDropped)
    kernel.observe({ kind: 'machine-crash-loss', path, bytesDropped, operationsDropped }, this.host, -1)
  }

  private logName(directory: SimDirectory, path: string, created: SimDirectory | undefined, undo: () => void): void {
    directory.log(path, created, undo)
    this.kernel.digest.event(DigestKind.Name, this.kernel.now, this.machineIndex)
    this.kernel.digest.addText(path)
  }

  private noteFault(detail: number): void {
    this.kernel.digest.event(DigestKind.DiskFault, this.kernel.now, this.machineIndex)
    this.kernel.digest.add(detail)
  }

  private fileAt(path: string): SimFile {
    const entry = this.find(path)
    invariant(entry instanceof SimFile, `no such file: ${path}`)
    return entry
  }

  private find(path: string): Entry | undefined {
    let entry: Entry | undefined = this.root
    if (path === '') return entry
    for (const name of path.split('/')) {
      if (!(entry instanceof SimDirectory)) return undefined
      entry = entry.entries.get(name)
    }
    return entry
  }

  /** The directory of a path, made if need be, and the name in it. */
  private place(path: string): { directory: SimDirectory; name: string } {
    const names = path.split('/')
    const name = names.pop()!
    let directory = this.root
    for (const part of names) {
      const above = directory
      const next = above.entries.get(part)
      invariant(!(next instanceof SimFile), `${part} in ${path} is a file`)
      if (next !== undefined) {
        directory = next
        continue
      }
      directory = new SimDirectory(above, part)
      above.put(part, directory)
      this.logName(above, directory.path, directory, () => above.put(part, undefined))
    }
    return { directory, name }
  }
}
