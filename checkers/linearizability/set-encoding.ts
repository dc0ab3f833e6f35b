/** Codes of a set's operations: elements are numbered by appearance, what a read answered is a list of them. */
import type { Json } from '../../src/history/operation.ts'
import { type Encoding, ListPool, PlainEncoding } from './encoding.ts'
import type { ValueCodes } from './value-codes.ts'

export const ADD = 0
export const READ = 1

export class SetEncoding implements Encoding {
  readonly lists = new ListPool()
  private readonly plain: PlainEncoding

  constructor(functions: readonly string[]) {
    this.plain = new PlainEncoding(functions, ['add', 'remove'], ['read'])
  }

  get codes(): ValueCodes {
    return this.plain.codes
  }

  input(f: number, value: Json): number {
    return this.plain.input(f, value)
  }

  /** Of a read a list, or a negative code for what is none. */
  output(f: number, input: number, value: Json): number {
    if (f !== READ) return this.plain.output(f, input, value)
    if (!Array.isArray(value)) return value === null ? this.lists.begin(0) : -1 - this.codes.code(value)
    const at = this.lists.begin(value.length)
    const { data } = this.lists
    for (let i = 0; i < value.length; i++) data[at + 1 + i] = this.codes.code(value[i] as Json)
    return at
  }

  inputValue(f: number, code: number): Json {
    return this.plain.inputValue(f, code)
  }

  outputValue(f: number, input: number, code: number): Json {
    if (f !== READ) return this.plain.outputValue(f, input, code)
    if (code < 0) return this.codes.value(-1 - code)
    const { data } = this.lists
    return Array.from(data.subarray(code + 1, code + 1 + data[code]!), element => this.codes.value(element))
  }
}
