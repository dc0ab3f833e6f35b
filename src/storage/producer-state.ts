/**
 * The producers known to one log, its open transactions, and the snapshots that carry both over a restart (Kafka's
 * ProducerStateManager). The state always describes the log up to `mapEndOffset`; `rebuildProducerState` brings it there.
 *
 * Followers keep it as leaders do: it must be a function of the log alone, apart from expiry and from what snapshots lose.
 */
import { invariant } from '../base/assert.ts'
import type { File } from '../env/disk.ts'
import type { Env } from '../env/env.ts'
import type { AbortedTransaction } from './abort-index.ts'
import { endMarkerOf, NO_PRODUCER_ID } from './batch-header.ts'
import type { BatchHeader } from './batch-header.ts'
import { DELETED_SUFFIX, offsetFileName, offsetOfFile, SNAPSHOT_SUFFIX } from './file-names.ts'
import { ProducerAppend } from './producer-append.ts'
import type { AppendOrigin, CompletedTransaction } from './producer-append.ts'
import { NO_OFFSET, ProducerEntry, RING_SIZE } from './producer-entry.ts'
import { decodeSnapshot, encodeSnapshot } from './producer-snapshot.ts'
import { Verifications } from './verification.ts'

interface Transaction {
  readonly producerId: number
  readonly firstOffset: number
  /** Offset of its marker, NO_OFFSET while it is open. */
  readonly lastOffset: number
}

export interface SkippedEpoch {
  readonly producerId: number
  readonly producerEpoch: number
}

const NONE_SKIPPED: readonly SkippedEpoch[] = []

export class ProducerState {
  /** End of the log prefix that this state describes. */
  mapEndOffset = 0
  /** Whether any of this came from a snapshot rather than from reading the log. */
  isFromSnapshot = false
  readonly verifications = new Verifications()
  /** Whether a batch that begins a transaction needs a guard. */
  readonly requiresVerification: boolean
  /** Producers with batches below the log start, as the last reload found them. */
  private behind: readonly number[] = []
  private skipped: SkippedEpoch[] = []
  private readonly env: Env
  private readonly directory: string
  private readonly expirationMs: number
  private readonly ringSize: number
  private readonly entries = new Map<number, ProducerEntry>()
  /** Open transactions by first offset, ascending. */
  private open: Transaction[] = []
  /** Completed ones whose marker is not below the high watermark yet, by first offset. */
  private unreplicated: Transaction[] = []
  /** Offsets of the snapshot files, ascending. */
  private snapshots: number[]
  private lastSnapshotOffset = 0

  constructor(env: Env, directory: string, o: { readonly expirationMs: number; readonly requiresVerification: boolean }) {
    this.env = env
    this.requiresVerification = o.requiresVerification
    this.directory = directory
    this.expirationMs = o.expirationMs
    this.ringSize = env.defects.has('KAFKA-5494') ? 1 : RING_SIZE
    this.snapshots = this.listSnapshots()
  }

  get producers(): ReadonlyMap<number, ProducerEntry> {
    return this.entries
  }

  get isEmpty(): boolean {
    return this.entries.size === 0 && this.unreplicated.length === 0
  }

  get latestSnapshot(): number | undefined {
    return this.snapshots.at(-1)
  }

  /** Where the oldest transaction starts that is open or whose marker the high watermark has not passed. */
  get firstUnstableOffset(): number | undefined {
    const undecided = this.open[0]?.firstOffset
    const unreplicated = this.unreplicated[0]?.firstOffset
    if (undecided === undefined) return unreplicated
    return unreplicated === undefined ? undecided : Math.min(undecided, unreplicated)
  }

  entry(producerId: number): ProducerEntry | undefined {
    return this.entries.get(producerId)
  }

  /** Whether this producer's transaction of this epoch is open here. */
  hasOpenTransaction(producerId: number, epoch: number): boolean {
    const entry = this.entries.get(producerId)
    if (entry === undefined || entry.currentTxnFirstOffset === NO_OFFSET) return false
    // Under transaction version 2 the transaction before may still wait for its marker here when the next one begins.
    return this.env.defects.has('KAFKA-18575') ? true : entry.epoch === epoch
  }

  /** A producer counted as idle since its last data, however late its transaction was ended. */
  get markersKeepTimestamp(): boolean {
    return this.env.defects.has('KAFKA-9144')
  }

  /** Starts an append of one producer; nothing changes before `commit`. */
  prepare(producerId: number, origin: AppendOrigin): ProducerAppend {
    const current = this.entries.get(producerId) ?? new ProducerEntry(producerId)
    return new ProducerAppend(current, origin, { requireZeroFirst: this.env.mends.has('KAFKA-14359'), verification: this.verifications.entry(producerId) })
  }

  commit(append: ProducerAppend): void {
    const { producerId } = append.updated
    let entry = this.entries.get(producerId)
    if (entry === undefined) this.entries.set(producerId, entry = new ProducerEntry(producerId))
    append.commit(entry, this.ringSize)
    if (append.endsVerification) this.verifications.clear(producerId)
    for (const firstOffset of append.startedTransactions) {
      insertByFirstOffset(this.open, { producerId, firstOffset, lastOffset: NO_OFFSET })
    }
  }

  /** Closes an open transaction; it stays unstable until the high watermark passes its marker. */
  complete(completed: CompletedTransaction): void {
    const index = this.open.findIndex(transaction => transaction.firstOffset === completed.firstOffset)
    invariant(index >= 0, `transaction of producer ${completed.producerId} at ${completed.firstOffset} was never started`)
    this.open.splice(index, 1)
    insertByFirstOffset(this.unreplicated, completed)
  }

  /** The abort index's entry for a transaction that is about to be completed. */
  abortEntry(completed: CompletedTransaction): AbortedTransaction {
    const { producerId, firstOffset, lastOffset } = completed
    const next = this.open.find(transaction => transaction.producerId !== producerId)
    return { producerId, firstOffset, lastOffset, lastStableOffset: next === undefined ? lastOffset + 1 : next.firstOffset }
  }

  /** Applies one batch read from the own log. Returns the transaction that it completed. */
  replay(bytes: Uint8Array, header: BatchHeader): CompletedTransaction | undefined {
    if (header.producerId === NO_PRODUCER_ID) return undefined
    const append = this.prepare(header.producerId, 'replication')
    let completed: CompletedTransaction | undefined
    if (header.isControl) {
      const marker = endMarkerOf(bytes, header)
      if (marker === undefined) this.skipEmptyMarker(append, header)
      else completed = append.marker(marker, header.producerEpoch, header.baseOffset, { transactionVersion: 0, keepsTimestamp: this.markersKeepTimestamp })
    } else {
      append.data(header)
    }
    this.commit(append)
    return completed
  }

  /**
   * Of a control batch without its record nothing is applied, since it stands for a transaction that is cleaned away
   * (ProducerAppendInfo#append). Known behaviour empty-marker-forgets-epoch: the cleaner keeps it for its epoch's sake.
   */
  skipEmptyMarker(append: ProducerAppend, { producerId, producerEpoch, maxTimestamp }: BatchHeader): void {
    if (producerEpoch <= append.updated.epoch) return
    if (this.env.mends.has('empty-marker-forgets-epoch')) append.emptyMarker(producerEpoch, maxTimestamp)
    else this.skipped.push({ producerId, producerEpoch })
  }

  /** Epochs that empty markers told and that were not taken over, since this was last asked. */
  takeSkipped(): readonly SkippedEpoch[] {
    if (this.skipped.length === 0) return NONE_SKIPPED
    const { skipped } = this
    this.skipped = []
    return skipped
  }

  onHighWatermark(highWatermark: number): void {
    if (this.unreplicated.length === 0) return
    this.unreplicated = this.unreplicated.filter(transaction => transaction.lastOffset >= highWatermark)
  }

  onLogStart(logStartOffset: number): void {
    this.onHighWatermark(logStartOffset)
    if (this.mapEndOffset < logStartOffset) this.mapEndOffset = logStartOffset
    this.lastSnapshotOffset = this.latestSnapshot ?? logStartOffset
  }

  /** Producers that the last reload knew with batches below the log start, and that are gone after it. */
  takeForgotten(): readonly number[] {
    const forgotten = [...new Set(this.behind)].filter(producerId => !this.entries.has(producerId))
    this.behind = []
    return forgotten
  }

  removeExpired(): void {
    const now = this.env.wallClock()
    for (const [producerId, entry] of this.entries) {
      if (!this.isExpired(entry, now)) continue
      this.entries.delete(producerId)
      this.env.observe({ kind: 'mark', name: 'producer-expired' })
    }
    this.verifications.removeExpired(now, this.expirationMs)
  }

  /** Writes the state as of `mapEndOffset`, unless the last snapshot already has it; the caller sees to syncing it. */
  takeSnapshot(): File | undefined {
    if (this.mapEndOffset <= this.lastSnapshotOffset) return undefined
    const file = this.env.disk.open(this.path(this.mapEndOffset))
    file.truncate(0)
    file.append(encodeSnapshot(this.entries, this.env.mends.has('KAFKA-5494-snapshot')))
    if (!this.snapshots.includes(this.mapEndOffset)) {
      this.snapshots.push(this.mapEndOffset)
      this.snapshots.sort((a, b) => a - b)
    }
    this.lastSnapshotOffset = this.mapEndOffset
    if (this.env.defects.has('KAFKA-5829')) for (const older of this.snapshots.slice(0, -1)) this.removeSnapshot(older)
    return file
  }

  /** Goes back to the newest usable snapshot of (logStartOffset, endOffset], or to nothing; drops the other ones. */
  truncateAndReload(logStartOffset: number, endOffset: number): void {
    // Known behaviour: what the newest snapshot at or below the log start knew goes with it (producer-state-behind-log-start).
    const last = this.snapshots.filter(offset => offset <= logStartOffset).at(-1)
    const known = [...this.entries.values(), ...(last === undefined ? [] : this.readSnapshot(last) ?? [])]
    this.behind = known.filter(({ batches }) => batches.some(({ lastOffset }) => lastOffset < logStartOffset)).map(({ producerId }) => producerId)
    const kept = this.env.mends.has('producer-state-behind-log-start') ? last : undefined
    const unusable = this.snapshots.filter(offset => offset > endOffset || (offset <= logStartOffset && offset !== kept))
    for (const offset of unusable) this.removeSnapshot(offset)
    if (endOffset === this.mapEndOffset) {
      this.onLogStart(logStartOffset)
      return
    }
    this.clear()
    this.loadLatestSnapshot(logStartOffset)
  }

  truncateFullyAndStartAt(offset: number): void {
    this.clear()
    while (this.snapshots.length > 0) this.removeSnapshot(this.snapshots[0]!)
    this.lastSnapshotOffset = 0
    this.mapEndOffset = offset
  }

  /**
   * Removes snapshots that belong to no segment, which recovery may have left, but keeps the newest of them when it is
   * beyond the last segment: a clean shutdown wrote it.
   */
  removeStraySnapshots(baseOffsets: readonly number[]): void {
    this.snapshots = this.listSnapshots()
    const stray = this.snapshots.filter(offset => !baseOffsets.includes(offset))
    const newest = stray.pop()
    for (const offset of stray) this.removeSnapshot(offset)
    if (newest !== undefined && newest < (baseOffsets.at(-1) ?? 0)) this.removeSnapshot(newest)
  }

  /** The segment at `baseOffset` goes, and its snapshot with it: renamed now, removed after `delayMs`. */
  deleteSnapshotLater(baseOffset: number, delayMs: number): void {
    const index = this.snapshots.indexOf(baseOffset)
    if (index < 0) return
    this.snapshots.splice(index, 1)
    const path = this.path(baseOffset)
    this.env.disk.rename(path, path + DELETED_SUFFIX)
    this.env.timer(delayMs * 1000, () => this.env.disk.remove(path + DELETED_SUFFIX))
  }

  private listSnapshots(): number[] {
    const offsets: number[] = []
    for (const name of this.env.disk.list(this.directory)) {
      const offset = offsetOfFile(name, SNAPSHOT_SUFFIX)
      if (offset !== undefined) offsets.push(offset)
    }
    return offsets
  }

  private clear(): void {
    this.entries.clear()
    this.open = []
    this.unreplicated = []
    this.isFromSnapshot = false
  }

  private readSnapshot(offset: number): readonly ProducerEntry[] | undefined {
    const file = this.env.disk.open(this.path(offset))
    return decodeSnapshot(file.read(0, file.size))
  }

  private loadLatestSnapshot(logStartOffset: number): void {
    const now = this.env.wallClock()
    for (let offset = this.latestSnapshot; offset !== undefined; offset = this.latestSnapshot) {
      const loaded = this.readSnapshot(offset)
      if (loaded === undefined) {
        this.removeSnapshot(offset)
        continue
      }
      for (const entry of loaded) {
        if (this.isExpired(entry, now)) continue
        this.entries.set(entry.producerId, entry)
        if (entry.currentTxnFirstOffset === NO_OFFSET) continue
        const { producerId, currentTxnFirstOffset: firstOffset } = entry
        insertByFirstOffset(this.open, { producerId, firstOffset, lastOffset: NO_OFFSET })
      }
      this.isFromSnapshot = true
      this.lastSnapshotOffset = offset
      this.mapEndOffset = offset
      return
    }
    this.lastSnapshotOffset = logStartOffset
    this.mapEndOffset = logStartOffset
  }

  private isExpired(entry: ProducerEntry, now: number): boolean {
    return entry.currentTxnFirstOffset === NO_OFFSET && now - entry.lastTimestamp >= this.expirationMs
  }

  private removeSnapshot(offset: number): void {
    this.snapshots.splice(this.snapshots.indexOf(offset), 1)
    this.env.disk.remove(this.path(offset))
  }

  private path(offset: number): string {
    return `${this.directory}/${offsetFileName(offset, SNAPSHOT_SUFFIX)}`
  }
}

function insertByFirstOffset(list: Transaction[], transaction: Transaction): void {
  let index = list.length
  while (index > 0 && list[index - 1]!.firstOffset > transaction.firstOffset) index--
  list.splice(index, 0, transaction)
}
