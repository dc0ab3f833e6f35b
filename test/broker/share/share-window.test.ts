/** The window of a share-partition against the plainest model of it: each record by itself. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ShareWindow } from '../../../src/broker/share/share-window.ts'
import type { AcquisitionLock, AcquireOptions } from '../../../src/broker/share/share-window.ts'
import { DeliveryState } from '../../../src/coordinator/share/state-batches.ts'

const LIMIT = 3
const lockOf = (memberId: string): AcquisitionLock => ({ memberId, isExpired: false })
const range = (firstOffset: number, lastOffset: number) => ({ firstOffset, lastOffset })

function acquire(window: ShareWindow, lock: AcquisitionLock, o: Partial<AcquireOptions> & Pick<AcquireOptions, 'batches'>) {
  return window.acquire({ fetchOffset: window.nextFetchOffset, maxRecords: 100, isStrict: false, maxInFlight: 100, lock, takesWholeFirstBatch: false, ...o })
}

describe('a window', () => {
  it('acquires whole batches, or exactly as many as asked for', () => {
    const window = new ShareWindow(0, [])
    expect(acquire(window, lockOf('a'), { batches: [range(0, 2), range(3, 5)], maxRecords: 2 })).toEqual([{ ...range(0, 2), deliveryCount: 1 }])
    expect(acquire(window, lockOf('b'), { batches: [range(3, 5)], maxRecords: 2, isStrict: true })).toEqual([{ ...range(3, 4), deliveryCount: 1 }])
    expect(window.nextFetchOffset).toBe(5)
  })

  it('holds no more than it may', () => {
    const window = new ShareWindow(0, [])
    expect(acquire(window, lockOf('a'), { batches: [range(0, 2), range(3, 5)], maxInFlight: 4 })).toEqual([{ ...range(0, 3), deliveryCount: 1 }])
    expect(acquire(window, lockOf('a'), { batches: [range(3, 5)], maxInFlight: 4 })).toEqual([])
  })

  it('has nothing in the holes that compaction has left', () => {
    const window = new ShareWindow(0, [])
    expect(acquire(window, lockOf('a'), { batches: [range(4, 5), range(8, 8)] })).toEqual([{ ...range(4, 5), deliveryCount: 1 }, { ...range(8, 8), deliveryCount: 1 }])
    window.advance()
    expect(window.startOffset).toBe(4)
  })

  it('begins where it was found, in the middle of a batch, unless it takes it whole (KAFKA-19954)', () => {
    const state = [{ ...range(7, 7), deliveryState: DeliveryState.ACKNOWLEDGED, deliveryCount: 1 }]
    const right = new ShareWindow(5, state)
    expect(acquire(right, lockOf('a'), { batches: [range(3, 9)] })).toEqual([{ ...range(5, 6), deliveryCount: 1 }, { ...range(8, 9), deliveryCount: 1 }])
    const wrong = new ShareWindow(5, state)
    expect(acquire(wrong, lockOf('a'), { batches: [range(3, 9)], takesWholeFirstBatch: true })[0]).toEqual({ ...range(3, 6), deliveryCount: 1 })
    expect(wrong.startOffset).toBe(3)
  })

  it('follows the start of the log, and forgets what is gone', () => {
    const window = new ShareWindow(0, [])
    acquire(window, lockOf('a'), { batches: [range(0, 3)] })
    window.moveStartTo(2)
    expect(window.acquired({ memberId: 'a' })).toEqual([2, 3])
    window.moveStartTo(9)
    expect([window.startOffset, window.nextOffset]).toEqual([9, 9])
  })

  it('rolls a decision back to where it was', () => {
    const window = new ShareWindow(0, [])
    const lock = lockOf('a')
    acquire(window, lock, { batches: [range(0, 0)] })
    window.decide(0, DeliveryState.ACKNOWLEDGED, LIMIT)
    window.advance()
    expect([window.startOffset, window.lockOf(0)]).toEqual([0, undefined])
    expect(window.rollBack(0)).toBe(lock)
    expect(window.lockOf(0)).toBe(lock)
  })
})

type Step = { readonly f: 'acquire'; readonly member: string; readonly max: number } | { readonly f: 'decide' | 'fail'; readonly nth: number; readonly state: DeliveryState }

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ f: fc.constant('acquire' as const), member: fc.constantFrom('a', 'b'), max: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ f: fc.constantFrom('decide' as const, 'decide' as const, 'fail' as const), nth: fc.nat(20), state: fc.constantFrom(DeliveryState.AVAILABLE, DeliveryState.ACKNOWLEDGED, DeliveryState.ARCHIVED) }),
)

it('never gives a record to two, never again what is final, and counts its deliveries', () => {
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), steps => {
    const window = new ShareWindow(0, [])
    const model = new Map<number, { state: DeliveryState; count: number }>()
    let start = 0
    for (const one of steps) {
      if (one.f === 'acquire') {
        const from = window.nextFetchOffset
        const batches = Array.from({ length: 3 }, (_, n) => range(Math.floor(from / 3) * 3 + 3 * n, Math.floor(from / 3) * 3 + 3 * n + 2))
        for (const { firstOffset, lastOffset, deliveryCount } of acquire(window, lockOf(one.member), { batches, maxRecords: one.max })) {
          for (let offset = firstOffset; offset <= lastOffset; offset++) {
            const known = model.get(offset) ?? { state: DeliveryState.AVAILABLE, count: 0 }
            expect(known.state).toBe(DeliveryState.AVAILABLE)
            expect(deliveryCount).toBe(known.count + 1)
            model.set(offset, { state: DeliveryState.ACQUIRED, count: deliveryCount })
          }
        }
      } else {
        const held = [...model].filter(([, { state }]) => state === DeliveryState.ACQUIRED).map(([offset]) => offset)
        const offset = held[one.nth % Math.max(1, held.length)]
        if (offset === undefined) continue
        const { count } = model.get(offset)!
        const { deliveryState } = window.decide(offset, one.state, LIMIT)
        expect(deliveryState).toBe(one.state === DeliveryState.AVAILABLE && count >= LIMIT ? DeliveryState.ARCHIVED : one.state)
        if (one.f === 'fail') window.rollBack(offset)
        else {
          window.commit(offset)
          model.set(offset, { state: deliveryState as DeliveryState, count })
        }
      }
      window.advance()
      expect(window.startOffset).toBeGreaterThanOrEqual(start)
      start = window.startOffset
      expect([...model].filter(([, { state }]) => state !== DeliveryState.ACKNOWLEDGED && state !== DeliveryState.ARCHIVED).every(([offset]) => offset >= start)).toBe(true)
    }
  }), { seed: 1, numRuns: 300 })
})
