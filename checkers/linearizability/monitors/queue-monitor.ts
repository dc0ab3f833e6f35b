/**
 * Queues in and out of order with distinct values, by what a violation must look like (Henzinger, Sezgin and Vafeiadis 2013,
 * "Aspect-oriented linearizability proofs"; in near-linear time as in arXiv 2410.04581 and 2509.17795):
 * - a value comes out that was not put in, twice, or before it was put in;
 * - in order only: b comes out although a went in before b, and a came out after b or not at all;
 * - "empty" is answered although at each moment of that call some value must have been inside.
 *
 * A value of unknown outcome that came out went in before that; one that never came out was never put in. A dequeue of
 * unknown outcome may have taken something: if without it there is a violation, a search must decide.
 */
import { NEVER, UNKNOWN } from '../operation-table.ts'
import type { Partition } from '../partition.ts'
import type { MonitorAnswer } from '../shipped-model.ts'

const ENQUEUE = 0

export function queueMonitor(partition: Partition, until: number, ordered: boolean): MonitorAnswer | undefined {
  const { table, rows, returned } = partition
  const { f, input, output, calls, returns } = table
  const enqueued = new Map<number, number>()
  let unknownDequeues = false
  for (const row of rows) {
    if (calls[row]! >= until) break
    if (f[row] !== ENQUEUE) {
      unknownDequeues ||= output[row] === UNKNOWN
      continue
    }
    // An element that looks like "empty", or one put in twice.
    if (input[row] === 0 || enqueued.has(input[row]!)) return undefined
    enqueued.set(input[row]!, row)
  }
  const wrong = (row: number, why: string, against: readonly number[] = []): MonitorAnswer | undefined => (unknownDequeues ? undefined : { valid: false, impossible: row, first: false, why, against })
  const dequeued = new Map<number, number>()
  const empties: number[] = []
  for (const row of returned) {
    if (returns[row]! >= until) break
    if (f[row] === ENQUEUE) continue
    const value = output[row]!
    if (value === 0) {
      empties.push(row)
      continue
    }
    const by = enqueued.get(value)
    if (by === undefined || calls[by]! > returns[row]!) return wrong(row, 'It took an element that nobody had begun to put in.', by === undefined ? [] : [by])
    const other = dequeued.get(value)
    if (other !== undefined) return wrong(row, 'It took an element that had been taken before.', [other])
    dequeued.set(value, row)
  }
  // What returns after `until` may take its element at any time from its call on, or never.
  for (const row of returned) if (returns[row]! >= until && calls[row]! < until && f[row] !== ENQUEUE && !dequeued.has(output[row]!)) dequeued.set(output[row]!, row)
  /** When the element was inside at the latest, and from when on it may have been taken. */
  const inside: { readonly row: number; readonly called: number; readonly from: number; readonly to: number; readonly out: number }[] = []
  for (const [value, row] of enqueued) {
    const taker = dequeued.get(value)
    const returnedAt = returns[row]! < until ? returns[row]! : NEVER
    if (taker === undefined && returnedAt === NEVER) continue
    const out = taker === undefined || returns[taker]! >= until ? NEVER : returns[taker]!
    inside.push({ row, called: calls[row]!, from: Math.min(returnedAt, out), to: taker === undefined ? NEVER : calls[taker]!, out })
  }
  if (ordered) {
    // `inside` is in the order of calls. Among those put in before this one's call, who stays longest for certain?
    const byReturn = inside.toSorted((a, b) => a.from - b.from)
    let next = 0
    let longest = inside[0]
    for (const one of inside) {
      for (; next < byReturn.length && byReturn[next]!.from < one.called; next++) if (next === 0 || byReturn[next]!.to > longest!.to) longest = byReturn[next]
      if (next > 0 && longest!.to > one.out) {
        return wrong(dequeued.get(input[one.row]!)!, 'It took an element although an older one must still have been inside.', [longest!.row])
      }
    }
  }
  const unexplained = neverEmpty(inside, empties, calls, returns)
  if (unexplained !== -1) return wrong(unexplained, 'It found nothing although at each moment of the call some element must have been inside.')
  return { valid: true }
}

/** A call that answered "empty" within a time that is wholly covered by elements being inside. */
function neverEmpty(inside: readonly { readonly from: number; readonly to: number }[], empties: readonly number[], calls: Int32Array, returns: Int32Array): number {
  const spans = inside.filter(({ from, to }) => from < to).sort((a, b) => a.from - b.from)
  const covered: { readonly from: number; to: number }[] = []
  for (const { from, to } of spans) {
    const last = covered.at(-1)
    if (last !== undefined && from < last.to) last.to = Math.max(last.to, to)
    else covered.push({ from, to })
  }
  for (const row of empties) {
    let low = 0
    let high = covered.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (covered[middle]!.from < calls[row]!) low = middle + 1
      else high = middle
    }
    if (low > 0 && covered[low - 1]!.to > returns[row]!) return row
  }
  return -1
}
