/** Situations and moments: all of them can be drawn, each with what it needs, and quorums are divided only where there is one. */
import { describe, expect, it } from 'vitest'
import { type Coordinators, type FaultBounds, NO_COORDINATORS } from '../../src/nemesis/draw-action.ts'
import { COORDINATOR_SITUATIONS } from '../../src/nemesis/coordinator-situations.ts'
import { run } from '../../src/nemesis/draw-runs.ts'
import { FAULT_KINDS, type FaultKind } from '../../src/nemesis/fault.ts'
import { eventOf } from '../../src/nemesis/moments.ts'
import { PARTITION_SITUATIONS, QUORUM_SITUATIONS, type Situation } from '../../src/nemesis/situations.ts'
import { drawOne, rootOf } from '../../src/plan/seed-random.ts'

const FOCUS = { topic: 'a', partition: 1 }
const STATE = { topic: '__transaction_state', partition: 1 }
const COORDINATORS: Coordinators = { transactions: [STATE], groups: [{ topic: '__consumer_offsets', partition: 0 }] }
const BOUNDS: FaultBounds = {
  kinds: FAULT_KINDS, chaosUs: 4_000_000, topics: [{ name: 'a', partitions: 2 }], minFaults: 1, maxFaults: 9, maxOutageUs: 1_500_000, machineCrashes: true,
  expendable: [], underTest: [], coordinators: NO_COORDINATORS, voters: 3, runs: { shortest: 3, longest: 6, share: 8, mostGroups: 2 },
}

const runs = (bounds: Partial<FaultBounds> = {}, count = 200) => {
  const { random } = rootOf('situations')
  return Array.from({ length: count }, () => drawOne(run({ ...BOUNDS, ...bounds }), random))
}

describe.each([...PARTITION_SITUATIONS, ...QUORUM_SITUATIONS, ...COORDINATOR_SITUATIONS])('$name', (situation: Situation) => {
  it('does what its kind says, at moments that there are', () => {
    const { random } = rootOf(situation.name)
    for (const [kind, drawn] of situation.choices(BOUNDS, FOCUS, STATE)) expect(drawOne(drawn, random).kind).toBe(kind)
    expect(situation.moments.length).toBeGreaterThan(0)
    for (const moment of [...situation.moments, ...situation.momentsAfterStop ?? []]) {
      const { topic, kind } = eventOf(moment, FOCUS, STATE)
      // A moment of the partition is one of that partition only.
      expect(topic === undefined).toBe(/^(broker|client|request|raft|controller|group|transaction)-/.test(kind) && kind !== 'transaction-opened')
      if (kind === 'coordinator-loaded') expect(topic).toBe(STATE.topic)
    }
    expect(situation.weight.every(weight => weight > 0)).toBe(true)
  })
})

describe('a run', () => {
  it('is as long as asked for, and each fault follows the one before', () => {
    const drawn = runs()
    expect(new Set(drawn.map(({ length }) => length))).toEqual(new Set([3, 4, 5, 6]))
    for (const drafts of drawn) {
      drafts.forEach(({ when }, index) => {
        if ('on' in when) expect(when.since).toBe(index === 0 ? undefined : index - 1)
      })
    }
    const following = drawn.flatMap(drafts => drafts.slice(1)).filter(({ when }) => 'on' in when)
    expect(following.length).toBeGreaterThan(drawn.flatMap(drafts => drafts.slice(1)).length * 0.7)
  })

  it('always goes on: what waits for a moment does not wait for ever', () => {
    for (const { when } of runs().flat()) if ('on' in when && when.on.kind !== 'fault') expect(when.within).toBeGreaterThan(0)
  })

  it('divides a quorum where there is one', () => {
    const atQuorum = (voters: number): number => runs({ voters }).filter(drafts => drafts.some(({ when }) => 'on' in when && when.on.kind.startsWith('raft-'))).length
    expect(atQuorum(1)).toBe(0)
    expect(atQuorum(3)).toBeGreaterThan(30)
  })

  it('stops a leader more often after somebody was cut off than anything else', () => {
    const stops = (kinds: readonly FaultKind[]): number => runs({ kinds: [...kinds], voters: 1 }).flat().filter(({ action }) => action.kind === 'pause').length
    expect(stops(['clog', 'pause'])).toBeGreaterThan(150)
  })

  it('makes do with what is allowed', () => {
    for (const kind of FAULT_KINDS) expect(new Set(runs({ kinds: [kind] }, 30).flat().map(({ action }) => action.kind))).toEqual(new Set([kind]))
  })

  it('goes around a coordinator as often as not where there is one, at moments that it can have', () => {
    const kinds = (coordinators: Coordinators): { runs: number; seen: Set<string> } => {
      const drawn = runs({ coordinators })
      const around = drawn.filter(drafts => drafts.some(({ action }) => JSON.stringify(action).includes('"__')))
      return { runs: around.length, seen: new Set(drawn.flat().flatMap(({ when }) => ('on' in when ? [when.on.kind] : []))) }
    }
    expect(kinds(NO_COORDINATORS).runs).toBe(0)
    const both = kinds(COORDINATORS)
    expect(both.runs).toBeGreaterThan(50)
    expect([...both.seen]).toEqual(expect.arrayContaining(['transaction-state', 'client-transaction', 'marker-written', 'group-state', 'client-rebalance', 'coordinator-loaded']))
    const groups = kinds({ ...COORDINATORS, transactions: [] })
    expect(groups.runs).toBeGreaterThan(50)
    expect([...groups.seen].filter(kind => kind.startsWith('transaction-') || kind === 'client-transaction')).toEqual([])
  })
})
