/** A share group as a queue: valid under faults; the poison is archived; and the defect of KAFKA-19954 is found where it strikes. */
import { expect, it } from 'vitest'
import { DEFAULT_GENERATE_OPTIONS } from '../../src/plan/generate-options.ts'
import { generatePlan } from '../../src/plan/generate-plan.ts'
import { trialSeed } from '../../src/plan/seed-random.ts'
import { readPlanFile } from '../../src/trial/plan-file.ts'
import { runPlan } from '../../src/trial/run-plan.ts'
import { shareQueue } from '../../workloads/share-queue.ts'

const planOf = (index: number, families = DEFAULT_GENERATE_OPTIONS.families) => generatePlan(trialSeed('share-queue', index), { ...DEFAULT_GENERATE_OPTIONS, workload: 'share-queue', families }, shareQueue)

it('hands every job to somebody, and poison no more than the limit allows', () => {
  const { history, verdict } = runPlan(planOf(2, []), shareQueue)
  expect(verdict).toBe('valid')
  const deliveries = history.flatMap(({ f, type, value }) => (f === 'acquire' && type === 'ok' ? Object.values((value as { records: { [key: string]: [number, number, number][] } }).records).flat() : []))
  const most = (id: number) => Math.max(0, ...deliveries.filter(([, value]) => value === id).map(([, , count]) => count))
  const sent = history.flatMap(({ f, type, value }) => (f === 'send' && type === 'ok' ? [(value as [string, string, [number, number]][])[0]![2][1]] : []))
  const limit = history.flatMap(({ f, type, value }) => (f === 'acquire' && type === 'ok' ? [(value as { limit: number }).limit] : []))[0]!
  expect(sent.length).toBeGreaterThan(0)
  expect(sent.filter(id => most(id) === 0)).toEqual([])
  const poison = sent.filter(id => id % 9 === 0)
  expect(poison.length).toBeGreaterThan(0)
  expect(poison.map(most)).toEqual(poison.map(() => limit))
})

it('shows KAFKA-19954 to clients alone, and nothing without it', () => {
  const { plan } = readPlanFile('test/corpus/kafka-19954-batch-from-its-beginning.trial.json')
  const seen = (defects: typeof plan.defects) => runPlan({ ...plan, defects }, shareQueue, { checkers: ['black-box'] }).findings.filter(({ status }) => status === 'bad').map(({ anomaly }) => anomaly)
  expect(plan.defects).toEqual(['KAFKA-19954'])
  expect(new Set(seen(plan.defects))).toEqual(new Set(['redelivered-record']))
  expect(seen([])).toEqual([])
})

it.each([2, 3, 4])('trial %s under faults is valid', index => {
  expect(runPlan(planOf(index), shareQueue).findings.filter(({ status }) => status === 'bad')).toEqual([])
})
