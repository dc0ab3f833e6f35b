/** What counts as a configuration that was there: the same place, state and bits, and no more lost operations used. */
import { describe, expect, it } from 'vitest'
import { Configurations } from '../../../checkers/linearizability/configurations.ts'

const bits = Int32Array.of(5)
const counts = (...values: readonly number[]): Int32Array => Int32Array.from(values)

describe('configurations', () => {
  it('are entered once', () => {
    const seen = new Configurations(1, 0)
    expect(seen.add(1, 2, bits, counts())).toBe(true)
    expect(seen.add(1, 2, bits, counts())).toBe(false)
    expect([seen.add(2, 2, bits, counts()), seen.add(1, 3, bits, counts()), seen.add(1, 2, Int32Array.of(4), counts())]).toEqual([true, true, true])
    expect(seen.size).toBe(4)
  })

  it('are dominated by those that used no more of anything', () => {
    const seen = new Configurations(1, 2)
    expect(seen.add(1, 2, bits, counts(1, 1))).toBe(true)
    expect(seen.has(1, 2, bits, counts(1, 2))).toBe(true)
    expect(seen.add(1, 2, bits, counts(1, 2))).toBe(false)
    expect(seen.has(1, 2, bits, counts(0, 2))).toBe(false)
    expect(seen.add(1, 2, bits, counts(0, 2))).toBe(true)
    expect(seen.add(1, 2, bits, counts(0, 1))).toBe(true)
    expect(seen.add(1, 2, bits, counts(5, 1))).toBe(false)
  })

  it('are still known when there are many', () => {
    const seen = new Configurations(2, 1)
    for (const expected of [true, false]) {
      for (let i = 0; i < 20_000; i++) if (seen.add(i, i % 7, Int32Array.of(i * 31, -i), counts(i % 3)) !== expected) expect.fail(`${i}`)
    }
    expect(seen.size).toBe(20_000)
  })
})
