/** Combining batches: offset by offset the one with the most deliveries, and of those the furthest state. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { combineBatches } from '../../../src/coordinator/share/state-batches.ts'
import type { StateBatch } from '../../../src/coordinator/share/state-batches.ts'

const batch = fc.record({ firstOffset: fc.nat(12), length: fc.nat(6), deliveryState: fc.constantFrom(0, 2, 4), deliveryCount: fc.integer({ min: 1, max: 3 }) })
  .map(({ length, ...rest }): StateBatch => ({ ...rest, lastOffset: rest.firstOffset + length }))

const byOffset = (batches: readonly StateBatch[], start: number): Map<number, string> => {
  const best = new Map<number, StateBatch>()
  for (const one of batches) {
    for (let offset = Math.max(one.firstOffset, start); offset <= one.lastOffset; offset++) {
      const known = best.get(offset)
      if (known === undefined || one.deliveryCount > known.deliveryCount || (one.deliveryCount === known.deliveryCount && one.deliveryState > known.deliveryState)) best.set(offset, one)
    }
  }
  return new Map([...best].sort(([a], [b]) => a - b).map(([offset, { deliveryState, deliveryCount }]) => [offset, `${deliveryState}x${deliveryCount}`]))
}

it('says of each offset what ranks highest, in disjoint batches that cannot be joined, in any order of arrival', () => {
  fc.assert(fc.property(fc.array(batch, { maxLength: 8 }), fc.integer({ min: -1, max: 10 }), (batches, start) => {
    const combined = combineBatches(batches, start)
    expect(byOffset(combined, 0)).toEqual(byOffset(batches, start))
    expect(combineBatches([...batches].reverse(), start)).toEqual(combined)
    for (let at = 1; at < combined.length; at++) {
      const [before, after] = [combined[at - 1]!, combined[at]!]
      expect(after.firstOffset).toBeGreaterThan(before.lastOffset)
      if (after.firstOffset === before.lastOffset + 1) expect([after.deliveryState, after.deliveryCount]).not.toEqual([before.deliveryState, before.deliveryCount])
    }
  }), { seed: 1, numRuns: 300 })
})

it('lets no late write undo a later one', () => {
  const accepted = { firstOffset: 3, lastOffset: 5, deliveryState: 2, deliveryCount: 2 }
  expect(combineBatches([accepted, { firstOffset: 3, lastOffset: 5, deliveryState: 0, deliveryCount: 1 }], 0)).toEqual([accepted])
})
