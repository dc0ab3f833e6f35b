/** What a drain may find gone: what retention may remove, and what somebody asked to delete; nothing else. */
import { expect, it } from 'vitest'
import type { OperationDraft } from '../../src/config/workload.ts'
import { DEFAULT_GENERATE_OPTIONS } from '../../src/plan/generate-options.ts'
import { generatePlan } from '../../src/plan/generate-plan.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { permittedLogStart } from '../../src/trial/plan-guarantees.ts'
import { produceConsume } from '../../workloads/produce-consume.ts'

const drawn = generatePlan('permitted-log-start', { ...DEFAULT_GENERATE_OPTIONS, families: [] }, produceConsume)
const base: Plan = {
  ...drawn, cluster: { ...drawn.cluster, server: { ...drawn.cluster.server, logRetentionMs: 604_800_000, logRetentionBytes: -1 } },
  topics: [{ name: 'orders', partitions: 2, replicationFactor: 1, configs: {} }], operations: [],
}
const having = (...drafts: OperationDraft[]): Plan => ({ ...base, operations: drafts.map((draft, id) => ({ ...draft, id })) as Plan['operations'] })
const deletion = (before: number): OperationDraft => ({ at: 0, client: 'client-1', f: 'delete-records', topic: 'orders', partition: 0, before })

it('nothing of a topic that keeps everything', () => {
  expect(permittedLogStart(base, { 'orders-0': 7, 'orders-1': 3 })).toEqual({ 'orders-0': 0, 'orders-1': 0 })
})

it('what lies below the offset of a deletion, on its partition', () => {
  expect(permittedLogStart(having(deletion(5), deletion(2)), { 'orders-0': 7, 'orders-1': 3 })).toEqual({ 'orders-0': 5, 'orders-1': 0 })
  expect(permittedLogStart(having(deletion(9)), { 'orders-0': 7 })).toEqual({ 'orders-0': 7 })
})

it('everything committed when that was asked for, or where records expire', () => {
  expect(permittedLogStart(having(deletion(-1)), { 'orders-0': 7 })).toEqual({ 'orders-0': 7 })
  const expiring = { ...base, topics: [{ ...base.topics[0]!, configs: { 'retention.bytes': '100' } }] }
  expect(permittedLogStart(expiring, { 'orders-0': 7 })).toEqual({ 'orders-0': 7 })
})
