/**
 * A history as typed arrays, filled event by event: one row an invocation, in the order of invocation. Times are places in
 * the history (Int32), so memory is some 40 bytes an operation whatever the values are.
 *
 * Left out are operations that failed (they did not happen), faults, and calls of unknown outcome that change nothing (a
 * read that nobody saw, reduction 1 of the search). Throws TrialError('input') at what is not a history of this model.
 */
import { TrialError } from '../../src/base/trial-error.ts'
import type { Json, Operation } from '../../src/history/operation.ts'
import { type Encoding, PlainEncoding } from './encoding.ts'
import type { Call, Model, Output } from './model.ts'
import type { ShippedModel } from './shipped-model.ts'
import { ValueCodes } from './value-codes.ts'

/** Return of an operation whose outcome is unknown: it stays open. */
export const NEVER = 0x7fffffff
/** In `returns`: the operation is no part of the history. */
export const DROPPED = -1
/** In `output`: nobody knows. */
export const UNKNOWN = -0x80000000

export class OperationTable {
  readonly model: Model
  readonly encoding: Encoding
  readonly keys = new ValueCodes()
  count = 0
  events = 0
  f = new Uint8Array(16)
  key = new Int32Array(16)
  input = new Int32Array(16)
  output = new Int32Array(16)
  calls = new Int32Array(16)
  returns = new Int32Array(16)
  /** `index` of the invocation, for reports. */
  index = new Float64Array(16)
  process = new Float64Array(16)
  /** Completed operations in the order of their returns. */
  returned = new Int32Array(16)
  returnedCount = 0
  private readonly functions = new Map<string, number>()
  private readonly changing: readonly boolean[] | undefined
  private readonly independent: boolean
  private readonly partition: ((call: Call) => Json) | undefined
  /** Open operation of each process, plus one; small process numbers in an array. */
  private openSmall = new Int32Array(16)
  private readonly openLarge = new Map<number, number>()

  constructor(model: ShippedModel, independent: boolean) {
    this.model = model
    this.independent = independent
    this.partition = model.partition?.bind(model)
    this.encoding = model.encoding?.() ?? new PlainEncoding()
    model.functions.forEach((f, code) => this.functions.set(f, code))
    if (model.functions.length > 255) throw new TrialError('usage', `Model ${model.name} has more than 255 functions.`)
    const { changes } = model
    this.changing = changes === undefined || this.partition !== undefined ? undefined : model.functions.map(f => changes({ f, value: null }))
  }

  add(operation: Operation): void {
    const { process } = operation
    if (process === 'nemesis') return
    const at = this.events++
    if (operation.type === 'invoke') this.invoke(operation, process, at)
    else this.complete(operation, process, at)
  }

  callOf(row: number): Call {
    const f = this.f[row]!
    return { f: this.model.functions[f]!, value: this.encoding.inputValue(f, this.input[row]!) }
  }

  outputOf(row: number): Output {
    const code = this.output[row]!
    return code === UNKNOWN ? undefined : this.encoding.outputValue(this.f[row]!, this.input[row]!, code)
  }

  keyOf(row: number): Json {
    return this.keys.value(this.key[row]!)
  }

  /** Whatever is still open stays so; reads among them are dropped. */
  close(): void {
    for (let row = 0; row < this.count; row++) if (this.returns[row] === NEVER && !this.changes(row)) this.returns[row] = DROPPED
  }

  /** Moves each row to its place. */
  rearrange(place: Int32Array): void {
    this.f = moved(this.f, new Uint8Array(this.count), place)
    for (const column of ['key', 'input', 'output', 'calls', 'returns'] as const) this[column] = moved(this[column], new Int32Array(this.count), place)
    for (const column of ['index', 'process'] as const) this[column] = moved(this[column], new Float64Array(this.count), place)
    for (let i = 0; i < this.returnedCount; i++) this.returned[i] = place[this.returned[i]!]!
  }

  private changes(row: number): boolean {
    if (this.changing !== undefined) return this.changing[this.f[row]!]!
    return this.model.changes === undefined || this.model.changes(this.callOf(row))
  }

  private invoke(operation: Operation, process: number, at: number): void {
    if (this.openOf(process) !== 0) throw this.wrong(operation, `process ${process} invokes ${operation.f} while another operation of it is open`, 'A process does one operation at a time.')
    const row = this.count++
    if (row === this.calls.length) this.grow()
    const f = this.functions.get(operation.f)
    if (f === undefined) throw this.wrong(operation, `the model ${this.model.name} has no operation '${operation.f}'`, `It has: ${this.model.functions.join(', ')}.`)
    let { value } = operation
    let key: Json = null
    if (this.independent) [key, value] = this.tuple(operation)
    else if (this.partition !== undefined) key = this.partition({ f: operation.f, value })
    this.f[row] = f
    this.key[row] = key === null ? 0 : this.keys.code(key)
    this.input[row] = this.encoding.input(f, value)
    this.output[row] = UNKNOWN
    this.calls[row] = at
    this.returns[row] = NEVER
    this.index[row] = operation.index
    this.process[row] = process
    this.setOpen(process, row + 1)
  }

  private complete(operation: Operation, process: number, at: number): void {
    const row = this.openOf(process) - 1
    if (row < 0) throw this.wrong(operation, `process ${process} completes ${operation.f} that it never invoked`, 'Every ok, fail or info follows an invoke of the same process; after info a process never speaks again.')
    const f = this.f[row]!
    if (this.model.functions[f] !== operation.f) throw this.wrong(operation, `process ${process} completes ${operation.f}, but what it invoked is ${this.model.functions[f]}`)
    this.setOpen(process, 0)
    if (operation.type === 'info') return
    if (operation.type === 'fail') {
      this.returns[row] = DROPPED
      return
    }
    const value = this.independent ? this.tuple(operation)[1] : operation.value
    this.output[row] = this.encoding.output(f, this.input[row]!, value)
    this.returns[row] = at
    if (this.returnedCount === this.returned.length) this.returned = doubled(this.returned)
    this.returned[this.returnedCount++] = row
  }

  private tuple(operation: Operation): readonly [Json, Json] {
    const { value } = operation
    if (!Array.isArray(value) || value.length !== 2) throw this.wrong(operation, `${operation.f} has no [key value] tuple`, 'Histories of independent keys carry [key value] in every operation.')
    return value as unknown as readonly [Json, Json]
  }

  private openOf(process: number): number {
    return process >= 0 && process < this.openSmall.length ? this.openSmall[process]! : this.openLarge.get(process) ?? 0
  }

  private setOpen(process: number, row: number): void {
    const { openSmall } = this
    if (process >= openSmall.length && process < 4 * this.count + 256 && Number.isInteger(process)) {
      this.openSmall = new Int32Array(Math.max(process + 1, openSmall.length * 2))
      this.openSmall.set(openSmall)
      for (const [other, open] of this.openLarge) {
        if (other < 0 || other >= this.openSmall.length) continue
        this.openSmall[other] = open
        this.openLarge.delete(other)
      }
    }
    if (process >= 0 && process < this.openSmall.length) this.openSmall[process] = row
    else if (row === 0) this.openLarge.delete(process)
    else this.openLarge.set(process, row)
  }

  private wrong(operation: Operation, what: string, hint?: string): TrialError {
    return new TrialError('input', `Operation ${operation.index}: ${what}.`, hint)
  }

  private grow(): void {
    const f = new Uint8Array(this.f.length * 2)
    f.set(this.f)
    this.f = f
    this.key = doubled(this.key)
    this.input = doubled(this.input)
    this.output = doubled(this.output)
    this.calls = doubled(this.calls)
    this.returns = doubled(this.returns)
    this.index = doubledFloat(this.index)
    this.process = doubledFloat(this.process)
  }
}

function moved<Column extends Uint8Array | Int32Array | Float64Array>(from: Column, to: Column, place: Int32Array): Column {
  for (let row = 0; row < place.length; row++) to[place[row]!] = from[row]!
  return to
}

function doubled(array: Int32Array): Int32Array<ArrayBuffer> {
  const next = new Int32Array(array.length * 2)
  next.set(array)
  return next
}

function doubledFloat(array: Float64Array): Float64Array<ArrayBuffer> {
  const next = new Float64Array(array.length * 2)
  next.set(array)
  return next
}
