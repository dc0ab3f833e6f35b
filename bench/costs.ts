/**
 * What features cost: the CPU-bound time of the standard trial with each one, relative to the trial without. Runs alternate, so
 * that a machine whose speed changes is not taken for a cost.
 */
import { COMPRESSION_TYPES } from '../src/base/compression-type.ts'
import type { Plan } from '../src/plan/plan.ts'
import { runPlan } from '../src/trial/run-plan.ts'
import { produceConsume } from '../workloads/produce-consume.ts'
import { STANDARD, standardTrial } from './standard-trial.ts'

const ROUNDS = 5

function variants(): Readonly<Record<string, Plan>> {
  const plan = standardTrial(STANDARD)
  const compressed = COMPRESSION_TYPES.filter(type => type !== 'none').map(compressionType => [compressionType, {
    ...plan, clients: plan.clients.map(client => (client.kind === 'producer' ? { ...client, config: { ...client.config, compressionType } } : client)),
  }] as const)
  return { bytes: { ...plan, wire: 'bytes' }, ...Object.fromEntries(compressed) }
}

export function measureCosts(clock: () => number): Readonly<Record<string, number>> {
  const plans: Readonly<Record<string, Plan>> = { standard: standardTrial(STANDARD), ...variants() }
  const best = new Map<string, number>()
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, plan] of Object.entries(plans)) {
      const from = clock()
      runPlan(plan, produceConsume)
      best.set(name, Math.min(best.get(name) ?? Infinity, clock() - from))
    }
  }
  return Object.fromEntries([...best].filter(([name]) => name !== 'standard').map(([name, time]) => [name, Number((time / best.get('standard')!).toFixed(2))]))
}
