/**
 * One partition's data of a fetch response, handed out record by record (CompletedFetch).
 *
 * Skips what lies before the fetch offset, control records, and under read_committed the batches of aborted
 * transactions; `nextFetchOffset` moves over everything skipped, also over the gap at the end of a thinned batch.
 */
import type { FetchResponsePartitionData } from '../protocol/generated/types.ts'
import { ControlType, controlTypeOf } from '../protocol/records/control-records.ts'
import {
  batchSizeOf, isControlOf, isTransactionalOf, isValidBatch, isWholeBatchAt, lastOffsetOf, leaderEpochOf, nextOffsetOf, producerIdOf, readRecords,
} from '../protocol/records/record-batch.ts'
import { DecodeError } from '../protocol/wire.ts'

export interface ConsumerRecord {
  readonly topic: string
  /** Which topic of that name; the zero id when the answer told none. */
  readonly topicId: string
  readonly partition: number
  readonly offset: number
  readonly leaderEpoch: number
  /** Milliseconds. */
  readonly timestamp: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: readonly { readonly key: string; readonly value: Uint8Array | null }[]
}

export interface ReadOptions {
  readonly checkCrcs: boolean
  readonly readCommitted: boolean
}

/** A batch whose CRC does not match or whose records cannot be read. The position stays where it is: only a seek gets past it. */
export class CorruptBatchError extends Error {
  override readonly name = 'CorruptBatchError'
}

const EMPTY = new Uint8Array(0)

export class CompletedFetch {
  readonly key: string
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  readonly data: FetchResponsePartitionData
  readonly fetchOffset: number
  /** Broker that answered. */
  readonly nodeId: number
  nextFetchOffset: number
  /** Leader epoch of the last batch looked at; -1 before the first. */
  lastEpoch = -1
  isConsumed = false
  isInitialized = false

  private readonly options: ReadOptions
  private readonly bytes: Uint8Array
  /** Aborted transactions by first offset, and how many of them have begun. */
  private readonly aborted: readonly { readonly producerId: number; readonly firstOffset: number }[]
  private abortedBegun = 0
  private readonly abortedProducers = new Set<number>()
  private nextBatch = 0
  private currentBatch = -1
  private records: ReturnType<typeof readRecords> = []
  private nextRecord = 0
  private pendingError: CorruptBatchError | undefined = undefined

  constructor(topic: string, topicId: string, key: string, data: FetchResponsePartitionData, fetchOffset: number, nodeId: number, options: ReadOptions) {
    this.topic = topic
    this.topicId = topicId
    this.key = key
    this.partition = data.partitionIndex
    this.data = data
    this.fetchOffset = fetchOffset
    this.nextFetchOffset = fetchOffset
    this.nodeId = nodeId
    this.options = options
    this.bytes = data.records ?? EMPTY
    this.aborted = [...(data.abortedTransactions ?? [])].sort((a, b) => a.firstOffset - b.firstOffset)
  }

  drain(): void {
    this.isConsumed = true
    this.records = []
  }

  /** At most `max` records. @throws CorruptBatchError when the next one cannot be had */
  take(max: number): ConsumerRecord[] {
    const taken: ConsumerRecord[] = []
    if (this.isConsumed) return taken
    try {
      if (this.pendingError !== undefined) throw this.pendingError
      while (taken.length < max) {
        const record = this.next()
        if (record === undefined) break
        this.nextFetchOffset = record.offset + 1
        const { offset, timestamp, key, value, headers } = record
        taken.push({ topic: this.topic, topicId: this.topicId, partition: this.partition, offset, leaderEpoch: this.lastEpoch, timestamp, key, value, headers })
      }
    } catch (error) {
      // Unlike the CRC this is always checked: what cannot be read is no record (CompletedFetch#fetchRecords).
      if (error instanceof DecodeError) this.pendingError = new CorruptBatchError(`batch of ${this.key} at ${this.nextFetchOffset}: ${error.message}`)
      else if (error instanceof CorruptBatchError) this.pendingError = error
      else throw error
      if (taken.length === 0) throw this.pendingError
    }
    return taken
  }

  private next(): ReturnType<typeof readRecords>[number] | undefined {
    const { bytes, options } = this
    for (;;) {
      while (this.nextRecord < this.records.length) {
        const record = this.records[this.nextRecord++]!
        if (record.offset < this.nextFetchOffset) continue
        if (!isControlOf(bytes, this.currentBatch)) return record
        this.nextFetchOffset = record.offset + 1
      }
      if (!isWholeBatchAt(bytes, this.nextBatch)) {
        if (this.currentBatch >= 0) this.nextFetchOffset = nextOffsetOf(bytes, this.currentBatch)
        this.drain()
        return undefined
      }
      const batch = this.nextBatch
      this.lastEpoch = leaderEpochOf(bytes, batch)
      if (options.checkCrcs && !isValidBatch(bytes, batch)) throw new CorruptBatchError(`batch of ${this.key} at ${this.nextFetchOffset} fails its CRC`)
      this.currentBatch = batch
      this.nextBatch += batchSizeOf(bytes, batch)
      if (options.readCommitted && this.isAborted(batch)) {
        this.nextFetchOffset = nextOffsetOf(bytes, batch)
        continue
      }
      this.records = readRecords(bytes, batch)
      this.nextRecord = 0
    }
  }

  private isAborted(batch: number): boolean {
    const { bytes, aborted } = this
    const producerId = producerIdOf(bytes, batch)
    if (producerId < 0) return false
    const lastOffset = lastOffsetOf(bytes, batch)
    while (this.abortedBegun < aborted.length && aborted[this.abortedBegun]!.firstOffset <= lastOffset) {
      this.abortedProducers.add(aborted[this.abortedBegun++]!.producerId)
    }
    if (isControlOf(bytes, batch)) {
      if (controlTypeOf(bytes, batch) === ControlType.ABORT) this.abortedProducers.delete(producerId)
      return false
    }
    return isTransactionalOf(bytes, batch) && this.abortedProducers.has(producerId)
  }
}
