/** What a share consumer is handed and what it says of it (KIP-932). */
import type { ConsumerRecord } from '../completed-fetch.ts'
import type { TopicPartition } from '../topic-partition.ts'

export type Acknowledgement = 'accept' | 'release' | 'reject'

export interface ShareRecord extends ConsumerRecord {
  /** 1 the first time. */
  readonly deliveryCount: number
  /** Which poll of the consumer, from 1 on, asked for it; later ones may hand it out. */
  readonly askedInPoll: number
}

/** What became of acknowledgements of one partition that were sent together. */
export interface AcknowledgeOutcome extends TopicPartition {
  readonly acknowledged: readonly (readonly [offset: number, type: Acknowledgement])[]
  /** undefined: they count. */
  readonly error: string | undefined
  /** With an error: they certainly do not count. */
  readonly definite: boolean
}

/** Records that could not be read and were given back. */
export interface UnreadableRange extends TopicPartition {
  readonly firstOffset: number
  readonly lastOffset: number
}

export interface SharePollResult {
  readonly records: readonly ShareRecord[]
  readonly unreadable: readonly UnreadableRange[]
  /** Never together with records. */
  readonly error?: string
}

/** Values in requests. */
export const ACKNOWLEDGE_TYPE: Readonly<Record<Acknowledgement | 'gap', number>> = { gap: 0, accept: 1, release: 2, reject: 3 }
