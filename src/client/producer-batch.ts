/**
 * A batch that is being filled, waits, is on the wire or waits for its retry (ProducerBatch and MemoryRecordsBuilder).
 *
 * Invariant: once bytes were handed to the network they are never written again; new producer state makes new bytes
 * (KAFKA-19012 is what happens otherwise).
 *
 * What Kafka does not keep and the checkers need: whether the batch may already be in a log. `mayBeWritten` is set when an
 * attempt ends in anything but a refusal before the append; an error after that is never definite.
 */
import { ZERO_UUID } from '../protocol/uuid.ts'
import { Future } from '../base/task.ts'
import type { Micros } from '../base/time.ts'
import { HEADER_SIZE, buildBatch, recordSize } from '../protocol/records/record-batch.ts'
import type { RecordInput } from '../protocol/records/record-batch.ts'
import { CompressionRatio } from './compression-ratio.ts'
import type { SendResult } from './send-result.ts'

const UNCOMPRESSED = new CompressionRatio('none')

/**
 * The most that a batch of this one record can take: its size with the longest varints for length, timestamp and offset
 * (AbstractRecords#estimateSizeInBytesUpperBound, which is up to two bytes less for long records).
 */
export function upperBoundSize(record: RecordInput): number {
  return HEADER_SIZE + recordSize(record, 0, 0) + 17
}

export class ProducerBatch {
  readonly topic: string
  readonly partition: number
  readonly createdAt: Micros
  readonly records: RecordInput[] = []
  readonly futures: Future<SendResult>[] = []
  /** Bytes of the buffer pool that it holds until it is done; 0 for parts of a split batch. */
  readonly reservedBytes: number
  /** Completes when every record's result is known; for flush. */
  readonly done = new Future<void>()
  isClosed = false

  attempts = 0
  lastAttemptAt: Micros
  /** Re-enqueued at least once (ProducerBatch#inRetry). */
  inRetry = false
  /** Handed to the network and not answered yet. */
  onTheWire = false
  mayBeWritten = false
  /** Given up instead of renumbered (mend KAFKA-14034); a late answer means nothing any more. */
  isAbandoned = false

  producerId = -1
  producerEpoch = -1
  baseSequence = -1
  isTransactional = false
  /** New producer state since it was last drained (ProducerBatch#sequenceHasBeenReset). */
  sequenceHasBeenReset = false

  private readonly writeLimit: number
  private readonly ratio: CompressionRatio
  private readonly ratioFactor: number
  /** Size of the records, uncompressed. */
  private recordBytes = 0
  private bytes: Uint8Array | undefined = undefined
  private leaderEpoch = -1
  private attemptsWhenLeaderChanged = 0

  constructor(topic: string, partition: number, createdAt: Micros, writeLimit: number, reservedBytes: number, ratio = UNCOMPRESSED) {
    this.topic = topic
    this.partition = partition
    this.createdAt = createdAt
    this.lastAttemptAt = createdAt
    this.writeLimit = writeLimit
    this.reservedBytes = reservedBytes
    this.ratio = ratio
    this.ratioFactor = ratio.factor(topic)
  }

  /** Of a closed batch what it takes, of another what it probably will (MemoryRecordsBuilder#estimatedSizeInBytes). */
  get sizeInBytes(): number {
    return this.bytes?.length ?? HEADER_SIZE + Math.trunc(this.recordBytes * this.ratioFactor)
  }

  get recordCount(): number {
    return this.records.length
  }

  get hasSequence(): boolean {
    return this.baseSequence !== -1
  }

  get lastSequence(): number {
    return this.baseSequence + this.recordCount - 1
  }

  get isDone(): boolean {
    return this.done.isSettled
  }

  get isFull(): boolean {
    return this.isClosed || (this.records.length > 0 && this.sizeInBytes >= this.writeLimit)
  }

  /** False when there is no room; the first record always fits. */
  tryAppend(record: RecordInput, future: Future<SendResult>): boolean {
    if (this.isClosed) return false
    const first = this.records[0]
    const size = recordSize(record, first === undefined ? 0 : record.timestamp - first.timestamp, this.records.length)
    if (first !== undefined && this.sizeInBytes + size > this.writeLimit) return false
    this.records.push(record)
    this.futures.push(future)
    this.recordBytes += size
    return true
  }

  setProducerState(producerId: number, producerEpoch: number, baseSequence: number): void {
    this.producerId = producerId
    this.producerEpoch = producerEpoch
    this.baseSequence = baseSequence
    this.bytes = undefined
  }

  resetProducerState(producerId: number, producerEpoch: number, baseSequence: number): void {
    this.setProducerState(producerId, producerEpoch, baseSequence)
    this.sequenceHasBeenReset = true
  }

  /** Takes no more records; the bytes to send. */
  close(): Uint8Array {
    this.isClosed = true
    this.sequenceHasBeenReset = false
    if (this.bytes === undefined) {
      this.bytes = buildBatch({
        producerId: this.producerId,
        producerEpoch: this.producerEpoch,
        baseSequence: this.baseSequence,
        isTransactional: this.isTransactional,
        compression: this.ratio.type,
        records: this.records,
      })
      this.ratio.observe(this.topic, this.compressionRatio)
    }
    return this.bytes
  }

  /** Of a closed batch: what its records take, as a share of their size. */
  private get compressionRatio(): number {
    return (this.sizeInBytes - HEADER_SIZE) / this.recordBytes
  }

  reenqueued(now: Micros): void {
    this.attempts++
    this.lastAttemptAt = now
    this.inRetry = true
  }

  /** Remembers at which attempt a newer leader became known: a retry to a new leader does not back off (KIP-951). */
  observeLeaderEpoch(leaderEpoch: number): void {
    if (leaderEpoch <= this.leaderEpoch) return
    this.leaderEpoch = leaderEpoch
    this.attemptsWhenLeaderChanged = this.attempts
  }

  get leaderChangedForThisRetry(): boolean {
    return this.attempts >= 1 && this.attempts === this.attemptsWhenLeaderChanged
  }

  /**
   * Divides a batch that was refused as too large; parts keep the creation time and continue the sequence.
   *
   * Unlike Kafka, a batch that already fits in `batchSize` is halved: the Java client would send the same batch again
   * until it expires.
   */
  split(batchSize: number): ProducerBatch[] {
    const limit = Math.min(batchSize, Math.ceil(this.sizeInBytes / 2))
    this.ratio.reset(this.topic, this.compressionRatio)
    const parts: ProducerBatch[] = []
    let part: ProducerBatch | undefined
    for (const [index, record] of this.records.entries()) {
      const future = this.futures[index]!
      if (part === undefined || !part.tryAppend(record, future)) {
        part = new ProducerBatch(this.topic, this.partition, this.createdAt, limit, 0, this.ratio)
        part.mayBeWritten = this.mayBeWritten
        part.tryAppend(record, future)
        parts.push(part)
      }
    }
    let sequence = this.baseSequence
    for (const each of parts) {
      each.isClosed = true
      each.isTransactional = this.isTransactional
      if (this.hasSequence) each.setProducerState(this.producerId, this.producerEpoch, sequence)
      sequence += each.recordCount
    }
    this.done.complete()
    return parts
  }

  /** Tells every sender; false when they know already. `baseOffset` is -1 when the offset is not known. */
  succeed(baseOffset: number, logAppendTime: number, topicId: string = ZERO_UUID): boolean {
    if (this.isDone) return false
    const { topic, partition } = this
    for (const [index, future] of this.futures.entries()) {
      const timestamp = logAppendTime === -1 ? this.records[index]!.timestamp : logAppendTime
      future.complete({ ok: true, topic, topicId, partition, offset: baseOffset < 0 ? -1 : baseOffset + index, timestamp })
    }
    return this.done.complete()
  }

  /** Tells every sender; false when they know already. Definite only if no attempt can have reached a log. */
  fail(error: string): boolean {
    if (this.isDone) return false
    const definite = !this.mayBeWritten && !this.onTheWire
    const result: SendResult = { ok: false, topic: this.topic, partition: this.partition, error, definite }
    for (const future of this.futures) future.complete(result)
    return this.done.complete()
  }
}
