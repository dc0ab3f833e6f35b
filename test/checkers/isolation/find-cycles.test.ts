/**
 * The cycle search against a list of all simple cycles of small random graphs: what it reports is there and of the kind that
 * it says, nothing that exists is missed (or something worse is reported), and the shortest is the shortest.
 */
import { describe, expect, it } from 'vitest'
import { Budget } from '../../../checkers/isolation/budget.ts'
import { findComponents } from '../../../checkers/isolation/components.ts'
import { CONSISTENCY_MODELS, forbids } from '../../../checkers/isolation/consistency-models.ts'
import { ALL, type DependencyGraph, GraphBuilder, PROCESS, REALTIME, RW, WR, WW } from '../../../checkers/isolation/dependency-graph.ts'
import { findCycles } from '../../../checkers/isolation/find-cycles.ts'
import { KeyedRandom } from './seeded.ts'

interface Edge {
  readonly from: number
  readonly to: number
  readonly kind: number
}

function build(nodes: number, edges: readonly Edge[]): DependencyGraph {
  const builder = new GraphBuilder(nodes)
  for (const { from, to, kind } of edges) builder.link(from, to, kind)
  return builder.build()
}

/** Data edges anywhere; process and realtime edges forward, as those of a history are. */
function randomEdges(random: KeyedRandom, nodes: number, count: number, kinds: readonly number[]): Edge[] {
  return Array.from({ length: count }, () => {
    const kind = kinds[random.below(kinds.length)]!
    const [a, b] = [random.below(nodes), random.below(nodes)]
    return kind === PROCESS || kind === REALTIME ? { from: Math.min(a, b), to: Math.max(a, b), kind } : { from: a, to: b, kind }
  }).filter(({ from, to }) => from !== to)
}

function kindOf(kinds: readonly number[]): string {
  const rw = kinds.filter(kind => kind === RW).length
  const adjacent = kinds.some((kind, i) => kind === RW && kinds[(i + 1) % kinds.length] === RW)
  const base = rw === 1 ? 'G-single' : rw > 1 ? adjacent ? 'G2-item' : 'G-nonadjacent' : kinds.includes(WR) ? 'G1c' : 'G0'
  return base + (kinds.includes(REALTIME) ? '-realtime' : kinds.includes(PROCESS) ? '-process' : '')
}

/** Every simple cycle (as the kinds of its edges), by kind the length of the shortest. */
function allCycles(nodes: number, edges: readonly Edge[]): Map<string, number> {
  const shortest = new Map<string, number>()
  const from = Array.from({ length: nodes }, (_, node) => edges.filter(edge => edge.from === node))
  const walk = (start: number, node: number, seen: number, kinds: readonly number[]): void => {
    for (const { to, kind } of from[node]!) {
      if (to === start) {
        const name = kindOf([...kinds, kind])
        if ((shortest.get(name) ?? Infinity) > kinds.length + 1) shortest.set(name, kinds.length + 1)
      } else if (to > start && (seen & (1 << to)) === 0) walk(start, to, seen | (1 << to), [...kinds, kind])
    }
  }
  for (let start = 0; start < nodes; start++) walk(start, start, 1 << start, [])
  return shortest
}

/** Is what was found wrong in every model that forbids what there is? */
function covers(found: string, wanted: string): boolean {
  return CONSISTENCY_MODELS.every(model => !forbidden(model, wanted) || forbidden(model, found))
}

const known = new Map<string, boolean>()
function forbidden(model: string, anomaly: string): boolean {
  const question = `${model} ${anomaly}`
  const answer = known.get(question) ?? forbids(model, anomaly, true)
  known.set(question, answer)
  return answer
}

const COUNT = Number(process.env['ISOLATION_HISTORIES'] ?? 6_000)

describe('cycles of random graphs', () => {
  it.each([
    ['of data edges', [WW, WR, RW, RW]],
    ['with session order', [WW, WR, RW, PROCESS]],
    ['with all edges', [WW, WR, RW, RW, PROCESS, REALTIME, REALTIME]],
    ['of few overwrites', [WR, RW, RW, REALTIME]],
  ])('%s', (_, kinds) => {
    let cyclic = 0
    for (let seed = 1; seed <= COUNT / 4; seed++) {
      const random = new KeyedRandom(seed)
      const nodes = 3 + random.below(5)
      const edges = randomEdges(random, nodes, 3 + random.below(9), kinds)
      const all = allCycles(nodes, edges)
      const { cycles } = findCycles(build(nodes, edges), new Budget())
      const say = (why: string): string => `seed ${seed}: ${why}; there are ${JSON.stringify([...all])}, reported ${JSON.stringify(cycles.map(({ anomaly, nodes: round }) => [anomaly, round]))}\n${JSON.stringify(edges)}`
      for (const { anomaly, nodes: round, kinds: steps } of cycles) {
        const real = steps.every((kind, i) => edges.some(edge => edge.from === round[i] && edge.to === round[(i + 1) % round.length] && edge.kind === kind))
        if (!real || new Set(round).size !== round.length || round.length !== steps.length) expect.fail(say(`${anomaly} is no cycle`))
        if (kindOf(steps) !== anomaly) expect.fail(say(`what is called ${anomaly} is ${kindOf(steps)}`))
      }
      for (const [kind, length] of all) {
        if (!cycles.some(({ anomaly }) => covers(anomaly, kind))) expect.fail(say(`${kind} was missed`))
        const same = cycles.filter(({ anomaly }) => anomaly === kind)
        if ((kind === 'G0' || kind === 'G-single') && same.length > 0 && Math.min(...same.map(one => one.nodes.length)) > length) expect.fail(say(`there is a shorter ${kind}`))
      }
      if (all.size > 0) cyclic++
    }
    expect(cyclic).toBeGreaterThan(COUNT / 16)
    expect(cyclic).toBeLessThan(COUNT / 4)
  })

  it('through junctions are those through the edges that they stand for', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const random = new KeyedRandom(seed)
      const [readers, writers] = [0, 1].map(() => Array.from({ length: 30 }, () => random.below(40)))
      const edges = randomEdges(random, 40, 12, [WW, WR])
      const [packed, plain] = [new GraphBuilder(40), new GraphBuilder(40)]
      for (const { from, to, kind } of edges) for (const builder of [packed, plain]) builder.link(from, to, kind)
      packed.linkAll([...new Set(readers)], [...new Set(writers)])
      for (const reader of readers!) for (const writer of writers!) plain.link(reader, writer, RW)
      const [a, b] = [packed, plain].map(builder => builder.build())
      expect(a!.targets.length).toBeLessThan(b!.targets.length)
      const [inA, inB] = [a!, b!].map(graph => findComponents(graph, ALL, new Budget()))
      for (let x = 0; x < 40; x++) for (let y = 0; y < 40; y++) expect(inA!.of[x] === inA!.of[y]).toBe(inB!.of[x] === inB!.of[y])
      const kinds = (graph: DependencyGraph) => [...new Set(findCycles(graph, new Budget()).cycles.map(({ anomaly }) => anomaly))].sort()
      expect(kinds(a!)).toEqual(kinds(b!))
    }
  })
})

describe('a search', () => {
  const ring = (nodes: number): DependencyGraph => build(nodes, Array.from({ length: nodes }, (_, from) => ({ from, to: (from + 1) % nodes, kind: WW })))

  it('follows a ring of 200 000 transactions round', () => {
    const { cycles, cyclicTransactions, components } = findCycles(ring(200_000), new Budget())
    expect(cycles.map(({ anomaly, nodes }) => [anomaly, nodes.length])).toEqual([['G0', 200_000]])
    expect([cyclicTransactions, components]).toEqual([200_000, 1])
  })

  it('ends where the budget does, at the same place every time, with what it has found', () => {
    const run = (steps: number) => findCycles(ring(1_000), new Budget({ steps }))
    expect(run(1_000).unfinished).toMatch(/the budget of 1000 steps was used up, before it was known whether there are cycles/)
    expect(run(9_000).unfinished).toMatch(/while cycles among 1000 transactions were sorted by kind/)
    expect(run(9_000)).toEqual(run(9_000))
    expect(run(1_000_000).unfinished).toBeUndefined()
  })

  it('ends when the time is up', () => {
    let asked = 0
    const { unfinished } = findCycles(ring(300_000), new Budget({ expired: () => ++asked > 1 }))
    expect(unfinished).toMatch(/the time was up after \d+ steps/)
    expect(asked).toBe(2)
  })
})
