/**
 * What is known of the order of a register's versions, as a graph of versions. Writes do not tell it, so it comes from what
 * may be assumed (Elle's options):
 *
 *   wfr-keys           within a transaction writes follow reads: what it read is before what it wrote
 *   sequential-keys    each key is sequentially consistent: what one process met of it, in order
 *   linearizable-keys  each key is linearizable: what was met before is before what was met by later transactions
 *
 * That nil is before everything else is always assumed, and needs no edges here. An assumption that makes the versions of a
 * key go round is a finding (cyclic-versions), and is then not believed for that key.
 */
import type { Budget } from './budget.ts'
import { findComponents } from './components.ts'
import { compress, type DependencyGraph, WW } from './dependency-graph.ts'
import { IntList } from './int-list.ts'
import { outerVersions, type RegisterHistory } from './register-history.ts'
import { FAILED, OK } from './transaction-table.ts'

export const VERSION_ORDERS = ['wfr-keys', 'sequential-keys', 'linearizable-keys'] as const
export type VersionOrder = (typeof VERSION_ORDERS)[number]

export interface CyclicVersions {
  readonly key: number
  readonly versions: readonly number[]
  /** What was assumed when the circle appeared. */
  readonly sources: readonly string[]
}

export interface Versions {
  /** Nodes are versions. */
  readonly graph: DependencyGraph
  readonly cyclic: readonly CyclicVersions[]
}

const NONE = -1

export function orderVersions(history: RegisterHistory, assumed: readonly VersionOrder[], budget: Budget): Versions {
  const count = history.values.length
  let edges = new IntList()
  const cyclic: CyclicVersions[] = []
  const sources = ['initial-state']
  for (const source of VERSION_ORDERS) {
    if (!assumed.includes(source)) continue
    const candidate = new IntList()
    for (const value of edges.view()) candidate.push(value)
    const link = (before: number, after: number): void => {
      // Nil is before all, and nothing is before nil but in a circle.
      if (before !== after && history.values[before] !== null) candidate.push3(before, after, WW)
    }
    budget.spend(history.transactions.count)
    if (source === 'wfr-keys') linkWithin(history, link)
    else if (source === 'sequential-keys') linkProcesses(history, link)
    else linkRealtime(history, link, budget)
    sources.push(source)
    const components = findComponents(compress(count, count, candidate.view()), WW, budget)
    const circles = new Map<number, number[]>()
    for (let version = 0; version < count; version++) {
      const component = components.of[version]!
      if (components.sizes[component]! > 1) circles.set(component, [...(circles.get(component) ?? []), version])
      else if (history.values[version] === null && hasEdgeInto(candidate, version)) circles.set(component, [version])
    }
    const distrusted = new Set<number>()
    for (const versions of circles.values()) {
      const key = history.versionKeys.at(versions[0]!)
      distrusted.add(key)
      cyclic.push({ key, versions, sources: [...sources] })
    }
    const believed = new IntList()
    const already = edges.length
    const all = candidate.view()
    for (let i = 0; i < all.length; i += 3) {
      if (i < already || !distrusted.has(history.versionKeys.at(all[i]!))) believed.push3(all[i]!, all[i + 1]!, WW)
    }
    edges = believed
  }
  return { graph: compress(count, count, edges.view()), cyclic }
}

function hasEdgeInto(edges: IntList, version: number): boolean {
  const all = edges.view()
  for (let i = 1; i < all.length; i += 3) if (all[i] === version) return true
  return false
}

type Link = (before: number, after: number) => void

function linkWithin(history: RegisterHistory, link: Link): void {
  for (let transaction = 0; transaction < history.transactions.count; transaction++) {
    if (history.transactions.status(transaction) === OK) for (const { first, last } of outerVersions(history, transaction).values()) link(first, last)
  }
}

function linkProcesses(history: RegisterHistory, link: Link): void {
  const { transactions } = history
  const last = new Map<number, Map<number, number>>()
  for (let transaction = 0; transaction < transactions.count; transaction++) {
    if (transactions.status(transaction) === FAILED) continue
    const process = transactions.process(transaction)
    let known = last.get(process)
    if (known === undefined) {
      known = new Map()
      last.set(process, known)
    }
    for (const [key, met] of outerVersions(history, transaction)) {
      const before = known.get(key)
      if (before !== undefined) link(before, met.first)
      known.set(key, met.last)
    }
  }
}

interface Touch {
  readonly first: number
  readonly last: number
  readonly invoked: number
  readonly completed: number
}

/** Per key, the transitive reduction of realtime order among the transactions that touched it. */
function linkRealtime(history: RegisterHistory, link: Link, budget: Budget): void {
  const { transactions } = history
  const touches = new Map<number, Touch[]>()
  for (let transaction = 0; transaction < transactions.count; transaction++) {
    const status = transactions.status(transaction)
    if (status === FAILED) continue
    const completed = status === OK ? transactions.completed(transaction).index : NONE
    for (const [key, { first, last }] of outerVersions(history, transaction)) {
      const touch = { first, last, invoked: transactions.invoked(transaction).index, completed }
      const known = touches.get(key)
      if (known === undefined) touches.set(key, [touch])
      else known.push(touch)
    }
  }
  for (const ofKey of touches.values()) {
    const completions = ofKey.filter(({ completed }) => completed !== NONE).sort((a, b) => a.completed - b.completed)
    /** Completed, and not followed by another that was invoked later and has completed, too. */
    let frontier: Touch[] = []
    let next = 0
    for (const touch of ofKey) {
      for (; next < completions.length && completions[next]!.completed < touch.invoked; next++) {
        const completion = completions[next]!
        frontier = frontier.filter(one => one.completed >= completion.invoked)
        frontier.push(completion)
      }
      budget.spend(frontier.length + 1)
      for (const one of frontier) link(one.last, touch.first)
    }
  }
}
