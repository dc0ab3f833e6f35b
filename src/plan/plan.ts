/**
 * A plan: everything that decides a trial, as plain JSON. Drawn from a seed (`generate-plan.ts`), reduced by deleting
 * elements (`shrink.ts`), named by a token (`token.ts`) or saved as a `.trial.json` file. It replays without its seed.
 */
import type { RootKey } from '../base/random.ts'
import type { Micros } from '../base/time.ts'
import type { BuggifySite } from '../config/buggify.ts'
import type { ClusterConfig } from '../config/cluster.ts'
import type { DefectId, MendId } from '../config/defects.ts'
import type { ClientSpec, PlanOperation, TopicSpec } from '../config/workload.ts'
import type { Fault } from '../nemesis/fault.ts'

export const PLAN_FORMAT = 1

/** `per-path`: every directed path of the network has a distribution of its own. */
export interface LatencyModel {
  readonly kind: 'constant' | 'drawn' | 'per-path'
  readonly minUs: Micros
  readonly maxUs: Micros
}

/** Probabilities of the choices that the kernel makes by itself; `explicit` replays a list instead. */
export type PlanChoices =
  | { readonly mode: 'drawn'; readonly delay: number; readonly delayMaxUs: Micros; readonly break: number; readonly tornWrite: number }
  | { readonly mode: 'explicit'; readonly fired: readonly { readonly key: string; readonly value: number }[] }

export interface PlanTiming {
  /** When client operations and fault times start counting: the cluster must be up by then. */
  readonly startUs: Micros
  /** Length of the phase in which faults happen; at its end everything heals. */
  readonly chaosUs: Micros
  /** Longest settle-and-drain phase: the liveness bound derived from the configured timeouts. */
  readonly settleUs: Micros
}

export interface Plan {
  readonly format: typeof PLAN_FORMAT
  readonly workload: string
  /** The seed that it was drawn from, for people. */
  readonly seed: string
  readonly rootKey: RootKey
  readonly cluster: ClusterConfig
  readonly topics: readonly TopicSpec[]
  readonly clients: readonly ClientSpec[]
  readonly operations: readonly PlanOperation[]
  readonly faults: readonly Fault[]
  readonly latency: LatencyModel
  readonly fsync: LatencyModel
  readonly interleaving: { readonly kind: 'off' | 'random' | 'pct'; readonly probability: number; readonly depth: number }
  readonly choices: PlanChoices
  readonly timing: PlanTiming
  readonly defects: readonly DefectId[]
  readonly mends: readonly MendId[]
  /** Rare but legal choices that are forced; absent: none. */
  readonly buggify?: readonly BuggifySite[]
  readonly wire: 'objects' | 'bytes'
  readonly beyondBudget: boolean
  /** Which features of the swarm are on, in words; printed with the plan. */
  readonly swarm: readonly string[]
}
