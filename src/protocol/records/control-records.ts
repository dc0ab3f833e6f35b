/**
 * Control batches: one record whose key is (version i16, type i16) (org.apache.kafka.common.record.ControlRecordType).
 */
import { encodeMessage } from '../codec.ts'
import type { EndTxnMarker, LeaderChangeMessage } from '../generated/types.ts'
import type { Draft } from '../codec.ts'
import { buildBatch, HEADER_SIZE, isControlOf, readRecords } from './record-batch.ts'

export const ControlType = { ABORT: 0, COMMIT: 1, LEADER_CHANGE: 2, SNAPSHOT_HEADER: 3, SNAPSHOT_FOOTER: 4, KRAFT_VERSION: 5, KRAFT_VOTERS: 6 } as const
export type ControlType = (typeof ControlType)[keyof typeof ControlType]

interface ControlBatchInput {
  readonly type: ControlType
  readonly value: Uint8Array
  readonly timestamp: number
  readonly baseOffset?: number
  readonly leaderEpoch?: number
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly isTransactional?: boolean
}

export function buildControlBatch(input: ControlBatchInput): Uint8Array {
  return buildBatch({
    isControl: true,
    baseOffset: input.baseOffset ?? 0,
    partitionLeaderEpoch: input.leaderEpoch ?? -1,
    producerId: input.producerId ?? -1,
    producerEpoch: input.producerEpoch ?? -1,
    isTransactional: input.isTransactional ?? false,
    records: [{ timestamp: input.timestamp, key: Uint8Array.of(0, 0, 0, input.type), value: input.value }],
  })
}

/** The first record of a raft leader's epoch (KIP-595). Kafka 4.3.1 writes version 0 (ControlRecordUtils). */
export function buildLeaderChange(o: { readonly timestamp: number; readonly baseOffset: number; readonly leaderEpoch: number; readonly message: Draft<LeaderChangeMessage> }): Uint8Array {
  return buildControlBatch({ type: ControlType.LEADER_CHANGE, value: encodeMessage('LeaderChangeMessage', 0, o.message as object), timestamp: o.timestamp, baseOffset: o.baseOffset, leaderEpoch: o.leaderEpoch })
}

export function buildEndTxnMarker(o: {
  readonly commit: boolean; readonly timestamp: number; readonly producerId: number; readonly producerEpoch: number; readonly coordinatorEpoch: number
}): Uint8Array {
  const marker: Draft<EndTxnMarker> = { coordinatorEpoch: o.coordinatorEpoch }
  const value = encodeMessage('EndTxnMarker', 0, marker)
  const versioned = new Uint8Array(value.length + 2)
  versioned.set(value, 2)
  return buildControlBatch({
    type: o.commit ? ControlType.COMMIT : ControlType.ABORT, value: versioned, timestamp: o.timestamp, producerId: o.producerId, producerEpoch: o.producerEpoch, isTransactional: true,
  })
}

/** The type of the control batch at `p`, or undefined when it is no control batch. */
export function controlTypeOf(b: Uint8Array, p: number): number | undefined {
  if (!isControlOf(b, p) || b.length < p + HEADER_SIZE) return undefined
  const key = readRecords(b, p)[0]?.key
  return key === null || key === undefined || key.length < 4 ? undefined : (key[2]! << 8) | key[3]!
}

/** The coordinator epoch of an end-transaction marker. */
export function markerCoordinatorEpoch(b: Uint8Array, p: number): number {
  const value = readRecords(b, p)[0]?.value
  if (value === null || value === undefined || value.length < 6) return -1
  return new DataView(value.buffer, value.byteOffset).getInt32(2)
}
