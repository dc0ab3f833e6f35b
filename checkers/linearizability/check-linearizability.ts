/**
 * Is there one order of the operations, respecting real time, that the model explains? Takes the history operation by
 * operation into typed arrays, splits it by key, and has each part decided by a monitor or a search.
 *
 * Pure: the same history, model and budget give the same answer with the same number of steps. Only `deadline`, which the
 * caller brings, knows of time.
 */
import type { Operation } from '../../src/history/operation.ts'
import { type Decision, decidePartition, type Engine } from './decide-partition.ts'
import type { Model } from './model.ts'
import { OperationTable } from './operation-table.ts'
import { partitionsOf } from './partition.ts'
import { type Counterexample, indicesOf, type LinearizabilityResult, type Witness } from './result.ts'
import { Transitions } from './transitions.ts'

export interface LinearizabilityOptions {
  readonly model: Model
  /** `auto`: a monitor where its conditions hold, else the search. */
  readonly engine?: Engine
  /** Steps of search in all; a step places one operation. */
  readonly budget?: number
  /** Asked every so often; true ends the check with `unknown`. */
  readonly deadline?: () => boolean
  /** Values are `[key value]` tuples, as of Jepsen's independent workloads. */
  readonly independent?: boolean
}

export const DEFAULT_BUDGET = 100_000_000
const COUNTEREXAMPLES_KEPT = 8
const OPERATIONS_BETWEEN_LOOKS = 16_384

/** Throws TrialError('input') where the history is not one of this model. */
export function checkLinearizability(history: Iterable<Operation>, options: LinearizabilityOptions): LinearizabilityResult {
  const check = new LinearizabilityCheck(options)
  for (const operation of history) if (!check.add(operation)) break
  return check.finish()
}

/** For whoever reads a history piece by piece: `add` every operation, then `finish`. */
export class LinearizabilityCheck {
  private readonly table: OperationTable
  private readonly options: LinearizabilityOptions
  private sinceLook = 0
  private late = false

  constructor(options: LinearizabilityOptions) {
    this.options = options
    this.table = new OperationTable(options.model, options.independent ?? false)
  }

  /** False when time is up; what comes then is not looked at. */
  add(operation: Operation): boolean {
    if (this.late) return false
    this.table.add(operation)
    if (++this.sinceLook < OPERATIONS_BETWEEN_LOOKS) return true
    this.sinceLook = 0
    return !(this.late = this.options.deadline?.() === true)
  }

  finish(): LinearizabilityResult {
    const { table } = this
    const { model, engine = 'auto', budget = DEFAULT_BUDGET, deadline } = this.options
    table.close()
    const partitions = partitionsOf(table)
    let transitions: Transitions | undefined
    const engines: { [engine: string]: number } = {}
    const counterexamples: Counterexample[] = []
    const decisions: Decision[] = []
    let steps = 0
    let configurations = 0
    let wrongPartitions = 0
    let undecided = 0
    let exhausted: LinearizabilityResult['exhausted'] = this.late ? 'time' : null
    let stoppedAt: LinearizabilityResult['explored']['stoppedAt'] = null
    for (const partition of this.late ? [] : partitions) {
      if (exhausted === 'time' || exhausted === 'budget' || (exhausted === null && deadline?.() === true)) {
        exhausted ??= 'time'
        break
      }
      const decision = decidePartition(partition, () => (transitions ??= new Transitions(table)), engine, { budget: budget - steps, ...(deadline === undefined ? {} : { deadline }) })
      decisions.push(decision)
      steps += decision.steps
      configurations += decision.configurations
      if (decision.verdict === 'unknown') {
        undecided++
        exhausted = decision.exhausted ?? null
        stoppedAt ??= { key: table.keys.value(partition.key), explained: decision.explained, of: partition.returned.length }
      } else engines[decision.engine] = (engines[decision.engine] ?? 0) + 1
      if (decision.counterexample === undefined) continue
      wrongPartitions++
      if (counterexamples.length < COUNTEREXAMPLES_KEPT) counterexamples.push(decision.counterexample)
    }
    const verdict = wrongPartitions > 0 ? 'invalid' : exhausted === null ? 'valid' : 'unknown'
    return {
      verdict, model: model.name, engines, operations: table.count,
      explored: { steps, configurations, partitions: partitions.length, decidedPartitions: decisions.length - undecided, stoppedAt },
      counterexamples, wrongPartitions, exhausted: verdict === 'unknown' ? exhausted : null,
      witness: () => (verdict !== 'valid' ? [] : decisions.flatMap(({ order }, i): Witness[] => (order === undefined ? [] : [{ key: table.keys.value(partitions[i]!.key), order: indicesOf(table, order()) }]))),
    }
  }
}
