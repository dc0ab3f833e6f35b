/**
 * Brings ISR changes to the controller (Kafka: AlterPartitionManager). One AlterPartition request is in flight per broker
 * and carries every change that waits; a partition has at most one change here, and a second is refused with
 * OPERATION_NOT_ATTEMPTED. Requests are repeated until answered: only metadata can overtake them.
 */
import type { Task } from '../base/task.ts'
import { msToUs } from '../base/time.ts'
import type { Env } from '../env/env.ts'
import { ApiKey } from '../protocol/api-keys.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { AlterPartitionRequestTopicData, AlterPartitionResponse, AlterPartitionResponsePartitionData } from '../protocol/generated/types.ts'
import type { Draft } from '../protocol/codec.ts'
import type { ControllerChannel } from './controller-channel.ts'
import type { IsrMember } from './isr-state.ts'
import { partitionName } from '../base/partition-name.ts'

const RETRY_MS = 50

export interface IsrChange {
  readonly topicId: string
  readonly partition: number
  readonly leaderEpoch: number
  readonly partitionEpoch: number
  readonly isr: readonly IsrMember[]
}

export type IsrChangeReply =
  | { readonly ok: true; readonly partition: AlterPartitionResponsePartitionData }
  | { readonly ok: false; readonly errorCode: number }

interface Unsent {
  readonly change: IsrChange
  readonly onReply: (reply: IsrChangeReply) => void
}

export class AlterPartitionSender {
  private readonly env: Env
  private readonly brokerId: number
  private readonly brokerEpoch: () => number
  private readonly channel: Pick<ControllerChannel, 'send'>
  /** By partition key; an entry stays until its answer has arrived. */
  private readonly unsent = new Map<string, Unsent>()
  private isInFlight = false

  constructor(env: Env, o: { brokerId: number; brokerEpoch: () => number; channel: Pick<ControllerChannel, 'send'> }) {
    this.env = env
    this.brokerId = o.brokerId
    this.brokerEpoch = o.brokerEpoch
    this.channel = o.channel
  }

  submit(change: IsrChange, onReply: (reply: IsrChangeReply) => void): void {
    const key = partitionName(change.topicId, change.partition)
    if (this.unsent.has(key)) {
      onReply({ ok: false, errorCode: ErrorCode.OPERATION_NOT_ATTEMPTED })
      return
    }
    this.unsent.set(key, { change, onReply })
    this.propagate()
  }

  private propagate(): void {
    if (this.isInFlight || this.unsent.size === 0) return
    this.isInFlight = true
    this.env.spawn('alter-partition', this.sendAll())
  }

  private *sendAll(): Task<void> {
    const sent = [...this.unsent.values()]
    const reply = yield* this.channel.send(ApiKey.AlterPartition, {
      brokerId: this.brokerId,
      brokerEpoch: this.brokerEpoch(),
      topics: topicsOf(sent),
    }).wait()
    const errorCode = reply.ok ? this.handleResponse(sent, reply.body as AlterPartitionResponse) : ErrorCode.UNSUPPORTED_VERSION
    this.isInFlight = false
    if (errorCode === ErrorCode.NONE) this.propagate()
    else this.env.timer(msToUs(RETRY_MS), () => this.propagate())
  }

  private handleResponse(sent: readonly Unsent[], response: AlterPartitionResponse): number {
    if (response.errorCode !== ErrorCode.NONE) return response.errorCode
    const replies = new Map<string, AlterPartitionResponsePartitionData>()
    for (const topic of response.topics) {
      for (const partition of topic.partitions) replies.set(partitionName(topic.topicId, partition.partitionIndex), partition)
    }
    for (const { change, onReply } of sent) {
      const key = partitionName(change.topicId, change.partition)
      const partition = replies.get(key)
      if (partition === undefined) continue
      // First, so that the reply may lead to a new change of this partition.
      this.unsent.delete(key)
      onReply(partition.errorCode === ErrorCode.NONE ? { ok: true, partition } : { ok: false, errorCode: partition.errorCode })
    }
    return ErrorCode.NONE
  }
}

function topicsOf(sent: readonly Unsent[]): Draft<AlterPartitionRequestTopicData>[] {
  const topics = new Map<string, IsrChange[]>()
  for (const { change } of sent) {
    const changes = topics.get(change.topicId)
    if (changes === undefined) topics.set(change.topicId, [change])
    else changes.push(change)
  }
  return [...topics].map(([topicId, changes]) => ({
    topicId,
    partitions: changes.map(change => ({
      partitionIndex: change.partition,
      leaderEpoch: change.leaderEpoch,
      partitionEpoch: change.partitionEpoch,
      newIsr: change.isr.map(member => member.brokerId),
      newIsrWithEpochs: change.isr,
      // A leader elected while RECOVERING counts as recovered at once; this is how the controller learns it.
      leaderRecoveryState: 0,
    })),
  }))
}
