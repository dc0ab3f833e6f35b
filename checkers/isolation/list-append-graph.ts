/**
 * Dependencies between the transactions of a list-append history, and why each exists. In the order of a key's elements:
 *
 *   ww  the writer of an element, to the writer of the next
 *   wr  the writer of the last element of a list, to who read that list
 *   rw  who read a list, to the writer of the element that follows it
 *
 * Elements of failed transactions are passed over (Adya orders committed versions only). Elements that nobody read follow
 * the last that was: their transactions have edges in; edges out they have only if other things they did were seen, and
 * then they did happen.
 */
import type { Json } from '../../src/history/operation.ts'
import { show } from '../show.ts'
import { type DependencyGraph, edgeName, GraphBuilder, RW, WR, WW } from './dependency-graph.ts'
import type { Reason } from './explain-cycle.ts'
import type { AppendKey, ListAppendHistory } from './list-append-history.ts'
import { FAILED, OK } from './transaction-table.ts'

const NONE = -1

/** Per key and place in the order: the last and the next committed element from there, as numbers of appends. */
interface Neighbours {
  readonly before: Int32Array
  readonly after: Int32Array
}

export class ListAppendGraph {
  readonly graph: DependencyGraph
  private readonly history: ListAppendHistory
  private readonly neighbours: Neighbours[]

  constructor(history: ListAppendHistory) {
    this.history = history
    this.neighbours = history.keys.map(key => this.neighboursOf(key))
    const builder = new GraphBuilder(history.transactions.count)
    for (let key = 0; key < history.keys.length; key++) this.linkWrites(builder, key)
    this.linkReads(builder)
    history.transactions.linkSessions(builder)
    this.graph = builder.build()
  }

  /** Why `first` precedes `second` by a data edge of this kind. */
  explain(first: number, second: number, kind: number, firstName: string, secondName: string): Reason {
    const { history } = this
    if (kind === WR) {
      for (const { key, last } of this.readsOf(second)) {
        if (last === NONE || this.writer(last) !== first) continue
        const value = history.appendValues[last]!
        return { type: 'wr', key, value, because: `${secondName} observed ${firstName}'s append of ${show(value)} to ${show(key)}` }
      }
    }
    for (let micro = history.firstMicro.at(second); micro < history.end(second); micro++) {
      const code = history.micros.at(micro)
      if (code >= 0) continue
      const append = -1 - code
      const key = history.microKeys.at(micro)
      const name = history.keys[key]!.name
      const next = history.appendValues[append]!
      const place = history.appendPlaces[append]!
      const end = history.keys[key]!.order.length
      const before = this.neighbours[key]!.before[place === NONE ? end : place]!
      if (kind === WW && before !== NONE && this.writer(before) === first) {
        const value = history.appendValues[before]!
        return { type: 'ww', key: name, value, next, because: `${secondName} appended ${show(next)} to ${show(name)} after ${firstName} appended ${show(value)}` }
      }
      if (kind !== RW) continue
      for (const read of this.readsOf(first)) {
        if (read.number !== key || read.version === NONE) continue
        const following = this.neighbours[key]!.after[read.version]!
        if (following === append || (following === NONE && place === NONE)) {
          const value = read.last === NONE ? null : history.appendValues[read.last]!
          const because = read.version === 0
            ? `${firstName} observed the initial (empty) state of ${show(name)}, to which ${secondName} appended ${show(next)}`
            : `${firstName} did not observe ${secondName}'s append of ${show(next)} to ${show(name)}`
          return { type: 'rw', key: name, value, next, because }
        }
      }
    }
    return { type: edgeName(kind), because: `${firstName} comes before ${secondName}` }
  }

  private writer(append: number): number {
    return this.history.appendTransactions.at(append)
  }

  private committed(append: number): boolean {
    return append !== NONE && this.history.transactions.status(this.writer(append)) !== FAILED
  }

  private neighboursOf({ order }: AppendKey): Neighbours {
    const before = new Int32Array(order.length + 1)
    const after = new Int32Array(order.length + 1)
    let last = NONE
    for (let place = 0; place <= order.length; place++) {
      before[place] = last
      if (place < order.length && this.committed(order[place]!)) last = order[place]!
    }
    let next = NONE
    for (let place = order.length; place >= 0; place--) {
      if (place < order.length && this.committed(order[place]!)) next = order[place]!
      after[place] = next
    }
    return { before, after }
  }

  private linkWrites(builder: GraphBuilder, number: number): void {
    const { order, unread } = this.history.keys[number]!
    const { before } = this.neighbours[number]!
    for (let place = 0; place < order.length; place++) {
      const append = order[place]!
      // A duplicate has its place where it was first.
      if (this.committed(append) && before[place]! !== NONE && this.history.appendPlaces[append]! === place) builder.link(this.writer(before[place]!), this.writer(append), WW)
    }
    const last = before[order.length]!
    if (last !== NONE) for (const append of unread) builder.link(this.writer(last), this.writer(append), WW)
  }

  private linkReads(builder: GraphBuilder): void {
    const { history } = this
    const { transactions, keys } = history
    /** Who read everything that there was, of keys with elements that nobody read. */
    const upToDate = new Map<number, number[]>()
    for (let transaction = 0; transaction < transactions.count; transaction++) {
      if (transactions.status(transaction) !== OK) continue
      const end = history.end(transaction)
      for (let micro = history.firstMicro.at(transaction); micro < end; micro++) {
        if (history.micros.at(micro) < 0) continue
        const key = history.microKeys.at(micro)
        const version = history.version(micro)
        const last = this.lastOf(micro, version)
        if (this.committed(last)) builder.link(this.writer(last), transaction, WR)
        if (version === NONE) continue
        const next = this.neighbours[key]!.after[version]!
        if (next !== NONE) builder.link(transaction, this.writer(next), RW)
        else if (keys[key]!.unread.length > 0) {
          const readers = upToDate.get(key)
          if (readers === undefined) upToDate.set(key, [transaction])
          else if (readers.at(-1) !== transaction) readers.push(transaction)
        }
      }
    }
    for (const [key, readers] of upToDate) builder.linkAll(readers, [...new Set(keys[key]!.unread.map(append => this.writer(append)))])
  }

  /** The append of the last element that a read saw. */
  private lastOf(micro: number, version: number): number {
    const key = this.history.keys[this.history.microKeys.at(micro)]!
    if (version > 0) return key.order[version - 1]!
    if (version === 0) return NONE
    const list = this.history.readList(micro)
    return list.length === 0 ? NONE : key.index.get(list.at(-1)!)
  }

  private readsOf(transaction: number): { key: Json; number: number; version: number; last: number }[] {
    const { history } = this
    const reads = []
    if (history.transactions.status(transaction) !== OK) return []
    for (let micro = history.firstMicro.at(transaction); micro < history.end(transaction); micro++) {
      if (history.micros.at(micro) < 0) continue
      const number = history.microKeys.at(micro)
      const version = history.version(micro)
      reads.push({ key: history.keys[number]!.name, number, version, last: this.lastOf(micro, version) })
    }
    return reads
  }
}
