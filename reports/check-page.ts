/**
 * What the page of `trial check --report` shows, as plain data: for a history that is not linearizable the operations
 * around the impossible one, for a cycle its transactions and edges, and every finding in words.
 */
import type { CheckResult, Finding, Verdict } from '../checkers/contract.ts'
import type { History, Json, Process } from '../src/history/operation.ts'
import { showScalar } from '../src/history/scalar-text.ts'

/** `prefix`: explained. `impossible`: what no order explains. `against`: contradicts it. `open`: outcome unknown. `later`: the rest. */
export type TimelineRole = 'prefix' | 'impossible' | 'against' | 'open' | 'later'

export interface TimelineOperation {
  readonly index: number
  readonly process: Process
  readonly text: string
  /** Places of its invocation and its answer in the history; null: none that counts. */
  readonly from: number
  readonly to: number | null
  readonly role: TimelineRole
  /** Its place in the order that explains the prefix, from 1; null: it is not in it. */
  readonly order: number | null
}

export interface Timeline {
  readonly key: string | null
  readonly impossible: TimelineOperation
  readonly why: string
  /** States in which the impossible operation was tried. */
  readonly states: readonly string[]
  readonly operations: readonly TimelineOperation[]
  /** Of the prefix: how long it is, null when it is not known. */
  readonly explained: number | null
  readonly omitted: number
}

/** The evidence of a finding of the linearizability checker. */
interface CounterexampleEvidence {
  readonly key: Json
  readonly impossible: { readonly index: number }
  readonly why: string
  readonly against: readonly { readonly index: number }[]
  /** Indices of invocations, in an order that explains them: how many, and the last of them. */
  readonly prefix: { readonly length: number; readonly end: readonly number[] } | null
  readonly states: readonly string[]
}

export interface CycleEdge {
  readonly from: string
  readonly to: string
  readonly type: string
  readonly because: string
}

export interface CyclePicture {
  readonly anomaly: string
  readonly title: string
  readonly transactions: readonly { readonly name: string; readonly heading: string; readonly text: string }[]
  readonly edges: readonly CycleEdge[]
  readonly contradiction: string
  readonly omitted: number
}

export interface CheckPage {
  readonly file: string
  readonly verdict: Verdict
  /** "model register", "checker bank" */
  readonly judged: string
  readonly operations: number
  readonly notes: readonly string[]
  readonly timelines: readonly Timeline[]
  readonly cycles: readonly CyclePicture[]
  /** Those without a picture. */
  readonly findings: readonly Finding[]
  readonly counts: readonly { readonly anomaly: string; readonly count: number; readonly bad: boolean }[]
}

/** Operations around the impossible one that are drawn at most. */
const MOST_DRAWN = 24
const MOST_TRANSACTIONS = 12

export function valueText(value: Json): string {
  if (typeof value === 'string') return showScalar(value)
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${(value as readonly Json[]).map(valueText).join(' ')}]`
  return `{${Object.entries(value as { readonly [key: string]: Json }).map(([key, one]) => `${showScalar(key)} ${valueText(one)}`).join(', ')}}`
}

interface Interval {
  readonly index: number
  readonly process: Process
  readonly from: number
  to: number | null
  text: string
}

/** Every client operation that did not fail, in order of invocation. */
function intervalsOf(history: History): Map<number, Interval> {
  const intervals = new Map<number, Interval>()
  const open = new Map<Process, Interval>()
  history.forEach(({ process, type, f, value, index }, place) => {
    if (process === 'nemesis') return
    if (type === 'invoke') {
      const interval: Interval = { index, process, from: place, to: null, text: value === null ? f : `${f} ${valueText(value)}` }
      intervals.set(index, interval)
      open.set(process, interval)
      return
    }
    const interval = open.get(process)
    open.delete(process)
    if (interval === undefined) return
    if (type === 'fail') intervals.delete(interval.index)
    else if (type === 'ok') {
      interval.to = place
      const answer = valueText(value)
      if (!interval.text.endsWith(` ${answer}`) && value !== null) interval.text = interval.text === f ? `${f} → ${answer}` : `${interval.text} → ${answer}`
      else if (value === null && interval.text === f) interval.text = `${f} → nil`
    }
  })
  return intervals
}

/** The picture of a finding whose evidence is an operation that no order explains; undefined for any other. */
export function timelineOf(history: History, { evidence }: Finding): Timeline | undefined {
  const given = evidence as unknown as Partial<CounterexampleEvidence> | null
  if (typeof given?.impossible?.index !== 'number' || !Array.isArray(given.states)) return undefined
  const { key, impossible, why, against, prefix, states } = given as CounterexampleEvidence
  const intervals = intervalsOf(history)
  const culprit = intervals.get(impossible.index)
  if (culprit === undefined) return undefined
  const order = new Map((prefix?.end ?? []).map((index, place) => [index, prefix!.length - prefix!.end.length + place + 1]))
  const opposed = new Set(against.map(({ index }) => index))
  const end = culprit.to ?? history.length
  const drawn = (interval: Interval): TimelineOperation => ({
    index: interval.index, process: interval.process, text: interval.text, from: interval.from, to: interval.to,
    role: interval === culprit ? 'impossible' : opposed.has(interval.index) ? 'against' : order.has(interval.index) ? 'prefix' : interval.to === null ? 'open' : 'later',
    order: interval === culprit ? null : order.get(interval.index) ?? null,
  })
  // Of one object only what is concerned: everything explained, in the way, or running at the time.
  const concerned = [...intervals.values()].filter(one => one === culprit || order.has(one.index) || opposed.has(one.index) || (key === null && one.from < end && (one.to === null || one.to > culprit.from)))
  const near = [...concerned].sort((a, b) => distance(a, culprit, opposed) - distance(b, culprit, opposed) || b.from - a.from).slice(0, MOST_DRAWN)
  return {
    key: key === null ? null : valueText(key), impossible: drawn(culprit), why, states,
    operations: near.sort((a, b) => a.from - b.from).map(drawn), explained: prefix === null ? null : prefix.length, omitted: concerned.length - near.length + (prefix === null ? 0 : prefix.length - order.size),
  }
}

/** What contradicts comes first, then what ends last before the impossible operation or runs beside it. */
function distance(one: Interval, culprit: Interval, opposed: ReadonlySet<number>): number {
  if (one === culprit || opposed.has(one.index)) return -1
  // Of what never ended only the latest is likely to tell anything.
  return one.to === null ? Math.max(0, culprit.from - one.from) : Math.max(0, culprit.from - one.to)
}

interface CycleEvidence {
  readonly transactions: readonly { readonly name: string; readonly process: Json; readonly invoked: Json; readonly value: Json }[]
  readonly steps: readonly CycleEdge[]
}

/** The picture of a finding whose evidence is a cycle; undefined for any other. */
export function cycleOf({ anomaly, title, evidence, contradiction }: Finding): CyclePicture | undefined {
  const cycle = evidence as unknown as Partial<CycleEvidence> | null
  if (!Array.isArray(cycle?.transactions) || !Array.isArray(cycle.steps) || cycle.transactions.length < 2) return undefined
  const transactions = cycle.transactions.slice(0, MOST_TRANSACTIONS)
  const names = new Set(transactions.map(({ name }) => name))
  return {
    anomaly, title, contradiction, omitted: cycle.transactions.length - transactions.length,
    transactions: transactions.map(({ name, process, invoked, value }) => ({ name, heading: `${name}, process ${String(process)}, operation ${String(invoked)}`, text: microText(value) })),
    edges: cycle.steps.filter(({ from, to }) => names.has(from) || names.has(to)).map(({ from, to, type, because }) => ({ from, to, type, because })),
  }
}

function microText(value: Json): string {
  if (!Array.isArray(value)) return valueText(value)
  return (value as readonly Json[]).map(micro => (Array.isArray(micro) ? (micro as readonly Json[]).map(valueText).join(' ') : valueText(micro))).join(', ')
}

export function checkPage(page: Pick<CheckPage, 'file' | 'verdict' | 'judged' | 'operations' | 'timelines' | 'notes'>, results: readonly CheckResult[]): CheckPage {
  const findings = results.flatMap(result => result.findings)
  const pictured = new Map(findings.map(finding => [finding, finding.status === 'bad' ? cycleOf(finding) : undefined]))
  return {
    ...page,
    cycles: [...pictured.values()].filter(one => one !== undefined),
    findings: findings.filter(finding => pictured.get(finding) === undefined && !(page.timelines.length > 0 && finding.anomaly === 'nonlinearizable')),
    counts: results.flatMap(({ counts, bad }) => Object.entries(counts).filter(([, count]) => count > 0).map(([anomaly, count]) => ({ anomaly, count, bad: (bad?.[anomaly] ?? 0) > 0 }))),
  }
}
