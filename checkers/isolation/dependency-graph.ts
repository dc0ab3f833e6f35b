/**
 * The dependency graph of transactions as compressed sparse rows: for each node its edges, each a target and a kind.
 *
 * Nodes 0 to `transactions`-1 are transactions in order of invocation; the rest are junctions, which stand for many edges
 * at once (a -> junction -> b is one edge a -> b of the kind with which the junction is entered). Junctions keep the graph
 * linear in the history: realtime order needs one per group of completions, and "all readers of the last version before all
 * later writers" two per key.
 *
 * Kinds are Adya's: ww (next version), wr (read what was written), rw (overwrote what was read), and the orders that
 * clients could see: process (one client, one after the other) and realtime (completed before the other was invoked).
 */
import { IntList } from './int-list.ts'

export const WW = 1
export const WR = 2
export const RW = 4
export const PROCESS = 8
export const REALTIME = 16
export const DATA = WW | WR | RW
export const ALL = DATA | PROCESS | REALTIME

export type EdgeName = 'ww' | 'wr' | 'rw' | 'process' | 'realtime'
const NAMES: Readonly<Record<number, EdgeName>> = { [WW]: 'ww', [WR]: 'wr', [RW]: 'rw', [PROCESS]: 'process', [REALTIME]: 'realtime' }

export function edgeName(kind: number): EdgeName {
  return NAMES[kind]!
}

export interface DependencyGraph {
  readonly transactions: number
  readonly nodes: number
  /** Edges of node x: from offsets[x] to before offsets[x + 1]. */
  readonly offsets: Int32Array
  readonly targets: Int32Array
  readonly kinds: Uint8Array
}

export class GraphBuilder {
  private nodes: number
  private readonly transactions: number
  private readonly edges = new IntList(1 << 16)

  constructor(transactions: number) {
    this.transactions = transactions
    this.nodes = transactions
  }

  junction(): number {
    return this.nodes++
  }

  /** Edges of a transaction to itself are left out. */
  link(from: number, to: number, kind: number): void {
    if (from === to) return
    this.edges.push3(from, to, kind)
  }

  /** An rw edge from every reader to every writer, but from none to itself. */
  linkAll(readers: readonly number[], writers: readonly number[]): void {
    if (readers.length * writers.length <= 4 * (readers.length + writers.length) + 64) {
      for (const reader of readers) for (const writer of writers) this.link(reader, writer, RW)
      return
    }
    const writing = new Set(writers)
    const both = [...new Set(readers.filter(reader => writing.has(reader)))]
    const updating = new Set(both)
    // Who only reads goes to all; who also writes, to those who only write, and to each other but not to itself.
    const fromReaders = this.junction()
    for (const reader of readers) if (!updating.has(reader)) this.link(reader, fromReaders, RW)
    for (const writer of writers) this.link(fromReaders, writer, RW)
    if (both.length === 0) return
    const fromUpdaters = this.junction()
    for (const one of both) this.link(one, fromUpdaters, RW)
    for (const writer of writers) if (!updating.has(writer)) this.link(fromUpdaters, writer, RW)
    this.linkNeighbours(both)
    this.linkNeighbours([...both].reverse())
  }

  /** An rw edge from each to all that follow, along a chain of junctions. */
  private linkNeighbours(all: readonly number[]): void {
    let before = -1
    for (let i = 1; i < all.length; i++) {
      const junction = this.junction()
      this.link(all[i - 1]!, junction, RW)
      if (before !== -1) this.link(before, junction, RW)
      this.link(junction, all[i]!, RW)
      before = junction
    }
  }

  build(): DependencyGraph {
    return compress(this.transactions, this.nodes, this.edges.view())
  }
}

/** `edges`: triples of source, target, kind. Edges of one node keep their order. */
export function compress(transactions: number, nodes: number, edges: Int32Array): DependencyGraph {
  const count = edges.length / 3
  const offsets = new Int32Array(nodes + 1)
  for (let i = 0; i < edges.length; i += 3) offsets[edges[i]! + 1]!++
  for (let node = 0; node < nodes; node++) offsets[node + 1]! += offsets[node]!
  const next = offsets.slice(0, nodes)
  const targets = new Int32Array(count)
  const kinds = new Uint8Array(count)
  for (let i = 0; i < edges.length; i += 3) {
    const place = next[edges[i]!]!++
    targets[place] = edges[i + 1]!
    kinds[place] = edges[i + 2]!
  }
  return { transactions, nodes, offsets, targets, kinds }
}
