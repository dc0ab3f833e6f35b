/**
 * The cycles of a dependency graph by kind, the shortest of each kind in each component (Adya's phenomena, and Elle's
 * variants with process and realtime edges):
 *
 *   G0              ww only
 *   G1c             ww and wr, at least one wr
 *   G-single        exactly one rw
 *   G-nonadjacent   two or more rw, no two in a row
 *   G2-item         two rw in a row somewhere (G2 where reads are of ranges, as polls are)
 *
 * A kind is looked for on three levels: data edges alone, with process edges, with realtime edges. What is found on one is
 * not reported again on the next. A data edge from a transaction to one that plainly came before it is a cycle of two; it is taken out then, so
 * that one stale read does not drown everything since in one component. An acyclic graph costs one pass of Tarjan's algorithm; otherwise everything happens in its
 * cyclic part. Whether a kind exists is decided by components, in linear time; only then are paths searched, each from an
 * edge that points backwards (every cycle has one), the short ones first.
 */
import { Budget, Exhausted } from './budget.ts'
import { type Components, cyclicPart, findComponents, type SubGraph, withoutAdjacentRw } from './components.ts'
import { ALL, DATA, type DependencyGraph, PROCESS, REALTIME, RW, WR, WW } from './dependency-graph.ts'
import { ADJACENT, ANY_PATH, type Automaton, type Cycle, NONADJACENT, PathSearch, type Region } from './path-search.ts'

export interface FoundCycle extends Cycle {
  /** G0, G1c-process, G2-item-realtime, ... */
  readonly anomaly: string
  /** Found on wr edges alone, without ww (only where that was asked for). */
  readonly readsOnly: boolean
}

export interface CycleSearch {
  readonly cycles: readonly FoundCycle[]
  /** Nodes in cycles, and how many components they form. */
  readonly cyclicTransactions: number
  readonly components: number
  /** Why the search ended early. */
  readonly unfinished: string | undefined
}

export interface CycleOptions {
  /** Reads are of ranges, so that cycles with several rw edges are G2 and not G2-item. */
  readonly ranges?: boolean
  /** Look for G1c on wr edges alone, too: in Kafka ww edges may go round. */
  readonly readsAlone?: boolean
  /** Readers may lag behind: an rw edge says nothing together with the orders that clients saw. */
  readonly lagging?: boolean
  /** PROCESS or REALTIME where the first transaction precedes the second in that order, otherwise 0. */
  readonly order?: (first: number, second: number) => number
}

const LEVELS = [
  { suffix: '', also: 0 },
  { suffix: '-process', also: PROCESS },
  { suffix: '-realtime', also: PROCESS | REALTIME },
] as const
/** Paths of at most so many edges are tried from everywhere before longer ones are. */
const TRIES = [3, 6, 12, 48, Number.MAX_SAFE_INTEGER]

/** The components of one level. */
interface Level {
  readonly writes: Components
  readonly reads: Components | undefined
  readonly flow: Components
  readonly all: Components
  readonly apart: Components
}

interface Edge {
  readonly from: number
  readonly to: number
  readonly kind: number
}

export function findCycles(graph: DependencyGraph, budget: Budget, options: CycleOptions = {}): CycleSearch {
  const cycles: FoundCycle[] = []
  let cyclicTransactions = 0
  let components = 0
  try {
    const parts = options.lagging === true ? [DATA, ALL & ~RW] : [ALL]
    const cyclic = parts.map(mask => findComponents(graph, mask, budget)).filter(({ count }) => count < graph.nodes)
    if (cyclic.length === 0) return { cycles, cyclicTransactions, components, unfinished: undefined }
    const part = cyclicPart(graph, cyclic)
    cyclicTransactions = part.transactions
    for (const { sizes } of cyclic) for (const size of sizes) if (size > 1) components++
    new Classifier(part, budget, options, cycles).run()
  } catch (error) {
    if (!(error instanceof Exhausted)) throw error
    const sought = cyclicTransactions === 0 ? 'before it was known whether there are cycles' : `while cycles among ${cyclicTransactions} transactions were sorted by kind`
    return { cycles, cyclicTransactions, components, unfinished: `${error.message}, ${sought}` }
  }
  return { cycles, cyclicTransactions, components, unfinished: undefined }
}

class Classifier {
  private readonly graph: SubGraph
  private readonly budget: Budget
  private readonly options: CycleOptions
  private readonly cycles: FoundCycle[]
  private readonly paths: PathSearch

  constructor(graph: SubGraph, budget: Budget, options: CycleOptions, cycles: FoundCycle[]) {
    this.graph = graph
    this.budget = budget
    this.options = options
    this.cycles = cycles
    this.paths = new PathSearch(graph, budget)
  }

  run(): void {
    const { options } = this
    const several = options.ranges === true ? 'G2' : 'G2-item'
    let before: Level | undefined
    for (const { suffix, also } of LEVELS) {
      if (also !== 0 && !this.graph.kinds.some(kind => (kind & ~DATA & also) !== 0)) continue
      if (also !== 0 && before !== undefined) this.takeOutDirect(suffix, also, before)
      const components = (mask: number): Components => findComponents(this.graph, mask, this.budget)
      const writes = components(WW | also)
      const reads = options.readsAlone === true ? components(WR | also) : undefined
      const flow = components(WW | WR | also)
      const all = components(DATA | also)

      this.shortest(`G0${suffix}`, this.backward(WW, edge => inside(writes, edge) && !inside(before?.writes, edge)), { mask: WW | also, component: writes.of }, ANY_PATH)
      if (reads !== undefined) {
        this.shortest(`G1c${suffix}`, this.backward(WR, edge => inside(reads, edge) && !inside(before?.reads, edge)), { mask: WR | also, component: reads.of }, ANY_PATH, true)
      }
      this.shortest(`G1c${suffix}`, this.backward(WW | WR, edge => inside(flow, edge) && !inside(writes, edge) && !inside(reads, edge) && !inside(before?.flow, edge)), { mask: WW | WR | also, component: flow.of }, ANY_PATH)

      if (options.lagging === true && also !== 0) {
        before = { ...before!, writes, reads, flow }
        continue
      }
      const apart = this.split(also)
      const against = this.against(flow, edge => inside(all, edge))
      const single = against.filter(edge => nonadjacent(apart, edge) && !nonadjacent(before?.apart, edge))
      const region: Region = { mask: WW | WR | also, component: all.of }
      const found = this.shortest(`G-single${suffix}`, single, { ...region, window: flow.of }, ANY_PATH)
      const told = new Set(found.map(({ from }) => apart.of[2 * from]!))
      this.shortest(`G-nonadjacent${suffix}`, single.filter(({ from }) => !told.has(apart.of[2 * from]!)), { ...region, mask: DATA | also }, NONADJACENT)
      this.shortest(`${several}${suffix}`, against.filter(edge => !nonadjacent(apart, edge) && !inside(before?.all, edge)), { ...region, mask: DATA | also }, ADJACENT)
      before = { writes, reads, flow, all, apart }
    }
  }

  private takeOutDirect(suffix: string, also: number, before: Level): void {
    const { offsets, targets, kinds, transactions, original } = this.graph
    const { order } = this.options
    if (order === undefined) return
    for (let from = 0; from < transactions; from++) {
      for (let at = offsets[from]!; at < offsets[from + 1]!; at++) {
        const to = targets[at]!
        const kind = kinds[at]!
        if (to >= from || (kind & DATA) === 0 || (kind === RW && this.options.lagging === true)) continue
        const edge = { from, to, kind }
        const known = kind === WW ? inside(before.writes, edge) : kind === WR ? inside(before.flow, edge) : nonadjacent(before.apart, edge)
        if (known) continue
        const seen = order(original[to]!, original[from]!)
        if ((seen & also) === 0 || (suffix === '-realtime' && seen !== REALTIME)) continue
        const name = kind === WW ? 'G0' : kind === WR ? 'G1c' : 'G-single'
        this.cycles.push({ anomaly: name + suffix, readsOnly: kind === WR, nodes: [original[from]!, original[to]!], kinds: [kind, seen] })
        kinds[at] = 0
      }
    }
  }

  private split(also: number): Components {
    return findComponents(withoutAdjacentRw(this.graph, DATA | also), 1, this.budget)
  }

  /** Data edges to a transaction that was invoked earlier; every cycle has one, since the other orders point forward. */
  private backward(mask: number, wanted: (edge: Edge) => boolean): Edge[] {
    return this.edges(mask, edge => edge.to < edge.from && wanted(edge))
  }

  /**
   * Rw edges that lead against the order of all others, or that lie within a cycle of those. Every cycle has one. Edges into junctions are not ordered by anything else.
   */
  private against({ of }: Components, wanted: (edge: Edge) => boolean): Edge[] {
    const { transactions } = this.graph
    return this.edges(RW, edge => {
      const { from, to } = edge
      const order = of[to]! - of[from]!
      return (to >= transactions || order >= 0) && wanted(edge)
    })
  }

  private edges(mask: number, wanted: (edge: Edge) => boolean): Edge[] {
    const { offsets, targets, kinds, transactions } = this.graph
    const found: Edge[] = []
    for (let from = 0; from < transactions; from++) {
      for (let at = offsets[from]!; at < offsets[from + 1]!; at++) {
        if ((kinds[at]! & mask) === 0) continue
        const edge = { from, to: targets[at]!, kind: kinds[at]! }
        if (wanted(edge)) found.push(edge)
      }
    }
    return found
  }

  /** Reports the shortest cycle of each component of the region that has one through a given edge; returns those edges. */
  private shortest(anomaly: string, starts: readonly Edge[], region: Region, automaton: Automaton, readsOnly = false): Edge[] {
    const through: Edge[] = []
    const byComponent = new Map<number, Edge[]>()
    for (const edge of starts) {
      const component = region.component[edge.from]!
      const edges = byComponent.get(component)
      if (edges === undefined) byComponent.set(component, [edge])
      else edges.push(edge)
    }
    for (const edges of byComponent.values()) {
      let best: Cycle | undefined
      let first = edges[0]!
      for (const most of TRIES) {
        for (const edge of edges) {
          const { from, to, kind } = edge
          const limit = best === undefined ? most : Math.min(most, best.nodes.length - 1)
          if (limit < 2) break
          // Within a cycle of the other edges there is no order to narrow the search by.
          const ordered = region.window !== undefined && to < this.graph.transactions && region.window[from] !== region.window[to]
          const within: Region = ordered ? region : { mask: region.mask, component: region.component }
          const cycle = this.paths.cycle(from, to, kind, within, automaton, limit)
          if (cycle === undefined) continue
          best = cycle
          first = edge
        }
        if (best !== undefined) break
      }
      if (best === undefined) continue
      through.push(first)
      this.cycles.push({ anomaly, readsOnly, nodes: best.nodes.map(node => this.graph.original[node]!), kinds: best.kinds })
    }
    return through
  }
}

function inside(one: Components | undefined, { from, to }: Edge): boolean {
  return one !== undefined && one.of[from] === one.of[to]
}

/** Does the rw edge lie on a closed walk without two rw edges in a row? Its source was reached otherwise, its target by rw. */
function nonadjacent(one: Components | undefined, { from, to }: Edge): boolean {
  return one !== undefined && one.of[2 * from] === one.of[2 * to + 1]
}
