/**
 * The coordinators' state logs over this broker's replicas (ReplicaManager#appendRecords with origin COORDINATOR, and
 * CoordinatorPartitionWriter). Appending wakes followers as a produce request does.
 */
import { Future } from '../base/task.ts'
import type { Millis } from '../base/time.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { AppendProof } from '../storage/verification.ts'
import type { StateAppend, StateLog, StateLogs } from '../coordinator/state-logs.ts'
import { DelayedProduce, pendingAppend } from './delayed-produce.ts'
import type { Partition } from './partition.ts'
import type { Purgatory } from './purgatory.ts'
import type { Replicas } from './replicas.ts'

export interface StateLogsHost {
  readonly replicas: Pick<Replicas, 'requireNamed'>
  readonly delayedProduce: Purgatory
  readonly delayedFetch: Purgatory
}

class LedLog implements StateLog {
  readonly leaderEpoch: number
  private readonly log: Partition['log']

  constructor({ leaderEpoch, log }: Partition) {
    this.leaderEpoch = leaderEpoch
    this.log = log
  }

  get logStartOffset(): number {
    return this.log.logStartOffset
  }

  get logEndOffset(): number {
    return this.log.logEndOffset
  }

  get highWatermark(): number {
    return this.log.highWatermark
  }

  read(startOffset: number, maxBytes: number, endOffset: number, minOneMessage: boolean): Uint8Array {
    return this.log.read(startOffset, maxBytes, endOffset, minOneMessage)
  }
}

export class ReplicaStateLogs implements StateLogs {
  private readonly host: StateLogsHost

  constructor(host: StateLogsHost) {
    this.host = host
  }

  leading(topic: string, partition: number): StateLog | undefined {
    const led = this.find(topic, partition)
    return led === undefined ? undefined : new LedLog(led)
  }

  append(topic: string, partition: number, batch: Uint8Array, proof?: AppendProof, acks: 1 | -1 = -1): StateAppend {
    const led = this.host.replicas.requireNamed(topic, partition)
    const { info, highWatermarkAdvanced } = led.appendAsLeader(batch, acks, 'coordinator', proof)
    if (highWatermarkAdvanced) this.host.delayedProduce.checkAndComplete(led.key)
    this.host.delayedFetch.checkAndComplete(led.key)
    return { firstOffset: info.firstOffset, lastOffset: info.lastOffset }
  }

  awaitHighWatermark(topic: string, partition: number, offset: number, leaderEpoch: number, timeoutMs: Millis): Future<number> {
    return this.await(topic, partition, offset, timeoutMs, () => {
      const led = this.find(topic, partition)
      if (led === undefined || led.leaderEpoch !== leaderEpoch) return ErrorCode.NOT_COORDINATOR
      return led.log.highWatermark > offset ? ErrorCode.NONE : undefined
    })
  }

  awaitAcknowledgement(topic: string, partition: number, offset: number, timeoutMs: Millis): Future<number> {
    return this.await(topic, partition, offset, timeoutMs, () => {
      const led = this.find(topic, partition)
      return led === undefined ? ErrorCode.NOT_LEADER_OR_FOLLOWER : led.acknowledgement(offset + 1)
    })
  }

  private await(topic: string, partition: number, offset: number, timeoutMs: Millis, check: () => number | undefined): Future<number> {
    const settled = new Future<number>()
    const pending = pendingAppend(offset + 1, check)
    const key = this.find(topic, partition)?.key
    const operation = new DelayedProduce([pending], () => settled.complete(pending.errorCode))
    this.host.delayedProduce.completeElseWatch(operation, key === undefined ? [] : [key], timeoutMs)
    return settled
  }

  private find(topic: string, partition: number): Partition | undefined {
    try {
      const found = this.host.replicas.requireNamed(topic, partition)
      return found.isLeader && !found.isClosed ? found : undefined
    } catch {
      return undefined
    }
  }
}
