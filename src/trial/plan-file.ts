/**
 * `.trial.json` files: a whole plan with the digests it should give, for what does not fit into a token.
 */
import { readFileSync } from 'node:fs'
import { TrialError } from '../base/trial-error.ts'
import { PLAN_FORMAT, type Plan } from '../plan/plan.ts'
import { partProblem } from './plan-problems.ts'
import type { Digests } from './trial-result.ts'

export interface PlanFile {
  readonly format: number
  readonly build: string
  readonly plan: Plan
  /** Absent: the plan is simply run. */
  readonly digests?: Digests
  readonly checkpoints?: readonly string[]
  /** For regression plans: what it is about, and what it must give. */
  readonly note?: string
  readonly expect?: { readonly verdict: string; readonly anomalies: readonly string[]; readonly known: readonly string[] }
}

/** @throws TrialError('input') for anything that is not a plan file of this version */
export function readPlanFile(path: string): PlanFile {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    throw new TrialError('input', `cannot read '${path}'`, 'give a token (t2-...) or the path of a .trial.json file')
  }
  return parsePlanFile(text, path)
}

export function parsePlanFile(text: string, name: string): PlanFile {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (error) {
    throw new TrialError('input', `'${name}' is not JSON: ${error instanceof Error ? error.message : String(error)}`, 'the file may be cut off; write it again with `trial shrink` or `trial run`')
  }
  const file = parsed as Partial<PlanFile> | null
  const problem = planProblem(file?.plan)
  if (file === null || typeof file !== 'object' || problem !== undefined) {
    throw new TrialError('input', `'${name}' holds no plan: ${problem ?? 'it is no object'}`, 'a plan file has the fields format, build, plan and digests')
  }
  if (file.format !== PLAN_FORMAT) {
    throw new TrialError('input', `'${name}' has plan format ${String(file.format)}, this version reads ${PLAN_FORMAT}`, 'use the version of kafka-trial that wrote it')
  }
  return file as PlanFile
}

function planProblem(plan: Partial<Plan> | undefined): string | undefined {
  if (plan === undefined || plan === null || typeof plan !== 'object') return 'the field `plan` is missing'
  for (const field of ['topics', 'clients', 'operations', 'faults', 'defects', 'mends', 'swarm'] as const) {
    if (!Array.isArray(plan[field])) return `plan.${field} is not a list`
  }
  for (const field of ['cluster', 'latency', 'fsync', 'interleaving', 'choices', 'timing'] as const) {
    if (typeof plan[field] !== 'object' || plan[field] === null) return `plan.${field} is missing`
  }
  if (typeof plan.workload !== 'string') return 'plan.workload is not a name'
  if (typeof plan.rootKey !== 'number') return 'plan.rootKey is not a number'
  if (!Array.isArray(plan.cluster?.servers) || plan.cluster.servers.length === 0) return 'plan.cluster.servers is empty'
  return partProblem(plan as Readonly<Record<string, unknown>>)
}
