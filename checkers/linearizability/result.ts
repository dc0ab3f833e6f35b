/**
 * What a check answers, as data: a verdict with its witness, a counterexample, or what was explored before the budget ran
 * out. Operations are named by the `index` of their invocation.
 */
import type { Json } from '../../src/history/operation.ts'
import { describeCall } from './model.ts'
import { NEVER, type OperationTable } from './operation-table.ts'

export interface OperationInfo {
  readonly index: number
  readonly process: number
  readonly f: string
  readonly value: Json
  /** Absent: the outcome is unknown. */
  readonly output?: Json
  /** `read 3` */
  readonly text: string
}

export interface Counterexample {
  /** The independent key, null when there is only one object. */
  readonly key: Json
  /** The first operation whose return cannot be explained, whatever those still open then did. */
  readonly impossible: OperationInfo
  /** False when only some part of the history is known to be wrong, and this is the last of it to return. */
  readonly first: boolean
  /** In a sentence, and the operations that contradict it: of the monitors, which know the reason. */
  readonly why: string
  readonly against: readonly OperationInfo[]
  /** A longest part that can be explained, in an order that explains it: everything that returned before. Null: not found within the budget. */
  readonly prefix: readonly number[] | null
  /** States after that part in which the operation was tried. */
  readonly states: readonly string[]
}

/** One key's order, when the engine can name one. */
export interface Witness {
  readonly key: Json
  readonly order: readonly number[]
}

export interface Explored {
  readonly steps: number
  readonly configurations: number
  readonly partitions: number
  /** Of the partition at which the budget ran out: its key, how many completed operations were explained at best, of how many. */
  readonly stoppedAt: { readonly key: Json; readonly explained: number; readonly of: number } | null
  readonly decidedPartitions: number
}

export interface LinearizabilityResult {
  readonly verdict: 'valid' | 'invalid' | 'unknown'
  readonly model: string
  /** Partitions by the engine that decided them. */
  readonly engines: { readonly [engine: string]: number }
  readonly operations: number
  readonly explored: Explored
  /** Only with `invalid`. One for each partition that is wrong, the first 8 of them. */
  readonly counterexamples: readonly Counterexample[]
  readonly wrongPartitions: number
  /** Only with `unknown`. */
  readonly exhausted: 'budget' | 'time' | 'monitor' | null
  /** Only with `valid`: computes an order for each partition, of those engines that can. */
  readonly witness: () => readonly Witness[]
}

export function infoOf(table: OperationTable, row: number): OperationInfo {
  const call = table.callOf(row)
  const output = table.outputOf(row)
  const known = output !== undefined && table.returns[row] !== NEVER
  return { index: table.index[row]!, process: table.process[row]!, ...call, ...(known ? { output } : {}), text: describeCall(table.model, call, output) }
}

export function indicesOf(table: OperationTable, rows: Int32Array): number[] {
  const indices = new Array<number>(rows.length)
  for (let i = 0; i < rows.length; i++) indices[i] = table.index[rows[i]!]!
  return indices
}
