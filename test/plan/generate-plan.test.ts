/**
 * Drawing plans: the seed alone decides, every plan is sound plain data, what a user fixes is kept, permanent faults leave
 * a core that suffices, and the swarm leaves features out as well as in.
 */
import { describe, expect, it } from 'vitest'
import { TrialError } from '../../src/base/trial-error.ts'
import { topicConfigProblem } from '../../src/config/topic.ts'
import { FAULT_FAMILIES, FAULT_KINDS, type FaultKind } from '../../src/nemesis/fault.ts'
import { DEFAULT_GENERATE_OPTIONS, PROFILE_NAMES } from '../../src/plan/generate-options.ts'
import { generatePlan, settleBoundMs } from '../../src/plan/generate-plan.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { trialSeed } from '../../src/plan/seed-random.ts'
import { lossyBudget } from '../../src/trial/plan-guarantees.ts'
import { findWorkload } from '../../workloads/index.ts'
import { SMALL, WORKLOAD_NAMES, drawn, drawnPlans, problemsOf } from './fixture.ts'

const brokersIn = (plan: Plan): number => plan.cluster.servers.filter(({ roles }) => roles.includes('broker')).length
const kindsIn = (plans: readonly Plan[]): Set<FaultKind> => new Set(plans.flatMap(plan => plan.faults.map(({ action }) => action.kind)))
const producersIn = (plan: Plan) => plan.clients.flatMap(client => (client.kind === 'producer' ? [client.config] : []))

describe('the seed', () => {
  it('decides the plan', () => {
    for (const workload of WORKLOAD_NAMES) expect(drawn(3, { workload })).toEqual(drawn(3, { workload }))
  })

  it('is a text of which every letter counts', () => {
    const workload = findWorkload('produce-consume')!
    const plans = ['1', '11', '2', 'a', 'A', ''].map(seed => generatePlan(seed, DEFAULT_GENERATE_OPTIONS, workload))
    expect(new Set(plans.map(plan => JSON.stringify({ ...plan, seed: '' }))).size).toBe(plans.length)
    expect(new Set(plans.map(({ rootKey }) => rootKey)).size).toBe(plans.length)
  })

  it('of a trial follows from base and index, and fits a token', () => {
    const seeds = ['x', 'y'].flatMap(base => Array.from({ length: 500 }, (_, index) => trialSeed(base, index)))
    expect(new Set(seeds).size).toBe(1_000)
    expect(trialSeed('x', 0)).toBe(seeds[0])
    for (const seed of seeds) expect(Number.parseInt(seed, 36)).toBeLessThan(2 ** 48)
    expect(Math.max(...seeds.map(seed => Number.parseInt(seed, 36)))).toBeGreaterThan(2 ** 47)
  })
})

describe('every plan', () => {
  it('is sound', () => {
    for (const plan of drawnPlans(120)) expect({ seed: plan.seed, problems: problemsOf(plan) }).toEqual({ seed: plan.seed, problems: [] })
  })

  it('is plain JSON, and its topics have configurations that Kafka takes', () => {
    for (const plan of drawnPlans(20)) {
      expect(JSON.parse(JSON.stringify(plan))).toEqual(plan)
      for (const { configs } of plan.topics) for (const [name, value] of Object.entries(configs)) expect(topicConfigProblem(name, value)).toBeUndefined()
    }
  })

  it('has time to settle for every timeout that may have to expire', () => {
    const { server } = SMALL.cluster
    expect(settleBoundMs(server, 0, 0)).toBeGreaterThan(server.replicaLagTimeMaxMs + server.brokerSessionTimeoutMs)
    expect(settleBoundMs(server, 7_000, 100) - settleBoundMs(server, 0, 0)).toBe(7_400)
    for (const plan of drawnPlans(20)) for (const config of producersIn(plan)) expect(plan.timing.settleUs).toBeGreaterThan(config.deliveryTimeoutMs! * 1_000)
  })

  it('leaves features out, another one each time', () => {
    const plans = drawnPlans(80)
    const features = ['racks', 'jitter', 'long delays', 'connection breaks', 'tiny segments', 'slow fsync', 'machine crashes', 'unclean election', 'ELR']
    const used = Object.fromEntries(features.map(name => [name, plans.filter(({ swarm }) => swarm.includes(name)).length]))
    for (const name of features) expect(used[name], name).toSatisfy(count => count > 0 && count < 80)
    for (const plan of plans) {
      if (!plan.swarm.includes('machine crashes')) expect(plan.faults.filter(({ action }) => action.kind === 'crash' && action.machine)).toEqual([])
      expect(plan.latency.kind).toBe(!plan.swarm.includes('jitter') ? 'constant' : plan.swarm.includes('latencies per path') ? 'per-path' : 'drawn')
      expect(plan.choices).toMatchObject({ delay: plan.swarm.includes('long delays') ? 0.002 : 0, break: plan.swarm.includes('connection breaks') ? 0.001 : 0 })
      expect(plan.cluster.server.eligibleLeaderReplicasEnable).toBe(plan.swarm.includes('ELR'))
    }
    expect(kindsIn(drawnPlans(240)).size).toBe(FAULT_KINDS.length)
  })
})

describe('what the user fixes', () => {
  it('is kept: brokers, operations, length, defects, mends, wire, budget', () => {
    for (const workload of WORKLOAD_NAMES) {
      const plan = drawn(1, { workload, brokers: 4, operations: 37, chaosMs: 1_234, defects: ['KIP-101'], mends: ['KAFKA-14359'], wire: 'bytes', beyondBudget: true })
      expect(brokersIn(plan)).toBe(4)
      // What a workload is mainly about; some do other things beside.
      const counts = [['send'], ['transact'], ['transfer'], ['commit-offset', 'fetch-offset']].map(kinds => plan.operations.filter(({ f }) => kinds.includes(f)).length)
      expect(counts, workload).toContain(37)
      expect(plan.timing.chaosUs).toBe(1_234_000)
      expect(plan).toMatchObject({ workload, defects: ['KIP-101'], mends: ['KAFKA-14359'], wire: 'bytes', beyondBudget: true })
    }
  })

  it('is drawn otherwise', () => {
    const plans = drawnPlans(40)
    expect([...new Set(plans.map(brokersIn))].sort()).toEqual([3, 4, 5])
    expect(new Set(plans.map(({ timing }) => timing.chaosUs)).size).toBeGreaterThan(30)
  })

  it.each(Object.keys(FAULT_FAMILIES) as (keyof typeof FAULT_FAMILIES)[])('faults of the family %s only', family => {
    const plans = drawnPlans(30, { families: [family] })
    // A broker that stays down is part of the cluster's shape, not one of the faults that were asked for.
    const kinds = kindsIn(plans.map(plan => ({ ...plan, faults: plan.faults.filter(({ permanent }) => permanent !== true) })))
    expect([...kinds].sort()).toEqual([...FAULT_FAMILIES[family]].sort())
  })

  it('no faults at all', () => {
    for (const plan of drawnPlans(60, { families: [] })) expect(plan.faults.filter(({ permanent }) => permanent !== true)).toEqual([])
  })

  it('the rate of faults', () => {
    // Machines that run scripts get faults of their own beside.
    const isWithoutScripts = ({ operations }: Plan): boolean => !operations.some(({ f }) => f === 'run')
    const most = (faultRate: 'low' | 'normal' | 'high'): number => Math.max(...drawnPlans(120, { faultRate }).filter(isWithoutScripts).map(({ faults }) => faults.filter(({ permanent, action }) => permanent !== true && !action.kind.endsWith('-voter') && action.kind !== 'rolling-restart').length))
    expect([most('low'), most('normal'), most('high')]).toEqual([3, 9, 18])
  })

  it.each(PROFILE_NAMES)('the configuration %s', profile => {
    for (const plan of drawnPlans(16, { profile })) {
      const [topic] = plan.topics
      const producers = producersIn(plan)
      if (profile === 'acks-0') expect(producers.map(({ acks }) => acks)).toEqual(producers.map(() => 0))
      if (profile === 'acks-all-min-1') expect(topic!.configs['min.insync.replicas']).toBe('1')
      if (profile === 'acks-all-min-2') expect(topic).toMatchObject({ replicationFactor: 3, configs: { 'min.insync.replicas': '2', 'unclean.leader.election.enable': 'false' } })
      if (profile === 'unclean') expect(topic!.configs['unclean.leader.election.enable']).toBe('true')
      if (profile === 'follower-reads') expect(plan.cluster.server.rackAwareReplicaSelector).toBe(true)
      if (['acks-all-min-2', 'idempotent', 'clock-skew'].includes(profile)) expect(producers.every(({ enableIdempotence }) => enableIdempotence)).toBe(true)
      expect(problemsOf(plan)).toEqual([])
    }
  })

  it('is refused, with a hint, when it cannot be', () => {
    const attempt = (): Plan => drawn(0, { profile: 'acks-1', brokers: 2 })
    expect(attempt).toThrow(TrialError)
    expect(attempt).toThrow(expect.objectContaining({ code: 'config', message: '2 brokers cannot hold 3 replicas', hint: 'ask for more brokers' }))
  })
})

describe('survivability', () => {
  it('at most one broker stays down, never one with a vote, and only where replicas are to spare', () => {
    const plans = drawnPlans(400)
    const permanent = plans.filter(({ faults }) => faults.some(fault => fault.permanent === true))
    expect(permanent.length).toBeGreaterThan(3)
    for (const plan of permanent) {
      const forever = plan.faults.filter(fault => fault.permanent === true)
      expect(forever).toHaveLength(1)
      expect(forever[0]!.action).toMatchObject({ kind: 'crash', machine: false })
      const { target } = forever[0]!.action as { target: { host: string } }
      expect(plan.cluster.servers.find(({ host }) => host === target.host)!.roles).toEqual(['broker'])
      const { minInsyncReplicas, defaultReplicationFactor } = plan.cluster.server
      expect(defaultReplicationFactor - minInsyncReplicas).toBeGreaterThan(0)
    }
  })

  it('as many brokers may lose data as min.insync.replicas has to spare, and none without ELR', () => {
    const plan = (minIsr: string, elr: boolean): Plan => ({
      ...SMALL,
      topics: SMALL.topics.map(topic => ({ ...topic, replicationFactor: 3, configs: { 'min.insync.replicas': minIsr } })),
      cluster: { ...SMALL.cluster, server: { ...SMALL.cluster.server, eligibleLeaderReplicasEnable: elr } },
    })
    expect(['1', '2', '3', '5'].map(minIsr => lossyBudget(plan(minIsr, true)))).toEqual([0, 1, 2, 2])
    expect(lossyBudget(plan('3', false))).toBe(0)
  })
})
