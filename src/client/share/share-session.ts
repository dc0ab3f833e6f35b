/**
 * What a share consumer keeps of one broker (ShareSessionHandler): its session there, which partitions that reads, and the
 * acknowledgements that are still to be sent. Requests carry only changes; the epoch of each says that none was missed.
 *
 * What was acquired in a session is lost with it, so a new one cannot acknowledge anything.
 */
import { partitionName } from '../../base/partition-name.ts'
import { ACKNOWLEDGE_TYPE } from './share-record.ts'
import type { Acknowledgement } from './share-record.ts'

export interface SharedPartition {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
}

export type PendingAcknowledgements = Map<number, Acknowledgement | 'gap'>

export interface SentAcknowledgements {
  readonly of: SharedPartition
  readonly types: PendingAcknowledgements
}

interface PartitionInRequest {
  readonly partitionIndex: number
  readonly acknowledgementBatches: readonly { readonly firstOffset: number; readonly lastOffset: number; readonly acknowledgeTypes: readonly number[] }[]
}

export interface SessionRequest {
  readonly shareSessionEpoch: number
  readonly topics: readonly { readonly topicId: string; readonly partitions: readonly PartitionInRequest[] }[]
  readonly forgottenTopicsData: readonly { readonly topicId: string; readonly partitions: readonly number[] }[]
  readonly sent: readonly SentAcknowledgements[]
}

const FINAL_EPOCH = -1
const LAST_EPOCH = 0x7fffffff

export class ShareSession {
  isInFlight = false
  private epoch = 0
  /** Partitions that the broker's session has. */
  private known = new Map<string, SharedPartition>()
  private readonly pending = new Map<string, SentAcknowledgements>()

  get isOpen(): boolean {
    return this.epoch > 0
  }

  get hasPending(): boolean {
    return this.pending.size > 0
  }

  acknowledge(of: SharedPartition, offset: number, type: Acknowledgement | 'gap'): void {
    const key = partitionName(of.topicId, of.partition)
    const known = this.pending.get(key)
    if (known === undefined) this.pending.set(key, { of, types: new Map([[offset, type]]) })
    else known.types.set(offset, type)
  }

  /** `wanted`: what the session is to read; undefined: as it does. */
  request(wanted: readonly SharedPartition[] | undefined, isFinal = false): SessionRequest {
    const sent = [...this.pending.values()]
    this.pending.clear()
    const byTopic = new Map<string, PartitionInRequest[]>()
    const put = (topicId: string, one: PartitionInRequest): void => {
      const partitions = byTopic.get(topicId)
      if (partitions === undefined) byTopic.set(topicId, [one])
      else partitions.push(one)
    }
    for (const { of, types } of sent) put(of.topicId, { partitionIndex: of.partition, acknowledgementBatches: batchesOf(types) })
    const forgotten: SharedPartition[] = []
    if (wanted !== undefined) {
      const next = new Map(wanted.map(one => [partitionName(one.topicId, one.partition), one]))
      const acknowledged = new Set(sent.map(({ of }) => partitionName(of.topicId, of.partition)))
      for (const [key, one] of next) if (!this.known.has(key) && !acknowledged.has(key)) put(one.topicId, { partitionIndex: one.partition, acknowledgementBatches: [] })
      for (const [key, one] of this.known) if (!next.has(key)) forgotten.push(one)
      this.known = next
    }
    return {
      shareSessionEpoch: isFinal ? FINAL_EPOCH : this.epoch, sent,
      topics: [...byTopic].map(([topicId, partitions]) => ({ topicId, partitions })),
      forgottenTopicsData: forgotten.map(({ topicId, partition }) => ({ topicId, partitions: [partition] })),
    }
  }

  accepted(): void {
    this.epoch = this.epoch === LAST_EPOCH ? 1 : this.epoch + 1
  }

  /** The next request begins a new one. Returns what can no longer be acknowledged. */
  lose(): SentAcknowledgements[] {
    this.epoch = 0
    this.known = new Map()
    const lost = [...this.pending.values()]
    this.pending.clear()
    return lost
  }
}

function batchesOf(types: PendingAcknowledgements): PartitionInRequest['acknowledgementBatches'] {
  const batches: { firstOffset: number; lastOffset: number; acknowledgeTypes: number[] }[] = []
  for (const [offset, type] of [...types].sort(([a], [b]) => a - b)) {
    const last = batches.at(-1)
    if (last !== undefined && last.lastOffset + 1 === offset) {
      last.lastOffset = offset
      last.acknowledgeTypes.push(ACKNOWLEDGE_TYPE[type])
    } else batches.push({ firstOffset: offset, lastOffset: offset, acknowledgeTypes: [ACKNOWLEDGE_TYPE[type]] })
  }
  return batches
}
