/**
 * How the inputs and outputs of a model become integers while a history is read, so that nothing of it is kept but typed
 * arrays. Equal codes mean equal values for the function that they belong to. A model brings an encoding of its own where
 * a monitor wants to compute with the codes (offsets, lists of values).
 */
import type { Json } from '../../src/history/operation.ts'
import { ValueCodes } from './value-codes.ts'

export interface Encoding {
  input(f: number, value: Json): number
  output(f: number, input: number, value: Json): number
  inputValue(f: number, code: number): Json
  outputValue(f: number, input: number, code: number): Json
  readonly codes: ValueCodes
}

/** Values by number of appearance. Functions in `silent` answer nothing that matters: their outputs are all null. */
export class PlainEncoding implements Encoding {
  readonly codes = new ValueCodes()
  private readonly silent: readonly boolean[]
  private readonly asksNothing: readonly boolean[]

  constructor(functions: readonly string[] = [], silent: readonly string[] = [], asksNothing: readonly string[] = []) {
    this.silent = functions.map(f => silent.includes(f))
    this.asksNothing = functions.map(f => asksNothing.includes(f))
  }

  input(f: number, value: Json): number {
    return this.asksNothing[f] === true ? 0 : this.codes.code(value)
  }

  output(f: number, _input: number, value: Json): number {
    return this.silent[f] === true ? 0 : this.codes.code(value)
  }

  inputValue(_f: number, code: number): Json {
    return this.codes.value(code)
  }

  outputValue(_f: number, _input: number, code: number): Json {
    return this.codes.value(code)
  }
}

/** Lists of codes in one typed array; a list's number is where it begins. Nothing is shared: number what repeats elsewhere. */
export class ListPool {
  /** Length, then the elements. */
  data = new Int32Array(16)
  private used = 0

  begin(length: number): number {
    const need = this.used + length + 1
    if (need > this.data.length) {
      const data = new Int32Array(Math.max(need, this.data.length * 2))
      data.set(this.data)
      this.data = data
    }
    const at = this.used
    this.data[at] = length
    this.used = need
    return at
  }
}
