/** The metadata quorum of plans: snapshots and changing voters are there and not there, and change nothing else of a seed. */
import { describe, expect, it } from 'vitest'
import { DEFAULT_GENERATE_OPTIONS } from '../../src/plan/generate-options.ts'
import { drawnPlans } from './fixture.ts'

const plans = drawnPlans(60)
const isMembership = (kind: string): boolean => kind.endsWith('-voter')

describe('the quorum of a plan', () => {
  it('takes snapshots in some and none in others, and records its voters in some', () => {
    const share = (holds: (plan: (typeof plans)[number]) => boolean): number => plans.filter(holds).length / plans.length
    for (const part of [share(({ swarm }) => swarm.includes('metadata snapshots')), share(({ cluster }) => cluster.server.quorumKraftVersion === 1)]) {
      expect(part).toBeGreaterThan(0.25)
      expect(part).toBeLessThan(0.75)
    }
    for (const { swarm, cluster } of plans) expect(swarm.includes('metadata snapshots')).toBe(cluster.server.metadataLogMaxRecordBytesBetweenSnapshots < 20_971_520)
  })

  it('changes only where voters are recorded and three are there', () => {
    const changing = plans.filter(({ faults }) => faults.some(({ action }) => isMembership(action.kind)))
    expect(changing.length).toBeGreaterThan(5)
    for (const { cluster } of changing) {
      expect(cluster.server.quorumKraftVersion).toBe(1)
      expect(cluster.servers.filter(({ roles }) => roles.includes('controller')).length).toBeGreaterThanOrEqual(3)
    }
  })

  it('leaves the rest as it is, whether voters may change or not', () => {
    const families = DEFAULT_GENERATE_OPTIONS.families.filter(family => family !== 'membership')
    const fixed = drawnPlans(60, { families })
    expect(fixed.some(({ faults }) => faults.some(({ action }) => isMembership(action.kind)))).toBe(false)
    for (const [index, plan] of fixed.entries()) {
      // Only the numbers of what comes later differ.
      const actions = (faults: typeof plan.faults) => faults.map(({ when, action }) => ({ when, action }))
      expect(actions(plan.faults)).toEqual(actions(plans[index]!.faults.filter(({ action }) => !isMembership(action.kind))))
      expect(plan.cluster).toEqual(plans[index]!.cluster)
    }
  })
})
