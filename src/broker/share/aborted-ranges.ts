/** Offsets of batches that belong to aborted transactions, among what was read (SharePartition#fetchAbortedTransactionRecordBatches). */
import { ControlType, controlTypeOf } from '../../protocol/records/control-records.ts'
import { baseOffsetOf, batchPositions, isControlOf, isTransactionalOf, lastOffsetOf, producerIdOf } from '../../protocol/records/record-batch.ts'
import type { OffsetRange } from './share-window.ts'

export function abortedRanges(bytes: Uint8Array, transactions: readonly { readonly producerId: number; readonly firstOffset: number }[]): OffsetRange[] {
  if (transactions.length === 0) return []
  const left = [...transactions].sort((a, b) => a.firstOffset - b.firstOffset)
  const aborting = new Set<number>()
  const ranges: OffsetRange[] = []
  for (const at of batchPositions(bytes)) {
    const lastOffset = lastOffsetOf(bytes, at)
    while (left.length > 0 && left[0]!.firstOffset <= lastOffset) aborting.add(left.shift()!.producerId)
    const producerId = producerIdOf(bytes, at)
    if (isControlOf(bytes, at)) {
      if (controlTypeOf(bytes, at) === ControlType.ABORT) aborting.delete(producerId)
    } else if (isTransactionalOf(bytes, at) && aborting.has(producerId)) ranges.push({ firstOffset: baseOffsetOf(bytes, at), lastOffset })
  }
  return ranges
}
