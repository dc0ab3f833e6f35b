/**
 * Shrinking against predicates whose minimal answer is known: it is found, within the executions allowed, never growing,
 * and what is reported as needed is needed.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { elementsOf, keepElements } from '../../src/plan/elements.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { type Shrunk, describeElement, shrink } from '../../src/plan/shrink.ts'
import { SMALL, drawn } from './fixture.ts'

const BIG: Plan = {
  ...drawn(0, { operations: 120, faultRate: 'high', brokers: 4 }),
  choices: { mode: 'explicit', fired: Array.from({ length: 30 }, (_, index) => ({ key: `delay:${index}`, value: index })) },
}

interface Needs {
  readonly operations: readonly number[]
  readonly faults: readonly number[]
  readonly choices: readonly string[]
  readonly hosts: readonly string[]
}

/** Fails as long as all of these are left: the minimal failing plan is known. */
function needing(needs: Partial<Needs>): (plan: Plan) => boolean {
  return plan => {
    const operations = new Set(plan.operations.map(({ id }) => id))
    const faults = new Set(plan.faults.map(({ id }) => id))
    const choices = new Set(plan.choices.mode === 'explicit' ? plan.choices.fired.map(({ key }) => key) : [])
    const hosts = new Set(plan.cluster.servers.map(({ host }) => host))
    return (needs.operations ?? []).every(id => operations.has(id)) && (needs.faults ?? []).every(id => faults.has(id))
      && (needs.choices ?? []).every(key => choices.has(key)) && (needs.hosts ?? []).every(host => hosts.has(host))
  }
}

const contents = ({ plan }: Shrunk) => ({
  operations: plan.operations.map(({ id }) => id),
  faults: plan.faults.map(({ id }) => id),
  choices: plan.choices.mode === 'explicit' ? plan.choices.fired.map(({ key }) => key) : [],
})

const subsetOf = (all: readonly number[], max: number): fc.Arbitrary<number[]> => fc.subarray([...all], { maxLength: max })

describe('shrinking', () => {
  it('finds exactly what is needed', async () => {
    const operations = BIG.operations.filter(({ f }) => f === 'send').map(({ id }) => id)
    const faults = BIG.faults.map(({ id }) => id)
    await fc.assert(fc.asyncProperty(subsetOf(operations, 4), subsetOf(faults, 3), subsetOf([0, 7, 15, 29], 2), async (ids, faultIds, choiceIds) => {
      const needs = { operations: ids, faults: faultIds, choices: choiceIds.map(id => `delay:${id}`) }
      const shrunk = await shrink(BIG, { budget: 10_000, fails: needing(needs) })
      expect(contents(shrunk)).toEqual(needs)
      expect(shrunk.cutShort).toBe(false)
      // A broker, a controller, and no partition that nobody needs.
      expect(shrunk.plan.cluster.servers.length).toBeLessThanOrEqual(2)
      expect(new Set(shrunk.plan.clients.map(({ host }) => host))).toEqual(new Set(shrunk.plan.operations.map(({ client }) => client)))
    }), { seed: 11, numRuns: 25 })
  })

  it('of 120 operations, 20 faults and 30 choices to three takes few executions', async () => {
    const fault = BIG.faults.length - 1
    const shrunk = await shrink(BIG, { budget: 10_000, fails: needing({ operations: [5], faults: [fault], choices: ['delay:12'] }) })
    expect(contents(shrunk)).toEqual({ operations: [5], faults: [fault], choices: ['delay:12'] })
    expect(shrunk.executions).toBeLessThan(100)
  })

  it('never grows: what fails is smaller each time, and each candidate is part of what failed last', async () => {
    const counts: number[] = []
    let last = new Set(elementsOf(BIG).map(element => JSON.stringify(element)))
    const fails = needing({ operations: [3, 40, 80], faults: [1, 2] })
    const shrunk = await shrink(BIG, {
      budget: 10_000,
      progress: kept => counts.push(kept),
      fails: candidate => {
        const elements = elementsOf(candidate).map(element => JSON.stringify(element))
        expect(elements.every(element => last.has(element))).toBe(true)
        expect(elements.length).toBeLessThan(last.size)
        if (!fails(candidate)) return false
        last = new Set(elements)
        return true
      },
    })
    expect(counts.length).toBeGreaterThan(3)
    expect(counts).toEqual([...new Set(counts)].sort((a, b) => b - a))
    expect(counts.at(-1)).toBe(shrunk.kept.filter(Boolean).length)
  })

  it('keeps to its executions, and answers with the smallest that failed so far', async () => {
    for (const budget of [0, 1, 7, 20]) {
      let executions = 0
      let smallest = BIG
      const fails = needing({ operations: [3, 40, 80], faults: [1, 2] })
      const shrunk = await shrink(BIG, {
        budget,
        fails: candidate => {
          executions++
          if (fails(candidate)) smallest = candidate
          return fails(candidate)
        },
      })
      expect([executions, shrunk.executions]).toEqual([budget, budget])
      expect(shrunk.cutShort).toBe(true)
      expect(shrunk.plan).toEqual(smallest)
      expect(fails(shrunk.plan)).toBe(true)
    }
  })

  it('tells which of what is left is needed', async () => {
    const shrunk = await shrink(SMALL, { budget: 1_000, fails: needing({ operations: [1, 3], faults: [1], hosts: ['broker-1', 'broker-2'] }) })
    expect(shrunk.remaining.map(({ text, without }) => `${text}: ${without}`)).toEqual([
      'client-1: send #1: passes',
      'client-1: send #3: passes',
      'at 0.000015s: process crash of broker-2 for 1 ms: passes',
      'server broker-1: passes',
      'server broker-2: passes',
      // Without it there is no plan to test.
      'server controller-101: not tested',
      'partition a-1: passes',
      'partition b-0: passes',
    ])
  })

  it('ends where no single element can go, even if the predicate is not monotone', async () => {
    // Fails with both faults or with neither, and with an even number of operations.
    const fails = (plan: Plan): boolean => plan.faults.length !== 1 && plan.operations.length % 2 === 0 && plan.operations.length > 0
    const { plan } = await shrink({ ...SMALL, choices: { mode: 'explicit', fired: [] } }, { budget: 1_000, fails })
    expect(fails(plan)).toBe(true)
    expect(plan.operations).toHaveLength(2)
    const elements = elementsOf(plan)
    const smaller = elements.map((_, index) => keepElements(plan, elements, elements.map((_element, other) => other !== index)))
    // Without a partition below another one the plan is the same.
    expect(smaller.filter(each => each !== undefined && fails(each) && JSON.stringify(each) !== JSON.stringify(plan))).toEqual([])
    expect(smaller.filter(each => each !== undefined).length).toBeGreaterThan(3)
  })

  it('waits for predicates that take their time', async () => {
    const fails = needing({ operations: [2] })
    const shrunk = await shrink(SMALL, { budget: 1_000, fails: candidate => new Promise(resolve => setImmediate(() => resolve(fails(candidate)))) })
    expect(contents(shrunk).operations).toEqual([2])
  })

  it('keeps everything when nothing smaller fails', async () => {
    const shrunk = await shrink(SMALL, { budget: 1_000, fails: () => false })
    expect(shrunk.plan).toEqual(SMALL)
    expect(shrunk.cutShort).toBe(false)
    expect(shrunk.executions).toBeGreaterThanOrEqual(elementsOf(SMALL).length)
  })
})

describe('an element in words', () => {
  it('says what it is, known to the plan or not', () => {
    expect(elementsOf(SMALL).map(element => describeElement(SMALL, element))).toEqual([
      'client-2: consume #0', 'client-1: send #1', 'client-1: send #2', 'client-1: send #3', 'client-3: list-offsets #4', 'client-2: rewind #5',
      'client-3: create-topic #6', 'client-3: delete-topic #7', expect.stringContaining('process of broker-1 paused'), expect.stringContaining('process crash of broker-2'),
      'kernel choice delay:x', 'kernel choice break:y', 'server broker-1', 'server broker-2', 'server controller-101', 'partition a-0', 'partition a-1', 'partition b-0',
    ])
    expect(describeElement(SMALL, { kind: 'operation', id: 99 })).toBe('operation 99')
    expect(describeElement(SMALL, { kind: 'fault', id: 99 })).toBe('fault 99')
  })
})
