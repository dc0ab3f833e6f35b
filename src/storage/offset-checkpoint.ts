/**
 * Offsets by topic and partition in one file of the log directory (Kafka's OffsetCheckpointFile): high watermarks,
 * recovery points, log starts. Keyed by topic *name*: an entry may outlive its topic, so a deletion rewrites the file.
 */
import type { Task } from '../base/task.ts'
import type { Env } from '../env/env.ts'
import { CheckpointFile } from './checkpoint-file.ts'

export class OffsetCheckpoint {
  private readonly file: CheckpointFile

  constructor(env: Env, directory: string, name: string) {
    this.file = new CheckpointFile(env, directory, name)
  }

  /** Offsets by `topic-partition`; empty when there is no intact file. */
  read(): Map<string, number> {
    const offsets = new Map<string, number>()
    for (const line of this.file.read() ?? []) {
      const [topic, partition, offset] = line.split(' ')
      offsets.set(`${topic}-${partition}`, Number(offset))
    }
    return offsets
  }

  write(entries: Iterable<{ readonly topic: string; readonly partition: number; readonly offset: number }>): void {
    const lines: string[] = []
    for (const { topic, partition, offset } of entries) lines.push(`${topic} ${partition} ${offset}`)
    this.file.write(lines)
  }

  flush(): Task<void> {
    return this.file.flush()
  }
}
