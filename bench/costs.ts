/**
 * What features cost: processor time of the standard trial with each one, relative to the trial without: messages as bytes,
 * each codec of batches, interleavings; and, as the standard trial has them, invariants and coverage. Runs alternate and the
 * best of each counts, so that a machine whose speed changes is not taken for a cost.
 */
import { COMPRESSION_TYPES } from '../src/base/compression-type.ts'
import type { Plan } from '../src/plan/plan.ts'
import { type RunOptions, runPlan } from '../src/trial/run-plan.ts'
import { produceConsume } from '../workloads/produce-consume.ts'
import { STANDARD, standardTrial } from './standard-trial.ts'

const ROUNDS = 5
/** As the generator draws them. */
const INTERLEAVING = { probability: 0.05, depth: 3 }

interface Variant {
  readonly plan: Plan
  readonly options?: RunOptions
  /** The standard trial has what this one lacks. */
  readonly isWithout?: boolean
}

function variants(): Readonly<Record<string, Variant>> {
  const plan = standardTrial(STANDARD)
  const compressed = COMPRESSION_TYPES.filter(type => type !== 'none').map((compressionType): [string, Variant] => [compressionType, {
    plan: { ...plan, clients: plan.clients.map(client => (client.kind === 'producer' ? { ...client, config: { ...client.config, compressionType } } : client)) },
  }])
  return {
    invariants: { plan, options: { checkers: ['black-box'] }, isWithout: true },
    coverage: { plan, options: { coverage: false }, isWithout: true },
    bytes: { plan: { ...plan, wire: 'bytes' } },
    'interleavings at random': { plan: { ...plan, interleaving: { kind: 'random', ...INTERLEAVING } } },
    'interleavings by PCT': { plan: { ...plan, interleaving: { kind: 'pct', ...INTERLEAVING } } },
    ...Object.fromEntries(compressed),
  }
}

/** `cpu`: processor milliseconds of this process. */
export function measureCosts(cpu: () => number): Readonly<Record<string, number>> {
  const all: Readonly<Record<string, Variant>> = { standard: { plan: standardTrial(STANDARD) }, ...variants() }
  const best = new Map<string, number>()
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, { plan, options }] of Object.entries(all)) {
      const from = cpu()
      runPlan(plan, produceConsume, options ?? {})
      best.set(name, Math.min(best.get(name) ?? Infinity, cpu() - from))
    }
  }
  const standard = best.get('standard')!
  return Object.fromEntries([...best].filter(([name]) => name !== 'standard').map(([name, time]) => [name, Number((all[name]!.isWithout === true ? standard / time : time / standard).toFixed(2))]))
}
