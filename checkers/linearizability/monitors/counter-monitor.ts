/**
 * Counters that go up by equal steps. A read of r steps says that the r-th step was taken before it returned and the one
 * after not before it was called, so the k-th step has a window: after the latest call of a read that saw fewer than k,
 * before the earliest return of one that saw at least k. Windows ascend with k. The history is linearizable exactly if every
 * window is open and completed additions find different steps, each overlapping its window, such that all steps up to the
 * largest that was read are taken: a matching of intervals, done by earliest deadline first.
 */
import { NEVER } from '../operation-table.ts'
import type { Partition } from '../partition.ts'
import type { MonitorAnswer } from '../shipped-model.ts'
import type { Json } from '../../../src/history/operation.ts'

export function counterMonitor(partition: Partition, until: number, deltaOf: (f: string, value: Json) => number | undefined): MonitorAnswer | undefined {
  const { table, rows, returned } = partition
  const { f, calls, returns, model } = table
  const READ = model.functions.indexOf('read')
  let delta: number | undefined
  const adds: number[] = []
  for (const row of rows) {
    if (calls[row]! >= until) break
    if (f[row] === READ) continue
    const call = table.callOf(row)
    const size = deltaOf(call.f, call.value)
    if (size === undefined || size === 0 || !Number.isSafeInteger(size) || (delta !== undefined && size !== delta)) return undefined
    delta = size
    adds.push(row)
  }
  const wrong = (row: number, why: string): MonitorAnswer => ({ valid: false, impossible: row, first: false, why, against: [] })
  // The window of step k + 1 by k: opens[k] a call, closes[k] a return.
  const most = adds.length
  const opens = new Int32Array(most + 1).fill(-1)
  const closes = new Int32Array(most + 1).fill(NEVER)
  let largest = 0
  for (const row of returned) {
    if (returns[row]! >= until) break
    if (f[row] !== READ) continue
    const sum = table.outputOf(row)
    const seen = sum === 0 ? 0 : (sum as number) / (delta ?? 1)
    if (typeof sum !== 'number' || !Number.isInteger(seen) || seen < 0 || seen > most) return wrong(row, 'No number of the additions that were begun gives this sum.')
    if (seen > largest) largest = seen
    opens[seen] = Math.max(opens[seen]!, calls[row]!)
    if (seen > 0) closes[seen - 1] = Math.min(closes[seen - 1]!, returns[row]!)
  }
  const lastReturned = returned.findLast(row => returns[row]! < until) ?? -1
  for (let k = 1; k <= most; k++) opens[k] = Math.max(opens[k]!, opens[k - 1]!)
  for (let k = most - 1; k >= 0; k--) closes[k] = Math.min(closes[k]!, closes[k + 1]!)
  for (let k = 0; k < most; k++) if (opens[k]! > closes[k]!) return wrong(lastReturned, 'A sum was read after a larger one had been.')
  return matched(adds, until, { opens, closes, largest, calls, returns }) ? { valid: true } : wrong(lastReturned, 'The additions cannot be shared out among the sums that were read.')
}

interface Windows {
  readonly opens: Int32Array
  readonly closes: Int32Array
  readonly largest: number
  readonly calls: Int32Array
  readonly returns: Int32Array
}

/** Fills steps in order, each with the addition that must go first; additions of unknown outcome can wait for ever. */
function matched(adds: readonly number[], until: number, { opens, closes, largest, calls, returns }: Windows): boolean {
  const completed = (row: number): boolean => returns[row]! < until
  const heap = new Earliest(row => (completed(row) ? returns[row]! : NEVER))
  let next = 0
  for (let k = 0; k < largest; k++) {
    for (; next < adds.length && calls[adds[next]!]! < closes[k]!; next++) heap.push(adds[next]!)
    if (heap.size === 0) return false
    const row = heap.pop()
    if (completed(row) && returns[row]! < opens[k]!) return false
  }
  // What is left is taken after the last read, and so must not have returned before that was called.
  for (; next < adds.length; next++) heap.push(adds[next]!)
  while (heap.size > 0) {
    const row = heap.pop()
    if (completed(row) && returns[row]! < opens[largest]!) return false
  }
  return true
}

class Earliest {
  private readonly rows: number[] = []
  private readonly key: (row: number) => number

  constructor(key: (row: number) => number) {
    this.key = key
  }

  get size(): number {
    return this.rows.length
  }

  push(row: number): void {
    const { rows, key } = this
    let at = rows.push(row) - 1
    for (; at > 0 && key(rows[(at - 1) >> 1]!) > key(row); at = (at - 1) >> 1) rows[at] = rows[(at - 1) >> 1]!
    rows[at] = row
  }

  pop(): number {
    const { rows, key } = this
    const top = rows[0]!
    const row = rows.pop()!
    if (rows.length > 0) {
      let at = 0
      for (;;) {
        let child = 2 * at + 1
        if (child >= rows.length) break
        if (child + 1 < rows.length && key(rows[child + 1]!) < key(rows[child]!)) child++
        if (key(rows[child]!) >= key(row)) break
        rows[at] = rows[child]!
        at = child
      }
      rows[at] = row
    }
    return top
  }
}
