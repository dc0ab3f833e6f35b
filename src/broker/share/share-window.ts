/**
 * The records of one share-partition that are in flight (KIP-932; Kafka: SharePartition's cached state): all from the start
 * offset (SPSO) up to the last one that was ever acquired (SPEO).
 *
 *   available -> acquired -> acknowledged                accepted
 *                         -> available                   released, or its lock ran out, with deliveries left
 *                         -> archived                    rejected, a gap, or the last delivery was released
 *
 * Acknowledged and archived are final. The start moves over what is final; it never goes back. A change that is to be
 * persisted first is pending: the record is no longer acquired, but nobody else gets it, and it may be rolled back.
 *
 * Unlike Kafka, which keeps batches of offsets and splits one when its records part, each offset is by itself here; what may be
 * acquired, and when, is the same.
 */
import { invariant } from '../../base/assert.ts'
import { DeliveryState, isTerminal } from '../../coordinator/share/state-batches.ts'
import type { StateBatch } from '../../coordinator/share/state-batches.ts'

/** Who holds what was acquired together, and until when. Compared by identity. */
export interface AcquisitionLock {
  readonly memberId: string
  isExpired: boolean
}

interface InFlightRecord {
  state: DeliveryState
  deliveryCount: number
  lock: AcquisitionLock | undefined
  /** It was acquired, and what it is now is not persisted yet. */
  isPending: boolean
}

/** Both offsets inclusive. */
export interface OffsetRange {
  readonly firstOffset: number
  readonly lastOffset: number
}

export interface AcquiredRange extends OffsetRange {
  readonly deliveryCount: number
}

export interface AcquireOptions {
  /** The batches that were read from the log, in order. */
  readonly batches: readonly OffsetRange[]
  /** Offset at which they were looked for. */
  readonly fetchOffset: number
  /** Whole batches are acquired, so there may be more, unless `isStrict`. */
  readonly maxRecords: number
  readonly isStrict: boolean
  readonly maxInFlight: number
  readonly lock: AcquisitionLock
  /** KAFKA-19954: the first batch after an initialization is taken from its beginning. */
  readonly takesWholeFirstBatch: boolean
}

export class ShareWindow {
  private start: number
  private records: InFlightRecord[] = []
  /** Nothing has been acquired since it was read from the share coordinator. */
  private isFresh = true

  constructor(startOffset: number, batches: readonly StateBatch[]) {
    this.start = startOffset
    for (const { firstOffset, lastOffset, deliveryState, deliveryCount } of batches) {
      this.extendTo(firstOffset)
      for (let offset = firstOffset; offset <= lastOffset; offset++) this.records.push({ state: deliveryState as DeliveryState, deliveryCount, lock: undefined, isPending: false })
    }
    this.advance()
  }

  get startOffset(): number {
    return this.start
  }

  /** The offset after the last one in flight. */
  get nextOffset(): number {
    return this.start + this.records.length
  }

  get inFlight(): number {
    return this.records.length
  }

  /** Where to read next: what is available again goes first. */
  get nextFetchOffset(): number {
    const index = this.records.findIndex(({ state, isPending }) => state === DeliveryState.AVAILABLE && !isPending)
    return index === -1 ? this.nextOffset : this.start + index
  }

  /** Offsets from the start on whose delivery is complete (KIP-1226). */
  get deliveryCompleteCount(): number {
    let count = 0
    for (const { state, isPending } of this.records) if (!isPending && isTerminal(state)) count++
    return count
  }

  /** Acquires what is available of these batches, and new records behind them. */
  acquire({ batches, fetchOffset, maxRecords, isStrict, maxInFlight, lock, takesWholeFirstBatch }: AcquireOptions): AcquiredRange[] {
    const first = batches[0]
    if (first === undefined || maxRecords <= 0) return []
    // A batch may begin below the start, when the start was found in the middle of it (KAFKA-19954).
    const isWhole = takesWholeFirstBatch && this.isFresh && first.firstOffset < this.start
    if (isWhole) this.moveBack(first.firstOffset)
    const acquired: AcquiredRange[] = []
    let count = 0
    let read = fetchOffset
    acquiring: for (const { firstOffset, lastOffset } of batches) {
      if (count >= maxRecords) break
      this.archiveHole(read, firstOffset)
      read = lastOffset + 1
      for (let offset = Math.max(firstOffset, this.start); offset <= lastOffset; offset++) {
        if (isStrict && count >= maxRecords) break acquiring
        if (offset === this.nextOffset) {
          if (this.records.length >= maxInFlight) break acquiring
          this.records.push(available())
        }
        const record = this.at(offset)
        if (record.state !== DeliveryState.AVAILABLE || record.isPending) continue
        record.state = DeliveryState.ACQUIRED
        record.deliveryCount++
        record.lock = lock
        count++
        append(acquired, offset, record.deliveryCount)
      }
    }
    if (count > 0) this.isFresh = false
    return acquired
  }

  /** The lock under which this offset is acquired; undefined: it is not, or not any more. */
  lockOf(offset: number): AcquisitionLock | undefined {
    const record = this.find(offset)
    return record?.state === DeliveryState.ACQUIRED ? record.lock : undefined
  }

  /** Offsets that are acquired under this lock, or by this member. */
  acquired(by: { readonly lock: AcquisitionLock } | { readonly memberId: string }): number[] {
    const offsets: number[] = []
    this.records.forEach(({ state, lock }, index) => {
      if (state !== DeliveryState.ACQUIRED) return
      if ('lock' in by ? lock === by.lock : lock?.memberId === by.memberId) offsets.push(this.start + index)
    })
    return offsets
  }

  renew(offset: number, lock: AcquisitionLock): void {
    this.at(offset).lock = lock
  }

  /**
   * An acquired record becomes what was decided; released with no delivery left (`deliveryLimit`) it is archived. Pending until
   * `commit` or `rollBack`, unless `isFinal`.
   */
  decide(offset: number, decided: DeliveryState, deliveryLimit: number, isFinal = false): StateBatch {
    const record = this.at(offset)
    invariant(record.state === DeliveryState.ACQUIRED && !record.isPending, 'only what is acquired is decided')
    record.state = decided === DeliveryState.AVAILABLE && record.deliveryCount >= deliveryLimit ? DeliveryState.ARCHIVED : decided
    record.isPending = !isFinal
    if (isFinal) record.lock = undefined
    return { firstOffset: offset, lastOffset: offset, deliveryState: record.state, deliveryCount: record.deliveryCount }
  }

  commit(offset: number): void {
    const record = this.find(offset)
    if (record === undefined) return
    record.isPending = false
    record.lock = undefined
  }

  /** It is acquired again; returns its lock, which may have run out in between. */
  rollBack(offset: number): AcquisitionLock | undefined {
    const record = this.find(offset)
    if (record === undefined) return undefined
    record.state = DeliveryState.ACQUIRED
    record.isPending = false
    return record.lock
  }

  /** Acquired records that nobody shall have: of an aborted transaction. */
  archive({ firstOffset, lastOffset }: OffsetRange): void {
    for (let offset = firstOffset; offset <= lastOffset; offset++) {
      const record = this.find(offset)
      if (record?.state !== DeliveryState.ACQUIRED) continue
      record.state = DeliveryState.ARCHIVED
      record.lock = undefined
    }
  }

  /** Moves the start over what is final. */
  advance(): void {
    let done = 0
    for (const { state, isPending } of this.records) {
      if (isPending || !isTerminal(state)) break
      done++
    }
    if (done === 0) return
    this.records = this.records.slice(done)
    this.start += done
  }

  /** What lies below is not in the log any more. */
  moveStartTo(logStartOffset: number): void {
    if (logStartOffset <= this.start) return
    this.records = this.records.slice(logStartOffset - this.start)
    this.start = logStartOffset
  }

  private find(offset: number): InFlightRecord | undefined {
    return offset < this.start ? undefined : this.records[offset - this.start]
  }

  private at(offset: number): InFlightRecord {
    const record = this.find(offset)
    invariant(record !== undefined, 'an offset of the window')
    return record
  }

  private extendTo(offset: number): void {
    while (this.nextOffset < offset) this.records.push(available())
  }

  private moveBack(offset: number): void {
    this.records = [...Array.from({ length: this.start - offset }, available), ...this.records]
    this.start = offset
  }

  /** No record lies in [from, to), as in a compacted log: there is nothing to deliver. */
  private archiveHole(from: number, to: number): void {
    for (let offset = Math.max(from, this.start); offset < to; offset++) {
      if (offset === this.nextOffset) this.records.push(available())
      const record = this.at(offset)
      if (record.state === DeliveryState.AVAILABLE && !record.isPending) record.state = DeliveryState.ARCHIVED
    }
  }
}

function available(): InFlightRecord {
  return { state: DeliveryState.AVAILABLE, deliveryCount: 0, lock: undefined, isPending: false }
}

function append(ranges: AcquiredRange[], offset: number, deliveryCount: number): void {
  const last = ranges.at(-1)
  if (last !== undefined && last.lastOffset + 1 === offset && last.deliveryCount === deliveryCount) ranges[ranges.length - 1] = { ...last, lastOffset: offset }
  else ranges.push({ firstOffset: offset, lastOffset: offset, deliveryCount })
}
