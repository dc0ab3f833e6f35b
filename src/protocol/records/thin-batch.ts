/**
 * A batch with some of its records, as the log cleaner writes it (MemoryRecords#filterTo): base offset, last offset, base
 * sequence, producer, epoch and codec stay, so that offsets and what a replay tells of the producer do not change.
 */
import { COMPRESSION_TYPES } from '../../base/compression-type.ts'
import {
  baseOffsetOf, baseSequenceOf, buildBatch, compressionOf, isControlOf, isTransactionalOf, lastOffsetDeltaOf, leaderEpochOf, type LogRecord,
  maxTimestampOf, producerEpochOf, producerIdOf, timestampTypeOf,
} from './record-batch.ts'

/** `records`: those that are kept, of that batch; none leaves its header alone. */
export function thinBatch(b: Uint8Array, p: number, records: readonly LogRecord[], deleteHorizon: number | undefined): Uint8Array {
  const baseOffset = baseOffsetOf(b, p)
  return buildBatch({
    baseOffset,
    partitionLeaderEpoch: leaderEpochOf(b, p),
    timestampType: timestampTypeOf(b, p),
    isTransactional: isTransactionalOf(b, p),
    isControl: isControlOf(b, p),
    producerId: producerIdOf(b, p),
    producerEpoch: producerEpochOf(b, p),
    baseSequence: baseSequenceOf(b, p),
    compression: records.length === 0 ? 'none' : COMPRESSION_TYPES[compressionOf(b, p)] ?? 'none',
    records,
    thinned: {
      offsetDeltas: records.map(({ offset }) => offset - baseOffset),
      lastOffsetDelta: lastOffsetDeltaOf(b, p),
      deleteHorizon: records.length === 0 ? undefined : deleteHorizon,
      maxTimestamp: maxTimestampOf(b, p),
    },
  })
}
