/**
 * Control records of the metadata log and its snapshots, several to a batch (org.apache.kafka.common.record.
 * ControlRecordUtils, MemoryRecordsBuilder#appendVotersMessage and its sisters): what raft itself writes, beside the
 * records of the controller.
 */
import { decodeMessage, type Draft, encodeMessage } from '../codec.ts'
import type { KRaftVersionRecord, LeaderChangeMessage, SnapshotFooterRecord, SnapshotHeaderRecord, VotersRecord } from '../generated/types.ts'
import { ControlType } from './control-records.ts'
import { buildBatch, isControlOf, readRecords } from './record-batch.ts'

export type RaftControlRecord =
  | { readonly type: 'leader-change'; readonly message: Draft<LeaderChangeMessage> }
  | { readonly type: 'snapshot-header'; readonly message: Draft<SnapshotHeaderRecord> }
  | { readonly type: 'snapshot-footer'; readonly message: Draft<SnapshotFooterRecord> }
  | { readonly type: 'kraft-version'; readonly message: Draft<KRaftVersionRecord> }
  | { readonly type: 'voters'; readonly message: Draft<VotersRecord> }

/** Kafka 4.3.1 writes version 0 of each. */
const SCHEMAS: Readonly<Record<RaftControlRecord['type'], readonly [control: number, message: string]>> = {
  'leader-change': [ControlType.LEADER_CHANGE, 'LeaderChangeMessage'],
  'snapshot-header': [ControlType.SNAPSHOT_HEADER, 'SnapshotHeaderRecord'],
  'snapshot-footer': [ControlType.SNAPSHOT_FOOTER, 'SnapshotFooterRecord'],
  'kraft-version': [ControlType.KRAFT_VERSION, 'KRaftVersionRecord'],
  voters: [ControlType.KRAFT_VOTERS, 'VotersRecord'],
}
const BY_CONTROL = new Map(Object.entries(SCHEMAS).map(([type, [control, name]]) => [control, [type as RaftControlRecord['type'], name] as const]))

export function buildRaftControlBatch(o: {
  readonly timestamp: number; readonly baseOffset: number; readonly leaderEpoch: number; readonly records: readonly RaftControlRecord[]
}): Uint8Array {
  return buildBatch({
    isControl: true,
    baseOffset: o.baseOffset,
    partitionLeaderEpoch: o.leaderEpoch,
    records: o.records.map(({ type, message }) => {
      const [control, name] = SCHEMAS[type]
      return { timestamp: o.timestamp, key: Uint8Array.of(0, 0, 0, control), value: encodeMessage(name, 0, message) }
    }),
  })
}

/** The control records of the batch at `p`, with their offsets; none for a batch of data. */
export function readRaftControls(b: Uint8Array, p: number): readonly (RaftControlRecord & { readonly offset: number })[] {
  if (!isControlOf(b, p)) return []
  const found: (RaftControlRecord & { readonly offset: number })[] = []
  for (const { key, value, offset } of readRecords(b, p)) {
    const known = key === null || key.length < 4 ? undefined : BY_CONTROL.get((key[2]! << 8) | key[3]!)
    if (known !== undefined && value !== null) found.push({ type: known[0], message: decodeMessage(known[1], 0, value), offset } as RaftControlRecord & { readonly offset: number })
  }
  return found
}
