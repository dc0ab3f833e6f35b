/**
 * Strongly connected components: Tarjan's algorithm without recursion, over the edges whose kind is in `mask`.
 *
 * Components are numbered against the edges: an edge between two leads to the smaller number. Roots are taken from the
 * last transaction to the first, so where edges point forward in time the numbers do too, backwards, also between
 * transactions that no path relates. The cycle search prunes by that.
 */
import type { Budget } from './budget.ts'
import { compress, type DependencyGraph, RW } from './dependency-graph.ts'
import { IntList } from './int-list.ts'

export interface Components {
  /** The component of each node. */
  readonly of: Int32Array
  readonly count: number
  /** Nodes of each component. */
  readonly sizes: Int32Array
}

export function findComponents(graph: DependencyGraph, mask: number, budget: Budget): Components {
  const { nodes, transactions, offsets, targets, kinds } = graph
  const of = new Int32Array(nodes).fill(-1)
  const order = new Int32Array(nodes)
  const low = new Int32Array(nodes)
  const cursor = offsets.slice(0, nodes)
  const path = new Int32Array(nodes)
  const open = new Int32Array(nodes)
  let depth = -1
  let opened = 0
  let visited = 0
  let count = 0
  const sizes: number[] = []
  budget.spend(targets.length + nodes)
  for (let turn = 0; turn < nodes; turn++) {
    const root = turn < transactions ? transactions - 1 - turn : turn
    if (order[root] !== 0) continue
    order[root] = low[root] = ++visited
    path[++depth] = root
    open[opened++] = root
    while (depth >= 0) {
      const node = path[depth]!
      const end = offsets[node + 1]!
      let at = cursor[node]!
      let lowest = low[node]!
      let child = -1
      for (; at < end; at++) {
        if ((kinds[at]! & mask) === 0) continue
        const target = targets[at]!
        const seen = order[target]!
        if (seen === 0) {
          child = target
          break
        }
        if (seen < lowest && of[target] === -1) lowest = seen
      }
      low[node] = lowest
      if (child !== -1) {
        cursor[node] = at + 1
        order[child] = low[child] = ++visited
        path[++depth] = child
        open[opened++] = child
        continue
      }
      depth--
      if (lowest === order[node]) {
        const before = opened
        do of[open[--opened]!] = count
        while (open[opened] !== node)
        sizes.push(before - opened)
        count++
      } else {
        const parent = path[depth]!
        if (lowest < low[parent]!) low[parent] = lowest
      }
    }
  }
  return { of, count, sizes: Int32Array.from(sizes) }
}

export interface SubGraph extends DependencyGraph {
  /** The node of the whole graph that each node stands for. */
  readonly original: Int32Array
}

/** The part of a graph that has cycles: nodes of components with more than one, and the edges inside those. */
export function cyclicPart(graph: DependencyGraph, components: readonly Components[]): SubGraph {
  const { offsets, targets, kinds } = graph
  const place = new Int32Array(graph.nodes).fill(-1)
  const original: number[] = []
  let transactions = 0
  for (let node = 0; node < graph.nodes; node++) {
    if (!components.some(({ of, sizes }) => sizes[of[node]!]! > 1)) continue
    place[node] = original.length
    original.push(node)
    if (node < graph.transactions) transactions++
  }
  const edges = new IntList()
  for (const node of original) {
    for (let at = offsets[node]!; at < offsets[node + 1]!; at++) {
      const target = targets[at]!
      if (components.some(({ of }) => of[target] === of[node])) edges.push3(place[node]!, place[target]!, kinds[at]!)
    }
  }
  return { ...compress(transactions, original.length, edges.view()), original: Int32Array.from(original) }
}

/**
 * Every node twice: as reached by an edge other than rw (number 2x) and by an rw edge (2x + 1), from where no further rw
 * edge leaves. Its cycles are those without two rw edges in a row: what snapshot isolation forbids.
 */
export function withoutAdjacentRw(graph: DependencyGraph, mask: number): DependencyGraph {
  const { nodes, transactions, offsets, targets, kinds } = graph
  const edges = new IntList()
  for (let node = 0; node < nodes; node++) {
    const junction = node >= transactions
    for (let at = offsets[node]!; at < offsets[node + 1]!; at++) {
      if ((kinds[at]! & mask) === 0) continue
      const target = targets[at]!
      if (kinds[at] === RW && !junction) edges.push3(2 * node, 2 * target + 1, 1)
      else {
        edges.push3(2 * node, 2 * target, 1)
        edges.push3(2 * node + 1, junction ? 2 * target + 1 : 2 * target, 1)
      }
    }
  }
  return compress(2 * transactions, 2 * nodes, edges.view())
}
