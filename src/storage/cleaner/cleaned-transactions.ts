/**
 * Which transactions are under way as the cleaner passes through a log, and how they end (CleanedTransactionMetadata): from
 * the abort index it knows which will be aborted before it meets their data. A marker may go only when it has met no batch
 * of its transaction; the abort index of the new segment gets an entry for every abort marker that must stay.
 *
 * One a round: a transaction may begin in one group of segments and end in another (KAFKA-8351).
 */
import { ControlType, controlTypeOf } from '../../protocol/records/control-records.ts'
import { isTransactionalOf, lastOffsetOf, producerIdOf, recordCountOf } from '../../protocol/records/record-batch.ts'
import type { AbortedTransaction, AbortIndex } from '../abort-index.ts'

interface Aborted {
  readonly transaction: AbortedTransaction
  hasData: boolean
}

export class CleanedTransactions {
  /** Of the segment that is being written; absent while the key map is built. */
  index: AbortIndex | undefined = undefined
  private readonly committed = new Set<number>()
  private readonly aborted = new Map<number, Aborted>()
  /** Aborted ones that have not begun yet, by first offset. */
  private ahead: AbortedTransaction[] = []

  /** Told segment by segment; a transaction that spans two is told twice, which does no harm. */
  addAborted(transactions: readonly AbortedTransaction[]): void {
    this.ahead = [...this.ahead, ...transactions].sort((a, b) => a.firstOffset - b.firstOffset)
  }

  /** The next batch, a control batch: may it be discarded, as far as its transaction goes? */
  onControlBatch(bytes: Uint8Array, at: number): boolean {
    this.begin(lastOffsetOf(bytes, at))
    // An empty one was cleaned before.
    if (recordCountOf(bytes, at) === 0) return true
    const producerId = producerIdOf(bytes, at)
    switch (controlTypeOf(bytes, at)) {
      case ControlType.ABORT: {
        const aborted = this.aborted.get(producerId)
        this.aborted.delete(producerId)
        if (aborted?.hasData !== true) return true
        this.index?.append(aborted.transaction)
        return false
      }
      case ControlType.COMMIT: return !this.committed.delete(producerId)
      default: return false
    }
  }

  /** The next batch, of data: does it belong to an aborted transaction? */
  onDataBatch(bytes: Uint8Array, at: number): boolean {
    this.begin(lastOffsetOf(bytes, at))
    if (!isTransactionalOf(bytes, at)) return false
    const producerId = producerIdOf(bytes, at)
    const aborted = this.aborted.get(producerId)
    if (aborted === undefined) {
      this.committed.add(producerId)
      return false
    }
    aborted.hasData = true
    return true
  }

  private begin(upTo: number): void {
    while (this.ahead.length > 0 && this.ahead[0]!.firstOffset <= upTo) {
      const transaction = this.ahead.shift()!
      if (!this.aborted.has(transaction.producerId)) this.aborted.set(transaction.producerId, { transaction, hasData: false })
    }
  }
}
