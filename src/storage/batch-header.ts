/**
 * What a log needs to know of a batch, read once when the batch is appended or replayed. Scans for a position read single
 * fields in place instead (see the readers of src/protocol/records).
 */
import type { BatchSummary } from '../env/observation.ts'
import { ControlType, controlTypeOf, markerCoordinatorEpoch } from '../protocol/records/control-records.ts'
import {
  attributesOf, baseOffsetOf, baseSequenceOf, batchSizeOf, crcOf, isControlOf, isTransactionalOf, lastOffsetOf,
  lastSequenceOf, leaderEpochOf, magicOf, maxTimestampOf, producerEpochOf, producerIdOf, recordCountOf,
} from '../protocol/records/record-batch.ts'
import type { EndMarker } from './producer-append.ts'
import type { ProducerBatch } from './producer-entry.ts'

export const NO_PRODUCER_ID = -1

export interface BatchHeader extends ProducerBatch {
  readonly position: number
  readonly sizeInBytes: number
  readonly leaderEpoch: number
  readonly magic: number
  readonly crc: number
  readonly attributes: number
  readonly recordCount: number
  readonly isControl: boolean
}

/** The header of a whole batch. */
export function readBatchHeader(bytes: Uint8Array, at: number): BatchHeader {
  return {
    position: at,
    sizeInBytes: batchSizeOf(bytes, at),
    baseOffset: baseOffsetOf(bytes, at),
    lastOffset: lastOffsetOf(bytes, at),
    leaderEpoch: leaderEpochOf(bytes, at),
    magic: magicOf(bytes, at),
    crc: crcOf(bytes, at),
    attributes: attributesOf(bytes, at),
    maxTimestamp: maxTimestampOf(bytes, at),
    producerId: producerIdOf(bytes, at),
    producerEpoch: producerEpochOf(bytes, at),
    baseSequence: baseSequenceOf(bytes, at),
    lastSequence: lastSequenceOf(bytes, at),
    recordCount: recordCountOf(bytes, at),
    isTransactional: isTransactionalOf(bytes, at),
    isControl: isControlOf(bytes, at),
  }
}

/** The end-of-transaction marker in a control batch; undefined for control records of other kinds. */
export function endMarkerOf(bytes: Uint8Array, header: BatchHeader): EndMarker | undefined {
  const type = controlTypeOf(bytes, header.position)
  if (type !== ControlType.ABORT && type !== ControlType.COMMIT) return undefined
  return {
    isAbort: type === ControlType.ABORT,
    coordinatorEpoch: markerCoordinatorEpoch(bytes, header.position),
    timestamp: header.maxTimestamp,
  }
}

export function summaryOf(header: BatchHeader): BatchSummary {
  return {
    baseOffset: header.baseOffset,
    lastOffset: header.lastOffset,
    leaderEpoch: header.leaderEpoch,
    crc: header.crc,
    producerId: header.producerId,
    producerEpoch: header.producerEpoch,
    baseSequence: header.baseSequence,
    lastSequence: header.lastSequence,
    isControl: header.isControl,
    recordCount: header.recordCount,
    maxTimestamp: header.maxTimestamp,
    sizeInBytes: header.sizeInBytes,
  }
}
