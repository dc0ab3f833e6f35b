/**
 * Numbers values as they come: equal values get equal codes, null is 0. Small integers, which is what most histories
 * write, are looked up in a typed array; memory follows the number of values, never the largest of them.
 */
import type { Json } from '../../src/history/operation.ts'
import { canonicalText } from './model.ts'

export class ValueCodes {
  private readonly values: Json[] = [null]
  /** Code of the integer at its place, 0 where there is none. */
  private direct = new Int32Array(16)
  private readonly scalars = new Map<number | string | boolean, number>()
  private readonly structured = new Map<string, number>()

  /** Codes are 0 to size - 1. */
  get size(): number {
    return this.values.length
  }

  code(value: Json): number {
    if (typeof value === 'number') {
      if (value >= 0 && value < this.direct.length) {
        const found = this.direct[value]
        if (found !== undefined && found !== 0) return found
      }
      return this.number(value)
    }
    if (value === null) return 0
    if (typeof value === 'object') return this.intern(this.structured, canonicalText(value), value)
    return this.intern(this.scalars, value, value)
  }

  /** The code of a value that was seen, or -1. */
  find(value: Json): number {
    if (value === null) return 0
    if (typeof value === 'object') return this.structured.get(canonicalText(value)) ?? -1
    if (typeof value === 'number') {
      const found = this.direct[value]
      if (found !== undefined && found !== 0) return found
    }
    return this.scalars.get(value) ?? -1
  }

  value(code: number): Json {
    return this.values[code]!
  }

  private number(value: number): number {
    const known = this.scalars.size === 0 ? undefined : this.scalars.get(value)
    if (known !== undefined) return known
    const code = this.values.push(value) - 1
    if (Number.isInteger(value) && value >= 0 && value < 4 * code + 16) {
      if (value >= this.direct.length) this.grow(value)
      this.direct[value] = code
    } else this.scalars.set(value, code)
    return code
  }

  private grow(value: number): void {
    const direct = new Int32Array(Math.max(value + 1, this.direct.length * 2))
    direct.set(this.direct)
    this.direct = direct
  }

  private intern<K>(codes: Map<K, number>, key: K, value: Json): number {
    const known = codes.get(key)
    if (known !== undefined) return known
    const code = this.values.push(value) - 1
    codes.set(key, code)
    return code
  }
}
