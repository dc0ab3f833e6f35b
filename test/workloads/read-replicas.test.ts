/** The drain reads every in-sync replica: what only a follower keeps is seen by clients, and replicas that agree show nothing. */
import { describe, expect, it } from 'vitest'
import { DEFAULT_GENERATE_OPTIONS } from '../../src/plan/generate-options.ts'
import { generatePlan } from '../../src/plan/generate-plan.ts'
import { trialSeed } from '../../src/plan/seed-random.ts'
import { readPlanFile } from '../../src/trial/plan-file.ts'
import { runPlan } from '../../src/trial/run-plan.ts'
import { produceConsume } from '../../workloads/produce-consume.ts'

describe('reading every replica', () => {
  it('reads the same from each broker', () => {
    const plan = generatePlan(trialSeed('replicas', 0), { ...DEFAULT_GENERATE_OPTIONS, profile: 'acks-all-min-2', families: [], brokers: 3 }, produceConsume)
    const { history, verdict } = runPlan(plan, produceConsume, { checkers: ['black-box'] })
    expect(verdict).toBe('valid')
    const read = (replica: number | undefined): Map<string, unknown> => new Map(history
      .filter(operation => operation.f === 'poll' && operation.type === 'ok' && operation['drain'] === true && operation['replica'] === replica)
      .flatMap(({ value }) => Object.entries((value as unknown as [[string, { [key: string]: [number, unknown][] }]])[0][1]))
      .flatMap(([key, records]) => records.map(([offset, id]): [string, unknown] => [`${key}@${offset}`, id])))
    const whole = read(undefined)
    expect(whole.size).toBeGreaterThan(3)
    const followed = [1, 2, 3].map(read)
    expect(followed.filter(records => records.size > 0).length).toBeGreaterThan(1)
    for (const records of followed) for (const [place, id] of records) expect(whole.get(place)).toEqual(id)
    // Each partition has two followers, and both hold all of it.
    expect(followed.reduce((sum, { size }) => sum + size, 0)).toBe(2 * whole.size)
  })

  it('shows a log that has diverged', () => {
    const { plan } = readPlanFile('test/corpus/kip-279-fast-failover.trial.json')
    const { history, findings } = runPlan(plan, produceConsume, { checkers: ['black-box'] })
    expect(findings.map(({ anomaly }) => anomaly)).toContain('inconsistent-offsets')
    const withoutReplicas = history.filter(operation => operation['replica'] === undefined)
    expect(withoutReplicas.length).toBeLessThan(history.length)
  })
})
