/**
 * The transactions of a history as columns: who ran each, when it was invoked and completed, what became of it, and the two
 * orders that clients could see.
 *
 * Process order is one edge a transaction. Realtime order is kept in transitive reduction: completions that no invocation
 * separates share a junction, which leads to the transactions invoked before the next such group and to the next junction.
 * That is O(n), where edges between transactions would be O(n * clients).
 *
 * Only `ok` transactions precede others in either order: what was never answered may take effect at any later time.
 */
import { TrialError } from '../../src/base/trial-error.ts'
import type { Operation } from '../../src/history/operation.ts'
import { type GraphBuilder, PROCESS, REALTIME } from './dependency-graph.ts'
import { IntList } from './int-list.ts'
import { ProcessIndex } from './process-index.ts'

/** `open`: no answer, or one that leaves its fate unknown (`info`). */
export const OPEN = 0
export const OK = 1
export const FAILED = 2

const NONE = -1
const FIRST_CAPACITY = 1_024

export class TransactionTable {
  /** Columns of one number each a transaction, grown together. */
  private statuses = new Uint8Array(FIRST_CAPACITY)
  private processes = new Float64Array(FIRST_CAPACITY)
  /** Index and time of the invocation, index and time of the answer. */
  private events = new Float64Array(4 * FIRST_CAPACITY)
  /** The number of the group of completions that a transaction belongs to. */
  private groupOf = new Int32Array(FIRST_CAPACITY)
  /** The transaction of the same process that follows. */
  private successor = new Int32Array(FIRST_CAPACITY)
  private used = 0
  /** The first transaction after each group. */
  private readonly firstAfter = new IntList()
  private groupOpen = false
  /** Of each process the last transaction that was ok, and the one that is open. */
  private readonly lastOk = new ProcessIndex()
  private readonly running = new ProcessIndex()

  get count(): number {
    return this.used
  }

  /** Returns the number of the new transaction. Throws TrialError('input') when the process has one open. */
  invoke({ process, index, time }: Operation): number {
    if (this.running.get(process) !== NONE) {
      throw new TrialError('input', `operation ${index}: process ${process} begins a transaction while another is open.`, 'A process does one operation at a time.')
    }
    if (this.groupOpen) {
      this.groupOpen = false
      this.firstAfter.push(this.count)
    }
    const transaction = this.used++
    if (transaction === this.statuses.length) this.grow()
    this.processes[transaction] = typeof process === 'number' ? process : NONE
    this.events[4 * transaction] = index
    this.events[4 * transaction + 1] = time
    this.events[4 * transaction + 2] = this.events[4 * transaction + 3] = NONE
    this.groupOf[transaction] = this.successor[transaction] = NONE
    const before = this.lastOk.get(process)
    // A transaction that then fails is replaced by the next.
    if (before !== NONE) this.successor[before] = transaction
    this.running.set(process, transaction)
    return transaction
  }

  /** The transaction that an answer belongs to, which is over now; -1: the process has none open. */
  complete({ process, index, time, type }: Operation): number {
    const transaction = this.running.get(process)
    if (transaction === NONE) return NONE
    this.running.set(process, NONE)
    this.events[4 * transaction + 2] = index
    this.events[4 * transaction + 3] = time
    if (type === 'ok') {
      this.statuses[transaction] = OK
      this.groupOf[transaction] = this.firstAfter.length
      this.groupOpen = true
      this.lastOk.set(process, transaction)
    } else if (type === 'fail') {
      this.statuses[transaction] = FAILED
    }
    return transaction
  }

  status(transaction: number): number {
    return this.statuses[transaction]!
  }

  process(transaction: number): number {
    return this.processes[transaction]!
  }

  /** `index` and `time` of the invocation, and of the answer (-1: none). */
  invoked(transaction: number): { readonly index: number; readonly time: number } {
    return { index: this.events[4 * transaction]!, time: this.events[4 * transaction + 1]! }
  }

  completed(transaction: number): { readonly index: number; readonly time: number } {
    return { index: this.events[4 * transaction + 2]!, time: this.events[4 * transaction + 3]! }
  }

  /** Which order clients saw between two transactions: PROCESS, REALTIME, or 0 when the first did not precede the second. */
  order(first: number, second: number): number {
    if (first >= second || this.statuses[first] !== OK) return 0
    if (this.processes[first] === this.processes[second] && this.processes[first] !== NONE) return PROCESS
    const group = this.groupOf[first]!
    return group < this.firstAfter.length && this.firstAfter.at(group) <= second ? REALTIME : 0
  }

  /** Adds process and realtime edges. */
  linkSessions(graph: GraphBuilder): void {
    const { count } = this
    const groups = this.firstAfter.length
    const junctions = new Int32Array(groups)
    for (let group = 0; group < groups; group++) junctions[group] = graph.junction()
    for (let transaction = 0; transaction < count; transaction++) {
      if (this.statuses[transaction] !== OK) continue
      const next = this.successor[transaction]!
      if (next !== NONE && this.statuses[next] !== FAILED) graph.link(transaction, next, PROCESS)
      const group = this.groupOf[transaction]!
      if (group < groups) graph.link(transaction, junctions[group]!, REALTIME)
    }
    for (let group = 0; group < groups; group++) {
      const end = group + 1 < groups ? this.firstAfter.at(group + 1) : count
      for (let transaction = this.firstAfter.at(group); transaction < end; transaction++) {
        if (this.statuses[transaction] !== FAILED) graph.link(junctions[group]!, transaction, REALTIME)
      }
      if (group + 1 < groups) graph.link(junctions[group]!, junctions[group + 1]!, REALTIME)
    }
  }

  private grow(): void {
    this.statuses = larger(this.statuses, new Uint8Array(2 * this.statuses.length))
    this.processes = larger(this.processes, new Float64Array(2 * this.processes.length))
    this.events = larger(this.events, new Float64Array(2 * this.events.length))
    this.groupOf = larger(this.groupOf, new Int32Array(2 * this.groupOf.length))
    this.successor = larger(this.successor, new Int32Array(2 * this.successor.length))
  }
}

function larger<T extends Uint8Array | Int32Array | Float64Array>(old: T, grown: T): T {
  grown.set(old)
  return grown
}
