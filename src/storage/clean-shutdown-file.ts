/**
 * `.kafka_cleanshutdown`: the last thing that a clean shutdown writes, with the broker epoch that ended (KIP-966, Kafka's
 * CleanShutdownFileHandler). Its presence lets the next start skip recovery; the epoch lets the controller see that no
 * other life came between.
 */
import type { Task } from '../base/task.ts'
import type { Env } from '../env/env.ts'
import { CLEAN_SHUTDOWN_FILE } from './file-names.ts'

export class CleanShutdownFile {
  private readonly env: Env
  private readonly directory: string
  private readonly path: string

  constructor(env: Env, directory: string) {
    this.env = env
    this.directory = directory
    this.path = `${directory}/${CLEAN_SHUTDOWN_FILE}`
  }

  /** The broker epoch; -1 when the file cannot be read; undefined when there is none. */
  read(): number | undefined {
    if (!this.env.disk.exists(this.path)) return undefined
    const file = this.env.disk.open(this.path)
    const match = /"brokerEpoch":(-?\d+)/.exec(new TextDecoder().decode(file.read(0, file.size)))
    return match === null ? -1 : Number(match[1])
  }

  *write(brokerEpoch: number): Task<void> {
    const { disk } = this.env
    const file = disk.open(`${this.path}.tmp`)
    file.truncate(0)
    file.append(new TextEncoder().encode(JSON.stringify({ version: 0, brokerEpoch })))
    yield* file.fsync()
    disk.rename(`${this.path}.tmp`, this.path)
    yield* disk.syncDirectory(this.directory)
  }

  /** Not durably: as it was before KAFKA-10471, once everything had been loaded. */
  forget(): void {
    this.env.disk.remove(this.path)
  }

  /**
   * Durably: if a machine crash brought the file back, a torn log would pass for a clean one. Unlike Kafka, which leaves that
   * to the journal of its file system.
   */
  *remove(): Task<void> {
    this.env.disk.remove(this.path)
    yield* this.env.disk.syncDirectory(this.directory)
  }
}
