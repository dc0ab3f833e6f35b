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
import type { Operation, Process } from '../../src/history/operation.ts'
import { type GraphBuilder, PROCESS, REALTIME } from './dependency-graph.ts'
import { IntList, NumberList } from './int-list.ts'

/** `open`: no answer, or one that leaves its fate unknown (`info`). */
export const OPEN = 0
export const OK = 1
export const FAILED = 2

const NONE = -1

export class TransactionTable {
  private readonly statuses = new IntList()
  private readonly processes = new NumberList()
  private readonly invokedAt = new NumberList()
  private readonly invokedTimes = new NumberList()
  private readonly completedAt = new NumberList()
  private readonly completedTimes = new NumberList()
  /** The number of the group of completions that a transaction belongs to, and the first transaction after each group. */
  private readonly groupOf = new IntList()
  private readonly firstAfter = new IntList()
  private groupOpen = false
  /** The transaction of the same process that follows. */
  private readonly successor = new IntList()
  private readonly lastOk = new Map<Process, number>()
  private readonly running = new Map<Process, number>()

  get count(): number {
    return this.statuses.length
  }

  /** Returns the number of the new transaction. Throws TrialError('input') when the process has one open. */
  invoke({ process, index, time }: Operation): number {
    if (this.running.has(process)) {
      throw new TrialError('input', `operation ${index}: process ${process} begins a transaction while another is open.`, 'A process does one operation at a time.')
    }
    if (this.groupOpen) {
      this.groupOpen = false
      this.firstAfter.push(this.count)
    }
    const transaction = this.statuses.push(OPEN)
    this.processes.push(typeof process === 'number' ? process : NONE)
    this.invokedAt.push(index)
    this.invokedTimes.push(time)
    this.completedAt.push(NONE)
    this.completedTimes.push(NONE)
    this.groupOf.push(NONE)
    this.successor.push(NONE)
    const before = this.lastOk.get(process)
    // A transaction that then fails is replaced by the next.
    if (before !== undefined) this.successor.set(before, transaction)
    this.running.set(process, transaction)
    return transaction
  }

  /** The transaction that an answer belongs to, which is over now; -1: the process has none open. */
  complete({ process, index, time, type }: Operation): number {
    const transaction = this.running.get(process)
    if (transaction === undefined) return NONE
    this.running.delete(process)
    this.completedAt.set(transaction, index)
    this.completedTimes.set(transaction, time)
    if (type === 'ok') {
      this.statuses.set(transaction, OK)
      this.groupOf.set(transaction, this.firstAfter.length)
      this.groupOpen = true
      this.lastOk.set(process, transaction)
    } else if (type === 'fail') {
      this.statuses.set(transaction, FAILED)
    }
    return transaction
  }

  status(transaction: number): number {
    return this.statuses.at(transaction)
  }

  process(transaction: number): number {
    return this.processes.at(transaction)
  }

  /** `index` and `time` of the invocation, and of the answer (-1: none). */
  invoked(transaction: number): { readonly index: number; readonly time: number } {
    return { index: this.invokedAt.at(transaction), time: this.invokedTimes.at(transaction) }
  }

  completed(transaction: number): { readonly index: number; readonly time: number } {
    return { index: this.completedAt.at(transaction), time: this.completedTimes.at(transaction) }
  }

  /** Which order clients saw between two transactions: PROCESS, REALTIME, or 0 when the first did not precede the second. */
  order(first: number, second: number): number {
    if (first >= second || this.statuses.at(first) !== OK) return 0
    if (this.processes.at(first) === this.processes.at(second) && this.processes.at(first) !== NONE) return PROCESS
    const group = this.groupOf.at(first)
    return group < this.firstAfter.length && this.firstAfter.at(group) <= second ? REALTIME : 0
  }

  /** Adds process and realtime edges. */
  linkSessions(graph: GraphBuilder): void {
    const { count } = this
    const groups = this.firstAfter.length
    const junctions = new Int32Array(groups)
    for (let group = 0; group < groups; group++) junctions[group] = graph.junction()
    for (let transaction = 0; transaction < count; transaction++) {
      if (this.statuses.at(transaction) !== OK) continue
      const next = this.successor.at(transaction)
      if (next !== NONE && this.statuses.at(next) !== FAILED) graph.link(transaction, next, PROCESS)
      const group = this.groupOf.at(transaction)
      if (group < groups) graph.link(transaction, junctions[group]!, REALTIME)
    }
    for (let group = 0; group < groups; group++) {
      const end = group + 1 < groups ? this.firstAfter.at(group + 1) : count
      for (let transaction = this.firstAfter.at(group); transaction < end; transaction++) {
        if (this.statuses.at(transaction) !== FAILED) graph.link(junctions[group]!, transaction, REALTIME)
      }
      if (group + 1 < groups) graph.link(junctions[group]!, junctions[group + 1]!, REALTIME)
    }
  }
}
