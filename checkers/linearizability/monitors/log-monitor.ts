/**
 * Logs with dense offsets and distinct values: offsets give the order of the writes, so nothing is left to search.
 *
 * Event by event in the order of returns: `known` is the largest offset that some returned operation has shown to exist,
 * and `knownAtCall` what it was when an operation was called. An append at offset o, and an answer that ends at o (an empty
 * fetch at o, an end of o), must not be called after o was known; nothing else can go wrong between operations whose
 * offsets are known. (In terms of releases and deadlines: the release of an offset is that call, its deadline the moment
 * at which it or a later one became known.)
 *
 * Appends of unknown outcome: one that was seen sits at its offset; an offset that nobody saw is filled by one that was
 * called before the offset was passed. Deadlines ascend with offsets, so counting is all that this matching takes: at no
 * time may more offsets have been passed unseen than unseen appends have been called. The rest never happened.
 */
import { FETCH, APPEND, END, type LogEncoding } from '../log-encoding.ts'
import { NEVER, type OperationTable } from '../operation-table.ts'
import type { Partition } from '../partition.ts'
import type { MonitorAnswer } from '../shipped-model.ts'

/** By value of the log: its append, or -1. By row: offset that its append is known to have, or -1. */
interface Scratch {
  readonly writer: Int32Array
  readonly offset: Int32Array
  readonly knownAtCall: Int32Array
}

const kept = new WeakMap<OperationTable, Scratch>()

export function logMonitor(partition: Partition, until: number): MonitorAnswer | undefined {
  const { rows, table } = partition
  const scratch = scratchOf(table)
  const appends: number[] = []
  let distinct = true
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!
    if (table.f[row] !== APPEND || table.calls[row]! >= until) continue
    const value = table.input[row]!
    if (scratch.writer[value] !== -1) {
      distinct = false
      break
    }
    scratch.writer[value] = row
    appends.push(row)
  }
  const answer = distinct ? new Sweep(partition, until, scratch, appends).answer() : undefined
  for (const row of appends) {
    scratch.writer[table.input[row]!] = -1
    scratch.offset[row] = -1
  }
  return answer
}

class Sweep {
  private readonly partition: Partition
  private readonly until: number
  private readonly scratch: Scratch
  private readonly appends: readonly number[]
  private readonly lists: Int32Array
  /** Row at each offset, -1 where nobody saw one. */
  private readonly at: Int32Array
  /** 0 where nobody says that it is there: it returns after `until`, at that offset if it takes effect. */
  private readonly need: Uint8Array
  private known = -1
  private called = 0
  private unseenCalled = 0
  private holes = 0
  /** Did bindings from the future decide? Then an earlier return may be the one that cannot be explained, or a later one. */
  private doubtful = false
  /** Who made the largest offset known, for the explanation. */
  private knownBy = -1

  constructor(partition: Partition, until: number, scratch: Scratch, appends: readonly number[]) {
    this.partition = partition
    this.until = until
    this.scratch = scratch
    this.appends = appends
    this.lists = (partition.table.encoding as LogEncoding).lists.data
    this.at = new Int32Array(appends.length).fill(-1)
    this.need = new Uint8Array(appends.length).fill(1)
  }

  answer(): MonitorAnswer {
    const { rows, returned, table } = this.partition
    const { calls, returns } = table
    this.bindAll()
    let nextCall = 0
    for (let i = 0; i < returned.length; i++) {
      const row = returned[i]!
      const now = returns[row]!
      if (now >= this.until) break
      for (; nextCall < rows.length && calls[rows[nextCall]!]! < now; nextCall++) {
        const called = rows[nextCall]!
        this.scratch.knownAtCall[called] = this.known
        if (table.f[called] !== APPEND) continue
        this.called++
        if (this.scratch.offset[called] === -1) this.unseenCalled++
      }
      const why = this.take(row, now)
      if (why !== undefined) return { valid: false, impossible: row, first: !this.doubtful, why, against: this.knownBy === -1 ? [] : [this.knownBy] }
    }
    return { valid: true, order: this.orderer() }
  }

  /** First come, first bound; who disagrees is found out in the sweep, at its return. */
  private bindAll(): void {
    const { returned, table } = this.partition
    const { f, output, returns } = table
    const { writer, offset } = this.scratch
    // Appends that return after `until` would, if they took effect, do so at their offset.
    for (const row of this.appends) if (returns[row] !== NEVER && output[row]! >= 0) offset[row] = output[row]!
    for (let i = 0; i < returned.length; i++) {
      const row = returned[i]!
      if (returns[row]! >= this.until) break
      if (f[row] === APPEND) this.bind(offset[row]!, row)
      else if (f[row] === FETCH && output[row]! >= 0) {
        const list = output[row]!
        const from = this.lists[list + 1]!
        for (let j = 2; j <= this.lists[list]!; j++) {
          const by = writer[this.lists[list + j]!]!
          if (by === -1) continue
          const where = from + j - 2
          if (offset[by] === -1) {
            if (this.at[where] !== -1) continue
            offset[by] = where
          }
          if (offset[by] === where) this.bind(where, by)
        }
      }
    }
    for (const row of this.appends) {
      const where = offset[row]!
      if (where < 0 || where >= this.at.length) continue
      if (this.at[where] !== -1) {
        this.doubtful ||= this.at[where] !== row
        continue
      }
      this.at[where] = row
      this.need[where] = 0
    }
  }

  private bind(offset: number, row: number): void {
    if (offset >= 0 && offset < this.at.length && this.at[offset] === -1) this.at[offset] = row
  }

  /** Why this return cannot be explained. */
  private take(row: number, now: number): string | undefined {
    const { f, output } = this.partition.table
    const { knownAtCall, writer, offset } = this.scratch
    const answer = output[row]!
    if (answer < 0) return 'This is not an answer that a log gives to the call.'
    if (f[row] === END) {
      if (knownAtCall[row]! >= answer) return `It says that the log ends at ${answer}, but offset ${knownAtCall[row]} was known to exist before it was called.`
      return this.advance(answer - 1, row, now)
    }
    if (f[row] === APPEND) {
      if (this.at[answer] !== row) return `Offset ${answer} holds another record, or it is larger than the number of appends.`
      if (knownAtCall[row]! >= answer) return `Its offset ${answer} was known to exist before it was called.`
      return this.advance(answer, row, now)
    }
    const from = this.lists[answer + 1]!
    const count = this.lists[answer]! - 1
    if (count === 0) return knownAtCall[row]! >= from ? `It found nothing at ${from}, but offset ${knownAtCall[row]} was known to exist before it was called.` : undefined
    for (let i = 0; i < count; i++) {
      const by = writer[this.lists[answer + 2 + i]!]!
      if (by === -1 || this.partition.table.calls[by]! > now) return `It found a record at offset ${from + i} that nobody had begun to append.`
      if (this.at[from + i] !== by || offset[by] !== from + i) return `It found a record at offset ${from + i} that belongs elsewhere.`
    }
    return this.advance(from + count - 1, row, now)
  }

  /** `end` exists now, and so does everything below it. */
  private advance(end: number, row: number, now: number): string | undefined {
    if (end >= this.called) return `It shows offset ${end}, but only ${this.called} appends have been called.`
    if (end <= this.known) return undefined
    const { calls } = this.partition.table
    for (let offset = this.known + 1; offset <= end; offset++) {
      const by = this.at[offset]!
      if (by === -1 || (this.need[offset] === 0 && calls[by]! > now)) {
        this.at[offset] = -1
        this.holes++
        this.doubtful = true
        if (this.holes > this.unseenCalled) return `It shows offset ${end}, so something is at offset ${offset}; every append that could be there is known to be elsewhere or was called later.`
      } else if (calls[by]! > now) {
        this.doubtful ||= this.unseenCalled > 0
        return `It shows offset ${end}, so something is at offset ${offset}; what is there was appended later.`
      }
    }
    this.known = end
    this.knownBy = row
    return undefined
  }

  /** Records by offset, each followed by what was answered while it was the last. */
  private orderer(): () => Int32Array {
    const { partition, until, at, known, lists } = this
    const { rows, table } = partition
    const { f, output, calls, returns } = table
    const { knownAtCall } = this.scratch
    const unseen = this.appends.filter(row => this.scratch.offset[row] === -1)
    return () => {
      const included = (row: number): boolean => f[row] !== APPEND && calls[row]! < until && returns[row]! < until && returns[row] !== NEVER
      const placeOf = (row: number): number => {
        if (f[row] === END) return output[row]!
        const count = lists[output[row]!]! - 1
        return 1 + (count === 0 ? knownAtCall[row]! : Math.max(knownAtCall[row]!, lists[output[row]! + 1]! + count - 1))
      }
      const ends = new Int32Array(known + 3)
      for (let i = 0; i < rows.length; i++) if (included(rows[i]!)) ends[placeOf(rows[i]!) + 1]!++
      // One record before each group but the first.
      for (let place = 0; place <= known + 1; place++) ends[place + 1]! += ends[place]! + (place > 0 ? 1 : 0)
      const order = new Int32Array(ends[known + 2]!)
      let filler = 0
      for (let offset = 0; offset <= known; offset++) order[ends[offset + 1]!++] = at[offset] === -1 ? unseen[filler++]! : at[offset]!
      for (let i = 0; i < rows.length; i++) if (included(rows[i]!)) order[ends[placeOf(rows[i]!)]!++] = rows[i]!
      return order
    }
  }
}

function scratchOf(table: OperationTable): Scratch {
  let scratch = kept.get(table)
  if (scratch === undefined) {
    scratch = { writer: new Int32Array(table.encoding.codes.size).fill(-1), offset: new Int32Array(table.count).fill(-1), knownAtCall: new Int32Array(table.count) }
    kept.set(table, scratch)
  }
  return scratch
}
