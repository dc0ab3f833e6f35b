/**
 * Codes of a log's operations. Values are numbered by appearance, offsets and lengths stand for themselves, a fetch is a list
 * (offset, then codes of values). What is not of these shapes gets a negative code: no log ever answers so.
 */
import type { Json } from '../../src/history/operation.ts'
import { type Encoding, ListPool } from './encoding.ts'
import { sameValue } from './model.ts'
import { ValueCodes } from './value-codes.ts'

export const APPEND = 0
export const FETCH = 1
export const END = 2

/** Beyond this no offset can be dense: there are not so many operations. */
const MOST = 1 << 30

export class LogEncoding implements Encoding {
  readonly codes = new ValueCodes()
  readonly lists = new ListPool()

  input(f: number, value: Json): number {
    if (f === APPEND) return this.codes.code(value)
    return f === END ? 0 : this.offset(value)
  }

  output(f: number, input: number, value: Json): number {
    if (f === END) return this.offset(value)
    if (!Array.isArray(value) || value.length !== 2) return this.odd(value)
    const [offset, what] = value as unknown as readonly [Json, Json]
    const code = this.offset(offset)
    if (code < 0) return this.odd(value)
    if (f === APPEND) {
      // Numbers are told apart at once; the rest is compared.
      const appended = this.codes.value(input)
      return appended === what || sameValue(appended, what) ? code : this.odd(value)
    }
    if (!Array.isArray(what) || (input !== code && this.inputValue(f, input) !== null)) return this.odd(value)
    const at = this.lists.begin(what.length + 1)
    const { data } = this.lists
    data[at + 1] = code
    for (let i = 0; i < what.length; i++) data[at + 2 + i] = this.codes.code(what[i] as Json)
    return at
  }

  inputValue(f: number, code: number): Json {
    if (f === APPEND) return this.codes.value(code)
    return f === END ? null : this.plain(code)
  }

  outputValue(f: number, input: number, code: number): Json {
    if (code < 0 || f === END) return this.plain(code)
    if (f === APPEND) return [code, this.codes.value(input)]
    const { data } = this.lists
    const values: Json[] = []
    for (let i = 1; i < data[code]!; i++) values.push(this.codes.value(data[code + 1 + i]!))
    return [data[code + 1]!, values]
  }

  private offset(value: Json): number {
    return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < MOST ? value : this.odd(value)
  }

  private odd(value: Json): number {
    return -1 - this.codes.code(value)
  }

  private plain(code: number): Json {
    return code < 0 ? this.codes.value(-1 - code) : code
  }
}
