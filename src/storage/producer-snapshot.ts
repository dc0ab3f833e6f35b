/**
 * Producer snapshot files (`<offset>.snapshot`, Kafka's ProducerSnapshot version 1): the state of every producer just
 * before an offset, with a CRC-32C over the entries.
 *
 * Known behaviour: only the *last* batch of a producer is kept, so what is loaded recognises retries of that batch only.
 * The mend `KAFKA-5494-snapshot` writes version 2, ours alone, with the other remembered batches behind each entry.
 */
import { crc32c } from '../base/crc32c.ts'
import { NO_OFFSET, ProducerEntry } from './producer-entry.ts'

const HEADER_SIZE = 10 // version, crc, number of entries
const CRC_OFFSET = 2
const BODY_OFFSET = 6
const ENTRY_SIZE = 46
const BATCH_SIZE = 24

export function encodeSnapshot(entries: ReadonlyMap<number, ProducerEntry>, allBatches: boolean): Uint8Array {
  let size = HEADER_SIZE + entries.size * ENTRY_SIZE
  if (allBatches) for (const entry of entries.values()) size += 1 + Math.max(0, entry.batches.length - 1) * BATCH_SIZE
  const bytes = new Uint8Array(size)
  const view = new DataView(bytes.buffer)
  view.setInt16(0, allBatches ? 2 : 1)
  view.setInt32(BODY_OFFSET, entries.size)
  let at = HEADER_SIZE
  for (const entry of entries.values()) {
    const last = entry.batches.at(-1)
    view.setBigInt64(at, BigInt(entry.producerId))
    view.setInt16(at + 8, entry.epoch)
    view.setInt32(at + 10, entry.lastSequence)
    view.setBigInt64(at + 14, BigInt(last?.lastOffset ?? NO_OFFSET))
    view.setInt32(at + 22, last?.offsetDelta ?? 0)
    view.setBigInt64(at + 26, BigInt(entry.lastTimestamp))
    view.setInt32(at + 34, entry.coordinatorEpoch)
    view.setBigInt64(at + 38, BigInt(entry.currentTxnFirstOffset))
    at += ENTRY_SIZE
    if (!allBatches) continue
    const older = entry.batches.slice(0, -1)
    bytes[at++] = older.length
    for (const batch of older) {
      view.setInt32(at, batch.lastSequence)
      view.setBigInt64(at + 4, BigInt(batch.lastOffset))
      view.setInt32(at + 12, batch.offsetDelta)
      view.setBigInt64(at + 16, BigInt(batch.timestamp))
      at += BATCH_SIZE
    }
  }
  view.setUint32(CRC_OFFSET, crc32c(bytes, BODY_OFFSET, size) >>> 0)
  return bytes
}

/** The producers of a snapshot, or undefined when it is torn or corrupt. */
export function decodeSnapshot(bytes: Uint8Array): ProducerEntry[] | undefined {
  if (bytes.length < HEADER_SIZE) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const version = view.getInt16(0)
  if (version !== 1 && version !== 2) return undefined
  if (view.getUint32(CRC_OFFSET) !== crc32c(bytes, BODY_OFFSET, bytes.length) >>> 0) return undefined
  const entries: ProducerEntry[] = []
  let at = HEADER_SIZE
  for (let remaining = view.getInt32(BODY_OFFSET); remaining > 0; remaining--) {
    const entry = new ProducerEntry(Number(view.getBigInt64(at)))
    entry.epoch = view.getInt16(at + 8)
    const lastSequence = view.getInt32(at + 10)
    const lastOffset = Number(view.getBigInt64(at + 14))
    const offsetDelta = view.getInt32(at + 22)
    entry.lastTimestamp = Number(view.getBigInt64(at + 26))
    entry.coordinatorEpoch = view.getInt32(at + 34)
    entry.currentTxnFirstOffset = Number(view.getBigInt64(at + 38))
    at += ENTRY_SIZE
    if (version === 2) {
      for (let older = bytes[at++]!; older > 0; older--, at += BATCH_SIZE) {
        entry.batches.push({
          lastSequence: view.getInt32(at),
          lastOffset: Number(view.getBigInt64(at + 4)),
          offsetDelta: view.getInt32(at + 12),
          timestamp: Number(view.getBigInt64(at + 16)),
        })
      }
    } else if (lastOffset >= 0) {
      // Only worth telling if there may have been older ones: the first batch of an epoch starts at sequence 0.
      entry.isShortened = lastSequence !== offsetDelta
    }
    if (lastOffset >= 0) entry.batches.push({ lastSequence, lastOffset, offsetDelta, timestamp: entry.lastTimestamp })
    entries.push(entry)
  }
  return entries
}
