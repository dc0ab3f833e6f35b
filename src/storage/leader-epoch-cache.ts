/**
 * Which leader epoch wrote which offsets: (epoch, first offset) pairs, strictly increasing in both (KIP-101, KIP-279,
 * Kafka's LeaderEpochFileCache). Kept in `leader-epoch-checkpoint`, rewritten on every change; see CheckpointFile for
 * when it is durable.
 *
 * Entries come from appended batches and from becoming leader, so the newest may start at the log end and own no batch.
 */
import type { Task } from '../base/task.ts'
import { invariant } from '../base/assert.ts'
import type { Env } from '../env/env.ts'
import { CheckpointFile } from './checkpoint-file.ts'
import { LEADER_EPOCH_CHECKPOINT } from './file-names.ts'

export interface EpochEntry {
  readonly epoch: number
  readonly startOffset: number
}

export interface EpochAndOffset {
  readonly epoch: number
  readonly endOffset: number
}

export class LeaderEpochCache {
  private readonly file: CheckpointFile
  private list: EpochEntry[] = []

  constructor(env: Env, directory: string) {
    this.file = new CheckpointFile(env, directory, LEADER_EPOCH_CHECKPOINT)
    for (const line of this.file.read() ?? []) {
      const [epoch, startOffset] = line.split(' ')
      this.insert({ epoch: Number(epoch), startOffset: Number(startOffset) })
    }
  }

  get entries(): readonly EpochEntry[] {
    return this.list
  }

  get latest(): EpochEntry | undefined {
    return this.list.at(-1)
  }

  /** Records that `epoch` starts at `startOffset`; entries that contradict it go. No-op when the epoch is the newest. */
  assign(epoch: number, startOffset: number): void {
    invariant(epoch >= 0 && startOffset >= 0, `leader epoch ${epoch} at offset ${startOffset}`)
    if (this.insert({ epoch, startOffset })) this.write()
  }

  /** Forgets what starts at or beyond `endOffset`. */
  truncateFromEnd(endOffset: number): void {
    let length = this.list.length
    while (length > 0 && this.list[length - 1]!.startOffset >= endOffset) length--
    if (length === this.list.length) return
    this.list.length = length
    this.write()
  }

  /** Moves the start of the epoch that contains `startOffset` up to it and forgets the older ones. */
  truncateFromStart(startOffset: number): void {
    let covered = 0
    while (covered < this.list.length && this.list[covered]!.startOffset <= startOffset) covered++
    if (covered === 0 || (covered === 1 && this.list[0]!.startOffset === startOffset)) return
    const { epoch } = this.list[covered - 1]!
    this.list.splice(0, covered, { epoch, startOffset })
    this.write()
  }

  clear(): void {
    if (this.list.length === 0) return
    this.list = []
    this.write()
  }

  /**
   * Where `epoch` ends: the newest epoch at the log end; one without own entry is answered by the next lower with the
   * start of the next higher; below the first with the first's start; above the newest with undefined.
   */
  endOffsetFor(epoch: number, logEndOffset: number): EpochAndOffset | undefined {
    const newest = this.latest
    if (newest === undefined || epoch < 0 || epoch > newest.epoch) return undefined
    if (epoch === newest.epoch) return { epoch, endOffset: logEndOffset }
    let higher = this.list.length - 1
    while (higher > 0 && this.list[higher - 1]!.epoch > epoch) higher--
    const floor = this.list[higher - 1]
    return { epoch: floor === undefined ? epoch : floor.epoch, endOffset: this.list[higher]!.startOffset }
  }

  /** The epoch whose range contains `offset`; undefined below the first entry. */
  epochAt(offset: number): number | undefined {
    for (let i = this.list.length - 1; i >= 0; i--) {
      const entry = this.list[i]!
      if (entry.startOffset <= offset) return entry.epoch
    }
    return undefined
  }

  flush(): Task<void> {
    return this.file.flush()
  }

  /** See CheckpointFile. */
  abandon(): void {
    this.file.abandon()
  }

  private insert(entry: EpochEntry): boolean {
    const newest = this.latest
    if (newest !== undefined && newest.epoch === entry.epoch && entry.startOffset >= newest.startOffset) return false
    while (this.list.length > 0) {
      const last = this.list.at(-1)!
      if (last.epoch < entry.epoch && last.startOffset < entry.startOffset) break
      this.list.pop()
    }
    this.list.push(entry)
    return true
  }

  private write(): void {
    this.file.write(this.list.map(entry => `${entry.epoch} ${entry.startOffset}`))
  }
}
