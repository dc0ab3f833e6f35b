/**
 * What a replica's log holds, followed from observations, and what is committed.
 *
 * The committed log of a partition is the batches below the largest high watermark that any leader published, as that
 * leader held them. Every replica remembers up to where it is known to agree with it (`verified`), so each batch of each
 * replica is compared once, unless a truncation or a restart makes it new.
 *
 * Compaction removes batches, or records of them, from each replica when its own cleaner gets to it; a follower that starts
 * anew gets what its leader has left. So a batch that the cleaner of any replica has touched may be missing, or have other
 * content, on every other one; all the rest must be there as ever, and what a cleaner may touch is judged apart (compaction.ts).
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

  clean(from: number, to: number, batches: readonly Batch[]): void {
    this.batches.replace(from, to, batches)
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
  /** `base epoch` of the batches that a cleaner has removed or thinned, on any replica. */
  private readonly touched = new Set<string>()

  touch(baseOffset: number, leaderEpoch: number): void {
    this.touched.add(`${baseOffset} ${leaderEpoch}`)
  }

  wasTouched(columns: BatchColumns, i: number): boolean {
    return this.touched.size > 0 && this.touched.has(`${columns.base[i]} ${columns.epoch[i]}`)
  }

  /** The same batch, or what compaction has left of one and the same. */
  isSameBatch(mine: BatchColumns, i: number, theirs: BatchColumns, j: number): boolean {
    return mine.sameBatch(i, theirs, j) || (mine.base[i] === theirs.base[j] && mine.epoch[i] === theirs.epoch[j] && mine.last[i] === theirs.last[j] && this.wasTouched(mine, i))
  }

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
      if (j === theirs.count || !this.isSameBatch(mine, i, theirs, j)) {
        const isGone = j === theirs.count || theirs.base[j]! > mine.last[i]!
        if (isGone && this.wasTouched(mine, i)) {
          log.verified = mine.last[i]! + 1
          continue
        }
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
