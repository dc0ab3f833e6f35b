/**
 * The durable part of a raft role: epoch, leader and vote, in the file `quorum-state` (JSON, as Kafka's
 * FileQuorumStateStore writes it). Written to a temporary file, synced, renamed, and the directory synced, before
 * anything that depends on it is answered.
 */
import { invariant } from '../base/assert.ts'
import type { Task } from '../base/task.ts'
import type { Env } from '../env/env.ts'
import { ZERO_UUID } from '../protocol/uuid.ts'

export interface ElectionState {
  readonly epoch: number
  /** -1: unknown. */
  readonly leaderId: number
  /** -1: no vote in this epoch. */
  readonly votedId: number
  readonly votedDirectoryId: string
}

export const NO_ELECTION: ElectionState = { epoch: 0, leaderId: -1, votedId: -1, votedDirectoryId: ZERO_UUID }

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export class QuorumStateStore {
  private readonly env: Env
  private readonly directory: string
  private written: ElectionState | undefined = undefined

  constructor(env: Env, directory: string) {
    this.env = env
    this.directory = directory
  }

  read(): ElectionState | undefined {
    const path = `${this.directory}/quorum-state`
    const { disk } = this.env
    if (!disk.exists(path)) return undefined
    const file = disk.open(path)
    const stored = JSON.parse(decoder.decode(file.read(0, file.size))) as { leaderEpoch: number; leaderId: number; votedId: number; votedDirectoryId: string }
    this.written = { epoch: stored.leaderEpoch, leaderId: stored.leaderId, votedId: stored.votedId, votedDirectoryId: stored.votedDirectoryId }
    return this.written
  }

  *write(state: ElectionState): Task<void> {
    const before = this.written
    if (before !== undefined && before.epoch === state.epoch && before.leaderId === state.leaderId && before.votedId === state.votedId && before.votedDirectoryId === state.votedDirectoryId) return
    invariant(before === undefined || state.epoch >= before.epoch, 'a voter\'s epoch never goes back on disk')
    const { disk } = this.env
    const temporary = `${this.directory}/quorum-state.tmp`
    disk.remove(temporary)
    const file = disk.open(temporary)
    file.append(encoder.encode(JSON.stringify({ leaderId: state.leaderId, leaderEpoch: state.epoch, votedId: state.votedId, votedDirectoryId: state.votedDirectoryId, data_version: 1 })))
    yield* file.fsync()
    disk.rename(temporary, `${this.directory}/quorum-state`)
    yield* disk.syncDirectory(this.directory)
    this.written = state
  }
}
