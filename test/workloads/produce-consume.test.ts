/**
 * The general workload: what it draws stays within what it is told, and what is changed beside the records is described at
 * the end, so that a change that was acknowledged and forgotten can be seen by clients.
 */
import { describe, expect, it } from 'vitest'
import { compose } from '../../checkers/compose.ts'
import { kafkaLogChecker } from '../../checkers/kafka-log/kafka-log-checker.ts'
import { guaranteesFor } from '../../checkers/guarantees.ts'
import type { PlanOperation } from '../../src/config/workload.ts'
import type { History } from '../../src/history/operation.ts'
import { DEFAULT_GENERATE_OPTIONS, type GenerateOptions } from '../../src/plan/generate-options.ts'
import { generatePlan } from '../../src/plan/generate-plan.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { trialSeed } from '../../src/plan/seed-random.ts'
import { guaranteeConfigOf } from '../../src/trial/plan-guarantees.ts'
import { runPlan } from '../../src/trial/run-plan.ts'
import { produceConsume } from '../../workloads/produce-consume.ts'

const planOf = (index: number, options: Partial<GenerateOptions> = {}): Plan => generatePlan(trialSeed('produce-consume', index), { ...DEFAULT_GENERATE_OPTIONS, ...options }, produceConsume)
const plans = Array.from({ length: 120 }, (_, index) => planOf(index))

describe('drawing', () => {
  it('names only clients and topics of the plan, or topics that nobody writes to', () => {
    for (const plan of plans) {
      const hosts = plan.clients.map(({ host }) => host)
      const topics = [...plan.topics.map(({ name }) => name), 'spare-1', 'spare-2']
      for (const operation of plan.operations) {
        expect(hosts).toContain(operation.client)
        expect(operation.at).toBeLessThanOrEqual(plan.timing.chaosUs)
        if ('topic' in operation) expect(topics).toContain(operation.topic)
        if (operation.f === 'send') expect(plan.topics.map(({ name }) => name)).toContain(operation.topic)
      }
    }
  })

  it('reaches every kind of operation, both partitioners, all acks', () => {
    const kinds = new Set(plans.flatMap(({ operations }) => operations.map(({ f }) => f)))
    expect([...kinds].sort()).toEqual(['alter-config', 'consume', 'create-partitions', 'create-topic', 'delete-records', 'delete-topic', 'elect-leader', 'list-offsets', 'reassign', 'recreate-topic', 'rewind', 'send'])
    const producers = plans.flatMap(({ clients }) => clients.flatMap(client => (client.kind === 'producer' ? [client.config] : [])))
    expect(new Set(producers.map(({ partitioner }) => partitioner))).toEqual(new Set(['default', 'round-robin']))
    expect(new Set(producers.map(({ acks }) => acks))).toEqual(new Set([-1, 0, 1]))
    for (const { acks, enableIdempotence } of producers) if (enableIdempotence === true) expect(acks).toBe(-1)
  })

  it('asks for as many operations as it is told to', () => {
    expect(planOf(3, { operations: 7 }).operations.filter(({ f }) => f === 'send')).toHaveLength(7)
  })
})

describe('changes of metadata', () => {
  const admin = 'client-9'
  const changes: PlanOperation[] = [
    { id: 900, at: 100_000, client: admin, f: 'create-topic', spec: { name: 'spare-1', partitions: 2, replicationFactor: 1, configs: {} } },
    { id: 901, at: 600_000, client: admin, f: 'alter-config', topic: 'orders', name: 'segment.ms', value: '700' },
  ]
  const base = planOf(1, { families: [] })
  const plan: Plan = {
    ...base,
    clients: [...base.clients, { host: admin, kind: 'admin', config: { ...base.clients[0]!.config, defaultApiTimeoutMs: 2_000 } as never }],
    operations: [...base.operations.filter(({ f }) => f === 'send' || f === 'consume'), ...changes].sort((a, b) => a.at - b.at),
  }
  const result = runPlan(plan, produceConsume)
  const judge = (history: History): readonly string[] => {
    const guarantees = guaranteesFor(guaranteeConfigOf(plan))
    return compose([kafkaLogChecker.check(history, { guarantees, drained: true, logStart: {} })]).findings.map(({ anomaly, status }) => `${anomaly} ${status}`)
  }

  it('are described by the drain', () => {
    expect(result.verdict).toBe('valid')
    const described = result.history.filter(({ f, type }) => f === 'describe-topics' && type === 'ok')
    expect(described).toHaveLength(1)
    expect(described[0]!.value).toMatchObject({ 'spare-1': 2, orders: base.topics[0]!.partitions })
    expect(result.history.find(({ f, type, value }) => f === 'describe-configs' && type === 'ok' && (value as [string, object])[0] === 'orders')!.value).toMatchObject(['orders', { 'segment.ms': '700' }])
    expect(judge(result.history)).toEqual([])
  })

  it('that are forgotten are found in the history', () => {
    const without = result.history.map(operation => (operation.f !== 'describe-topics' || operation.type !== 'ok' ? operation : { ...operation, value: { orders: 1 } }))
    expect(judge(without)).toEqual(['lost-metadata bad'])
    const reverted = result.history.map(operation => (operation.f !== 'describe-configs' || operation.type !== 'ok' || (operation.value as [string, object])[0] !== 'orders' ? operation : { ...operation, value: ['orders', { 'segment.ms': '600000' }] }))
    expect(judge(reverted)).toEqual(['lost-metadata bad'])
  })

  it('are not asked for when nothing was changed', () => {
    const quiet = runPlan({ ...plan, operations: plan.operations.filter(({ client }) => client !== admin) }, produceConsume)
    expect(quiet.history.some(({ f }) => f === 'describe-topics')).toBe(false)
  })
})
