/** What an answer to a share fetch or an acknowledgement says of one partition (ShareCompletedFetch). */
import { partitionName } from '../../base/partition-name.ts'
import { ErrorCode, errorName } from '../../protocol/errors.ts'
import type { FetchResponsePartitionData, ShareFetchResponsePartitionData } from '../../protocol/generated/types.ts'
import { CompletedFetch, CorruptBatchError } from '../completed-fetch.ts'
import type { ConsumerRecord } from '../completed-fetch.ts'
import type { Acknowledgement, AcknowledgeOutcome, ShareRecord } from './share-record.ts'
import type { SentAcknowledgements, SharedPartition } from './share-session.ts'

export interface Fetched {
  readonly records: readonly ShareRecord[]
  /** Acquired offsets without a record. */
  readonly gaps: readonly number[]
  /** Acquired, and from here on in batches that cannot be read. */
  readonly unreadable: readonly { readonly firstOffset: number; readonly lastOffset: number }[]
}

const ALL = Number.MAX_SAFE_INTEGER

/** The records that were acquired; the answer brings whole batches, in which there are others. */
export function recordsOf({ topic, topicId, partition }: SharedPartition, data: ShareFetchResponsePartitionData, nodeId: number, o: { readonly checkCrcs: boolean; readonly askedInPoll: number }): Fetched {
  const first = data.acquiredRecords[0]!.firstOffset
  const fetch = new CompletedFetch(topic, topicId, partitionName(topic, partition), { partitionIndex: partition, records: data.records, abortedTransactions: null } as unknown as FetchResponsePartitionData, first, nodeId, { checkCrcs: o.checkCrcs, readCommitted: false })
  const read = new Map<number, ConsumerRecord>()
  let brokenAt = ALL
  try {
    for (;;) {
      const taken = fetch.take(ALL)
      if (taken.length === 0) break
      for (const record of taken) read.set(record.offset, record)
    }
  } catch (error) {
    if (!(error instanceof CorruptBatchError)) throw error
    brokenAt = fetch.nextFetchOffset
  }
  const records: ShareRecord[] = []
  const gaps: number[] = []
  const unreadable: { firstOffset: number; lastOffset: number }[] = []
  for (const { firstOffset, lastOffset, deliveryCount } of data.acquiredRecords) {
    for (let offset = firstOffset; offset <= lastOffset && offset < brokenAt; offset++) {
      const record = read.get(offset)
      if (record === undefined) gaps.push(offset)
      else records.push({ ...record, deliveryCount, askedInPoll: o.askedInPoll })
    }
    if (lastOffset >= brokenAt) unreadable.push({ firstOffset: Math.max(firstOffset, brokenAt), lastOffset })
  }
  return { records, gaps, unreadable }
}

/** For the application, which knows nothing of gaps; none when there was nothing else. */
export function outcomesOf({ of: { topic, partition }, types }: SentAcknowledgements, errorCode: number): AcknowledgeOutcome[] {
  const acknowledged = [...types].filter((one): one is [number, Acknowledgement] => one[1] !== 'gap')
  if (acknowledged.length === 0) return []
  return [{ topic, partition, acknowledged, error: errorCode === ErrorCode.NONE ? undefined : errorName(errorCode), definite: errorCode === ErrorCode.INVALID_RECORD_STATE || errorCode === ErrorCode.INVALID_REQUEST }]
}
