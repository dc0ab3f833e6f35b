/** What a plan owes: the weakest producer decides, and only a topic that expires records may be excused for missing ones. */
import { describe, expect, it } from 'vitest'
import { DEFAULT_GENERATE_OPTIONS } from '../../src/plan/generate-options.ts'
import { generatePlan } from '../../src/plan/generate-plan.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { guaranteeConfigOf, lossyBudget, permittedLogStart } from '../../src/trial/plan-guarantees.ts'
import { produceConsume } from '../../workloads/produce-consume.ts'

const base = generatePlan('plan-guarantees', { ...DEFAULT_GENERATE_OPTIONS, workload: 'produce-consume', profile: 'acks-all-min-2' }, produceConsume)
const withTopic = (configs: Readonly<Record<string, string>>, change: Partial<Plan> = {}): Plan => ({ ...base, topics: [{ name: 'orders', partitions: 2, replicationFactor: 3, configs }], operations: [], ...change })
const server = (change: Partial<Plan['cluster']['server']>): Partial<Plan> => ({ cluster: { ...base.cluster, server: { ...base.cluster.server, logRetentionMs: 604_800_000, logRetentionBytes: -1, ...change } } })

describe('permitted log starts', () => {
  const moved = { 'orders-0': 7, 'orders-1': 0 }

  it('are none where everything is kept', () => {
    expect(permittedLogStart(withTopic({}, server({})), moved)).toEqual({ 'orders-0': 0, 'orders-1': 0 })
    expect(permittedLogStart(withTopic({ 'retention.ms': '604800000', 'retention.bytes': '-1' }, server({ logRetentionMs: 1 })), moved)).toEqual({ 'orders-0': 0, 'orders-1': 0 })
  })

  it('are as the drain found them where records expire by time, by size, by the server\'s default or after a change', () => {
    for (const plan of [
      withTopic({ 'retention.ms': '2000' }, server({})),
      withTopic({ 'retention.bytes': '900' }, server({})),
      withTopic({}, server({ logRetentionMs: 2_000 })),
      withTopic({}, server({ logRetentionBytes: 900 })),
      withTopic({}, { ...server({}), operations: [{ id: 1, at: 0, client: 'client-1', f: 'alter-config', topic: 'orders', name: 'retention.ms', value: '10' }] }),
    ]) expect(permittedLogStart(plan, moved)).toEqual(moved)
  })

  it('stay where another topic is changed', () => {
    const plan = withTopic({}, { ...server({}), operations: [{ id: 1, at: 0, client: 'client-1', f: 'alter-config', topic: 'payments', name: 'retention.ms', value: '10' }] })
    expect(permittedLogStart(plan, moved)['orders-0']).toBe(0)
  })
})

describe('the guarantees of a plan', () => {
  it('follow its weakest producer', () => {
    const producer = (acks: 0 | 1 | -1): Plan['clients'][number] => ({ host: `client-${acks}`, kind: 'producer', config: { acks } })
    expect(guaranteeConfigOf({ ...base, clients: [producer(-1)] }).acks).toBe(-1)
    expect(guaranteeConfigOf({ ...base, clients: [producer(-1), producer(1)] }).acks).toBe(1)
    expect(guaranteeConfigOf({ ...base, clients: [producer(-1), producer(0), producer(1)] }).acks).toBe(0)
  })

  it('survive one lossy crash fewer than min.insync.replicas, and none without ELR', () => {
    const elr = (eligibleLeaderReplicasEnable: boolean): Partial<Plan> => server({ eligibleLeaderReplicasEnable })
    expect(lossyBudget(withTopic({ 'min.insync.replicas': '2' }, elr(true)))).toBe(1)
    expect(lossyBudget(withTopic({ 'min.insync.replicas': '1' }, elr(true)))).toBe(0)
    expect(lossyBudget(withTopic({ 'min.insync.replicas': '3' }, elr(true)))).toBe(2)
    expect(lossyBudget(withTopic({ 'min.insync.replicas': '2' }, elr(false)))).toBe(0)
  })
})
