/**
 * The elements of a plan: their order, what a plan without some of them looks like (never one that cannot run), and that
 * every plan stays sound whatever is left out.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Element, elementsOf, keepElements } from '../../src/plan/elements.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { SMALL, drawnPlans, problemsOf } from './fixture.ts'

const named = (element: Element): string => {
  switch (element.kind) {
    case 'operation': case 'fault': return `${element.kind} ${element.id}`
    case 'choice': return `choice ${element.key}`
    case 'server': return `server ${element.host}`
    case 'buggify': return `buggify ${element.site}`
    case 'partition': return `partition ${element.topic}-${element.partition}`
  }
}

/** The small plan without the elements named. */
function without(...names: string[]): Plan | undefined {
  const elements = elementsOf(SMALL)
  for (const name of names) expect(elements.map(named)).toContain(name)
  return keepElements(SMALL, elements, elements.map(element => !names.includes(named(element))))
}

describe('elements', () => {
  it('stand in the order that tokens rely on', () => {
    expect(elementsOf(SMALL).map(named)).toEqual([
      ...[0, 1, 2, 3, 4, 5, 6, 7].map(id => `operation ${id}`), 'fault 0', 'fault 1', 'choice delay:x', 'choice break:y',
      'server broker-1', 'server broker-2', 'server controller-101', 'partition a-0', 'partition a-1', 'partition b-0',
    ])
  })

  it('are no choices while the kernel still draws them', () => {
    const drawn: Plan = { ...SMALL, choices: { mode: 'drawn', delay: 0.1, delayMaxUs: 1, break: 0, tornWrite: 0 } }
    const elements = elementsOf(drawn)
    expect(elements.map(({ kind }) => kind)).not.toContain('choice')
    expect(keepElements(drawn, elements, elements.map(() => true))!.choices).toBe(drawn.choices)
  })

  it('name every part of a plan once', () => {
    for (const plan of drawnPlans(6)) {
      const names = elementsOf(plan).map(named)
      expect(new Set(names).size).toBe(names.length)
      expect(names).toHaveLength(plan.operations.filter(({ f }) => f !== 'run').length + plan.faults.length + (plan.buggify?.length ?? 0) + plan.cluster.servers.length + plan.topics.reduce((sum, { partitions }) => sum + partitions, 0))
    }
  })
})

describe('keeping', () => {
  it('all of them gives the same plan', () => {
    expect(without()).toEqual(SMALL)
  })

  it('some drops operations, faults and choices by themselves', () => {
    const plan = without('operation 1', 'operation 2', 'operation 3', 'fault 0', 'choice delay:x')!
    expect(plan.operations.map(({ id }) => id)).toEqual([0, 4, 5, 6, 7])
    expect(plan.faults.map(({ id }) => id)).toEqual([1])
    expect(plan.choices).toEqual({ mode: 'explicit', fired: [{ key: 'break:y', value: 1 }] })
    // Nothing is left for the producer to do.
    expect(plan.clients.map(({ host }) => host)).toEqual(['client-2', 'client-3'])
  })

  it('fewer brokers lowers replication factors and forgets their names', () => {
    const plan = without('server broker-2')!
    expect(plan.cluster.servers.map(({ host }) => host)).toEqual(['broker-1', 'controller-101'])
    expect(plan.topics.map(({ replicationFactor }) => replicationFactor)).toEqual([1, 1])
    for (const { config } of plan.clients) expect(config.bootstrapServers).toEqual(['broker-1'])
    // A fault may aim at a server that is gone: it will find no target.
    expect(plan.faults).toHaveLength(2)
  })

  it('fewer partitions takes their operations along', () => {
    const plan = without('partition a-1')!
    expect(plan.topics[0]).toMatchObject({ name: 'a', partitions: 1 })
    expect(plan.operations.map(({ id }) => id)).toEqual([0, 2, 3, 5, 6, 7])
    expect(plan.operations[0]).toMatchObject({ f: 'consume', partitions: [0] })
  })

  it('a partition above one that is dropped keeps its number', () => {
    expect(without('partition a-0')!.topics[0]).toMatchObject({ name: 'a', partitions: 2 })
  })

  it('no partition of a topic leaves only what does not need it', () => {
    const plan = without('partition b-0')!
    expect(plan.topics.map(({ name }) => name)).toEqual(['a'])
    expect(plan.operations.map(({ id }) => id)).toEqual([0, 1, 2, 4, 6, 7])
  })

  it.each([
    ['controller', ['server controller-101']],
    ['broker', ['server broker-1', 'server broker-2']],
    ['topic', ['partition a-0', 'partition a-1', 'partition b-0']],
  ])('no %s leaves no plan', (_, names) => {
    expect(without(...names)).toBeUndefined()
  })

  it('anything leaves a sound plan, or none', () => {
    const plans = drawnPlans(4)
    let left = 0
    fc.assert(fc.property(fc.nat(plans.length - 1), fc.infiniteStream(fc.integer({ min: 0, max: 99 })), fc.integer({ min: 1, max: 99 }), (which, draws, percent) => {
      const plan = plans[which]!
      const elements = elementsOf(plan)
      const kept = elements.map(() => draws.next().value! < percent)
      const smaller = keepElements(plan, elements, kept)
      if (smaller === undefined) return
      left++
      // Ids and targets stay those of the whole plan; min.insync.replicas may by then exceed the brokers.
      const problems = problemsOf({ ...smaller, operations: smaller.operations.map((operation, id) => ({ ...operation, id })), faults: [] })
      expect(problems.filter(text => !text.includes('can never be written to'))).toEqual([])
      expect(elementsOf(smaller).length).toBeLessThanOrEqual(elements.length)
      const ids = new Set(plan.operations.map(({ id }) => id))
      for (const { id } of smaller.operations) expect(ids.has(id)).toBe(true)
    }), { seed: 5, numRuns: 100 })
    expect(left).toBeGreaterThan(40)
  })
})
