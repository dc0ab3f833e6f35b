/**
 * A number for each process, -1 where there is none. Processes that are numbered from 0 on, as most recorders do, are looked
 * up in an array that follows how many there have been; all others in a map.
 */
import type { Process } from '../../src/history/operation.ts'

const NONE = -1
const FIRST_CAPACITY = 64

export class ProcessIndex {
  private dense = new Int32Array(FIRST_CAPACITY).fill(NONE)
  private readonly sparse = new Map<Process, number>()
  private seen = 0

  get(process: Process): number {
    if (typeof process === 'number' && process >= 0 && process < this.dense.length) {
      const found = this.dense[process]
      if (found !== undefined && found !== NONE) return found
    }
    return this.sparse.size === 0 ? NONE : this.sparse.get(process) ?? NONE
  }

  set(process: Process, number: number): void {
    if (this.sparse.size > 0 && this.sparse.delete(process) && number === NONE) return
    if (typeof process === 'number' && process >= 0 && (process | 0) === process) {
      this.seen++
      if (process >= this.dense.length && process < 4 * this.seen + FIRST_CAPACITY) this.grow(process)
      if (process < this.dense.length) {
        this.dense[process] = number
        return
      }
    }
    if (number !== NONE) this.sparse.set(process, number)
  }

  private grow(process: number): void {
    const larger = new Int32Array(Math.max(process + 1, 4 * this.dense.length)).fill(NONE)
    larger.set(this.dense)
    this.dense = larger
  }
}
