/** Pipelines: what they draw, that they keep their promises under faults, and that a broken promise would be seen. */
import { describe, expect, it } from 'vitest'
import { runCheckersOnTrial } from '../../checkers/compose.ts'
import { exactlyOnceChecker } from '../../checkers/collections/exactly-once-checker.ts'
import { guaranteesFor } from '../../checkers/guarantees.ts'
import type { History, Json } from '../../src/history/operation.ts'
import { DEFAULT_GENERATE_OPTIONS } from '../../src/plan/generate-options.ts'
import { generatePlan } from '../../src/plan/generate-plan.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { trialSeed } from '../../src/plan/seed-random.ts'
import { guaranteeConfigOf } from '../../src/trial/plan-guarantees.ts'
import { runPlan } from '../../src/trial/run-plan.ts'
import type { Workload } from '../../workloads/contract.ts'
import { copyExactlyOnce, outboxWorkloads, rebalance } from '../../workloads/pipeline-workload.ts'

const ALL = [copyExactlyOnce, ...outboxWorkloads, rebalance]
const planOf = (workload: Workload, index: number, families = DEFAULT_GENERATE_OPTIONS.families): Plan => generatePlan(trialSeed(workload.name, index), { ...DEFAULT_GENERATE_OPTIONS, workload: workload.name, families }, workload)

describe('drawing', () => {
  it('reaches both group protocols, every assignor, static members, late comers and members that go', () => {
    const plans = Array.from({ length: 60 }, (_, index) => planOf(rebalance, index))
    const consumers = plans.flatMap(({ clients }) => clients.flatMap(client => (client.kind === 'app' ? [client.consumer] : [])))
    expect(new Set(consumers.map(({ groupProtocol }) => groupProtocol))).toEqual(new Set(['classic', 'consumer']))
    expect(new Set(consumers.map(({ partitionAssignmentStrategy }) => partitionAssignmentStrategy?.join()))).toEqual(new Set(['range', 'roundrobin', 'sticky', 'cooperative-sticky']))
    expect(new Set(consumers.map(({ enableAutoCommit }) => enableAutoCommit))).toEqual(new Set([true, false]))
    expect(consumers.some(({ groupInstanceId }) => typeof groupInstanceId === 'string')).toBe(true)
    const runs = plans.flatMap(({ operations }) => operations.flatMap(operation => (operation.f === 'run' ? [operation] : [])))
    expect(runs.some(({ at }) => at > 500_000)).toBe(true)
    expect(runs.some(({ forUs }) => forUs !== undefined)).toBe(true)
  })

  it('makes no batch that is larger than a segment may be, also after a rolling restart', () => {
    for (const plan of Array.from({ length: 60 }, (_, index) => planOf(copyExactlyOnce, index))) {
      const segments = [plan.cluster.server.logSegmentBytes, ...plan.faults.flatMap(({ action }) => (action.kind === 'rolling-restart' ? [action.server.logSegmentBytes ?? Infinity] : []))]
      const batches = plan.clients.flatMap(client => (client.kind === 'app' ? [client.producer.batchSize] : client.kind === 'producer' ? [client.config.batchSize] : []))
      expect(Math.max(...batches.map(size => size ?? 16_384))).toBeLessThan(Math.min(...segments))
    }
  })
})

describe.each(ALL.map(workload => [workload.name, workload] as const))('%s', (_, workload) => {
  const plan = planOf(workload, 1, [])
  const result = runPlan(plan, workload)
  const semantics = workload.checkers.at(-1) as 'exactly-once' | 'at-least-once' | 'at-most-once'
  const judge = (history: History): readonly string[] => {
    const [judged] = runCheckersOnTrial([exactlyOnceChecker(semantics)], history, { guarantees: guaranteesFor(guaranteeConfigOf(plan)), drained: true, logStart: {} })
    return judged!.findings.flatMap(({ anomaly, status }) => (status === 'bad' ? [anomaly] : []))
  }
  const read = result.history.findLast(({ f, type }) => f === 'read-outputs' && type === 'ok')!
  const withOutputs = (outputs: readonly Json[]): History => result.history.map(operation => (operation === read ? { ...operation, value: [...outputs] } : operation))

  it('is valid without faults, and every input was processed', () => {
    expect(result.findings.filter(({ status }) => status === 'bad')).toEqual([])
    expect(result.verdict).toBe('valid')
    expect((read.value as Json[]).length).toBeGreaterThan(3)
    expect(result.history.filter(({ f, type }) => f === 'input' && type === 'ok')).toHaveLength(new Set((read.value as Json[]).map(one => JSON.stringify(one))).size)
    expect(judge(result.history)).toEqual([])
  })

  it('would be seen to lose an input, or to process it twice, where that is forbidden', () => {
    const outputs = read.value as Json[]
    expect(judge(withOutputs(outputs.slice(1)))).toEqual(semantics === 'at-most-once' ? [] : ['missing-output'])
    expect(judge(withOutputs([...outputs, outputs[0]!]))).toEqual(semantics === 'at-least-once' ? [] : ['duplicate-output'])
  })

  it.each([11, 12])('trial %s under faults is valid', index => {
    expect(runPlan(planOf(workload, index), workload).findings.filter(({ status }) => status === 'bad')).toEqual([])
  })
})
