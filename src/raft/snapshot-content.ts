/**
 * What a metadata snapshot holds (KIP-630, org.apache.kafka.snapshot.RecordsSnapshotWriter): a header, the voters if they
 * are recorded at all, the state as records, a footer; batches as in a log, with offsets of their own from 0 on.
 *
 * A snapshot is used only whole: every batch must be intact, the header first and the footer last.
 */
import { invariant } from '../base/assert.ts'
import type { Millis } from '../base/time.ts'
import { decodeMetadataRecord, encodeMetadataRecord, type MetadataRecord } from '../protocol/metadata-records.ts'
import { buildRaftControlBatch, type RaftControlRecord, readRaftControls } from '../protocol/records/raft-control-records.ts'
import { batchPositions, batchSizeOf, buildBatch, isControlOf, isValidBatch, readRecords, stampOffsets } from '../protocol/records/record-batch.ts'
import type { VoterSet } from './voter-set.ts'

/** A snapshot of everything before `endOffset`; `epoch` is that of the last record in it. */
export interface SnapshotId {
  readonly endOffset: number
  readonly epoch: number
}

/** The one that a cluster is formatted with: voters and nothing else (KIP-853). Never fetched. */
export const BOOTSTRAP_SNAPSHOT: SnapshotId = { endOffset: 0, epoch: 0 }

const RECORDS_PER_BATCH = 32

export interface SnapshotContent {
  /** Append time of the last record that it covers, by its leader's clock. */
  readonly lastContainedLogTimestamp: Millis
  readonly quorum: { readonly kraftVersion: number; readonly voters: VoterSet } | undefined
  readonly records: readonly MetadataRecord[]
}

/** Batches in order; the data is the same whoever writes it. */
export function encodeSnapshot(id: SnapshotId, content: SnapshotContent): Uint8Array[] {
  const { lastContainedLogTimestamp: timestamp, quorum, records } = content
  const batches: Uint8Array[] = []
  let baseOffset = 0
  const control = (...written: RaftControlRecord[]): void => {
    batches.push(buildRaftControlBatch({ timestamp, baseOffset, leaderEpoch: id.epoch, records: written }))
    baseOffset += written.length
  }
  control(
    { type: 'snapshot-header', message: { version: 0, lastContainedLogTimestamp: timestamp } },
    ...(quorum === undefined ? [] : [
      { type: 'kraft-version', message: { version: 0, kRaftVersion: quorum.kraftVersion } } as const,
      { type: 'voters', message: quorum.voters.toRecord() } as const,
    ]),
  )
  for (let from = 0; from < records.length; from += RECORDS_PER_BATCH) {
    const chunk = records.slice(from, from + RECORDS_PER_BATCH)
    const batch = buildBatch({ records: chunk.map(record => ({ timestamp, key: null, value: encodeMetadataRecord(record) })) })
    stampOffsets(batch, 0, baseOffset, id.epoch)
    batches.push(batch)
    baseOffset += chunk.length
  }
  control({ type: 'snapshot-footer', message: { version: 0 } })
  return batches
}

/** Throws InvariantError when the bytes are not a whole, intact snapshot. */
export function controlsOfSnapshot(bytes: Uint8Array): readonly RaftControlRecord[] {
  const positions = batchPositions(bytes)
  const last = positions.at(-1)
  invariant(last !== undefined && last + batchSizeOf(bytes, last) === bytes.length, 'a metadata snapshot ends in the middle of a batch')
  for (const at of positions) invariant(isValidBatch(bytes, at), 'a batch of a metadata snapshot is corrupt')
  const controls = positions.flatMap(at => readRaftControls(bytes, at))
  invariant(controls[0]?.type === 'snapshot-header', 'a metadata snapshot begins with its header')
  invariant(controls.at(-1)?.type === 'snapshot-footer', 'a metadata snapshot ends with its footer')
  return controls
}

export function lastContainedLogTimestamp(bytes: Uint8Array): Millis {
  const first = readRaftControls(bytes, 0)[0]
  return first?.type === 'snapshot-header' ? first.message.lastContainedLogTimestamp ?? -1 : -1
}

/** The state as records. */
export function recordsOfSnapshot(bytes: Uint8Array): MetadataRecord[] {
  const records: MetadataRecord[] = []
  for (const at of batchPositions(bytes)) {
    if (isControlOf(bytes, at)) continue
    for (const { value } of readRecords(bytes, at)) records.push(decodeMetadataRecord(value ?? new Uint8Array(0)))
  }
  return records
}
