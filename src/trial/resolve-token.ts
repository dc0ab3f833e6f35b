/**
 * From a plan to its token and back. A token names what was drawn (options, seed), whether the fired choices were made
 * explicit, and which elements a shrink kept; resolving one therefore draws the plan again and, if it was materialised,
 * runs it once to learn its choices.
 */
import type { Finding } from '../../checkers/contract.ts'
import { TrialError } from '../base/trial-error.ts'
import { elementsOf, keepElements } from '../plan/elements.ts'
import type { GenerateOptions } from '../plan/generate-options.ts'
import { generatePlan } from '../plan/generate-plan.ts'
import type { Plan } from '../plan/plan.ts'
import { rankSubset, unrankSubset } from '../plan/subset-code.ts'
import { decodeToken, encodeToken, type TokenContent, witnessBitsOf } from '../plan/token.ts'
import type { Workload } from '../../workloads/contract.ts'
import { buildId } from './build-id.ts'
import { runTrial } from './run-plan.ts'
import type { Digests } from './trial-result.ts'

export type Materialised = TokenContent['materialised']

/** Where a plan came from, as far as a token can say. */
export interface PlanOrigin {
  readonly options: GenerateOptions
  readonly seed: string
  readonly materialised: Materialised
  /** Elements of the (materialised) plan that are kept; absent: all. */
  readonly kept?: readonly boolean[]
}

/** Longest token that is still one comfortable word; a longer one becomes a file. */
export const LONGEST_TOKEN = 160

export const eventBitsOf = (digests: Digests): number => Number.parseInt(digests.events.slice(-5), 16)
export const historyBitsOf = (digests: Digests): number => Number.parseInt(digests.history.slice(-3), 16)
export const buildBitsOf = (): number => Number.parseInt(buildId().slice(0, 4), 16)

/** The token of a plan that shows `finding`, or undefined when it would be too long. */
export function tokenOf(origin: PlanOrigin, digests: Digests, finding: Finding): string | undefined {
  const token = encodeToken({
    options: origin.options,
    seed: origin.seed,
    materialised: origin.materialised,
    subset: origin.kept === undefined ? undefined : rankSubset(origin.kept),
    witnessBits: finding.status === 'bad' ? 0 : witnessBitsOf(finding.anomaly),
    eventBits: eventBitsOf(digests),
    historyBits: historyBitsOf(digests),
    buildBits: buildBitsOf(),
  })
  return token.length > LONGEST_TOKEN ? undefined : token
}

/** Replaces what the kernel drew by what it drew: every fired choice becomes explicit. */
export function materialise(plan: Plan, fired: readonly { readonly key: string; readonly value: number }[], latency: 'constant' | 'drawn'): Plan {
  return {
    ...plan,
    choices: { mode: 'explicit', fired: fired.map(({ key, value }) => ({ key, value })) },
    latency: latency === 'constant' ? { kind: 'constant', minUs: 600, maxUs: 600 } : plan.latency,
    fsync: latency === 'constant' ? { kind: 'constant', minUs: 500, maxUs: 500 } : plan.fsync,
  }
}

export interface ResolvedToken {
  readonly plan: Plan
  readonly content: TokenContent
  readonly origin: PlanOrigin
}

/** @throws TrialError('token') */
export async function resolveToken(token: string, workloads: readonly Workload[]): Promise<ResolvedToken> {
  const content = decodeToken(token, workloads.map(workload => workload.name))
  const workload = workloads.find(({ name }) => name === content.options.workload)
  if (workload === undefined) throw new TrialError('token', `workload ${content.options.workload} is not known here`, 'load the config file that defines it')
  let plan = generatePlan(content.seed, content.options, workload)
  if (content.materialised !== 'no') {
    const first = await runTrial(plan, workload, { checkers: [] })
    plan = materialise(plan, first.choicesFired, content.materialised === 'constant-latency' ? 'constant' : 'drawn')
  }
  const { subset } = content
  if (subset === undefined) return { plan, content, origin: { options: content.options, seed: content.seed, materialised: content.materialised } }
  const elements = elementsOf(plan)
  const kept = unrankSubset(elements.length, subset.size, subset.rank)
  const smaller = kept === undefined ? undefined : keepElements(plan, elements, kept)
  if (kept === undefined || smaller === undefined) {
    throw new TrialError('determinism', 'this build draws another plan from the token\'s seed, so its kept elements do not fit', 'use the build that printed it, or its .trial.json file')
  }
  return { plan: smaller, content, origin: { options: content.options, seed: content.seed, materialised: content.materialised, kept } }
}
