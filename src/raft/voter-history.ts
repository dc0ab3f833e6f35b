/**
 * Which voters hold from which offset on (KIP-853, org.apache.kafka.raft.internals.KRaftControlRecordStateMachine): read
 * from the latest snapshot and then from every control record of the log, *when it is appended*, not when it commits.
 * A truncation takes back what it cuts; the start of the log forgets what lies before it, but never the last set there.
 */
import { invariant } from '../base/assert.ts'
import type { RaftControlRecord } from '../protocol/records/raft-control-records.ts'
import { VoterSet } from './voter-set.ts'

interface Entry<T> {
  readonly offset: number
  readonly value: T
}

class LogHistory<T> {
  private entries: Entry<T>[] = []

  get last(): Entry<T> | undefined {
    return this.entries.at(-1)
  }

  add(offset: number, value: T): void {
    invariant(this.entries.length === 0 || offset > this.entries.at(-1)!.offset, `history of the quorum goes back to offset ${offset}`)
    this.entries.push({ offset, value })
  }

  /** What held for a log that ends at `endOffset`. */
  before(endOffset: number): T | undefined {
    return this.entries.findLast(({ offset }) => offset < endOffset)?.value
  }

  truncate(endOffset: number): void {
    this.entries = this.entries.filter(({ offset }) => offset < endOffset)
  }

  trim(startOffset: number): void {
    const covering = this.entries.findLastIndex(({ offset }) => offset <= startOffset)
    if (covering > 0) this.entries.splice(0, covering)
  }

  clear(): void {
    this.entries = []
  }
}

export class VoterHistory {
  private readonly configured: VoterSet
  private readonly sets = new LogHistory<VoterSet>()
  private readonly versions = new LogHistory<number>()

  /** `configured`: the voters while kraft.version is 0; empty for a dynamic quorum. */
  constructor(configured: VoterSet) {
    this.configured = configured
  }

  /** The voters to elect and commit by, committed or not. */
  get current(): VoterSet {
    return this.sets.last?.value ?? this.configured
  }

  /** Offset of the record that `current` comes from; -1: of a snapshot from before the log, or configured. */
  get currentOffset(): number {
    return this.sets.last?.offset ?? -1
  }

  get hasRecord(): boolean {
    return this.sets.last !== undefined
  }

  get kraftVersion(): number {
    return this.versions.last?.value ?? 0
  }

  /** What a snapshot of everything before `endOffset` has to say; undefined while the voters are configured. */
  at(endOffset: number): { readonly kraftVersion: number; readonly voters: VoterSet } | undefined {
    const voters = this.sets.before(endOffset)
    return voters === undefined ? undefined : { kraftVersion: this.versions.before(endOffset) ?? 0, voters }
  }

  note(record: RaftControlRecord, offset: number): void {
    if (record.type === 'voters') this.sets.add(offset, VoterSet.fromRecord(record.message as Parameters<typeof VoterSet.fromRecord>[0]))
    else if (record.type === 'kraft-version') this.versions.add(offset, record.message.kRaftVersion ?? 0)
  }

  truncate(endOffset: number): void {
    this.sets.truncate(endOffset)
    this.versions.truncate(endOffset)
  }

  trim(startOffset: number): void {
    this.sets.trim(startOffset)
    this.versions.trim(startOffset)
  }

  /** A snapshot takes the place of the log. */
  restart(): void {
    this.sets.clear()
    this.versions.clear()
  }
}
