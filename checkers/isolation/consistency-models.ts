/**
 * Which consistency models a set of anomalies rules out: Adya's levels, those of Cerone, Bernardi and Gotsman, and their
 * session and strong variants, related as in Elle (https://github.com/jepsen-io/elle, `elle.consistency-model`).
 *
 * Three relations: a model implies weaker ones; an anomaly implies others; a model forbids anomalies. A model is ruled out
 * when it, or a weaker one, forbids an anomaly that was seen or is implied by one.
 */
import { TrialError } from '../../src/base/trial-error.ts'

type Relation = { readonly [from: string]: readonly string[] }

/** From stronger to weaker. */
const WEAKER: Relation = {
  'strict-serializable': ['serializable', 'strong-snapshot-isolation', 'strong-session-serializable'],
  'strong-session-serializable': ['serializable', 'strong-session-snapshot-isolation'],
  'serializable': ['repeatable-read', 'update-serializable', 'snapshot-isolation', 'view-serializable'],
  'view-serializable': [],
  'update-serializable': ['forward-consistent-view'],
  'strong-snapshot-isolation': ['strong-session-snapshot-isolation', 'strong-read-committed'],
  'strong-session-snapshot-isolation': ['snapshot-isolation', 'strong-session-read-committed'],
  'snapshot-isolation': ['forward-consistent-view', 'monotonic-atomic-view', 'monotonic-snapshot-read', 'parallel-snapshot-isolation', 'prefix'],
  'parallel-snapshot-isolation': ['causal-cerone', 'update-atomic'],
  'prefix': ['causal-cerone'],
  'causal-cerone': ['read-atomic'],
  'update-atomic': ['read-atomic'],
  'read-atomic': ['monotonic-atomic-view'],
  'repeatable-read': ['cursor-stability', 'monotonic-atomic-view'],
  'forward-consistent-view': ['consistent-view'],
  'consistent-view': ['cursor-stability', 'monotonic-view'],
  'cursor-stability': ['read-committed'],
  'monotonic-atomic-view': ['read-committed'],
  'monotonic-view': ['read-committed'],
  'monotonic-snapshot-read': ['read-committed'],
  'strong-read-committed': ['strong-session-read-committed', 'strong-read-uncommitted'],
  'strong-session-read-committed': ['read-committed', 'strong-session-read-uncommitted'],
  'read-committed': ['read-uncommitted'],
  'strong-read-uncommitted': ['strong-session-read-uncommitted'],
  'strong-session-read-uncommitted': ['read-uncommitted'],
  'read-uncommitted': [],
}

/** What each model forbids beyond what the weaker ones do. */
const FORBIDS: Relation = {
  'read-uncommitted': ['G0', 'duplicate-elements', 'cyclic-versions'],
  'read-committed': ['G1'],
  'cursor-stability': ['G1', 'lost-update'],
  'monotonic-view': ['G1'],
  'monotonic-snapshot-read': ['G1'],
  'consistent-view': ['G1', 'G-single'],
  'forward-consistent-view': ['G1'],
  'read-atomic': ['internal', 'G1a', 'future-read'],
  'causal-cerone': ['internal', 'G1a'],
  'parallel-snapshot-isolation': ['internal', 'G1a'],
  'prefix': ['internal', 'G1a'],
  'update-atomic': ['lost-update'],
  'repeatable-read': ['G1', 'G2-item', 'lost-update'],
  'update-serializable': ['G1'],
  'snapshot-isolation': ['internal', 'G1', 'G-nonadjacent'],
  'serializable': ['internal', 'G1', 'G2'],
  'strong-session-read-uncommitted': ['G0-process'],
  'strong-session-read-committed': ['G1c-process'],
  'strong-read-uncommitted': ['G0-realtime'],
  'strong-read-committed': ['G1c-realtime'],
  'strong-session-snapshot-isolation': ['internal', 'G1-process', 'G-nonadjacent-process'],
  'strong-snapshot-isolation': ['internal', 'G1-realtime', 'G-nonadjacent-realtime'],
  'strong-session-serializable': ['G1-process', 'G2-process'],
  'strict-serializable': ['G1', 'G1c-realtime', 'G2-realtime'],
}

/** What an anomaly is a special case of. `-item`: its rw edges are about single keys, not about ranges. */
const IMPLIES: Relation = {
  'G0': ['G1c'],
  'G1a': ['G1'],
  'G1b': ['G1'],
  'G1c': ['G1'],
  'G-single-item': ['G-single', 'G-nonadjacent-item'],
  'G-single': ['G-nonadjacent'],
  'G-nonadjacent-item': ['G-nonadjacent', 'G2-item'],
  'G-nonadjacent': ['G2'],
  'G2-item': ['G2'],
  'incompatible-order': ['G1a'],
  'dirty-update': ['G1a'],
  'garbage-read': ['G1a'],
  'future-read': ['G1c'],
  'lost-update': ['G2-item'],
}
/** Kinds of which there are process and realtime variants, each implied by the plain one. */
const VARIED = ['G0', 'G1c', 'G1', 'G-single-item', 'G-single', 'G-nonadjacent-item', 'G-nonadjacent', 'G2-item', 'G2']

const ALIASES: Readonly<Record<string, string>> = {
  'PL-1': 'read-uncommitted', 'PL-2': 'read-committed', 'PL-CS': 'cursor-stability', 'PL-2L': 'monotonic-view', 'PL-MSR': 'monotonic-snapshot-read',
  'PL-2+': 'consistent-view', 'PL-FCV': 'forward-consistent-view', 'PL-2.99': 'repeatable-read', 'PL-3U': 'update-serializable', 'PL-SI': 'snapshot-isolation',
  'PL-3': 'serializable', 'PL-SS': 'strict-serializable', 'conflict-serializable': 'serializable', 'strong-serializable': 'strict-serializable',
}

export const CONSISTENCY_MODELS: readonly string[] = Object.keys(WEAKER)
export const DEFAULT_MODEL = 'strict-serializable'

export interface RuledOut {
  /** The weakest models that do not hold. */
  readonly not: readonly string[]
  /** The stronger ones, which then do not hold either. */
  readonly alsoNot: readonly string[]
}

/** Throws TrialError('usage') when there is no such model. */
export function findModel(name: string): string {
  const model = Object.hasOwn(ALIASES, name) ? ALIASES[name]! : name
  if (!Object.hasOwn(WEAKER, model)) throw new TrialError('usage', `There is no consistency model named ${name}.`, `There are: ${CONSISTENCY_MODELS.join(', ')}.`)
  return model
}

/** `items`: cycles are about single keys, so a G-single is a G2-item, too. */
export function impliedBy(anomalies: Iterable<string>, items: boolean): Set<string> {
  const all = new Set<string>()
  const waiting = [...anomalies].map(name => (items ? name.replace(/^(G-single|G-nonadjacent)(?!-item)/, '$1-item') : name))
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (all.has(name)) continue
    all.add(name)
    const base = name.replace(/-(process|realtime)$/, '')
    const suffix = name.slice(base.length)
    for (const next of IMPLIES[base] ?? []) if (suffix === '' || VARIED.includes(next)) waiting.push(next + suffix)
    if (!VARIED.includes(base)) continue
    if (suffix === '') waiting.push(`${base}-process`)
    if (suffix === '-process') waiting.push(`${base}-realtime`)
  }
  return all
}

/** Does the model, or one that it implies, forbid the anomaly? */
export function forbids(model: string, anomaly: string, items: boolean): boolean {
  const implied = impliedBy([anomaly], items)
  for (const one of weakerThan(findModel(model))) if ((FORBIDS[one] ?? []).some(name => implied.has(name))) return true
  return false
}

export function ruledOut(anomalies: Iterable<string>, items: boolean): RuledOut {
  const implied = impliedBy(anomalies, items)
  const broken = CONSISTENCY_MODELS.filter(model => (FORBIDS[model] ?? []).some(name => implied.has(name)))
  const impossible = CONSISTENCY_MODELS.filter(model => [...weakerThan(model)].some(one => broken.includes(one)))
  const not = impossible.filter(model => ![...weakerThan(model)].some(one => one !== model && impossible.includes(one)))
  return { not: not.sort(), alsoNot: impossible.filter(model => !not.includes(model)).sort() }
}

/** The model and all that it implies. */
function weakerThan(model: string): Set<string> {
  const all = new Set<string>()
  const waiting = [model]
  for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
    if (all.has(one)) continue
    all.add(one)
    waiting.push(...WEAKER[one]!)
  }
  return all
}
