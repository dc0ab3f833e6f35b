/**
 * From values to small numbers: keys to their numbers, the values of one key to their writes. Small integers, which most
 * workloads write, lie in an array; everything else in a Map by identity (so `__proto__` is a name like any other).
 */
import type { Json } from '../../src/history/operation.ts'
import { type Identity, identityOf } from '../identity.ts'

export class ValueIndex {
  private readonly dense: number[] = []
  private sparse: Map<Identity, number> | undefined = undefined

  /** -1: not there. */
  get(value: Json): number {
    if (typeof value === 'number' && value < this.dense.length && value >= 0) {
      const found = this.dense[value]
      if (found !== undefined && found !== -1) return found
    }
    if (this.sparse === undefined) return -1
    return this.sparse.get(identityOf(value)) ?? -1
  }

  /** `number` is 0 or more. The value must not be there yet. */
  set(value: Json, number: number): void {
    const { dense } = this
    if (typeof value === 'number' && (value | 0) === value && value >= 0 && value < dense.length * 2 + 64) {
      while (dense.length <= value) dense.push(-1)
      dense[value] = number
      return
    }
    this.sparse ??= new Map()
    this.sparse.set(identityOf(value), number)
  }
}
