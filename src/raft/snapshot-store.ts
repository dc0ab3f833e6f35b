/**
 * The snapshots of the metadata log on disk (org.apache.kafka.snapshot.Snapshots, FileRawSnapshotWriter, and the part of
 * KafkaMetadataLog that keeps them): `ENDOFFSET-EPOCH.checkpoint` beside the segments.
 *
 * A snapshot is written to a temporary file and appears under its name only when it is complete and durable (frozen,
 * KAFKA-15312). What a crash leaves half written is removed at the next start, so a download begins anew. One that is no
 * longer needed is renamed at once and removed later, for somebody may be reading it.
 */
import { invariant } from '../base/assert.ts'
import type { Task } from '../base/task.ts'
import { type Millis, msToUs } from '../base/time.ts'
import type { File } from '../env/disk.ts'
import type { Env } from '../env/env.ts'
import { offsetFileName } from '../storage/file-names.ts'
import type { SnapshotId } from './snapshot-content.ts'

const SUFFIX = '.checkpoint'
const PARTIAL_SUFFIX = `${SUFFIX}.part`
const DELETED_SUFFIX = `${SUFFIX}.deleted`
const EPOCH_DIGITS = 10

export function isSameSnapshot(a: SnapshotId | undefined, b: SnapshotId | undefined): boolean {
  return a?.endOffset === b?.endOffset && a?.epoch === b?.epoch
}

function nameOf({ endOffset, epoch }: SnapshotId): string {
  return offsetFileName(endOffset, `-${String(epoch).padStart(EPOCH_DIGITS, '0')}`)
}

function parseName(name: string): SnapshotId | undefined {
  const match = /^(\d{20})-(\d{10})\.checkpoint$/.exec(name)
  return match === null ? undefined : { endOffset: Number(match[1]), epoch: Number(match[2]) }
}

/** A snapshot in the making. */
export class SnapshotWriter {
  readonly id: SnapshotId
  private readonly env: Env
  private readonly path: string
  private readonly file: File
  private readonly onFrozen: (id: SnapshotId) => void
  private readonly directory: string

  constructor(env: Env, directory: string, id: SnapshotId, serial: number, onFrozen: (id: SnapshotId) => void) {
    this.env = env
    this.directory = directory
    this.id = id
    this.onFrozen = onFrozen
    this.path = `${directory}/${nameOf(id)}-${env.incarnation}-${serial}${PARTIAL_SUFFIX}`
    this.file = env.disk.open(this.path)
  }

  get size(): number {
    return this.file.size
  }

  append(bytes: Uint8Array): void {
    this.file.append(bytes)
  }

  /** Complete: makes it durable and gives it its name. */
  *freeze(): Task<void> {
    const { disk, defects } = this.env
    if (!defects.has('KAFKA-15312')) yield* this.file.fsync()
    disk.rename(this.path, `${this.directory}/${nameOf(this.id)}${SUFFIX}`)
    yield* disk.syncDirectory(this.directory)
    this.onFrozen(this.id)
  }

  abandon(): void {
    this.env.disk.remove(this.path)
  }
}

export class SnapshotStore {
  private readonly env: Env
  private readonly directory: string
  private readonly deleteDelayMs: Millis
  private ids: SnapshotId[] = []
  private writers = 0

  /** Finds what is there and removes what is half written, given up, or lies before the log. */
  constructor(env: Env, directory: string, o: { readonly logStartOffset: number; readonly deleteDelayMs: Millis }) {
    this.env = env
    this.directory = directory
    this.deleteDelayMs = o.deleteDelayMs
    for (const name of env.disk.list(directory)) {
      const id = parseName(name)
      if (id !== undefined && id.endOffset >= o.logStartOffset) this.ids.push(id)
      else if (id !== undefined || name.endsWith(PARTIAL_SUFFIX) || name.endsWith(DELETED_SUFFIX)) env.disk.remove(`${directory}/${name}`)
    }
    this.sort()
    invariant(o.logStartOffset === 0 || this.ids.length > 0, `the metadata log starts at ${o.logStartOffset}, but no snapshot covers what lies before`)
  }

  /** In order. */
  get all(): readonly SnapshotId[] {
    return this.ids
  }

  get latest(): SnapshotId | undefined {
    return this.ids.at(-1)
  }

  get earliest(): SnapshotId | undefined {
    return this.ids[0]
  }

  has(id: SnapshotId): boolean {
    return this.ids.some(known => isSameSnapshot(known, id))
  }

  /** The file's content; undefined when there is no such snapshot (any more). */
  read(id: SnapshotId): Uint8Array | undefined {
    if (!this.has(id)) return undefined
    const file = this.env.disk.open(`${this.directory}/${nameOf(id)}${SUFFIX}`)
    return file.read(0, file.size)
  }

  sizeOf(id: SnapshotId): number {
    return this.env.disk.open(`${this.directory}/${nameOf(id)}${SUFFIX}`).size
  }

  /** undefined: it exists already. */
  create(id: SnapshotId): SnapshotWriter | undefined {
    if (this.has(id)) return undefined
    return new SnapshotWriter(this.env, this.directory, id, this.writers++, frozen => {
      if (this.has(frozen)) return
      this.ids.push(frozen)
      this.sort()
    })
  }

  /** Gives up all that are older; returns how many. */
  forgetBefore(id: SnapshotId): number {
    const old = this.ids.filter(known => compare(known, id) < 0)
    this.ids = this.ids.filter(known => compare(known, id) >= 0)
    const { disk } = this.env
    for (const known of old) {
      const path = `${this.directory}/${nameOf(known)}`
      disk.rename(path + SUFFIX, path + DELETED_SUFFIX)
      this.env.timer(msToUs(this.deleteDelayMs), () => disk.remove(path + DELETED_SUFFIX))
    }
    return old.length
  }

  private sort(): void {
    this.ids.sort(compare)
  }
}

/** By epoch first, as Kafka's OffsetAndEpoch compares. */
function compare(a: SnapshotId, b: SnapshotId): number {
  return a.epoch - b.epoch || a.endOffset - b.endOffset
}
