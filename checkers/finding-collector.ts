/**
 * Collects what a checker sees: full counts of every anomaly, and the 8 most telling instances of each. An instance is
 * built only if it is kept, so a history with a hundred thousand anomalies costs little more than one with eight.
 */
import type { Json } from '../src/history/operation.ts'
import { statusOf } from './anomalies.ts'
import type { CheckResult, ExplanationStep, Finding } from './contract.ts'
import type { GuaranteeId, GuaranteeSet } from './guarantees.ts'

export const KEPT_INSTANCES = 8

export interface FindingBody {
  readonly title: string
  readonly evidence: Json
  readonly steps: readonly ExplanationStep[]
  readonly contradiction: string
  readonly key?: string
  readonly offset?: number
}

interface Instance {
  readonly status: 'bad' | 'allowed'
  readonly guarantee: GuaranteeId | null
  readonly richness: number
  readonly build: () => FindingBody
}

interface Kind {
  count: number
  bad: number
  readonly kept: Instance[]
}

export class FindingCollector {
  private readonly checker: string
  private readonly guarantees: GuaranteeSet
  private readonly kinds = new Map<string, Kind>()

  constructor(checker: string, guarantees: GuaranteeSet) {
    this.checker = checker
    this.guarantees = guarantees
  }

  get anyBad(): boolean {
    for (const kind of this.kinds.values()) if (kind.bad > 0) return true
    return false
  }

  /**
   * `requires`: guarantees that forbid this instance, when not those of the catalogue. Of equal status the richer, then
   * the earlier is kept.
   */
  add(anomaly: string, build: () => FindingBody, requires?: readonly GuaranteeId[] | 'never', richness = 0): void {
    let kind = this.kinds.get(anomaly)
    if (kind === undefined) {
      kind = { count: 0, bad: 0, kept: [] }
      this.kinds.set(anomaly, kind)
    }
    const instance: Instance = { ...statusOf(anomaly, this.guarantees, requires), richness, build }
    kind.count++
    if (instance.status === 'bad') kind.bad++
    const { kept } = kind
    let place = kept.length
    while (place > 0 && ranksAbove(instance, kept[place - 1]!)) place--
    if (place >= KEPT_INSTANCES) return
    kept.splice(place, 0, instance)
    if (kept.length > KEPT_INSTANCES) kept.pop()
  }

  findings(): Finding[] {
    const findings: Finding[] = []
    for (const [anomaly, kind] of this.kinds) {
      for (const { status, guarantee, build } of kind.kept) findings.push({ anomaly, checker: this.checker, status, guarantee, ...build() })
    }
    // Stable: bad ones first, otherwise in the order in which their kinds were first seen.
    return [...findings.filter(one => one.status === 'bad'), ...findings.filter(one => one.status !== 'bad')]
  }

  /** `reason` makes the verdict unknown unless something bad was found. */
  result(reason?: string): CheckResult {
    const counts: { [anomaly: string]: number } = {}
    const bad: { [anomaly: string]: number } = {}
    for (const [anomaly, kind] of this.kinds) {
      counts[anomaly] = kind.count
      bad[anomaly] = kind.bad
    }
    const verdict = this.anyBad ? 'invalid' : reason === undefined ? 'valid' : 'unknown'
    return { checker: this.checker, verdict, findings: this.findings(), counts, bad, ...(reason === undefined ? {} : { reason }) }
  }
}

function ranksAbove(a: Instance, b: Instance): boolean {
  if (a.status !== b.status) return a.status === 'bad'
  return a.richness > b.richness
}
