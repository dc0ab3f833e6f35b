/**
 * What our own models know beside the specification: codes of their values, what an operation needs and leaves where the
 * state is one value, and a monitor that decides without a search.
 */
import type { Encoding } from './encoding.ts'
import type { Model } from './model.ts'
import type { OperationTable } from './operation-table.ts'
import type { Partition } from './partition.ts'
import type { EffectOf } from './reachable-effects.ts'

export interface ShippedModel<State = any> extends Model<State> {
  readonly encoding?: () => Encoding
  readonly effect?: EffectOf
  readonly monitor?: Monitor
  /** The state after these rows, good enough to be described, where going through all of them is not needed. */
  readonly stateAfter?: (table: OperationTable, order: Int32Array) => State
}

/**
 * Decides the history of a partition up to event `until` in near-linear time: what returns later may or may not have taken
 * effect. `undefined`: the conditions that its theory asks for do not hold, and a search must decide.
 */
export type Monitor = (partition: Partition, until: number) => MonitorAnswer | undefined

export type MonitorAnswer =
  | {
    readonly valid: true
    /** Rows in an order that explains the history, when the monitor can name one. */
    readonly order?: () => Int32Array
  }
  | {
    readonly valid: false
    /** The row whose return cannot be explained. */
    readonly impossible: number
    /** Does everything that returned before it have an explanation? Otherwise whoever asks must look for a shorter part. */
    readonly first: boolean
    /** Why, in a sentence, and the rows that contradict it. */
    readonly why: string
    readonly against: readonly number[]
  }
