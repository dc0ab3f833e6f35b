/** Latency distributions of paths: within their bounds, each style among many paths, the same for the same seed. */
import { describe, expect, it } from 'vitest'
import { mix } from '../../src/base/random.ts'
import { PathLatency } from '../../src/sim/path-latency.ts'

const MODEL = { kind: 'per-path', minUs: 200, maxUs: 2_200 } as const
const draws = Array.from({ length: 2_000 }, (_, index) => mix(index, 9) >>> 0)
const range = (latency: PathLatency): readonly [number, number] => {
  const all = draws.map(draw => latency.of(draw))
  return [Math.min(...all), Math.max(...all)]
}

describe('a latency', () => {
  it('that is constant is not drawn', () => {
    expect(new PathLatency({ kind: 'constant', minUs: 500, maxUs: 900 }, 1)).toMatchObject({ isConstant: true, constantUs: 500 })
    expect(new PathLatency({ kind: 'drawn', minUs: 500, maxUs: 500 }, 1).isConstant).toBe(true)
  })

  it('that is drawn covers its range on every path', () => {
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const [least, most] = range(new PathLatency({ ...MODEL, kind: 'drawn' }, seed))
      expect(least).toBeGreaterThanOrEqual(200)
      expect(least).toBeLessThan(220)
      expect(most).toBeGreaterThan(2_180)
      expect(most).toBeLessThanOrEqual(2_200)
    }
  })

  it('per path is near, ordinary, far or tailed', () => {
    const styles = new Set(Array.from({ length: 40 }, (_, seed) => {
      const [least, most] = range(new PathLatency(MODEL, mix(seed, 3)))
      return least >= 1_700 ? 'far' : most > 2_200 ? 'tailed' : most <= 700 ? 'near' : 'ordinary'
    }))
    expect([...styles].sort()).toEqual(['far', 'near', 'ordinary', 'tailed'])
  })

  it('of a tailed path is near most of the time, and at most four times the most', () => {
    const tailed = Array.from({ length: 40 }, (_, seed) => new PathLatency(MODEL, mix(seed, 3))).find(latency => range(latency)[1] > 2_200)!
    const slow = draws.filter(draw => tailed.of(draw) > 700).length
    expect(slow / draws.length).toBeGreaterThan(0.02)
    expect(slow / draws.length).toBeLessThan(0.1)
    expect(range(tailed)[1]).toBeLessThanOrEqual(8_800)
  })
})
