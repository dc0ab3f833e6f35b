/**
 * Shortest paths in the cyclic part of a dependency graph: breadth-first, through one component, optionally with a small
 * automaton that watches where rw edges are taken. A junction costs nothing: what lies behind it is at the same distance.
 */
import type { Budget } from './budget.ts'
import { type DependencyGraph, RW } from './dependency-graph.ts'

/** `next[2 * state + (is rw ? 1 : 0)]`: the state after an edge, -1 when it may not be taken. */
export interface Automaton {
  readonly states: number
  readonly next: readonly number[]
  /** Where the search may end. */
  readonly accepts: readonly boolean[]
  /** After the edge with which the cycle begins. */
  readonly start: number
}

/** Any edges that the mask lets through. */
export const ANY_PATH: Automaton = { states: 1, next: [0, 0], accepts: [true], start: 0 }
/** At least one more rw edge, and never two in a row, also where the cycle closes: state = 2 * (one more taken) + (last was rw). */
export const NONADJACENT: Automaton = { states: 4, next: [0, 3, 0, -1, 2, 3, 2, -1], accepts: [false, false, true, false], start: 1 }
/** Somewhere two rw edges in a row: 0 no, 1 the last was rw, 2 yes. Ending in 1, the last and the first are the two. */
export const ADJACENT: Automaton = { states: 3, next: [0, 1, 0, 2, 2, 2], accepts: [false, true, true], start: 1 }

export interface Cycle {
  /** Transactions of the searched graph in order, the first not repeated. */
  readonly nodes: readonly number[]
  /** `kinds[i]` leads from node i to the next. */
  readonly kinds: readonly number[]
}

/** What a search may walk on: edges of `mask` between nodes of one component; `window` narrows it further. */
export interface Region {
  readonly mask: number
  readonly component: Int32Array
  /** A topological numbering against the edges of the mask: nothing on a path lies outside of both ends' numbers. */
  readonly window?: Int32Array
}

export class PathSearch {
  private readonly graph: DependencyGraph
  private readonly budget: Budget
  private readonly stamps: Int32Array
  private readonly parents: Int32Array
  private readonly enteredBy: Uint8Array
  private epoch = 0

  constructor(graph: DependencyGraph, budget: Budget) {
    this.graph = graph
    this.budget = budget
    const most = graph.nodes * 4
    this.stamps = new Int32Array(most)
    this.parents = new Int32Array(most)
    this.enteredBy = new Uint8Array(most)
  }

  /**
   * The shortest cycle that begins with the edge source -> first of kind `kind`, of at most `longest` edges. Undefined when
   * there is none, or when the shortest such walk meets a transaction twice.
   */
  cycle(source: number, first: number, kind: number, region: Region, automaton: Automaton, longest: number): Cycle | undefined {
    const { states } = automaton
    const last = this.walk(first, source, region, automaton, longest - 1)
    if (last === -1) return undefined
    const nodes: number[] = []
    const kinds: number[] = []
    let entered = 0
    for (let place = last; place !== -1; place = this.parents[place]!) {
      const node = Math.floor(place / states)
      const edge = this.enteredBy[place]!
      // The edge into a junction is the edge to what lies behind it.
      if (node < this.graph.transactions) {
        if (entered !== 0) kinds.push(entered)
        nodes.push(node)
        entered = this.parents[place] === -1 ? kind : edge
      } else entered = this.parents[place] === -1 ? kind : edge
    }
    kinds.push(entered)
    nodes.reverse()
    kinds.reverse()
    // So far: what follows the source, ..., the source; kinds[i] leads to nodes[i].
    nodes.unshift(nodes.pop()!)
    if (new Set(nodes).size !== nodes.length) return undefined
    return { nodes, kinds }
  }

  /** The place (node and state) of the target, or -1. */
  private walk(first: number, target: number, region: Region, automaton: Automaton, longest: number): number {
    const { states, next, accepts, start } = automaton
    const { mask, component, window } = region
    const { offsets, targets, kinds, transactions } = this.graph
    const { stamps, parents, enteredBy } = this
    const epoch = ++this.epoch
    const inside = component[target]!
    if (component[first] !== inside) return -1
    const floor = window === undefined ? 0 : window[target]!
    const ceiling = window === undefined ? 0 : window[first]!
    let frontier: number[] = []
    let reached: number[] = []
    const junctions: number[] = []
    let found = -1

    const visit = (node: number, state: number, parent: number, kind: number): void => {
      const place = node * states + state
      if (stamps[place] === epoch) return
      stamps[place] = epoch
      parents[place] = parent
      enteredBy[place] = kind
      if (node === target) {
        // The cycle closes here or not at all.
        if (accepts[state] === true) found = place
      } else if (node >= transactions) junctions.push(place)
      else reached.push(place)
    }
    const openJunctions = (): void => {
      while (junctions.length > 0 && found === -1) {
        const place = junctions.pop()!
        const node = Math.floor(place / states)
        const state = place - node * states
        const end = offsets[node + 1]!
        this.budget.spend(end - offsets[node]!)
        for (let at = offsets[node]!; at < end; at++) {
          const to = targets[at]!
          // Whoever may enter a junction may leave it.
          if (component[to] === inside && (window === undefined || to >= transactions || (window[to]! >= floor && window[to]! <= ceiling))) visit(to, state, place, kinds[at]!)
        }
      }
      junctions.length = 0
    }

    visit(first, start, -1, 0)
    openJunctions()
    for (let distance = 1; distance <= longest && found === -1 && reached.length > 0; distance++) {
      const swap = frontier
      frontier = reached
      reached = swap
      reached.length = 0
      for (let i = 0; i < frontier.length && found === -1; i++) {
        const place = frontier[i]!
        const node = Math.floor(place / states)
        const state = place - node * states
        const end = offsets[node + 1]!
        this.budget.spend(end - offsets[node]! + 1)
        for (let at = offsets[node]!; at < end; at++) {
          const kind = kinds[at]!
          if ((kind & mask) === 0) continue
          const to = targets[at]!
          if (component[to] !== inside) continue
          if (window !== undefined && to < transactions && (window[to]! < floor || window[to]! > ceiling)) continue
          const after = next[2 * state + (kind === RW ? 1 : 0)]!
          if (after !== -1) visit(to, after, place, kind)
          if (found !== -1) break
        }
        if (found === -1) openJunctions()
      }
    }
    return found
  }
}
