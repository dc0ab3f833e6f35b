/**
 * A cycle as a finding: the transactions by name, each step with its reason as data and as a sentence, and the step that
 * contradicts the others.
 */
import type { Json } from '../../src/history/operation.ts'
import type { ExplanationStep } from '../contract.ts'
import type { FindingBody } from '../finding-collector.ts'
import { edgeName, PROCESS, REALTIME } from './dependency-graph.ts'
import type { FoundCycle } from './find-cycles.ts'
import type { TransactionTable } from './transaction-table.ts'

export interface Reason {
  readonly type: string
  readonly key?: Json
  readonly value?: Json
  readonly next?: Json
  /** "T1 appended 4 to x after T2 appended 3". */
  readonly because: string
}

export interface CycleTeller {
  readonly transactions: TransactionTable
  /** The micro-operations, for the reader. */
  describe(transaction: number): Json
  /** Why the first precedes the second by a data edge of this kind. */
  explain(first: number, second: number, kind: number, firstName: string, secondName: string): Reason
}

/** Longer cycles are told by their first and last steps; the evidence has them all, up to 1 000. */
const TOLD = 12
const KEPT = 1_000

export function explainCycle(cycle: FoundCycle, teller: CycleTeller): FindingBody {
  const { nodes, kinds } = cycle
  const { transactions } = teller
  const name = (place: number): string => `T${(place % nodes.length) + 1}`
  const kept = Math.min(nodes.length, KEPT)
  const reasons = Array.from({ length: kept }, (_, place) => reasonOf(place))
  const last = kept === nodes.length ? reasons[kept - 1]! : reasonOf(nodes.length - 1)

  function reasonOf(place: number): Reason {
    const first = nodes[place]!
    const second = nodes[(place + 1) % nodes.length]!
    const kind = kinds[place]!
    if (kind === PROCESS) return { type: 'process', because: `process ${transactions.process(first)} executed ${name(place)} before ${name(place + 1)}` }
    if (kind === REALTIME) {
      return { type: 'realtime', because: `${name(place)} completed (operation ${transactions.completed(first).index}) before ${name(place + 1)} was invoked (operation ${transactions.invoked(second).index})` }
    }
    return teller.explain(first, second, kind, name(place), name(place + 1))
  }

  const steps: ExplanationStep[] = []
  for (let place = 0; place < nodes.length; place++) {
    if (nodes.length > TOLD && place === TOLD - 1) steps.push({ text: `... ${nodes.length - TOLD} more transactions, each before the next ...` })
    if (nodes.length > TOLD && place >= TOLD - 1 && place < nodes.length - 1) continue
    const { index, time } = transactions.invoked(nodes[place]!)
    const reason = place < kept ? reasons[place]! : last
    const however = place === nodes.length - 1 ? 'However, ' : ''
    steps.push({ text: `${however}${name(place)} < ${name(place + 1)}, because ${reason.because}${however === '' ? '.' : ': a contradiction.'}`, operation: index, time })
  }
  const first = reasons[0]!
  return {
    title: `${nodes.length} transactions each have to come before the other: ${kinds.slice(0, TOLD).map(edgeName).join(', ')}${nodes.length > TOLD ? ', ...' : ''}.`,
    evidence: {
      length: nodes.length,
      transactions: nodes.slice(0, kept).map((node, place): Json => ({
        name: name(place), process: transactions.process(node), invoked: transactions.invoked(node).index, completed: transactions.completed(node).index, value: teller.describe(node),
      })),
      steps: reasons.map(({ type, key, value, next, because }, place): Json => ({
        from: name(place), to: name(place + 1), type, because, ...(key === undefined ? {} : { key }), ...(value === undefined ? {} : { value }), ...(next === undefined ? {} : { next }),
      })),
    },
    steps,
    contradiction: `T1 comes before ${nodes.length === 2 ? 'T2' : `T2, and so on to T${nodes.length}`}, because ${first.because}; however, ${name(nodes.length - 1)} comes before T1, because ${last.because}.`,
    ...(typeof first.key === 'string' ? { key: first.key } : {}),
  }
}
