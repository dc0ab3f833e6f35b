/** The idempotent workload: what it draws, that brokers forget producers in it, and that it is valid all the same. */
import { describe, expect, it } from 'vitest'
import { DEFAULT_SERVER_CONFIG } from '../../src/config/cluster.ts'
import { DEFAULT_GENERATE_OPTIONS } from '../../src/plan/generate-options.ts'
import { generatePlan } from '../../src/plan/generate-plan.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { trialSeed } from '../../src/plan/seed-random.ts'
import { runPlan } from '../../src/trial/run-plan.ts'
import { idempotent } from '../../workloads/idempotent.ts'

const planOf = (index: number, defects: Plan['defects'] = []): Plan => generatePlan(trialSeed('idempotent', index), { ...DEFAULT_GENERATE_OPTIONS, workload: 'idempotent', defects }, idempotent)
const plans = Array.from({ length: 60 }, (_, index) => planOf(index))
const expires = ({ cluster: { server } }: Plan): boolean => server.producerIdExpirationMs < DEFAULT_SERVER_CONFIG.producerIdExpirationMs

describe('drawing', () => {
  it('has several producers, all idempotent, that are silent in between', () => {
    for (const { clients } of plans) {
      const producers = clients.flatMap(client => (client.kind === 'producer' ? [client.config] : []))
      expect(producers.length).toBeGreaterThan(2)
      expect(producers.every(({ enableIdempotence, acks }) => enableIdempotence === true && acks === -1)).toBe(true)
    }
    expect(new Set(plans.flatMap(({ clients }) => clients.map(({ host }) => host))).size).toBeGreaterThan(8)
  })

  it('lets ids expire where clocks are right, and only there', () => {
    const clocksFail = (plan: Plan): boolean => plan.faults.some(({ action }) => action.kind.startsWith('clock-'))
    for (const plan of plans) expect(expires(plan)).toBe(!clocksFail(plan))
    expect(new Set(plans.map(expires))).toEqual(new Set([true, false]))
  })
})

describe('trials', () => {
  const some = plans.filter(plan => expires(plan) && plan.timing.chaosUs > plan.cluster.server.producerIdExpirationMs * 1_000).slice(0, 4)
  const results = some.map(plan => runPlan(plan, idempotent))

  it('are valid', () => {
    expect(results.flatMap(({ findings }) => findings.filter(({ status }) => status === 'bad'))).toEqual([])
  })

  it('make brokers forget producers', () => {
    expect(results.some(({ marks }) => (marks['producer-expired'] ?? 0) > 0)).toBe(true)
  })
})
