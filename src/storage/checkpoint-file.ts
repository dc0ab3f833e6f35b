/**
 * A small text file that is replaced as a whole: Kafka's CheckpointFile (version, count, one line an entry), and by the
 * same means partition.metadata.
 *
 * Kafka writes `name.tmp`, fsyncs it and renames it while the caller waits. Here `write` is synchronous, because appends
 * are: the temporary file is complete in the page cache when `write` returns, and a task fsyncs and renames it.
 * Therefore reading prefers an intact temporary file: it is newer than the file it was to replace, and a process crash
 * between the two steps loses nothing, as in Kafka. After a machine crash it may be torn, which its count and final
 * newline give away; then the old file counts, which was durable before it was replaced.
 */
import { Future } from '../base/task.ts'
import type { Task } from '../base/task.ts'
import type { Env } from '../env/env.ts'

const VERSION = 0

export class CheckpointFile {
  private readonly env: Env
  private readonly directory: string
  private readonly path: string
  /** Number of `write`s so far, and of those that are durable. */
  private written = 0
  private durable = 0
  private flushing: Future<void> | undefined = undefined
  private abandoned = false

  constructor(env: Env, directory: string, name: string) {
    this.env = env
    this.directory = directory
    this.path = `${directory}/${name}`
  }

  /** The entries of the newest intact version; undefined when there is none. */
  read(): string[] | undefined {
    return this.readIntact(`${this.path}.tmp`) ?? this.readIntact(this.path)
  }

  write(lines: readonly string[]): void {
    if (this.abandoned) return
    const text = `${VERSION}\n${lines.length}\n${lines.map(line => `${line}\n`).join('')}`
    const file = this.env.disk.open(`${this.path}.tmp`)
    file.truncate(0)
    file.append(new TextEncoder().encode(text))
    this.written++
    if (this.flushing === undefined) {
      this.flushing = new Future<void>()
      this.env.spawn('checkpoint-flush', this.replace())
    }
  }

  /** Waits until everything written so far is durable. */
  *flush(): Task<void> {
    if (this.flushing !== undefined) yield* this.flushing.wait()
  }

  /** The directory is about to go away (or to be renamed): leaves its files alone from now on. */
  abandon(): void {
    this.abandoned = true
  }

  private *replace(): Task<void> {
    const { disk } = this.env
    const temporary = `${this.path}.tmp`
    while (this.durable < this.written && !this.abandoned) {
      const version = this.written
      yield* disk.open(temporary).fsync()
      if (this.written !== version || this.abandoned) continue
      disk.rename(temporary, this.path)
      yield* disk.syncDirectory(this.directory)
      this.durable = version
    }
    const flushing = this.flushing
    this.flushing = undefined
    flushing?.complete()
  }

  private readIntact(path: string): string[] | undefined {
    const { disk } = this.env
    if (!disk.exists(path)) return undefined
    const file = disk.open(path)
    const lines = new TextDecoder().decode(file.read(0, file.size)).split('\n')
    if (lines.length < 3 || lines.at(-1) !== '' || lines[0] !== String(VERSION)) return undefined
    const entries = lines.slice(2, -1)
    return entries.length === Number(lines[1]) ? entries : undefined
  }
}
