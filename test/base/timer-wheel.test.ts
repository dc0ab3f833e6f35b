import { describe, expect, it } from 'vitest'
import { below, draw32 } from '../../src/base/random.ts'
import { END_OF_TIME, TimerWheel, WheelEntry } from '../../src/base/timer-wheel.ts'

class Entry extends WheelEntry {
  readonly id: number

  constructor(id: number) {
    super()
    this.id = id
  }
}

/** Horizons that reach every level of the wheel, many ties, and beyond 2^30 and 2^31. */
const HORIZONS = [4, 3_000, 2_000_000, 2 ** 28, 2 ** 33]

describe('TimerWheel', () => {
  it('agrees with a sorted list under random inserts, removals and bounded pops', () => {
    for (const horizon of HORIZONS) {
      const wheel = new TimerWheel<Entry>()
      let model: { time: number; entry: Entry }[] = []
      let now = 0
      for (let i = 0; i < 3_000 && now < END_OF_TIME - 2 * horizon; i++) {
        const draw = draw32(horizon, 'step', i)
        const kind = draw % 8
        if (kind < 4) {
          const entry = new Entry(i)
          const time = now + below(draw32(horizon, 'time', i), horizon)
          wheel.insert(entry, time)
          model.push({ time, entry })
        } else if (kind === 4 && model.length > 0) {
          const [gone] = model.splice(below(draw32(horizon, 'remove', i), model.length), 1)
          wheel.remove(gone!.entry)
          wheel.remove(gone!.entry)
        } else {
          const until = now + below(draw32(horizon, 'until', i), horizon)
          // A stable sort by time: equal times in the order of insertion.
          const next = [...model].sort((a, b) => a.time - b.time)[0]
          const popped = wheel.pop(until)
          if (next === undefined || next.time > until) {
            expect(popped).toBeUndefined()
            now = until
          } else {
            expect(popped?.id).toBe(next.entry.id)
            now = next.time
            model = model.filter(({ entry }) => entry !== popped)
          }
        }
        expect(wheel.length).toBe(model.length)
      }
    }
  })

  it('keeps but never gives what lies beyond the end of time', () => {
    const wheel = new TimerWheel<Entry>()
    const never = new Entry(1)
    wheel.insert(never, END_OF_TIME + 5)
    expect(wheel.pop(END_OF_TIME - 1)).toBeUndefined()
    wheel.remove(never)
    expect(wheel.length).toBe(0)
  })
})
