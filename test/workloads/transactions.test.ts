/** The transactions workload: what it draws, what happens in it, and that what is wrong with a transaction would be seen. */
import { describe, expect, it } from 'vitest'
import { compose } from '../../checkers/compose.ts'
import { guaranteesFor } from '../../checkers/guarantees.ts'
import { kafkaLogChecker } from '../../checkers/kafka-log/kafka-log-checker.ts'
import type { History, Operation } from '../../src/history/operation.ts'
import { DEFAULT_GENERATE_OPTIONS } from '../../src/plan/generate-options.ts'
import { generatePlan } from '../../src/plan/generate-plan.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { trialSeed } from '../../src/plan/seed-random.ts'
import { guaranteeConfigOf } from '../../src/trial/plan-guarantees.ts'
import { runPlan } from '../../src/trial/run-plan.ts'
import { transactions } from '../../workloads/transactions.ts'

const planOf = (index: number, families: Plan['swarm'] | undefined = undefined): Plan =>
  generatePlan(trialSeed('transactions', index), { ...DEFAULT_GENERATE_OPTIONS, workload: 'transactions', ...(families === undefined ? {} : { families: [] }) }, transactions)
const plans = Array.from({ length: 80 }, (_, index) => planOf(index))

describe('drawing', () => {
  it('reaches both protocols, shared ids, both isolation levels, both ends and time-outs', () => {
    expect(new Set(plans.map(({ cluster }) => cluster.server.transactionVersion))).toEqual(new Set([1, 2]))
    const ids = plans.map(({ clients }) => clients.flatMap(client => (client.kind === 'app' ? [client.producer.transactionalId] : [])))
    expect(ids.some(list => list.length > 1 && new Set(list).size === 1)).toBe(true)
    expect(ids.some(list => list.length > 1 && new Set(list).size > 1)).toBe(true)
    expect(new Set(plans.flatMap(({ clients }) => clients.flatMap(client => (client.kind === 'consumer' ? [client.config.isolationLevel] : []))))).toEqual(new Set(['read_committed', 'read_uncommitted']))
    const ops = plans.flatMap(({ operations }) => operations.flatMap(operation => (operation.f === 'transact' ? [operation] : [])))
    expect(new Set(ops.map(({ end }) => end))).toEqual(new Set(['commit', 'abort']))
    expect(ops.some(({ sends }) => new Set(sends.map(({ partition }) => partition)).size > 1)).toBe(true)
    expect(ops.some(({ openUs }) => openUs > 500_000)).toBe(true)
  })
})

describe('a trial without faults', () => {
  const plan = planOf(5, [])
  const result = runPlan(plan, transactions)
  const guarantees = guaranteesFor(guaranteeConfigOf(plan))
  const judge = (history: History): readonly string[] => compose([kafkaLogChecker.check(history, { guarantees, drained: true, logStart: {} })]).findings.flatMap(({ anomaly, status }) => (status === 'bad' ? [anomaly] : []))
  const committed = result.history.filter(({ f, type }) => f === 'txn' && type === 'ok')

  it('is valid, and transactions commit and abort', () => {
    expect(result.verdict).toBe('valid')
    expect(committed.length).toBeGreaterThan(2)
    expect(result.history.some(({ f, type }) => f === 'txn' && type === 'fail')).toBe(true)
    expect(judge(result.history)).toEqual([])
  })

  const sendsOf = (operation: Operation): readonly (readonly [string, string, readonly [number, number]])[] => operation.value as never
  const without = (lost: number): History => result.history.map(operation => {
    if (operation.f !== 'poll' || operation.type !== 'ok') return operation
    const [[, records]] = operation.value as unknown as [[string, Record<string, [number, number][]>]]
    return { ...operation, value: [['poll', Object.fromEntries(Object.entries(records).map(([key, list]) => [key, list.filter(([, value]) => value !== lost)]))]] }
  })

  it('of which one record is missing is torn', () => {
    const torn = committed.find(operation => sendsOf(operation).length > 1)!
    expect(judge(without(sendsOf(torn)[0]![2][1]))).toContain('torn-transaction')
  })

  it('whose aborted records were read has an aborted read', () => {
    const one = committed.find(operation => sendsOf(operation).length > 0)!
    const changed = result.history.map(operation => (operation === one ? { ...operation, type: 'fail' as const, error: 'aborted' } : operation))
    expect(judge(changed)).toContain('aborted-read')
  })
})

it.each([0, 1, 2, 3])('trial %s under faults is valid', index => {
  const result = runPlan(planOf(100 + index), transactions)
  expect(result.findings.filter(({ status }) => status === 'bad')).toEqual([])
})
