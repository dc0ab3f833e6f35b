/** A configuration that is changed by the nemesis, by whom, and back; and what such a plan still owes. */
import { describe, expect, it } from 'vitest'
import type { FaultAction } from '../../src/nemesis/fault.ts'
import { DEFAULT_GENERATE_OPTIONS } from '../../src/plan/generate-options.ts'
import { generatePlan } from '../../src/plan/generate-plan.ts'
import { guaranteeConfigOf, lossyBudget, permittedLogStart } from '../../src/trial/plan-guarantees.ts'
import { runPlan } from '../../src/trial/run-plan.ts'
import { produceConsume } from '../../workloads/produce-consume.ts'
import { fault, SmallWorld } from './small-world.ts'

const MS = 1_000
const change = (name: string, value: string, former: string | null): FaultAction => ({ kind: 'alter-config', topic: 'orders', name, value, former, durationUs: 20 * MS })

describe('a configuration', () => {
  it('is changed and changed back, to its default if it had no value of its own', () => {
    const world = new SmallWorld([fault(change('min.insync.replicas', '1', '2')), fault(change('retention.ms', '1000', null), { id: 1, when: { at: 5 * MS } })])
    world.nemesis.activate()
    world.run(100)
    expect(world.configChanges.map(text => text.slice(text.indexOf(' ') + 1))).toEqual([
      'orders min.insync.replicas=1', 'orders retention.ms=1000', 'orders min.insync.replicas=2', 'orders retention.ms=default',
    ])
    expect(world.faults[0]).toMatch(/start 0 min\.insync\.replicas=1 for orders for 20 ms$/)
  })

  it('is changed back when everything heals', () => {
    const world = new SmallWorld([fault({ ...change('min.insync.replicas', '1', '2'), durationUs: 10_000 * MS } as FaultAction)])
    world.nemesis.activate()
    world.run(10)
    world.nemesis.healAll()
    expect(world.configChanges).toHaveLength(2)
  })
})

describe('a plan in which configurations change', () => {
  const drawn = Array.from({ length: 60 }, (_, index) => generatePlan(`configs-${index}`, DEFAULT_GENERATE_OPTIONS, produceConsume))
  const actions = drawn.flatMap(({ faults }) => faults.flatMap(({ action }) => (action.kind === 'alter-config' ? [action] : [])))

  it('is drawn now and then, both min.insync.replicas and retention', () => {
    expect(new Set(actions.map(({ name }) => name))).toEqual(new Set(['min.insync.replicas', 'retention.ms', 'retention.bytes']))
    expect(drawn.some(({ cluster }) => cluster.server.maxIncrementalFetchSessionCacheSlots !== undefined)).toBe(true)
  })

  it('owes what the smallest min.insync.replicas does, and may lose its oldest records by retention', () => {
    const plan = drawn.find(({ faults, topics }) => faults.every(({ action }) => action.kind !== 'alter-config') && topics[0]?.configs['min.insync.replicas'] === '2'
      && topics[0].configs['retention.bytes'] === undefined && topics[0].replicationFactor === 3)!
    const { name } = plan.topics[0]!
    const reconfigured = (action: FaultAction) => ({ ...plan, faults: [fault({ ...action, topic: name } as FaultAction)] })
    const weaker = reconfigured(change('min.insync.replicas', '1', '2'))
    expect([guaranteeConfigOf(plan).minInsyncReplicas, guaranteeConfigOf(weaker).minInsyncReplicas, lossyBudget(weaker)]).toEqual([2, 1, 0])
    expect(guaranteeConfigOf(reconfigured(change('min.insync.replicas', '3', '2'))).minInsyncReplicas).toBe(2)
    const start = { [`${name}-0`]: 7 }
    expect(permittedLogStart({ ...plan, operations: [] }, start)).toEqual({ [`${name}-0`]: 0 })
    expect(permittedLogStart({ ...reconfigured(change('retention.ms', '1000', null)), operations: [] }, start)).toEqual(start)
  })

  it('reaches the cluster: the change and its end are acknowledged', () => {
    const plan = drawn.find(({ faults }) => faults.some(({ action }) => action.kind === 'alter-config'))!
    const { marks, verdict } = runPlan({ ...plan, faults: plan.faults.filter(({ action }) => action.kind === 'alter-config').map(one => ({ ...one, when: { at: 100_000 } })) }, produceConsume)
    const altered = Object.entries(marks).filter(([name]) => name.startsWith('config-altered-')).reduce((sum, [, count]) => sum + count, 0)
    expect([altered, verdict]).toEqual([2 * plan.faults.filter(({ action }) => action.kind === 'alter-config').length, 'valid'])
  })
})
