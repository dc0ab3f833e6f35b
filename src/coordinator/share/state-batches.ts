/**
 * Delivery states of ranges of offsets, as they are persisted (PersisterStateBatchCombiner).
 *
 * Where two batches overlap, the higher delivery count wins, and of equal counts the higher state: what a write brings late
 * cannot undo what a later one has said of the same delivery. What lies below the start offset is dropped, and neighbours
 * that say the same become one. The result does not depend on the order of the batches.
 */

/** Values in records and requests; ACQUIRED is never persisted. */
export const DeliveryState = { AVAILABLE: 0, ACQUIRED: 1, ACKNOWLEDGED: 2, ARCHIVED: 4 } as const
export type DeliveryState = (typeof DeliveryState)[keyof typeof DeliveryState]

/** Both offsets inclusive. */
export interface StateBatch {
  readonly firstOffset: number
  readonly lastOffset: number
  readonly deliveryState: number
  readonly deliveryCount: number
}

export function isTerminal(deliveryState: number): boolean {
  return deliveryState === DeliveryState.ACKNOWLEDGED || deliveryState === DeliveryState.ARCHIVED
}

/** `startOffset` -1: nothing is below it. */
export function combineBatches(batches: readonly StateBatch[], startOffset: number): StateBatch[] {
  const kept = batches.filter(({ lastOffset }) => startOffset === -1 || lastOffset >= startOffset)
    .map(batch => (startOffset !== -1 && batch.firstOffset < startOffset ? { ...batch, firstOffset: startOffset } : batch))
  // Between two of these offsets all is alike.
  const bounds = [...new Set(kept.flatMap(({ firstOffset, lastOffset }) => [firstOffset, lastOffset + 1]))].sort((a, b) => a - b)
  const combined: StateBatch[] = []
  for (let at = 0; at + 1 < bounds.length; at++) {
    const firstOffset = bounds[at]!
    let winner: StateBatch | undefined
    for (const batch of kept) if (batch.firstOffset <= firstOffset && batch.lastOffset >= firstOffset && (winner === undefined || outranks(batch, winner))) winner = batch
    if (winner === undefined) continue
    const { deliveryState, deliveryCount } = winner
    const lastOffset = bounds[at + 1]! - 1
    const before = combined.at(-1)
    if (before !== undefined && before.lastOffset + 1 === firstOffset && before.deliveryState === deliveryState && before.deliveryCount === deliveryCount) combined[combined.length - 1] = { ...before, lastOffset }
    else combined.push({ firstOffset, lastOffset, deliveryState, deliveryCount })
  }
  return combined
}

function outranks(a: StateBatch, b: StateBatch): boolean {
  return a.deliveryCount === b.deliveryCount ? a.deliveryState > b.deliveryState : a.deliveryCount > b.deliveryCount
}
