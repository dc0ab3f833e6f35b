import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LeaderEpochCache } from '../../src/storage/leader-epoch-cache.ts'
import { FakeEnv } from './fake-env.ts'

function cacheOf(env: FakeEnv, entries: readonly (readonly [number, number])[]): LeaderEpochCache {
  const cache = new LeaderEpochCache(env, 'data/t-0')
  for (const [epoch, offset] of entries) cache.assign(epoch, offset)
  return cache
}

const pairs = (cache: LeaderEpochCache): number[][] => cache.entries.map(({ epoch, startOffset }) => [epoch, startOffset])

describe('LeaderEpochCache', () => {
  it('answers where an epoch ends', () => {
    const cache = cacheOf(new FakeEnv(), [[2, 10], [5, 20], [7, 30]])
    expect(cache.endOffsetFor(7, 44)).toEqual({ epoch: 7, endOffset: 44 })
    expect(cache.endOffsetFor(8, 44)).toBeUndefined()
    expect(cache.endOffsetFor(-1, 44)).toBeUndefined()
    expect(cache.endOffsetFor(5, 44)).toEqual({ epoch: 5, endOffset: 30 })
    expect(cache.endOffsetFor(6, 44)).toEqual({ epoch: 5, endOffset: 30 })
    expect(cache.endOffsetFor(1, 44)).toEqual({ epoch: 1, endOffset: 10 })
    expect(cacheOf(new FakeEnv(), []).endOffsetFor(0, 0)).toBeUndefined()
    expect([9, 10, 19, 20, 99].map(offset => cache.epochAt(offset))).toEqual([undefined, 2, 2, 5, 7])
  })

  it('drops what contradicts a new entry', () => {
    const start: [number, number][] = [[2, 10], [5, 20], [7, 30]]
    expect(pairs(cacheOf(new FakeEnv(), [...start, [7, 35]]))).toEqual(start)
    expect(pairs(cacheOf(new FakeEnv(), [...start, [7, 25]]))).toEqual([[2, 10], [5, 20], [7, 25]])
    expect(pairs(cacheOf(new FakeEnv(), [...start, [8, 20]]))).toEqual([[2, 10], [8, 20]])
    expect(pairs(cacheOf(new FakeEnv(), [...start, [5, 40]]))).toEqual([[2, 10], [5, 40]])
  })

  it('truncates from both ends', () => {
    const cache = cacheOf(new FakeEnv(), [[2, 10], [5, 20], [7, 30]])
    cache.truncateFromEnd(30)
    expect(pairs(cache)).toEqual([[2, 10], [5, 20]])
    cache.truncateFromStart(15)
    expect(pairs(cache)).toEqual([[2, 15], [5, 20]])
    cache.truncateFromStart(20)
    expect(pairs(cache)).toEqual([[5, 20]])
  })

  it('stays strictly monotone and survives a restart whenever it comes, also a torn rewrite', () => {
    const operation = fc.oneof(
      fc.tuple(fc.constant('assign'), fc.nat(8), fc.nat(30)),
      fc.tuple(fc.constant('end'), fc.nat(30), fc.constant(0)),
      fc.tuple(fc.constant('start'), fc.nat(30), fc.constant(0)),
      fc.tuple(fc.constant('settle'), fc.constant(0), fc.constant(0)),
    )
    fc.assert(fc.property(fc.array(operation, { maxLength: 12 }), operations => {
      const env = new FakeEnv()
      const cache = cacheOf(env, [])
      let durable: number[][] = []
      for (const [kind, a, b] of operations) {
        if (kind === 'assign') cache.assign(a, b)
        else if (kind === 'end') cache.truncateFromEnd(a)
        else if (kind === 'start') cache.truncateFromStart(a)
        else {
          env.settle()
          durable = pairs(cache)
        }
        for (const [i, entry] of cache.entries.entries()) {
          const previous = cache.entries[i - 1]
          if (previous === undefined) continue
          expect(entry.epoch).toBeGreaterThan(previous.epoch)
          expect(entry.startOffset).toBeGreaterThan(previous.startOffset)
        }
        expect(pairs(cacheOf(new FakeEnv(env.disk.copy()), []))).toEqual(pairs(cache))
      }
      env.disk.loseUnsynced()
      expect(pairs(cacheOf(new FakeEnv(env.disk), []))).toEqual(durable)
    }), { seed: 1, numRuns: 200 })
  })
})
