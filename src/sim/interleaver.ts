/**
 * Decides what happens at the pause points of one node: nothing, or a small delay during which its other tasks and events
 * run. Counts visits per label, over all incarnations, so that a recorded choice names the n-th visit.
 */
import { below, draw32 } from '../base/random.ts'
import type { Kernel } from './kernel.ts'

/** Delays are 50 us times a power of two, up to 3.2 ms (25.6 ms with stalled threads), plus up to half of that. */
const SHORTEST_US = 50
const DOUBLINGS = 7
const STALLED_DOUBLINGS = 10
/** PCT: change points are drawn among this many visits of a node, and a slow label stays slow for so many visits. */
const PCT_HORIZON = 4_000
const PCT_SLOW_VISITS = 12

export class Interleaver {
  private readonly kernel: Kernel
  private readonly node: string
  private readonly doublings: number
  private readonly visits = new Map<string, number>()
  private readonly changePoints = new Set<number>()
  private slowVisits = new Map<string, number>()
  private total = 0
  private era = 0

  /** Undefined when pause points of this node never do anything. */
  static of(kernel: Kernel, node: string): Interleaver | undefined {
    const { choices, options } = kernel
    const acts = choices.isExplicit ? choices.interleaves(node) : options.interleaving.kind !== 'off'
    return acts ? new Interleaver(kernel, node) : undefined
  }

  private constructor(kernel: Kernel, node: string) {
    this.kernel = kernel
    this.node = node
    const { kind, depth } = kernel.options.interleaving
    this.doublings = kernel.options.buggify?.has('stalled-threads') === true ? STALLED_DOUBLINGS : DOUBLINGS
    if (kind !== 'pct') return
    for (let i = 0; i < depth; i++) this.changePoints.add(below(draw32(kernel.rootKey, 'pct-change', node, i), PCT_HORIZON))
  }

  /** Microseconds to wait at this visit; 0 to go on. */
  delayAt(label: string): number {
    const visit = (this.visits.get(label) ?? 0) + 1
    this.visits.set(label, visit)
    const { choices } = this.kernel
    const delay = choices.isExplicit ? choices.explicitValue(this.key(label, visit)) ?? 0 : this.drawn(label, visit)
    if (delay > 0) this.kernel.fire(this.key(label, visit), delay)
    return delay
  }

  private key(label: string, visit: number): string {
    return `interleave:${this.node}:${label}:${visit}`
  }

  private drawn(label: string, visit: number): number {
    const { rootKey, options } = this.kernel
    const { kind, probability } = options.interleaving
    if (kind === 'random') {
      const draw = draw32(rootKey, 'interleave', this.node, label, visit)
      return draw < probability * 0x100000000 ? this.length(draw32(rootKey, 'interleave-length', this.node, label, visit)) : 0
    }
    if (this.changePoints.has(this.total++)) {
      this.era++
      this.slowVisits = new Map()
    }
    const priority = draw32(rootKey, 'pct-priority', this.node, label, this.era)
    if ((priority & 3) !== 0) return 0
    const slow = (this.slowVisits.get(label) ?? 0) + 1
    this.slowVisits.set(label, slow)
    return slow <= PCT_SLOW_VISITS ? this.length(priority) : 0
  }

  private length(draw: number): number {
    const base = SHORTEST_US << ((draw >>> 8) % this.doublings)
    return base + ((draw >>> 16) % (base >>> 1))
  }
}
