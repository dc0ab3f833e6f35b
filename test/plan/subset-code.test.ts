/** The code of subsets: dense, reversible, and as short as it is said to be. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rankSubset, unrankSubset } from '../../src/plan/subset-code.ts'

describe('the rank of a subset', () => {
  it('counts all subsets of a size without a gap', () => {
    for (let n = 0; n <= 8; n++) {
      const ranks = new Map<number, bigint[]>()
      for (let mask = 0; mask < 1 << n; mask++) {
        const { size, rank } = rankSubset(Array.from({ length: n }, (_, index) => ((mask >> index) & 1) === 1))
        ranks.set(size, [...(ranks.get(size) ?? []), rank])
      }
      for (const list of ranks.values()) expect(list.sort((a, b) => Number(a - b))).toEqual(list.map((_, index) => BigInt(index)))
    }
  })

  it('leads back to the subset', () => {
    fc.assert(fc.property(fc.array(fc.boolean(), { maxLength: 400, size: 'max' }), kept => {
      const { size, rank } = rankSubset(kept)
      expect(size).toBe(kept.filter(Boolean).length)
      expect(unrankSubset(kept.length, size, rank)).toEqual(kept)
    }), { seed: 1, numRuns: 60 })
  })

  it('of 14 among 320 elements takes 80 bits, wherever they stand', () => {
    const last = rankSubset(Array.from({ length: 320 }, (_, index) => index >= 306))
    expect(last.rank.toString(2)).toHaveLength(80)
    expect(unrankSubset(320, 14, last.rank)!.slice(306)).toEqual(new Array(14).fill(true))
  })

  it('that no subset has is refused', () => {
    expect(unrankSubset(5, 2, 9n)).toEqual([false, false, false, true, true])
    expect(unrankSubset(5, 2, 10n)).toBeUndefined()
    expect(unrankSubset(5, 6, 0n)).toBeUndefined()
    expect(unrankSubset(0, 0, 0n)).toEqual([])
  })
})
