/**
 * What a replica's log holds, followed from observations, and what is committed.
 *
 * The committed log of a partition is the batches below the largest high watermark that any leader published, as that
 * leader held them. Every replica remembers up to where it is known to agree with it (`verified`), so each batch of each
 * replica is compared once, unless a truncation or a restart makes it new.
 */
import { type Batch, BatchColumns } from './batch-columns.ts'

export class ShadowLog {
  readonly batches = new BatchColumns()
  logStart = 0
  end = 0
  /** Below this offset the log equals the committed one. */
  verified = 0

  append(batch: Batch): void {
    this.batches.push(batch)
    this.end = batch.lastOffset + 1
  }

  truncateTo(endOffset: number): void {
    this.batches.truncateTo(endOffset)
    this.end = endOffset
    if (this.verified > endOffset) this.verified = endOffset
  }

  /** Everything is gone; the log goes on at `offset`. */
  restartAt(offset: number): void {
    this.batches.count = 0
    this.logStart = offset
    this.end = offset
    this.verified = 0
  }

  /** What was found on disk. */
  reload(batches: readonly Batch[], logStart: number, end: number): void {
    this.batches.count = 0
    for (const batch of batches) this.batches.push(batch)
    this.logStart = logStart
    this.end = end
    this.verified = 0
  }
}

/** A committed batch that a log lacks, or holds in another form. */
export interface Mismatch {
  readonly offset: number
  /** "offsets 4-7 of epoch 3". */
  readonly committed: string
  /** The same of what is there instead; undefined: nothing. */
  readonly found: string | undefined
}

export class CommittedLog {
  readonly batches = new BatchColumns()
  end = 0
  /** A leader's log start: what lies below is given up, and a follower may hold there what it likes until it learns of it. */
  start = 0

  /** The first committed batch below `upTo` that `log` lacks. Amortised constant time a batch. */
  verify(log: ShadowLog, upTo: number): Mismatch | undefined {
    const limit = Math.min(upTo, this.end)
    if (log.verified >= limit) return undefined
    const mine = this.batches
    const theirs = log.batches
    let i = mine.find(log.verified)
    let j = theirs.find(log.verified)
    for (; i < mine.count && mine.last[i]! < limit; i++) {
      if (mine.last[i]! < log.logStart || mine.last[i]! < this.start) continue
      while (j < theirs.count && theirs.last[j]! < mine.base[i]!) j++
      if (j === theirs.count || !mine.sameBatch(i, theirs, j)) {
        const there = j < theirs.count && theirs.base[j]! <= mine.last[i]!
        return { offset: mine.base[i]!, committed: mine.describe(i), found: there ? theirs.describe(j) : undefined }
      }
      log.verified = mine.last[i]! + 1
    }
    return undefined
  }

  /** Commits what `log`, which has been verified, holds below `upTo`. Says whether anything was new. */
  extend(log: ShadowLog, upTo: number): boolean {
    const before = this.end
    const { batches } = log
    for (let j = batches.find(this.end); j < batches.count && batches.last[j]! < upTo; j++) {
      this.batches.copyFrom(batches, j)
      this.end = batches.last[j]! + 1
    }
    // A deposed leader may publish less than is committed already: of the rest nothing is known.
    if (this.end === before) return false
    log.verified = this.end
    return true
  }

  /** After a finding, or an unclean election: what lies at or above `offset` counts as lost. */
  rebase(offset: number): void {
    this.batches.truncateTo(offset)
    this.end = this.batches.count === 0 ? 0 : this.batches.last[this.batches.count - 1]! + 1
  }
}
