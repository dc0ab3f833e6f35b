/** What a member says of the records that it has acquired (KIP-932, KIP-1222). */

export const AcknowledgeType = { GAP: 0, ACCEPT: 1, RELEASE: 2, REJECT: 3, RENEW: 4 } as const

/** Both offsets inclusive. One type for all of it, or one for each offset. */
export interface AcknowledgementBatch {
  readonly firstOffset: number
  readonly lastOffset: number
  readonly acknowledgeTypes: readonly number[]
}

export interface Decision {
  readonly offset: number
  readonly type: number
}

/**
 * Offset by offset, without what lies below the start: that is decided, whatever is said of it now. undefined: the batches are
 * not well-formed, or overlap.
 */
export function decisionsOf(batches: readonly AcknowledgementBatch[], startOffset: number): Decision[] | undefined {
  const decisions: Decision[] = []
  let next = -1
  for (const { firstOffset, lastOffset, acknowledgeTypes } of batches) {
    const count = lastOffset - firstOffset + 1
    if (count < 1 || firstOffset < next || (acknowledgeTypes.length !== 1 && acknowledgeTypes.length !== count)) return undefined
    if (acknowledgeTypes.some(type => type < AcknowledgeType.GAP || type > AcknowledgeType.RENEW)) return undefined
    next = lastOffset + 1
    for (let offset = Math.max(firstOffset, startOffset); offset <= lastOffset; offset++) decisions.push({ offset, type: acknowledgeTypes[acknowledgeTypes.length === 1 ? 0 : offset - firstOffset]! })
  }
  return decisions
}
