/**
 * What a log remembers of one producer: its epoch and its last five batches, against which retries are recognised
 * (Kafka's ProducerStateEntry), and the first offset of its open transaction.
 */
import { decrementSequence } from '../protocol/records/record-batch.ts'

/** Batches remembered per producer: as many as a producer may have in flight on a connection. */
export const RING_SIZE = 5

export const NO_EPOCH = -1
export const NO_OFFSET = -1

export interface RememberedBatch {
  readonly lastSequence: number
  readonly lastOffset: number
  /** lastOffset - first offset, and lastSequence - first sequence. */
  readonly offsetDelta: number
  readonly timestamp: number
}

/** The fields of a batch that concern its producer. */
export interface ProducerBatch {
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly lastSequence: number
  readonly baseOffset: number
  readonly lastOffset: number
  readonly maxTimestamp: number
  readonly isTransactional: boolean
}

export class ProducerEntry {
  readonly producerId: number
  epoch = NO_EPOCH
  coordinatorEpoch = -1
  lastTimestamp = -1
  currentTxnFirstOffset = NO_OFFSET
  /** Oldest first, at most the ring's size. */
  batches: RememberedBatch[] = []
  /** Older batches of this epoch may have been forgotten because a snapshot did not keep them. */
  isShortened = false

  constructor(producerId: number) {
    this.producerId = producerId
  }

  get lastSequence(): number {
    return this.batches.at(-1)?.lastSequence ?? -1
  }

  get firstSequence(): number {
    const first = this.batches[0]
    return first === undefined ? -1 : decrementSequence(first.lastSequence, first.offsetDelta)
  }

  /** The remembered batch of the same epoch with exactly these sequences: the new one is a retry of it. */
  findDuplicate(batch: ProducerBatch): RememberedBatch | undefined {
    if (batch.producerEpoch !== this.epoch) return undefined
    return this.batches.find(known =>
      known.lastSequence === batch.lastSequence && decrementSequence(known.lastSequence, known.offsetDelta) === batch.baseSequence)
  }

  /** A new epoch starts with no batches. */
  moveToEpoch(epoch: number): void {
    if (epoch === this.epoch) return
    this.epoch = epoch
    this.batches = []
    this.isShortened = false
  }

  remember(batch: RememberedBatch, ringSize: number): void {
    while (this.batches.length >= ringSize) this.batches.shift()
    this.batches.push(batch)
    if (this.batches.length === ringSize) this.isShortened = false
  }
}
