/**
 * Registers whose writes are distinct (Gibbons and Korach 1997, "Testing shared memories"): who reads a value names its
 * write. The write of a value and the reads of it form a cluster; in any linearization they stand together. Cluster u must
 * stand before cluster v when an operation of u returned before one of v was called; the history is linearizable unless
 * two clusters must each stand before the other, or a read returned before its write was called.
 *
 * With `first` the earliest return of a cluster and `last` its latest call: u before v means first[u] < last[v].
 *
 * Done here event by event in the order of returns, so the return at which it fails is the first that cannot be explained.
 * Clusters are numbered by their first return. `reach[i]`, the largest `last` of clusters up to i, changes at a handful of
 * places a step: a cluster whose `last` lies before the call at hand was concurrent with it, or there was a violation
 * before. So it takes linear time, whatever is open.
 *
 * Indeterminate writes belong to a cluster if somebody read them, and else did not happen.
 */
import { NEVER, type OperationTable } from '../operation-table.ts'
import type { Partition } from '../partition.ts'
import type { MonitorAnswer } from '../shipped-model.ts'

const READ = 0

export function registerMonitor(partition: Partition, until: number): MonitorAnswer | undefined {
  const { rows, returned, table } = partition
  const { f, input, output, calls, returns } = table
  const scratch = scratchOf(table)
  const { writer, rank, activeAtCall } = scratch
  const values: number[] = []
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!
    if (f[row] === READ) continue
    const value = input[row]!
    // Writing the initial value, or one value twice: a read no longer names its write.
    if (value === 0 || writer[value] !== -1) {
      forget(scratch, values)
      return undefined
    }
    writer[value] = row
    values.push(value)
  }
  const most = values.length + 1
  const first = new Int32Array(most)
  const last = new Int32Array(most)
  const reach = new Int32Array(most)
  const activeAtLast = new Int32Array(most)
  const write = new Int32Array(most)
  // The initial value was written and read before everything.
  first[0] = last[0] = reach[0] = write[0] = -1
  rank[0] = 0
  let active = 1
  let failed: MonitorAnswer | undefined
  let nextCall = 0
  for (let i = 0; i < returned.length; i++) {
    const row = returned[i]!
    const now = returns[row]!
    if (now >= until) break
    for (; nextCall < rows.length && calls[rows[nextCall]!]! < now; nextCall++) activeAtCall[rows[nextCall]!] = active
    const isRead = f[row] === READ
    const value = isRead ? output[row]! : input[row]!
    const by = writer[value]!
    if (isRead && value !== 0 && (by === -1 || calls[by]! > now)) {
      failed = { valid: false, impossible: row, first: true, why: 'It read a value that nobody had begun to write.', against: by === -1 ? [] : [by] }
      break
    }
    let call = calls[row]!
    let hi = activeAtCall[row]!
    let r = rank[value]!
    if (r === -1) {
      r = active++
      rank[value] = r
      write[r] = by
      first[r] = now
      // Whoever read it first may have been called before its write.
      if (calls[by]! > call) {
        call = calls[by]!
        hi = activeAtCall[by]!
      }
      last[r] = call
      activeAtLast[r] = hi
      reach[r] = Math.max(reach[r - 1]!, call)
      continue
    }
    if (call > last[r]!) {
      const checked = Math.max(r + 1, activeAtLast[r]!)
      last[r] = call
      activeAtLast[r] = hi
      for (let j = r; j < active && reach[j]! < call; j++) reach[j] = call
      const before = Math.min(hi, r)
      let other = -1
      if (before > 0 && reach[before - 1]! > first[r]!) other = earliestReaching(last, before, first[r]!)
      for (let j = checked; j < hi && other === -1; j++) if (last[j]! > first[r]!) other = j
      if (other !== -1) {
        failed = {
          valid: false, impossible: row, first: true,
          why: 'Of two values each was current, by the order of calls and returns, before the other was.',
          against: against(partition, now, value, other === 0 ? 0 : input[write[other]!]!),
        }
        break
      }
    }
  }
  forget(scratch, values)
  if (failed !== undefined) return failed
  return { valid: true, order: () => orderOf(partition, until, { active, first, last, activeAtLast, write }) }
}

function earliestReaching(last: Int32Array, before: number, beyond: number): number {
  for (let j = 0; j < before; j++) if (last[j]! > beyond) return j
  return -1
}

/** Operations of the other value, and of this one: of each the one that returned first and the one that was called last. */
function against({ table, returned, rows }: Partition, now: number, value: number, other: number): number[] {
  const { f, input, output, calls, returns } = table
  const named = new Set<number>()
  for (const wanted of [other, value]) {
    let earliest = -1
    let latest = -1
    for (const row of rows) if (f[row] !== READ && input[row] === wanted && calls[row]! < now) latest = row
    for (const row of returned) {
      if (returns[row]! > now) break
      if ((f[row] === READ ? output[row] : input[row]) !== wanted) continue
      if (earliest === -1) earliest = row
      if (latest === -1 || calls[row]! > calls[latest]!) latest = row
    }
    for (const row of [earliest, latest]) if (row !== -1) named.add(row)
  }
  return [...named]
}

interface Clusters {
  readonly active: number
  readonly first: Int32Array
  readonly last: Int32Array
  readonly activeAtLast: Int32Array
  readonly write: Int32Array
}

/**
 * Clusters that span time (first before last) do not overlap and stand in that order. Any other takes a point: its `last`,
 * or the end of the spanning cluster that this falls into.
 */
function orderOf({ table, rows }: Partition, until: number, { active, first, last, activeAtLast, write }: Clusters): Int32Array {
  const { f, input, output, calls, returns } = table
  const places = new Float64Array(active)
  const spanning = new Int32Array(active)
  let latest = -1
  for (let r = 0; r < active; r++) {
    if (last[r]! > first[r]!) latest = r
    spanning[r] = latest
  }
  for (let r = 0; r < active; r++) {
    let point = first[r]!
    if (last[r]! <= first[r]!) {
      point = last[r]!
      const around = activeAtLast[r]! > 0 ? spanning[activeAtLast[r]! - 1]! : -1
      if (around !== -1 && last[around]! > point) point = last[around]!
    }
    places[r] = (point + 1) * active + r
  }
  sortNearly(places)
  const { rank } = scratchOf(table)
  for (let r = 0; r < active; r++) if (write[r] !== -1) rank[input[write[r]!]!] = r
  rank[0] = 0
  const ends = new Int32Array(active + 1)
  const included = (row: number): boolean => (f[row] === READ ? returns[row]! < until && returns[row] !== NEVER : calls[row]! < until && rank[input[row]!] !== -1)
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!
    if (included(row)) ends[rank[f[row] === READ ? output[row]! : input[row]!]! + 1]!++
  }
  const placeOf = new Int32Array(active)
  let total = 0
  for (let i = 0; i < active; i++) {
    const r = places[i]! % active
    placeOf[r] = total
    total += ends[r + 1]!
  }
  const order = new Int32Array(total)
  for (let r = 0; r < active; r++) if (write[r] !== -1) order[placeOf[r]!++] = write[r]!
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!
    if (f[row] === READ && included(row)) order[placeOf[rank[output[row]!]!]!++] = row
  }
  for (let r = 0; r < active; r++) if (write[r] !== -1) rank[input[write[r]!]!] = -1
  rank[0] = -1
  return order
}

/** By insertion, since hardly anything stands far from its place; what moves too much is sorted as usual. */
function sortNearly(places: Float64Array): void {
  let moves = 8 * places.length
  for (let i = 1; i < places.length; i++) {
    const one = places[i]!
    let at = i
    for (; at > 0 && places[at - 1]! > one; at--) places[at] = places[at - 1]!
    places[at] = one
    if ((moves -= i - at) < 0) {
      places.sort()
      return
    }
  }
}

/** Arrays by value and by row, kept between partitions: a history of many keys must not pay for all values at each. */
interface Scratch {
  readonly writer: Int32Array
  readonly rank: Int32Array
  readonly activeAtCall: Int32Array
}

const kept = new WeakMap<OperationTable, Scratch>()

function scratchOf(table: OperationTable): Scratch {
  let scratch = kept.get(table)
  if (scratch === undefined) {
    const values = table.encoding.codes.size
    scratch = { writer: new Int32Array(values).fill(-1), rank: new Int32Array(values).fill(-1), activeAtCall: new Int32Array(table.count) }
    kept.set(table, scratch)
  }
  return scratch
}

function forget({ writer, rank }: Scratch, values: readonly number[]): void {
  for (const value of values) {
    writer[value] = -1
    rank[value] = -1
  }
  rank[0] = -1
}
