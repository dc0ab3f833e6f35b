/** State logs in memory: the test says when the high watermark moves, what is refused and who leads. */
import { Future } from '../../src/base/task.ts'
import type { StateAppend, StateLog, StateLogs } from '../../src/coordinator/state-logs.ts'
import { ApiError } from '../../src/protocol/api-error.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import type { AppendProof } from '../../src/storage/verification.ts'
import { nextOffsetOf, stampOffsets } from '../../src/protocol/records/record-batch.ts'

interface MemoryLog {
  readonly batches: Uint8Array[]
  leaderEpoch: number
  end: number
  highWatermark: number
  isLed: boolean
  refusal: number
  waiting: { readonly offset: number; readonly leaderEpoch: number; readonly settled: Future<number> }[]
}

export class MemoryStateLogs implements StateLogs {
  /** Every append is committed at once. */
  commitsAtOnce = true
  /** How each batch was appended. */
  readonly appends: { readonly proof: AppendProof | undefined; readonly acks: number }[] = []
  private readonly logs = new Map<number, MemoryLog>()

  log(partition: number): MemoryLog {
    let log = this.logs.get(partition)
    if (log === undefined) this.logs.set(partition, (log = { batches: [], leaderEpoch: 1, end: 0, highWatermark: 0, isLed: true, refusal: ErrorCode.NONE, waiting: [] }))
    return log
  }

  /** Moves the high watermark of a partition and tells who waits; default: to its end. */
  commit(partition: number, offset: number = this.log(partition).end): void {
    const log = this.log(partition)
    log.highWatermark = offset
    this.tell(log)
  }

  /** Another broker leads, after the high watermark: what lies above it is gone. */
  loseLeadership(partition: number): void {
    const log = this.log(partition)
    log.isLed = false
    this.tell(log)
  }

  /** This broker leads again, in a new epoch, with only what was committed. */
  lead(partition: number): number {
    const log = this.log(partition)
    while (log.batches.length > 0 && nextOffsetOf(log.batches.at(-1)!, 0) > log.highWatermark) log.batches.pop()
    log.end = log.highWatermark
    log.isLed = true
    return ++log.leaderEpoch
  }

  leading(_topic: string, partition: number): StateLog | undefined {
    const log = this.log(partition)
    if (!log.isLed) return undefined
    return {
      leaderEpoch: log.leaderEpoch, logStartOffset: 0, logEndOffset: log.end, highWatermark: log.highWatermark,
      read: (start, _maxBytes, end) => concat(log.batches.filter(batch => nextOffsetOf(batch, 0) > start && nextOffsetOf(batch, 0) <= end)),
    }
  }

  append(_topic: string, partition: number, batch: Uint8Array, proof?: AppendProof, acks: 1 | -1 = -1): StateAppend {
    const log = this.log(partition)
    if (!log.isLed) throw new ApiError(ErrorCode.NOT_LEADER_OR_FOLLOWER)
    if (log.refusal !== ErrorCode.NONE) throw new ApiError(log.refusal)
    this.appends.push({ proof, acks })
    const copy = batch.slice()
    stampOffsets(copy, 0, log.end, log.leaderEpoch)
    const firstOffset = log.end
    log.batches.push(copy)
    log.end = nextOffsetOf(copy, 0)
    if (this.commitsAtOnce) this.commit(partition)
    return { firstOffset, lastOffset: log.end - 1 }
  }

  awaitHighWatermark(_topic: string, partition: number, offset: number, leaderEpoch: number): Future<number> {
    const log = this.log(partition)
    const settled = new Future<number>()
    log.waiting.push({ offset, leaderEpoch, settled })
    this.tell(log)
    return settled
  }

  awaitAcknowledgement(topic: string, partition: number, offset: number): Future<number> {
    return this.awaitHighWatermark(topic, partition, offset, this.log(partition).leaderEpoch)
  }

  private tell(log: MemoryLog): void {
    const settled: (() => void)[] = []
    log.waiting = log.waiting.filter(one => {
      const code = !log.isLed || log.leaderEpoch !== one.leaderEpoch ? ErrorCode.NOT_COORDINATOR : log.highWatermark > one.offset ? ErrorCode.NONE : undefined
      if (code !== undefined) settled.push(() => one.settled.complete(code))
      return code === undefined
    })
    for (const settle of settled) settle()
  }
}

function concat(batches: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(batches.reduce((sum, batch) => sum + batch.length, 0))
  let at = 0
  for (const batch of batches) {
    bytes.set(batch, at)
    at += batch.length
  }
  return bytes
}
