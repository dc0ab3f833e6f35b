/**
 * A model as integers: states and classes of operations (equal call, equal answer) are numbered as they appear, and each
 * step is asked of the model once. The search then never touches a value.
 */
import type { Json } from '../../src/history/operation.ts'
import type { Model } from './model.ts'
import { canonicalText } from './model.ts'
import type { OperationTable } from './operation-table.ts'
import type { ShippedModel } from './shipped-model.ts'

export const ILLEGAL = -1
/** Rows of the dense table are kept for so many classes at most; beyond that a map. */
const DENSE_CLASSES = 512
const DENSE_STATES = 2048

export class Transitions {
  /** By class: may it change a state, and a row that belongs to it. */
  readonly changing: boolean[] = []
  /** By class, of models whose state is one value: the state that it needs and the one that it leaves, or -1. */
  readonly needs: number[] = []
  readonly leaves: number[] = []
  private readonly sample: number[] = []
  readonly states: unknown[] = []
  private readonly table: OperationTable
  private readonly model: Model
  private readonly byHash = new Map<string | number, number | number[]>()
  private readonly dense: (Int32Array | undefined)[] = []
  private readonly sparse = new Map<number, number>()
  /** Sets of states that one operation may lead to; their number is the place of the first, and each begins with its length. */
  private readonly sets: number[] = []
  private readonly classes = new Map<number, Map<number, number>>()

  constructor(table: OperationTable) {
    this.table = table
    this.model = table.model
    this.stateOf(this.model.init)
  }

  /** Is a state one value, which each operation needs or leaves? */
  get isOneValue(): boolean {
    return (this.model as ShippedModel).effect !== undefined
  }

  get classCount(): number {
    return this.sample.length
  }

  classOf(row: number): number {
    const { f, input, output } = this.table
    // f is below 256 and inputs below 2^31 either side: exact in a double.
    const asked = input[row]! * 256 + f[row]!
    let answers = this.classes.get(asked)
    if (answers === undefined) this.classes.set(asked, answers = new Map())
    let found = answers.get(output[row]!)
    if (found === undefined) {
      found = this.sample.push(row) - 1
      answers.set(output[row]!, found)
      const { effect } = this.model as ShippedModel
      const { needs, leaves } = effect === undefined ? {} : effect(this.table.callOf(row), this.table.outputOf(row))
      this.needs.push(needs === undefined ? -1 : this.stateOf(needs))
      this.leaves.push(leaves === undefined ? -1 : this.stateOf(leaves))
      this.changing.push(this.model.changes === undefined || this.model.changes(this.table.callOf(row)))
    }
    return found
  }

  /** The state that follows, ILLEGAL, or -2 - n: one of the states of set n. */
  next(state: number, cls: number): number {
    if (cls < DENSE_CLASSES && state < DENSE_STATES) {
      let row = this.dense[state]
      if (row === undefined || row.length <= cls) {
        const wider = new Int32Array(Math.min(DENSE_CLASSES, Math.max(this.sample.length, cls + 1)))
        if (row !== undefined) wider.set(row)
        this.dense[state] = row = wider
      }
      // Zero stands for "not asked yet".
      const known = row[cls]!
      if (known !== 0) return known > 0 ? known - 1 : known
      const asked = this.ask(state, cls)
      row[cls] = asked >= 0 ? asked + 1 : asked
      return asked
    }
    const at = state * 0x400000 + cls
    const known = this.sparse.get(at)
    if (known !== undefined) return known
    const asked = this.ask(state, cls)
    this.sparse.set(at, asked)
    return asked
  }

  /** How many states a negative answer of `next` stands for, and which. */
  branchCount(set: number): number {
    return this.sets[-2 - set]!
  }

  branch(set: number, at: number): number {
    return this.sets[-1 - set + at]!
  }

  private ask(state: number, cls: number): number {
    const row = this.sample[cls]!
    const call = this.table.callOf(row)
    const output = this.table.outputOf(row)
    if (this.model.branches !== undefined) {
      const states = [...new Set(this.model.branches(this.states[state], call, output).map(next => this.stateOf(next)))]
      if (states.length === 0) return ILLEGAL
      if (states.length === 1) return states[0]!
      this.sets.push(states.length, ...states)
      return -2 - (this.sets.length - states.length - 1)
    }
    const [ok, next] = this.model.step(this.states[state], call, output)
    return ok ? this.stateOf(next) : ILLEGAL
  }

  private stateOf(state: unknown): number {
    const { model } = this
    const hash = model.hash === undefined ? canonicalText(state as Json) : model.hash(state)
    const known = this.byHash.get(hash)
    if (known === undefined) {
      this.byHash.set(hash, this.states.push(state) - 1)
      return this.states.length - 1
    }
    if (model.equal === undefined) return known as number
    const candidates = typeof known === 'number' ? [known] : known
    for (const candidate of candidates) if (model.equal(this.states[candidate], state)) return candidate
    candidates.push(this.states.push(state) - 1)
    this.byHash.set(hash, candidates)
    return this.states.length - 1
  }
}
