/**
 * The logs that monitors follow, against a plain list: thousands of random appends, truncations, restarts and commits, and
 * the same answers. Growth beyond the first columns, and the search in them, are covered on the way.
 */
import { describe, expect, it } from 'vitest'
import { type Batch, BatchColumns } from '../../../checkers/invariants/batch-columns.ts'
import { CommittedLog, ShadowLog } from '../../../checkers/invariants/shadow-log.ts'
import { below, draw32 } from '../../../src/base/random.ts'

const batch = (baseOffset: number, lastOffset: number, leaderEpoch = 1, crc = baseOffset): Batch => ({ baseOffset, lastOffset, leaderEpoch, crc })

describe('columns of batches', () => {
  it('keep every field when they grow', () => {
    const columns = new BatchColumns()
    for (let i = 0; i < 100; i++) columns.push({ baseOffset: 2 ** 40 + i, lastOffset: 2 ** 40 + i, leaderEpoch: i, crc: 0xffffffff - i, producerId: 2 ** 41 + i, producerEpoch: i + 1, lastSequence: i + 2 })
    const copy = new BatchColumns()
    for (let i = 0; i < 100; i++) copy.copyFrom(columns, i)
    for (const one of [columns, copy]) {
      expect(one.count).toBe(100)
      for (let i = 0; i < 100; i++) {
        expect([one.base[i], one.last[i], one.epoch[i], one.crc[i], one.producerId[i], one.producerEpoch[i], one.lastSequence[i]])
          .toEqual([2 ** 40 + i, 2 ** 40 + i, i, (0xffffffff - i) | 0, 2 ** 41 + i, i + 1, i + 2])
        expect(columns.sameBatch(i, copy, i)).toBe(true)
      }
    }
    expect(columns.sameBatch(3, copy, 4)).toBe(false)
  })

  it('find the first batch at or above an offset, and truncate whole batches', () => {
    const columns = new BatchColumns()
    for (const [first, last] of [[0, 3], [4, 4], [8, 9], [10, 30]] as const) columns.push(batch(first, last))
    expect([-1, 0, 3, 4, 5, 7, 8, 9, 10, 30, 31].map(offset => columns.find(offset))).toEqual([0, 0, 0, 1, 2, 2, 2, 2, 3, 3, 4])
    expect([columns.describe(1), columns.describe(3)]).toEqual(['offset 4 of epoch 1', 'offsets 10-30 of epoch 1'])
    columns.truncateTo(9)
    expect(columns.count).toBe(2)
    columns.truncateTo(5)
    expect(columns.count).toBe(2)
    expect(new BatchColumns().find(0)).toBe(0)
  })

  it('tell batches apart by base, epoch and content', () => {
    const columns = new BatchColumns()
    for (const one of [batch(0, 1), batch(1, 1), batch(0, 1, 2), batch(0, 1, 1, 9)]) columns.push(one)
    expect([0, 1, 2, 3].map(i => columns.sameBatch(0, columns, i))).toEqual([true, false, false, false])
  })
})

describe('a committed log', () => {
  it('agrees with a plain comparison under random changes', () => {
    let mismatches = 0
    let longest = 0
    for (let seed = 0; seed < 60; seed++) {
      const { found, count } = walk(seed)
      mismatches += found
      longest = Math.max(longest, count)
    }
    expect(mismatches).toBeGreaterThan(200)
    expect(longest).toBeGreaterThan(20)
  })
})

/** A walk of 200 changes. How many mismatches there were, and how many batches are committed in the end. */
function walk(seed: number): { found: number; count: number } {
  let draws = 0
  let mismatches = 0
  const draw = (bound: number): number => below(draw32(seed, draws++), bound)
  const committed = new CommittedLog()
  const shadow = new ShadowLog()
  let plain: Batch[] = []
  const endOf = (batches: readonly Batch[]): number => (batches.at(-1)?.lastOffset ?? -1) + 1
  for (let step = 0; step < 200; step++) {
    const end = endOf(plain)
    const what = draw(8)
    if (what < 4) {
      const last = end + draw(3)
      const next = batch(end, last, 1 + draw(2), draw(10) === 0 ? -step : last)
      plain.push(next)
      shadow.append(next)
    } else if (what < 6) {
      // Between batches, as epochs begin; a crash reads the log again.
      plain = plain.slice(0, Math.max(0, plain.length - draw(4)))
      if (what === 4) shadow.truncateTo(endOf(plain))
      else shadow.reload(plain, 0, endOf(plain))
    } else {
      const upTo = Math.max(0, end + 2 - draw(6))
      const expected = firstMismatch(committed, plain, upTo)
      expect(committed.verify(shadow, upTo)?.offset).toBe(expected)
      if (expected !== undefined) {
        mismatches++
        committed.rebase(expected)
        shadow.verified = Math.min(shadow.verified, committed.end)
        continue
      }
      const before = committed.end
      const news = plain.filter(one => one.baseOffset >= before && one.lastOffset < upTo)
      expect(committed.extend(shadow, upTo)).toBe(news.length > 0)
      expect(committed.end).toBe(news.length === 0 ? before : endOf(news))
    }
  }
  return { found: mismatches, count: committed.batches.count }
}

/** Each committed batch below `upTo` must be in the plain log. */
function firstMismatch(committed: CommittedLog, plain: readonly Batch[], upTo: number): number | undefined {
  const { batches } = committed
  for (let i = 0; i < batches.count && batches.last[i]! < upTo; i++) {
    const there = plain.some(one => one.baseOffset === batches.base[i] && one.leaderEpoch === batches.epoch[i] && (one.crc | 0) === batches.crc[i])
    if (!there) return batches.base[i]
  }
  return undefined
}
