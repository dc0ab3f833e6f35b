/**
 * What an isolation checker found, judged against the consistency model that is required: an anomaly that the model does not
 * forbid is allowed, and still told. Also says which models are ruled out.
 */
import type { CheckContext, CheckResult } from '../contract.ts'
import { FindingCollector, type FindingBody } from '../finding-collector.ts'
import { Budget } from './budget.ts'
import { DEFAULT_MODEL, findModel, forbids, ruledOut } from './consistency-models.ts'
import type { DependencyGraph } from './dependency-graph.ts'
import { type CycleTeller, explainCycle } from './explain-cycle.ts'
import { type CycleSearch, findCycles } from './find-cycles.ts'

export class IsolationReport {
  readonly model: string
  private readonly found: FindingCollector
  private readonly seen = new Set<string>()
  private readonly forbidden = new Map<string, boolean>()
  private readonly context: CheckContext

  /** Throws TrialError('usage') when the context asks for a model that there is not. */
  constructor(checker: string, context: CheckContext) {
    this.model = findModel(context.consistencyModel ?? DEFAULT_MODEL)
    this.context = context
    this.found = new FindingCollector(checker, context.guarantees)
  }

  add(anomaly: string, build: () => FindingBody): void {
    this.seen.add(anomaly)
    let forbidden = this.forbidden.get(anomaly)
    if (forbidden === undefined) {
      forbidden = forbids(this.model, anomaly, true)
      this.forbidden.set(anomaly, forbidden)
    }
    this.found.add(anomaly, build, forbidden ? [] : 'never')
  }

  /** Finds and adds the cycles. */
  addCycles(graph: DependencyGraph, teller: CycleTeller): CycleSearch {
    const { transactions } = teller
    const search = findCycles(graph, new Budget(this.context.limits), { order: (first, second) => transactions.order(first, second) })
    for (const cycle of search.cycles) this.add(cycle.anomaly, () => explainCycle(cycle, teller))
    return search
  }

  /** `reason`: why the verdict is unknown unless something bad was found. */
  result(reason?: string): CheckResult {
    const result = this.found.result(reason)
    return this.seen.size === 0 ? result : { ...result, ruledOut: ruledOut(this.seen, true) }
  }
}
