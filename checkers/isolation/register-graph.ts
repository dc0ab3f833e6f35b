/**
 * Dependencies between transactions over registers, and why each exists:
 *
 *   wr  who wrote a version, to who read it
 *   ww  who wrote a version, to who wrote one that is known to be later
 *   rw  who read a version, to who wrote one that is known to be later; who read nil, to every writer of the key
 */
import type { Json } from '../../src/history/operation.ts'
import { show } from '../show.ts'
import { type DependencyGraph, edgeName, GraphBuilder, RW, WR, WW } from './dependency-graph.ts'
import type { Reason } from './explain-cycle.ts'
import type { RegisterHistory } from './register-history.ts'
import { FAILED, OK } from './transaction-table.ts'

const NONE = -1

export class RegisterGraph {
  readonly graph: DependencyGraph
  private readonly history: RegisterHistory
  private readonly versions: DependencyGraph
  /** Transactions whose first read of the key was this version. */
  private readonly readers: (number[] | undefined)[]

  constructor(history: RegisterHistory, versions: DependencyGraph) {
    this.history = history
    this.versions = versions
    this.readers = Array.from({ length: versions.nodes })
    const { transactions } = history
    const builder = new GraphBuilder(transactions.count)
    /** Per key, who wrote it for others to see. */
    const writersOfKey: number[][] = history.keys.map(() => [])
    for (let transaction = 0; transaction < transactions.count; transaction++) {
      if (transactions.status(transaction) === FAILED) continue
      for (let micro = history.first(transaction); micro < history.end(transaction); micro++) {
        const version = history.version(micro)
        if (history.isOuterWrite(micro)) writersOfKey[history.key(micro)]!.push(transaction)
        else if (transactions.status(transaction) === OK && history.isOuterRead(transaction, micro)) {
          const writer = this.writer(version)
          if (writer !== NONE) builder.link(writer, transaction, WR)
          const known = this.readers[version]
          if (known === undefined) this.readers[version] = [transaction]
          else known.push(transaction)
        }
      }
    }
    for (let key = 0; key < history.keys.length; key++) {
      const { initial } = history.keys[key]!
      if (initial !== NONE) builder.linkAll(this.readers[initial] ?? [], writersOfKey[key]!)
    }
    for (let version = 0; version < versions.nodes; version++) {
      const later = new Set<number>()
      for (let at = versions.offsets[version]!; at < versions.offsets[version + 1]!; at++) {
        const writer = this.outerWriter(versions.targets[at]!)
        if (writer !== NONE) later.add(writer)
      }
      if (later.size === 0) continue
      const writer = this.outerWriter(version)
      if (writer !== NONE) for (const one of later) builder.link(writer, one, WW)
      const readers = this.readers[version]
      if (readers !== undefined) builder.linkAll(readers, [...later])
    }
    transactions.linkSessions(builder)
    this.graph = builder.build()
  }

  explain(first: number, second: number, kind: number, firstName: string, secondName: string): Reason {
    const { history } = this
    for (let a = history.first(first); a < history.end(first); a++) {
      for (let b = history.first(second); b < history.end(second); b++) {
        if (history.key(a) !== history.key(b)) continue
        const key = history.keys[history.key(a)]!.name
        const [before, after] = [history.version(a), history.version(b)]
        const value: Json = before === NONE ? null : history.values[before]!
        const next: Json = after === NONE ? null : history.values[after]!
        if (kind === WR && history.isWrite(a) && before === after && !history.isWrite(b)) {
          return { type: 'wr', key, value, because: `${firstName} wrote ${show(key)} = ${show(value)}, which was read by ${secondName}` }
        }
        if (!history.isOuterWrite(b)) continue
        if (kind === WW && history.isOuterWrite(a) && this.isBefore(before, after)) {
          return { type: 'ww', key, value, next, because: `${firstName} set ${show(key)} to ${show(value)}, and ${secondName} set it to ${show(next)}, which came later in the version order` }
        }
        if (kind === RW && history.isOuterRead(first, a) && this.isBefore(before, after)) {
          const because = value === null
            ? `${firstName} read the initial state (nil) of ${show(key)}, which ${secondName} set to ${show(next)}`
            : `${firstName} read ${show(key)} = ${show(value)}, and ${secondName} set it to ${show(next)}, which came later in the version order`
          return { type: 'rw', key, value, next, because }
        }
      }
    }
    return { type: edgeName(kind), because: `${firstName} comes before ${secondName}` }
  }

  private isBefore(version: number, later: number): boolean {
    if (this.history.values[version] === null) return true
    const { offsets, targets } = this.versions
    for (let at = offsets[version]!; at < offsets[version + 1]!; at++) if (targets[at] === later) return true
    return false
  }

  /** Not of failed transactions. */
  private writer(version: number): number {
    const writer = this.history.writers.at(version)
    return writer === NONE || this.history.transactions.status(writer) === FAILED ? NONE : writer
  }

  private outerWriter(version: number): number {
    return this.history.intermediate.at(version) === 1 ? NONE : this.writer(version)
  }
}
