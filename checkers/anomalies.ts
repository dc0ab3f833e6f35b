/**
 * The catalogue of anomalies that our checkers know, for `trial explain` and `trial list anomalies`: what each is, which
 * promise it breaks, a smallest history that shows it and what would be a false alarm. Only what a checker looks for.
 */
import { invariant } from '../src/base/assert.ts'
import { BLACK_BOX_ANOMALIES } from './catalogue/black-box.ts'
import { COMPACTION_ANOMALIES } from './catalogue/compaction.ts'
import { COLLECTION_ANOMALIES } from './catalogue/collections.ts'
import { ISOLATION_ANOMALIES } from './catalogue/isolation.ts'
import { LINEARIZABILITY_ANOMALIES } from './catalogue/linearizability.ts'
import { WHITE_BOX_ANOMALIES } from './catalogue/white-box.ts'
import { GUARANTEES, type Guarantee, type GuaranteeId, type GuaranteeSet } from './guarantees.ts'

export interface Anomaly {
  readonly id: string
  readonly title: string
  /** The checker that finds it. */
  readonly checker: string
  readonly definition: string
  /**
   * The guarantees that forbid it: it is `bad` only where all of them are owed; the first is the one it breaks. `never`:
   * legal in every configuration, counted only; none: wrong in every configuration. A checker may ask for more of a particular instance.
   */
  readonly forbiddenBy: readonly GuaranteeId[] | 'never'
  /** Isolation anomalies: the weakest consistency models that forbid it, instead of guarantees of a configuration. */
  readonly models?: readonly string[]
  /** Six lines at most. */
  readonly example: readonly string[]
  readonly falseAlarm: string
  /** Where the promise is made, when the guarantee's own link does not say enough. */
  readonly link?: string
  /** The promise in words, where it is not one of Kafka's guarantees: that of a data type or an isolation level. */
  readonly promise?: string
}

export const ANOMALIES: readonly Anomaly[] = [...BLACK_BOX_ANOMALIES, ...COMPACTION_ANOMALIES, ...COLLECTION_ANOMALIES, ...ISOLATION_ANOMALIES, ...LINEARIZABILITY_ANOMALIES, ...WHITE_BOX_ANOMALIES]

const byId = new Map(ANOMALIES.map(anomaly => [anomaly.id, anomaly]))

export function findAnomaly(id: string): Anomaly | undefined {
  return byId.get(id)
}

/** The promise that it breaks, or undefined when nothing forbids it. */
export function promiseOf(anomaly: Anomaly): Guarantee | undefined {
  return anomaly.forbiddenBy === 'never' ? undefined : GUARANTEES.find(({ id }) => id === anomaly.forbiddenBy[0])
}

/**
 * Does this configuration forbid it? `requires` replaces the catalogue's guarantees for a particular instance, such as
 * offset reuse that concerns only what was acknowledged and never read. `guarantee` is the promise that was broken, or
 * the one whose absence allows it.
 */
export function statusOf(id: string, set: GuaranteeSet, requires?: readonly GuaranteeId[] | 'never'): { readonly status: 'bad' | 'allowed'; readonly guarantee: GuaranteeId | null } {
  const anomaly = byId.get(id)
  invariant(anomaly !== undefined, `anomaly ${id} is in the catalogue`)
  const forbidding = requires ?? anomaly.forbiddenBy
  if (forbidding === 'never') return { status: 'allowed', guarantee: null }
  const missing = forbidding.find(one => !set.owed.has(one))
  return missing === undefined ? { status: 'bad', guarantee: forbidding[0] ?? null } : { status: 'allowed', guarantee: missing }
}
