/**
 * Histories of many independent objects, in which every value is a tuple `[key, value]` (Jepsen's `independent`): told
 * apart from others, and taken apart into one history a key.
 */
import type { History, Json, Operation, Process } from '../src/history/operation.ts'
import type { Checker, CheckContext, CheckResult } from './contract.ts'
import { mergeVerdicts } from './compose.ts'
import { type Identity, identityOf } from './identity.ts'
import { show } from './show.ts'

type Tuple = readonly [Json, Json]

function isTuple(value: Json): value is Tuple {
  return Array.isArray(value) && value.length === 2 && !Array.isArray(value[0])
}

/**
 * Is every value of a client a tuple, and every answer one with the key that was asked for? Reads tell: of a single object
 * they ask for nothing. Without any operation: no.
 */
export class IndependenceTest {
  private readonly keys = new Map<Process, Json>()
  private any = false
  private broken = false

  get holds(): boolean {
    return this.any && !this.broken
  }

  /** False as soon as it is certain that they are not. */
  add({ process, type, value }: Operation): boolean {
    if (process === 'nemesis' || this.broken) return !this.broken
    this.any = true
    if (type === 'invoke') {
      if (isTuple(value)) this.keys.set(process, value[0])
      else this.broken = true
    } else {
      const key = this.keys.get(process)
      if (type === 'ok' && (!isTuple(value) || key === undefined || identityOf(value[0]) !== identityOf(key))) this.broken = true
      this.keys.delete(process)
    }
    return !this.broken
  }
}

export function isIndependent(history: History): boolean {
  const test = new IndependenceTest()
  for (const operation of history) if (!test.add(operation)) return false
  return test.holds
}

/** The history of each key, in the order in which keys appear; indices are those of the whole. */
export function splitByKey(history: History): { readonly key: Json; readonly operations: Operation[] }[] {
  const parts = new Map<Identity, { readonly key: Json; readonly operations: Operation[] }>()
  const open = new Map<Process, Identity>()
  for (const operation of history) {
    const { process, type, value } = operation
    if (process === 'nemesis') continue
    const tuple = isTuple(value) ? value : undefined
    const identity = type === 'invoke' ? identityOf(tuple?.[0] ?? null) : open.get(process)!
    if (type === 'invoke') open.set(process, identity)
    let part = parts.get(identity)
    if (part === undefined) {
      part = { key: tuple?.[0] ?? null, operations: [] }
      parts.set(identity, part)
    }
    part.operations.push({ ...operation, value: tuple === undefined ? value : tuple[1] })
  }
  return [...parts.values()]
}

/** The checker, for each key by itself. Counts are of all keys, findings those of the first keys that have any. */
export function independently(checker: Checker): Checker {
  return {
    name: checker.name,
    describes: `${checker.describes}; each key by itself`,
    check(history: History, context: CheckContext): CheckResult {
      const counts: { [anomaly: string]: number } = {}
      const bad: { [anomaly: string]: number } = {}
      const findings: CheckResult['findings'][number][] = []
      const undecided: string[] = []
      const verdicts: CheckResult['verdict'][] = []
      const parts = splitByKey(history)
      for (const { key, operations } of parts) {
        const result = checker.check(operations, context)
        verdicts.push(result.verdict)
        if (result.reason !== undefined) undecided.push(`key ${show(key)}: ${result.reason}`)
        for (const [anomaly, count] of Object.entries(result.counts)) counts[anomaly] = (counts[anomaly] ?? 0) + count
        for (const [anomaly, count] of Object.entries(result.bad ?? {})) bad[anomaly] = (bad[anomaly] ?? 0) + count
        if (findings.length < 16) findings.push(...result.findings.map(finding => ({ ...finding, title: `Key ${show(key)}: ${finding.title}`, key: show(key) })))
      }
      const reason = undecided.length === 0 ? {} : { reason: undecided.length === 1 ? undecided[0]! : `${undecided.length} of ${parts.length} keys, first ${undecided[0]!}` }
      return { checker: checker.name, verdict: mergeVerdicts(verdicts), findings: [...findings.filter(one => one.status === 'bad'), ...findings.filter(one => one.status !== 'bad')], counts, bad, ...reason }
    },
  }
}
